//! The server's functions as plain externs. pgrx wraps each of its own declarations in a sigsetjmp,
//! which loses parts of an error and crashes inside another jump buffer; these do neither, so they
//! may longjmp, and are called only inside `guard::pg_try` or below a frame without destructors.
//! The danger is a signature that differs between versions: each is compared with pgrx's binding.

use std::ffi::{c_char, c_int, c_void};

use pgrx::pg_sys::*;

/// Declares externs and makes the compiler compare each with the generated binding.
macro_rules! raw {
    ($($(#[$cfg:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)?;)*) => {
        unsafe extern "C-unwind" {
            $($(#[$cfg])* pub(crate) fn $name($($arg: $ty),*) $(-> $ret)?;)*
        }
        $($(#[$cfg])* const _: unsafe fn($($ty),*) $(-> $ret)? = pgrx::pg_sys::$name;)*
    };
}

raw! {
    // memory
    fn palloc(size: Size) -> *mut c_void;
    fn palloc0(size: Size) -> *mut c_void;
    fn pfree(pointer: *mut c_void);
    fn pstrdup(text: *const c_char) -> *mut c_char;

    // errors
    fn CopyErrorData() -> *mut ErrorData;
    fn FreeErrorData(data: *mut ErrorData);
    fn FlushErrorState();
    fn ReThrowError(data: *mut ErrorData) -> !;
    fn ThrowErrorData(data: *mut ErrorData);
    fn ProcessInterrupts();

    // text
    fn GetDatabaseEncoding() -> c_int;
}

// For the settings and the start of Python.
raw! {
    fn DefineCustomStringVariable(
        name: *const c_char, short: *const c_char, long: *const c_char, value: *mut *mut c_char,
        boot: *const c_char, context: GucContext::Type, flags: c_int, check: GucStringCheckHook,
        assign: GucStringAssignHook, show: GucShowHook,
    );
    fn DefineCustomEnumVariable(
        name: *const c_char, short: *const c_char, long: *const c_char, value: *mut c_int,
        boot: c_int, options: *const config_enum_entry, context: GucContext::Type, flags: c_int,
        check: GucEnumCheckHook, assign: GucEnumAssignHook, show: GucShowHook,
    );
    fn DefineCustomIntVariable(
        name: *const c_char, short: *const c_char, long: *const c_char, value: *mut c_int,
        boot: c_int, min: c_int, max: c_int, context: GucContext::Type, flags: c_int,
        check: GucIntCheckHook, assign: GucIntAssignHook, show: GucShowHook,
    );
    fn MarkGUCPrefixReserved(prefix: *const c_char);
    fn GUC_check_errcode(sqlstate: c_int);
    fn MemoryContextStrdup(context: MemoryContext, text: *const c_char) -> *mut c_char;
    fn IsTransactionState() -> bool;
    fn IsInParallelMode() -> bool;
    fn BeginInternalSubTransaction(name: *const c_char);
    fn ReleaseCurrentSubTransaction();
    fn RollbackAndReleaseCurrentSubTransaction();
    fn RegisterXactCallback(callback: XactCallback, arg: *mut c_void);
    fn RegisterSubXactCallback(callback: SubXactCallback, arg: *mut c_void);
    fn load_external_function(
        file: *const c_char, name: *const c_char, must_exist: bool, handle: *mut *mut c_void,
    ) -> *mut c_void;
    fn get_share_path(executable: *const c_char, path: *mut c_char);
}
