//! The decisions of the foreign data wrapper, free of the server and of Python, so that they have
//! unit tests which link without either. The danger is state: a `ScanPlan` outlives the memory that
//! built it, so everything here is a value.

#![forbid(unsafe_code)]

mod allow;
mod cost;
mod keys;
mod limit;
mod modify_plan;
mod options;
mod plan_text;
mod scan_plan;

pub use allow::{PatternError, Patterns};
pub use cost::{Cost, limited_cost, scan_cost};
pub use keys::{KeyClause, Parameterization, PathKey, generic_rows, parameterizations};
pub use limit::{LimitAbility, LimitFacts, LimitRefusal, PlannedCount, limit_decision};
pub use modify_plan::{Assignment, DirectPlan, ModifyPlan, UpdateFacts, changed_columns};
pub use options::{Source, WrapperChoice, choose_wrapper, is_secret, merge};
pub use plan_text::PlanText;
pub use scan_plan::{Count, Direction, LocalReason, PathPlan, Qual, Quantifier, ScanPlan, SortKey, Value};
