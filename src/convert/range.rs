//! Ranges from Python: a tuple `(lower, upper[, bounds])`, or any object with `lower` and `upper`, as
//! psycopg, asyncpg and SQLAlchemy have them; multiranges from lists of those. The danger is a bound
//! taken for infinite: only None is.

use std::ffi::CStr;

use pgrx::pg_sys::{Datum, Oid};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::held::Held;
use super::json_sink::{Sink, TextSink};
use super::python::{self, running};
use super::{ColumnPlan, Dialect, fallback};
use crate::error::{Error, SqlState};
use crate::pg::types::{Input, Output, RangeType};

pub(super) struct RangePlan {
    range: RangeType,
    bound: ColumnPlan,
}

/// A range as Python wrote it; the references are new.
struct Parts {
    lower: *mut ffi::PyObject,
    upper: *mut ffi::PyObject,
    lower_inclusive: bool,
    upper_inclusive: bool,
    empty: bool,
}

impl RangePlan {
    pub(super) fn resolve(type_oid: Oid, dialect: Dialect) -> Result<Self, Error> {
        let range = RangeType::lookup(type_oid)?;
        let bound = ColumnPlan::resolve(range.bound_type(), -1, dialect)?;
        Ok(RangePlan { range, bound })
    }

    /// # Safety
    /// `object` is alive and not None; may raise.
    pub(super) unsafe fn to_datum(&self, object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
        // SAFETY: the caller's promise; the two bounds are held until the range is made.
        unsafe {
            if ffi::PyUnicode_Check(object) != 0 {
                return fallback::to_datum(input, object);
            }
            let held = Held::new();
            let Some(parts) = parts(object)? else { return fallback::to_datum(input, object) };
            held.own(parts.lower);
            held.own(parts.upper);
            let lower = self.bound.to_datum(parts.lower)?;
            let upper = self.bound.to_datum(parts.upper)?;
            held.clear();
            Ok(self.range.make((lower, parts.lower_inclusive), (upper, parts.upper_inclusive), parts.empty))
        }
    }
}

/// The parts of a range; `None` for what is not one.
unsafe fn parts(object: *mut ffi::PyObject) -> Result<Option<Parts>, Error> {
    Python::attach(|py| {
        // SAFETY: the caller holds the object.
        let object = unsafe { Bound::from_borrowed_ptr(py, object) };
        let read = || match object.cast::<PyTuple>() {
            Ok(tuple) => of_items(&tuple.iter().collect::<Vec<_>>()),
            Err(_) => match object.cast::<PyList>() {
                Ok(list) => of_items(&list.iter().collect::<Vec<_>>()),
                Err(_) => of_attributes(&object),
            },
        };
        // SAFETY: no server call inside.
        match unsafe { running(read) } {
            Ok(Some((parts, bounds))) => with_bounds(parts, &bounds).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(python::error(py, error)),
        }
    })
}

type Read<'py> = PyResult<Option<(Ends<'py>, String)>>;

struct Ends<'py> {
    lower: Bound<'py, PyAny>,
    upper: Bound<'py, PyAny>,
    empty: bool,
}

fn of_items<'py>(items: &[Bound<'py, PyAny>]) -> Read<'py> {
    let (lower, upper, bounds) = match items {
        [lower, upper] => (lower, upper, "[)".to_owned()),
        [lower, upper, bounds] => (lower, upper, bounds.extract()?),
        _ => return Ok(None),
    };
    Ok(Some((Ends { lower: lower.clone(), upper: upper.clone(), empty: false }, bounds)))
}

fn of_attributes<'py>(object: &Bound<'py, PyAny>) -> Read<'py> {
    let (Some(lower), Some(upper)) = (object.getattr_opt("lower")?, object.getattr_opt("upper")?) else {
        return Ok(None);
    };
    if lower.is_callable() {
        return Ok(None); // the method of a str-like class
    }
    let mut empty = false;
    for name in ["isempty", "is_empty", "empty"] {
        if let Some(value) = object.getattr_opt(name)? {
            empty = value.is_truthy()?;
            break;
        }
    }
    let flag = |name: &str| -> PyResult<Option<bool>> {
        object.getattr_opt(name)?.map(|value| value.is_truthy()).transpose()
    };
    let bounds = match (flag("lower_inc")?, flag("upper_inc")?) {
        (Some(lower), Some(upper)) => {
            format!("{}{}", if lower { '[' } else { '(' }, if upper { ']' } else { ')' })
        }
        _ => match object.getattr_opt("bounds")?.filter(|bounds| !bounds.is_none()) {
            Some(bounds) => bounds.extract()?,
            None => "[)".to_owned(),
        },
    };
    Ok(Some((Ends { lower, upper, empty }, bounds)))
}

fn with_bounds(ends: Ends<'_>, bounds: &str) -> Result<Parts, Error> {
    let (lower_inclusive, upper_inclusive) = match bounds {
        "[)" => (true, false),
        "[]" => (true, true),
        "()" => (false, false),
        "(]" => (false, true),
        other => {
            return Err(Error::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                format!("the bounds of a range cannot be \"{other}\""),
            )
            .hint("They are one of [), [], () and (]."));
        }
    };
    Ok(Parts {
        lower: ends.lower.into_ptr(),
        upper: ends.upper.into_ptr(),
        lower_inclusive,
        upper_inclusive,
        empty: ends.empty,
    })
}

/// A multirange of a list or tuple of ranges, by way of text.
pub(super) struct MultirangePlan {
    range: ColumnPlan,
    output: Output,
}

impl MultirangePlan {
    pub(super) fn resolve(type_oid: Oid, dialect: Dialect) -> Result<Self, Error> {
        let range = RangeType::of_multirange(type_oid)?;
        Ok(MultirangePlan { range: ColumnPlan::resolve(range, -1, dialect)?, output: Output::lookup(range)? })
    }

    /// # Safety
    /// `object` is alive and not None; may raise.
    pub(super) unsafe fn to_datum(&self, object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
        // SAFETY: the caller's promise; the list is measured again before each access.
        unsafe {
            if ffi::PyList_Check(object) == 0 {
                return fallback::to_datum(input, object);
            }
            let held = Held::new();
            let mut text = TextSink::new();
            text.literal(b"{");
            let mut at = 0;
            while at < ffi::PyList_GET_SIZE(object) {
                let item = ffi::PyList_GET_ITEM(object, at);
                held.push(item);
                let range = self.range.to_datum(item)?;
                held.pop();
                let Some(range) = range else {
                    return Err(Error::new(
                        SqlState::new(b"22004"),
                        "multirange values cannot contain null members",
                    ));
                };
                if at > 0 {
                    text.literal(b",");
                }
                text.literal(CStr::from_ptr(self.output.call(range)).to_bytes());
                at += 1;
            }
            text.literal(b"}\0");
            Ok(input.call(text.written().cast()))
        }
    }
}
