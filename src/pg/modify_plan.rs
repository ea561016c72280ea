//! Planning INSERT, UPDATE and DELETE: what of the old row is fetched, and what the executor has to know.
//! The danger is an inheritance tree, whose tables share one list of what identifies a row.

use pgrx::pg_sys;

use multicorn_plan::UpdateFacts;

use super::guard::pg_try;
use super::modify::Command;
use super::planner::{self, private_text};
use super::{catalog, encoding, list, raw, relation};
use crate::error::Error;

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

    /// Raises the server's own error unless the query may be run.
    pub(crate) fn check_permissions(&self) -> Result<(), Error> {
        // SAFETY: the query being planned.
        unsafe { planner::check_permissions(self.root) }
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
    pub(crate) fn add_column(&self, column: &relation::Column, name: &str) -> Result<(), Error> {
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

/// One table that a query modifies, when the plan is made.
pub(crate) struct ModifyRequest {
    root: *mut pg_sys::PlannerInfo,
    node: *mut pg_sys::ModifyTable,
    index: pg_sys::Index,
    /// The table's position among those that the node modifies.
    position: usize,
}

impl ModifyRequest {
    /// # Safety
    /// The arguments that the server passed to `PlanForeignModify` or `PlanDirectModify`.
    pub(super) unsafe fn new(
        root: *mut pg_sys::PlannerInfo,
        node: *mut pg_sys::ModifyTable,
        index: pg_sys::Index,
        position: usize,
    ) -> Self {
        ModifyRequest { root, node, index, position }
    }

    pub(super) fn root(&self) -> *mut pg_sys::PlannerInfo {
        self.root
    }

    pub(super) fn node(&self) -> *mut pg_sys::ModifyTable {
        self.node
    }

    pub(super) fn index(&self) -> pg_sys::Index {
        self.index
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn table(&self) -> pg_sys::Oid {
        // SAFETY: the range table has the entry.
        unsafe { (**(*self.root).simple_rte_array.add(self.index as usize)).relid }
    }

    /// The role whose user mapping counts.
    pub(crate) fn user(&self) -> pg_sys::Oid {
        // SAFETY: the query being planned.
        unsafe { planned_user(self.root) }
    }

    /// Raises the server's own error unless the query may be run.
    pub(crate) fn check_permissions(&self) -> Result<(), Error> {
        // SAFETY: the query being planned.
        unsafe { planner::check_permissions(self.root) }
    }

    pub(crate) fn command(&self) -> Result<Command, Error> {
        // SAFETY: the server's promise to the callback.
        Command::of(unsafe { (*self.node).operation })
    }

    pub(crate) fn on_conflict(&self) -> bool {
        // SAFETY: as above.
        unsafe { (*self.node).onConflictAction != pg_sys::OnConflictAction::ONCONFLICT_NONE }
    }

    /// A system column that RETURNING names: the slot would hold whatever lies there.
    pub(crate) fn returned_system_column(&self) -> Result<Option<&'static str>, Error> {
        // SAFETY: raw calls on the list of expressions for one of the node's tables; null where there is none.
        unsafe {
            let Some(returned) = list::nth::<pg_sys::Node>((*self.node).returningLists, self.position) else {
                return Ok(None);
            };
            let members = pg_try(|| {
                let mut members = std::ptr::null_mut();
                raw::pull_varattnos(returned, self.index, &raw mut members);
                members
            })?;
            Ok(planner::system_name(&planner::attribute_numbers(members)?))
        }
    }

    /// What an UPDATE may change.
    pub(crate) fn update_facts(&self) -> Result<UpdateFacts, Error> {
        // SAFETY: the list holds one of integers for each of the node's tables; the open relation is closed.
        unsafe {
            let lists = (*self.node).updateColnosLists;
            let set = list::nth::<pg_sys::List>(lists, self.position)
                .map_or(Vec::new(), |found| list::integers(found));
            let shape = UpdateShape::of(self.table())?;
            Ok(UpdateFacts {
                set: set.into_iter().filter_map(|attno| i16::try_from(attno).ok()).collect(),
                generated: shape.generated,
                triggered: shape.before_row,
            })
        }
    }

    /// The private part of the plan.
    pub(super) fn finish(text: Option<String>) -> Result<*mut pg_sys::List, Error> {
        let text = private_text(text);
        // SAFETY: raw calls that copy the text.
        unsafe { pg_try(|| raw::string_list(&text)) }
    }
}

/// What about a table decides which columns an UPDATE reads and changes.
pub(super) struct UpdateShape {
    /// Stored generated columns.
    pub(super) generated: Vec<i16>,
    /// A row trigger before the UPDATE.
    pub(super) before_row: bool,
    /// One after it, which is shown both rows.
    pub(super) after_row: bool,
    pub(super) is_partition: bool,
}

impl UpdateShape {
    pub(super) fn of(table: pg_sys::Oid) -> Result<Self, Error> {
        // SAFETY: raw calls on a table that the query has locked; it is closed at once, and all that is read
        // from it are numbers.
        unsafe {
            let relation = pg_try(|| raw::table_open(table, pg_sys::NoLock as i32))?;
            let descriptor = (*relation).rd_att;
            let generated = (0..(*descriptor).natts as usize)
                .map(|index| &*relation::attribute(descriptor, index))
                .filter(|attribute| attribute.attgenerated as u8 == b's' && !attribute.attisdropped)
                .map(|attribute| attribute.attnum)
                .collect();
            let triggers = (*relation).trigdesc.as_ref();
            let shape = UpdateShape {
                generated,
                before_row: triggers.is_some_and(|triggers| triggers.trig_update_before_row),
                after_row: triggers.is_some_and(|t| {
                    t.trig_update_after_row || t.trig_update_new_table || t.trig_update_old_table
                }),
                is_partition: (*(*relation).rd_rel).relispartition,
            };
            pg_try(|| raw::table_close(relation, pg_sys::NoLock as i32))?;
            Ok(shape)
        }
    }
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
            .and_then(|position| list::nth::<pg_sys::RangeTblEntry>((*query).rtable, position));
        #[cfg(not(feature = "pg15"))]
        let entry = entry
            .and_then(|entry| at((*entry).perminfoindex.into()))
            .and_then(|position| list::nth::<pg_sys::RTEPermissionInfo>((*query).rteperminfos, position));
        entry.map_or(pg_sys::InvalidOid, |entry| (*entry).checkAsUser)
    };
    if user == pg_sys::InvalidOid { catalog::current_user() } else { user }
}

/// The name under which a column of the old row is fetched: one per definition, since tables of an
/// inheritance tree share the list.
pub(crate) fn identity_name(column: &relation::Column) -> String {
    let (attno, type_oid) = (column.attno, column.type_oid.to_u32());
    format!("multicorn_{attno}_{type_oid}_{}_{}", column.typmod, column.collation.to_u32())
}
