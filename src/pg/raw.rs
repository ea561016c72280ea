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

// values (src/convert)
raw! {
    fn palloc_extended(size: Size, flags: c_int) -> *mut c_void;
    fn repalloc(pointer: *mut c_void, size: Size) -> *mut c_void;
    fn MemoryContextRegisterResetCallback(context: MemoryContext, callback: *mut MemoryContextCallback);
    fn check_stack_depth();
    fn set_errcontext_domain(domain: *const c_char) -> c_int;

    fn fmgr_info_cxt(function: Oid, info: *mut FmgrInfo, context: MemoryContext);
    fn InputFunctionCall(info: *mut FmgrInfo, text: *mut c_char, ioparam: Oid, typmod: int32) -> Datum;
    fn OutputFunctionCall(info: *mut FmgrInfo, value: Datum) -> *mut c_char;
    fn FunctionCall1Coll(info: *mut FmgrInfo, collation: Oid, arg1: Datum) -> Datum;
    fn FunctionCall2Coll(info: *mut FmgrInfo, collation: Oid, arg1: Datum, arg2: Datum) -> Datum;
    fn FunctionCall3Coll(info: *mut FmgrInfo, collation: Oid, arg1: Datum, arg2: Datum, arg3: Datum) -> Datum;
    fn find_typmod_coercion_function(type_oid: Oid, function: *mut Oid) -> CoercionPathType::Type;
    fn domain_check(value: Datum, is_null: bool, domain: Oid, extra: *mut *mut c_void, context: MemoryContext);

    fn getBaseTypeAndTypmod(type_oid: Oid, typmod: *mut int32) -> Oid;
    fn getTypeInputInfo(type_oid: Oid, function: *mut Oid, ioparam: *mut Oid);
    fn getTypeOutputInfo(type_oid: Oid, function: *mut Oid, is_varlena: *mut bool);
    fn get_element_type(type_oid: Oid) -> Oid;
    fn get_typtype(type_oid: Oid) -> c_char;
    fn get_typlenbyvalalign(type_oid: Oid, length: *mut int16, by_value: *mut bool, align: *mut c_char);
    fn format_type_be(type_oid: Oid) -> *mut c_char;
    fn format_type_with_typemod(type_oid: Oid, typmod: int32) -> *mut c_char;

    fn pg_detoast_datum(datum: *mut varlena) -> *mut varlena;
    fn pg_detoast_datum_packed(datum: *mut varlena) -> *mut varlena;
    fn pg_any_to_server(text: *const c_char, length: c_int, encoding: c_int) -> *mut c_char;
    fn pg_server_to_any(text: *const c_char, length: c_int, encoding: c_int) -> *mut c_char;
    fn pg_verifymbstr(text: *const c_char, length: c_int, no_error: bool) -> bool;
}

unsafe extern "C-unwind" {
    /// Variadic, so that the bindings lack it: adds a line to the CONTEXT of the error being raised.
    pub(crate) fn errcontext_msg(format: *const c_char, ...) -> c_int;
}
