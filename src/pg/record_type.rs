//! Anonymous row types: values of the type record made of the columns of a statement. The danger is a
//! descriptor that ends with its statement: what a value names is copied once, and kept as the server keeps
//! its own.

use std::collections::HashMap;

use pgrx::pg_sys::{self, Datum};

use super::guard::pg_try;
use super::memory::{Access, ForLife};
use super::planner::Constant;
use super::raw;
use super::receiver::{Header, Row};
use crate::error::Error;

/// A row type that the server knows by its number for as long as the session lives.
#[derive(Clone, Copy)]
pub(crate) struct RecordType(pg_sys::TupleDesc);

thread_local! {
    static KNOWN: ForLife<HashMap<i32, usize>> = ForLife::default();
}

impl Header {
    pub(crate) fn count(self) -> usize {
        // SAFETY: alive while `start` runs.
        unsafe { (*self.raw()).natts as usize }
    }

    pub(crate) fn first_type(self) -> Option<pg_sys::Oid> {
        // SAFETY: as above; there is a column.
        (self.count() > 0).then(|| unsafe { (*super::relation::attribute(self.raw(), 0)).atttypid })
    }

    /// The type of records with these columns.
    pub(crate) fn record_type(self) -> Result<RecordType, Error> {
        // SAFETY: raw calls; a new copy is the one that is kept, in memory of the session's life.
        unsafe {
            let copy = pg_try(|| {
                let copy = raw::CreateTupleDescCopy(self.raw());
                (*copy).tdtypeid = pg_sys::RECORDOID;
                (*copy).tdtypmod = -1;
                raw::BlessTupleDesc(copy)
            })?;
            let number = (*copy).tdtypmod;
            if let Some(known) = KNOWN.read(|known| known.get(&number).copied()) {
                return Ok(RecordType(known as pg_sys::TupleDesc));
            }
            let kept = pg_try(|| {
                let old = pg_sys::CurrentMemoryContext;
                pg_sys::CurrentMemoryContext = pg_sys::TopMemoryContext;
                let kept = raw::CreateTupleDescCopy(copy);
                pg_sys::CurrentMemoryContext = old;
                (*kept).tdtypeid = pg_sys::RECORDOID;
                (*kept).tdtypmod = number;
                kept
            })?;
            KNOWN.change(|known| known.insert(number, kept as usize));
            Ok(RecordType(kept))
        }
    }
}

impl RecordType {
    /// The row as a value, in the current memory context. May raise.
    ///
    /// # Safety
    /// The row has the columns of the type; the caller's frames hold no destructors.
    #[inline]
    pub(crate) unsafe fn form(self, row: Row) -> Constant {
        // SAFETY: the caller's promise; forming only reads values and marks.
        unsafe {
            let (values, nulls) = row.raw();
            let tuple = raw::heap_form_tuple(self.0, values.cast_mut(), nulls.cast_mut());
            let datum: Datum = raw::HeapTupleHeaderGetDatum((*tuple).t_data);
            Constant { datum, is_null: false }
        }
    }
}
