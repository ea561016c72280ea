//! UPDATE and DELETE of all matching rows by one call, without reading them first. The danger is what
//! nobody does then: no row is seen, so nothing may want to see one, and no clause is checked.

use std::ffi::c_int;

use pgrx::pg_sys;

use multicorn_plan::{Assignment, DirectPlan, PlanText, ScanPlan};

use super::clause;
use super::explain::Explain;
use super::guard::{boundary, pg_try};
use super::live::{self, Cell, Ends};
use super::modify::Command;
use super::modify_plan::{ModifyRequest, UpdateShape};
use super::plan_request::private_bytes;
use super::planner::{private_text, read_plan};
use super::scan_node::ScanNode;
use super::{list, raw, xact};
use crate::error::Error;

/// A foreign data wrapper that changes rows without reading them, in safe terms.
pub(crate) trait ForeignDirect: 'static {
    /// One such change.
    type Direct: Ends;

    /// Whether the class can do it.
    fn does_direct(request: &ModifyRequest) -> Result<bool, Error>;
    fn begin_direct(node: &ScanNode, command: Command) -> Result<Self::Direct, Error>;
    /// Does it; returns the number of rows, and whether they count as the statement's.
    fn run_direct(direct: &mut Self::Direct, node: &ScanNode) -> Result<(u64, bool), Error>;
    fn explain_direct(node: &ScanNode, explain: &Explain) -> Result<(), Error>;
}

/// Sets the callbacks.
pub(super) fn fill<W: ForeignDirect>(routine: &mut pg_sys::FdwRoutine) {
    routine.PlanDirectModify = Some(plan::<W>);
    routine.BeginDirectModify = Some(begin::<W>);
    routine.IterateDirectModify = Some(iterate::<W>);
    routine.EndDirectModify = Some(end::<W>);
    routine.ExplainDirectModify = Some(explain::<W>);
}

unsafe extern "C-unwind" fn plan<W: ForeignDirect>(
    root: *mut pg_sys::PlannerInfo,
    node: *mut pg_sys::ModifyTable,
    index: pg_sys::Index,
    position: c_int,
) -> bool {
    boundary(|| {
        // SAFETY: the server's promise to the callback: the node's subplan is made, and not yet final.
        unsafe {
            let request = ModifyRequest::new(root, node, index, position as usize);
            let Some(scan) = candidate(&request)? else { return Ok(false) };
            if !W::does_direct(&request)? {
                return Ok(false);
            }
            change(&request, scan)
        }
    })
}

/// The scan that could change its rows itself: nothing is between it and the modification, nothing has to be
/// checked, and nothing is returned.
///
/// # Safety
/// Called inside `PlanDirectModify`.
unsafe fn candidate(request: &ModifyRequest) -> Result<Option<*mut pg_sys::ForeignScan>, Error> {
    // SAFETY: the caller's promise; casts follow the tags.
    unsafe {
        let node = request.node();
        if !(*node).returningLists.is_null() {
            return Ok(None);
        }
        let mut below = (*node).plan.lefttree;
        // Tables of an inheritance tree with other columns: what projects their rows to a common form.
        if (*below).type_ == pg_sys::NodeTag::T_Result
            && (*below.cast::<pg_sys::Result>()).resconstantqual.is_null()
            && !(*below).lefttree.is_null()
            && (*(*below).lefttree).type_ == pg_sys::NodeTag::T_Append
        {
            below = (*below).lefttree;
        }
        // An inheritance tree has a scan for each of its tables, in their order.
        if (*below).type_ == pg_sys::NodeTag::T_Append {
            let scans = (*below.cast::<pg_sys::Append>()).appendplans;
            match list::nth::<pg_sys::Plan>(scans, request.position()) {
                Some(scan) => below = scan,
                None => return Ok(None),
            }
        }
        if (*below).type_ != pg_sys::NodeTag::T_ForeignScan {
            return Ok(None);
        }
        let scan = below.cast::<pg_sys::ForeignScan>();
        let plain = (*scan).scan.scanrelid == request.index() && (*below).qual.is_null();
        if !plain || (request.command()? == Command::Update && moves(request)?) {
            return Ok(None);
        }
        Ok(Some(scan))
    }
}

/// Whether the rows of an UPDATE might belong into another partition, which only who sees them can tell.
unsafe fn moves(request: &ModifyRequest) -> Result<bool, Error> {
    // SAFETY: the caller's promise: the node being planned.
    let (root, keys) = unsafe { ((*request.node()).rootRelation, (*request.node()).partColsUpdated) };
    Ok(UpdateShape::of(request.table())?.is_partition && (root == 0 || keys))
}

/// Makes of the scan what changes the rows; false if some value depends on the row.
unsafe fn change(request: &ModifyRequest, scan: *mut pg_sys::ForeignScan) -> Result<bool, Error> {
    // SAFETY: the caller's promise; raw calls on trees of the planner.
    unsafe {
        let text = private_bytes((*scan).fdw_private).unwrap_or_default();
        let ScanPlan { quals, promised, .. } = read_plan(text)?;
        let mut expressions: Vec<*mut pg_sys::Expr> = list::pointers((*scan).fdw_exprs).collect();
        let assignments = match request.command()? {
            Command::Update => match assignments(request, &mut expressions)? {
                None => return Ok(false),
                set => set,
            },
            Command::Insert | Command::Delete => None,
        };
        let sets_count = (*request.node()).canSetTag;
        let text = private_text(Some(DirectPlan { quals, assignments, sets_count, promised }.to_text()));
        pg_try(|| {
            (*scan).operation = (*request.node()).operation;
            (*scan).resultRelation = request.index();
            (*scan).fdw_exprs = list::from_slice(&expressions);
            (*scan).fdw_private = raw::string_list(&text);
        })?;
        Ok(true)
    }
}

/// What an UPDATE sets, if all of it is the same for every row.
unsafe fn assignments(
    request: &ModifyRequest,
    expressions: &mut Vec<*mut pg_sys::Expr>,
) -> Result<Option<Vec<Assignment>>, Error> {
    // SAFETY: the caller's promise; raw calls on trees of the planner.
    unsafe {
        let (mut targets, mut numbers) = (std::ptr::null_mut(), std::ptr::null_mut());
        pg_try(|| {
            raw::get_translated_update_targetlist(
                request.root(),
                request.index(),
                &raw mut targets,
                &raw mut numbers,
            );
        })?;
        let mut set = Vec::new();
        let mut numbers = list::integers(numbers).into_iter();
        for target in list::pointers::<pg_sys::TargetEntry>(targets) {
            let value = (*target).expr;
            if pg_try(|| raw::contain_subplans(value.cast()))? {
                return Ok(None);
            }
            // What identifies the row is wanted by nobody now.
            if (*target).resjunk {
                continue;
            }
            let (varies, type_oid) = pg_try(|| {
                let members = raw::pull_varnos(request.root(), value.cast());
                let varies = !members.is_null() || raw::contain_volatile_functions(value.cast());
                (varies, raw::exprType(value.cast()))
            })?;
            let Some(attno) = numbers.next().and_then(|number| i16::try_from(number).ok()) else {
                return Ok(None);
            };
            if varies {
                return Ok(None);
            }
            expressions.push(value);
            set.push(Assignment {
                column: clause::column_name(request.table(), attno)?,
                index: expressions.len() - 1,
                type_oid: type_oid.to_u32(),
            });
        }
        Ok(Some(set))
    }
}

unsafe extern "C-unwind" fn begin<W: ForeignDirect>(state: *mut pg_sys::ForeignScanState, flags: c_int) {
    if flags & pg_sys::EXEC_FLAG_EXPLAIN_ONLY as c_int != 0 {
        return;
    }
    boundary(|| {
        // SAFETY: the server's promise to the callback.
        unsafe {
            let node = ScanNode::new(state);
            let direct = W::begin_direct(&node, node.command()?)?;
            let owner = xact::current_subtransaction();
            (*state).fdw_state = live::own(node.query_context(), owner, direct)?.cast();
        }
        Ok(())
    });
}

unsafe extern "C-unwind" fn iterate<W: ForeignDirect>(
    state: *mut pg_sys::ForeignScanState,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: as above; `begin` stored the cell.
    boundary(|| unsafe {
        let node = ScanNode::new(state);
        let direct = (*(*state).fdw_state.cast::<Cell<W::Direct>>()).get()?;
        let (rows, sets_count) = W::run_direct(direct, &node)?;
        node.count(rows, sets_count);
        Ok(node.slot(false))
    })
}

/// What `change` stored.
pub(crate) fn plan_of(node: &ScanNode) -> Result<DirectPlan, Error> {
    read_plan(node.private()?)
}

unsafe extern "C-unwind" fn end<W: ForeignDirect>(state: *mut pg_sys::ForeignScanState) {
    // SAFETY: as above; null when nothing began.
    boundary(|| unsafe { live::end::<W::Direct>((*state).fdw_state) });
}

unsafe extern "C-unwind" fn explain<W: ForeignDirect>(
    state: *mut pg_sys::ForeignScanState,
    explain: *mut pg_sys::ExplainState,
) {
    // SAFETY: as above.
    boundary(|| unsafe { W::explain_direct(&ScanNode::new(state), &Explain::new(explain)) });
}
