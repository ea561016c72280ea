//! The transaction hooks of wrapper classes. The danger is losing count: each instance that took part
//! hears of each end exactly once, after errors too, and of no level that it was not told to begin.

use std::rc::Rc;

use pyo3::call::PyCallArgs;
use pyo3::prelude::*;

use super::instance::{self, Instance};
use crate::bridge::{self, Failure};
use crate::error::{Error, SqlState};
use crate::pg::guard;
use crate::pg::memory::{Access, ForLife};
use crate::pg::xact::{self, Event};

/// An instance that was used in the running transaction.
struct Participant {
    instance: Rc<Instance>,
    /// The innermost nesting level that it has been told of; 1 is the transaction itself.
    level: i32,
    /// Whether `sub_commit` of that level was called, and the level is not over yet.
    released: bool,
}

thread_local! {
    static PARTICIPANTS: ForLife<Vec<Participant>> = ForLife::default();
    /// The level into which a class has released what the server then rolled back, and the class.
    static STRANDED: ForLife<Option<(i32, String)>> = ForLife::default();
}

/// Tells `instance` of the transaction and its open savepoints, as far as it does not know them yet.
///
/// Called before each use that is more than planning.
pub(super) fn join(instance: &Rc<Instance>) -> Result<(), Error> {
    if !instance.class.hooks.any() {
        return Ok(());
    }
    xact::listen(listener)?;
    let known = PARTICIPANTS
        .read(|all| all.iter().find(|known| Rc::ptr_eq(&known.instance, instance)).map(|known| known.level));
    let mut level = match known {
        Some(level) => level,
        None => {
            if instance.class.hooks.begin {
                let serializable = i32::from(xact::is_serializable());
                bridge::call_early_hook("begin", |py| call(py, instance, "begin", (serializable,)))?;
            }
            let instance = instance.clone();
            PARTICIPANTS.change(|all| all.push(Participant { instance, level: 1, released: false }));
            1
        }
    };
    while level < xact::nesting_level() {
        level += 1;
        if instance.class.hooks.sub_begin {
            bridge::call_early_hook("sub_begin", |py| call(py, instance, "sub_begin", (level,)))?;
        }
        set_level(instance, level);
    }
    Ok(())
}

/// Notes the level that `instance` is at, and returns whether it had released the one before.
fn set_level(instance: &Rc<Instance>, level: i32) -> bool {
    PARTICIPANTS.change(|all| {
        let known = all.iter_mut().find(|known| Rc::ptr_eq(&known.instance, instance));
        known.is_some_and(|known| {
            known.level = level;
            std::mem::replace(&mut known.released, false)
        })
    })
}

fn listener(event: Event) -> Result<(), Error> {
    match event {
        Event::PreCommit => pre_commit(),
        Event::PrePrepare => refuse_prepare(),
        Event::Commit => {
            finish("commit", |instance| instance.class.hooks.commit);
            Ok(())
        }
        Event::Abort => {
            finish("rollback", |instance| instance.class.hooks.rollback);
            Ok(())
        }
        Event::PreCommitSub(level) => sub_commit(level),
        Event::AbortSub(_, level) => {
            sub_rollback(level);
            Ok(())
        }
        Event::CommitSub { .. } => {
            sub_committed(xact::nesting_level());
            Ok(())
        }
    }
}

fn pre_commit() -> Result<(), Error> {
    if let Some((_, named)) = STRANDED.read(Clone::clone) {
        return Err(Error::new(
            SqlState::TRANSACTION_ROLLBACK,
            "cannot commit, since a savepoint that failed to be released was rolled back only in part",
        )
        .detail(format!("{named} had released it already."))
        .hint("Roll back to a savepoint before that one, or roll back the transaction."));
    }
    // A hook must not see a list that another hook changes.
    let all: Vec<Rc<Instance>> =
        PARTICIPANTS.read(|all| all.iter().map(|known| known.instance.clone()).collect());
    all.iter()
        .filter(|instance| instance.class.hooks.pre_commit)
        .try_for_each(|instance| bridge::call_hook("pre_commit", |py| call(py, instance, "pre_commit", ())))
}

fn named(instance: &Instance) -> String {
    format!("{} for table \"{}\"", instance.class.name, instance.table().name)
}

/// COMMIT PREPARED reaches no callback, and any backend may run it: the class could not follow.
fn refuse_prepare() -> Result<(), Error> {
    let mut names: Vec<String> =
        PARTICIPANTS.read(|all| all.iter().map(|known| named(&known.instance)).collect());
    if names.is_empty() {
        return Ok(());
    }
    names.sort();
    Err(Error::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        "cannot PREPARE a transaction that has used foreign tables with transaction hooks",
    )
    .detail(format!("Used were: {}.", names.join(", ")))
    .hint("Use COMMIT or ROLLBACK."))
}

/// The end of the transaction: everybody is told, and what they raise is a warning.
fn finish(hook: &str, wanted: impl Fn(&Instance) -> bool) {
    STRANDED.change(|stranded| *stranded = None);
    for known in PARTICIPANTS.change(std::mem::take) {
        if wanted(&known.instance) {
            told(bridge::call_hook(hook, |py| call(py, &known.instance, hook, ())));
        }
        // Replaced in this transaction, it was kept only for this.
        instance::let_go(known.instance);
    }
}

/// Asks for the release of `level`; any of those who are asked, or the server, may still fail.
fn sub_commit(level: i32) -> Result<(), Error> {
    for instance in at_level(level) {
        if instance.class.hooks.sub_commit {
            bridge::call_hook("sub_commit", |py| call(py, &instance, "sub_commit", (level,)))?;
            PARTICIPANTS.change(|all| {
                all.iter_mut()
                    .filter(|known| Rc::ptr_eq(&known.instance, &instance))
                    .for_each(|known| known.released = true);
            });
        }
    }
    Ok(())
}

/// The level is part of the one above.
fn sub_committed(level: i32) {
    for instance in at_level(level) {
        set_level(&instance, level - 1);
    }
    STRANDED.change(|stranded| {
        if let Some((at, _)) = stranded {
            *at = (*at).min(level - 1);
        }
    });
}

fn sub_rollback(level: i32) {
    // What was stranded at this level or in it goes now: each class is told to undo all of the level.
    STRANDED.change(|stranded| *stranded = stranded.take().filter(|(at, _)| *at < level));
    for instance in at_level(level) {
        // First, so that a hook that raises is not called again for the same level.
        if set_level(&instance, level - 1) {
            // It has nothing of this level to undo any more, and the one above has too much.
            STRANDED.change(|stranded| {
                stranded.get_or_insert_with(|| (level - 1, named(&instance)));
            });
            continue;
        }
        if instance.class.hooks.sub_rollback {
            told(bridge::call_hook("sub_rollback", |py| call(py, &instance, "sub_rollback", (level,))));
        }
    }
}

/// Those who were told of `level`.
fn at_level(level: i32) -> Vec<Rc<Instance>> {
    PARTICIPANTS.read(|all| {
        all.iter().filter(|known| known.level >= level).map(|known| known.instance.clone()).collect()
    })
}

fn call<'py>(
    py: Python<'py>,
    instance: &Instance,
    hook: &str,
    arguments: impl PyCallArgs<'py>,
) -> Result<(), Failure> {
    instance.object.bind(py).call_method1(hook, arguments)?;
    Ok(())
}

fn told(outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        guard::warn(error);
    }
}
