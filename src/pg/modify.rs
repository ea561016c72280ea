//! INSERT, UPDATE and DELETE on a foreign table, as the executor hands them over. The danger is the slot:
//! what RETURNING and triggers read from it must outlive the values that Python gave, so a row that is
//! put back is copied into the slot's own memory.

use pgrx::pg_sys;

use super::guard::pg_try;
use super::planner::Constant;
use super::scan_node::RowTarget;
use super::{catalog, encoding, raw, types};
use crate::error::Error;

/// What a modification does to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Insert,
    Update,
    Delete,
}

/// Which commands a table takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Updatable {
    pub(crate) insert: bool,
    pub(crate) update: bool,
    pub(crate) delete: bool,
}

impl Updatable {
    pub(super) fn bits(self) -> i32 {
        let bit = |on: bool, command: pg_sys::CmdType::Type| i32::from(on) << command;
        bit(self.insert, pg_sys::CmdType::CMD_INSERT)
            | bit(self.update, pg_sys::CmdType::CMD_UPDATE)
            | bit(self.delete, pg_sys::CmdType::CMD_DELETE)
    }
}

/// The table that one node modifies.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    relation: *mut pg_sys::ResultRelInfo,
    estate: *mut pg_sys::EState,
    /// The node's input, whose target list holds the row's identity; null for COPY and routing.
    input: *mut pg_sys::Plan,
}

/// One row in a slot.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    slot: *mut pg_sys::TupleTableSlot,
}

/// Where the input's row holds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Junk(i16);

impl Target {
    /// # Safety
    /// The pointers that the server passed to a modify callback.
    pub(super) unsafe fn new(
        relation: *mut pg_sys::ResultRelInfo,
        estate: *mut pg_sys::EState,
        input: *mut pg_sys::Plan,
    ) -> Self {
        Target { relation, estate, input }
    }

    fn relation(&self) -> &pg_sys::ResultRelInfo {
        // SAFETY: the executor keeps it for the node's life.
        unsafe { &*self.relation }
    }

    pub(crate) fn table(&self) -> pg_sys::Oid {
        // SAFETY: a result relation is open.
        unsafe { (*self.relation().ri_RelationDesc).rd_id }
    }

    /// The type of the table's rows.
    pub(crate) fn row_type(&self) -> pg_sys::Oid {
        // SAFETY: as above.
        unsafe { (*(*self.relation().ri_RelationDesc).rd_rel).reltype }
    }

    /// The role whose user mapping counts: a view's owner for a table under a view.
    pub(crate) fn user(&self) -> Result<pg_sys::Oid, Error> {
        #[cfg(not(feature = "pg15"))]
        // SAFETY: raw call on the executor's own state.
        let user = unsafe { pg_try(|| raw::ExecGetResultRelCheckAsUser(self.relation, self.estate))? };
        #[cfg(feature = "pg15")]
        // SAFETY: the range table holds an entry for each result relation of the query; a routed
        // partition has index 0 and counts as its root.
        let user = unsafe {
            let root = self.relation().ri_RootResultRelInfo.as_ref();
            let index = match (self.relation().ri_RangeTableIndex, root) {
                (0, Some(root)) => root.ri_RangeTableIndex,
                (index, _) => index,
            };
            let entry = index.checked_sub(1).and_then(|position| {
                super::list::nth::<pg_sys::RangeTblEntry>((*self.estate).es_range_table, position as usize)
            });
            entry.map_or(pg_sys::InvalidOid, |entry| (*entry).checkAsUser)
        };
        Ok(if user == pg_sys::InvalidOid { catalog::current_user() } else { user })
    }

    /// Raises the server's error if `row` does not belong into this partition.
    pub(crate) fn check_partition(&self, row: Row) -> Result<(), Error> {
        // SAFETY: raw call on the executor's own state; the relation is open.
        unsafe {
            if (*(*self.relation().ri_RelationDesc).rd_rel).relispartition {
                pg_try(|| raw::ExecPartitionCheck(self.relation, row.slot, self.estate, true))?;
            }
        }
        Ok(())
    }

    /// Whether somebody reads the row after it was stored: RETURNING, a check option, a row trigger.
    /// Known when the first row comes; the server sets up RETURNING after it has begun the node.
    pub(crate) fn row_is_read(&self, command: Command) -> bool {
        let relation = self.relation();
        // SAFETY: null or the relation's triggers.
        let triggers = unsafe { relation.ri_TrigDesc.as_ref() };
        let triggered = triggers.is_some_and(|t| match command {
            Command::Insert => t.trig_insert_after_row || t.trig_insert_new_table,
            Command::Update => t.trig_update_after_row || t.trig_update_new_table,
            Command::Delete => t.trig_delete_after_row || t.trig_delete_old_table,
        });
        !relation.ri_projectReturning.is_null() || !relation.ri_WithCheckOptions.is_null() || triggered
    }

    /// Whether rows may be collected: not where each is looked at before the next is made.
    pub(crate) fn may_batch(&self) -> bool {
        // SAFETY: null or the relation's triggers.
        let before = unsafe { self.relation().ri_TrigDesc.as_ref() }
            .is_some_and(|triggers| triggers.trig_insert_before_row || triggers.trig_insert_after_row);
        !before && !self.row_is_read(Command::Insert)
    }

    /// Where the input's rows hold the column that `identity_name` named.
    pub(crate) fn junk(&self, name: &str) -> Result<Option<Junk>, Error> {
        let name = encoding::to_server(name);
        // SAFETY: raw call; null for COPY and routing, which have no input.
        let found = unsafe {
            let Some(input) = self.input.as_ref() else { return Ok(None) };
            pg_try(|| raw::ExecFindJunkAttributeInTlist(input.targetlist, name.as_ptr()))?
        };
        Ok((found > 0).then_some(Junk(found)))
    }

    /// The whole old row, which the server fetches for UPDATE and we ask for where it is needed.
    pub(crate) fn old_row(&self) -> Result<Option<Junk>, Error> {
        self.junk("wholerow")
    }

    pub(super) fn query_context(&self) -> pg_sys::MemoryContext {
        // SAFETY: the executor's state.
        unsafe { (*self.estate).es_query_cxt }
    }

    /// Runs `work` with what it allocates in the memory that is reset after each row.
    pub(crate) fn per_row<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        // SAFETY: raw call; `work` returns its errors as values, so the old context is put back.
        unsafe {
            let estate = self.estate;
            if (*estate).es_per_tuple_exprcontext.is_null() {
                pg_try(|| raw::MakePerTupleExprContext(estate))?;
            }
            let old = pg_sys::CurrentMemoryContext;
            pg_sys::CurrentMemoryContext = (*(*estate).es_per_tuple_exprcontext).ecxt_per_tuple_memory;
            let result = work();
            pg_sys::CurrentMemoryContext = old;
            result
        }
    }
}

impl Row {
    /// # Safety
    /// A slot that the server passed to a modify callback.
    pub(super) unsafe fn new(slot: *mut pg_sys::TupleTableSlot) -> Self {
        Row { slot }
    }

    /// Makes every attribute readable.
    pub(crate) fn fetch(&self) -> Result<(), Error> {
        // SAFETY: raw call; the descriptor gives the count.
        unsafe {
            let natts = (*(*self.slot).tts_tupleDescriptor).natts;
            if i32::from((*self.slot).tts_nvalid) < natts {
                pg_try(|| raw::slot_getsomeattrs_int(self.slot, natts))?;
            }
        }
        Ok(())
    }

    /// Attribute `attno` of a row that was fetched.
    pub(crate) fn value(&self, attno: i16) -> Constant {
        // SAFETY: `attno` is one of the table's, whose descriptor the slot has.
        unsafe {
            let index = attno as usize - 1;
            Constant {
                datum: *(*self.slot).tts_values.add(index),
                is_null: *(*self.slot).tts_isnull.add(index),
            }
        }
    }

    /// What the input's row holds at `junk`.
    pub(crate) fn junk(&self, junk: Junk) -> Result<Constant, Error> {
        // SAFETY: raw call; the junk attribute was found in this input's target list.
        unsafe {
            if (*self.slot).tts_nvalid < junk.0 {
                pg_try(|| raw::slot_getsomeattrs_int(self.slot, i32::from(junk.0)))?;
            }
        }
        Ok(self.value(junk.0))
    }

    /// Fills the row anew by `fill`, but for `kept` attributes, and copies it into the slot's memory.
    pub(crate) fn store(
        &self,
        kept: &[i16],
        fill: impl FnOnce(RowTarget) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // SAFETY: clearing does not raise; every attribute is set by `fill` before the slot is valid.
        unsafe {
            let before = if kept.is_empty() { None } else { Some(self.copy()?) };
            if let Some(clear) = (*(*self.slot).tts_ops).clear {
                clear(self.slot);
            }
            fill(RowTarget { values: (*self.slot).tts_values, nulls: (*self.slot).tts_isnull })?;
            if let Some(before) = before {
                for attno in kept {
                    let at = *attno as usize - 1;
                    *(*self.slot).tts_values.add(at) = *before.values.add(at);
                    *(*self.slot).tts_isnull.add(at) = *before.nulls.add(at);
                }
            }
            pg_try(|| {
                raw::ExecStoreVirtualTuple(self.slot);
                if let Some(materialize) = (*(*self.slot).tts_ops).materialize {
                    materialize(self.slot);
                }
            })
        }
    }

    /// The values, in memory of the current context.
    fn copy(&self) -> Result<RowTarget, Error> {
        // SAFETY: raw calls; every kind of slot can copy its row, and the arrays have an element for each
        // attribute.
        unsafe {
            pg_try(|| {
                let descriptor = (*self.slot).tts_tupleDescriptor;
                let count = ((*descriptor).natts as usize).max(1);
                let values = raw::palloc0(count * size_of::<pg_sys::Datum>()).cast::<pg_sys::Datum>();
                let nulls = raw::palloc0(count).cast::<bool>();
                if let Some(copy) = (*(*self.slot).tts_ops).copy_heap_tuple {
                    raw::heap_deform_tuple(copy(self.slot), descriptor, values, nulls);
                }
                RowTarget { values, nulls }
            })
        }
    }

    /// Takes over the values of a composite: the old row, for DELETE … RETURNING.
    pub(crate) fn store_composite(&self, row: Constant) -> Result<(), Error> {
        self.store(&[], |target| {
            // SAFETY: raw calls; the datum is a row of the slot's own type.
            unsafe {
                pg_try(|| {
                    let header = raw::pg_detoast_datum(row.datum.cast_mut_ptr()).cast();
                    let descriptor = (*self.slot).tts_tupleDescriptor;
                    types::deform_into(header, descriptor, target.values, target.nulls);
                })
            }
        })
    }

    pub(super) fn slot(&self) -> *mut pg_sys::TupleTableSlot {
        self.slot
    }
}

/// The planner's side: which columns of the row that is changed have to be fetched.
#[derive(Clone, Copy)]
pub(crate) struct IdentityRequest {
    root: *mut pg_sys::PlannerInfo,
    index: pg_sys::Index,
    relation: pg_sys::Relation,
}

impl IdentityRequest {
    /// # Safety
    /// The pointers that the server passed to `AddForeignUpdateTargets`.
    pub(super) unsafe fn new(
        root: *mut pg_sys::PlannerInfo,
        index: pg_sys::Index,
        relation: pg_sys::Relation,
    ) -> Self {
        IdentityRequest { root, index, relation }
    }

    pub(crate) fn table(&self) -> pg_sys::Oid {
        // SAFETY: the server's open relation.
        unsafe { (*self.relation).rd_id }
    }

    /// The role whose user mapping counts.
    pub(crate) fn user(&self) -> pg_sys::Oid {
        // SAFETY: the query being planned.
        unsafe { planned_user(self.root) }
    }

    pub(crate) fn is_delete(&self) -> bool {
        // SAFETY: the query being planned.
        unsafe { (*(*self.root).parse).commandType == pg_sys::CmdType::CMD_DELETE }
    }

    pub(crate) fn has_returning(&self) -> bool {
        // SAFETY: the query being planned.
        unsafe { !(*(*self.root).parse).returningList.is_null() }
    }

    /// Asks for a column of the old row under `name`.
    pub(crate) fn add_column(&self, column: &super::relation::Column, name: &str) -> Result<(), Error> {
        let name = encoding::to_server(name);
        // SAFETY: raw calls; the name is copied into the planner's memory.
        unsafe {
            pg_try(|| {
                let var = raw::makeVar(
                    self.index as i32,
                    column.attno,
                    column.type_oid,
                    column.typmod,
                    column.collation,
                    0,
                );
                raw::add_row_identity_var(self.root, var, self.index, raw::pstrdup(name.as_ptr()));
            })
        }
    }

    /// Asks for the whole old row, as a record: tables of an inheritance tree share one column for it.
    pub(crate) fn add_whole_row(&self) -> Result<(), Error> {
        // SAFETY: as above.
        unsafe {
            pg_try(|| {
                let none = pg_sys::InvalidOid;
                let var = raw::makeVar(self.index as i32, 0, pg_sys::RECORDOID, -1, none, 0);
                raw::add_row_identity_var(self.root, var, self.index, c"wholerow".as_ptr());
            })
        }
    }
}

/// What the planner is asked to modify.
pub(crate) struct ModifyRequest {
    pub(crate) table: pg_sys::Oid,
    pub(crate) user: pg_sys::Oid,
    pub(crate) command: Command,
    pub(crate) on_conflict: bool,
}

/// The role whose user mapping counts for what a query modifies: a view's owner for a table under a view.
///
/// Of the table that the query names: its inheritance children are entered without a role.
///
/// # Safety
/// A query with a result relation that is being planned.
pub(super) unsafe fn planned_user(root: *mut pg_sys::PlannerInfo) -> pg_sys::Oid {
    // SAFETY: the caller's promise; indexes of the range table and of the permissions count from 1.
    let user = unsafe {
        let query = (*root).parse;
        let at = |index: i64| usize::try_from(index - 1).ok();
        let entry = at((*query).resultRelation.into())
            .and_then(|position| super::list::nth::<pg_sys::RangeTblEntry>((*query).rtable, position));
        #[cfg(not(feature = "pg15"))]
        let entry = entry.and_then(|entry| at((*entry).perminfoindex.into())).and_then(|position| {
            super::list::nth::<pg_sys::RTEPermissionInfo>((*query).rteperminfos, position)
        });
        entry.map_or(pg_sys::InvalidOid, |entry| (*entry).checkAsUser)
    };
    if user == pg_sys::InvalidOid { catalog::current_user() } else { user }
}

/// The name under which a column of the old row is fetched: one per definition, since tables of an
/// inheritance tree share the list.
pub(crate) fn identity_name(column: &super::relation::Column) -> String {
    let (attno, type_oid) = (column.attno, column.type_oid.to_u32());
    format!("multicorn_{attno}_{type_oid}_{}_{}", column.typmod, column.collation.to_u32())
}
