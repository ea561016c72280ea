//! More of the server's functions as plain externs: what remote functions need. As in `raw`, each signature
//! is compared with pgrx's binding, and the danger is one that differs between versions.

use std::ffi::{c_char, c_int, c_long};

use pgrx::pg_sys::*;

use super::raw::raw;

raw! {
    // waiting
    fn WaitLatchOrSocket(
        latch: *mut Latch, events: c_int, socket: pgsocket, timeout: c_long, why: uint32,
    ) -> c_int;
    fn ResetLatch(latch: *mut Latch);
    fn on_proc_exit(function: pg_on_exit_callback, argument: Datum);

    // who asks
    fn GetOuterUserId() -> Oid;
    fn GetSessionUserId() -> Oid;
    #[cfg(feature = "pg15")]
    fn pg_proc_aclcheck(function: Oid, role: Oid, mode: AclMode) -> AclResult::Type;
    #[cfg(not(feature = "pg15"))]
    fn object_aclcheck(class: Oid, object: Oid, role: Oid, mode: AclMode) -> AclResult::Type;
    fn format_procedure_qualified(function: Oid) -> *mut c_char;
    fn get_func_name(function: Oid) -> *mut c_char;
    fn quote_identifier(name: *const c_char) -> *const c_char;

    // transactions
    fn AcceptInvalidationMessages();
    fn CacheInvalidateRelcacheByRelid(relation: Oid);
    fn GetCurrentCommandId(used: bool) -> CommandId;
    fn GetLatestSnapshot() -> Snapshot;
    fn GetTopTransactionIdIfAny() -> TransactionId;
    fn RecoveryInProgress() -> bool;
    fn StartTransactionCommand();
    fn CommitTransactionCommand();
    fn AbortOutOfAnyTransaction();
    fn IsTransactionOrTransactionBlock() -> bool;
    fn ConditionalLockRelationOid(relation: Oid, mode: LOCKMODE) -> bool;
    fn before_shmem_exit(function: pg_on_exit_callback, argument: Datum);

    // what is created
    #[cfg(any(feature = "pg15", feature = "pg16"))]
    fn QualifiedNameGetCreationNamespace(names: *mut List, name: *mut *mut c_char) -> Oid;
    #[cfg(not(any(feature = "pg15", feature = "pg16")))]
    fn QualifiedNameGetCreationNamespace(names: *const List, name: *mut *mut c_char) -> Oid;
    fn isTempNamespace(schema: Oid) -> bool;

    // settings
    #[cfg(feature = "pg15")]
    fn GetNumConfigOptions() -> c_int;
    #[cfg(feature = "pg15")]
    fn get_guc_variables() -> *mut *mut config_generic;
    #[cfg(not(feature = "pg15"))]
    fn find_option(
        name: *const c_char, create_placeholders: bool, skip_errors: bool, level: c_int,
    ) -> *mut config_generic;

    // values
    fn DirectFunctionCall1Coll(function: PGFunction, collation: Oid, argument: Datum) -> Datum;
    fn json_in(call: FunctionCallInfo) -> Datum;
    fn jsonb_in(call: FunctionCallInfo) -> Datum;
    fn jsonb_out(call: FunctionCallInfo) -> Datum;
    fn pstrdup(text: *const c_char) -> *mut c_char;
    fn textrecv(call: FunctionCallInfo) -> Datum;
    fn textsend(call: FunctionCallInfo) -> Datum;
}
