//! Text: Python's str, and whatever has a text form, as bytes in the database's encoding. The danger
//! is storing what the encoding forbids: NUL, lone surrogates, bytes that are not text.

use std::ffi::{c_char, c_int};

use pgrx::pg_sys::{self, Datum, Oid};
use pyo3::ffi;
use pyo3::prelude::*;

use super::python::{self, running};
use crate::error::{Error, SqlState};
use crate::pg::guard::pg_try;
use crate::pg::raw;
use crate::pg::types::Coercion;
use crate::pg::varlena::{self, Bytes};

/// NUL-terminated bytes in the database's encoding, without a NUL among them. They live as long as
/// the object that they were taken from, or as the current memory context.
#[derive(Clone, Copy)]
pub(super) struct Text {
    pub(super) data: *const u8,
    pub(super) length: usize,
    /// Characters, when known without counting.
    pub(super) characters: Option<usize>,
}

impl Text {
    /// # Safety
    /// What the text was taken from is alive for `'a`.
    pub(super) unsafe fn bytes<'a>(self) -> &'a [u8] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts(self.data, self.length) }
    }
}

/// text, varchar and bpchar: copied as they are unless a length has to be enforced.
pub(super) struct TextPlan {
    coercion: Option<Coercion>,
    /// Up to so many characters `coercion` would change nothing.
    fits: Option<usize>,
    /// Python's UTF-8 goes in as it is: no length to enforce, no other encoding.
    verbatim: bool,
}

impl TextPlan {
    pub(super) fn resolve(type_oid: Oid, typmod: i32) -> Result<Self, Error> {
        let coercion = Coercion::lookup(type_oid, typmod)?;
        // varchar's typmod is its length and the header's; bpchar is padded, so it always goes through.
        let limited = coercion.is_some() && type_oid == pg_sys::VARCHAROID;
        let fits = limited.then(|| usize::try_from(typmod - varlena::HEADER as i32).unwrap_or(0));
        let verbatim = coercion.is_none() && takes_utf8();
        Ok(TextPlan { coercion, fits, verbatim })
    }

    /// # Safety
    /// `object` is alive and not None; may raise.
    #[inline]
    pub(super) unsafe fn to_datum(&self, object: *mut ffi::PyObject) -> Result<Datum, Error> {
        // SAFETY: the caller's promise.
        unsafe {
            if self.verbatim && ffi::PyUnicode_Check(object) != 0 {
                let mut length = 0;
                let data = ffi::PyUnicode_AsUTF8AndSize(object, &raw mut length);
                if data.is_null() {
                    ffi::PyErr_Clear(); // raised again on the long way, which words it
                } else if libc::memchr(data.cast(), 0, length as usize).is_null() {
                    return Ok(varlena::from_bytes(data.cast(), length as usize));
                }
            }
            let text = of_object(object)?;
            let datum = varlena::from_bytes(text.data, text.length);
            match (&self.coercion, self.fits, text.characters) {
                (None, ..) => Ok(datum),
                (_, Some(fits), Some(characters)) if characters <= fits => Ok(datum),
                (Some(coercion), ..) => Ok(coercion.call(datum)),
            }
        }
    }
}

/// Whether the database takes UTF-8 unconverted.
fn takes_utf8() -> bool {
    // SAFETY: reads a variable of the backend; cannot raise.
    let encoding = unsafe { raw::GetDatabaseEncoding() };
    encoding == pg_sys::pg_enc::PG_UTF8 as c_int || encoding == pg_sys::pg_enc::PG_SQL_ASCII as c_int
}

/// The text form of any object: a str as it is, bytes if they are valid text, dates and times in ISO
/// form, everything else by `str()`.
///
/// # Safety
/// `object` is alive, and stays so while the result is used; may raise.
#[inline]
pub(super) unsafe fn of_object(object: *mut ffi::PyObject) -> Result<Text, Error> {
    // SAFETY: the caller's promise.
    unsafe {
        if ffi::PyUnicode_Check(object) != 0 {
            return of_str(object);
        }
        if ffi::PyBytes_Check(object) != 0 {
            return of_bytes(ffi::PyBytes_AS_STRING(object), ffi::PyBytes_Size(object));
        }
        if ffi::PyByteArray_Check(object) != 0 {
            return of_bytes(ffi::PyByteArray_AsString(object), ffi::PyByteArray_Size(object));
        }
        python::prepare()?;
        let text = running(|| match ffi::PyDate_Check(object) != 0 {
            true => ffi::PyObject_CallMethodNoArgs(object, isoformat()),
            false => ffi::PyObject_Str(object),
        });
        if text.is_null() {
            return Err(python::raised());
        }
        of_new_object(text)
    }
}

/// The same as PL/Python has it: everything but a str by `str()`.
///
/// # Safety
/// As of `of_object`.
#[inline]
pub(super) unsafe fn of_any(object: *mut ffi::PyObject) -> Result<Text, Error> {
    // SAFETY: the caller's promise.
    unsafe {
        if ffi::PyUnicode_Check(object) != 0 {
            return of_str(object);
        }
        let text = running(|| ffi::PyObject_Str(object));
        if text.is_null() {
            return Err(python::raised());
        }
        of_new_object(text)
    }
}

/// The interned method name.
unsafe fn isoformat() -> *mut ffi::PyObject {
    // SAFETY: the callers hold the GIL; interned names are never released.
    unsafe { pyo3::intern!(Python::assume_attached(), "isoformat").as_ptr() }
}

/// The text of a new str, copied so that the reference can be dropped at once.
unsafe fn of_new_object(object: *mut ffi::PyObject) -> Result<Text, Error> {
    // SAFETY: the caller owns the reference; nothing between here and `release` raises.
    unsafe {
        let copied = copy_utf8(object);
        python::release(object);
        let (data, length, characters) = copied?;
        of_utf8(data, length, characters)
    }
}

/// The UTF-8 of a str, in memory of the current context; never raises.
unsafe fn copy_utf8(object: *mut ffi::PyObject) -> Result<(*const u8, usize, usize), Error> {
    // SAFETY: the caller holds the object.
    unsafe {
        if ffi::PyUnicode_Check(object) == 0 {
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, "the text form of a value is not a str"));
        }
        let mut length = 0;
        let data = ffi::PyUnicode_AsUTF8AndSize(object, &raw mut length);
        if data.is_null() {
            return surrogates(object).map(|text| (text.data, text.length, usize::MAX));
        }
        let copy = python::allocate(length as usize + 1)?;
        std::ptr::copy_nonoverlapping(data.cast::<u8>(), copy, length as usize + 1);
        Ok((copy, length as usize, ffi::PyUnicode_GetLength(object) as usize))
    }
}

/// # Safety
/// `object` is a str and alive while the result is used; may raise.
#[inline]
pub(super) unsafe fn of_str(object: *mut ffi::PyObject) -> Result<Text, Error> {
    // SAFETY: the caller's promise; the UTF-8 is cached inside the object.
    unsafe {
        let mut length = 0;
        let data = ffi::PyUnicode_AsUTF8AndSize(object, &raw mut length);
        if data.is_null() {
            return surrogates(object);
        }
        of_utf8(data.cast(), length as usize, ffi::PyUnicode_GetLength(object) as usize)
    }
}

/// UTF-8 as Python made it, so that it is valid, brought into the database's encoding.
#[inline]
unsafe fn of_utf8(data: *const u8, length: usize, characters: usize) -> Result<Text, Error> {
    // SAFETY: the callers vouch for `length` bytes and a NUL after them.
    unsafe {
        if !libc::memchr(data.cast(), 0, length).is_null() {
            return Err(nul());
        }
        let encoding = raw::GetDatabaseEncoding();
        if characters == length || encoding == pg_sys::pg_enc::PG_UTF8 as c_int {
            return Ok(Text { data, length, characters: Some(characters) });
        }
        if encoding == pg_sys::pg_enc::PG_SQL_ASCII as c_int {
            // There the server counts bytes.
            return Ok(Text { data, length, characters: None });
        }
        let converted =
            raw::pg_any_to_server(data.cast(), c_length(length)?, pg_sys::pg_enc::PG_UTF8 as c_int);
        Ok(Text { data: converted.cast(), length: libc::strlen(converted), characters: Some(characters) })
    }
}

fn c_length(length: usize) -> Result<c_int, Error> {
    c_int::try_from(length).map_err(|_| {
        Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("text of {length} bytes is longer than a value can be"),
        )
    })
}

/// Bytes that claim to be text: the server checks them against its encoding, NUL included.
unsafe fn of_bytes(data: *const c_char, length: isize) -> Result<Text, Error> {
    // SAFETY: CPython ends the bytes of both classes with a NUL.
    unsafe {
        raw::pg_verifymbstr(data, c_length(length as usize)?, false);
        if !libc::memchr(data.cast(), 0, length as usize).is_null() {
            return Err(nul());
        }
        Ok(Text { data: data.cast(), length: length as usize, characters: None })
    }
}

#[cold]
fn nul() -> Error {
    Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, "text contains a NUL character")
        .hint("PostgreSQL cannot store NUL in text; bytea can hold it.")
}

/// A str that has no UTF-8. In SQL_ASCII a byte that Python smuggled in as a surrogate is that byte.
#[cold]
unsafe fn surrogates(object: *mut ffi::PyObject) -> Result<Text, Error> {
    // SAFETY: the caller holds the object and an exception is set.
    unsafe {
        if !python::clear_if(ffi::PyExc_UnicodeEncodeError) {
            return Err(python::raised());
        }
        if raw::GetDatabaseEncoding() != pg_sys::pg_enc::PG_SQL_ASCII as c_int {
            return Err(no_character(object));
        }
        let bytes = ffi::PyUnicode_AsEncodedString(object, c"utf-8".as_ptr(), c"surrogateescape".as_ptr());
        if bytes.is_null() {
            let unfit = python::clear_if(ffi::PyExc_UnicodeEncodeError);
            return Err(if unfit { no_character(object) } else { python::raised() });
        }
        let copied = copy_bytes(bytes);
        python::release(bytes);
        let (data, length) = copied?;
        match libc::memchr(data.cast(), 0, length).is_null() {
            true => Ok(Text { data, length, characters: None }),
            false => Err(nul()),
        }
    }
}

#[cold]
unsafe fn no_character(object: *mut ffi::PyObject) -> Error {
    let error = Error::new(
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        "text contains a surrogate code point, which is not a character",
    );
    // SAFETY: the caller holds the object.
    error.detail(format!("The value is {}.", unsafe { python::shown(object) }))
}

unsafe fn copy_bytes(bytes: *mut ffi::PyObject) -> Result<(*const u8, usize), Error> {
    // SAFETY: the caller holds the bytes object, which ends with a NUL.
    unsafe {
        let length = ffi::PyBytes_Size(bytes) as usize;
        let copy = python::allocate(length + 1)?;
        std::ptr::copy_nonoverlapping(ffi::PyBytes_AS_STRING(bytes).cast::<u8>(), copy, length + 1);
        Ok((copy, length))
    }
}

/// A text value as a str; `padded` drops the blanks at the end, which mean nothing in bpchar.
///
/// # Safety
/// `datum` is a live value of the text family.
pub(super) unsafe fn to_python(
    py: Python<'_>,
    datum: Datum,
    padded: bool,
) -> Result<Bound<'_, PyAny>, Error> {
    // SAFETY: the caller's promise; the bytes are copied at once.
    unsafe {
        let bytes = match Bytes::plain(datum) {
            Some(bytes) => bytes,
            None => pg_try(|| Bytes::fetch(datum))?,
        };
        let all = bytes.slice();
        let used = match padded {
            true => all.len() - all.iter().rev().take_while(|&&byte| byte == b' ').count(),
            false => all.len(),
        };
        to_str(py, bytes.data, used)
    }
}

/// A str of the bytes, which are in the database's encoding.
///
/// # Safety
/// `data` holds `length` readable bytes; the thread holds the GIL.
pub(super) unsafe fn to_str(
    py: Python<'_>,
    data: *const u8,
    length: usize,
) -> Result<Bound<'_, PyAny>, Error> {
    // SAFETY: the caller's promise; each call returns a new reference or null with an exception set.
    unsafe {
        let encoding = raw::GetDatabaseEncoding();
        let size = length as isize;
        let utf8 = encoding == pg_sys::pg_enc::PG_UTF8 as c_int;
        let object = if utf8 || encoding == pg_sys::pg_enc::PG_SQL_ASCII as c_int {
            ffi::PyUnicode_DecodeUTF8(data.cast(), size, c"surrogateescape".as_ptr())
        } else if encoding == pg_sys::pg_enc::PG_LATIN1 as c_int {
            ffi::PyUnicode_DecodeLatin1(data.cast(), size, std::ptr::null())
        } else {
            return to_str_converted(py, data, length);
        };
        Bound::from_owned_ptr_or_opt(py, object).ok_or_else(python::raised)
    }
}

unsafe fn to_str_converted(
    py: Python<'_>,
    data: *const u8,
    length: usize,
) -> Result<Bound<'_, PyAny>, Error> {
    let size = c_length(length)?;
    // SAFETY: the caller's promise; a conversion returns NUL-terminated text or its argument.
    unsafe {
        let utf8 = pg_try(|| raw::pg_server_to_any(data.cast(), size, pg_sys::pg_enc::PG_UTF8 as c_int))?;
        let converted = if std::ptr::eq(utf8.cast(), data) { length } else { libc::strlen(utf8) };
        let object = ffi::PyUnicode_DecodeUTF8(utf8, converted as isize, std::ptr::null());
        Bound::from_owned_ptr_or_opt(py, object).ok_or_else(python::raised)
    }
}
