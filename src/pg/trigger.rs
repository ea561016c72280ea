//! What a trigger function is called with, as values. The danger is the life of the event's rows: they are
//! the server's, and only for the call.

use std::ffi::c_char;

use pgrx::pg_sys::{self, Datum, Oid};

use super::call::Call;
use super::guard::pg_try;
use super::planner::Constant;
use super::result_set::RowShape;
use super::{encoding, list, memory, raw, relation, spi};
use crate::error::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Timing {
    Before,
    After,
    InsteadOf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    Insert,
    Update,
    Delete,
    Truncate,
}

/// One firing of a trigger.
#[derive(Clone, Copy)]
pub(crate) struct Trigger(*mut pg_sys::TriggerData);

/// A row of the event.
#[derive(Clone, Copy)]
pub(crate) struct Tuple {
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
}

impl Trigger {
    /// The firing that a call of the role `Trigger` is for.
    pub(crate) fn of(call: Call) -> Self {
        debug_assert!(call.role() == super::call::Role::Trigger);
        // SAFETY: the context of such a call is the trigger's data.
        Trigger(unsafe { (*call.raw()).context.cast() })
    }

    fn data(&self) -> &pg_sys::TriggerData {
        // SAFETY: alive during the call.
        unsafe { &*self.0 }
    }

    fn trigger(&self) -> &pg_sys::Trigger {
        // SAFETY: as above.
        unsafe { &*self.data().tg_trigger }
    }

    fn descriptor(&self) -> pg_sys::TupleDesc {
        // SAFETY: the relation is open during the call.
        unsafe { (*self.data().tg_relation).rd_att }
    }

    pub(crate) fn timing(&self) -> Timing {
        match self.data().tg_event & pg_sys::TRIGGER_EVENT_TIMINGMASK {
            pg_sys::TRIGGER_EVENT_BEFORE => Timing::Before,
            pg_sys::TRIGGER_EVENT_INSTEAD => Timing::InsteadOf,
            _ => Timing::After,
        }
    }

    pub(crate) fn operation(&self) -> Operation {
        match self.data().tg_event & pg_sys::TRIGGER_EVENT_OPMASK {
            pg_sys::TRIGGER_EVENT_INSERT => Operation::Insert,
            pg_sys::TRIGGER_EVENT_DELETE => Operation::Delete,
            pg_sys::TRIGGER_EVENT_UPDATE => Operation::Update,
            _ => Operation::Truncate,
        }
    }

    pub(crate) fn is_row(&self) -> bool {
        self.data().tg_event & pg_sys::TRIGGER_EVENT_ROW != 0
    }

    pub(crate) fn oid(&self) -> Oid {
        self.trigger().tgoid
    }

    pub(crate) fn name(&self) -> String {
        // SAFETY: NUL-terminated.
        unsafe { encoding::from_server_ptr(self.trigger().tgname) }.unwrap_or_default()
    }

    pub(crate) fn relation(&self) -> Oid {
        // SAFETY: as in `descriptor`.
        unsafe { (*self.data().tg_relation).rd_id }
    }

    /// The relation's row type.
    pub(crate) fn row_type(&self) -> Oid {
        // SAFETY: as above.
        unsafe { (*(*self.data().tg_relation).rd_rel).reltype }
    }

    /// The relation's schema and name.
    pub(crate) fn relation_name(&self) -> (String, String) {
        let (schema, name) = relation::qualified_name(self.relation());
        (schema.unwrap_or_default(), name.unwrap_or_default())
    }

    /// What CREATE TRIGGER passes.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let count = usize::try_from(self.trigger().tgnargs).unwrap_or(0);
        // SAFETY: so many NUL-terminated texts.
        let one =
            |at| unsafe { encoding::from_server_ptr(*self.trigger().tgargs.add(at)).unwrap_or_default() };
        (0..count).map(one).collect()
    }

    /// The names of the columns after UPDATE OF.
    pub(crate) fn columns(&self) -> Vec<String> {
        let count = usize::try_from(self.trigger().tgnattr).unwrap_or(0);
        // SAFETY: so many numbers of attributes of the relation.
        let one = |at| unsafe {
            let number = *self.trigger().tgattr.add(at) as usize - 1;
            let attribute = &*relation::attribute(self.descriptor(), number);
            encoding::from_server_ptr(attribute.attname.data.as_ptr()).unwrap_or_default()
        };
        (0..count).map(one).collect()
    }

    /// The relation's columns, which live as long as the call.
    pub(crate) fn shape(&self) -> RowShape {
        // SAFETY: a live descriptor.
        unsafe { RowShape::of(self.descriptor()) }
    }

    /// Which columns the server computes after BEFORE triggers.
    pub(crate) fn generated(&self) -> Vec<bool> {
        let descriptor = self.descriptor();
        // SAFETY: a live descriptor.
        unsafe {
            (0..(*descriptor).natts as usize)
                .map(|at| (*relation::attribute(descriptor, at)).attgenerated != 0)
                .collect()
        }
    }

    fn tuple(&self, tuple: pg_sys::HeapTuple) -> Option<Tuple> {
        let descriptor = self.descriptor();
        (!tuple.is_null() && self.is_row()).then_some(Tuple { tuple, descriptor })
    }

    pub(crate) fn old_row(&self) -> Option<Tuple> {
        match self.operation() {
            Operation::Update | Operation::Delete => self.tuple(self.data().tg_trigtuple),
            _ => None,
        }
    }

    pub(crate) fn new_row(&self) -> Option<Tuple> {
        match self.operation() {
            Operation::Insert => self.tuple(self.data().tg_trigtuple),
            Operation::Update => self.tuple(self.data().tg_newtuple),
            _ => None,
        }
    }

    /// What lets the event go on as it is; null for a statement's trigger.
    pub(crate) fn kept(&self) -> Datum {
        let row = self.new_row().or(self.old_row());
        row.map_or(Datum::null(), |row| Datum::from(row.tuple))
    }

    /// The rows of the transition table OLD TABLE, as values of the relation's row type; `None` without one.
    pub(crate) fn old_rows(&self) -> Result<Option<Vec<Constant>>, Error> {
        self.rows(self.data().tg_oldtable)
    }

    /// The same of NEW TABLE.
    pub(crate) fn new_rows(&self) -> Result<Option<Vec<Constant>>, Error> {
        self.rows(self.data().tg_newtable)
    }

    fn rows(&self, store: *mut pg_sys::Tuplestorestate) -> Result<Option<Vec<Constant>>, Error> {
        if store.is_null() {
            return Ok(None);
        }
        let descriptor = self.descriptor();
        // SAFETY: raw calls; the slot is dropped again, by the abort if anything raises. The store's own read
        // pointer is put back, which others may be using.
        let rows = unsafe {
            pg_try(|| {
                let slot = raw::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsMinimalTuple);
                let pointer = raw::tuplestore_alloc_read_pointer(store, pg_sys::EXEC_FLAG_REWIND as i32);
                raw::tuplestore_select_read_pointer(store, pointer);
                raw::tuplestore_rescan(store);
                let mut rows = std::ptr::null_mut();
                while raw::tuplestore_gettupleslot(store, true, false, slot) {
                    let mut owned = false;
                    let tuple = raw::ExecFetchSlotHeapTuple(slot, false, &raw mut owned);
                    let datum = raw::heap_copy_tuple_as_datum(tuple, descriptor);
                    rows = raw::lappend(rows, datum.cast_mut_ptr());
                }
                raw::tuplestore_select_read_pointer(store, 0);
                raw::ExecDropSingleTupleTableSlot(slot);
                rows
            })?
        };
        // SAFETY: the list that was just made.
        let rows = unsafe { list::pointers::<std::ffi::c_void>(rows) };
        Ok(Some(rows.map(|row| Constant { datum: Datum::from(row), is_null: false }).collect()))
    }

    /// Runs `work`, in which statements may name the transition tables.
    pub(crate) fn within<T>(self, work: impl FnOnce() -> T) -> T {
        served(self.0, work)
    }
}

/// Runs `work`, which serves no trigger.
pub(crate) fn without<T>(work: impl FnOnce() -> T) -> T {
    served(std::ptr::null_mut(), work)
}

fn served<T>(trigger: *mut pg_sys::TriggerData, work: impl FnOnce() -> T) -> T {
    struct Back(*mut pg_sys::TriggerData);
    impl Drop for Back {
        fn drop(&mut self) {
            // SAFETY: of an outer call, which still runs.
            unsafe { spi::set_trigger(self.0) };
        }
    }
    // SAFETY: alive during the call, at whose end it is taken back.
    let _back = Back(unsafe { spi::set_trigger(trigger) });
    work()
}

impl Tuple {
    /// The row's values, in the current memory context: one element for each attribute.
    pub(crate) fn deform(&self) -> Result<(*mut Datum, *mut bool), Error> {
        // SAFETY: raw calls on a live row.
        unsafe {
            let count = ((*self.descriptor).natts as usize).max(1);
            pg_try(|| {
                let values = raw::palloc(count * size_of::<Datum>()).cast::<Datum>();
                let nulls = raw::palloc(count).cast::<bool>();
                raw::heap_deform_tuple(self.tuple, self.descriptor, values, nulls);
                (values, nulls)
            })
        }
    }

    /// A copy of the row as a value of the relation's row type.
    pub(crate) fn composite(&self) -> Result<Constant, Error> {
        // SAFETY: as above.
        let datum = unsafe { pg_try(|| raw::heap_copy_tuple_as_datum(self.tuple, self.descriptor))? };
        Ok(Constant { datum, is_null: false })
    }

    /// The row with some of its attributes replaced.
    ///
    /// # Safety
    /// The arrays have an element for each attribute, and the values are of the attributes' types.
    pub(crate) unsafe fn modified(
        &self,
        values: *mut Datum,
        nulls: *mut bool,
        replaced: *mut bool,
    ) -> Result<Datum, Error> {
        // SAFETY: the caller's promise.
        unsafe {
            pg_try(|| {
                Datum::from(raw::heap_modify_tuple(self.tuple, self.descriptor, values, nulls, replaced))
            })
        }
    }
}

/// What an event trigger is called for.
pub(crate) struct Event {
    /// `ddl_command_start` and the like.
    pub(crate) name: String,
    /// The command: `CREATE TABLE`.
    pub(crate) tag: String,
}

impl Event {
    /// The event that a call of the role `EventTrigger` is for.
    pub(crate) fn of(call: Call) -> Result<Self, Error> {
        memory::scratch(|| {
            // SAFETY: the context of such a call is the event's data; the texts are copied.
            unsafe {
                let data = &*(*call.raw()).context.cast::<pg_sys::EventTriggerData>();
                let tag: *const c_char = pg_try(|| raw::GetCommandTagName(data.tag))?;
                Ok(Event {
                    name: encoding::from_server_ptr(data.event).unwrap_or_default(),
                    tag: encoding::from_server_ptr(tag).unwrap_or_default(),
                })
            }
        })
    }
}
