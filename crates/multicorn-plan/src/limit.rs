//! Whether LIMIT and OFFSET may be handed to the class. The danger is losing rows: a limit applied
//! below a filter, a sort, a grouping or a lock that the class does not apply itself.

use serde::{Deserialize, Serialize};

/// LIMIT or OFFSET while a query is planned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlannedCount {
    /// No clause, LIMIT ALL, NULL, or OFFSET 0.
    #[default]
    None,
    Fixed(i64),
    /// `LIMIT $1` in a generic plan, or another row's column: known when the scan runs.
    Unknown,
}

/// What the planner knows when it asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitFacts {
    /// One base table and nothing above it but sorting: no join, grouping, DISTINCT, window, set
    /// operation, set-returning target or row lock.
    pub plain_scan: bool,
    /// Clauses that the class is not even told of.
    pub local_quals: usize,
    /// Clauses that the server checks again unless the class applies them exactly.
    pub pushed_quals: usize,
    /// Whether the class delivers the whole ORDER BY (true without one).
    pub sorted: bool,
    /// `FETCH FIRST … WITH TIES`.
    pub with_ties: bool,
    pub limit: PlannedCount,
    pub offset: PlannedCount,
}

/// What the class itself says, found out once per class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitAbility {
    pub limits: bool,
    /// Whether it can be asked which quals it applies exactly. Such a class also knows `UNBOUND`.
    pub filters: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitRefusal {
    NotPlain,
    Quals,
    Unsorted,
    WithTies,
    /// A class from before `UNBOUND` would compare it with a number.
    NotConstant,
    /// The class never limits.
    Unable,
    /// Nothing to push, or a negative number, which the server reports.
    Nothing,
}

/// Whether it makes sense to ask the class about the query's limit and offset.
pub fn limit_decision(facts: LimitFacts, class: LimitAbility) -> Result<(), LimitRefusal> {
    let LimitFacts { limit, offset, .. } = facts;
    let negative = |bound| matches!(bound, PlannedCount::Fixed(n) if n < 0);
    let refusals = [
        (!class.limits, LimitRefusal::Unable),
        (!facts.plain_scan, LimitRefusal::NotPlain),
        (facts.with_ties, LimitRefusal::WithTies),
        (facts.local_quals > 0 || (facts.pushed_quals > 0 && !class.filters), LimitRefusal::Quals),
        (!facts.sorted, LimitRefusal::Unsorted),
        ([limit, offset].contains(&PlannedCount::Unknown) && !class.filters, LimitRefusal::NotConstant),
        (limit == PlannedCount::None && offset == PlannedCount::None, LimitRefusal::Nothing),
        (negative(limit) || negative(offset), LimitRefusal::Nothing),
    ];
    refusals.into_iter().find(|(refused, _)| *refused).map_or(Ok(()), |(_, refusal)| Err(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: LimitFacts = LimitFacts {
        plain_scan: true,
        local_quals: 0,
        pushed_quals: 0,
        sorted: true,
        with_ties: false,
        limit: PlannedCount::Fixed(10),
        offset: PlannedCount::None,
    };
    const OLD: LimitAbility = LimitAbility { limits: true, filters: false };
    const EXACT: LimitAbility = LimitAbility { limits: true, filters: true };

    #[test]
    fn asks_about_what_is_safe() {
        assert_eq!(limit_decision(PLAIN, OLD), Ok(()));
        let big = LimitFacts { limit: PlannedCount::None, offset: PlannedCount::Fixed(1 << 40), ..PLAIN };
        assert_eq!(limit_decision(big, OLD), Ok(()));
        let unknown = LimitFacts {
            pushed_quals: 2,
            limit: PlannedCount::Unknown,
            offset: PlannedCount::Unknown,
            ..PLAIN
        };
        assert_eq!(limit_decision(unknown, EXACT), Ok(()));
    }

    #[test]
    fn refuses_what_could_lose_rows() {
        let refused = |facts| limit_decision(facts, OLD).unwrap_err();
        assert_eq!(refused(LimitFacts { pushed_quals: 1, ..PLAIN }), LimitRefusal::Quals);
        assert_eq!(refused(LimitFacts { local_quals: 1, ..PLAIN }), LimitRefusal::Quals);
        assert_eq!(refused(LimitFacts { sorted: false, ..PLAIN }), LimitRefusal::Unsorted);
        assert_eq!(refused(LimitFacts { plain_scan: false, ..PLAIN }), LimitRefusal::NotPlain);
        assert_eq!(refused(LimitFacts { with_ties: true, ..PLAIN }), LimitRefusal::WithTies);
        assert_eq!(refused(LimitFacts { limit: PlannedCount::Unknown, ..PLAIN }), LimitRefusal::NotConstant);
        assert_eq!(refused(LimitFacts { limit: PlannedCount::Fixed(-1), ..PLAIN }), LimitRefusal::Nothing);
        assert_eq!(refused(LimitFacts { limit: PlannedCount::None, ..PLAIN }), LimitRefusal::Nothing);
        let local = LimitFacts { local_quals: 1, ..PLAIN };
        assert_eq!(limit_decision(local, EXACT), Err(LimitRefusal::Quals));
        let never = LimitAbility { limits: false, filters: true };
        assert_eq!(limit_decision(PLAIN, never), Err(LimitRefusal::Unable));
    }
}
