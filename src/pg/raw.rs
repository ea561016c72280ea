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
