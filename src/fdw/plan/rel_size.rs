//! `get_rel_size` and `get_path_keys`: how many rows, how wide, and which columns make it few. The
//! danger is a class that returns nonsense: it gets an error that names the method, never a crash.

use multicorn_plan::{PathKey, Value, generic_rows, scan_cost};
use pyo3::prelude::*;
use pyo3::types::{PySequence, PyString};

use super::super::class;
use super::super::instance::{self, Instance, wrong_result};
use super::super::quals::{self, Side};
use super::Planning;
use crate::bridge::{self, Failure, Origin};
use crate::error::{Error, SqlState};
use crate::pg::planner::{BaseRel, Quals};

/// More rows than this make costs meaningless.
const MOST_ROWS: f64 = 1e15;
/// The server's own bound for the width of a tuple that is not toasted away.
const MOST_WIDTH: f64 = 1e9;

pub(crate) fn estimate(rel: &BaseRel) -> Result<Planning, Error> {
    rel.check_permissions()?;
    let instance = instance::get(rel.table(), rel.user())?;
    if let Some(column) = rel.system_column()? {
        return Err(no_system_column(&instance, column));
    }
    let restrictions = rel.restrictions()?;
    let columns = rel.columns(&instance.live, instance.class.updates_part())?;
    let (rows, width, keys) = bridge::call_as(Origin::Wrapper, |py| {
        let (rows, width) = size(py, &instance, &restrictions, &columns)?;
        Ok((rows, width, path_keys(py, &instance)?))
    })?;
    let equal: Vec<i16> = equal_columns(&restrictions, |_| true);
    let unknown = equal_columns(&restrictions, |value| restrictions.constant(value).is_none());
    let rows = generic_rows(rows, &keys, &equal, &unknown);
    rel.set_size(rows, width);
    let cost = scan_cost(instance.class.startup_cost, rows, width);
    Ok(Planning { instance, restrictions, columns, cost, width, keys, equal, sort: Vec::new() })
}

fn no_system_column(instance: &Instance, column: &str) -> Error {
    let table = &instance.table().name;
    Error::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("foreign table \"{table}\" has no system column \"{column}\""),
    )
    .hint("Of the system columns, rows of a foreign table have only tableoid.")
}

/// Columns compared by `=` with a value that `wanted` accepts.
fn equal_columns(quals: &Quals, wanted: impl Fn(&Value) -> bool) -> Vec<i16> {
    quals
        .pushed
        .iter()
        .filter(|qual| qual.operator == "=" && qual.quantifier.is_none())
        .filter(|qual| matches!(qual.value, Value::Expression { .. }) && wanted(&qual.value))
        .map(|qual| qual.attno)
        .collect()
}

fn size(
    py: Python<'_>,
    instance: &Instance,
    restrictions: &Quals,
    columns: &[i16],
) -> Result<(f64, i32), Failure> {
    let constant = |qual: &multicorn_plan::Qual| restrictions.constant(&qual.value).map(Side::Known);
    let quals = quals::list(py, &restrictions.pushed, constant)?;
    let columns = quals::columns(py, instance, columns)?;
    let object = instance.object.bind(py);
    let result = match object.getattr_opt("get_rel_size")? {
        Some(method) if instance.class.rel_size_takes_columns => method.call1((quals, columns))?,
        Some(method) => method.call1((quals,))?,
        // A class need not inherit: what it lacks is as if it did.
        None => class::contract(py)?.default_rel_size.bind(py).call1((object, quals, columns))?,
    };
    let size = pair(&result).and_then(|(rows, width)| Some((finite(&rows)?, finite(&width)?)));
    match size {
        Some((rows, width)) => Ok((rows.clamp(1.0, MOST_ROWS).round(), width.clamp(0.0, MOST_WIDTH) as i32)),
        None => {
            Err(wrong_result(&instance.class, "get_rel_size", "a tuple (rows, width in bytes)", &result)
                .into())
        }
    }
}

/// The two items of a tuple or a list.
fn pair<'py>(object: &Bound<'py, PyAny>) -> Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let items = object.cast::<PySequence>().ok().filter(|_| !object.is_instance_of::<PyString>())?;
    (items.len().ok()? == 2).then(|| Some((items.get_item(0).ok()?, items.get_item(1).ok()?)))?
}

fn finite(number: &Bound<'_, PyAny>) -> Option<f64> {
    number.extract::<f64>().ok().filter(|number| number.is_finite())
}

/// The keys whose columns the table declares; others cannot be looked up by.
fn path_keys(py: Python<'_>, instance: &Instance) -> Result<Vec<PathKey>, Failure> {
    if !instance.class.has_path_keys {
        return Ok(Vec::new());
    }
    let result = instance.object.bind(py).call_method0("get_path_keys")?;
    let malformed = || {
        let expected = "a list of ((column, …), rows)";
        Failure::from(wrong_result(&instance.class, "get_path_keys", expected, &result))
    };
    let mut keys = Vec::new();
    if result.is_none() {
        return Ok(keys);
    }
    for entry in result.try_iter().map_err(|_| malformed())? {
        let (columns, rows) = pair(&entry?)
            .and_then(|(columns, rows)| Some((columns, finite(&rows)?)))
            .ok_or_else(malformed)?;
        let names: Vec<String> = match columns.cast::<PyString>() {
            // The tutorial's form: a bare name.
            Ok(name) => vec![name.to_string()],
            Err(_) => columns.extract().map_err(|_| malformed())?,
        };
        if let Some(attnos) = names.iter().map(|name| instance.attno(name)).collect::<Option<Vec<_>>>() {
            keys.push(PathKey { attnos, rows: rows.clamp(1.0, MOST_ROWS) });
        }
    }
    Ok(keys)
}
