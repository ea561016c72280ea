//! What a function returned: one value, one row, or one after another of a set. The danger is the
//! server's longjmp out of a set's loop: the iterator and its current item belong to `Items`, which
//! outlives it.

use pgrx::pg_sys::{Datum, Oid};
use pyo3::ffi;
use pyo3::prelude::*;

use super::composite::CompositePlan;
use super::python::{self, running};
use super::{ColumnPlan, Dialect};
use crate::bridge::{check_interrupts, uncaught};
use crate::error::Error;
use crate::pg::call::Call;
use crate::pg::guard::pg_try;
use crate::pg::memory::{self, OwnedContext};
use crate::pg::result_set::{self, RowShape, Store};

/// How to turn what a function gives into the type that its call expects.
pub(crate) struct ResultPlan {
    kind: Kind,
    // Dropped after the plan, which points into it.
    _context: OwnedContext,
}

enum Kind {
    Value(ColumnPlan),
    Row(Box<CompositePlan>),
    /// A domain over a row.
    RowDomain(ColumnPlan, RowShape),
}

impl ResultPlan {
    pub(crate) fn value(type_oid: Oid, dialect: Dialect) -> Result<Self, Error> {
        Self::made(|| Ok(Kind::Value(ColumnPlan::resolve(type_oid, -1, dialect)?)))
    }

    pub(crate) fn row(shape: &RowShape, dialect: Dialect) -> Result<Self, Error> {
        Self::made(|| Ok(Kind::Row(Box::new(CompositePlan::of_shape(shape, dialect)?))))
    }

    /// A domain over a composite type, whose columns `shape` tells.
    pub(crate) fn row_domain(type_oid: Oid, shape: RowShape, dialect: Dialect) -> Result<Self, Error> {
        Self::made(|| Ok(Kind::RowDomain(ColumnPlan::resolve(type_oid, -1, dialect)?, shape)))
    }

    fn made(make: impl FnOnce() -> Result<Kind, Error>) -> Result<Self, Error> {
        let context = OwnedContext::new()?;
        let kind = context.within(make)?;
        Ok(ResultPlan { kind, _context: context })
    }

    /// Whether a row is looked at as a whole before it is taken.
    pub(crate) fn has_constraints(&self) -> bool {
        matches!(self.kind, Kind::RowDomain(..))
    }

    /// The one value that a function returned; `None` is NULL. It lies in the current memory context.
    #[inline]
    pub(crate) fn datum(&self, object: &Bound<'_, PyAny>) -> Result<Option<Datum>, Error> {
        // SAFETY: the caller holds the object; nothing in between owns what a jump would skip.
        unsafe { pg_try(|| self.to_datum(object.as_ptr()))? }
    }

    /// # Safety
    /// As of `ColumnPlan::to_datum`.
    unsafe fn to_datum(&self, object: *mut ffi::PyObject) -> Result<Option<Datum>, Error> {
        // SAFETY: the caller's promise.
        unsafe {
            match &self.kind {
                Kind::Value(plan) | Kind::RowDomain(plan, _) => plan.to_datum(object),
                Kind::Row(_) if object == ffi::Py_None() => Ok(None),
                Kind::Row(plan) => plan.datum_of(object).map(Some),
            }
        }
    }

    /// The same for a trigger's row, as the server takes it.
    pub(crate) fn tuple(&self, object: &Bound<'_, PyAny>, shape: &RowShape) -> Result<Datum, Error> {
        // SAFETY: as in `datum`; the arrays have an element for each column of the shape.
        unsafe {
            pg_try(|| {
                let (values, nulls) = shape.room();
                self.fill(object.as_ptr(), values, nulls)?;
                Ok(shape.form(values, nulls))
            })?
        }
    }

    /// Adds an item of a set to the tuple store of its call.
    pub(crate) fn store(&self, object: &Bound<'_, PyAny>, store: &Store) -> Result<(), Error> {
        memory::scratch(|| {
            // SAFETY: as in `datum`; the arrays have an element for each column of the store.
            unsafe {
                pg_try(|| {
                    let (values, nulls) = store.room();
                    self.fill(object.as_ptr(), values, nulls)?;
                    store.put(values, nulls);
                    Ok(())
                })?
            }
        })
    }

    /// Writes a row's values: of the columns, or of the only one.
    ///
    /// # Safety
    /// As of `ColumnPlan::to_datum`; the arrays have an element for each column.
    unsafe fn fill(
        &self,
        object: *mut ffi::PyObject,
        values: *mut Datum,
        nulls: *mut bool,
    ) -> Result<(), Error> {
        // SAFETY: the caller's promise.
        unsafe {
            match &self.kind {
                Kind::Value(plan) => {
                    let value = plan.to_datum(object)?;
                    *nulls = value.is_none();
                    *values = value.unwrap_or(Datum::null());
                    Ok(())
                }
                Kind::Row(plan) => plan.fill(object, values, nulls),
                Kind::RowDomain(plan, shape) => {
                    match plan.to_datum(object)? {
                        Some(row) => shape.deform(row, values, nulls),
                        None => std::ptr::write_bytes(nulls, 1, shape.fields().len()),
                    }
                    Ok(())
                }
            }
        }
    }
}

/// A set that is being read.
pub(crate) struct Items {
    /// Owned; null once closed.
    iterator: *mut ffi::PyObject,
    /// The item that is being converted, owned; null between two.
    current: *mut ffi::PyObject,
}

impl Items {
    /// Begins to read an iterable.
    pub(crate) fn of(iterable: &Bound<'_, PyAny>) -> PyResult<Self> {
        let iterator = iterable.try_iter()?;
        Ok(Items { iterator: iterator.into_ptr(), current: std::ptr::null_mut() })
    }

    /// Writes the next row; `false` at the end. The server may raise through this.
    ///
    /// # Safety
    /// As of `ResultPlan::fill`.
    unsafe fn next_into(
        &mut self,
        plan: &ResultPlan,
        values: *mut Datum,
        nulls: *mut bool,
    ) -> Result<bool, Error> {
        // SAFETY: the caller's promise.
        unsafe {
            if !self.fetch()? {
                return Ok(false);
            }
            plan.fill(self.current, values, nulls)?;
            uncaught().map(|()| true)
        }
    }

    /// Reads all of it into the tuple store that the call returns.
    pub(crate) fn materialize(
        &mut self,
        call: Call,
        random: bool,
        shape: Result<&RowShape, Oid>,
        plan: &ResultPlan,
    ) -> Result<(), Error> {
        result_set::materialize(call, random, shape, |values, nulls| {
            check_interrupts()?;
            // SAFETY: the arrays are of the shape that the plan was made of; this frame owns nothing.
            unsafe { self.next_into(plan, values, nulls) }
        })
    }

    /// The next value, or the end.
    pub(crate) fn next(&mut self, plan: &ResultPlan) -> Result<Option<Option<Datum>>, Error> {
        // SAFETY: nothing in between owns what a jump would skip; the item is ours.
        unsafe {
            if !self.fetch()? {
                return Ok(None);
            }
            let value = pg_try(|| plan.to_datum(self.current))??;
            uncaught().map(|()| Some(value))
        }
    }

    #[inline]
    unsafe fn fetch(&mut self) -> Result<bool, Error> {
        // SAFETY: the references are ours; no server call inside.
        unsafe {
            let before = std::mem::replace(&mut self.current, std::ptr::null_mut());
            if self.iterator.is_null() {
                return Ok(false);
            }
            let iterator = self.iterator;
            self.current = running(|| {
                ffi::Py_XDECREF(before);
                ffi::PyIter_Next(iterator)
            });
            if !self.current.is_null() {
                return Ok(true);
            }
            let error = python::raised_if_any();
            python::release(std::mem::replace(&mut self.iterator, std::ptr::null_mut()));
            error.map_or(Ok(false), Err)
        }
    }

    /// Ends the iteration: a generator's `finally` blocks run now. Later calls do nothing.
    pub(crate) fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        if self.iterator.is_null() {
            return Ok(());
        }
        // SAFETY: the reference is ours; no server call inside.
        unsafe {
            let closed = python::close(py, self.iterator);
            self.let_go();
            closed
        }
    }

    unsafe fn let_go(&mut self) {
        let null = std::ptr::null_mut();
        // SAFETY: each is owned or null, and read once.
        unsafe {
            python::release(std::mem::replace(&mut self.current, null));
            python::release(std::mem::replace(&mut self.iterator, null));
        }
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        let empty = self.iterator.is_null() && self.current.is_null();
        if !empty && python::is_up() {
            // SAFETY: dropped by the backend's main thread, which holds the GIL.
            python::finally("release of a set", || unsafe { self.let_go() });
        }
    }
}
