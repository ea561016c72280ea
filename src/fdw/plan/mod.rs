//! The planner's side: sizes, paths, limits and the final plan. The danger is work at planning that
//! belongs to execution: nothing here fetches a row or opens a transaction of the class.

pub(super) mod create;
pub(super) mod limit;
pub(super) mod modify;
pub(super) mod paths;
mod promise;
pub(super) mod rel_size;

use multicorn_plan::{Cost, PathKey, PlannedCount, SortKey};

use super::instance::Kept;
use crate::pg::planner::Quals;

/// What `rel_size` learned and the later callbacks use.
pub(crate) struct Planning {
    instance: Kept,
    /// The clauses on the table alone.
    restrictions: Quals,
    /// Attribute numbers of the columns that the query needs, as far as these clauses tell.
    columns: Vec<i16>,
    cost: Cost,
    /// A row's, as the class says. The relation's own is replaced while the query's target is planned.
    width: i32,
    keys: Vec<PathKey>,
    /// Columns that the table's own clauses compare by `=`.
    equal: Vec<i16>,
    /// The prefix of the query's order that the class promised to deliver.
    sort: Vec<SortKey>,
}

impl Planning {
    /// The scan without the join clauses that another plan might drive it by.
    fn question(&self) -> promise::Question<'_> {
        promise::Question {
            quals: &self.restrictions,
            columns: &self.columns,
            sort: &self.sort,
            limit: PlannedCount::None,
            offset: PlannedCount::None,
        }
    }
}
