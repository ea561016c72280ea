//! A scan node of the executor. The danger is the slot: what is stored in it must live until the next
//! row is asked for, so values are made in the per-tuple context that the server has set.

use pgrx::pg_sys;

use super::guard::pg_try;
use super::modify::Command;
use super::{catalog, clause, list, plan_request, planner, raw};
use crate::error::Error;

#[derive(Clone, Copy)]
pub(crate) struct ScanNode {
    node: *mut pg_sys::ForeignScanState,
}

/// Where the values of one row go.
#[derive(Clone, Copy)]
pub(crate) struct RowTarget {
    pub(crate) values: *mut pg_sys::Datum,
    pub(crate) nulls: *mut bool,
}

/// The node's expressions, ready to be evaluated.
pub(crate) struct Expressions {
    states: Vec<*mut pg_sys::ExprState>,
}

impl ScanNode {
    /// # Safety
    /// Called inside an executor callback with the pointer that the server passed.
    pub(super) unsafe fn new(node: *mut pg_sys::ForeignScanState) -> Self {
        ScanNode { node }
    }

    fn plan(&self) -> &pg_sys::ForeignScan {
        // SAFETY: the executor keeps the plan for the node's life.
        unsafe { &*(*self.node).ss.ps.plan.cast() }
    }

    fn estate(&self) -> &pg_sys::EState {
        // SAFETY: as above.
        unsafe { &*(*self.node).ss.ps.state }
    }

    /// What the planner stored, as text.
    pub(crate) fn private(&self) -> Result<&[u8], Error> {
        // SAFETY: the list that `PlanRequest::finish` made, or a copy of it.
        unsafe { plan_request::private_bytes(self.plan().fdw_private) }
            .ok_or_else(|| Error::internal("multicorn: a plan without its private part"))
    }

    pub(crate) fn table(&self) -> pg_sys::Oid {
        // SAFETY: a scan of a base relation has one open.
        unsafe { (*(*self.node).ss.ss_currentRelation).rd_id }
    }

    /// The role whose user mapping counts: a view's owner for a table under a view.
    pub(crate) fn user(&self) -> pg_sys::Oid {
        #[cfg(not(feature = "pg15"))]
        let user = self.plan().checkAsUser;
        #[cfg(feature = "pg15")]
        // SAFETY: the range table has an entry for each scanned relation.
        let user = unsafe {
            let index = self.plan().scan.scanrelid as usize - 1;
            list::nth::<pg_sys::RangeTblEntry>(self.estate().es_range_table, index)
                .map_or(pg_sys::InvalidOid, |entry| (*entry).checkAsUser)
        };
        if user == pg_sys::InvalidOid { catalog::current_user() } else { user }
    }

    /// Whether EXPLAIN ANALYZE or a tool like it measures this execution.
    pub(crate) fn is_measured(&self) -> bool {
        self.estate().es_instrument != 0
    }

    /// What a node does that changes its rows itself.
    pub(crate) fn command(&self) -> Result<Command, Error> {
        Command::of(self.plan().operation)
    }

    /// Counts rows that were changed without being seen.
    pub(super) fn count(&self, rows: u64, as_statement: bool) {
        // SAFETY: the executor's state, and the instrumentation of this node or null.
        unsafe {
            if as_statement {
                (*(*self.node).ss.ps.state).es_processed += rows;
            }
            if let Some(instrument) = (*self.node).ss.ps.instrument.as_mut() {
                instrument.tuplecount += rows as f64;
            }
        }
    }

    /// Whether this node belongs to EvalPlanQual, which checks a row again that somebody else changed.
    pub(super) fn is_recheck(&self) -> bool {
        !self.estate().es_epq_active.is_null()
    }

    /// The context that lives as long as the query's execution.
    pub(super) fn query_context(&self) -> pg_sys::MemoryContext {
        self.estate().es_query_cxt
    }

    pub(crate) fn prepare_expressions(&self) -> Result<Expressions, Error> {
        if self.plan().fdw_exprs.is_null() {
            return Ok(Expressions { states: Vec::new() });
        }
        // SAFETY: raw call; the states live in the query's context, as the node does.
        unsafe {
            let states =
                pg_try(|| raw::ExecInitExprList(self.plan().fdw_exprs, &raw mut (*self.node).ss.ps))?;
            Ok(Expressions { states: list::pointers(states).collect() })
        }
    }

    /// Evaluates expression `index`; a value by reference lives until the next row.
    pub(crate) fn evaluate(
        &self,
        expressions: &Expressions,
        index: usize,
    ) -> Result<planner::Constant, Error> {
        let state = *expressions
            .states
            .get(index)
            .ok_or_else(|| Error::internal("multicorn: a plan names an expression that it lacks"))?;
        // SAFETY: an expression state of this node; the old context is put back by `pg_try` on error.
        unsafe {
            let context = (*self.node).ss.ps.ps_ExprContext;
            pg_try(|| {
                let old = pg_sys::CurrentMemoryContext;
                pg_sys::CurrentMemoryContext = (*context).ecxt_per_tuple_memory;
                let mut is_null = false;
                let datum = match (*state).evalfunc {
                    Some(evaluate) => evaluate(state, context, &raw mut is_null),
                    None => pg_sys::Datum::null(),
                };
                pg_sys::CurrentMemoryContext = old;
                planner::Constant { datum, is_null }
            })
        }
    }

    /// Whether expression `index` can be evaluated although the scan does not run: it depends on no other
    /// node, and EXPLAIN (GENERIC_PLAN) gives `$1` no value.
    pub(crate) fn is_known(&self, index: usize) -> Result<bool, Error> {
        let Some(expression) = self.expression(index) else { return Ok(false) };
        let parameters = !self.estate().es_param_list_info.is_null();
        // SAFETY: an expression of the plan.
        unsafe {
            pg_try(|| !clause::is_runtime(expression) && (parameters || !clause::has_parameter(expression)))
        }
    }

    /// The arrays of the scan slot, emptied.
    #[inline]
    pub(crate) fn row_target(&self) -> RowTarget {
        // SAFETY: the executor made the slot with the relation's descriptor. Clearing frees what the
        // slot owned and does not raise.
        unsafe {
            let slot = (*self.node).ss.ss_ScanTupleSlot;
            if let Some(clear) = (*(*slot).tts_ops).clear {
                clear(slot);
            }
            RowTarget { values: (*slot).tts_values, nulls: (*slot).tts_isnull }
        }
    }

    /// Marks the slot as holding the row that was just filled in; without one it stays empty.
    #[inline]
    pub(super) fn slot(&self, filled: bool) -> *mut pg_sys::TupleTableSlot {
        // SAFETY: every attribute up to natts was set.
        unsafe {
            let slot = (*self.node).ss.ss_ScanTupleSlot;
            if filled {
                raw::ExecStoreVirtualTuple(slot);
            } else if let Some(clear) = (*(*slot).tts_ops).clear {
                clear(slot);
            }
            slot
        }
    }

    /// The clauses that the node checks itself, in the order of `ScanPlan::local`.
    pub(super) fn checked_clauses(&self) -> *mut pg_sys::List {
        self.plan().scan.plan.qual
    }

    pub(super) fn expression(&self, index: usize) -> Option<*mut pg_sys::Node> {
        // SAFETY: a list of expressions.
        unsafe { list::nth(self.plan().fdw_exprs, index) }
    }

    pub(super) fn plan_pointer(&self) -> *mut pg_sys::Plan {
        // SAFETY: the node is live.
        unsafe { (*self.node).ss.ps.plan }
    }
}
