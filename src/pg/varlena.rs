//! Variable-length values: their headers, their bytes, and new ones. The danger is a pointer to a
//! compressed or external value taken for plain bytes: `Bytes::plain` refuses those.

use std::ffi::c_void;

use pgrx::pg_sys::{self, Datum};

use super::raw;

/// Bytes of a four-byte header.
pub(crate) const HEADER: usize = 4;

/// Bytes inside a value of the server; valid as long as the value is.
#[derive(Clone, Copy)]
pub(crate) struct Bytes {
    pub(crate) data: *const u8,
    pub(crate) length: usize,
}

impl Bytes {
    /// The bytes of a value that is neither compressed nor external, else `None`.
    ///
    /// # Safety
    /// `datum` is a live value of a variable-length type.
    pub(crate) unsafe fn plain(datum: Datum) -> Option<Bytes> {
        let start: *const u8 = datum.cast_mut_ptr();
        // SAFETY: the caller's promise; the first byte tells how many more the header has.
        unsafe {
            let first = *start;
            if short_header(first) {
                let total = usize::from(short_length(first));
                // A short header of length zero marks a pointer to an external value.
                return (total != 0).then(|| Bytes { data: start.add(1), length: total - 1 });
            }
            let word = start.cast::<u32>().read_unaligned();
            plain_length(word).map(|total| Bytes { data: start.add(HEADER), length: total - HEADER })
        }
    }

    /// The bytes of any variable-length value, fetched and decompressed if need be. May raise.
    ///
    /// # Safety
    /// `datum` is a live value of a variable-length type; the caller's frames hold no destructors.
    pub(crate) unsafe fn fetch(datum: Datum) -> Bytes {
        // SAFETY: the caller's promise; what `pg_detoast_datum_packed` returns is plain.
        unsafe {
            match Bytes::plain(datum) {
                Some(bytes) => bytes,
                None => {
                    let fetched = raw::pg_detoast_datum_packed(datum.cast_mut_ptr());
                    Bytes::plain(pointer(fetched.cast()))
                        .unwrap_or(Bytes { data: std::ptr::null(), length: 0 })
                }
            }
        }
    }

    /// # Safety
    /// The value is alive and stays so for `'a`.
    pub(crate) unsafe fn slice<'a>(self) -> &'a [u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts(self.data, self.length) }
    }
}

/// A short text of ASCII letters that is there for good, header included.
pub(crate) struct Word<const N: usize>([u8; N]);

impl<const N: usize> Word<N> {
    /// `N` is one more than the text is long, and below 127.
    pub(crate) const fn new(text: &str) -> Self {
        assert!(text.is_ascii() && text.len() + 1 == N && N < 127, "a short text");
        let mut bytes = [0; N];
        bytes[0] = if cfg!(target_endian = "little") { (N as u8) << 1 | 1 } else { N as u8 | 0x80 };
        let mut at = 1;
        while at < N {
            bytes[at] = text.as_bytes()[at - 1];
            at += 1;
        }
        Word(bytes)
    }

    /// The value, of type text.
    pub(crate) fn datum(&'static self) -> Datum {
        Datum::from(self.0.as_ptr())
    }
}

#[cfg(target_endian = "little")]
fn short_header(first: u8) -> bool {
    first & 0x01 == 0x01
}
#[cfg(target_endian = "big")]
fn short_header(first: u8) -> bool {
    first & 0x80 == 0x80
}

#[cfg(target_endian = "little")]
fn short_length(first: u8) -> u8 {
    first >> 1
}
#[cfg(target_endian = "big")]
fn short_length(first: u8) -> u8 {
    first & 0x7f
}

#[cfg(target_endian = "little")]
fn plain_length(word: u32) -> Option<usize> {
    (word & 0x03 == 0).then_some((word >> 2) as usize)
}
#[cfg(target_endian = "big")]
fn plain_length(word: u32) -> Option<usize> {
    (word & 0xC000_0000 == 0).then_some(word as usize)
}

/// Whether the value itself is here, perhaps compressed, and not a pointer to it.
///
/// # Safety
/// `datum` is a live value of a variable-length type.
pub(crate) unsafe fn is_plain(datum: Datum) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let first = *datum.cast_mut_ptr::<u8>();
        !short_header(first) || short_length(first) != 0
    }
}

/// The value that a pointer to one stands for. May raise.
///
/// # Safety
/// `datum` is a live value of a variable-length type; the caller's frames hold no destructors.
pub(crate) unsafe fn fetched(datum: Datum) -> Datum {
    // SAFETY: the caller's promise.
    unsafe { pointer(raw::pg_detoast_datum(datum.cast_mut_ptr()).cast()) }
}

/// The bytes of a value of a type whose `typlen` is `length`, header and end included.
///
/// # Safety
/// `datum` is a live value of the type, not passed by value, and `is_plain`.
pub(crate) unsafe fn size(datum: Datum, length: i16) -> usize {
    let start: *const u8 = datum.cast_mut_ptr();
    // SAFETY: the caller's promise.
    unsafe {
        match length {
            -1 if short_header(*start) => usize::from(short_length(*start)),
            -1 => whole_length(start.cast::<u32>().read_unaligned()),
            -2 => libc::strlen(start.cast()) + 1,
            length => usize::try_from(length).unwrap_or(0),
        }
    }
}

#[cfg(target_endian = "little")]
fn whole_length(word: u32) -> usize {
    (word >> 2) as usize
}
#[cfg(target_endian = "big")]
fn whole_length(word: u32) -> usize {
    (word & 0x3fff_ffff) as usize
}

/// A new value with room for `length` bytes; the bytes are the caller's to fill. May raise.
///
/// # Safety
/// The caller's frames hold no destructors.
pub(crate) unsafe fn new(length: usize) -> (Datum, *mut u8) {
    let total = length + HEADER;
    // SAFETY: `palloc` raises instead of returning null, and refuses what a header cannot hold.
    unsafe {
        let start = raw::palloc(total).cast::<u8>();
        set_length(start, total);
        (pointer(start.cast()), start.add(HEADER))
    }
}

/// Writes the header of a value of `total` bytes.
///
/// # Safety
/// `start` is the four-aligned start of as many bytes.
pub(crate) unsafe fn set_length(start: *mut u8, total: usize) {
    let word = if cfg!(target_endian = "little") { (total as u32) << 2 } else { total as u32 & 0x3fff_ffff };
    // SAFETY: the caller's promise.
    unsafe { start.cast::<u32>().write(word) }
}

/// A new value that holds a copy of the bytes. May raise.
///
/// # Safety
/// `length` bytes are readable at `data`; the caller's frames hold no destructors.
pub(crate) unsafe fn from_bytes(data: *const u8, length: usize) -> Datum {
    // SAFETY: the caller's promise; the two do not overlap, as the second is new.
    unsafe {
        let (datum, target) = new(length);
        std::ptr::copy_nonoverlapping(data, target, length);
        datum
    }
}

/// A datum that is an address.
pub(crate) fn pointer(address: *mut c_void) -> Datum {
    Datum::from(address)
}

/// Memory of the current context, or null instead of an error, for callers that own something.
pub(crate) fn try_palloc(size: usize) -> *mut u8 {
    const HUGE_AND_NO_ERROR: i32 = 0x01 | 0x02; // MCXT_ALLOC_HUGE, MCXT_ALLOC_NO_OOM (palloc.h)
    // SAFETY: with both flags the only error left is a size of more than half the address space.
    unsafe { raw::palloc_extended(size.min(isize::MAX as usize / 2), HUGE_AND_NO_ERROR).cast() }
}

const _: () = assert!(size_of::<pg_sys::Datum>() == 8, "int8 and float8 are passed by value");

/// As `new`, or `None` if memory is short or no value can be that long; for callers that own something.
pub(crate) fn try_new(length: usize) -> Option<(Datum, *mut u8)> {
    const MOST: usize = 0x3fff_ffff; // MaxAllocSize (memutils.h), also what a header can say
    let total = length.checked_add(HEADER).filter(|&total| total <= MOST)?;
    let start = try_palloc(total);
    if start.is_null() {
        return None;
    }
    // SAFETY: fresh memory of `total` bytes.
    unsafe {
        set_length(start, total);
        Some((pointer(start.cast()), start.add(HEADER)))
    }
}

/// Whether a value of a variable-length type is only a pointer to where it lies.
///
/// # Safety
/// `start` is the first byte of a live value.
pub(crate) unsafe fn is_external(start: *const u8) -> bool {
    // SAFETY: the caller's promise.
    let first = unsafe { *start };
    short_header(first) && short_length(first) == 0
}

/// Whether an external value lies in a toast table, not in memory.
///
/// # Safety
/// `start` is the first byte of a live external value.
pub(crate) unsafe fn is_on_disk(start: *const u8) -> bool {
    // SAFETY: the caller's promise: the tag follows the first byte.
    unsafe { u32::from(*start.add(1)) == pg_sys::vartag_external::VARTAG_ONDISK }
}

/// Bytes that a value takes where it is stored, header included: those of the pointer if it is external.
///
/// # Safety
/// `start` is the first byte of a live value, which lies on disk if it is external.
pub(crate) unsafe fn stored_size(start: *const u8) -> usize {
    const POINTER: usize = 2 + size_of::<pg_sys::varatt_external>();
    // SAFETY: the caller's promise.
    unsafe {
        let first = *start;
        if short_header(first) {
            return if short_length(first) == 0 { POINTER } else { usize::from(short_length(first)) };
        }
        whole_length(start.cast::<u32>().read_unaligned())
    }
}

/// Whether a value has a header of four bytes and is not compressed.
///
/// # Safety
/// `start` is the first byte of a live value.
pub(crate) unsafe fn is_unpacked(start: *const u8) -> bool {
    // SAFETY: the caller's promise; a header of four bytes is told by its first.
    unsafe { !short_header(*start) && plain_length(start.cast::<u32>().read_unaligned()).is_some() }
}
