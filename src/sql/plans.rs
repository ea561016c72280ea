//! Statements that were prepared, kept by their text. The danger is a plan made for what a table was: any
//! message of the catalogue's caches throws all of them away.

use std::rc::Rc;

use pgrx::pg_sys;

use crate::error::Error;
use crate::pg::memory::{Access, ForLife};
use crate::pg::spi::Spi;
use crate::pg::statement::{Scroll, Statement, Types};
use crate::pg::{catalog, inval, settings};

/// As many as a wrapper has in its source, and not as many as it may make up.
const MOST: usize = 64;

/// A text that is longer is prepared at each use: it is made up for that, and would be kept for nothing.
const LONGEST: usize = 32 * 1024;

#[derive(Default)]
struct Plans {
    changes: u64,
    /// The latest used last.
    plans: Vec<Plan>,
}

struct Plan {
    text: String,
    /// As whom it was prepared: which schemas a name may be looked up in is asked only then.
    role: pg_sys::Oid,
    /// In which search path: the types of parameters were found out in it.
    path: String,
    prepared: Rc<Statement>,
}

thread_local! {
    static PLANS: ForLife<Plans> = ForLife::default();
}

/// The statement, prepared at its first use.
pub(crate) fn prepared(spi: &Spi, query: &str, count: usize) -> Result<Rc<Statement>, Error> {
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
    let (role, path) = (catalog::current_user(), settings::search_path());
    let known = PLANS.change(|kept| {
        let at = kept.plans.iter().rposition(|plan| {
            plan.text == query
                && plan.role == role
                && plan.path == path
                && plan.prepared.parameters().len() == count
        })?;
        let found = kept.plans.remove(at);
        let prepared = found.prepared.clone();
        kept.plans.push(found);
        Some(prepared)
    });
    if let Some(prepared) = known {
        return Ok(prepared);
    }
    let prepared = Rc::new(spi.prepare(query, Types::Inferred(Some(count)), Scroll::AsItComes)?);
    if query.len() > LONGEST {
        return Ok(prepared);
    }
    let oldest = PLANS.change(|kept| {
        kept.plans.push(Plan { text: query.to_owned(), role, path, prepared: prepared.clone() });
        (kept.plans.len() > MOST).then(|| kept.plans.remove(0))
    });
    drop(oldest);
    Ok(prepared)
}
