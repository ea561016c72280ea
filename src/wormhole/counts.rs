//! How often functions were called, kept in memory and written now and then before a commit. The danger is a
//! call that writes because it was counted: never on a standby, in a transaction that reads only, or where a
//! row changed by another would fail it; and a row that another session is counting is left for later.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::registry::{self, Function};
use crate::bridge;
use crate::error::{Error, SqlState};
use crate::pg::memory::{Access, ForLife};
use crate::pg::xact::{self, Event};
use crate::pg::{caller, guard};

/// At most one write in this time.
const PAUSE: Duration = Duration::from_secs(10);
/// More functions than a session calls between two writes.
const MOST: usize = 500;
/// Characters of an error.
const LONGEST: usize = 500;

#[derive(Clone, Debug, Default)]
struct Count {
    calls: u64,
    time: Duration,
    error: Option<String>,
}

#[derive(Default)]
struct Counts {
    listening: bool,
    written: Option<Instant>,
    /// By id and owner.
    pending: HashMap<(String, String), Count>,
}

thread_local! {
    static COUNTS: ForLife<Counts> = ForLife::default();
}

/// Counts a call.
pub(super) fn note(function: &Function, time: Duration, error: Option<&Error>) -> Result<(), Error> {
    if !COUNTS.read(|counts| counts.listening) {
        xact::listen(listener)?;
    }
    let error = error.and_then(Error::report).map(|report| {
        let text = format!("{}: {}", report.sqlstate.text(), report.message);
        text.chars().take(LONGEST).collect()
    });
    COUNTS.change(|counts| {
        counts.listening = true;
        let key = (function.id.clone(), function.owner.clone());
        if counts.pending.len() >= MOST && !counts.pending.contains_key(&key) {
            return;
        }
        let count = counts.pending.entry(key).or_default();
        count.calls += 1;
        count.time += time;
        if error.is_some() {
            count.error = error;
        }
    });
    Ok(())
}

fn listener(event: Event) -> Result<(), Error> {
    if event == Event::PreCommit && is_due() && caller::may_write_aside() {
        COUNTS.change(|counts| counts.written = Some(Instant::now()));
        let pending = COUNTS.change(|counts| std::mem::take(&mut counts.pending));
        // Counting fails no commit.
        match bridge::survive(|| caller::with_snapshot(|| write(&pending))) {
            Ok(left) => keep(left),
            Err(error) => {
                keep(pending);
                if error.is_intervention() {
                    return Err(error);
                }
                if error.report().is_none_or(|report| report.sqlstate != SqlState::LOCK_NOT_AVAILABLE) {
                    guard::warn(error);
                }
            }
        }
    }
    Ok(())
}

fn is_due() -> bool {
    COUNTS.read(|counts| {
        !counts.pending.is_empty() && counts.written.is_none_or(|written| written.elapsed() >= PAUSE)
    })
}

fn keep(left: HashMap<(String, String), Count>) {
    COUNTS.change(|counts| {
        for (key, count) in left {
            counts.pending.entry(key).or_insert(count);
        }
    });
}

/// Writes what can be written now, and returns the rest.
fn write(pending: &HashMap<(String, String), Count>) -> Result<HashMap<(String, String), Count>, Error> {
    let home = registry::home()?;
    // Whoever truncates the table, or rebuilds it, may take long: this is to fail, not to wait.
    home.query("LOCK TABLE ~wormhole_functions IN ROW EXCLUSIVE MODE NOWAIT", &[])?;
    let mut left = HashMap::new();
    for (key, count) in pending {
        let (id, owner) = key;
        let (calls, time) = (count.calls.to_string(), (count.time.as_secs_f64() * 1000.0).to_string());
        let written = home.query(
            "UPDATE ~wormhole_functions f SET execution_count = execution_count + $3::bigint,
                last_executed = now(), total_time = total_time + $4::float8,
                last_error = coalesce($5, last_error)
             WHERE f.ctid = (SELECT o.ctid FROM ~wormhole_functions o
                WHERE o.func_id = $1 AND o.created_by = $2::name FOR UPDATE SKIP LOCKED)
             RETURNING 'x'",
            &[Some(id), Some(owner), Some(&calls), Some(&time), count.error.as_deref()],
        )?;
        if written.is_empty() && is_there(&home, id, owner)? {
            left.insert(key.clone(), count.clone());
        }
    }
    Ok(left)
}

fn is_there(home: &registry::Home, id: &str, owner: &str) -> Result<bool, Error> {
    let rows = home.query(
        "SELECT 'x' FROM ~wormhole_functions WHERE func_id = $1 AND created_by = $2::name",
        &[Some(id), Some(owner)],
    )?;
    Ok(!rows.is_empty())
}
