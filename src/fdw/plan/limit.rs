//! `can_limit`: a scan that stops by itself. The danger is a limit below something that drops or
//! reorders rows; `multicorn_plan::limit_decision` decides, this file asks the class.

use multicorn_plan::{PathPlan, limit_decision, limited_cost};
use pyo3::prelude::*;

use super::Planning;
use crate::bridge::{self, Failure, Origin};
use crate::error::Error;
use crate::pg::planner::{BaseRel, PathSpec, UpperRel};

/// ```sql
/// SELECT * FROM t ORDER BY a LIMIT 10 OFFSET 5
/// ```
/// asks `can_limit(10, 5)` if the class delivers the order, and then needs no Limit node.
pub(crate) fn offer(rel: &BaseRel, planning: &Planning, upper: &UpperRel) -> Result<(), Error> {
    if !planning.instance.class.has_can_limit {
        return Ok(());
    }
    let sorted = planning.sort.len() >= rel.ordered_by();
    let Ok((limit, offset)) = limit_decision(upper.limit_facts(rel, sorted)) else {
        return Ok(());
    };
    let agreed = bridge::call_as(Origin::Wrapper, |py| {
        let object = planning.instance.object.bind(py);
        Ok::<_, Failure>(object.call_method1("can_limit", (limit, offset))?.is_truthy()?)
    })?;
    if !agreed {
        return Ok(());
    }
    let startup = planning.instance.class.startup_cost;
    let (kept, cost) = limited_cost(startup, rel.rows(), planning.width, limit, offset.unwrap_or(0));
    let private = PathPlan { sorted: planning.sort.len(), limit, offset }.to_text();
    rel.add_final_path(
        upper,
        PathSpec { rows: kept, cost, sorted: planning.sort.len(), outer: &[], private: Some(private) },
        planning.width,
    )
}
