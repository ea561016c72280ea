//! Costs as Multicorn has always shown them, so that plans and recorded EXPLAIN output stay. The
//! danger is a number from a wrapper: NaN, negative or huge rows must not reach the planner.

/// Costs in the planner's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    pub startup: f64,
    pub total: f64,
}

/// Start-up cost is the class's `_startup_cost`; the total is rows × width in bytes.
pub fn scan_cost(startup: f64, rows: f64, width: i32) -> Cost {
    let startup = if startup.is_finite() { startup.max(0.0) } else { 0.0 };
    Cost { startup, total: rows * f64::from(width) }
}

/// A scan that ends after `kept` of `rows` rows. It has to win against a Limit node above the whole
/// scan, so both parts are a little less than that node's, which is computed in the same way: the
/// total of a small table lies below its start-up cost, and so does the node's.
pub fn limited_cost(whole: Cost, rows: f64, kept: f64) -> Cost {
    let share = if rows > 0.0 { (kept / rows).clamp(0.0, 1.0) } else { 1.0 };
    let node = whole.startup + (whole.total - whole.startup) * share;
    Cost { startup: whole.startup * 0.97, total: node * 0.97 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_plans() {
        assert_eq!(scan_cost(20.0, 20.0, 20), Cost { startup: 20.0, total: 400.0 });
        assert_eq!(scan_cost(f64::NAN, 1.0, 8).startup, 0.0);
    }

    #[test]
    fn limited_is_cheaper_than_the_limit_node() {
        let whole = scan_cost(20.0, 1000.0, 100);
        let node = whole.startup + (whole.total - whole.startup) * 0.01;
        assert!(limited_cost(whole, 1000.0, 10.0).total < node / 1.01);
        let small = scan_cost(20.0, 1.0, 1);
        assert!(limited_cost(small, 1.0, 1.0).total < small.total / 1.01);
    }
}
