//! Statements that were prepared, kept by their text. The danger is a plan made for what a table was: any
//! message of the catalogue's caches throws all of them away.

use std::rc::Rc;

use crate::error::Error;
use crate::pg::inval;
use crate::pg::memory::{Access, ForLife};
use crate::pg::spi::{Prepared, Spi};

/// As many as a wrapper has in its source, and not as many as it may make up.
const MOST: usize = 64;

#[derive(Default)]
struct Plans {
    changes: u64,
    /// The latest used last.
    plans: Vec<(String, Rc<Prepared>)>,
}

thread_local! {
    static PLANS: ForLife<Plans> = ForLife::default();
}

/// The statement, prepared at its first use.
pub(super) fn prepared(spi: &Spi, query: &str, count: usize) -> Result<Rc<Prepared>, Error> {
    inval::register()?;
    let changes = inval::changes();
    // Freed after the list is no longer borrowed.
    let stale = PLANS.change(|kept| {
        if kept.changes == changes {
            return Vec::new();
        }
        kept.changes = changes;
        std::mem::take(&mut kept.plans)
    });
    drop(stale);
    let known = PLANS.change(|kept| {
        let at =
            kept.plans.iter().rposition(|(text, plan)| text == query && plan.parameters().len() == count)?;
        let found = kept.plans.remove(at);
        let plan = found.1.clone();
        kept.plans.push(found);
        Some(plan)
    });
    if let Some(plan) = known {
        return Ok(plan);
    }
    let plan = Rc::new(spi.prepare(query, count)?);
    let oldest = PLANS.change(|kept| {
        kept.plans.push((query.to_owned(), plan.clone()));
        (kept.plans.len() > MOST).then(|| kept.plans.remove(0))
    });
    drop(oldest);
    Ok(plan)
}
