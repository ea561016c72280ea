//! Domains: the base type's plan, then the domain's constraints. The danger is NULL, which a domain
//! may refuse, so that it is checked as well.

use std::cell::UnsafeCell;
use std::ffi::c_void;

use pgrx::pg_sys::{self, Datum, Oid};
use pyo3::ffi;

use super::{ColumnPlan, Dialect};
use crate::error::Error;
use crate::pg::{raw, types};

pub(super) struct DomainPlan {
    domain: Oid,
    base: ColumnPlan,
    /// The server's own cache of the constraints, and where it lives.
    cache: UnsafeCell<*mut c_void>,
    context: pg_sys::MemoryContext,
}

impl DomainPlan {
    pub(super) fn resolve(domain: Oid, dialect: Dialect) -> Result<Self, Error> {
        let (base, typmod) = types::base_type(domain, -1)?;
        Ok(DomainPlan {
            domain,
            base: ColumnPlan::resolve(base, typmod, dialect)?,
            cache: UnsafeCell::new(std::ptr::null_mut()),
            // SAFETY: reads a variable of the backend; the plan lives as long as that context.
            context: unsafe { pg_sys::CurrentMemoryContext },
        })
    }

    pub(super) fn base(&self) -> &ColumnPlan {
        &self.base
    }

    /// # Safety
    /// `object` is alive; may raise.
    pub(super) unsafe fn to_datum(&self, object: *mut ffi::PyObject) -> Result<Option<Datum>, Error> {
        // SAFETY: the caller's promise.
        unsafe {
            let value = self.base.to_datum(object)?;
            let datum = value.unwrap_or(Datum::null());
            raw::domain_check(datum, value.is_none(), self.domain, self.cache.get(), self.context);
            Ok(value)
        }
    }
}
