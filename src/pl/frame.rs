//! The functions that run now, the innermost last. The danger is a frame left behind: it is taken off by
//! its guard, since errors are values on the way out and no jump crosses a handler.

use std::rc::Rc;

use crate::bridge::sql::{Caller, called_by};
use crate::bridge::{state, subtransaction};
use crate::error::{Error, Level, Report, SqlState};
use crate::pg::guard;
use crate::pg::memory::{Access, ForLife};

use super::routine::Routine;
use super::site::Site;
use super::{Language, ended};

/// What the Python code on top of the stack may do.
#[derive(Clone)]
pub(crate) struct Frame {
    /// `None` in a DO block.
    pub(crate) routine: Option<Rc<Routine>>,
    pub(crate) language: Language,
    /// Whether it may end transactions.
    pub(crate) may_commit: bool,
    /// Whether SQL run by it must not write: it is STABLE or IMMUTABLE.
    pub(crate) read_only: bool,
    /// What called it; `None` for a block, and while a function is loaded.
    pub(crate) site: Option<Rc<Site>>,
}

impl Frame {
    /// What the CONTEXT of an error says of it.
    pub(crate) fn place(&self) -> &'static std::ffi::CStr {
        match (&self.routine, self.language) {
            (Some(routine), _) => routine.place(),
            (None, super::Language::Python) => c"Python anonymous code block",
            (None, super::Language::Plpy) => c"PL/Python anonymous code block",
        }
    }

    /// What holds for SQL that it runs.
    pub(super) fn caller(&self) -> Caller {
        Caller::Function { read_only: self.read_only, atomic: !self.may_commit }
    }
}

thread_local! {
    static FRAMES: ForLife<Vec<Frame>> = ForLife::default();
}

/// Runs `work` with `frame` as the innermost.
///
/// What it leaves open or swallows is an error then, if its language says so.
pub(super) fn within<T>(frame: Frame, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    struct Pop;
    impl Drop for Pop {
        fn drop(&mut self) {
            // A routine's end may run Python code, which may look here.
            let frame = FRAMES.change(Vec::pop);
            drop(frame);
        }
    }
    ended::sweep();
    let (caller, language) = (frame.caller(), frame.language);
    let kind = match language {
        Language::Python => state::Kind::Strict,
        Language::Plpy => state::Kind::Lenient,
    };
    FRAMES.change(|frames| frames.push(frame));
    let _pop = Pop;
    called_by(caller, || state::in_call(kind, || closing(language, work)))
}

/// The innermost function or block, if any runs.
pub(crate) fn current() -> Option<Frame> {
    FRAMES.read(|frames| frames.last().cloned())
}

/// Runs a function, and ends the subtransactions that it has left open.
#[inline]
fn closing<T>(language: super::Language, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let before = subtransaction::open_count();
    let result = work();
    if subtransaction::open_count() > before { close(before, language, result) } else { result }
}

#[cold]
fn close<T>(before: usize, language: super::Language, result: Result<T, Error>) -> Result<T, Error> {
    let left = subtransaction::abandon(before)?;
    match language {
        super::Language::Plpy => {
            for _ in 0..left {
                let text = "forcibly aborting a subtransaction that has not been exited";
                guard::emit(Level::Warning, Report::new(SqlState::WARNING, text))?;
            }
            result
        }
        super::Language::Python => result.and_then(|_| {
            Err(Error::new(SqlState::PYTHON_PROTOCOL, "function failed to exit all subtransactions"))
        }),
    }
}
