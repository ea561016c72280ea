//! The table that a node of the executor modifies. The danger is what is not known when the node begins:
//! the server sets up RETURNING later, so who reads the rows is asked when the first one comes.

use pgrx::pg_sys;

use super::guard::pg_try;
use super::modify_row::Row;
use super::plan_request::private_bytes;
use super::{catalog, encoding, raw};
use crate::error::{Error, SqlState};

/// What a modification does to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Insert,
    Update,
    Delete,
}

impl Command {
    pub(super) fn of(operation: pg_sys::CmdType::Type) -> Result<Self, Error> {
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
    pub(super) node: *mut pg_sys::ModifyTableState,
    pub(super) relation: *mut pg_sys::ResultRelInfo,
    /// What `ModifyRequest::finish` stored; null for COPY and routing.
    private: *mut pg_sys::List,
}

/// Where the input's row holds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Junk(pub(super) i16);

impl Target {
    /// # Safety
    /// The pointers that the server passed to a modify callback.
    pub(super) unsafe fn new(
        node: *mut pg_sys::ModifyTableState,
        relation: *mut pg_sys::ResultRelInfo,
        private: *mut pg_sys::List,
    ) -> Self {
        Target { node, relation, private }
    }

    fn relation(&self) -> &pg_sys::ResultRelInfo {
        // SAFETY: the executor keeps it for the node's life.
        unsafe { &*self.relation }
    }

    fn estate(&self) -> *mut pg_sys::EState {
        // SAFETY: as above; COPY makes a node with a state too.
        unsafe { (*self.node).ps.state }
    }

    /// The plan of the node; none for COPY.
    fn plan(&self) -> Option<&pg_sys::ModifyTable> {
        // SAFETY: as above.
        unsafe { (*self.node).ps.plan.cast::<pg_sys::ModifyTable>().as_ref() }
    }

    /// What the planner stored, as text.
    pub(crate) fn private(&self) -> Option<&[u8]> {
        // SAFETY: the list that `ModifyRequest::finish` made, a copy of it, or null.
        unsafe { private_bytes(self.private) }
    }

    pub(crate) fn command(&self) -> Result<Command, Error> {
        // SAFETY: as above.
        Command::of(unsafe { (*self.node).operation })
    }

    pub(crate) fn on_conflict(&self) -> bool {
        self.plan().is_some_and(|plan| plan.onConflictAction != pg_sys::OnConflictAction::ONCONFLICT_NONE)
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
        let user = unsafe { pg_try(|| raw::ExecGetResultRelCheckAsUser(self.relation, self.estate()))? };
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
                super::list::nth::<pg_sys::RangeTblEntry>((*self.estate()).es_range_table, position as usize)
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
                pg_try(|| raw::ExecPartitionCheck(self.relation, row.slot(), self.estate(), true))?;
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
        // SAFETY: raw call; COPY makes a node without an input.
        let found = unsafe {
            let Some(input) = (*self.node).ps.lefttree.as_ref() else { return Ok(None) };
            let input = &*input.plan;
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
        unsafe { (*self.estate()).es_query_cxt }
    }

    /// Runs `work` with what it allocates in the memory that is reset after each row.
    pub(crate) fn per_row<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        // SAFETY: raw call; `work` returns its errors as values, so the old context is put back.
        unsafe {
            let estate = self.estate();
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
