//! Conversions by type, looked up once until a type changes. The danger is a stale one: any change of a
//! type throws all of them away.

use std::collections::HashMap;
use std::rc::Rc;

use pgrx::pg_sys;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::{ColumnPlan, Dialect, ValuePlan, transform};
use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::inval;
use crate::pg::memory::{Access, ForLife, OwnedContext};
use crate::pg::planner::Constant;

/// A plan, with the memory that it keeps.
pub(crate) struct Held<T> {
    plan: T,
    // Dropped after the plan, which points into it.
    _context: OwnedContext,
}

impl<T> Held<T> {
    /// What `make` makes, with everything that it allocates.
    pub(super) fn made(make: impl FnOnce() -> Result<T, Error>) -> Result<Self, Error> {
        let context = OwnedContext::new()?;
        let plan = context.within(make)?;
        Ok(Held { plan, _context: context })
    }
}

impl<T> std::ops::Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.plan
    }
}

/// A type's conversion to Python, and one from Python.
pub(crate) type Value = Held<ValuePlan>;
pub(crate) type Parameter = Held<ColumnPlan>;

/// A type, whose Python it is for, and the transforms that go with it.
type Key = (u32, Dialect, u32);

fn key(type_oid: u32, dialect: Dialect) -> Key {
    (type_oid, dialect, if dialect == Dialect::Plpy { transform::current() } else { transform::NONE })
}

/// What conversions that are kept elsewhere depend on, for functions of `plpy`.
pub(crate) fn epoch() -> (u64, u32) {
    (inval::generation(), transform::current())
}

#[derive(Default)]
struct Plans {
    generation: u64,
    values: HashMap<Key, Rc<Value>>,
    parameters: HashMap<Key, Rc<Parameter>>,
}

thread_local! {
    static PLANS: ForLife<Plans> = ForLife::default();
}

/// Runs `work` with the plans, emptied if a type has changed.
fn current<R>(work: impl FnOnce(&mut Plans) -> R) -> R {
    let generation = inval::generation();
    PLANS.change(|plans| {
        if plans.generation != generation {
            *plans = Plans { generation, ..Plans::default() };
        }
        work(plans)
    })
}

/// The conversion of a type's values to Python.
pub(crate) fn value(type_oid: u32, dialect: Dialect) -> Result<Rc<Value>, Error> {
    if let Some(known) = current(|plans| plans.values.get(&key(type_oid, dialect)).cloned()) {
        return Ok(known);
    }
    let before = inval::generation();
    let known = Rc::new(Held::made(|| ValuePlan::resolve(pg_sys::Oid::from(type_oid), dialect))?);
    // Not kept if a type has changed meanwhile: it may have been this one.
    if inval::generation() == before {
        current(|plans| plans.values.insert(key(type_oid, dialect), known.clone()));
    }
    Ok(known)
}

/// The conversion of a parameter of a type.
pub(crate) fn parameter(type_oid: u32, dialect: Dialect) -> Result<Rc<Parameter>, Error> {
    if let Some(known) = current(|plans| plans.parameters.get(&key(type_oid, dialect)).cloned()) {
        return Ok(known);
    }
    let before = inval::generation();
    let known = Rc::new(Held::made(|| ColumnPlan::resolve(pg_sys::Oid::from(type_oid), -1, dialect))?);
    if inval::generation() == before {
        current(|plans| plans.parameters.insert(key(type_oid, dialect), known.clone()));
    }
    Ok(known)
}

impl ColumnPlan {
    /// The value of `object`, in the current memory context; the server's errors come back as values.
    pub(crate) fn constant(&self, object: &Bound<'_, PyAny>) -> Result<Constant, Error> {
        // SAFETY: the caller holds the object; `to_datum`'s frames own nothing that a jump would skip.
        let datum = unsafe { pg_try(|| self.to_datum(object.as_ptr()))?? };
        Ok(Constant { datum: datum.unwrap_or(pg_sys::Datum::null()), is_null: datum.is_none() })
    }
}

/// The arguments of a statement as values of its parameters' types.
pub(crate) fn constants(
    types: &[pg_sys::Oid],
    arguments: &Bound<'_, PyTuple>,
    dialect: Dialect,
) -> Result<Vec<Constant>, Error> {
    let value = |(at, (argument, type_oid)): (usize, (Bound<'_, PyAny>, &pg_sys::Oid))| {
        parameter(type_oid.to_u32(), dialect)?
            .constant(&argument)
            .map_err(|error| error.context(format!("parameter ${}", at + 1)))
    };
    arguments.iter().zip(types).enumerate().map(value).collect()
}

/// The conversion of a column, whose typmod the value has to obey.
pub(crate) fn column(type_oid: pg_sys::Oid, typmod: i32, dialect: Dialect) -> Result<Parameter, Error> {
    Held::made(|| ColumnPlan::resolve(type_oid, typmod, dialect))
}
