//! What a validator may know of the DDL statement around it. The danger is guessing: a statement run
//! by a function is not the portal's, so each utility statement is noted while it runs.

use std::cell::Cell;
use std::ffi::c_char;

use pgrx::pg_sys;

use super::{caller, catalog, encoding, guard, list, raw};
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

thread_local! {
    /// The innermost utility statement that runs, null for none.
    static RUNNING: Cell<*mut pg_sys::PlannedStmt> = const { Cell::new(std::ptr::null_mut()) };
    /// Whether what it makes is gone at the end of the transaction.
    static BRIEF: Cell<bool> = const { Cell::new(false) };
    static NEXT: Cell<pg_sys::ProcessUtility_hook_type> = const { Cell::new(None) };
}

/// Notes utility statements from now on.
pub(crate) fn watch() {
    // SAFETY: the library is being loaded, by the backend's only thread.
    unsafe {
        NEXT.set(pg_sys::ProcessUtility_hook);
        pg_sys::ProcessUtility_hook = Some(run);
    }
}

unsafe extern "C-unwind" fn run(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    read_only: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    params: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    dest: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: a statement of the parser's.
    if let Some(refusal) = unsafe { statement.as_ref().and_then(|found| caller::refusal(found.utilityStmt)) }
    {
        guard::raise(refusal);
    }
    let (outer, outer_brief) = (RUNNING.get(), BRIEF.get());
    // SAFETY: as above.
    let in_refresh = unsafe { is_refresh(running()) };
    RUNNING.set(statement);
    // A sequence that a column of the table wants is made by a command of that statement's, and goes with it.
    let is_part = context == pg_sys::ProcessUtilityContext::PROCESS_UTILITY_SUBCOMMAND;
    // SAFETY: as above.
    BRIEF.set(is_part && outer_brief || in_refresh || unsafe { makes_until_commit(running()) });
    let next = NEXT.get().unwrap_or(raw::standard_ProcessUtility);
    // SAFETY: the arguments as the server passed them; this frame has nothing to drop.
    unsafe {
        guard::pg_finally(
            || next(statement, text, read_only, context, params, environment, dest, completion),
            || {
                RUNNING.set(outer);
                BRIEF.set(outer_brief);
            },
        );
    }
}

/// Whether what the running utility statement makes is gone at the end of the transaction.
pub(super) fn is_brief() -> bool {
    BRIEF.get()
}

/// REFRESH MATERIALIZED VIEW, which makes a temporary table by a statement of its own and drops it. Code of
/// users that it runs may make none.
unsafe fn is_refresh(node: *mut pg_sys::Node) -> bool {
    // SAFETY: null or a parser node.
    unsafe { node.as_ref() }.is_some_and(|found| found.type_ == pg_sys::NodeTag::T_RefreshMatViewStmt)
}

/// CREATE TABLE … ON COMMIT DROP, with or without AS.
unsafe fn makes_until_commit(node: *mut pg_sys::Node) -> bool {
    // SAFETY: null or a parser node; casts follow the tags.
    let action = unsafe {
        match node.as_ref().map(|found| found.type_) {
            Some(pg_sys::NodeTag::T_CreateStmt) => (*node.cast::<pg_sys::CreateStmt>()).oncommit,
            Some(pg_sys::NodeTag::T_CreateTableAsStmt) => {
                match (*node.cast::<pg_sys::CreateTableAsStmt>()).into.as_ref() {
                    Some(into) => into.onCommit,
                    None => return false,
                }
            }
            _ => return false,
        }
    };
    action == pg_sys::OnCommitAction::ONCOMMIT_DROP
}

/// The server that the running CREATE or ALTER FOREIGN TABLE is about.
pub(crate) fn server_of_statement() -> Result<Option<String>, Error> {
    // SAFETY: null or a parser node of a running statement.
    unsafe { server_of(running()) }
}

/// The server that the running ALTER SERVER changes.
pub(crate) fn altered_server() -> Option<String> {
    // SAFETY: null or a parser node of a running statement; the cast follows the tag.
    unsafe {
        let node = running();
        if node.as_ref()?.type_ != pg_sys::NodeTag::T_AlterForeignServerStmt {
            return None;
        }
        encoding::from_server_ptr((*node.cast::<pg_sys::AlterForeignServerStmt>()).servername)
    }
}

/// The running utility statement, or null.
fn running() -> *mut pg_sys::Node {
    // SAFETY: a statement is noted while it runs; the active portal's statements live as it does.
    let statement = unsafe {
        RUNNING.get().as_ref().or_else(|| {
            // The statement that made the server load this library began before `watch`.
            let portal = pg_sys::ActivePortal.as_ref()?;
            list::nth::<pg_sys::PlannedStmt>(portal.stmts, 0)?.as_ref()
        })
    };
    statement.map_or(std::ptr::null_mut(), |statement| statement.utilityStmt)
}

unsafe fn server_of(node: *mut pg_sys::Node) -> Result<Option<String>, Error> {
    // SAFETY: null or a parser node; casts follow the tags.
    unsafe {
        match node.as_ref().map(|found| found.type_) {
            Some(pg_sys::NodeTag::T_CreateForeignTableStmt) => {
                let create = &*node.cast::<pg_sys::CreateForeignTableStmt>();
                Ok(encoding::from_server_ptr(create.servername))
            }
            Some(pg_sys::NodeTag::T_AlterTableStmt) => {
                server_of_table((*node.cast::<pg_sys::AlterTableStmt>()).relation)
            }
            _ => Ok(None),
        }
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
