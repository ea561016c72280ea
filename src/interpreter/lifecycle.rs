//! Starting Python. The danger is letting the interpreter lock go: PL/Python calls Python without
//! taking it, so whoever starts Python keeps it held, and Python is never finalized, because
//! objects of ours and of PL/Python outlive every point at which that could be done.

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

use pyo3::ffi;

type AuditHook = unsafe extern "C" fn(*const c_char, *mut ffi::PyObject, *mut c_void) -> c_int;

unsafe extern "C" {
    // Part of the C interface since Python 3.8; pyo3 does not declare it.
    fn PySys_AddAuditHook(hook: AuditHook, data: *mut c_void) -> c_int;
}

/// Whether somebody, we or PL/Python, has started Python in this process.
pub(crate) fn is_initialized() -> bool {
    // SAFETY: may be called at any time.
    unsafe { ffi::Py_IsInitialized() != 0 }
}

/// Starts Python without its own signal handlers: SIGINT is the server's.
///
/// The calling thread holds the interpreter lock from now on.
pub(crate) fn initialize() {
    // SAFETY: the backend's main thread, before any other use of Python. It ends the process when
    // it fails, as it does for every program; it never returns an error.
    unsafe { ffi::Py_InitializeEx(0) }
}

/// Takes the interpreter lock for the rest of the process's life, if whoever started Python let it
/// go: the row loop and PL/Python call Python without taking it.
pub(crate) fn hold_lock() {
    // SAFETY: Python is initialized; the state is deliberately never released.
    unsafe {
        if ffi::PyGILState_Check() == 0 {
            ffi::PyGILState_Ensure();
        }
    }
}

/// The thread that runs Python, by the kernel's number.
pub(crate) fn thread_id() -> libc::pid_t {
    // SAFETY: cannot fail. Through syscall(), since old C libraries lack a wrapper.
    let id: c_long = unsafe { libc::syscall(libc::SYS_gettid) };
    id as libc::pid_t
}

/// A byte that the kernel zeroes in every forked child; null before `watch_forks`.
static MARK: AtomicPtr<AtomicU8> = AtomicPtr::new(std::ptr::null_mut());

/// Lets `was_forked` do without a system call, which would cost more than the call it guards.
pub(crate) fn watch_forks() {
    const SIZE: usize = 4096; // rounded up to a page
    // SAFETY: a new private page, never unmapped; its first byte is written before it is published.
    unsafe {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let page = libc::mmap(std::ptr::null_mut(), SIZE, access, kind, -1, 0);
        if page != libc::MAP_FAILED && libc::madvise(page, SIZE, libc::MADV_WIPEONFORK) == 0 {
            let mark = page.cast::<AtomicU8>();
            (*mark).store(1, Ordering::Relaxed);
            MARK.store(mark, Ordering::Relaxed);
        }
    }
}

/// False if this is certainly not a forked child.
#[inline]
pub(crate) fn was_forked() -> bool {
    let mark = MARK.load(Ordering::Relaxed);
    // SAFETY: null, or the page that is mapped for the process's life.
    mark.is_null() || unsafe { (*mark).load(Ordering::Relaxed) == 0 }
}

/// The message of the refused fork; `bridge::errors` finds the hint by it.
pub(crate) const FORK_REFUSED: &CStr = c"a server process must not be forked";
pub(crate) const FORK_HINT: &str =
    "Use subprocess, or multiprocessing with its start method \"spawn\" or \"forkserver\".";

/// Refuses os.fork and os.forkpty from now on. A forked child would go on as a second backend on
/// the same client connection, locks and shared memory. `subprocess` and `posix_spawn` exec at
/// once and announce themselves by other events.
pub(crate) fn refuse_fork() -> Result<(), ()> {
    // SAFETY: the lock is held; the hook is a static function and uses no data.
    match unsafe { PySys_AddAuditHook(audit, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(()),
    }
}

/// Python calls this for each audit event, imports included: two comparisons, no allocation.
unsafe extern "C" fn audit(event: *const c_char, _args: *mut ffi::PyObject, _data: *mut c_void) -> c_int {
    // SAFETY: Python passes a NUL-terminated name and holds the lock.
    unsafe {
        let event = CStr::from_ptr(event);
        if event != c"os.fork" && event != c"os.forkpty" {
            return 0;
        }
        ffi::PyErr_SetString(ffi::PyExc_RuntimeError, FORK_REFUSED.as_ptr());
        -1
    }
}
