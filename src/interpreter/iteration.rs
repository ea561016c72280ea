//! Iterating without pyo3 objects, for the row loop: an iterator's own `tp_iternext`, called as C
//! does. The danger is the NULL that means both "finished" and "raised": `next` tells them apart.

use pyo3::ffi;

/// What one step of an iterator gave.
pub(crate) enum Step {
    /// A new reference; the caller drops it with `Py_DecRef`.
    Item(*mut ffi::PyObject),
    Finished,
    /// The exception is set in Python's own state.
    Raised,
}

/// One step of `iterator`.
///
/// # Safety
/// `iterator` is a live object whose type has `tp_iternext`, and the interpreter lock is held.
#[inline(always)]
pub(crate) unsafe fn next(iterator: *mut ffi::PyObject) -> Step {
    // SAFETY: the caller's promise.
    unsafe {
        let item = ffi::PyIter_Next(iterator);
        if !item.is_null() {
            return Step::Item(item);
        }
        if ffi::PyErr_Occurred().is_null() { Step::Finished } else { Step::Raised }
    }
}
