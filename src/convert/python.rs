//! The calls into CPython that may run somebody's code, and what they leave behind. The danger is a
//! reference held while the server raises: `held` ties those to the memory context instead.

use std::sync::atomic::Ordering::Relaxed;

use pgrx::pg_sys;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;
use pyo3::{Python, ffi};

use crate::bridge;
use crate::bridge::errors::{Origin, to_error};
use crate::bridge::interrupts;
use crate::error::{Error, SqlState};
use crate::pg::interrupts::IN_PYTHON;
use crate::pg::{guard, raw, varlena};

/// Runs `call`, which may execute Python code, so that a cancel reaches it.
///
/// # Safety
/// The thread holds the GIL; `call` makes no call into the server that may raise.
#[inline]
pub(super) unsafe fn running<T>(call: impl FnOnce() -> T) -> T {
    let outer = IN_PYTHON.load(Relaxed);
    interrupts::enter_row();
    let result = call();
    if !outer {
        interrupts::leave_row();
    }
    result
}

/// Loads what dates take for granted, the C interface of datetime. Called by each plan for them: a session
/// without any does not pay for its import.
pub(super) fn prepare() -> Result<(), Error> {
    // SAFETY: plans are made on the main thread with the GIL held; importing makes no raw server call.
    unsafe {
        if ffi::PyDateTimeAPI().is_null() {
            running(|| ffi::PyDateTime_IMPORT());
            if ffi::PyDateTimeAPI().is_null() {
                return Err(raised());
            }
        }
    }
    Ok(())
}

/// Whether the C interface of datetime is there: asking for one of its classes crashes without it.
pub(super) fn has_dates() -> bool {
    if prepare().is_err() {
        return false;
    }
    // SAFETY: readable at any time.
    unsafe { !ffi::PyDateTimeAPI().is_null() }
}

/// The exception that the last call left set, as an error.
#[cold]
pub(super) fn raised() -> Error {
    Python::attach(|py| to_error(py, PyErr::fetch(py), Origin::current()))
}

/// An exception as an error in the wording of the code that runs.
pub(super) fn error(py: Python<'_>, exception: PyErr) -> Error {
    to_error(py, exception, Origin::current())
}

/// Whether the exception that is set is an instance of `class`; if so it is cleared.
///
/// # Safety
/// The thread holds the GIL; `class` is an exception class.
#[cold]
pub(super) unsafe fn clear_if(class: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let matches = ffi::PyErr_ExceptionMatches(class) != 0;
        if matches {
            ffi::PyErr_Clear();
        }
        matches
    }
}

/// A new list of an iterable's items, or null with an exception set. A cancel ends it also where the
/// iterable is written in C and has no end, as `itertools.repeat`.
///
/// # Safety
/// Inside `running`; `iterable` is alive.
pub(super) unsafe fn new_list(iterable: *mut ffi::PyObject) -> *mut ffi::PyObject {
    const BETWEEN_CHECKS: isize = 1024;
    let null = std::ptr::null_mut();
    // SAFETY: the caller's promise; each new reference is dropped or handed on.
    unsafe {
        let iterator = ffi::PyObject_GetIter(iterable);
        if iterator.is_null() {
            return null;
        }
        let list = ffi::PyList_New(0);
        while !list.is_null() {
            let item = ffi::PyIter_Next(iterator);
            if item.is_null() {
                break;
            }
            let added = ffi::PyList_Append(list, item);
            ffi::Py_DECREF(item);
            let check = ffi::PyList_GET_SIZE(list) % BETWEEN_CHECKS == 0;
            if added != 0 || (check && ffi::PyErr_CheckSignals() != 0) {
                break;
            }
        }
        ffi::Py_DECREF(iterator);
        if ffi::PyErr_Occurred().is_null() {
            return list;
        }
        ffi::Py_XDECREF(list);
        null
    }
}

/// Drops one reference; when it is the last, what the object's end runs can be cancelled.
///
/// # Safety
/// The thread holds the GIL and owns a reference to `object`, or it is null.
#[inline]
pub(super) unsafe fn release(object: *mut ffi::PyObject) {
    // SAFETY: the caller's promise.
    unsafe {
        if object.is_null() {
        } else if ffi::Py_REFCNT(object) > 1 {
            ffi::Py_DECREF(object);
        } else {
            running(|| ffi::Py_DECREF(object));
        }
    }
}

/// Exactly one of the built-in classes whose conversion never leaves C.
///
/// # Safety
/// `object` is alive.
#[inline]
pub(super) unsafe fn runs_no_code(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller holds the object.
    unsafe {
        let class = ffi::Py_TYPE(object);
        class == &raw mut ffi::PyLong_Type
            || class == &raw mut ffi::PyFloat_Type
            || class == &raw mut ffi::PyUnicode_Type
            || class == &raw mut ffi::PyBool_Type
            || object == ffi::Py_None()
    }
}

/// A str, bytes or bytearray: a sequence that stands for a text, and not for its items.
///
/// # Safety
/// `object` is alive.
#[inline]
pub(super) unsafe fn is_text(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller holds the object.
    unsafe { ffi::PyUnicode_Check(object) != 0 || is_bytes(object) }
}

/// # Safety
/// `object` is alive.
#[inline]
pub(super) unsafe fn is_bytes(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller holds the object.
    unsafe { ffi::PyBytes_Check(object) != 0 || ffi::PyByteArray_Check(object) != 0 }
}

/// Runs `release`, which drops references, at the end of a query or after an error. In the latter
/// case no timeout of the server's applies, so that only multicorn.hook_timeout ends a `__del__` that never
/// does, and what it raises must not reach the server.
pub(super) fn finally(name: &str, release: impl FnOnce()) {
    // SAFETY: both read variables of the backend.
    let normal = unsafe { pg_sys::InterruptHoldoffCount == 0 && raw::IsTransactionState() };
    if normal {
        return release();
    }
    let released = bridge::call_hook(name, |_py| {
        release();
        Ok(())
    });
    if let Err(error) = released {
        guard::warn(error);
    }
}

/// Whether Python runs, so that a destructor may drop references.
pub(super) fn is_up() -> bool {
    // SAFETY: readable at any time.
    unsafe { ffi::Py_IsInitialized() != 0 }
}

/// Asks an iterator to `close`, if it can: a generator's `finally` blocks run now.
///
/// # Safety
/// `iterator` is alive.
pub(super) unsafe fn close(py: Python<'_>, iterator: *mut ffi::PyObject) -> PyResult<()> {
    // SAFETY: the caller's promise; no server call inside.
    unsafe {
        let iterator = Bound::from_borrowed_ptr(py, iterator);
        running(|| {
            if let Some(close) = iterator.getattr_opt(pyo3::intern!(py, "close"))? {
                close.call0()?;
            }
            Ok(())
        })
    }
}

/// The exception that a call left set, if it left one: an iterator's end has none.
#[cold]
pub(super) fn raised_if_any() -> Option<Error> {
    // SAFETY: the thread holds the GIL, as all of this module's callers.
    (!unsafe { ffi::PyErr_Occurred() }.is_null()).then(raised)
}

/// An interned name, as `ffi` takes it.
pub(super) struct Name(*mut ffi::PyObject);

impl Name {
    pub(super) fn new(py: Python<'_>, text: &str) -> Self {
        Name(PyString::intern(py, text).into_ptr())
    }

    #[inline]
    pub(super) fn pointer(&self) -> *mut ffi::PyObject {
        self.0
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        if is_up() {
            // SAFETY: dropped by the backend's main thread, which holds the GIL; a str runs no code.
            unsafe { ffi::Py_DECREF(self.0) }
        }
    }
}

/// A class or function of the standard library, imported once per interpreter.
pub(super) struct Import {
    module: &'static str,
    name: &'static str,
    object: PyOnceLock<Py<PyAny>>,
}

impl Import {
    pub(super) const fn new(module: &'static str, name: &'static str) -> Self {
        Import { module, name, object: PyOnceLock::new() }
    }

    /// The object, imported if this is the first use.
    pub(super) fn get<'a, 'py>(&'a self, py: Python<'py>) -> Result<&'a Bound<'py, PyAny>, Error> {
        // SAFETY: the token proves that the GIL is held; importing makes no raw server call.
        let object = unsafe { running(|| self.object.get_or_try_init(py, || self.import(py))) };
        object.map(|object| object.bind(py)).map_err(|error| to_error(py, error, Origin::current()))
    }

    fn import(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(py.import(self.module)?.getattr(self.name)?.unbind())
    }

    /// The same as a borrowed pointer, which stays valid: nothing ever lets go of it.
    pub(super) fn pointer(&'static self) -> Result<*mut ffi::PyObject, Error> {
        Python::attach(|py| self.get(py).map(Bound::as_ptr))
    }
}

/// The name of an object's class, for messages.
///
/// # Safety
/// The thread holds the GIL; `object` is alive.
pub(super) unsafe fn class_name(object: *mut ffi::PyObject) -> String {
    // SAFETY: the caller's promise; `tp_name` is NUL-terminated for the life of the class.
    unsafe { std::ffi::CStr::from_ptr((*ffi::Py_TYPE(object)).tp_name) }.to_string_lossy().into_owned()
}

/// What a value looks like, for messages: its `repr`, cut to a readable length.
///
/// # Safety
/// The thread holds the GIL, no exception is set, and `object` is alive.
#[cold]
pub(super) unsafe fn shown(object: *mut ffi::PyObject) -> String {
    const LONGEST: usize = 60;
    Python::attach(|py| {
        // SAFETY: the caller's promise.
        let object = unsafe { Bound::from_borrowed_ptr(py, object) };
        // SAFETY: no server call inside.
        let Ok(text) = (unsafe { running(|| object.repr()) }) else {
            return format!("<{}>", object.get_type());
        };
        let text = text.to_string_lossy();
        match text.char_indices().nth(LONGEST) {
            Some((cut, _)) => format!("{}…", &text[..cut]),
            None => text.into_owned(),
        }
    })
}

/// Memory for temporaries that an owner of references may ask for, as an error instead of a longjmp.
pub(super) fn allocate(size: usize) -> Result<*mut u8, Error> {
    let place = varlena::try_palloc(size);
    if place.is_null() {
        return Err(Error::new(SqlState::OUT_OF_MEMORY, "out of memory")
            .detail(format!("Failed on a request of {size} bytes for a value from Python.")));
    }
    Ok(place)
}
