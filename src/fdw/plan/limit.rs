//! `can_limit`: a scan that stops by itself. The danger is a limit below something that drops or
//! reorders rows; `multicorn_plan::limit_decision` decides, this file asks the class.

use multicorn_plan::{LimitAbility, PathPlan, PlanText, limit_decision, limited_cost};

use super::Planning;
use super::promise::{self, Question};
use crate::error::Error;
use crate::pg::planner::{BaseRel, PathSpec};
use crate::pg::upper::UpperRel;

/// ```sql
/// SELECT * FROM t WHERE b = 3 ORDER BY a LIMIT 10 OFFSET 5
/// ```
/// asks `can_limit(10, 5)` if the class applies `b = 3` exactly and delivers the order, and then needs no
/// Limit node.
pub(crate) fn offer(rel: &BaseRel, planning: &Planning, upper: &UpperRel) -> Result<(), Error> {
    let class = &planning.instance.class;
    let ability = LimitAbility { limits: class.limits(), filters: class.filters() };
    let sorted = planning.sort.len() >= rel.ordered_by();
    let facts = upper.limit_facts(rel, &planning.restrictions, sorted)?;
    if limit_decision(facts, ability).is_err() {
        return Ok(());
    }
    let (limit, offset) = (facts.limit, facts.offset);
    if !promise::limited(&planning.instance, Question { limit, offset, ..planning.question() })? {
        return Ok(());
    }
    let (kept, cost) = limited_cost(class.startup_cost, rel.rows(), planning.width, limit, offset);
    let private = PathPlan { sorted: planning.sort.len(), limit, offset }.to_text();
    let sorted = planning.sort.len();
    upper.add_path(
        rel,
        PathSpec { rows: kept, cost, sorted, outer: &[], private: Some(private) },
        planning.width,
    )
}
