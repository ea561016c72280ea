//! date, time, timetz, timestamp, timestamptz and interval from Python. The danger is the time zone:
//! what is aware is moved to UTC; what is naive is taken in the session's zone where the column has
//! one, and a column without a zone keeps the clock's reading, as its input function does.

use pgrx::pg_sys::{self, Datum};
use pyo3::ffi;

use super::fallback;
use super::python::{self, running};
use crate::error::Error;
use crate::pg::raw;
use crate::pg::types::{Coercion, Input};
use crate::pg::varlena;

pub(super) const MICROSECONDS: i64 = 1_000_000;
pub(super) const DAY: i64 = 86_400 * MICROSECONDS;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Date,
    Time,
    TimeTz,
    Timestamp,
    TimestampTz,
    Interval,
}

pub(super) struct DateTimePlan {
    kind: Kind,
    /// Rounds to the column's precision.
    coercion: Option<Coercion>,
}

impl DateTimePlan {
    pub(super) fn resolve(kind: Kind, type_oid: pg_sys::Oid, typmod: i32) -> Result<Self, Error> {
        python::prepare()?;
        Ok(DateTimePlan { kind, coercion: Coercion::lookup(type_oid, typmod)? })
    }

    /// # Safety
    /// `object` is alive and not None; may raise.
    pub(super) unsafe fn to_datum(&self, object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
        // SAFETY: the caller's promise.
        unsafe {
            let direct = match self.kind {
                Kind::Date => date(object),
                Kind::Time => time(object),
                Kind::TimeTz => timetz(object)?,
                Kind::Timestamp => timestamp(object),
                Kind::TimestampTz => timestamptz(object)?,
                Kind::Interval => interval(object),
            };
            match (direct, &self.coercion) {
                (None, _) => fallback::to_datum(input, object),
                (Some(datum), None) => Ok(datum),
                (Some(datum), Some(coercion)) => Ok(coercion.call(datum)),
            }
        }
    }
}

/// Days from 2000-01-01 to a day of the proleptic Gregorian calendar, by eras of 400 years that begin
/// on the first of March, so that the leap day is a year's last.
pub(super) fn days(year: i32, month: i32, day: i32) -> i32 {
    const EPOCH: i32 = 730_425; // 2000-01-01, counted from 0000-03-01
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + year * 365 + year / 4 - year / 100 + (month * 153 + 2) / 5 + day - 1 - EPOCH
}

/// The reverse of `days`.
pub(super) fn civil(days: i64) -> (i64, i32, i32) {
    const EPOCH: i64 = 730_425;
    let days = days + EPOCH;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (year * 365 + year / 4 - year / 100);
    let month = (day * 5 + 2) / 153;
    let day = day - (month * 153 + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + carry, month as i32, day as i32)
}

unsafe fn days_of(object: *mut ffi::PyObject) -> i64 {
    // SAFETY: `object` is a date or datetime.
    unsafe {
        let (year, month) = (ffi::PyDateTime_GET_YEAR(object), ffi::PyDateTime_GET_MONTH(object));
        i64::from(days(year, month, ffi::PyDateTime_GET_DAY(object)))
    }
}

/// Microseconds since midnight of a datetime.
unsafe fn clock_of(object: *mut ffi::PyObject) -> i64 {
    // SAFETY: `object` is a datetime.
    unsafe {
        microseconds(
            ffi::PyDateTime_DATE_GET_HOUR(object),
            ffi::PyDateTime_DATE_GET_MINUTE(object),
            ffi::PyDateTime_DATE_GET_SECOND(object),
            ffi::PyDateTime_DATE_GET_MICROSECOND(object),
        )
    }
}

fn microseconds(hour: i32, minute: i32, second: i32, micro: i32) -> i64 {
    i64::from((hour * 60 + minute) * 60 + second) * MICROSECONDS + i64::from(micro)
}

/// A datetime, which is a date too, gives its date.
unsafe fn date(object: *mut ffi::PyObject) -> Option<Datum> {
    // SAFETY: the caller holds the object.
    unsafe { (ffi::PyDate_Check(object) != 0).then(|| Datum::from(days_of(object) as i32)) }
}

unsafe fn time(object: *mut ffi::PyObject) -> Option<Datum> {
    // SAFETY: the caller holds the object.
    unsafe {
        if ffi::PyTime_Check(object) != 0 {
            return Some(Datum::from(time_of(object)));
        }
        (ffi::PyDateTime_Check(object) != 0).then(|| Datum::from(clock_of(object)))
    }
}

unsafe fn time_of(object: *mut ffi::PyObject) -> i64 {
    // SAFETY: `object` is a time.
    unsafe {
        microseconds(
            ffi::PyDateTime_TIME_GET_HOUR(object),
            ffi::PyDateTime_TIME_GET_MINUTE(object),
            ffi::PyDateTime_TIME_GET_SECOND(object),
            ffi::PyDateTime_TIME_GET_MICROSECOND(object),
        )
    }
}

/// How far from UTC a timetz can be (MAX_TZDISP_HOUR, timestamp.h).
const MOST_OFFSET: i64 = 16 * 3600 * MICROSECONDS;

/// An aware time or datetime. A naive one is left to the input function, which takes today's offset.
unsafe fn timetz(object: *mut ffi::PyObject) -> Result<Option<Datum>, Error> {
    // SAFETY: the caller holds the object.
    unsafe {
        let (clock, zone) = if ffi::PyTime_Check(object) != 0 {
            (time_of(object), ffi::PyDateTime_TIME_GET_TZINFO(object))
        } else if ffi::PyDateTime_Check(object) != 0 {
            (clock_of(object), ffi::PyDateTime_DATE_GET_TZINFO(object))
        } else {
            return Ok(None);
        };
        let Some(offset) = offset(object, zone)? else { return Ok(None) };
        // The server stops before 16 hours, Python before 24: the input function words the refusal.
        if offset.abs() >= MOST_OFFSET {
            return Ok(None);
        }
        // `zone` counts seconds west of Greenwich, in twelve bytes without padding.
        let place = raw::palloc(12).cast::<u8>();
        place.cast::<i64>().write(clock);
        place.add(8).cast::<i32>().write((-offset / MICROSECONDS) as i32);
        Ok(Some(varlena::pointer(place.cast())))
    }
}

unsafe fn timestamp(object: *mut ffi::PyObject) -> Option<Datum> {
    // SAFETY: the caller holds the object.
    unsafe {
        if ffi::PyDateTime_Check(object) != 0 {
            return Some(Datum::from(days_of(object) * DAY + clock_of(object)));
        }
        (ffi::PyDate_Check(object) != 0).then(|| Datum::from(days_of(object) * DAY))
    }
}

unsafe fn timestamptz(object: *mut ffi::PyObject) -> Result<Option<Datum>, Error> {
    // SAFETY: the caller holds the object.
    unsafe {
        let (local, zone) = if ffi::PyDateTime_Check(object) != 0 {
            (days_of(object) * DAY + clock_of(object), ffi::PyDateTime_DATE_GET_TZINFO(object))
        } else if ffi::PyDate_Check(object) != 0 {
            (days_of(object) * DAY, ffi::Py_None())
        } else {
            return Ok(None);
        };
        let offset = match offset(object, zone)? {
            Some(offset) => offset,
            None => session_offset(object, local),
        };
        Ok(Some(Datum::from(local - offset)))
    }
}

/// What the object's clock is ahead of UTC, in microseconds; `None` if it does not say.
unsafe fn offset(object: *mut ffi::PyObject, zone: *mut ffi::PyObject) -> Result<Option<i64>, Error> {
    // SAFETY: the caller holds the object, and so its zone.
    unsafe {
        if zone == ffi::Py_None() {
            return Ok(None);
        }
        if zone == ffi::PyDateTime_TimeZone_UTC() {
            return Ok(Some(0));
        }
        let delta = running(|| ffi::PyObject_CallMethodNoArgs(object, utcoffset()));
        if delta.is_null() {
            return Err(python::raised());
        }
        let offset = (ffi::PyDelta_Check(delta) != 0).then(|| delta_of(delta));
        python::release(delta);
        Ok(offset)
    }
}

/// The interned method name.
unsafe fn utcoffset() -> *mut ffi::PyObject {
    // SAFETY: the callers hold the GIL; interned names are never released.
    unsafe { pyo3::intern!(pyo3::Python::assume_attached(), "utcoffset").as_ptr() }
}

/// Microseconds of a timedelta; it cannot overflow, as Python allows 10^9 days at most.
unsafe fn delta_of(delta: *mut ffi::PyObject) -> i64 {
    // SAFETY: `delta` is a timedelta. 10^9 days are 8.64 × 10^19 µs, so this saturates beyond 2^63.
    unsafe {
        let seconds = i64::from(ffi::PyDateTime_DELTA_GET_SECONDS(delta)) * MICROSECONDS;
        let micros = i64::from(ffi::PyDateTime_DELTA_GET_MICROSECONDS(delta));
        i64::from(ffi::PyDateTime_DELTA_GET_DAYS(delta)).saturating_mul(DAY).saturating_add(seconds + micros)
    }
}

/// What the session's zone is ahead of UTC when its clocks show `local`, in microseconds.
unsafe fn session_offset(object: *mut ffi::PyObject, local: i64) -> i64 {
    // SAFETY: `object` is a date or datetime; the server only reads the fields that are set.
    unsafe {
        let clock = local.rem_euclid(DAY) / MICROSECONDS;
        let mut time = pg_sys::pg_tm {
            tm_year: ffi::PyDateTime_GET_YEAR(object),
            tm_mon: ffi::PyDateTime_GET_MONTH(object),
            tm_mday: ffi::PyDateTime_GET_DAY(object),
            tm_hour: (clock / 3600) as i32,
            tm_min: (clock / 60 % 60) as i32,
            tm_sec: (clock % 60) as i32,
            ..Default::default()
        };
        // The server counts seconds to the west.
        -i64::from(raw::DetermineTimeZoneOffset(&raw mut time, pg_sys::session_timezone)) * MICROSECONDS
    }
}

/// Whole days and the rest of a day, both with the sign of the whole, and no months.
unsafe fn interval(object: *mut ffi::PyObject) -> Option<Datum> {
    // SAFETY: the caller holds the object.
    unsafe {
        if ffi::PyDelta_Check(object) == 0 {
            return None;
        }
        let mut day = ffi::PyDateTime_DELTA_GET_DAYS(object);
        let mut rest = i64::from(ffi::PyDateTime_DELTA_GET_SECONDS(object)) * MICROSECONDS
            + i64::from(ffi::PyDateTime_DELTA_GET_MICROSECONDS(object));
        // Python keeps the rest positive: minus one second is minus one day plus 86399 seconds.
        if day < 0 && rest > 0 {
            day += 1;
            rest -= DAY;
        }
        let place = raw::palloc(size_of::<pg_sys::Interval>()).cast::<pg_sys::Interval>();
        place.write(pg_sys::Interval { time: rest, day, month: 0 });
        Some(varlena::pointer(place.cast()))
    }
}
