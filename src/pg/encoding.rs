//! Text between Rust (UTF-8) and the database's encoding. The danger is a database in LATIN1 or
//! SQL_ASCII: bytes that are valid there are not UTF-8, and the reverse may not be representable.

use std::ffi::{CStr, CString, c_char};

use pgrx::pg_sys;

use super::raw;
use crate::error::{Error, SqlState};

/// The database's text as Rust text; what has no reading as Unicode becomes U+FFFD, since this is
/// used for names and messages, never for data.
pub(crate) fn from_server(text: &CStr) -> String {
    // SAFETY: reads a variable of the backend; cannot raise.
    let encoding = unsafe { raw::GetDatabaseEncoding() };
    if encoding == pg_sys::pg_enc::PG_LATIN1 as i32 {
        return text.to_bytes().iter().map(|&byte| char::from(byte)).collect();
    }
    text.to_string_lossy().into_owned()
}

/// As `from_server`, from a pointer that may be null.
///
/// # Safety
/// `text` is null or points at a NUL-terminated string.
pub(crate) unsafe fn from_server_ptr(text: *const c_char) -> Option<String> {
    // SAFETY: the caller's promise.
    (!text.is_null()).then(|| from_server(unsafe { CStr::from_ptr(text) }))
}

/// Rust text in the database's encoding, exactly: for SQL that is going to be run, where a replaced
/// character would name another table and a NUL would cut the statement short.
pub(crate) fn to_server_exactly(text: &str) -> Result<CString, Error> {
    // SAFETY: reads a variable of the backend; cannot raise.
    let encoding = unsafe { raw::GetDatabaseEncoding() };
    let unfit = |c: char| c == '\0' || encoding == pg_sys::pg_enc::PG_LATIN1 as i32 && u32::from(c) > 0xff;
    match text.chars().find(|&c| unfit(c)) {
        None => Ok(to_server(text)),
        Some('\0') => {
            Err(Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, "SQL text contains a NUL character"))
        }
        Some(character) => Err(Error::new(
            SqlState::UNTRANSLATABLE_CHARACTER,
            format!("character U+{:04X} has no equivalent in encoding \"LATIN1\"", u32::from(character)),
        )),
    }
}

/// Rust text in the database's encoding, for names and messages: cut at the first NUL, and in
/// LATIN1 a character outside it becomes `?`, since an error message must never fail to be sent.
pub(crate) fn to_server(text: &str) -> CString {
    // SAFETY: reads a variable of the backend; cannot raise.
    let encoding = unsafe { raw::GetDatabaseEncoding() };
    let mut bytes: Vec<u8> = if encoding == pg_sys::pg_enc::PG_LATIN1 as i32 {
        text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
    } else {
        text.as_bytes().to_vec()
    };
    if let Some(nul) = bytes.iter().position(|&b| b == 0) {
        bytes.truncate(nul);
    }
    CString::new(bytes).unwrap_or_default()
}

/// A name as SQL wants it: in quotes if it needs them.
pub(crate) fn quote_identifier(name: &str) -> Result<String, Error> {
    quote(name, |text| {
        // SAFETY: `quote` calls it as a raw call with NUL-terminated text.
        unsafe { raw::quote_identifier(text) }
    })
}

/// A text as a literal of SQL.
pub(crate) fn quote_literal(text: &str) -> Result<String, Error> {
    quote(text, |text| {
        // SAFETY: as above.
        unsafe { raw::quote_literal_cstr(text) }
    })
}

fn quote(text: &str, how: impl FnOnce(*const c_char) -> *const c_char) -> Result<String, Error> {
    let text = to_server_exactly(text)?;
    super::memory::scratch(|| {
        // SAFETY: a raw call; what it returns lives in the scratch context until copied.
        unsafe {
            let quoted = super::guard::pg_try(|| how(text.as_ptr()))?;
            Ok(from_server_ptr(quoted).unwrap_or_default())
        }
    })
}
