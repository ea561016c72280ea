//! CPython in this process: its start, and forking it. The danger is the environment: Python is started
//! as isolated, so that neither variables nor a home directory decide what is imported.

use pyo3::ffi;
use pyo3::prelude::*;
use wormhole_protocol::Hello;

unsafe extern "C" {
    // Part of the C interface since Python 3.7; pyo3 does not declare them.
    fn PyOS_BeforeFork();
    fn PyOS_AfterFork_Parent();
    fn PyOS_AfterFork_Child();
}

/// Starts Python, with the lock held from now on, and the directories of `hello` on its path.
pub(crate) fn start(hello: &Hello) -> Result<(), String> {
    // SAFETY: the process's only thread, before any other use of Python; the structure is initialized by
    // the first call, as its documentation demands.
    unsafe {
        let mut config = std::mem::MaybeUninit::<ffi::PyConfig>::zeroed();
        ffi::PyConfig_InitIsolatedConfig(config.as_mut_ptr());
        let mut config = config.assume_init();
        config.install_signal_handlers = 0;
        let status = ffi::Py_InitializeFromConfig(&raw const config);
        ffi::PyConfig_Clear(&raw mut config);
        if ffi::PyStatus_Exception(status) != 0 {
            return Err("Python cannot be started".to_owned());
        }
    }
    Python::attach(|py| path(py, hello)).map_err(|error| format!("Python cannot be prepared: {error}"))
}

fn path(py: Python<'_>, hello: &Hello) -> PyResult<()> {
    let path = py.import("sys")?.getattr("path")?;
    for (at, directory) in hello.path.iter().enumerate() {
        path.call_method1("insert", (at, directory))?;
    }
    // Threads of a numerical library would not survive the fork.
    let environ = py.import("os")?.getattr("environ")?;
    for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"] {
        environ.set_item(name, "1")?;
    }
    Ok(())
}

/// Forks: 0 in the child.
pub(crate) fn fork() -> Result<i32, String> {
    // SAFETY: the lock is held, as `start` leaves it; the calls around the fork are Python's own protocol.
    unsafe {
        PyOS_BeforeFork();
        let pid = libc::fork();
        let error = std::io::Error::last_os_error();
        if pid == 0 {
            PyOS_AfterFork_Child();
        } else {
            PyOS_AfterFork_Parent();
        }
        if pid < 0 { Err(format!("fork: {error}")) } else { Ok(pid) }
    }
}
