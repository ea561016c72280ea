//! The two doors between Rust and the server's longjmp. `pg_try` runs raw calls and hands an error
//! back as a value; `boundary` wraps a callback and raises its error after all of Rust is dropped.
//! The danger is a destructor on a frame that a longjmp skips.

use std::collections::BTreeSet;
use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use cee_scape::call_with_sigsetjmp;
use pgrx::pg_sys;

use super::{encoding, interrupts, raw};
use crate::error::{Error, Level, Location, Report, SqlState};

/// Runs `calls`, which may raise, and returns what they raised as an error.
///
/// The error is out of the server's error stack and `CurrentMemoryContext` and the error-context
/// stack are as before. Resources taken by the failed calls are *not* released: unless a
/// subtransaction surrounds the call, the error has to propagate.
///
/// # Safety
/// `calls` consists of raw externs only: nothing in it needs dropping, nothing panics, and no
/// Python frame lies between it and the server.
pub(crate) unsafe fn pg_try<T>(calls: impl FnOnce() -> T) -> Result<T, Error> {
    // SAFETY: the backend's main thread; the saved values are put back on both ways out, so that
    // the jump buffer is never used after its frame is gone.
    unsafe {
        let exception_stack = pg_sys::PG_exception_stack;
        let context_stack = pg_sys::error_context_stack;
        let memory_context = pg_sys::CurrentMemoryContext;
        // errfinish zeroes the counts; inside an abort or commit callback the server still counts
        // on them, and its RESUME_INTERRUPTS would wrap below zero.
        let holdoff = (pg_sys::InterruptHoldoffCount, pg_sys::QueryCancelHoldoffCount);
        // A signal that arrives while the server runs is the server's to serve.
        let in_python = interrupts::suspend();
        let mut result = MaybeUninit::uninit();
        let jumped = call_with_sigsetjmp(false, |buffer| {
            pg_sys::PG_exception_stack = std::ptr::from_ref(buffer).cast_mut().cast();
            result.write(calls());
            0
        });
        pg_sys::PG_exception_stack = exception_stack;
        pg_sys::error_context_stack = context_stack;
        if jumped == 0 {
            interrupts::restore(in_python);
            return Ok(result.assume_init());
        }
        pg_sys::CurrentMemoryContext = memory_context;
        (pg_sys::InterruptHoldoffCount, pg_sys::QueryCancelHoldoffCount) = holdoff;
        let error = Error::Server(Box::new(take_error()));
        interrupts::restore(in_python);
        Err(error)
    }
}

/// Runs `calls` and then `after`, also when `calls` raise; their error goes on, unread and unchanged.
///
/// # Safety
/// As of `pg_try`, but that no frame below this one has anything to drop: the error is raised here.
pub(super) unsafe fn pg_finally(calls: impl FnOnce(), after: impl FnOnce()) {
    // SAFETY: as in `pg_try`.
    unsafe {
        let exception_stack = pg_sys::PG_exception_stack;
        let context_stack = pg_sys::error_context_stack;
        let jumped = call_with_sigsetjmp(false, |buffer| {
            pg_sys::PG_exception_stack = std::ptr::from_ref(buffer).cast_mut().cast();
            calls();
            0
        });
        pg_sys::PG_exception_stack = exception_stack;
        pg_sys::error_context_stack = context_stack;
        after();
        if jumped != 0 {
            raw::pg_re_throw()
        }
    }
}

/// Moves the error that was just caught into Rust's memory and clears the server's error state.
unsafe fn take_error() -> Report {
    // SAFETY: called right after the longjmp, with a sane CurrentMemoryContext; the strings are
    // copied before the copy is freed.
    unsafe {
        let data = raw::CopyErrorData();
        raw::FlushErrorState();
        let error = &*data;
        let text = |p: *mut c_char| encoding::from_server_ptr(p);
        let report = Report {
            sqlstate: SqlState(error.sqlerrcode),
            message: text(error.message).unwrap_or_default(),
            detail: text(error.detail),
            detail_log: text(error.detail_log),
            hint: text(error.hint),
            context: text(error.context),
            schema_name: text(error.schema_name),
            table_name: text(error.table_name),
            column_name: text(error.column_name),
            datatype_name: text(error.datatype_name),
            constraint_name: text(error.constraint_name),
            internal_query: text(error.internalquery),
            internal_position: error.internalpos,
            cursor_position: error.cursorpos,
            location: Location {
                file: interned(error.filename),
                function: interned(error.funcname),
                line: error.lineno,
                domain: interned(error.domain),
                saved_errno: error.saved_errno,
            },
            bare: false,
        };
        raw::FreeErrorData(data);
        report
    }
}

/// The name of a source file, a function or a domain of translations, kept for the life of the backend: it goes
/// into errors that outlive the memory context in which `CopyErrorData` has put its copy.
///
/// There are as many as places in loaded objects that raise; the bound is for objects that make names up.
unsafe fn interned(text: *const c_char) -> Option<&'static CStr> {
    const MOST: usize = 10_000;
    static KNOWN: Mutex<BTreeSet<&'static CStr>> = Mutex::new(BTreeSet::new());
    if text.is_null() {
        return None;
    }
    // SAFETY: a string of the error that was just copied.
    let text = unsafe { CStr::from_ptr(text) };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known.get(text) {
        return Some(found);
    }
    if known.len() >= MOST {
        return None;
    }
    let kept: &'static CStr = Box::leak(text.to_owned().into_boxed_c_str());
    known.insert(kept);
    Some(kept)
}

/// Runs a callback of the server; its error, or its panic, is raised after everything is dropped.
pub(crate) fn boundary<R: Copy>(callback: impl FnOnce() -> Result<R, Error>) -> R {
    // SAFETY: a variable of the backend.
    let contexts = unsafe { pg_sys::error_context_stack };
    let error = match catch_unwind(AssertUnwindSafe(callback)) {
        Ok(Ok(value)) => return value,
        Ok(Err(error)) => error,
        Err(panic) => {
            // The frame of whoever pushed a context, and has not popped it, is gone.
            // SAFETY: as above.
            unsafe { pg_sys::error_context_stack = contexts };
            panic_error(&*panic)
        }
    };
    raise(error)
}

pub(super) fn panic_error(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic".to_owned());
    Error::internal(format!("multicorn: internal error: {text}"))
}

/// Raises `error` as the server's own, dropping it first.
pub(crate) fn raise(error: Error) -> ! {
    let (level, rethrow) = match &error {
        Error::Ours(_) => (Level::Error as i32, false),
        Error::Server(_) => (Level::Error as i32, true),
        Error::Fatal(_) => (Level::Fatal as i32, false),
        Error::Interrupted => {
            drop(error);
            // SAFETY: no destructor is pending in this frame.
            unsafe { raw::ProcessInterrupts() };
            raise(Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request"))
        }
    };
    let data = match error {
        Error::Ours(report) | Error::Server(report) | Error::Fatal(report) => error_data(level, *report),
        Error::Interrupted => unreachable!(),
    };
    // SAFETY: `data` lives in palloc'd memory and this frame holds nothing to drop; both calls copy
    // the strings before they jump.
    unsafe {
        if rethrow {
            raw::ReThrowError(data)
        }
        raw::ThrowErrorData(data);
        std::process::abort() // an ERROR does not return
    }
}

/// Sends a message below ERROR to the client and the log.
///
/// An error while it is being sent (a broken client socket, a full disk for the log) comes back.
pub(crate) fn emit(level: Level, report: Report) -> Result<(), Error> {
    emit_at(level as i32, report)
}

/// As `emit`, at any of the server's levels below ERROR.
pub(crate) fn emit_at(level: i32, report: Report) -> Result<(), Error> {
    debug_assert!(level < Level::Error as i32);
    let data = error_data(level, report);
    // SAFETY: raw call; `data` is palloc'd and copied by the callee.
    let sent = unsafe { pg_try(|| raw::ThrowErrorData(data)) };
    free_error_data(data);
    sent
}

/// Sends an error that must not end anything, as a WARNING.
pub(crate) fn warn(error: Error) {
    let (Error::Ours(report) | Error::Server(report) | Error::Fatal(report)) = error else {
        return; // still pending: the server words it when it can
    };
    // A message that cannot be sent must not fail what is being finished.
    let _ = emit(Level::Warning, *report);
}

fn error_data(level: i32, report: Report) -> *mut pg_sys::ErrorData {
    let data = pg_sys::ErrorData {
        elevel: level,
        output_to_server: true,
        output_to_client: true,
        filename: report.location.file.map_or(c"multicorn".as_ptr(), CStr::as_ptr),
        lineno: report.location.line,
        funcname: report.location.function.map_or(std::ptr::null(), CStr::as_ptr),
        sqlerrcode: report.sqlstate.0,
        message: copy(Some(&report.message)),
        detail: copy(report.detail.as_deref()),
        detail_log: copy(report.detail_log.as_deref()),
        hint: copy(report.hint.as_deref()),
        context: copy(report.context.as_deref()),
        schema_name: copy(report.schema_name.as_deref()),
        table_name: copy(report.table_name.as_deref()),
        column_name: copy(report.column_name.as_deref()),
        datatype_name: copy(report.datatype_name.as_deref()),
        constraint_name: copy(report.constraint_name.as_deref()),
        cursorpos: report.cursor_position,
        internalpos: report.internal_position,
        internalquery: copy(report.internal_query.as_deref()),
        // SAFETY: the error context exists for the life of the backend.
        assoc_context: unsafe { pg_sys::ErrorContext },
        ..Default::default()
    };
    // SAFETY: a plain allocation; out of memory longjmps over `report`, which then leaks, in a
    // backend that is about to report that very condition.
    unsafe {
        let place = raw::palloc(size_of::<pg_sys::ErrorData>()).cast::<pg_sys::ErrorData>();
        place.write(data);
        place
    }
}

fn free_error_data(data: *mut pg_sys::ErrorData) {
    // SAFETY: allocated by `error_data`; `FreeErrorData` frees each string that is set.
    unsafe { raw::FreeErrorData(data) }
}

fn copy(text: Option<&str>) -> *mut c_char {
    let Some(text) = text else { return std::ptr::null_mut() };
    let text = encoding::to_server(text);
    // SAFETY: `text` is NUL-terminated and copied at once.
    unsafe { raw::pstrdup(text.as_ptr()) }
}
