//! What the planner hands the executor of INSERT, UPDATE and DELETE. The danger is that of `ScanPlan`: a
//! cached plan outlives the memory that built it, so it is stored as text.

use serde::{Deserialize, Serialize};

use crate::plan_text::PlanText;
use crate::scan_plan::Qual;

/// `SET b = $1`, of a value that is the same for every row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    pub column: String,
    /// Position in the node's list of expressions.
    pub index: usize,
    /// Type of the expression, for its conversion to Python.
    pub type_oid: u32,
}

/// ```sql
/// UPDATE t SET b = 1 WHERE a = 2
/// ```
/// of a class that has `update_where` and applies `a = 2` exactly: it is called once, for all rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectPlan {
    pub quals: Vec<Qual>,
    /// None for DELETE.
    pub assignments: Option<Vec<Assignment>>,
    /// Whether the rows count as those of the statement, and not of a WITH query in it.
    pub sets_count: bool,
    /// As of `ScanPlan`.
    pub promised: Option<u64>,
}

impl PlanText for DirectPlan {}

/// ```sql
/// UPDATE t SET b = 1
/// ```
/// of a class with `update_columns = "changed"` gives `changed = Some([2])`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyPlan {
    /// Attribute numbers of the columns that `update` is given; `None` for all.
    pub changed: Option<Vec<i16>>,
}

impl PlanText for ModifyPlan {}

/// What is known of an UPDATE when it is planned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateFacts {
    /// Attribute numbers that the statement sets.
    pub set: Vec<i16>,
    /// Stored generated columns, which follow from the others.
    pub generated: Vec<i16>,
    /// Whether a row trigger that runs before may change any column.
    pub triggered: bool,
}

/// The columns that an UPDATE may change, ascending; `None` if that may be any.
pub fn changed_columns(facts: &UpdateFacts) -> Option<Vec<i16>> {
    if facts.triggered {
        return None;
    }
    let mut changed: Vec<i16> = facts.set.iter().chain(&facts.generated).copied().collect();
    changed.sort_unstable();
    changed.dedup();
    Some(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_plan_node() {
        for changed in [None, Some(vec![2, 3]), Some(vec![])] {
            let plan = ModifyPlan { changed };
            assert_eq!(ModifyPlan::from_text(&plan.to_text()).unwrap(), plan);
        }
    }

    #[test]
    fn so_does_one_for_all_rows() {
        let assignment = Assignment { column: "ü".into(), index: 3, type_oid: 25 };
        for assignments in [None, Some(vec![]), Some(vec![assignment])] {
            let plan = DirectPlan { quals: Vec::new(), assignments, sets_count: true, promised: Some(7) };
            assert_eq!(DirectPlan::from_text(&plan.to_text()).unwrap(), plan);
        }
    }

    #[test]
    fn what_an_update_may_change() {
        let facts = UpdateFacts { set: vec![3, 1, 3], generated: vec![2], triggered: false };
        assert_eq!(changed_columns(&facts), Some(vec![1, 2, 3]));
        assert_eq!(changed_columns(&UpdateFacts { triggered: true, ..facts }), None);
    }
}
