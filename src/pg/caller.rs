//! Whose call it is, and the window in which its code may run SQL: as the caller, whose role cannot be left,
//! with settings that are put back afterwards. The danger is what a statement leaves in the session: what
//! the end of the transaction does not take back is refused.

use std::cell::Cell;
use std::ffi::{c_int, c_void};

use pgrx::pg_sys::{self, Oid};

use super::guard::{self, pg_try};
use super::{catalog, ddl, encoding, raw, raw_more, trigger};
use crate::error::{Error, SqlState};

/// The roles of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Roles {
    pub(crate) current: Oid,
    /// Who logged in, or what SET SESSION AUTHORIZATION has made of it.
    pub(crate) session: Oid,
    /// What SET ROLE has chosen.
    pub(crate) outer: Oid,
}

/// The roles as they are now.
pub(crate) fn roles() -> Roles {
    // SAFETY: raw calls that read variables of the backend.
    unsafe {
        Roles {
            current: raw::GetUserId(),
            session: raw_more::GetSessionUserId(),
            outer: raw_more::GetOuterUserId(),
        }
    }
}

impl Roles {
    /// Whether nobody but superusers had a hand in this call.
    pub(crate) fn all_superusers(self) -> Result<bool, Error> {
        Ok(catalog::is_superuser(self.current)?
            && catalog::is_superuser(self.session)?
            && catalog::is_superuser(self.outer)?)
    }
}

thread_local! {
    /// How many windows are open, each inside the one before.
    static OPEN: Cell<u32> = const { Cell::new(0) };
    static NEXT: Cell<pg_sys::object_access_hook_type> = const { Cell::new(None) };
}

/// Counts a window for its lifetime.
struct Opened;

impl Opened {
    fn enter() -> Self {
        OPEN.set(OPEN.get() + 1);
        Opened
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        OPEN.set(OPEN.get() - 1);
    }
}

/// Runs `work`, in which code of a function may run SQL as `role`, which is the current one unless a set goes
/// on that another one has begun. SET ROLE and SET SESSION AUTHORIZATION are refused in it, and settings are put
/// back. If `work` fails, the abort of the surrounding (sub)transaction puts all back, so the error has to
/// propagate.
pub(crate) fn window<T>(role: Oid, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let (mut user, mut context) = (Oid::INVALID, 0);
    // SAFETY: raw calls that fill the locals, and set what they told. The first three cannot raise: they
    // read and write variables.
    unsafe {
        raw::GetUserIdAndSecContext(&raw mut user, &raw mut context);
        raw::SetUserIdAndSecContext(role, context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as c_int);
        let level = raw::NewGUCNestLevel();
        let opened = Opened::enter();
        // The transition tables of a trigger that calls the function are not the function's.
        let result = trigger::without(work);
        drop(opened);
        let result = result?;
        pg_try(|| {
            raw::AtEOXact_GUC(false, level);
            raw::SetUserIdAndSecContext(user, context);
        })?;
        Ok(result)
    }
}

/// What tells whether something was written: the transaction's number, and its count of commands that did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written(u64, u32);

/// As of now.
pub(crate) fn written() -> Written {
    // SAFETY: raw calls that read the transaction's state.
    unsafe {
        let number = raw_more::GetTopTransactionIdIfAny();
        Written(u64::from(u32::from(number)), raw_more::GetCurrentCommandId(false))
    }
}

/// Watches function calls from now on; said while the library is loaded.
pub(crate) fn watch() {
    // SAFETY: the library is being loaded, by the backend's only thread.
    unsafe {
        NEXT.set(pg_sys::object_access_hook);
        pg_sys::object_access_hook = Some(access);
    }
}

unsafe extern "C-unwind" fn access(
    access: pg_sys::ObjectAccessType::Type,
    class: Oid,
    object: Oid,
    part: c_int,
    argument: *mut c_void,
) {
    if let Some(next) = NEXT.get() {
        // SAFETY: the arguments as the server passed them.
        unsafe { next(access, class, object, part, argument) }
    }
    let is_new = access == pg_sys::ObjectAccessType::OAT_POST_CREATE;
    if is_new && class == pg_sys::RelationRelationId && part == 0 && OPEN.get() > 0 && !ddl::is_brief() {
        // SAFETY: what the server passes with this kind of access; the relation has just been made. One that it
        // makes for itself, as to rewrite a table, takes the place of another.
        let is_internal = unsafe {
            argument.cast::<pg_sys::ObjectAccessPostCreate>().as_ref().is_some_and(|more| more.is_internal)
        };
        // SAFETY: as above.
        if !is_internal && unsafe { is_temporary(object) } {
            guard::raise(lasting("a table, view, sequence or type"));
        }
    }
    let runs = access == pg_sys::ObjectAccessType::OAT_FUNCTION_EXECUTE;
    if runs && OPEN.get() > 0 && is_session_lock(object) {
        guard::raise(
            refused("a lock that outlives the transaction cannot be taken or given back").hint(
                "The functions pg_advisory_xact_lock and so on take locks that end with the transaction.",
            ),
        );
    }
}

/// Whether a new relation is the session's own, and nobody's part.
///
/// # Safety
/// Inside the hook that the server calls when it has made the relation.
unsafe fn is_temporary(relation: Oid) -> bool {
    // SAFETY: the caller's promise: the relation's descriptor is there, and is only looked into; an error of
    // these calls goes on to the server, since nothing here is to be dropped.
    unsafe {
        let Some(found) = raw::RelationIdGetRelation(relation).as_mut() else { return false };
        let (persistence, kind) = ((*found.rd_rel).relpersistence as u8, (*found.rd_rel).relkind as u8);
        raw::RelationClose(found);
        persistence == pg_sys::RELPERSISTENCE_TEMP
            && ![pg_sys::RELKIND_INDEX, pg_sys::RELKIND_TOASTVALUE].contains(&kind)
    }
}

fn lasting(what: &str) -> Error {
    refused(&format!("{what} that is temporary and outlives the transaction cannot be created"))
        .hint("CREATE TEMPORARY TABLE … ON COMMIT DROP makes a table that ends with the transaction.")
}

/// Where a statement puts a function, a type or the like, if that is the session's temporary schema.
///
/// # Safety
/// `node` is a parser node.
unsafe fn temporary(node: *mut pg_sys::Node) -> Option<Error> {
    use pg_sys::NodeTag as Tag;
    // SAFETY: the caller's promise; casts follow the tag, and the names are lists of strings.
    unsafe {
        let names = match (*node).type_ {
            Tag::T_CreateFunctionStmt => (*node.cast::<pg_sys::CreateFunctionStmt>()).funcname,
            Tag::T_CreateEnumStmt => (*node.cast::<pg_sys::CreateEnumStmt>()).typeName,
            Tag::T_CreateRangeStmt => (*node.cast::<pg_sys::CreateRangeStmt>()).typeName,
            Tag::T_CreateDomainStmt => (*node.cast::<pg_sys::CreateDomainStmt>()).domainname,
            Tag::T_CreateConversionStmt => (*node.cast::<pg_sys::CreateConversionStmt>()).conversion_name,
            Tag::T_DefineStmt => (*node.cast::<pg_sys::DefineStmt>()).defnames,
            _ => return None,
        };
        let found = pg_try(|| {
            let mut name = std::ptr::null_mut();
            raw_more::isTempNamespace(raw_more::QualifiedNameGetCreationNamespace(names, &raw mut name))
        });
        match found {
            Ok(true) => Some(lasting("a function, type or the like")),
            Ok(false) => None,
            Err(error) => Some(error),
        }
    }
}

/// `pg_advisory_lock` and its like, but for those whose locks end with the transaction (pg_proc.dat).
fn is_session_lock(function: Oid) -> bool {
    (2880..=2892).contains(&function.to_u32())
}

/// Why a utility statement may not run now: what it leaves would outlive the call, and the transaction.
///
/// # Safety
/// `node` is null or a parser node.
pub(super) unsafe fn refusal(node: *mut pg_sys::Node) -> Option<Error> {
    if OPEN.get() == 0 {
        return None;
    }
    use pg_sys::NodeTag as Tag;
    // SAFETY: the caller's promise; the cast follows the tag.
    let what = unsafe {
        match node.as_ref()?.type_ {
            Tag::T_PrepareStmt => "PREPARE",
            Tag::T_DeallocateStmt => "DEALLOCATE",
            Tag::T_ListenStmt => "LISTEN",
            Tag::T_UnlistenStmt => "UNLISTEN",
            Tag::T_DiscardStmt => "DISCARD",
            Tag::T_LoadStmt => "LOAD",
            Tag::T_DeclareCursorStmt
                if (*node.cast::<pg_sys::DeclareCursorStmt>()).options & pg_sys::CURSOR_OPT_HOLD as c_int
                    != 0 =>
            {
                "DECLARE CURSOR … WITH HOLD"
            }
            _ => return temporary(node),
        }
    };
    Some(refused(&format!("{what} cannot be run")))
}

fn refused(what: &str) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{what} in a remote function"))
}

/// Whether the role may call a function.
pub(crate) fn may_execute(function: Oid, role: Oid) -> Result<bool, Error> {
    let mode = pg_sys::ACL_EXECUTE as pg_sys::AclMode;
    // SAFETY: raw call.
    let result = unsafe {
        pg_try(|| {
            #[cfg(feature = "pg15")]
            let result = raw_more::pg_proc_aclcheck(function, role, mode);
            #[cfg(not(feature = "pg15"))]
            let result = raw_more::object_aclcheck(pg_sys::ProcedureRelationId, function, role, mode);
            result
        })?
    };
    Ok(result == pg_sys::AclResult::ACLCHECK_OK)
}

/// A function with its schema and the types of its parameters, and its bare name.
pub(crate) fn function_names(function: Oid) -> Result<(String, String), Error> {
    // SAFETY: raw calls; both names are NUL-terminated, or null for a function that is gone.
    unsafe {
        let (long, short) =
            pg_try(|| (raw_more::format_procedure_qualified(function), raw_more::get_func_name(function)))?;
        let text = |name| encoding::from_server_ptr(name).unwrap_or_default();
        Ok((text(long).replace("pg_catalog.", "").replace(',', ", "), text(short)))
    }
}

/// The function that the planner asks its support function about; `None` for another question.
pub(crate) fn supported_function(request: pg_sys::Datum) -> Option<Oid> {
    // SAFETY: what the planner passes to a support function; the cast follows the tag.
    unsafe {
        let node = request.cast_mut_ptr::<pg_sys::Node>();
        if node.as_ref()?.type_ != pg_sys::NodeTag::T_SupportRequestSimplify {
            return None;
        }
        (*node.cast::<pg_sys::SupportRequestSimplify>()).fcall.as_ref().map(|call| call.funcid)
    }
}

/// Whether a flush of counts may write now: not on a standby, not where a transaction reads only, and not
/// where a row changed by another one would fail it.
pub(crate) fn may_write_aside() -> bool {
    // SAFETY: raw calls that read state of the backend.
    unsafe {
        !pg_sys::XactReadOnly
            && pg_sys::XactIsoLevel == pg_sys::XACT_READ_COMMITTED as c_int
            && !raw_more::RecoveryInProgress()
            && !raw::IsInParallelMode()
            && pg_sys::ParallelWorkerNumber < 0
    }
}

/// Locks a relation for writing, as long as the transaction lasts, if nobody is in the way.
pub(crate) fn lock_at_once(relation: Oid) -> Result<bool, Error> {
    let mode = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
    // SAFETY: raw call.
    unsafe { pg_try(|| raw_more::ConditionalLockRelationOid(relation, mode)) }
}

/// Tells every session that a relation has changed, when this transaction commits.
pub(crate) fn announce(relation: Oid) -> Result<(), Error> {
    // SAFETY: raw call.
    unsafe { pg_try(|| raw_more::CacheInvalidateRelcacheByRelid(relation)) }
}

/// The relation whose trigger is being called, and its owner.
pub(crate) fn trigger_relation(call: super::call::Call) -> Option<(Oid, Oid)> {
    // SAFETY: null or a node; the cast follows the tag.
    unsafe {
        let node = (*call.raw()).context;
        if node.as_ref()?.type_ != pg_sys::NodeTag::T_TriggerData {
            return None;
        }
        let relation = &*(*node.cast::<pg_sys::TriggerData>()).tg_relation;
        Some((relation.rd_id, (*relation.rd_rel).relowner))
    }
}

/// Runs `work` with a snapshot of its own, where a transaction is about to end and has none.
pub(crate) fn with_snapshot<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // SAFETY: raw calls; an abort takes the snapshot off.
    unsafe {
        pg_try(|| raw::PushActiveSnapshot(raw::GetTransactionSnapshot()))?;
        let result = work()?;
        pg_try(|| raw::PopActiveSnapshot())?;
        Ok(result)
    }
}
