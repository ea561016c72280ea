//! The callbacks of INSERT, UPDATE, DELETE and COPY, generic over a safe trait. The danger is the second
//! door: COPY FROM and partition routing begin by `BeginForeignInsert` *instead of* `BeginForeignModify`,
//! and an UPDATE that moves rows comes through both, so a node's state counts its users.

use std::ffi::c_int;

use pgrx::pg_sys;

use super::explain::Explain;
use super::guard::boundary;
use super::live::{self, Cell, Ending, Ends};
use super::modify::{self, Command, IdentityRequest, ModifyRequest, Row, Target, Updatable};
use super::xact;
use crate::error::{Error, SqlState};

/// A foreign data wrapper that writes, in safe terms.
pub(crate) trait ForeignModify: 'static {
    /// One table's modification by one node.
    type Modify: Ends;

    fn updatable(table: pg_sys::Oid) -> Result<Updatable, Error>;
    fn identity(request: &IdentityRequest) -> Result<(), Error>;
    fn plan_modify(request: &ModifyRequest) -> Result<(), Error>;
    fn begin_modify(target: Target, command: Command) -> Result<Self::Modify, Error>;
    fn batch_size(modify: &mut Self::Modify) -> Result<i32, Error>;
    fn insert(modify: &mut Self::Modify, rows: &[Row]) -> Result<(), Error>;
    fn update(modify: &mut Self::Modify, new: Row, input: Row) -> Result<(), Error>;
    fn delete(modify: &mut Self::Modify, returned: Row, input: Row) -> Result<(), Error>;
    fn explain_modify(target: Target, explain: &Explain) -> Result<(), Error>;
}

/// The state of a result relation.
struct Users<T: Ends> {
    modify: T,
    /// Begins that have not ended.
    count: u32,
}

impl<T: Ends> Ends for Users<T> {
    fn end(self, ending: Ending) -> Result<(), Error> {
        self.modify.end(ending)
    }
}

/// Sets the callbacks.
pub(super) fn fill<M: ForeignModify>(routine: &mut pg_sys::FdwRoutine) {
    routine.IsForeignRelUpdatable = Some(updatable::<M>);
    routine.AddForeignUpdateTargets = Some(add_targets::<M>);
    routine.PlanForeignModify = Some(plan::<M>);
    routine.BeginForeignModify = Some(begin::<M>);
    routine.ExecForeignInsert = Some(insert::<M>);
    routine.ExecForeignBatchInsert = Some(batch_insert::<M>);
    routine.GetForeignModifyBatchSize = Some(batch_size::<M>);
    routine.ExecForeignUpdate = Some(update::<M>);
    routine.ExecForeignDelete = Some(delete::<M>);
    routine.EndForeignModify = Some(end::<M>);
    routine.BeginForeignInsert = Some(begin_insert::<M>);
    routine.EndForeignInsert = Some(end::<M>);
    routine.ExplainForeignModify = Some(explain::<M>);
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

fn command(operation: pg_sys::CmdType::Type) -> Result<Command, Error> {
    match operation {
        pg_sys::CmdType::CMD_INSERT => Ok(Command::Insert),
        pg_sys::CmdType::CMD_UPDATE => Ok(Command::Update),
        pg_sys::CmdType::CMD_DELETE => Ok(Command::Delete),
        _ => Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "this command is not supported on foreign tables",
        )),
    }
}

unsafe extern "C-unwind" fn plan<M: ForeignModify>(
    root: *mut pg_sys::PlannerInfo,
    node: *mut pg_sys::ModifyTable,
    index: pg_sys::Index,
    _subplan: c_int,
) -> *mut pg_sys::List {
    boundary(|| {
        // SAFETY: the server's promise to the callback; the range table has the entry.
        let request = unsafe {
            let entry = *(*root).simple_rte_array.add(index as usize);
            ModifyRequest {
                table: (*entry).relid,
                user: modify::planned_user(root),
                command: command((*node).operation)?,
                on_conflict: (*node).onConflictAction != pg_sys::OnConflictAction::ONCONFLICT_NONE,
            }
        };
        M::plan_modify(&request)?;
        // The executor learns everything from its node.
        Ok(std::ptr::null_mut())
    })
}

unsafe extern "C-unwind" fn begin<M: ForeignModify>(
    state: *mut pg_sys::ModifyTableState,
    relation: *mut pg_sys::ResultRelInfo,
    _private: *mut pg_sys::List,
    _subplan: c_int,
    flags: c_int,
) {
    if flags & pg_sys::EXEC_FLAG_EXPLAIN_ONLY as c_int != 0 {
        return;
    }
    // SAFETY: the server's promise to the callback.
    boundary(|| unsafe { enter::<M>(state, relation, command((*state).operation)?) });
}

unsafe extern "C-unwind" fn begin_insert<M: ForeignModify>(
    state: *mut pg_sys::ModifyTableState,
    relation: *mut pg_sys::ResultRelInfo,
) {
    // SAFETY: as above.
    boundary(|| unsafe { enter::<M>(state, relation, Command::Insert) });
}

unsafe fn enter<M: ForeignModify>(
    state: *mut pg_sys::ModifyTableState,
    relation: *mut pg_sys::ResultRelInfo,
    command: Command,
) -> Result<(), Error> {
    // SAFETY: the caller's promise; our own state or none is stored in the relation.
    unsafe {
        if let Some(cell) = (*relation).ri_FdwState.cast::<Cell<Users<M::Modify>>>().as_mut() {
            cell.get()?.count += 1;
            return Ok(());
        }
        let modify = M::begin_modify(target(state, relation), command)?;
        let context = target(state, relation).query_context();
        (*relation).ri_FdwState =
            live::own(context, xact::current_subtransaction(), Users { modify, count: 1 })?.cast();
        Ok(())
    }
}

/// # Safety
/// A live node and one of its result relations.
unsafe fn target(state: *mut pg_sys::ModifyTableState, relation: *mut pg_sys::ResultRelInfo) -> Target {
    // SAFETY: the caller's promise; COPY makes a node without an input.
    unsafe {
        let input = (*state).ps.lefttree.as_ref().map_or(std::ptr::null_mut(), |input| input.plan);
        Target::new(relation, (*state).ps.state, input)
    }
}

unsafe fn modify_of<'a, M: ForeignModify>(
    relation: *mut pg_sys::ResultRelInfo,
) -> Result<&'a mut M::Modify, Error> {
    // SAFETY: `enter` stored the cell before any row comes.
    unsafe {
        match (*relation).ri_FdwState.cast::<Cell<Users<M::Modify>>>().as_mut() {
            Some(cell) => Ok(&mut cell.get()?.modify),
            None => Err(Error::internal("multicorn: a row comes before the modification began")),
        }
    }
}

unsafe extern "C-unwind" fn insert<M: ForeignModify>(
    _estate: *mut pg_sys::EState,
    relation: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    _input: *mut pg_sys::TupleTableSlot,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the server's promise to the callback.
    boundary(|| unsafe {
        M::insert(modify_of::<M>(relation)?, &[Row::new(slot)])?;
        Ok(slot)
    })
}

unsafe extern "C-unwind" fn batch_insert<M: ForeignModify>(
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
        M::insert(modify_of::<M>(relation)?, &rows)?;
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
            M::batch_size(modify_of::<M>(relation)?)
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
        M::update(modify_of::<M>(relation)?, Row::new(slot), Row::new(input))?;
        Ok(slot)
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
        let row = Row::new(slot);
        M::delete(modify_of::<M>(relation)?, row, Row::new(input))?;
        Ok(row.slot())
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
    _private: *mut pg_sys::List,
    _subplan: c_int,
    explain: *mut pg_sys::ExplainState,
) {
    // SAFETY: as above.
    boundary(|| unsafe { M::explain_modify(target(state, relation), &Explain::new(explain)) });
}
