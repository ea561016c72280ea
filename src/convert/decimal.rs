//! Python's Decimal as it lies in memory, so that a number of up to 38 digits is neither printed nor parsed on
//! its way. The danger is a layout that nobody has promised: it is tried out once, on numbers whose text is
//! known, and where anything differs the text is the way for the life of the backend.

use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;

use super::numeric;
use crate::error::Error;

/// libmpdec's number (`mpd_t`, mpdecimal.h), whose words hold nineteen decimal digits each, the lowest first.
#[repr(C)]
struct Mpd {
    flags: u8,
    exponent: isize,
    digits: isize,
    length: isize,
    allocated: isize,
    words: *mut u64,
}

/// An object of the class, with room for four words (`PyDecObject`, _decimal.c).
#[repr(C)]
struct Object {
    base: ffi::PyObject,
    hash: isize,
    number: Mpd,
    room: [u64; 4],
}

const BASE: u64 = 10_000_000_000_000_000_000; // 10^19
const NEGATIVE: u8 = 1;
/// Infinity and both kinds of NaN.
const SPECIAL: u8 = 2 | 4 | 8;
/// Who owns the memory: not the number's own.
const OWNERSHIP: u8 = 16 | 32 | 64 | 128;
/// The most digits that two words hold.
const MOST_DIGITS: i32 = 38;

/// A number: its sign, its digits in two words, the lower first, and the power of ten by which they count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) negative: bool,
    pub(super) words: [u64; 2],
    pub(super) exponent: i32,
}

const UNTRIED: u8 = 0;
const FITS: u8 = 1;
const DIFFERS: u8 = 2;
static STATE: AtomicU8 = AtomicU8::new(UNTRIED);
/// The class, once it is known to fit.
static CLASS: AtomicPtr<ffi::PyObject> = AtomicPtr::new(std::ptr::null_mut());

/// Whether the layout is the one above.
#[inline]
fn fits() -> bool {
    match STATE.load(Ordering::Relaxed) {
        FITS => true,
        DIFFERS => false,
        _ => try_out(),
    }
}

#[cold]
fn try_out() -> bool {
    let fits = cfg!(target_pointer_width = "64") && Python::attach(|py| tried(py).unwrap_or(false));
    STATE.store(if fits { FITS } else { DIFFERS }, Ordering::Relaxed);
    fits
}

/// Reads numbers that Python made, and lets Python print numbers that were made here.
fn tried(py: Python<'_>) -> Result<bool, Error> {
    let class = numeric::decimal()?;
    let samples = [
        ("0", Parts { negative: false, words: [0, 0], exponent: 0 }),
        ("-123.45", Parts { negative: true, words: [12345, 0], exponent: -2 }),
        ("1E+5", Parts { negative: false, words: [1, 0], exponent: 5 }),
        (
            "12345678901234567890123.456",
            Parts { negative: false, words: [8_901_234_567_890_123_456, 1_234_567], exponent: -3 },
        ),
    ];
    // SAFETY: a class is alive for good; sizes are read before anything else is believed.
    unsafe {
        if (*class.cast::<ffi::PyTypeObject>()).tp_basicsize as usize != size_of::<Object>() {
            return Ok(false);
        }
        for (text, parts) in samples {
            let class = Bound::from_borrowed_ptr(py, class);
            let Ok(theirs) = class.call1((text,)) else { return Ok(false) };
            if read(theirs.as_ptr()) != Some(parts) {
                return Ok(false);
            }
            let made = make(class.as_ptr(), parts);
            let Some(ours) = Bound::from_owned_ptr_or_opt(py, made) else { return Ok(false) };
            let same = ours.str().is_ok_and(|shown| shown == text) && ours.eq(&theirs).unwrap_or(false);
            let hashed = ours.hash().ok() == theirs.hash().ok();
            if !same || !hashed || ours.is(class.call0().as_ref().unwrap_or(&ours)) {
                return Ok(false);
            }
        }
        CLASS.store(class, Ordering::Relaxed);
    }
    Ok(true)
}

/// The parts of a Decimal that is neither infinite nor NaN and has at most 38 digits; `None` for anything
/// else.
///
/// # Safety
/// The thread holds the GIL and `object` is alive.
#[inline]
pub(super) unsafe fn parts(object: *mut ffi::PyObject) -> Option<Parts> {
    // SAFETY: the caller's promise; the class was tried out.
    unsafe {
        let exact = fits() && std::ptr::eq(ffi::Py_TYPE(object).cast(), CLASS.load(Ordering::Relaxed));
        if exact { read(object) } else { None }
    }
}

/// # Safety
/// As of `parts`; an object of the class, whose size is right.
unsafe fn read(object: *mut ffi::PyObject) -> Option<Parts> {
    // SAFETY: the caller's promise; as many words are there as the number says.
    unsafe {
        let number = &(*object.cast::<Object>()).number;
        if number.flags & SPECIAL != 0 || !(1..=2).contains(&number.length) || number.words.is_null() {
            return None;
        }
        let low = *number.words;
        let high = if number.length == 2 { *number.words.add(1) } else { 0 };
        let exponent = i32::try_from(number.exponent).ok().filter(|exponent| exponent.abs() < 1000)?;
        Some(Parts { negative: number.flags & NEGATIVE != 0, words: [low, high], exponent })
    }
}

/// A new Decimal; `None` where that has to be made of its text.
///
/// # Safety
/// The thread holds the GIL; the words are below 10^19.
#[inline]
pub(super) unsafe fn of_parts(parts: Parts) -> Option<*mut ffi::PyObject> {
    // SAFETY: the caller's promise; the class was tried out.
    unsafe { fits().then(|| make(CLASS.load(Ordering::Relaxed), parts)) }
}

/// # Safety
/// As of `of_parts`; null comes with an exception set.
unsafe fn make(class: *mut ffi::PyObject, parts: Parts) -> *mut ffi::PyObject {
    // SAFETY: a new object of nobody else's, which is zero and has room for four words.
    unsafe {
        let object = ffi::PyObject_CallNoArgs(class);
        if object.is_null() {
            return object;
        }
        let number = &mut (*object.cast::<Object>()).number;
        let [low, high] = parts.words;
        number.flags = (number.flags & OWNERSHIP) | u8::from(parts.negative);
        number.exponent = parts.exponent as isize;
        number.length = if high == 0 { 1 } else { 2 };
        number.digits = if high == 0 { digits_of(low) } else { 19 + digits_of(high) };
        *number.words = low;
        *number.words.add(1) = high;
        object
    }
}

fn digits_of(word: u64) -> isize {
    if word == 0 { 1 } else { word.ilog10() as isize + 1 }
}

/// The number that `groups` of four digits stand for, the first weighing 10000^`weight`, shown with `scale`
/// digits after its point; `None` if it is too long.
#[inline]
pub(super) fn of_groups(
    negative: bool,
    groups: impl ExactSizeIterator<Item = u16>,
    weight: i32,
    scale: i32,
) -> Option<Parts> {
    let count = groups.len() as i32;
    // What is left to multiply by so that `scale` digits come after the point.
    let shift = 4 * (weight - count + 1) + scale;
    if count == 0 {
        return Some(Parts { negative: false, words: [0, 0], exponent: -scale });
    }
    let most = 4 * count + shift.max(0);
    if most > MOST_DIGITS || !(-3..=MOST_DIGITS).contains(&shift) {
        return None;
    }
    let exponent = -scale;
    if most <= 19 {
        let value = groups.fold(0_u64, |value, group| value * 10_000 + u64::from(group));
        let value =
            if shift < 0 { value / 10_u64.pow(-shift as u32) } else { value * 10_u64.pow(shift as u32) };
        return Some(Parts { negative, words: [value, 0], exponent });
    }
    let value = groups.fold(0_u128, |value, group| value * 10_000 + u128::from(group));
    let value =
        if shift < 0 { value / 10_u128.pow(-shift as u32) } else { value * 10_u128.pow(shift as u32) };
    let (low, high) = (value % u128::from(BASE), value / u128::from(BASE));
    Some(Parts { negative, words: [low as u64, high as u64], exponent })
}

impl Parts {
    /// The digits, the highest first, into `room`; how many there are.
    pub(super) fn digits(self, room: &mut [u8; MOST_DIGITS as usize]) -> usize {
        let [low, high] = self.words;
        let mut at = room.len();
        let mut write = |mut word: u64, width: usize| {
            let end = at - width;
            while word > 0 || at > end {
                at -= 1;
                room[at] = (word % 10) as u8;
                word /= 10;
            }
        };
        if high > 0 {
            write(low, 19);
            write(high, 0);
        } else {
            write(low, 0);
        }
        let count = room.len() - at;
        room.copy_within(at.., 0);
        count
    }
}
