//! Foreign tables, servers, user mappings and roles as values. The danger is a dropped object: what
//! the catalogue says is read in a scratch context and copied out, never kept as a pointer.

use std::ffi::{CStr, c_int};

use pgrx::pg_sys;

use super::guard::pg_try;
use super::{encoding, list, memory, raw};
use crate::error::Error;

/// Options in the order of the catalogue.
pub(crate) type Options = Vec<(String, String)>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForeignTable {
    pub(crate) server: pg_sys::Oid,
    pub(crate) options: Options,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForeignServer {
    pub(crate) oid: pg_sys::Oid,
    pub(crate) name: String,
    pub(crate) owner: pg_sys::Oid,
    pub(crate) options: Options,
}

pub(crate) fn foreign_table(table: pg_sys::Oid) -> Result<ForeignTable, Error> {
    memory::scratch(|| {
        // SAFETY: raw call; what it returns lives in the scratch context until copied.
        unsafe {
            let found = &*pg_try(|| raw::GetForeignTable(table))?;
            Ok(ForeignTable { server: found.serverid, options: options(found.options) })
        }
    })
}

pub(crate) fn foreign_server(server: pg_sys::Oid) -> Result<ForeignServer, Error> {
    memory::scratch(|| {
        // SAFETY: as above.
        unsafe {
            let found = &*pg_try(|| raw::GetForeignServer(server))?;
            Ok(ForeignServer {
                oid: found.serverid,
                name: encoding::from_server_ptr(found.servername).unwrap_or_default(),
                owner: found.owner,
                options: options(found.options),
            })
        }
    })
}

/// The server of that name, or `None`.
pub(crate) fn foreign_server_by_name(name: &str) -> Result<Option<ForeignServer>, Error> {
    let name = encoding::to_server(name);
    // SAFETY: raw call with a NUL-terminated name.
    let oid = unsafe { pg_try(|| raw::get_foreign_server_oid(name.as_ptr(), true))? };
    if oid == pg_sys::InvalidOid { Ok(None) } else { foreign_server(oid).map(Some) }
}

pub(crate) fn column_options(table: pg_sys::Oid, attno: i16) -> Result<Options, Error> {
    memory::scratch(|| {
        // SAFETY: as above.
        unsafe { Ok(options(pg_try(|| raw::GetForeignColumnOptions(table, attno))?)) }
    })
}

/// The options of `user`'s mapping, else of PUBLIC's, else none: a mapping is never demanded.
pub(crate) fn user_mapping(user: pg_sys::Oid, server: pg_sys::Oid) -> Result<Options, Error> {
    match mapping_options(user, server)? {
        Some(options) => Ok(options),
        None => Ok(mapping_options(pg_sys::InvalidOid, server)?.unwrap_or_default()),
    }
}

fn mapping_options(user: pg_sys::Oid, server: pg_sys::Oid) -> Result<Option<Options>, Error> {
    memory::scratch(|| {
        let cache = pg_sys::SysCacheIdentifier::USERMAPPINGUSERSERVER as c_int;
        // SAFETY: raw calls; the tuple is pinned until the options are copied out of it.
        unsafe {
            let found = pg_try(|| {
                let tuple = raw::SearchSysCache2(cache, user.into(), server.into());
                if tuple.is_null() {
                    return None;
                }
                let mut null = false;
                let attribute = pg_sys::Anum_pg_user_mapping_umoptions as i16;
                let datum = raw::SysCacheGetAttr(cache, tuple, attribute, &raw mut null);
                let list = if null { std::ptr::null_mut() } else { raw::untransformRelOptions(datum) };
                raw::ReleaseSysCache(tuple);
                Some(list)
            })?;
            Ok(found.map(|list| options(list)))
        }
    })
}

/// # Safety
/// `list` is a list of `DefElem` whose arguments are strings.
pub(crate) unsafe fn options(list: *mut pg_sys::List) -> Options {
    // SAFETY: the caller's promise; `def` nodes of catalogue options hold String nodes.
    unsafe {
        list::pointers::<pg_sys::DefElem>(list)
            .map(|element| {
                let name = encoding::from_server_ptr((*element).defname).unwrap_or_default();
                (name, def_string((*element).arg))
            })
            .collect()
    }
}

unsafe fn def_string(node: *mut pg_sys::Node) -> String {
    // SAFETY: a null or valid node; only a String node is looked into.
    unsafe {
        match node.as_ref() {
            Some(found) if found.type_ == pg_sys::NodeTag::T_String => {
                encoding::from_server_ptr((*node.cast::<pg_sys::String>()).sval).unwrap_or_default()
            }
            _ => String::new(),
        }
    }
}

/// The options of a validator's `text[]` argument.
pub(crate) fn options_of_array(array: pg_sys::Datum) -> Result<Options, Error> {
    memory::scratch(|| {
        // SAFETY: raw call; the server passes a text[] of `name=value`.
        unsafe { Ok(options(pg_try(|| raw::untransformRelOptions(array))?)) }
    })
}

pub(crate) fn is_superuser(role: pg_sys::Oid) -> Result<bool, Error> {
    // SAFETY: raw call.
    unsafe { pg_try(|| raw::superuser_arg(role)) }
}

/// Whether `role` has the rights of the predefined role `name` (such as `pg_read_server_files`).
pub(crate) fn has_role(role: pg_sys::Oid, name: &CStr) -> Result<bool, Error> {
    // SAFETY: raw calls with a NUL-terminated name.
    unsafe { pg_try(|| raw::has_privs_of_role(role, raw::get_role_oid(name.as_ptr(), false))) }
}

pub(crate) fn role_name(role: pg_sys::Oid) -> Result<String, Error> {
    memory::scratch(|| {
        // SAFETY: raw call; the name is copied out of the scratch context.
        let name = unsafe { pg_try(|| raw::GetUserNameFromId(role, true))? };
        // SAFETY: null or NUL-terminated.
        Ok(unsafe { encoding::from_server_ptr(name) }.unwrap_or_else(|| role.to_u32().to_string()))
    })
}

/// Whether a role of that OID still exists.
pub(crate) fn role_exists(role: pg_sys::Oid) -> Result<bool, Error> {
    let cache = pg_sys::SysCacheIdentifier::AUTHOID as c_int;
    let none = pg_sys::Datum::null();
    // SAFETY: raw call.
    unsafe { pg_try(|| raw::SearchSysCacheExists(cache, role.into(), none, none, none)) }
}

/// The role of that name.
pub(crate) fn role_by_name(name: &str) -> Result<Option<pg_sys::Oid>, Error> {
    let name = encoding::to_server_exactly(name)?;
    // SAFETY: raw call with a NUL-terminated name.
    let role = unsafe { pg_try(|| raw::get_role_oid(name.as_ptr(), true))? };
    Ok((role != pg_sys::InvalidOid).then_some(role))
}

/// The role whose rights the statement has now.
pub(crate) fn current_user() -> pg_sys::Oid {
    // SAFETY: reads a variable of the backend.
    unsafe { raw::GetUserId() }
}

/// The name of the session's database.
pub(crate) fn database_name() -> Result<String, Error> {
    memory::scratch(|| {
        // SAFETY: raw call; the name is copied out of the scratch context.
        let name = unsafe { pg_try(|| raw::get_database_name(pg_sys::MyDatabaseId))? };
        // SAFETY: null or NUL-terminated.
        Ok(unsafe { encoding::from_server_ptr(name) }.unwrap_or_default())
    })
}
