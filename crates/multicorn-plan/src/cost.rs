//! Costs as Multicorn has always shown them, so that plans and recorded EXPLAIN output stay. The
//! danger is a number from a wrapper: NaN, negative or huge rows must not reach the planner.

use crate::limit::PlannedCount;

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

/// A scan that skips and ends by itself: how many rows it returns, and its cost by the same rule. Against
/// a Limit node above the whole scan that is a tie at worst, which the shade in favour of it decides.
pub fn limited_cost(
    startup: f64,
    rows: f64,
    width: i32,
    limit: PlannedCount,
    offset: PlannedCount,
) -> (f64, Cost) {
    const SHADE: f64 = 1.0 - 1e-9;
    // The server's own guess of what it does not know is a tenth.
    let skipped = match offset {
        PlannedCount::None => 0.0,
        PlannedCount::Fixed(skipped) => skipped as f64,
        PlannedCount::Unknown => rows * 0.1,
    };
    let left = (rows - skipped).max(1.0);
    let kept = match limit {
        PlannedCount::None => left,
        PlannedCount::Fixed(limit) => (limit as f64).clamp(1.0, left),
        PlannedCount::Unknown => (left * 0.1).max(1.0),
    };
    let whole = scan_cost(startup, kept, width);
    (kept, Cost { startup: whole.startup * SHADE, total: whole.total * SHADE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_plans() {
        assert_eq!(scan_cost(20.0, 20.0, 20), Cost { startup: 20.0, total: 400.0 });
        assert_eq!(scan_cost(f64::NAN, 1.0, 8).startup, 0.0);
    }

    /// The server's cost of a Limit node above a scan.
    fn limit_node(whole: Cost, rows: f64, kept: f64, skipped: f64) -> Cost {
        let run = |part: f64| whole.startup + (whole.total - whole.startup) * part / rows;
        Cost { startup: run(skipped), total: run((kept + skipped).min(rows)) }
    }

    #[test]
    fn limited_is_never_dearer_than_the_limit_node() {
        for (startup, rows, width) in [(20.0, 1000.0, 100), (20.0, 1.0, 1), (0.0, 20.0, 20), (10.0, 20.0, 20)]
        {
            for (limit, skipped) in [(1, 0), (10, 5), (1_000_000, 0), (i64::MAX, i64::MAX), (0, 0)] {
                let (kept, cost) = limited_cost(
                    startup,
                    rows,
                    width,
                    PlannedCount::Fixed(limit),
                    PlannedCount::Fixed(skipped),
                );
                let node = limit_node(scan_cost(startup, rows, width), rows, kept, skipped as f64);
                // Closer than this counts as a tie.
                let better = |ours: f64, theirs: f64| ours == 0.0 || ours * 1.000_000_000_1 < theirs;
                assert!(better(cost.startup, node.startup.max(startup)), "{cost:?} {node:?}");
                assert!(better(cost.total, node.total), "{cost:?} {node:?}");
            }
        }
    }

    #[test]
    fn limited_counts_what_is_left() {
        let kept = |limit, offset| limited_cost(10.0, 20.0, 20, limit, offset).0;
        assert_eq!(kept(PlannedCount::Fixed(1), PlannedCount::Fixed(1)), 1.0);
        assert_eq!(kept(PlannedCount::None, PlannedCount::Fixed(15)), 5.0);
        assert_eq!(kept(PlannedCount::Fixed(9), PlannedCount::Fixed(15)), 5.0);
        assert_eq!(kept(PlannedCount::Fixed(9), PlannedCount::Fixed(40)), 1.0);
        assert_eq!(kept(PlannedCount::Fixed(0), PlannedCount::None), 1.0);
        assert_eq!(kept(PlannedCount::Unknown, PlannedCount::None), 2.0);
        assert_eq!(kept(PlannedCount::None, PlannedCount::Unknown), 18.0);
    }
}
