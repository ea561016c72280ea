//! The table of callbacks that the server calls, generic over a safe trait. The danger is state that
//! outlives or is outlived by its node: each scan is owned by the query's memory context, listed while
//! it lives, and ended exactly once, by the executor or by the abort of its (sub)transaction.

use std::ffi::{c_int, c_void};

use pgrx::pg_sys;

use multicorn_plan::ScanPlan;

use super::analyze::{self, Sampler};
use super::direct::{self, ForeignDirect};
use super::explain::Explain;
use super::guard::{boundary, pg_try};
use super::import::ImportRequest;
use super::live::{self, Cell, Ends};
use super::modify_routine::{self, ForeignModify};
use super::plan_request::PlanRequest;
use super::planner::{BaseRel, Quals};
use super::scan_node::ScanNode;
use super::upper::UpperRel;
use super::{memory, raw, xact};
use crate::error::Error;

/// A foreign data wrapper, in safe terms: which file answers which callback.
pub(crate) trait ForeignDataWrapper: 'static {
    /// What planning one relation learns.
    type Planning: 'static;
    /// One scan node's execution.
    type Scan: Ends;

    fn rel_size(rel: &BaseRel) -> Result<Self::Planning, Error>;
    fn paths(rel: &BaseRel, planning: &mut Self::Planning) -> Result<(), Error>;
    fn final_paths(rel: &BaseRel, planning: &Self::Planning, upper: &UpperRel) -> Result<(), Error>;
    fn plan(request: &PlanRequest, planning: &Self::Planning) -> Result<(ScanPlan, Quals), Error>;
    fn begin_scan(node: &ScanNode, explain_only: bool) -> Result<Self::Scan, Error>;
    /// Fills the node's slot; false at the end.
    fn next_row(scan: &mut Self::Scan, node: &ScanNode) -> Result<bool, Error>;
    fn rescan(scan: &mut Self::Scan) -> Result<(), Error>;
    /// Whether it has delivered its last row.
    fn is_over(scan: &Self::Scan) -> bool;
    fn explain(scan: &mut Self::Scan, node: &ScanNode, explain: &Explain) -> Result<(), Error>;
    fn import_schema(request: &ImportRequest) -> Result<Vec<String>, Error>;
    /// A table's size in bytes, more or less, if ANALYZE can read it; for `owner`, as whom it does.
    fn analyzed_size(table: pg_sys::Oid, owner: pg_sys::Oid) -> Result<Option<f64>, Error>;
    /// Offers rows to the sampler, and returns how many the table has.
    fn sample(sampler: &mut Sampler) -> Result<f64, Error>;
}

/// A new `FdwRoutine` in `CurrentMemoryContext`.
pub(crate) fn make<W: ForeignDataWrapper + ForeignModify + ForeignDirect>()
-> Result<*mut pg_sys::FdwRoutine, Error> {
    xact::listen(live::listener)?;
    let mut routine = pg_sys::FdwRoutine {
        type_: pg_sys::NodeTag::T_FdwRoutine,
        GetForeignRelSize: Some(rel_size::<W>),
        GetForeignPaths: Some(paths::<W>),
        GetForeignPlan: Some(plan::<W>),
        GetForeignUpperPaths: Some(upper_paths::<W>),
        BeginForeignScan: Some(begin_scan::<W>),
        IterateForeignScan: Some(iterate_scan::<W>),
        ReScanForeignScan: Some(rescan::<W>),
        EndForeignScan: Some(end_scan::<W>),
        ExplainForeignScan: Some(explain_scan::<W>),
        ImportForeignSchema: Some(import_schema::<W>),
        ..Default::default()
    };
    modify_routine::fill::<W>(&mut routine);
    direct::fill::<W>(&mut routine);
    analyze::fill::<W>(&mut routine);
    // SAFETY: raw call; fresh memory of the right size.
    unsafe {
        let place = pg_try(|| raw::palloc(size_of::<pg_sys::FdwRoutine>()))?.cast::<pg_sys::FdwRoutine>();
        place.write(routine);
        Ok(place)
    }
}

unsafe extern "C-unwind" fn rel_size<W: ForeignDataWrapper>(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    table: pg_sys::Oid,
) {
    boundary(|| {
        // SAFETY: the server's promise to the callback; the value lives as long as the planning.
        unsafe {
            let planning = W::rel_size(&BaseRel::new(root, rel, table))?;
            (*rel).fdw_private = memory::own(pg_sys::CurrentMemoryContext, planning)?.cast();
        }
        Ok(())
    });
}

unsafe extern "C-unwind" fn paths<W: ForeignDataWrapper>(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    table: pg_sys::Oid,
) {
    // SAFETY: `rel_size` stored the planning before.
    boundary(|| unsafe {
        W::paths(&BaseRel::new(root, rel, table), &mut *(*rel).fdw_private.cast::<W::Planning>())
    });
}

unsafe extern "C-unwind" fn upper_paths<W: ForeignDataWrapper>(
    root: *mut pg_sys::PlannerInfo,
    stage: pg_sys::UpperRelationKind::Type,
    input: *mut pg_sys::RelOptInfo,
    output: *mut pg_sys::RelOptInfo,
    _extra: *mut c_void,
) {
    if stage != pg_sys::UpperRelationKind::UPPERREL_FINAL {
        return;
    }
    boundary(|| {
        // SAFETY: the server's promise to the callback.
        unsafe {
            let Some((rel, table)) = only_base_relation(root, input)? else { return Ok(()) };
            let planning = &*(*rel).fdw_private.cast::<W::Planning>();
            W::final_paths(&BaseRel::new(root, rel, table), planning, &UpperRel::new(root, output))
        }
    });
}

/// The one plain table below `input`, if that is all there is, with its OID.
unsafe fn only_base_relation(
    root: *mut pg_sys::PlannerInfo,
    input: *mut pg_sys::RelOptInfo,
) -> Result<Option<(*mut pg_sys::RelOptInfo, pg_sys::Oid)>, Error> {
    // SAFETY: the planner's arrays hold an entry for each relation of the query.
    unsafe {
        let mut relid = 0;
        let single = pg_try(|| raw::bms_get_singleton_member((*root).all_baserels, &raw mut relid))?;
        let same = pg_try(|| raw::bms_equal((*root).all_baserels, (*input).relids))?;
        if !single || !(same || (*input).relids.is_null()) {
            return Ok(None);
        }
        let rel = *(*root).simple_rel_array.add(relid as usize);
        let entry = *(*root).simple_rte_array.add(relid as usize);
        let ours = !rel.is_null()
            && (*rel).reloptkind == pg_sys::RelOptKind::RELOPT_BASEREL
            && !(*rel).fdw_private.is_null()
            && !(*entry).inh;
        Ok(ours.then(|| (rel, (*entry).relid)))
    }
}

unsafe extern "C-unwind" fn plan<W: ForeignDataWrapper>(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    table: pg_sys::Oid,
    path: *mut pg_sys::ForeignPath,
    target_list: *mut pg_sys::List,
    clauses: *mut pg_sys::List,
    outer_plan: *mut pg_sys::Plan,
) -> *mut pg_sys::ForeignScan {
    // SAFETY: as above.
    boundary(|| unsafe {
        let rel_view = BaseRel::new(root, rel, table);
        let request = PlanRequest { rel: rel_view, path, target_list, clauses, outer_plan };
        let (plan, quals) = W::plan(&request, &*(*rel).fdw_private.cast::<W::Planning>())?;
        request.finish(&plan, quals)
    })
}

unsafe extern "C-unwind" fn begin_scan<W: ForeignDataWrapper>(
    state: *mut pg_sys::ForeignScanState,
    flags: c_int,
) {
    boundary(|| {
        let explain_only = flags & pg_sys::EXEC_FLAG_EXPLAIN_ONLY as c_int != 0;
        // SAFETY: the server's promise to the callback.
        unsafe {
            let node = ScanNode::new(state);
            let scan = W::begin_scan(&node, explain_only)?;
            // A recheck's scans begin while the query runs, perhaps under a savepoint later than the
            // query, and live as long as its memory.
            let subtransaction = if node.is_recheck() { xact::TOP } else { xact::current_subtransaction() };
            (*state).fdw_state = live::own(node.query_context(), subtransaction, scan)?.cast();
        }
        Ok(())
    });
}

unsafe fn scan_of<'a, W: ForeignDataWrapper>(
    state: *mut pg_sys::ForeignScanState,
) -> Result<&'a mut W::Scan, Error> {
    // SAFETY: `begin_scan` stored the cell, which its memory context keeps.
    unsafe { (*(*state).fdw_state.cast::<Cell<W::Scan>>()).get() }
}

unsafe extern "C-unwind" fn iterate_scan<W: ForeignDataWrapper>(
    state: *mut pg_sys::ForeignScanState,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the server's promise to the callback.
    boundary(|| unsafe {
        let node = ScanNode::new(state);
        let filled = W::next_row(scan_of::<W>(state)?, &node)?;
        Ok(node.slot(filled))
    })
}

unsafe extern "C-unwind" fn rescan<W: ForeignDataWrapper>(state: *mut pg_sys::ForeignScanState) {
    // SAFETY: as above.
    boundary(|| W::rescan(unsafe { scan_of::<W>(state)? }));
}

unsafe extern "C-unwind" fn end_scan<W: ForeignDataWrapper>(state: *mut pg_sys::ForeignScanState) {
    // SAFETY: as above; null when begin_scan failed.
    boundary(|| unsafe { live::end::<W::Scan>((*state).fdw_state) });
}

unsafe extern "C-unwind" fn explain_scan<W: ForeignDataWrapper>(
    state: *mut pg_sys::ForeignScanState,
    explain: *mut pg_sys::ExplainState,
) {
    // SAFETY: as above.
    boundary(|| unsafe { W::explain(scan_of::<W>(state)?, &ScanNode::new(state), &Explain::new(explain)) });
}

unsafe extern "C-unwind" fn import_schema<W: ForeignDataWrapper>(
    statement: *mut pg_sys::ImportForeignSchemaStmt,
    server: pg_sys::Oid,
) -> *mut pg_sys::List {
    boundary(|| {
        // SAFETY: as above; the strings are copied into the caller's context.
        unsafe {
            let commands = W::import_schema(&ImportRequest::new(&*statement, server))?;
            let exactly = |sql: &String| super::encoding::to_server_exactly(sql);
            let commands: Vec<_> = commands.iter().map(exactly).collect::<Result<_, _>>()?;
            pg_try(|| {
                let mut all = std::ptr::null_mut();
                for command in &commands {
                    all = raw::lappend(all, raw::pstrdup(command.as_ptr()).cast());
                }
                all
            })
        }
    })
}
