//! Whether LIMIT and OFFSET may be handed to the class. The danger is losing rows: a limit applied
//! below a filter, a sort, a grouping or a lock that the class does not apply itself.

/// What the planner knows when it asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitFacts {
    /// One base table and nothing above it but sorting: no join, grouping, DISTINCT, window, set
    /// operation, set-returning target or row lock.
    pub plain_scan: bool,
    /// Clauses that the server has to check itself after the class.
    pub unchecked_quals: usize,
    /// Whether the class delivers the whole ORDER BY (true without one).
    pub sorted: bool,
    /// `FETCH FIRST … WITH TIES`.
    pub with_ties: bool,
    /// The constants, `None` for LIMIT ALL or no clause; a parameter unknown at planning is `Err`.
    pub limit: Option<i64>,
    pub offset: Option<i64>,
    pub constant: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitRefusal {
    NotPlain,
    Quals,
    Unsorted,
    WithTies,
    NotConstant,
    /// Nothing to push, or a negative number, which the server reports.
    Nothing,
}

/// The limit and offset to ask `can_limit` about.
pub fn limit_decision(facts: LimitFacts) -> Result<(Option<i64>, Option<i64>), LimitRefusal> {
    if !facts.plain_scan {
        return Err(LimitRefusal::NotPlain);
    }
    if facts.with_ties {
        return Err(LimitRefusal::WithTies);
    }
    if facts.unchecked_quals > 0 {
        return Err(LimitRefusal::Quals);
    }
    if !facts.sorted {
        return Err(LimitRefusal::Unsorted);
    }
    if !facts.constant {
        return Err(LimitRefusal::NotConstant);
    }
    let negative = |n: Option<i64>| n.is_some_and(|n| n < 0);
    let offset = facts.offset.filter(|&n| n != 0);
    if (facts.limit.is_none() && offset.is_none()) || negative(facts.limit) || negative(offset) {
        return Err(LimitRefusal::Nothing);
    }
    Ok((facts.limit, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: LimitFacts = LimitFacts {
        plain_scan: true,
        unchecked_quals: 0,
        sorted: true,
        with_ties: false,
        limit: Some(10),
        offset: None,
        constant: true,
    };

    #[test]
    fn pushes_what_is_safe() {
        assert_eq!(limit_decision(PLAIN), Ok((Some(10), None)));
        let big = LimitFacts { limit: None, offset: Some(1 << 40), ..PLAIN };
        assert_eq!(limit_decision(big), Ok((None, Some(1 << 40))));
        assert_eq!(limit_decision(LimitFacts { offset: Some(0), ..PLAIN }), Ok((Some(10), None)));
    }

    #[test]
    fn refuses_what_could_lose_rows() {
        let refused = |facts| limit_decision(facts).unwrap_err();
        assert_eq!(refused(LimitFacts { unchecked_quals: 1, ..PLAIN }), LimitRefusal::Quals);
        assert_eq!(refused(LimitFacts { sorted: false, ..PLAIN }), LimitRefusal::Unsorted);
        assert_eq!(refused(LimitFacts { plain_scan: false, ..PLAIN }), LimitRefusal::NotPlain);
        assert_eq!(refused(LimitFacts { with_ties: true, ..PLAIN }), LimitRefusal::WithTies);
        assert_eq!(refused(LimitFacts { constant: false, ..PLAIN }), LimitRefusal::NotConstant);
        assert_eq!(refused(LimitFacts { limit: Some(-1), ..PLAIN }), LimitRefusal::Nothing);
        assert_eq!(refused(LimitFacts { limit: None, ..PLAIN }), LimitRefusal::Nothing);
    }
}
