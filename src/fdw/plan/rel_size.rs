//! `get_rel_size` and `get_path_keys`: how many rows, how wide, and which columns make it few. The
//! danger is a class that returns nonsense: it gets an error that names the method, never a crash.

use multicorn_plan::{PathKey, Qual, Value, generic_rows, scan_cost};
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::super::instance::{self, Instance, wrong_result};
use super::super::items::items;
use super::super::quals::{self, Side};
use super::super::size::{self, MOST_ROWS, finite, pair};
use super::Planning;
use crate::bridge::Failure;
use crate::error::{Error, SqlState};
use crate::pg::planner::{BaseRel, Quals};

pub(crate) fn estimate(rel: &BaseRel) -> Result<Planning, Error> {
    rel.check_permissions()?;
    let instance = instance::get(rel.table(), rel.user())?;
    if instance.class.promises() {
        rel.bind_to_role();
    }
    if let Some(column) = rel.system_column()? {
        return Err(if rel.is_merged()? { no_merge(&instance) } else { no_system_column(&instance, column) });
    }
    let restrictions = rel.restrictions()?;
    let columns = rel.columns(&instance.live, instance.class.updates_part())?;
    // What ANALYZE found is better than the guess of a class that has none of its own.
    let analyzed = if instance.class.has_rel_size { None } else { rel.analyzed_size()? };
    let (size, keys) = instance.call(|py, _| {
        let size = match analyzed {
            Some(size) => size,
            None => {
                let constant = |qual: &Qual| restrictions.constant(&qual.value).map(Side::Known);
                let quals = quals::list(py, &restrictions.pushed, constant)?;
                size::ask(py, &instance, &quals, &columns)?
            }
        };
        Ok((size, path_keys(py, &instance)?))
    })?;
    let (rows, width) = size;
    let equal: Vec<i16> = equal_columns(&restrictions, |_| true);
    let unknown = equal_columns(&restrictions, |value| restrictions.constant(value).is_none());
    let rows = generic_rows(rows, &keys, &equal, &unknown);
    rel.set_size(rows, width);
    let cost = scan_cost(instance.class.startup_cost, rows, width);
    let instance = instance::Kept::new(instance);
    Ok(Planning { instance, restrictions, columns, cost, width, keys, equal, sort: Vec::new() })
}

/// In the server's words: it would say so when it executes the plan, for which it wants a `ctid`.
fn no_merge(instance: &Instance) -> Error {
    let table = &instance.table().name;
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot execute MERGE on relation \"{table}\""))
        .detail("This operation is not supported for foreign tables.")
}

pub(super) fn no_system_column(instance: &Instance, column: &str) -> Error {
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
    for entry in items(&result).map_err(|_| malformed())? {
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
