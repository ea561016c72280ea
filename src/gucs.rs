//! The settings: each with its default and the reason for it. The danger is a hook that runs while
//! the server rolls a setting back or reads its configuration: a check hook refuses by returning
//! false, it never raises.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};
use std::time::Duration;

use pgrx::pg_sys;

use crate::error::{Level, SqlState};
use crate::pg::{encoding, raw};

static PYTHON_PATH: AtomicPtr<c_char> = AtomicPtr::new(std::ptr::null_mut());
static VIRTUALENV: AtomicPtr<c_char> = AtomicPtr::new(std::ptr::null_mut());
static ALLOWED_WRAPPERS: AtomicPtr<c_char> = AtomicPtr::new(std::ptr::null_mut());
static PRINT_LEVEL: AtomicI32 = AtomicI32::new(Level::Notice as i32);
static HOOK_TIMEOUT: AtomicI32 = AtomicI32::new(HOOK_TIMEOUT_DEFAULT);

/// Milliseconds. Long enough for a commit at a remote database across a slow line, short enough that
/// an administrator's "fast" shutdown, which waits for it, still deserves its name.
const HOOK_TIMEOUT_DEFAULT: c_int = 30_000;

/// The values with which Python started; from then on they do not change.
static STARTED_WITH: OnceLock<(CString, CString)> = OnceLock::new();

struct Levels([pg_sys::config_enum_entry; 6]);
// SAFETY: pointers to literals, never written.
unsafe impl Sync for Levels {}

/// No `error`: printing must not end a statement.
static LEVELS: Levels = Levels([
    level(c"debug1", Level::Debug1),
    level(c"log", Level::Log),
    level(c"info", Level::Info),
    level(c"notice", Level::Notice),
    level(c"warning", Level::Warning),
    pg_sys::config_enum_entry { name: std::ptr::null(), val: 0, hidden: false },
]);

const fn level(name: &'static CStr, level: Level) -> pg_sys::config_enum_entry {
    pg_sys::config_enum_entry { name: name.as_ptr(), val: level as c_int, hidden: false }
}

/// Defines the settings. All are the superuser's: each of them decides which code runs inside the
/// server, where its output goes, or how long it may hold up a commit.
pub(crate) fn init() {
    // Empty: the system's Python as it is. Read once, because a module that was imported from the
    // old place would stay loaded and mix with the new.
    string(
        c"multicorn.python_path",
        c"Directories in which Python looks for modules first.",
        c"Separated by colons or commas. Read when Python starts in a session.",
        &PYTHON_PATH,
        Some(check_python_path),
    );
    // Empty: none. A directory, not an interpreter: the server's own Python runs, and only the
    // packages of the environment are added.
    string(
        c"multicorn.virtualenv",
        c"Directory of a Python virtual environment whose packages are used.",
        c"It must be of the Python version that the server runs. Read when Python starts in a session.",
        &VIRTUALENV,
        Some(check_virtualenv),
    );
    // Empty: none but superusers' servers. `wrapper` names a class to import, so a wider default
    // would let any role that may create servers run any installed code as the server's account.
    string(
        c"multicorn.allowed_wrappers",
        c"Wrapper classes that servers of roles other than superusers may use.",
        c"Comma-separated patterns of dotted names, such as multicorn.csvfdw.*",
        &ALLOWED_WRAPPERS,
        None,
    );
    // Notice: a wrapper's author sees prints in psql without touching a setting.
    // SAFETY: called from `_PG_init`; no frame here holds anything to drop.
    unsafe {
        raw::DefineCustomEnumVariable(
            c"multicorn.print_level".as_ptr(),
            c"Level of the messages that Python's print() sends.".as_ptr(),
            std::ptr::null(),
            PRINT_LEVEL.as_ptr(),
            Level::Notice as c_int,
            LEVELS.0.as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            0,
            None,
            None,
            None,
        );
        // Not zero or "never": while a hook runs no timeout of the server and no cancel applies.
        raw::DefineCustomIntVariable(
            c"multicorn.hook_timeout".as_ptr(),
            c"Longest time that a wrapper's transaction hook or clean-up may take.".as_ptr(),
            std::ptr::null(),
            HOOK_TIMEOUT.as_ptr(),
            HOOK_TIMEOUT_DEFAULT,
            1,
            c_int::MAX,
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GUC_UNIT_MS as c_int,
            None,
            None,
            None,
        );
        raw::MarkGUCPrefixReserved(c"multicorn".as_ptr());
    }
}

fn string(
    name: &'static CStr,
    short: &'static CStr,
    long: &'static CStr,
    value: &'static AtomicPtr<c_char>,
    check: pg_sys::GucStringCheckHook,
) {
    // SAFETY: as in `init`; the server keeps the address of a static.
    unsafe {
        raw::DefineCustomStringVariable(
            name.as_ptr(),
            short.as_ptr(),
            long.as_ptr(),
            value.as_ptr(),
            c"".as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            0,
            check,
            None,
            None,
        );
    }
}

unsafe extern "C-unwind" fn check_python_path(
    new: *mut *mut c_char,
    _extra: *mut *mut c_void,
    source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: the server passes the address of a string, or of a null.
    unsafe { check_unchanged(*new, STARTED_WITH.get().map(|(path, _)| path.as_c_str()), source) }
}

unsafe extern "C-unwind" fn check_virtualenv(
    new: *mut *mut c_char,
    _extra: *mut *mut c_void,
    source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: as in `check_python_path`.
    unsafe { check_unchanged(*new, STARTED_WITH.get().map(|(_, venv)| venv.as_c_str()), source) }
}

/// Whether `new` may be assigned: always before Python runs, afterwards only the value in use.
///
/// ALTER ROLE, ALTER DATABASE and ALTER SYSTEM only check a value for other sessions and pass; a
/// reload of the configuration, which runs outside a transaction, keeps the session's value.
unsafe fn check_unchanged(
    new: *const c_char,
    in_use: Option<&CStr>,
    source: pg_sys::GucSource::Type,
) -> bool {
    let Some(in_use) = in_use else { return true };
    // SAFETY: null or a string of the server's; the calls cannot raise outside out-of-memory, and
    // no frame here holds anything to drop.
    unsafe {
        let same = if new.is_null() { in_use.is_empty() } else { CStr::from_ptr(new) == in_use };
        let for_others = source == pg_sys::GucSource::PGC_S_TEST
            || source == pg_sys::GucSource::PGC_S_FILE && raw::IsTransactionState();
        if same || for_others {
            return true;
        }
        raw::GUC_check_errcode(SqlState::CANT_CHANGE_RUNTIME_PARAM.0);
        pg_sys::GUC_check_errmsg_string = raw::MemoryContextStrdup(
            pg_sys::ErrorContext,
            c"this setting cannot be changed after Python has started in the session".as_ptr(),
        );
        pg_sys::GUC_check_errhint_string = raw::MemoryContextStrdup(
            pg_sys::ErrorContext,
            c"A change takes effect in new sessions: use ALTER ROLE, ALTER DATABASE or ALTER SYSTEM."
                .as_ptr(),
        );
        false
    }
}

fn raw_text(value: &AtomicPtr<c_char>) -> &CStr {
    let text = value.load(Ordering::Relaxed);
    if text.is_null() {
        return c"";
    }
    // SAFETY: the server keeps the string until the next assignment, which cannot happen while the
    // caller, on the same thread, copies it.
    unsafe { CStr::from_ptr(text) }
}

fn text(value: &AtomicPtr<c_char>) -> String {
    encoding::from_server(raw_text(value))
}

/// The directories of multicorn.python_path.
pub(crate) fn python_path() -> Vec<String> {
    text(&PYTHON_PATH)
        .split([':', ','])
        .map(str::trim)
        .filter(|directory| !directory.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The directory of the virtual environment, if one is set.
pub(crate) fn virtualenv() -> Option<String> {
    Some(text(&VIRTUALENV).trim().to_owned()).filter(|directory| !directory.is_empty())
}

/// The patterns of multicorn.allowed_wrappers.
pub(crate) fn allowed_wrappers() -> Vec<String> {
    text(&ALLOWED_WRAPPERS)
        .split(',')
        .map(str::trim)
        .filter(|pattern| !pattern.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The level of print(). May be read on any thread.
pub(crate) fn print_level() -> Level {
    let value = PRINT_LEVEL.load(Ordering::Relaxed);
    [Level::Debug1, Level::Log, Level::Info, Level::Warning]
        .into_iter()
        .find(|&level| level as i32 == value)
        .unwrap_or(Level::Notice)
}

/// How long a transaction hook or a clean-up may take.
pub(crate) fn hook_timeout() -> Duration {
    Duration::from_millis(u64::try_from(HOOK_TIMEOUT.load(Ordering::Relaxed)).unwrap_or(1))
}

/// From now on the settings that Python was started with stay as they are.
pub(crate) fn freeze() {
    STARTED_WITH.get_or_init(|| (raw_text(&PYTHON_PATH).to_owned(), raw_text(&VIRTUALENV).to_owned()));
}
