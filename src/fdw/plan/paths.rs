//! The paths of one table: the whole scan, the sorted scan (`can_sort`), and lookups driven by other
//! relations (`get_path_keys`). The danger is promising an order that the class did not agree to.

use multicorn_plan::{Direction, KeyClause, PathPlan, SortKey, parameterizations, scan_cost};
use pyo3::prelude::*;

use super::super::instance::{Instance, wrong_result};
use super::super::quals;
use super::Planning;
use crate::bridge::{self, Failure, Origin};
use crate::error::Error;
use crate::pg::planner::{BaseRel, PathSpec};

pub(crate) fn offer(rel: &BaseRel, planning: &mut Planning) -> Result<(), Error> {
    let plain = PathSpec { rows: rel.rows(), cost: planning.cost, sorted: 0, outer: &[], private: None };
    rel.add_path(plain)?;
    offer_sorted(rel, planning)?;
    offer_lookups(rel, planning)
}

/// ```sql
/// SELECT * FROM t ORDER BY a, b
/// ```
/// asks `can_sort([a, b])`; for the answer `[a]` the path is sorted by `a`.
fn offer_sorted(rel: &BaseRel, planning: &mut Planning) -> Result<(), Error> {
    if !planning.instance.class.has_can_sort {
        return Ok(());
    }
    let wanted = rel.sort_keys()?;
    if wanted.is_empty() {
        return Ok(());
    }
    let instance = &planning.instance;
    let sorted = bridge::call_as(Origin::Wrapper, |py| can_sort(py, instance, &wanted))?;
    if sorted == 0 {
        return Ok(());
    }
    planning.sort = wanted[..sorted].to_vec();
    let private = PathPlan { sorted, ..PathPlan::default() }.to_text();
    let cost = planning.cost;
    rel.add_path(PathSpec { rows: rel.rows(), cost, sorted, outer: &[], private: Some(private) })
}

/// How many of `wanted` the class delivers: what it returns counts as far as it is a prefix.
fn can_sort(py: Python<'_>, instance: &Instance, wanted: &[SortKey]) -> Result<usize, Failure> {
    let result = instance.object.bind(py).call_method1("can_sort", (quals::sort_keys(py, wanted)?,))?;
    if result.is_none() {
        return Ok(0);
    }
    let malformed = || wrong_result(&instance.class, "can_sort", "a list of SortKey", &result);
    let mut agreed = 0;
    for (answer, key) in result.try_iter().map_err(|_| malformed())?.zip(wanted) {
        if !is_key(&answer?, key).map_err(|_| malformed())? {
            break;
        }
        agreed += 1;
    }
    Ok(agreed)
}

fn is_key(answer: &Bound<'_, PyAny>, key: &SortKey) -> PyResult<bool> {
    let attnum: i64 = answer.getattr("attnum")?.extract()?;
    let reversed: bool = answer.getattr("is_reversed")?.is_truthy()?;
    let nulls_first: bool = answer.getattr("nulls_first")?.is_truthy()?;
    Ok(attnum == i64::from(key.attno)
        && reversed == (key.direction == Direction::Descending)
        && nulls_first == key.nulls_first)
}

/// ```sql
/// SELECT * FROM local JOIN t ON t.id = local.t_id
/// ```
/// with `get_path_keys() == [(("id",), 1)]` offers a scan of one row for each row of `local`.
fn offer_lookups(rel: &BaseRel, planning: &Planning) -> Result<(), Error> {
    if planning.keys.is_empty() {
        return Ok(());
    }
    let mut attnos: Vec<i16> = planning.keys.iter().flat_map(|key| key.attnos.clone()).collect();
    attnos.sort_unstable();
    attnos.dedup();
    let mut clauses = rel.key_clauses(&attnos)?;
    clauses.extend(planning.equal.iter().map(|attno| KeyClause { attno: *attno, outer: Vec::new() }));
    for found in parameterizations(&planning.keys, &clauses) {
        let rows = found.rows.min(rel.rows());
        let cost = scan_cost(planning.instance.class.startup_cost, rows, rel.width());
        rel.add_path(PathSpec { rows, cost, sorted: 0, outer: &found.outer, private: None })?;
    }
    Ok(())
}
