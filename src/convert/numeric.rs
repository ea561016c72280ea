//! numeric, built digit by digit in the server's own form. The danger is a wrong header: zero has no
//! digits, trailing zero groups are never stored, and what the short form cannot say takes the long.

use pgrx::pg_sys::{self, Datum};
use pyo3::ffi;
use pyo3::prelude::*;

use super::python::{self, Import, running};
use super::text::Text;
use super::{decimal, fallback};
use crate::error::{Error, SqlState};
use crate::pg::types::{Coercion, Input, Output};
use crate::pg::{raw, varlena};

static DECIMAL: Import = Import::new("decimal", "Decimal");

/// The class, as a borrowed pointer that stays valid.
pub(super) fn decimal() -> Result<*mut ffi::PyObject, Error> {
    DECIMAL.pointer()
}

/// Decimal digits that are parsed here; longer values go through the input function.
const LONGEST: usize = 256;
/// Groups of four digits that these can make, with the padding on both sides.
const GROUPS: usize = LONGEST / 4 + 2;

pub(super) struct NumericPlan {
    limit: Option<Limit>,
    coercion: Option<Coercion>,
}

/// numeric(precision, scale) with a scale of zero or more.
#[derive(Clone, Copy)]
struct Limit {
    whole_digits: i32,
    scale: i32,
}

impl NumericPlan {
    pub(super) fn resolve(typmod: i32) -> Result<Self, Error> {
        let coercion = Coercion::lookup(pg_sys::NUMERICOID, typmod)?;
        let packed = typmod - varlena::HEADER as i32;
        let (precision, scale) = ((packed >> 16) & 0xffff, packed & 0x7ff);
        // Scale has eleven bits and a sign since version 15; below zero the server's function rounds.
        let limit =
            (typmod >= 0 && scale < 0x400).then_some(Limit { whole_digits: precision - scale, scale });
        Ok(NumericPlan { limit, coercion })
    }

    /// # Safety
    /// `object` is alive and not None; may raise.
    pub(super) unsafe fn to_datum(&self, object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
        // SAFETY: the caller's promise.
        unsafe {
            if let Some(parts) = decimal::parts(object) {
                let mut room = [0; 38];
                let count = parts.digits(&mut room);
                return Ok(self.finish(group(parts.negative, &room[..count], parts.exponent)));
            }
            if ffi::PyLong_CheckExact(object) != 0 {
                let mut overflow = 0;
                let value = ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow);
                return match overflow {
                    0 => Ok(self.finish(Number::of_int(value))),
                    _ => self.of_long(object, input),
                };
            }
            if ffi::PyUnicode_Check(object) != 0 || ffi::PyBytes_Check(object) != 0 {
                return fallback::to_datum(input, object);
            }
            if ffi::PyBool_Check(object) != 0 {
                return Ok(self.finish(Number::of_int(i64::from(object == ffi::Py_True()))));
            }
            self.of_text(object, input)
        }
    }

    /// Decimal, float and other numbers: `str()` gives every digit and the exponent.
    unsafe fn of_text(&self, object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
        // SAFETY: the caller holds the object; nothing between here and `release` raises.
        unsafe {
            let text = running(|| ffi::PyObject_Str(object));
            if text.is_null() {
                return Err(python::raised());
            }
            let mut length = 0;
            let data = ffi::PyUnicode_AsUTF8AndSize(text, &raw mut length);
            let parsed = match data.is_null() {
                true => {
                    ffi::PyErr_Clear();
                    None
                }
                false => parse(std::slice::from_raw_parts(data.cast(), length as usize)),
            };
            python::release(text);
            match parsed {
                Some(number) => Ok(self.finish(number)),
                None => fallback::to_datum(input, object),
            }
        }
    }

    /// An int beyond 64 bits.
    unsafe fn of_long(&self, object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
        // SAFETY: the caller holds the int.
        unsafe { decimal_digits(object).map(|text| input.call(text.data.cast())) }
    }

    unsafe fn finish(&self, mut number: Number) -> Datum {
        if let (Some(limit), Special::None) = (self.limit, number.special) {
            let fits = number.scale <= limit.scale
                && (number.count == 0 || number.whole_digits <= limit.whole_digits);
            if fits {
                number.scale = limit.scale;
                // SAFETY: the caller's frames hold no destructors.
                return unsafe { number.build() };
            }
        }
        // SAFETY: as above; the coercion rounds, or raises "numeric field overflow".
        unsafe {
            let datum = number.build();
            match &self.coercion {
                Some(coercion) => coercion.call(datum),
                None => datum,
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
    None,
    NaN,
    Infinity,
}

/// A number as the server stores it: groups of four decimal digits, the first weighing 10000^weight.
struct Number {
    groups: [i16; GROUPS],
    count: usize,
    weight: i32,
    scale: i32,
    negative: bool,
    special: Special,
    /// Digits before the decimal point; zero or less for a fraction below one.
    whole_digits: i32,
}

impl Number {
    fn empty(negative: bool, special: Special) -> Self {
        Number { groups: [0; GROUPS], count: 0, weight: 0, scale: 0, negative, special, whole_digits: 0 }
    }

    fn of_int(value: i64) -> Self {
        let mut number = Number::empty(value < 0, Special::None);
        let mut rest = value.unsigned_abs();
        let mut groups = [0_i16; 5];
        let mut used = 0;
        while rest > 0 {
            groups[used] = (rest % 10_000) as i16;
            rest /= 10_000;
            used += 1;
        }
        for (to, from) in number.groups.iter_mut().zip(groups[..used].iter().rev()) {
            *to = *from;
        }
        number.count = used;
        number.weight = used.saturating_sub(1) as i32;
        number.whole_digits = match used {
            0 => 0,
            _ => (used as i32 - 1) * 4 + digits_of(groups[used - 1]),
        };
        number.strip();
        number
    }

    fn strip(&mut self) {
        while self.count > 0 && self.groups[self.count - 1] == 0 {
            self.count -= 1;
        }
        if self.count == 0 {
            (self.weight, self.negative) = (0, false);
        }
    }

    /// The stored form (numeric.c, "NumericChoice"): a two-byte header with six bits of weight and of
    /// scale, or a four-byte one.
    unsafe fn build(&self) -> Datum {
        // SAFETY: each arm writes exactly the bytes that it asked for; the target is four-aligned.
        unsafe {
            if self.special != Special::None {
                let (datum, target) = varlena::new(2);
                target.cast::<u16>().write(match (self.special, self.negative) {
                    (Special::Infinity, false) => 0xD000,
                    (Special::Infinity, true) => 0xF000,
                    _ => 0xC000,
                });
                return datum;
            }
            let digits = self.count * 2;
            let short = self.scale <= 0x3f && (-0x40..=0x3f).contains(&self.weight);
            let header = if short { 2 } else { 4 };
            let (datum, target) = varlena::new(header + digits);
            if short {
                let sign = if self.negative { 0x2000 } else { 0 };
                let bits = 0x8000 | sign | ((self.scale as u16) << 7) | (self.weight as u16 & 0x7f);
                target.cast::<u16>().write(bits);
            } else {
                let sign = if self.negative { 0x4000 } else { 0 };
                target.cast::<u16>().write(sign | self.scale as u16);
                target.cast::<i16>().add(1).write(self.weight as i16);
            }
            std::ptr::copy_nonoverlapping(self.groups.as_ptr().cast::<u8>(), target.add(header), digits);
            datum
        }
    }
}

fn digits_of(group: i16) -> i32 {
    match group {
        1000.. => 4,
        100.. => 3,
        10.. => 2,
        _ => 1,
    }
}

/// Reads what Python prints for a number; `None` leaves it to the input function, which knows all
/// of the syntax and words the errors.
fn parse(text: &[u8]) -> Option<Number> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    match rest.first()? {
        b'0'..=b'9' | b'.' => {}
        b'N' | b'n' | b's' if is_nan(rest) => return Some(Number::empty(false, Special::NaN)),
        b'I' | b'i' if rest.eq_ignore_ascii_case(b"infinity") || rest.eq_ignore_ascii_case(b"inf") => {
            return Some(Number::empty(negative, Special::Infinity));
        }
        _ => return None,
    }
    let mut digits = [0_u8; LONGEST];
    let (mut count, mut fraction, mut seen_point, mut exponent) = (0, 0_i32, false, 0_i32);
    for (at, &byte) in rest.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                *digits.get_mut(count)? = byte - b'0';
                count += 1;
                fraction += i32::from(seen_point);
            }
            b'.' if !seen_point => seen_point = true,
            b'E' | b'e' => {
                exponent = std::str::from_utf8(&rest[at + 1..]).ok()?.parse().ok()?;
                break;
            }
            _ => return None,
        }
    }
    if count == 0 || exponent.unsigned_abs() > LONGEST as u32 {
        return None;
    }
    Some(group(negative, &digits[..count], exponent - fraction))
}

/// NaN with or without the payload that Decimal prints after it.
fn is_nan(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"s").unwrap_or(text);
    text.len() >= 3 && text[..3].eq_ignore_ascii_case(b"nan") && text[3..].iter().all(u8::is_ascii_digit)
}

/// The number `digits` × 10^`exponent`.
fn group(negative: bool, digits: &[u8], exponent: i32) -> Number {
    let mut number = Number::empty(negative, Special::None);
    number.scale = (-exponent).max(0);
    let leading = digits.iter().take_while(|&&digit| digit == 0).count();
    let digits = &digits[leading..];
    if digits.is_empty() {
        number.negative = false;
        return number;
    }
    number.whole_digits = digits.len() as i32 + exponent;
    number.weight = (number.whole_digits - 1).div_euclid(4);
    let first = (number.whole_digits - 1).rem_euclid(4) as usize + 1;
    let (head, tail) = digits.split_at(first.min(digits.len()));
    number.groups[0] = value_of(head, first);
    number.count = 1;
    for chunk in tail.chunks(4) {
        number.groups[number.count] = value_of(chunk, 4);
        number.count += 1;
    }
    number.strip();
    number
}

/// The value of up to four digits, filled up with zeros on the right to `width`.
fn value_of(digits: &[u8], width: usize) -> i16 {
    let value = digits.iter().fold(0, |value, &digit| value * 10 + i16::from(digit));
    (digits.len()..width).fold(value, |value, _| value * 10)
}

/// An int of any size in decimal. Python refuses to print one of more than 4300 digits so, but never
/// in hexadecimal.
///
/// # Safety
/// `object` is an int and alive.
pub(super) unsafe fn decimal_digits(object: *mut ffi::PyObject) -> Result<Text, Error> {
    // SAFETY: the caller holds the int; nothing between here and `release` raises.
    unsafe {
        let hex = running(|| ffi::PyNumber_ToBase(object, 16));
        if hex.is_null() {
            return Err(python::raised());
        }
        let mut length = 0;
        let data = ffi::PyUnicode_AsUTF8AndSize(hex, &raw mut length);
        let decimal = match data.is_null() {
            true => Err(python::raised()),
            false => decimal_text(std::slice::from_raw_parts(data.cast(), length as usize)),
        };
        python::release(hex);
        decimal
    }
}

/// # Safety
/// May raise: the caller's frames hold no destructors.
pub(super) unsafe fn of_i64(value: i64) -> Datum {
    // SAFETY: the caller's promise.
    unsafe { Number::of_int(value).build() }
}

/// The numeric that NUL-terminated `text` stands for.
///
/// # Safety
/// The text is alive; may raise.
pub(super) unsafe fn of_text(text: Text) -> Datum {
    // SAFETY: the caller's promise.
    unsafe {
        match parse(text.bytes()) {
            Some(number) => number.build(),
            None => raw::DirectFunctionCall3Coll(
                Some(raw::numeric_in),
                pg_sys::Oid::INVALID,
                varlena::pointer(text.data.cast_mut().cast()),
                Datum::from(pg_sys::Oid::INVALID),
                Datum::from(-1_i32),
            ),
        }
    }
}

/// Whether what Decimal printed is a number, not NaN or infinity.
pub(super) fn is_finite(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_digit) && !text.iter().any(|byte| matches!(byte, b'N' | b'n'))
}

/// # Safety
/// The thread holds the GIL and `object` is alive.
pub(super) unsafe fn is_decimal(object: *mut ffi::PyObject) -> Result<bool, Error> {
    let class = DECIMAL.pointer()?;
    // SAFETY: the caller's promise.
    match unsafe { running(|| ffi::PyObject_IsInstance(object, class)) } {
        -1 => Err(python::raised()),
        is => Ok(is != 0),
    }
}

/// NUL-terminated decimal text, in memory of the current context, of what `hex()` printed.
fn decimal_text(hex: &[u8]) -> Result<Text, Error> {
    const BASE: u64 = 1_000_000_000;
    /// What 131072 decimal digits, the most that numeric holds before its point, need at most.
    const MOST_HEX: usize = 108_855;
    let (negative, hex) = match hex {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let digits = hex.strip_prefix(b"0x").unwrap_or(hex);
    if digits.len() > MOST_HEX {
        return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format"));
    }
    let mut limbs: Vec<u64> = vec![0];
    // Seven digits at a time: 10^9 × 16^7 still fits 64 bits. The first chunk is the odd one.
    let (head, tail) = digits.split_at(digits.len() % 7);
    for chunk in std::iter::once(head).chain(tail.chunks(7)) {
        let mut carry =
            chunk.iter().fold(0, |v, &d| v * 16 + u64::from(char::from(d).to_digit(16).unwrap_or(0)));
        let factor = 16_u64.pow(chunk.len() as u32);
        for limb in &mut limbs {
            let value = *limb * factor + carry;
            (*limb, carry) = (value % BASE, value / BASE);
        }
        if carry > 0 {
            limbs.push(carry);
        }
    }
    let mut text = String::with_capacity(limbs.len() * 9 + 2);
    if negative {
        text.push('-');
    }
    for (at, limb) in limbs.iter().rev().enumerate() {
        text.push_str(&if at == 0 { limb.to_string() } else { format!("{limb:09}") });
    }
    text.push('\0');
    let place = python::allocate(text.len())?;
    // SAFETY: as many bytes were asked for; `allocate` does not longjmp over the vectors.
    unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), place, text.len()) };
    let length = text.len() - 1;
    Ok(Text { data: place, length, characters: Some(length) })
}

/// The parts of a stored number; `None` for what is not finite, long, or not plainly there.
///
/// # Safety
/// `datum` is a live numeric.
unsafe fn stored_parts(datum: Datum) -> Option<decimal::Parts> {
    // SAFETY: the caller's promise; a numeric has at least two bytes of header, and two for each group.
    unsafe {
        let bytes = varlena::Bytes::plain(datum)?.slice();
        let word = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
        let header = word(0);
        let (negative, scale, weight, start) = match header & 0xC000 {
            0xC000 => return None,
            0x8000 => {
                // Seven bits, the highest of them its sign.
                let weight = i32::from(((header & 0x7f) << 9) as i16 >> 9);
                (header & 0x2000 != 0, (header >> 7) & 0x3f, weight, 2)
            }
            sign => (sign == 0x4000, header & 0x3fff, i32::from(word(2) as i16), 4),
        };
        let groups = (start..bytes.len()).step_by(2).map(word);
        decimal::of_groups(negative, groups, weight, i32::from(scale))
    }
}

/// # Safety
/// `datum` is a live numeric; the thread holds the GIL.
pub(super) unsafe fn to_python<'py>(
    py: Python<'py>,
    output: &Output,
    datum: Datum,
) -> Result<Bound<'py, PyAny>, Error> {
    // SAFETY: the caller's promise; a new reference, or null with an exception set.
    unsafe {
        if let Some(made) = stored_parts(datum).and_then(|parts| decimal::of_parts(parts)) {
            return Bound::from_owned_ptr_or_opt(py, made).ok_or_else(python::raised);
        }
    }
    // SAFETY: the caller's promise.
    let text = unsafe { fallback::shown(py, output, datum)? };
    let class = DECIMAL.get(py)?;
    // SAFETY: no server call inside.
    unsafe { running(|| class.call1((text,))) }.map_err(|error| python::error(py, error))
}
