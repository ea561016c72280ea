//! The catalogue's transforms: functions between the values of a type and the objects of a language. The danger
//! is that such a function's `internal` is a pointer of that language: only its handler may call it.

use pgrx::pg_sys::{self, Oid};

use super::guard::pg_try;
use super::{memory, raw};
use crate::error::Error;

/// The function from SQL for a type that is one of `types`.
pub(crate) fn from_sql(type_oid: Oid, language: Oid, types: &[Oid]) -> Result<Option<Oid>, Error> {
    find(types, |list| {
        // SAFETY: `find` calls it as a raw call with a list of OIDs.
        unsafe { raw::get_transform_fromsql(type_oid, language, list) }
    })
}

/// The function to SQL.
pub(crate) fn to_sql(type_oid: Oid, language: Oid, types: &[Oid]) -> Result<Option<Oid>, Error> {
    find(types, |list| {
        // SAFETY: as above.
        unsafe { raw::get_transform_tosql(type_oid, language, list) }
    })
}

fn find(types: &[Oid], look_up: impl FnOnce(*mut pg_sys::List) -> Oid) -> Result<Option<Oid>, Error> {
    memory::scratch(|| {
        // SAFETY: raw calls; the list lives in the scratch context.
        let found = unsafe {
            pg_try(|| {
                let mut list = std::ptr::null_mut();
                for oid in types {
                    list = raw::lappend_oid(list, *oid);
                }
                look_up(list)
            })?
        };
        Ok((found != Oid::INVALID).then_some(found))
    })
}
