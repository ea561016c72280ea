//! The paths of one table: the whole scan, the sorted scan (`can_sort`), and lookups driven by other
//! relations (`get_path_keys`). The danger is promising an order that the class did not agree to.

use multicorn_plan::{KeyClause, PathPlan, PlanText, parameterizations, scan_cost};

use super::Planning;
use super::promise::{self, Question};
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
    if !planning.instance.class.sorts() {
        return Ok(());
    }
    let wanted = rel.sort_keys()?;
    if wanted.is_empty() {
        return Ok(());
    }
    let question = Question { sort: &wanted, ..planning.question() };
    let sorted = promise::sorted(&planning.instance, question)?;
    if sorted == 0 {
        return Ok(());
    }
    planning.sort = wanted[..sorted].to_vec();
    let private = PathPlan { sorted, ..PathPlan::default() }.to_text();
    let cost = planning.cost;
    rel.add_path(PathSpec { rows: rel.rows(), cost, sorted, outer: &[], private: Some(private) })
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
