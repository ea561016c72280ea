//! The callbacks of INSERT, UPDATE, DELETE and COPY, generic over a safe trait. The danger is the second
//! door: COPY FROM and partition routing begin by `BeginForeignInsert` *instead of* `BeginForeignModify`,
//! and an UPDATE that moves rows comes through both, so a node's state counts its users.

use std::ffi::c_int;

use pgrx::pg_sys;

use multicorn_plan::{ModifyPlan, PlanText};

use super::explain::Explain;
use super::guard::boundary;
use super::live::{self, Cell, Ending, Ends};
use super::modify::{Command, Target, Updatable};
use super::modify_plan::{IdentityRequest, ModifyRequest};
use super::modify_row::Row;
use super::rivals::{self, Rival};
use super::routine::ForeignDataWrapper;
use super::{list, relation, xact};
use crate::error::{Error, SqlState};

/// A foreign data wrapper that writes, in safe terms.
pub(crate) trait ForeignModify: 'static {
    /// One table's modification by one node.
    type Modify: Ends;

    fn updatable(table: pg_sys::Oid) -> Result<Updatable, Error>;
    fn identity(request: &IdentityRequest) -> Result<(), Error>;
    fn plan_modify(request: &ModifyRequest) -> Result<Option<ModifyPlan>, Error>;
    fn begin_modify(target: Target, command: Command) -> Result<Self::Modify, Error>;
    fn batch_size(modify: &mut Self::Modify) -> Result<i32, Error>;
    /// How many of the rows are stored now.
    fn insert(modify: &mut Self::Modify, rows: &[Row]) -> Result<usize, Error>;
    /// Whether the row was changed.
    fn update(modify: &mut Self::Modify, new: Row, input: Row) -> Result<bool, Error>;
    /// Whether the row was removed.
    fn delete(modify: &mut Self::Modify, returned: Row, input: Row) -> Result<bool, Error>;
    fn explain_modify(target: Target, explain: &Explain) -> Result<(), Error>;
    fn truncate(tables: &[pg_sys::Oid], options: Truncate) -> Result<(), Error>;
}

/// The options of TRUNCATE.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Truncate {
    pub(crate) restart_identity: bool,
    pub(crate) cascade: bool,
}

/// The state of a result relation.
struct Users<T: Ends> {
    modify: T,
    /// Begins that have not ended.
    count: u32,
    /// Scans that rows must not be inserted before.
    rivals: Vec<Rival>,
}

impl<T: Ends> Ends for Users<T> {
    fn end(self, ending: Ending) -> Result<(), Error> {
        self.modify.end(ending)
    }
}

/// Sets the callbacks.
pub(super) fn fill<W: ForeignDataWrapper + ForeignModify>(routine: &mut pg_sys::FdwRoutine) {
    routine.IsForeignRelUpdatable = Some(updatable::<W>);
    routine.AddForeignUpdateTargets = Some(add_targets::<W>);
    routine.PlanForeignModify = Some(plan::<W>);
    routine.BeginForeignModify = Some(begin::<W>);
    routine.ExecForeignInsert = Some(insert::<W>);
    routine.ExecForeignBatchInsert = Some(batch_insert::<W>);
    routine.GetForeignModifyBatchSize = Some(batch_size::<W>);
    routine.ExecForeignUpdate = Some(update::<W>);
    routine.ExecForeignDelete = Some(delete::<W>);
    routine.EndForeignModify = Some(end::<W>);
    routine.BeginForeignInsert = Some(begin_insert::<W>);
    routine.EndForeignInsert = Some(end::<W>);
    routine.ExplainForeignModify = Some(explain::<W>);
    routine.ExecForeignTruncate = Some(truncate::<W>);
}

unsafe extern "C-unwind" fn updatable<M: ForeignModify>(relation: pg_sys::Relation) -> c_int {
    // SAFETY: the server's open relation.
    boundary(|| Ok(M::updatable(unsafe { (*relation).rd_id })?.bits()))
}

unsafe extern "C-unwind" fn add_targets<M: ForeignModify>(
    root: *mut pg_sys::PlannerInfo,
    index: pg_sys::Index,
    _entry: *mut pg_sys::RangeTblEntry,
    relation: pg_sys::Relation,
) {
    // SAFETY: the server's promise to the callback.
    boundary(|| M::identity(&unsafe { IdentityRequest::new(root, index, relation) }));
}

unsafe extern "C-unwind" fn plan<M: ForeignModify>(
    root: *mut pg_sys::PlannerInfo,
    node: *mut pg_sys::ModifyTable,
    index: pg_sys::Index,
    position: c_int,
) -> *mut pg_sys::List {
    boundary(|| {
        // SAFETY: the server's promise to the callback.
        let request = unsafe { ModifyRequest::new(root, node, index, position as usize) };
        ModifyRequest::finish(M::plan_modify(&request)?.map(|plan| plan.to_text()))
    })
}

unsafe extern "C-unwind" fn begin<M: ForeignModify>(
    state: *mut pg_sys::ModifyTableState,
    relation: *mut pg_sys::ResultRelInfo,
    private: *mut pg_sys::List,
    _position: c_int,
    flags: c_int,
) {
    if flags & pg_sys::EXEC_FLAG_EXPLAIN_ONLY as c_int != 0 {
        return;
    }
    // SAFETY: the server's promise to the callback.
    boundary(|| unsafe {
        enter::<M>(Target::new(state, relation, private), Command::of((*state).operation)?, Vec::new())
    });
}

unsafe extern "C-unwind" fn begin_insert<W: ForeignDataWrapper + ForeignModify>(
    state: *mut pg_sys::ModifyTableState,
    relation: *mut pg_sys::ResultRelInfo,
) {
    // SAFETY: as above.
    boundary(|| unsafe {
        let target = Target::new(state, relation, std::ptr::null_mut());
        let moves = (*state).operation == pg_sys::CmdType::CMD_UPDATE;
        if moves && (*relation).ri_usesFdwDirectModify {
            return Err(still_reading(relation));
        }
        let rivals = if moves { rivals::of(state, relation)? } else { Vec::new() };
        enter::<W>(target, Command::Insert, rivals)
    });
}

unsafe fn enter<M: ForeignModify>(target: Target, command: Command, rivals: Vec<Rival>) -> Result<(), Error> {
    // SAFETY: the caller's promise; our own state or none is stored in the relation.
    unsafe {
        let relation = target.relation;
        if let Some(cell) = (*relation).ri_FdwState.cast::<Cell<Users<M::Modify>>>().as_mut() {
            let users = cell.get()?;
            users.count += 1;
            users.rivals = rivals;
            return Ok(());
        }
        let modify = M::begin_modify(target, command)?;
        let users = Users { modify, count: 1, rivals };
        (*relation).ri_FdwState =
            live::own(target.query_context(), xact::current_subtransaction(), users)?.cast();
        Ok(())
    }
}

/// Rows would be moved into a table that the UPDATE itself has still to read: it would change them again.
///
/// # Safety
/// A result relation of a running node.
unsafe fn still_reading(target: *mut pg_sys::ResultRelInfo) -> Error {
    // SAFETY: a result relation is open.
    let table = unsafe { (*(*target).ri_RelationDesc).rd_id };
    let name = relation::qualified_name(table).1.unwrap_or_default();
    Error::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("cannot move a row into foreign table \"{name}\", which the same UPDATE has still to read"),
    )
    .detail("The row would be found there and be changed once more.")
    .hint("Exclude that partition by a condition, or move the rows by DELETE … RETURNING and INSERT.")
}

unsafe fn users_of<'a, M: ForeignModify>(
    relation: *mut pg_sys::ResultRelInfo,
) -> Result<&'a mut Users<M::Modify>, Error> {
    // SAFETY: `enter` stored the cell before any row comes.
    unsafe {
        match (*relation).ri_FdwState.cast::<Cell<Users<M::Modify>>>().as_mut() {
            Some(cell) => cell.get(),
            None => Err(Error::internal("multicorn: a row comes before the modification began")),
        }
    }
}

/// The modification, for rows that are inserted.
unsafe fn inserting<'a, W: ForeignDataWrapper + ForeignModify>(
    relation: *mut pg_sys::ResultRelInfo,
) -> Result<&'a mut W::Modify, Error> {
    // SAFETY: as `users_of`; a scan's state is ours while its node lives.
    unsafe {
        let users = users_of::<W>(relation)?;
        for rival in &users.rivals {
            let scan = (*(*rival.scan).fdw_state.cast::<Cell<W::Scan>>()).get()?;
            if rival.is_repeated || !W::is_over(scan) {
                return Err(still_reading(relation));
            }
        }
        Ok(&mut users.modify)
    }
}

unsafe extern "C-unwind" fn insert<W: ForeignDataWrapper + ForeignModify>(
    _estate: *mut pg_sys::EState,
    relation: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    _input: *mut pg_sys::TupleTableSlot,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the server's promise to the callback.
    boundary(|| unsafe {
        let stored = W::insert(inserting::<W>(relation)?, &[Row::new(slot)])?;
        Ok(if stored == 0 { std::ptr::null_mut() } else { slot })
    })
}

unsafe extern "C-unwind" fn batch_insert<W: ForeignDataWrapper + ForeignModify>(
    _estate: *mut pg_sys::EState,
    relation: *mut pg_sys::ResultRelInfo,
    slots: *mut *mut pg_sys::TupleTableSlot,
    _inputs: *mut *mut pg_sys::TupleTableSlot,
    count: *mut c_int,
) -> *mut *mut pg_sys::TupleTableSlot {
    // SAFETY: as above: `count` slots.
    boundary(|| unsafe {
        let rows: Vec<Row> =
            std::slice::from_raw_parts(slots, *count as usize).iter().map(|slot| Row::new(*slot)).collect();
        // Which of them were stored nobody asks, in a batch, only how many.
        *count = W::insert(inserting::<W>(relation)?, &rows)? as c_int;
        Ok(slots)
    })
}

unsafe extern "C-unwind" fn batch_size<M: ForeignModify>(relation: *mut pg_sys::ResultRelInfo) -> c_int {
    boundary(|| {
        // SAFETY: as above; EXPLAIN asks without having begun.
        unsafe {
            if (*relation).ri_FdwState.is_null() {
                return Ok(1);
            }
            M::batch_size(&mut users_of::<M>(relation)?.modify)
        }
    })
}

unsafe extern "C-unwind" fn update<M: ForeignModify>(
    _estate: *mut pg_sys::EState,
    relation: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    input: *mut pg_sys::TupleTableSlot,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: as above.
    boundary(|| unsafe {
        let changed = M::update(&mut users_of::<M>(relation)?.modify, Row::new(slot), Row::new(input))?;
        Ok(if changed { slot } else { std::ptr::null_mut() })
    })
}

unsafe extern "C-unwind" fn delete<M: ForeignModify>(
    _estate: *mut pg_sys::EState,
    relation: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    input: *mut pg_sys::TupleTableSlot,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: as above.
    boundary(|| unsafe {
        let removed = M::delete(&mut users_of::<M>(relation)?.modify, Row::new(slot), Row::new(input))?;
        Ok(if removed { slot } else { std::ptr::null_mut() })
    })
}

unsafe extern "C-unwind" fn end<M: ForeignModify>(
    _estate: *mut pg_sys::EState,
    relation: *mut pg_sys::ResultRelInfo,
) {
    boundary(|| {
        // SAFETY: as above; null where nothing began.
        unsafe {
            let Some(cell) = (*relation).ri_FdwState.cast::<Cell<Users<M::Modify>>>().as_mut() else {
                return Ok(());
            };
            let users = cell.get()?;
            users.count -= 1;
            if users.count > 0 {
                return Ok(());
            }
            (*relation).ri_FdwState = std::ptr::null_mut();
            cell.end()
        }
    });
}

unsafe extern "C-unwind" fn explain<M: ForeignModify>(
    state: *mut pg_sys::ModifyTableState,
    relation: *mut pg_sys::ResultRelInfo,
    private: *mut pg_sys::List,
    _position: c_int,
    explain: *mut pg_sys::ExplainState,
) {
    // SAFETY: as above.
    boundary(|| unsafe { M::explain_modify(Target::new(state, relation, private), &Explain::new(explain)) });
}

unsafe extern "C-unwind" fn truncate<M: ForeignModify>(
    relations: *mut pg_sys::List,
    behavior: pg_sys::DropBehavior::Type,
    restart_identity: bool,
) {
    boundary(|| {
        // SAFETY: a list of open relations.
        let tables: Vec<pg_sys::Oid> = unsafe {
            list::pointers::<pg_sys::RelationData>(relations).map(|relation| (*relation).rd_id).collect()
        };
        let cascade = behavior == pg_sys::DropBehavior::DROP_CASCADE;
        M::truncate(&tables, Truncate { restart_identity, cascade })
    });
}
