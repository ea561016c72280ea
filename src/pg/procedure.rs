//! Functions and procedures as the catalogue describes them. The danger is a row that changes while its
//! function runs: it is copied out at once, with what tells whether it is still the same.

use std::ffi::{c_char, c_int};

use pgrx::pg_sys;

use super::call::Role;
use super::guard::pg_try;
use super::{encoding, memory, raw};
use crate::error::{Error, SqlState};

/// Which version of a row of `pg_proc` was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    transaction: u32,
    block: (u16, u16),
    offset: u16,
}

/// `pg_proc.provolatile`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Volatility {
    Immutable,
    Stable,
    Volatile,
}

/// How a parameter is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    In,
    Out,
    InOut,
    Variadic,
    Table,
}

impl Mode {
    pub(crate) fn is_input(self) -> bool {
        matches!(self, Mode::In | Mode::InOut | Mode::Variadic)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    /// Empty for one without a name.
    pub(crate) name: String,
    pub(crate) mode: Mode,
    pub(crate) type_oid: pg_sys::Oid,
}

/// A row of `pg_proc`.
#[derive(Clone, Debug)]
pub(crate) struct Procedure {
    pub(crate) oid: pg_sys::Oid,
    pub(crate) version: Version,
    pub(crate) name: String,
    pub(crate) language: pg_sys::Oid,
    /// As `regprocedure` shows it.
    pub(crate) signature: String,
    pub(crate) source: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) result: pg_sys::Oid,
    pub(crate) returns_set: bool,
    pub(crate) volatility: Volatility,
    pub(crate) is_procedure: bool,
    /// The types that the function is declared to TRANSFORM.
    pub(crate) transforms: Vec<pg_sys::Oid>,
}

impl Procedure {
    /// STABLE or IMMUTABLE: it sees what its query sees, and writes nothing.
    pub(crate) fn is_read_only(&self) -> bool {
        self.volatility != Volatility::Volatile
    }

    /// The parameters that a call passes, in its order.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|parameter| parameter.mode.is_input())
    }

    /// Reads the row of that OID.
    pub(crate) fn read(oid: pg_sys::Oid) -> Result<Self, Error> {
        memory::scratch(|| {
            // SAFETY: the entry is pinned until everything is copied out of it.
            unsafe {
                let tuple = pg_try(|| find(oid))?;
                if tuple.is_null() {
                    return Err(gone(oid));
                }
                let row = copy(oid, tuple);
                pg_try(|| raw::ReleaseSysCache(tuple))?;
                row
            }
        })
    }
}

/// The version of the row now, or `None` if it is gone.
pub(crate) fn version(oid: pg_sys::Oid) -> Result<Option<Version>, Error> {
    // SAFETY: the entry is pinned while it is read.
    unsafe {
        pg_try(|| {
            let tuple = find(oid);
            if tuple.is_null() {
                return None;
            }
            let version = version_of(tuple);
            raw::ReleaseSysCache(tuple);
            Some(version)
        })
    }
}

fn gone(oid: pg_sys::Oid) -> Error {
    Error::new(SqlState::UNDEFINED_FUNCTION, format!("function with OID {} does not exist", oid.to_u32()))
}

/// # Safety
/// May raise.
unsafe fn find(oid: pg_sys::Oid) -> pg_sys::HeapTuple {
    // SAFETY: the caller's promise.
    unsafe { raw::SearchSysCache1(pg_sys::SysCacheIdentifier::PROCOID as c_int, oid.into()) }
}

/// # Safety
/// A pinned entry of the cache.
unsafe fn version_of(tuple: pg_sys::HeapTuple) -> Version {
    // SAFETY: the caller's promise. The entry's header tells who wrote it and where it lies.
    unsafe {
        let place = (*tuple).t_self;
        Version {
            transaction: (*(*tuple).t_data).t_choice.t_heap.t_xmin.into_inner(),
            block: (place.ip_blkid.bi_hi, place.ip_blkid.bi_lo),
            offset: place.ip_posid,
        }
    }
}

/// # Safety
/// A pinned entry of the cache; the current memory context is a scratch one.
unsafe fn copy(oid: pg_sys::Oid, tuple: pg_sys::HeapTuple) -> Result<Procedure, Error> {
    // SAFETY: the fixed part of a row lies at the offset that its header tells (GETSTRUCT).
    unsafe {
        let data = (*tuple).t_data;
        let form = &*data.byte_add((*data).t_hoff as usize).cast::<pg_sys::FormData_pg_proc>();
        let signature = pg_try(|| raw::format_procedure(oid))?;
        Ok(Procedure {
            oid,
            version: version_of(tuple),
            name: encoding::from_server_ptr(form.proname.data.as_ptr()).unwrap_or_default(),
            language: form.prolang,
            signature: encoding::from_server_ptr(signature).unwrap_or_default(),
            source: source(tuple)?,
            parameters: parameters(tuple)?,
            result: form.prorettype,
            returns_set: form.proretset,
            volatility: match form.provolatile as u8 {
                b'i' => Volatility::Immutable,
                b's' => Volatility::Stable,
                _ => Volatility::Volatile,
            },
            is_procedure: form.prokind as u8 == b'p',
            transforms: transforms(tuple)?,
        })
    }
}

impl Procedure {
    /// What it is called as, by its result.
    pub(crate) fn role(&self) -> Role {
        match self.result {
            pg_sys::TRIGGEROID => Role::Trigger,
            pg_sys::EVENT_TRIGGEROID => Role::EventTrigger,
            _ => Role::Function,
        }
    }
}

/// # Safety
/// As of `copy`.
unsafe fn source(tuple: pg_sys::HeapTuple) -> Result<String, Error> {
    let cache = pg_sys::SysCacheIdentifier::PROCOID as c_int;
    // SAFETY: raw calls; the text lies in the scratch context.
    unsafe {
        let text = pg_try(|| {
            let mut null = false;
            let datum = raw::SysCacheGetAttr(cache, tuple, pg_sys::Anum_pg_proc_prosrc as i16, &raw mut null);
            if null { std::ptr::null_mut() } else { raw::text_to_cstring(datum.cast_mut_ptr()) }
        })?;
        Ok(encoding::from_server_ptr(text).unwrap_or_default())
    }
}

/// # Safety
/// As of `copy`.
unsafe fn parameters(tuple: pg_sys::HeapTuple) -> Result<Vec<Parameter>, Error> {
    let (mut types, mut names, mut modes) =
        (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut::<c_char>());
    // SAFETY: raw call that fills the locals; missing names and modes are null.
    unsafe {
        let count = pg_try(|| raw::get_func_arg_info(tuple, &raw mut types, &raw mut names, &raw mut modes))?;
        let one = |at: usize| Parameter {
            name: match names.is_null() {
                true => String::new(),
                false => encoding::from_server_ptr(*names.add(at)).unwrap_or_default(),
            },
            mode: match if modes.is_null() { b'i' } else { *modes.add(at) as u8 } {
                b'o' => Mode::Out,
                b'b' => Mode::InOut,
                b'v' => Mode::Variadic,
                b't' => Mode::Table,
                _ => Mode::In,
            },
            type_oid: *types.add(at),
        };
        Ok((0..count as usize).map(one).collect())
    }
}

/// # Safety
/// As of `copy`.
unsafe fn transforms(tuple: pg_sys::HeapTuple) -> Result<Vec<pg_sys::Oid>, Error> {
    let cache = pg_sys::SysCacheIdentifier::PROCOID as c_int;
    // SAFETY: raw calls; the list lies in the scratch context.
    unsafe {
        let list = pg_try(|| {
            let mut null = false;
            let attribute = pg_sys::Anum_pg_proc_protrftypes as i16;
            let datum = raw::SysCacheGetAttr(cache, tuple, attribute, &raw mut null);
            if null { std::ptr::null_mut() } else { raw::oid_array_to_list(datum) }
        })?;
        Ok(super::list::oids(list))
    }
}
