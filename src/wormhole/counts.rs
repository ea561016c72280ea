//! How often functions were called, kept in memory and written now and then before a commit, and at the end
//! of the session. The danger is a call that writes because it was counted: never on a standby, in a
//! transaction that reads only, or where a row changed by another would fail it; and a row that another
//! session is counting is left for later.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use pgrx::pg_sys::Oid;

use super::registry::{self, Function};
use crate::bridge;
use crate::error::Error;
use crate::pg::memory::{Access, ForLife};
use crate::pg::session_end::{self, Last};
use crate::pg::xact::{self, Event};
use crate::pg::{caller, guard};

/// At most one write in this time.
const PAUSE: Duration = Duration::from_secs(10);
/// More functions than a session calls between two writes.
const MOST: usize = 500;
/// Characters of an error.
const LONGEST: usize = 500;

/// The calls of a function that are not written yet. It holds no more of the function than it needs: sources
/// may be large, and what cannot be written is kept for as long as the session lasts.
#[derive(Debug)]
pub(super) struct Counter {
    id: String,
    owner: Oid,
    calls: Cell<u64>,
    time: Cell<Duration>,
    error: RefCell<Option<String>>,
}

/// The same, taken to be written.
struct Count {
    counter: Rc<Counter>,
    calls: u64,
    time: Duration,
    error: Option<String>,
}

#[derive(Default)]
struct Counts {
    listening: bool,
    written: Option<Instant>,
    /// Those with calls that are not written.
    pending: Vec<Rc<Counter>>,
}

thread_local! {
    static COUNTS: ForLife<Counts> = ForLife::default();
}

/// The counter of a function that has been looked up, perhaps once more.
pub(super) fn counter(id: &str, owner: Oid) -> Rc<Counter> {
    let known =
        |counts: &Counts| counts.pending.iter().find(|known| known.id == id && known.owner == owner).cloned();
    COUNTS.read(known).unwrap_or_else(|| {
        let (calls, time, error) = Default::default();
        Rc::new(Counter { id: id.to_owned(), owner, calls, time, error })
    })
}

/// Counts a call.
#[inline]
pub(super) fn note(function: &Function, time: Duration, error: Option<&Error>) -> Result<(), Error> {
    let counter = &function.counter;
    if counter.calls.get() == 0 && !enlist(counter)? {
        return Ok(());
    }
    counter.calls.set(counter.calls.get() + 1);
    counter.time.set(counter.time.get() + time);
    if let Some(report) = error.and_then(Error::report) {
        let text = format!("{}: {}", report.sqlstate.text(), report.message);
        counter.error.replace(Some(text.chars().take(LONGEST).collect()));
    }
    Ok(())
}

/// Takes one into the list of those to be written, if that is not too long.
#[cold]
fn enlist(counter: &Rc<Counter>) -> Result<bool, Error> {
    if !COUNTS.read(|counts| counts.listening) {
        xact::listen(listener)?;
        session_end::do_last(Last { is_needed: is_any, work: write_last })?;
    }
    Ok(COUNTS.change(|counts| {
        counts.listening = true;
        let room = counts.pending.len() < MOST;
        if room {
            counts.pending.push(counter.clone());
        }
        room
    }))
}

fn listener(event: Event) -> Result<(), Error> {
    if event == Event::PreCommit && is_due() && caller::may_write_aside() {
        COUNTS.change(|counts| counts.written = Some(Instant::now()));
        let pending = take();
        // Counting fails no commit.
        match bridge::survive(|| caller::with_snapshot(|| write(&pending))) {
            Ok(left) => {
                let kept = pending.into_iter().enumerate().filter(|(at, _)| left.contains(at));
                keep(kept.map(|(_, count)| count));
            }
            Err(error) => {
                keep(pending);
                if error.is_intervention() {
                    return Err(error);
                }
                guard::warn(error);
            }
        }
    }
    Ok(())
}

fn is_any() -> bool {
    COUNTS.read(|counts| !counts.pending.is_empty())
}

/// At the end of the session; what cannot be written at once is lost.
fn write_last() -> Result<(), Error> {
    COUNTS.change(|counts| counts.written = Some(Instant::now()));
    if caller::may_write_aside() {
        write(&take())?;
    }
    Ok(())
}

fn is_due() -> bool {
    COUNTS.read(|counts| {
        !counts.pending.is_empty() && counts.written.is_none_or(|written| written.elapsed() >= PAUSE)
    })
}

/// What is to be written; it counts as written unless it is kept again.
fn take() -> Vec<Count> {
    let pending = COUNTS.change(|counts| std::mem::take(&mut counts.pending));
    let taken = |counter: Rc<Counter>| {
        let (calls, time, error) = (counter.calls.take(), counter.time.take(), counter.error.take());
        Count { counter, calls, time, error }
    };
    pending.into_iter().map(taken).collect()
}

/// Counts again what was not written.
fn keep(left: impl IntoIterator<Item = Count>) {
    for Count { counter, calls, time, error } in left {
        let Counter { calls: all, time: whole, error: last, .. } = &*counter;
        let is_listed = all.get() > 0;
        all.set(all.get() + calls);
        whole.set(whole.get() + time);
        let newer = last.take();
        last.replace(newer.or(error));
        if !is_listed {
            COUNTS.change(|counts| counts.pending.push(counter.clone()));
        }
    }
}

/// Writes what can be written now, and returns the places of the rest.
fn write(pending: &[Count]) -> Result<Vec<usize>, Error> {
    let home = registry::home()?;
    // Whoever truncates the table, or rebuilds it, may take long.
    if !caller::lock_at_once(home.functions)? {
        return Ok((0..pending.len()).collect());
    }
    let mut left = Vec::new();
    for (at, count) in pending.iter().enumerate() {
        let (id, owner) = (&count.counter.id, &registry::number(count.counter.owner));
        let (calls, time) = (count.calls.to_string(), (count.time.as_secs_f64() * 1000.0).to_string());
        let written = home.query(
            "UPDATE ~wormhole_functions f SET execution_count = execution_count + $3::bigint,
                last_executed = now(), total_time = total_time + $4::float8,
                last_error = coalesce($5, last_error)
             WHERE f.ctid = (SELECT o.ctid FROM ~wormhole_functions o
                WHERE o.func_id = $1 AND o.created_by::oid = $2::oid FOR UPDATE SKIP LOCKED)
             RETURNING 'x'",
            &[Some(id), Some(owner), Some(&calls), Some(&time), count.error.as_deref()],
        )?;
        if written.is_empty() && is_there(&home, id, owner)? {
            left.push(at);
        }
    }
    Ok(left)
}

fn is_there(home: &registry::Home, id: &str, owner: &str) -> Result<bool, Error> {
    let rows = home.query(
        "SELECT 'x' FROM ~wormhole_functions WHERE func_id = $1 AND created_by::oid = $2::oid",
        &[Some(id), Some(owner)],
    )?;
    Ok(!rows.is_empty())
}
