//! Arrays to Python: nested lists, NULL as None. The danger is the array's own memory, which the
//! detoasted copy lives in while the elements are made: both are of the current memory context.

use std::ffi::c_int;

use pgrx::pg_sys::{self, Datum, Oid};
use pyo3::ffi;
use pyo3::prelude::*;

use super::{Dialect, ValuePlan, python};
use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::raw;
use crate::pg::types::Layout;

pub(super) struct SequencePlan {
    element_type: Oid,
    layout: Layout,
    element: ValuePlan,
}

/// What `deconstruct_array` found.
struct Elements {
    values: *const Datum,
    nulls: *const bool,
    count: usize,
    lengths: *const c_int,
    dimensions: usize,
}

impl SequencePlan {
    pub(super) fn resolve(element_type: Oid, dialect: Dialect) -> Result<Self, Error> {
        Ok(SequencePlan {
            element_type,
            layout: Layout::lookup(element_type)?,
            element: ValuePlan::resolve(element_type, dialect)?,
        })
    }

    /// As of `ValuePlan`, for the elements.
    pub(super) fn is_faithful(&self) -> bool {
        self.element.is_faithful()
    }

    /// # Safety
    /// `datum` is a live array of the plan's elements.
    pub(super) unsafe fn to_python<'py>(
        &self,
        py: Python<'py>,
        datum: Datum,
    ) -> Result<Bound<'py, PyAny>, Error> {
        // SAFETY: the caller's promise; raw calls only.
        let elements = unsafe { pg_try(|| self.elements(datum))? };
        if elements.dimensions == 0 {
            return Ok(pyo3::types::PyList::empty(py).into_any());
        }
        let mut next = 0;
        // SAFETY: `elements` describes memory of the current context.
        unsafe { self.list(py, &elements, 0, &mut next) }
    }

    unsafe fn elements(&self, datum: Datum) -> Elements {
        // SAFETY: the caller's promise; the fields are filled by the server.
        unsafe {
            let array: *mut pg_sys::ArrayType = raw::pg_detoast_datum(datum.cast_mut_ptr()).cast();
            let (mut values, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
            raw::deconstruct_array(
                array,
                self.element_type,
                c_int::from(self.layout.length),
                self.layout.by_value,
                self.layout.align,
                &raw mut values,
                &raw mut nulls,
                &raw mut count,
            );
            Elements {
                values,
                nulls,
                count: count as usize,
                // The lengths follow the header (ARR_DIMS).
                lengths: array.add(1).cast(),
                dimensions: (*array).ndim as usize,
            }
        }
    }

    unsafe fn list<'py>(
        &self,
        py: Python<'py>,
        elements: &Elements,
        depth: usize,
        next: &mut usize,
    ) -> Result<Bound<'py, PyAny>, Error> {
        // SAFETY: `lengths` has `dimensions` members, and their product is `count`.
        unsafe {
            let length = *elements.lengths.add(depth) as isize;
            let list =
                Bound::from_owned_ptr_or_opt(py, ffi::PyList_New(length)).ok_or_else(python::raised)?;
            for at in 0..length {
                let item = if depth + 1 < elements.dimensions {
                    self.list(py, elements, depth + 1, next)?
                } else {
                    debug_assert!(*next < elements.count);
                    let (value, is_null) = (*elements.values.add(*next), *elements.nulls.add(*next));
                    *next += 1;
                    self.element.to_python(py, value, is_null)?
                };
                ffi::PyList_SET_ITEM(list.as_ptr(), at, item.into_ptr());
            }
            Ok(list)
        }
    }
}
