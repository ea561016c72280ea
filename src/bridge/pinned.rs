//! Values that belong to the backend's main thread and live in Python objects, which any thread may hold. The
//! danger is such a thread: it can neither look at the value nor end it.

use std::mem::ManuallyDrop;

use super::interrupts::is_main_thread;

/// A value of the main thread.
pub(crate) struct Pinned<T>(ManuallyDrop<T>);

// SAFETY: the value is reached on the main thread only, which `get` and `drop` make sure of.
unsafe impl<T> Send for Pinned<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Pinned<T> {}

impl<T> Pinned<T> {
    /// Called on the main thread.
    pub(crate) fn new(value: T) -> Self {
        Pinned(ManuallyDrop::new(value))
    }

    /// The value; a panic, which Python gets as an exception, on any other thread.
    #[inline]
    pub(crate) fn get(&self) -> &T {
        assert!(is_main_thread(), "this object belongs to the session's own thread");
        &self.0
    }
}

impl<T> Drop for Pinned<T> {
    fn drop(&mut self) {
        // On another thread what it has of the server's cannot be freed.
        if is_main_thread() {
            // SAFETY: dropped once.
            unsafe { ManuallyDrop::drop(&mut self.0) }
        }
    }
}
