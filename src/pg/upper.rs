//! The final step of planning a query, in which LIMIT and OFFSET would be applied. The danger is a fact
//! that is missed: what happens between the scan and the limit decides whether the class may limit.

use pgrx::pg_sys;

use multicorn_plan::{LimitFacts, PlannedCount};

use super::guard::pg_try;
use super::planner::{BaseRel, PathSpec, Quals, private_text};
use super::{list, raw};
use crate::error::Error;

/// The relation of the final planning step above a base relation.
pub(crate) struct UpperRel {
    root: *mut pg_sys::PlannerInfo,
    output: *mut pg_sys::RelOptInfo,
}

impl UpperRel {
    /// # Safety
    /// Called inside `GetForeignUpperPaths` with the pointers that the server passed.
    pub(super) unsafe fn new(root: *mut pg_sys::PlannerInfo, output: *mut pg_sys::RelOptInfo) -> Self {
        UpperRel { root, output }
    }

    /// The facts that decide about LIMIT, but for what only the class knows.
    pub(crate) fn limit_facts(
        &self,
        base: &BaseRel,
        restrictions: &Quals,
        sorted: bool,
    ) -> Result<LimitFacts, Error> {
        // SAFETY: the query and the relation being planned; raw calls on its trees.
        unsafe {
            let query = &*(*self.root).parse;
            // One that is correlated cannot be an expression of the scan.
            let subplans = pg_try(|| {
                raw::contain_subplans(query.limitCount) || raw::contain_subplans(query.limitOffset)
            })?;
            let plain_scan = query.commandType == pg_sys::CmdType::CMD_SELECT
                && !query.hasAggs
                && !query.hasWindowFuncs
                && !query.hasTargetSRFs
                && query.groupClause.is_null()
                && query.groupingSets.is_null()
                && query.distinctClause.is_null()
                // Not the query's own: `HAVING true` is gone by now, and still makes one row of any.
                && !(*self.root).hasHavingQual
                && query.setOperations.is_null()
                && query.rowMarks.is_null()
                && !subplans;
            // Those that name no column count too, which `restrictions` has not.
            let clauses = list::pointers::<u8>(base.info().baserestrictinfo).count();
            Ok(LimitFacts {
                plain_scan,
                local_quals: clauses - restrictions.pushed.len(),
                pushed_quals: restrictions.pushed.len(),
                sorted,
                with_ties: query.limitOption == pg_sys::LimitOption::LIMIT_OPTION_WITH_TIES,
                limit: bound(query.limitCount),
                // To skip nothing is not to skip.
                offset: Some(bound(query.limitOffset))
                    .filter(|offset| *offset != PlannedCount::Fixed(0))
                    .unwrap_or_default(),
            })
        }
    }

    /// Offers, for the whole query, a scan that applies LIMIT and OFFSET itself.
    pub(crate) fn add_path(&self, base: &BaseRel, spec: PathSpec<'_>, width: i32) -> Result<(), Error> {
        let private = private_text(spec.private);
        let rel = base.rel;
        // SAFETY: raw calls; the path's parent stays the base relation, so that it is planned as a
        // scan of the table, which projects the query's own target.
        unsafe {
            pg_try(|| {
                let last = pg_sys::UpperRelationKind::UPPERREL_FINAL as usize;
                let target = raw::copy_pathtarget((*self.root).upper_targets[last]);
                // As the class says; the server only knows the types.
                (*target).width = width;
                let keys = raw::list_copy_head((*self.root).query_pathkeys, spec.sorted as i32);
                let outer = (*rel).lateral_relids;
                let (rows, cost) = (spec.rows, spec.cost);
                let path = raw::foreign_path(self.root, rel, target, rows, cost, keys, outer, &private);
                raw::add_path(self.output, path.cast());
            })
        }
    }
}

/// What a LIMIT or OFFSET clause is worth while planning.
///
/// # Safety
/// `node` is null or an expression of type int8 of the query being planned.
unsafe fn bound(node: *mut pg_sys::Node) -> PlannedCount {
    // SAFETY: the caller's promise; the cast follows the tag.
    unsafe {
        match node.as_ref() {
            None => PlannedCount::None,
            Some(found) if found.type_ == pg_sys::NodeTag::T_Const => {
                let constant = &*node.cast::<pg_sys::Const>();
                if constant.constisnull {
                    PlannedCount::None
                } else {
                    PlannedCount::Fixed(constant.constvalue.value() as i64)
                }
            }
            Some(_) => PlannedCount::Unknown,
        }
    }
}
