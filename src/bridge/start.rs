//! Starts Python, once a backend, at the first use, inside a transaction. The danger is PL/Python:
//! it cannot start after us from Python 3.12 on, so where it is installed it starts first.

use std::ffi::{CStr, CString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use pgrx::pg_sys;
use pyo3::prelude::*;

use super::subtransaction::in_subtransaction;
use super::{Failure, Origin, errors, interrupts, native, transaction};
use crate::error::{Error, Level, Report, SqlState};
use crate::gucs;
use crate::interpreter::lifecycle;
use crate::interpreter::site::{self, VenvProblem};
use crate::pg::{guard, raw};

static STARTED: AtomicBool = AtomicBool::new(false);
/// What must happen only once although a later step of the start failed and is tried again.
static REGISTERED: AtomicBool = AtomicBool::new(false);
static FORK_REFUSED: AtomicBool = AtomicBool::new(false);

pub(super) fn is_started() -> bool {
    STARTED.load(Ordering::Relaxed)
}

/// Python runs and is prepared when this returns.
///
/// If a step fails (a virtual environment of another Python, a package that does not import) the
/// session lives on and the next call tries again, with the settings of then.
#[inline]
pub(crate) fn ensure() -> Result<(), Error> {
    if is_started() { Ok(()) } else { start() }
}

#[cold]
fn start() -> Result<(), Error> {
    super::stay_one_process();
    // SAFETY: reads a variable of the backend.
    if !unsafe { raw::IsTransactionState() } {
        return Err(Error::internal("Python can only be started inside a transaction"));
    }
    if !lifecycle::is_initialized()
        && let Err(error) = start_by_plpython()
    {
        warn_about_plpython(&error)?;
    }
    if !lifecycle::is_initialized() {
        lifecycle::initialize();
    }
    lifecycle::hold_lock();
    if lifecycle::was_forked() {
        lifecycle::watch_forks();
    }
    if !REGISTERED.load(Ordering::Relaxed) {
        transaction::register()?;
        REGISTERED.store(true, Ordering::Relaxed);
    }
    Python::attach(|py| prepare(py).map_err(|failure| failure.into_error(py, Origin::Wrapper)))?;
    gucs::freeze();
    STARTED.store(true, Ordering::Relaxed);
    Ok(())
}

/// From the first import on, which may run anything, interrupts work.
fn prepare(py: Python<'_>) -> Result<(), Failure> {
    native::create(py)?;
    interrupts::install(py, native::signal_handler(py)?)?;
    let _inside = interrupts::Inside::enter();
    let venv = match gucs::virtualenv() {
        Some(directory) => Some(site::venv_packages(&directory, &site::version(py)).map_err(venv_error)?),
        None => None,
    };
    let package = package_directory();
    site::assemble(py, &package.to_string_lossy(), &gucs::python_path(), venv.as_deref())?;
    native::attach_to_package(py)?;
    py.import("multicorn._output")?.call_method0("install")?;
    let cancel = (py.get_type::<errors::QueryCancelled>(), native::cancel_again(py)?);
    py.import("multicorn._runtime")?.call_method1("start", cancel)?;
    if !FORK_REFUSED.load(Ordering::Relaxed) {
        lifecycle::refuse_fork().map_err(|()| PyErr::fetch(py))?;
        FORK_REFUSED.store(true, Ordering::Relaxed);
    }
    Ok(())
}

fn venv_error(problem: VenvProblem) -> Error {
    match problem {
        VenvProblem::NotAVenv { directory } => Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("multicorn.virtualenv names no virtual environment: \"{directory}\""),
        )
        .hint("It is the directory that holds pyvenv.cfg; the server's account must be able to read it."),
        VenvProblem::Version { directory, theirs, ours } => Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("the virtual environment \"{directory}\" is for Python {theirs}, the server runs Python {ours}"),
        )
        .hint(format!("Make a virtual environment with Python {ours} and name it in multicorn.virtualenv.")),
    }
}

/// Where the Python package is installed, beside the extension's SQL.
fn package_directory() -> PathBuf {
    let mut share: [c_char; pg_sys::MAXPGPATH as usize] = [0; pg_sys::MAXPGPATH as usize];
    // SAFETY: the callee writes at most MAXPGPATH bytes, the last of them a NUL.
    let share = unsafe {
        raw::get_share_path((&raw const pg_sys::my_exec_path).cast(), share.as_mut_ptr());
        CStr::from_ptr(share.as_ptr())
    };
    as_path(share).join("extension/multicorn/python")
}

/// The directories from which modules are imported besides Python's own, for a process of its own: the
/// package's, those of the settings, and that of the virtual environment.
pub(crate) fn python_directories() -> Result<Vec<String>, Error> {
    let mut directories = vec![package_directory().to_string_lossy().into_owned()];
    directories.extend(gucs::python_path());
    if let Some(directory) = gucs::virtualenv() {
        ensure()?;
        let version = Python::attach(site::version);
        let packages = site::venv_packages(&directory, &version).map_err(venv_error)?;
        directories.push(packages.to_string_lossy().into_owned());
    }
    Ok(directories)
}

fn as_path(text: &CStr) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(text.to_bytes()))
}

/// The arguments of a V1 function with one argument, laid out as the server does.
#[repr(C)]
struct OneArgument {
    call: pg_sys::FunctionCallInfoBaseData,
    argument: pg_sys::NullableDatum,
}

type V1 = unsafe extern "C-unwind" fn(pg_sys::FunctionCallInfo) -> pg_sys::Datum;

/// Lets PL/Python start Python, if it is installed: runs `pass` through the handler of its DO
/// blocks. It needs neither CREATE EXTENSION nor any right.
fn start_by_plpython() -> Result<(), Error> {
    // SAFETY: an array of the server's, NUL-terminated before any library is loaded.
    let directory = unsafe { CStr::from_ptr((&raw const pg_sys::pkglib_path).cast()) };
    let library = as_path(directory).join("plpython3.so");
    if !library.exists() {
        return Ok(());
    }
    let library = CString::new(library.as_os_str().as_bytes())
        .map_err(|_| Error::internal("the library directory's name holds a NUL"))?;
    // SAFETY: one raw call; the names outlive it.
    let handler = unsafe {
        guard::pg_try(|| {
            raw::load_external_function(
                library.as_ptr(),
                c"plpython3_inline_handler".as_ptr(),
                true,
                std::ptr::null_mut(),
            )
        })?
    };
    // SAFETY: the exported symbol is a V1 function, by PL/Python's own CREATE LANGUAGE.
    let handler = unsafe { std::mem::transmute::<*mut std::ffi::c_void, V1>(handler) };
    let mut code = pg_sys::InlineCodeBlock {
        type_: pg_sys::NodeTag::T_InlineCodeBlock,
        source_text: c"pass".as_ptr().cast_mut(),
        langOid: pg_sys::InvalidOid,
        langIsTrusted: false,
        atomic: true,
    };
    let mut call = OneArgument { call: Default::default(), argument: Default::default() };
    call.call.nargs = 1;
    call.argument.value = pg_sys::Datum::from(&raw mut code);
    let call = (&raw mut call).cast::<pg_sys::FunctionCallInfoBaseData>();
    let run = || {
        // SAFETY: a raw call, and `code` and `call` outlive it.
        unsafe {
            guard::pg_try(|| {
                handler(call);
            })
        }
    };
    // SAFETY: reads a variable of the backend.
    if !unsafe { raw::IsInParallelMode() } {
        // The handler opens an SPI connection; if `pass` fails, this closes it.
        return in_subtransaction(run);
    }
    // Some servers forbid subtransactions here: then only an error that ends the statement does.
    if let Err(error) = run() {
        guard::raise(error);
    }
    Ok(())
}

fn warn_about_plpython(error: &Error) -> Result<(), Error> {
    if matches!(error, Error::Interrupted) {
        return Err(Error::Interrupted);
    }
    let mut report =
        Report::new(SqlState::WARNING, "PL/Python could not start Python; it cannot be used in this session");
    report.detail = Some(error.to_string());
    guard::emit(Level::Warning, report)
}
