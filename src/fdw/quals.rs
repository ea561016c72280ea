//! Quals, columns and sort keys as Python objects. The danger is a mutable one shared between calls:
//! wrappers pop from the lists that they get, so each call gets its own.

use std::rc::Rc;

use multicorn_plan::{Direction, Qual, Quantifier, SortKey, Value};
use pgrx::pg_sys;
use pyo3::prelude::*;
use pyo3::types::{PyList, PySet, PyString, PyTuple};

use super::class;
use super::instance::Instance;
use crate::bridge::Failure;
use crate::convert;
use crate::error::Error;
use crate::pg::planner::Constant;

/// A type's conversion to Python.
pub(super) struct Known {
    plan: Rc<convert::known::Value>,
    /// An array whose elements are lists themselves, in Python.
    of_lists: bool,
}

impl Known {
    /// Whether Python sees the very value, so that comparing it there means what it means in SQL. Two
    /// arrays that differ in where their index begins are the same list, and not equal in SQL.
    pub(super) fn is_faithful(&self, qual: &Qual) -> bool {
        let whole = qual.quantifier.is_none() && ["=", "<>", "<", "<=", ">", ">="].contains(&&*qual.operator);
        self.plan.is_faithful() && !(whole && self.plan.makes_lists())
    }

    /// The value of a row's column.
    pub(super) fn value<'py>(
        &self,
        py: Python<'py>,
        constant: Constant,
    ) -> Result<Bound<'py, PyAny>, Failure> {
        Ok(self.plan.to_object(py, constant)?)
    }

    /// The value, flat for ANY and ALL, which look at an array's elements in whatever dimensions they
    /// lie. `None` if it would be taken for another: the null of JSON for that of SQL.
    pub(super) fn to_python<'py>(
        &self,
        py: Python<'py>,
        constant: Constant,
        quantifier: Option<Quantifier>,
    ) -> Result<Option<Bound<'py, PyAny>>, Failure> {
        let value = self.plan.to_object(py, constant)?;
        if value.is_none() && !constant.is_null {
            return Ok(None);
        }
        match value.cast::<PyList>() {
            Ok(nested) if quantifier.is_some() && !self.of_lists => {
                let flat = PyList::empty(py);
                flatten(nested, &flat)?;
                Ok(Some(flat.into_any()))
            }
            _ => Ok(Some(value)),
        }
    }
}

fn flatten(nested: &Bound<'_, PyList>, flat: &Bound<'_, PyList>) -> PyResult<()> {
    for item in nested {
        match item.cast::<PyList>() {
            Ok(inner) => flatten(inner, flat)?,
            Err(_) => flat.append(item)?,
        }
    }
    Ok(())
}

/// The right side of a qual, when it is known.
pub(super) enum Side {
    Known(Constant),
    /// Not known while planning or explaining.
    Unbound,
}

/// The list of `Qual`s; `side` gives the value of a qual's expression, or `None` to leave it out.
pub(super) fn list<'py>(
    py: Python<'py>,
    quals: &[Qual],
    side: impl Fn(&Qual) -> Option<Side>,
) -> Result<Bound<'py, PyList>, Failure> {
    let result = PyList::empty(py);
    for qual in quals {
        let value = match &qual.value {
            Value::Expression { type_oid, .. } => match side(qual) {
                Some(Side::Known(constant)) => known(*type_oid)?.to_python(py, constant, qual.quantifier)?,
                Some(Side::Unbound) => Some(class::contract(py)?.unbound.bind(py).clone()),
                None => None,
            },
            value => Some(fixed(py, value)),
        };
        if let Some(value) = value {
            let class = class::contract(py)?;
            let arguments = (&qual.column, operator(py, qual)?, value);
            result.append(class.qual.bind(py).call1(arguments)?)?;
        }
    }
    Ok(result)
}

/// A value that the plan itself holds.
pub(super) fn fixed<'py>(py: Python<'py>, value: &Value) -> Bound<'py, PyAny> {
    match value {
        // The text is pinned by existing wrappers.
        Value::Flag(truth) | Value::Truth(Some(truth)) => {
            PyString::new(py, if *truth { "t" } else { "f" }).into_any()
        }
        Value::Null | Value::Truth(None) | Value::Expression { .. } => py.None().into_bound(py),
    }
}

/// `Qual.operator`: the name, or the pair that stands for ANY and ALL.
pub(super) fn operator<'py>(py: Python<'py>, qual: &Qual) -> PyResult<Bound<'py, PyAny>> {
    let name = PyString::intern(py, &qual.operator);
    match qual.quantifier {
        None => Ok(name.into_any()),
        Some(quantifier) => Ok((name, quantifier == Quantifier::Any).into_pyobject(py)?.into_any()),
    }
}

/// The conversion of a type's values, looked up once until a type changes.
pub(super) fn known(type_oid: u32) -> Result<Known, Error> {
    let of_lists = [pg_sys::JSONARRAYOID, pg_sys::JSONBARRAYOID].contains(&pg_sys::Oid::from(type_oid));
    Ok(Known { plan: convert::known::value(type_oid, convert::Dialect::Wrapper)?, of_lists })
}

/// The names of the needed columns.
pub(super) fn columns<'py>(
    py: Python<'py>,
    instance: &Instance,
    columns: &[i16],
) -> PyResult<Bound<'py, PySet>> {
    PySet::new(py, columns.iter().map(|attno| instance.column_name(*attno)))
}

/// The list of `SortKey`s.
pub(super) fn sort_keys<'py>(py: Python<'py>, keys: &[SortKey]) -> PyResult<Bound<'py, PyList>> {
    let contract = class::contract(py)?;
    let class = contract.sort_key.bind(py);
    let result = PyList::empty(py);
    for key in keys {
        let reversed = key.direction == Direction::Descending;
        let arguments = (&key.column, key.attno, reversed, key.nulls_first, &key.collation);
        let arguments: Bound<'py, PyTuple> = arguments.into_pyobject(py)?;
        result.append(class.call1(arguments)?)?;
    }
    Ok(result)
}
