//! What the planner hands the executor. The danger is an address: a cached plan is copied, and lives
//! longer than the memory it was made in, so it is stored as text in the plan node.

use serde::{Deserialize, Serialize};

use crate::limit::PlannedCount;
use crate::plan_text::PlanText;

/// `ANY` or `ALL` of an array comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quantifier {
    Any,
    All,
}

/// Where a qual's right side comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// `a = $1`, `a = current_user`, `a = 5`: an expression of the node, evaluated at each (re)scan.
    Expression {
        /// Position in the node's list of expressions.
        index: usize,
        /// Type of the expression, for its conversion to Python.
        type_oid: u32,
        /// Whether the operator is strict: compared with NULL, no row can qualify.
        strict: bool,
        /// Whether its answer depends on the values alone: that of `date = timestamptz` depends on the
        /// session's time zone, of which the class knows nothing.
        immutable: bool,
    },
    /// `a IS NULL` and `a IS NOT NULL`.
    Null,
    /// A boolean column on its own (`WHERE flag`) or negated: text `t` or `f`.
    Flag(bool),
    /// `a IS TRUE`, `a IS NOT FALSE`, `a IS UNKNOWN` …: text `t` or `f`, or `None`.
    Truth(Option<bool>),
}

/// `a >= 3` is `Qual { column: "a", operator: ">=", … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Qual {
    pub column: String,
    pub attno: i16,
    pub operator: String,
    pub quantifier: Option<Quantifier>,
    pub value: Value,
}

/// Why a clause is left to the server alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LocalReason {
    /// OR, AND below OR, NOT, CASE, IS DISTINCT FROM, a function call: no `column operator value`.
    Shape,
    /// Its value would change from row to row.
    Volatile,
    /// Both sides name columns of this table.
    TwoColumns,
    /// The column stands on the right and the operator has no commutator.
    NoCommutator,
    /// It names a system column or the whole row.
    SystemColumn,
    /// `WHERE oid_column::int4 < 5`: the operator is that of another type.
    Recast,
    /// `WHERE name < 'b' COLLATE "C"`: the class knows of no collation but the column's.
    OtherCollation,
    /// It is a subquery's result, known only while the scan runs.
    Subquery,
    /// Its collation takes different texts for equal.
    Collation,
    /// `=` of citext: it has the name of the server's operator and compares otherwise.
    OwnOperator,
}

impl LocalReason {
    pub fn text(self) -> &'static str {
        match self {
            LocalReason::Shape => "not of the form column operator value",
            LocalReason::Volatile => "volatile",
            LocalReason::TwoColumns => "compares columns of the table",
            LocalReason::NoCommutator => "operator has no commutator",
            LocalReason::SystemColumn => "names a system column or the whole row",
            LocalReason::Recast => "takes the column for another type",
            LocalReason::OtherCollation => "compares by another collation than the column's",
            LocalReason::Subquery => "contains a subquery",
            LocalReason::Collation => "nondeterministic collation",
            LocalReason::OwnOperator => "an operator that is not the server's own",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    Ascending,
    Descending,
}

/// `ORDER BY a DESC NULLS LAST` is `SortKey { column: "a", direction: Descending, nulls_first: false, … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortKey {
    pub column: String,
    pub attno: i16,
    pub direction: Direction,
    pub nulls_first: bool,
    /// Name of the collation unless it is the database's own.
    pub collation: Option<String>,
}

/// LIMIT or OFFSET that a scan applies itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Count {
    Fixed(i64),
    /// Position in the node's list of expressions; NULL means no limit.
    Expression(usize),
}

/// ```sql
/// SELECT a FROM t WHERE b > 3 AND lower(c) = 'x' ORDER BY a LIMIT 10
/// ```
/// gives `quals = [b > 3]`, `local = [(1, Shape)]`, `columns = [1, 2, 3]`, and, if the class sorts,
/// `sort = [a]`; no limit, since a qual remains to be checked. If the class applies `b > 3` exactly,
/// `exact = [0]` and `local = [(0, Shape)]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanPlan {
    pub quals: Vec<Qual>,
    /// Positions in `quals` of those that the class applies exactly: the server does not check them.
    pub exact: Vec<usize>,
    /// Position of a clause in the node's own list, and why the class does not see it.
    pub local: Vec<(usize, LocalReason)>,
    /// Attribute numbers the query needs, ascending.
    pub columns: Vec<i16>,
    pub sort: Vec<SortKey>,
    pub limit: Option<Count>,
    pub offset: Option<Count>,
    /// The fingerprint of the object that promised conditions, order or limit, if any did.
    pub promised: Option<u64>,
}

impl PlanText for ScanPlan {}

/// What a path promises beyond the plain scan; becomes part of the `ScanPlan` if the path wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathPlan {
    /// How many keys of the query's order the class delivers.
    pub sorted: usize,
    pub limit: PlannedCount,
    pub offset: PlannedCount,
}

impl PlanText for PathPlan {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_plan_node() {
        let plan = ScanPlan {
            quals: vec![Qual {
                column: "ü \"x\"".into(),
                attno: 3,
                operator: "~~*".into(),
                quantifier: Some(Quantifier::All),
                value: Value::Expression { index: 1, type_oid: 25, strict: true, immutable: false },
            }],
            exact: vec![0],
            local: vec![(2, LocalReason::Volatile)],
            columns: vec![1, 3],
            sort: vec![SortKey {
                column: "a".into(),
                attno: 1,
                direction: Direction::Descending,
                nulls_first: true,
                collation: Some("C".into()),
            }],
            limit: Some(Count::Fixed(i64::MAX)),
            offset: Some(Count::Expression(2)),
            promised: Some(u64::MAX),
        };
        assert_eq!(ScanPlan::from_text(&plan.to_text()).unwrap(), plan);
    }

    #[test]
    fn refuses_a_foreign_text() {
        assert!(ScanPlan::from_text("{}").is_err());
    }
}
