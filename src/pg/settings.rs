//! Settings as the server keeps them: it writes into our statics. The danger is a check hook, which
//! runs also while settings are rolled back or the configuration is read: it refuses by returning
//! false and never raises.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use pgrx::pg_sys;

use super::{encoding, raw, raw_more};
use crate::error::{Level, SqlState};

/// The session's search path, as it was set.
pub(crate) fn search_path() -> String {
    // SAFETY: the server's variable; null or NUL-terminated, and copied at once.
    unsafe { encoding::from_server_ptr(pg_sys::namespace_search_path) }.unwrap_or_default()
}

/// Name and description of a setting.
pub(crate) struct About {
    pub(crate) name: &'static CStr,
    pub(crate) short: &'static CStr,
    /// May be empty.
    pub(crate) long: &'static CStr,
}

impl About {
    fn long(&self) -> *const c_char {
        if self.long.is_empty() { std::ptr::null() } else { self.long.as_ptr() }
    }
}

/// A setting that is text; empty by default.
pub(crate) struct Text {
    value: AtomicPtr<c_char>,
    in_use: OnceLock<CString>,
}

/// Names a `Text` for the check hook, which the server calls without saying for which setting.
pub(crate) trait Named {
    fn text() -> &'static Text;
}

impl Text {
    pub(crate) const fn new() -> Self {
        Text { value: AtomicPtr::new(std::ptr::null_mut()), in_use: OnceLock::new() }
    }

    /// Defines a superuser's setting that may change at any time. Called while the library is loaded.
    pub(crate) fn define(&'static self, about: &About) {
        self.define_checked(about, None);
    }

    /// Defines a superuser's setting that stays as it is once `freeze` was called.
    pub(crate) fn define_freezable<T: Named>(about: &About) {
        T::text().define_checked(about, Some(check::<T>));
    }

    fn define_checked(&'static self, about: &About, check: pg_sys::GucStringCheckHook) {
        // SAFETY: called from `_PG_init`, where no frame holds anything to drop; the server keeps
        // the address of a static.
        unsafe {
            raw::DefineCustomStringVariable(
                about.name.as_ptr(),
                about.short.as_ptr(),
                about.long(),
                self.value.as_ptr(),
                c"".as_ptr(),
                pg_sys::GucContext::PGC_SUSET,
                0,
                check,
                None,
                None,
            );
        }
    }

    fn raw(&self) -> &CStr {
        let text = self.value.load(Ordering::Relaxed);
        if text.is_null() {
            return c"";
        }
        // SAFETY: the server keeps the string until the next assignment, which cannot happen while
        // the caller, on the same thread, copies it.
        unsafe { CStr::from_ptr(text) }
    }

    pub(crate) fn get(&self) -> String {
        encoding::from_server(self.raw())
    }

    /// From now on the setting stays as it is in this session.
    pub(crate) fn freeze(&self) {
        self.in_use.get_or_init(|| self.raw().to_owned());
    }
}

unsafe extern "C-unwind" fn check<T: Named>(
    new: *mut *mut c_char,
    _extra: *mut *mut c_void,
    source: pg_sys::GucSource::Type,
) -> bool {
    let Some(in_use) = T::text().in_use.get() else { return true };
    // SAFETY: the server passes the address of a string, or of a null; the calls cannot raise but
    // for lack of memory, and no frame here holds anything to drop.
    unsafe {
        let same =
            if (*new).is_null() { in_use.is_empty() } else { CStr::from_ptr(*new) == in_use.as_c_str() };
        same || is_for_others(source) || refuse()
    }
}

/// ALTER ROLE, ALTER DATABASE and ALTER SYSTEM only check a value for other sessions; a reload of the
/// configuration, which runs outside a transaction, would change this one.
fn is_for_others(source: pg_sys::GucSource::Type) -> bool {
    source == pg_sys::GucSource::PGC_S_TEST
        // SAFETY: reads a variable of the backend.
        || source == pg_sys::GucSource::PGC_S_FILE && unsafe { raw::IsTransactionState() }
}

/// Words the refusal for the server, which raises it.
///
/// # Safety
/// Inside a check hook.
unsafe fn refuse() -> bool {
    // SAFETY: the caller's promise; the server frees what is in its error context.
    unsafe {
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
    }
    false
}

/// A setting that is a number of milliseconds.
pub(crate) struct Milliseconds(Number);

impl Milliseconds {
    pub(crate) const fn new(default: c_int) -> Self {
        Milliseconds(Number::new(default))
    }

    /// Defines a superuser's setting of at least 1 ms, with the present value as the default.
    pub(crate) fn define(&'static self, about: &About) {
        self.0.define(about, Unit::Milliseconds, 1, c_int::MAX);
    }

    pub(crate) fn get(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.get())
    }
}

/// The first number that a client has given a value when it connected, without the right to.
static LOST: OnceLock<&'static CStr> = OnceLock::new();

/// A number whose value is not what the configuration, the role's or the database's settings say. While the
/// library is not loaded the server keeps any value, and one of the client's in the place of theirs; the
/// server refuses it when the setting is defined, and they are gone.
pub(crate) fn lost() -> Option<&'static str> {
    LOST.get().and_then(|name| name.to_str().ok())
}

fn is_given_by_client(name: &CStr) -> bool {
    // SAFETY: raw calls that look the setting up, or null; it lives at least until the next definition.
    unsafe {
        #[cfg(feature = "pg15")]
        let found = {
            let all = std::slice::from_raw_parts(
                raw_more::get_guc_variables(),
                usize::try_from(raw_more::GetNumConfigOptions()).unwrap_or(0),
            );
            let found = all
                .iter()
                .find(|&&one| CStr::from_ptr((*one).name).to_bytes().eq_ignore_ascii_case(name.to_bytes()));
            found.map_or(std::ptr::null_mut(), |&one| one)
        };
        #[cfg(not(feature = "pg15"))]
        let found = raw_more::find_option(name.as_ptr(), false, true, 0);
        found.as_ref().is_some_and(|one| one.reset_source == pg_sys::GucSource::PGC_S_CLIENT)
    }
}

/// In what a number is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    None,
    Milliseconds,
    Kilobytes,
    Megabytes,
}

/// A setting that is a number.
pub(crate) struct Number(AtomicI32);

impl Number {
    pub(crate) const fn new(default: c_int) -> Self {
        Number(AtomicI32::new(default))
    }

    /// Defines a superuser's setting from `least` to `most`, with the present value as the default.
    pub(crate) fn define(&'static self, about: &About, unit: Unit, least: c_int, most: c_int) {
        self.define_for(pg_sys::GucContext::PGC_SUSET, about, unit, least, most);
    }

    /// As `define`, a setting that any role may change for itself.
    pub(crate) fn define_for_all(&'static self, about: &About, unit: Unit, least: c_int, most: c_int) {
        self.define_for(pg_sys::GucContext::PGC_USERSET, about, unit, least, most);
    }

    fn define_for(
        &'static self,
        who: pg_sys::GucContext::Type,
        about: &About,
        unit: Unit,
        least: c_int,
        most: c_int,
    ) {
        let flags = match unit {
            Unit::None => 0,
            Unit::Milliseconds => pg_sys::GUC_UNIT_MS,
            Unit::Kilobytes => pg_sys::GUC_UNIT_KB,
            Unit::Megabytes => pg_sys::GUC_UNIT_MB,
        };
        let was_given = is_given_by_client(about.name);
        // SAFETY: as in `Text::define_checked`.
        unsafe {
            raw::DefineCustomIntVariable(
                about.name.as_ptr(),
                about.short.as_ptr(),
                about.long(),
                self.0.as_ptr(),
                self.0.load(Ordering::Relaxed),
                least,
                most,
                who,
                flags as c_int,
                None,
                None,
                None,
            );
        }
        if was_given && !is_given_by_client(about.name) {
            LOST.get_or_init(|| about.name);
        }
    }

    pub(crate) fn get(&self) -> u64 {
        self.get_if_any().unwrap_or(0)
    }

    /// Nothing if the number is negative.
    pub(crate) fn get_if_any(&self) -> Option<u64> {
        u64::try_from(self.0.load(Ordering::Relaxed)).ok()
    }
}

/// A setting that is one of a few words.
pub(crate) struct Choice<const N: usize> {
    value: AtomicI32,
    words: Words<N>,
}

/// The words of a setting with their numbers; the last entry ends the list.
struct Words<const N: usize>([pg_sys::config_enum_entry; N]);
// SAFETY: pointers to literals, never written.
unsafe impl<const N: usize> Sync for Words<N> {}

impl<const N: usize> Words<N> {
    /// Defines a superuser's setting with the present value as the default.
    fn define(&'static self, about: &About, value: &'static AtomicI32) {
        // SAFETY: as in `Text::define_checked`; the server keeps the address of the static list.
        unsafe {
            raw::DefineCustomEnumVariable(
                about.name.as_ptr(),
                about.short.as_ptr(),
                about.long(),
                value.as_ptr(),
                value.load(Ordering::Relaxed),
                self.0.as_ptr(),
                pg_sys::GucContext::PGC_SUSET,
                0,
                None,
                None,
                None,
            );
        }
    }
}

const END: pg_sys::config_enum_entry =
    pg_sys::config_enum_entry { name: std::ptr::null(), val: 0, hidden: false };

const fn entry(name: &'static CStr, number: c_int) -> pg_sys::config_enum_entry {
    pg_sys::config_enum_entry { name: name.as_ptr(), val: number, hidden: false }
}

impl<const N: usize> Choice<N> {
    /// The first word is the default; the last place ends the list and must be null.
    pub(crate) const fn new(words: [Option<&'static CStr>; N]) -> Self {
        let mut entries = [END; N];
        let mut at = 0;
        while at + 1 < N {
            if let Some(word) = words[at] {
                entries[at] = entry(word, at as c_int);
            }
            at += 1;
        }
        Choice { value: AtomicI32::new(0), words: Words(entries) }
    }

    /// Defines a superuser's setting.
    pub(crate) fn define(&'static self, about: &About) {
        self.words.define(about, &self.value);
    }

    /// The number of the word, counting from 0.
    pub(crate) fn get(&self) -> usize {
        usize::try_from(self.value.load(Ordering::Relaxed)).unwrap_or(0)
    }
}

/// A setting that is the level of a message below ERROR.
pub(crate) struct MessageLevel(AtomicI32);

static LEVELS: Words<6> = Words([
    entry(c"debug1", Level::Debug1 as c_int),
    entry(c"log", Level::Log as c_int),
    entry(c"info", Level::Info as c_int),
    entry(c"notice", Level::Notice as c_int),
    entry(c"warning", Level::Warning as c_int),
    END,
]);

impl MessageLevel {
    pub(crate) const fn new(default: Level) -> Self {
        MessageLevel(AtomicI32::new(default as i32))
    }

    /// Defines a superuser's setting with the present value as the default.
    pub(crate) fn define(&'static self, about: &About) {
        LEVELS.define(about, &self.0);
    }

    /// May be called on any thread.
    pub(crate) fn get(&self) -> Level {
        let value = self.0.load(Ordering::Relaxed);
        [Level::Debug1, Level::Log, Level::Info, Level::Warning]
            .into_iter()
            .find(|&level| level as i32 == value)
            .unwrap_or(Level::Notice)
    }
}

/// Refuses settings of the prefix that were not defined by now: a misspelt one is an error.
pub(crate) fn reserve(prefix: &'static CStr) {
    // SAFETY: as in `Text::define_checked`.
    unsafe { raw::MarkGUCPrefixReserved(prefix.as_ptr()) }
}
