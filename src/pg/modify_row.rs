//! One row that is inserted, changed or removed, in its slot. The danger is the slot: what RETURNING and
//! triggers read from it must outlive the values that Python gave, so a row that is put back is copied into
//! the slot's own memory.

use pgrx::pg_sys;

use super::guard::pg_try;
use super::modify::Junk;
use super::planner::Constant;
use super::scan_node::RowTarget;
use super::{raw, types};
use crate::error::Error;

/// One row in a slot.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    slot: *mut pg_sys::TupleTableSlot,
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
