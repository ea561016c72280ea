//! References that containers need while their items are converted. The danger is user code (the
//! `__str__` of an item) that empties the container meanwhile, and a server error in the middle: the
//! references belong to the memory context, which drops them whatever happens.

use std::ffi::c_void;

use pgrx::pg_sys;
use pyo3::ffi;

use super::python;
use crate::pg::raw;

/// A stack of references, dropped when the current memory context is reset if not before.
#[derive(Clone, Copy)]
pub(super) struct Held(*mut Stack);

struct Stack {
    callback: pg_sys::MemoryContextCallback,
    objects: *mut *mut ffi::PyObject,
    length: usize,
    capacity: usize,
}

impl Held {
    /// # Safety
    /// May raise: the caller's frames hold no destructors.
    pub(super) unsafe fn new() -> Self {
        const CAPACITY: usize = 8;
        // SAFETY: stack and array live exactly as long as the context that calls back.
        unsafe {
            let objects = raw::palloc(CAPACITY * size_of::<*mut ffi::PyObject>()).cast();
            let stack = raw::palloc(size_of::<Stack>()).cast::<Stack>();
            stack.write(Stack {
                callback: pg_sys::MemoryContextCallback {
                    func: Some(drop_all),
                    arg: stack.cast(),
                    next: std::ptr::null_mut(),
                },
                objects,
                length: 0,
                capacity: CAPACITY,
            });
            raw::MemoryContextRegisterResetCallback(pg_sys::CurrentMemoryContext, &raw mut (*stack).callback);
            Held(stack)
        }
    }

    /// Makes room, so that the next `push` or `own` cannot fail.
    ///
    /// # Safety
    /// As of `new`, and the memory context has not been reset.
    pub(super) unsafe fn reserve(self) {
        // SAFETY: the caller's promise.
        unsafe {
            let stack = self.0;
            if (*stack).length == (*stack).capacity {
                let capacity = (*stack).capacity * 2;
                let size = capacity * size_of::<*mut ffi::PyObject>();
                (*stack).objects = raw::repalloc((*stack).objects.cast(), size).cast();
                (*stack).capacity = capacity;
            }
        }
    }

    /// Holds a new reference to `object` until `pop`.
    ///
    /// # Safety
    /// As of `reserve`.
    pub(super) unsafe fn push(self, object: *mut ffi::PyObject) {
        // SAFETY: the caller's promise; room comes first, so that nothing is lost when that raises.
        unsafe {
            self.reserve();
            ffi::Py_INCREF(object);
            self.own(object);
        }
    }

    /// Takes over a reference; `reserve` was called before the object was made.
    ///
    /// # Safety
    /// As of `reserve`; the caller owns the reference.
    pub(super) unsafe fn own(self, object: *mut ffi::PyObject) {
        // SAFETY: the caller's promise: there is room.
        unsafe {
            let stack = self.0;
            *(*stack).objects.add((*stack).length) = object;
            (*stack).length += 1;
        }
    }

    /// The reference that was pushed last.
    ///
    /// # Safety
    /// There is one, and the memory context has not been reset.
    pub(super) unsafe fn last(self) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise.
        unsafe { *(*self.0).objects.add((*self.0).length - 1) }
    }

    /// Drops the reference that was pushed last.
    ///
    /// # Safety
    /// There is one, and the memory context has not been reset.
    pub(super) unsafe fn pop(self) {
        // SAFETY: the caller's promise; the stack is in order before user code may run.
        unsafe {
            let stack = self.0;
            (*stack).length -= 1;
            python::release(*(*stack).objects.add((*stack).length));
        }
    }
}

impl Held {
    unsafe fn is_filled(self) -> bool {
        // SAFETY: the stack lives as long as the context that the callers vouch for.
        unsafe { (*self.0).length > 0 }
    }

    /// Drops what is left.
    ///
    /// # Safety
    /// The memory context has not been reset.
    pub(super) unsafe fn clear(self) {
        // SAFETY: the caller's promise.
        unsafe {
            while self.is_filled() {
                self.pop();
            }
        }
    }
}

unsafe extern "C-unwind" fn drop_all(stack: *mut c_void) {
    let held = Held(stack.cast());
    // SAFETY: called by the memory context that owns the stack, on the main thread.
    unsafe {
        if held.is_filled() && python::is_up() {
            python::finally("release of a value", || held.clear());
        }
    }
}
