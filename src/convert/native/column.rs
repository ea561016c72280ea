//! Python → Datum for one type in `LANGUAGE python`. An instance of the very type gives its own value, one
//! of another type is cast without a detour through text, and anything else is converted as it is for
//! wrappers. The danger is a cast's result that is its argument: that belongs to the instance, and is copied.

use std::cell::UnsafeCell;
use std::ffi::c_void;

use pgrx::pg_sys::{self, Datum, Oid};
use pyo3::ffi;

use super::class::Kind;
use super::object::{self, Object};
use super::operator;
use crate::convert::{ColumnPlan, Dialect};
use crate::error::Error;
use crate::pg::expression::Reach;
use crate::pg::raw;
use crate::pg::type_entry::TypeEntry;
use crate::pg::types::Input;

pub(crate) struct NativeColumn {
    type_oid: Oid,
    typmod: i32,
    family: Family,
    input: Input,
}

enum Family {
    Plain(ColumnPlan),
    Domain(Box<Domain>),
}

struct Domain {
    base: NativeColumn,
    /// The server's own cache of the constraints, and where it lives.
    cache: UnsafeCell<*mut c_void>,
    context: pg_sys::MemoryContext,
}

impl NativeColumn {
    /// Looks everything up. The plan lives as long as the memory context that is current now.
    pub(crate) fn resolve(type_oid: Oid, typmod: i32) -> Result<Self, Error> {
        let entry = TypeEntry::lookup(type_oid)?;
        let family = match entry.base {
            Some(base) if entry.kind == b'd' => Family::Domain(Box::new(Domain {
                base: NativeColumn::resolve(base, entry.base_typmod)?,
                cache: UnsafeCell::new(std::ptr::null_mut()),
                // SAFETY: reads a variable of the backend; the plan lives as long as that context.
                context: unsafe { pg_sys::CurrentMemoryContext },
            })),
            _ => Family::Plain(ColumnPlan::resolve_plain(type_oid, typmod, Dialect::Native)?),
        };
        Ok(NativeColumn { type_oid, typmod, family, input: Input::lookup(type_oid, typmod)? })
    }

    /// Whether NULL has to be converted too, because a domain may forbid it.
    pub(crate) fn has_checks(&self) -> bool {
        matches!(self.family, Family::Domain(_))
    }

    /// Whether a list is one value, so that it is no dimension of an array.
    pub(crate) fn takes_lists(&self) -> bool {
        match &self.family {
            Family::Plain(plan) => plan.takes_lists(),
            Family::Domain(domain) => domain.base.takes_lists(),
        }
    }

    /// The value of `object`; `None` is NULL. What it allocates lies in the current memory context.
    ///
    /// # Safety
    /// As of `ColumnPlan::to_datum`.
    #[inline]
    pub(crate) unsafe fn to_datum(&self, object: *mut ffi::PyObject) -> Result<Option<Datum>, Error> {
        // SAFETY: the caller's promise.
        unsafe {
            match &self.family {
                Family::Domain(domain) => {
                    let value = domain.base.to_datum(object)?;
                    self.check(domain, value);
                    Ok(value)
                }
                Family::Plain(_) if object == ffi::Py_None() => Ok(None),
                Family::Plain(plan) => match object::of(object) {
                    Some(native) => self.of_native(native, Reach::Assignment),
                    None => plan.to_datum(object),
                },
            }
        }
    }

    /// The value that a text stands for, which a domain has checked.
    ///
    /// # Safety
    /// As of `Input::call`.
    pub(super) unsafe fn of_text(&self, text: *const std::ffi::c_char) -> Datum {
        // SAFETY: the caller's promise.
        unsafe { self.input.call(text) }
    }

    /// Raises if the domain's constraints do not hold.
    unsafe fn check(&self, domain: &Domain, value: Option<Datum>) {
        let datum = value.unwrap_or(Datum::null());
        // SAFETY: the caller's promise: it may raise.
        unsafe {
            raw::domain_check(datum, value.is_none(), self.type_oid, domain.cache.get(), domain.context);
        }
    }

    /// The value of an instance: its own, or cast.
    ///
    /// # Safety
    /// As of `to_datum`; the instance is alive while this runs.
    pub(super) unsafe fn of_native(&self, native: &Object, reach: Reach) -> Result<Option<Datum>, Error> {
        let info = native.info();
        // SAFETY: the caller's promise; nothing here is dropped by a jump: a cast catches its own errors.
        unsafe {
            if let Family::Domain(domain) = &self.family {
                let value = domain.base.of_native(native, reach)?;
                self.check(domain, value);
                return Ok(value);
            }
            if info.base == self.type_oid && self.typmod < 0 {
                return Ok(Some(native.copied()));
            }
            if info.kind == Kind::Record
                && let Family::Plain(plan) = &self.family
            {
                // Column by column, as far as that is a row type too.
                return plan.to_datum(std::ptr::from_ref(native).cast_mut().cast());
            }
            let source = info.entry.oid;
            if let Some(result) = operator::cast(native, source, self.type_oid, self.typmod, reach)? {
                let same = result.value.value() == native.datum().value();
                let inside = same && !info.entry.layout.by_value;
                let value = if inside { native.copied() } else { result.value };
                return Ok((!result.isnull).then_some(value));
            }
            let text = info.output()?.call(native.datum());
            Ok(Some(self.input.call(text)))
        }
    }
}
