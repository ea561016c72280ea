//! Scans that could read again what the same UPDATE has moved into their table. The danger is a row that
//! is changed twice: a local partition's row is inserted into a foreign one, which is scanned after it.

use std::ffi::c_void;

use pgrx::pg_sys;

use super::guard::pg_try;
use super::raw;
use crate::error::Error;

/// A scan of the table that rows are moved into.
pub(super) struct Rival {
    pub(super) scan: *mut pg_sys::ForeignScanState,
    /// On the inner side of a nested loop, which begins it anew.
    pub(super) is_repeated: bool,
}

struct Search {
    relid: pg_sys::Index,
    inside_loop: bool,
    found: Vec<Rival>,
}

/// The scans below `node` that deliver the rows of `relation` to be changed.
///
/// # Safety
/// A node of the executor that has been initialized, and one of its result relations.
pub(super) unsafe fn of(
    node: *mut pg_sys::ModifyTableState,
    relation: *mut pg_sys::ResultRelInfo,
) -> Result<Vec<Rival>, Error> {
    // SAFETY: the caller's promise.
    let relid = unsafe { (*relation).ri_RangeTableIndex };
    if relid == 0 {
        return Ok(Vec::new()); // only inserted into
    }
    let mut search = Search { relid, inside_loop: false, found: Vec::new() };
    // SAFETY: as above; the search outlives the walk.
    unsafe { pg_try(|| walk((*node).ps.lefttree, (&raw mut search).cast()))? };
    Ok(search.found)
}

unsafe extern "C-unwind" fn walk(node: *mut pg_sys::PlanState, search: *mut c_void) -> bool {
    // SAFETY: the executor's tree; casts follow the tags; `search` is the one of `of`.
    unsafe {
        let Some(state) = node.as_ref() else { return false };
        let place = search.cast::<Search>();
        match state.type_ {
            pg_sys::NodeTag::T_ForeignScanState => {
                let scan = node.cast::<pg_sys::ForeignScanState>();
                if (*state.plan.cast::<pg_sys::ForeignScan>()).scan.scanrelid == (*place).relid {
                    let is_repeated = (*place).inside_loop;
                    (*place).found.push(Rival { scan, is_repeated });
                }
                false
            }
            pg_sys::NodeTag::T_NestLoopState => {
                walk(state.lefttree, search);
                let outside = (*place).inside_loop;
                (*place).inside_loop = true;
                walk(state.righttree, search);
                (*place).inside_loop = outside;
                false
            }
            _ => raw::planstate_tree_walker(node, walk, search),
        }
    }
}
