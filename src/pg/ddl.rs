//! What a validator may know of the DDL statement around it. The danger is guessing: a statement run
//! by a function is not the portal's, and then nothing is said.

use pgrx::pg_sys;

use super::{catalog, encoding, guard, list, raw};
use crate::error::Error;

/// The catalogue that the options belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Server,
    Table,
    Other,
}

pub(crate) fn target(catalog: Option<pg_sys::Datum>) -> Target {
    let catalog = catalog.map_or(0, |datum| datum.value() as u32);
    if catalog == pg_sys::ForeignServerRelationId.to_u32() {
        Target::Server
    } else if catalog == pg_sys::ForeignTableRelationId.to_u32() {
        Target::Table
    } else {
        Target::Other
    }
}

/// The server that the running ALTER SERVER changes.
pub(crate) fn altered_server() -> Option<String> {
    // SAFETY: as in `server_of_statement`.
    unsafe {
        let portal = pg_sys::ActivePortal.as_ref()?;
        list::pointers::<pg_sys::PlannedStmt>(portal.stmts).find_map(|statement| {
            let node = (*statement).utilityStmt;
            match node.as_ref()?.type_ {
                pg_sys::NodeTag::T_AlterForeignServerStmt => {
                    let alter = &*node.cast::<pg_sys::AlterForeignServerStmt>();
                    encoding::from_server_ptr(alter.servername)
                }
                _ => None,
            }
        })
    }
}

/// The server that the running CREATE or ALTER FOREIGN TABLE is about.
pub(crate) fn server_of_statement() -> Result<Option<String>, Error> {
    // SAFETY: the active portal and its statements live while it runs; casts follow the tags.
    unsafe {
        let Some(portal) = pg_sys::ActivePortal.as_ref() else { return Ok(None) };
        for statement in list::pointers::<pg_sys::PlannedStmt>(portal.stmts) {
            let node = (*statement).utilityStmt;
            match node.as_ref().map(|found| found.type_) {
                Some(pg_sys::NodeTag::T_CreateForeignTableStmt) => {
                    let create = &*node.cast::<pg_sys::CreateForeignTableStmt>();
                    return Ok(encoding::from_server_ptr(create.servername));
                }
                Some(pg_sys::NodeTag::T_AlterTableStmt) => {
                    return server_of_table((*node.cast::<pg_sys::AlterTableStmt>()).relation);
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

unsafe fn server_of_table(name: *mut pg_sys::RangeVar) -> Result<Option<String>, Error> {
    // SAFETY: a parser node; the statement holds a lock on the table already.
    let table = unsafe {
        guard::pg_try(|| {
            let missing = pg_sys::RVROption::RVR_MISSING_OK;
            raw::RangeVarGetRelidExtended(name, pg_sys::NoLock as i32, missing, None, std::ptr::null_mut())
        })?
    };
    if table == pg_sys::InvalidOid {
        return Ok(None);
    }
    let server = catalog::foreign_table(table)?.server;
    Ok(Some(catalog::foreign_server(server)?.name))
}
