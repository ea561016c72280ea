//! date, time, timetz, timestamp, timestamptz and interval to Python. The danger is a value that
//! Python's classes cannot hold (infinity, BC, the year 10000, 24:00): it becomes a str as the server
//! prints it, never a wrong moment.

use pgrx::pg_sys::{self, Datum};
use pyo3::ffi;
use pyo3::prelude::*;

use super::datetime::{DAY, Kind, MICROSECONDS, civil};
use super::{fallback, python};
use crate::error::Error;
use crate::pg::raw;
use crate::pg::types::Output;

type Object<'py> = Result<Bound<'py, PyAny>, Error>;

/// # Safety
/// `datum` is a live value of the kind's type.
pub(super) unsafe fn to_python<'py>(
    py: Python<'py>,
    kind: Kind,
    output: &Output,
    datum: Datum,
) -> Object<'py> {
    // SAFETY: the caller's promise: each arm reads its own type.
    unsafe {
        let object = match kind {
            Kind::Date => date(datum.value() as i32),
            Kind::Time => time(datum.value() as i64, ffi::Py_None()),
            Kind::TimeTz => timetz(datum.cast_mut_ptr())?,
            Kind::Timestamp => timestamp(datum.value() as i64, ffi::Py_None()),
            Kind::TimestampTz => timestamptz(datum.value() as i64)?,
            Kind::Interval => interval(*datum.cast_mut_ptr::<pg_sys::Interval>()),
        };
        match object {
            Some(object) => Bound::from_owned_ptr_or_opt(py, object).ok_or_else(python::raised),
            None => fallback::to_python(py, output, datum),
        }
    }
}

/// The fields of a day that Python's date can hold.
fn python_day(days: i64) -> Option<(i32, i32, i32)> {
    let (year, month, day) = civil(days);
    (1..=9999).contains(&year).then_some((year as i32, month, day))
}

/// A new reference, or null with an exception set; `None` where Python has no such date.
unsafe fn date(days: i32) -> Option<*mut ffi::PyObject> {
    if days == i32::MIN || days == i32::MAX {
        return None; // -infinity and infinity
    }
    let (year, month, day) = python_day(i64::from(days))?;
    // SAFETY: the fields are in range.
    Some(unsafe { ffi::PyDate_FromDate(year, month, day) })
}

/// Hour, minute, second, microsecond.
fn clock(time: i64) -> (i32, i32, i32, i32) {
    let seconds = time / MICROSECONDS;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    (hour as i32, minute as i32, second as i32, (time % MICROSECONDS) as i32)
}

unsafe fn time(time: i64, zone: *mut ffi::PyObject) -> Option<*mut ffi::PyObject> {
    if !(0..DAY).contains(&time) {
        return None; // 24:00:00
    }
    let (hour, minute, second, micro) = clock(time);
    // SAFETY: the fields are in range, and the C interface was loaded when the plan was made.
    unsafe {
        let api = &*ffi::PyDateTimeAPI();
        Some((api.Time_FromTime)(hour, minute, second, micro, zone, api.TimeType))
    }
}

unsafe fn timestamp(moment: i64, zone: *mut ffi::PyObject) -> Option<*mut ffi::PyObject> {
    if moment == i64::MIN || moment == i64::MAX {
        return None; // -infinity and infinity
    }
    let (year, month, day) = python_day(moment.div_euclid(DAY))?;
    let (hour, minute, second, micro) = clock(moment.rem_euclid(DAY));
    // SAFETY: as in `time`.
    unsafe {
        let api = &*ffi::PyDateTimeAPI();
        let make = api.DateTime_FromDateAndTime;
        Some(make(year, month, day, hour, minute, second, micro, zone, api.DateTimeType))
    }
}

/// A fixed zone so many seconds ahead of UTC, a new reference.
unsafe fn fixed_zone(seconds: i32) -> Result<*mut ffi::PyObject, Error> {
    // SAFETY: the C interface was loaded; each object made is released or returned.
    unsafe {
        if seconds == 0 {
            let utc = ffi::PyDateTime_TimeZone_UTC();
            ffi::Py_INCREF(utc);
            return Ok(utc);
        }
        let delta = ffi::PyDelta_FromDSU(0, seconds, 0);
        if delta.is_null() {
            return Err(python::raised());
        }
        let zone = ffi::PyTimeZone_FromOffset(delta);
        ffi::Py_DECREF(delta);
        if zone.is_null() { Err(python::raised()) } else { Ok(zone) }
    }
}

unsafe fn timetz(value: *const u8) -> Result<Option<*mut ffi::PyObject>, Error> {
    // SAFETY: twelve bytes: microseconds, then seconds west of UTC.
    unsafe {
        let (clock, west) = (value.cast::<i64>().read(), value.add(8).cast::<i32>().read());
        let zone = fixed_zone(-west)?;
        let object = time(clock, zone);
        ffi::Py_DECREF(zone);
        Ok(object)
    }
}

/// The moment in the session's zone, with the offset that the zone has then.
unsafe fn timestamptz(moment: i64) -> Result<Option<*mut ffi::PyObject>, Error> {
    if moment == i64::MIN || moment == i64::MAX {
        return Ok(None);
    }
    let (mut west, mut second_fraction) = (0, 0);
    let mut fields = pg_sys::pg_tm::default();
    // SAFETY: fills the locals; it reports a moment out of range by its result, and never raises.
    unsafe {
        let failed = raw::timestamp2tm(
            moment,
            &raw mut west,
            &raw mut fields,
            &raw mut second_fraction,
            std::ptr::null_mut(),
            pg_sys::session_timezone,
        );
        if failed != 0 {
            return Ok(None);
        }
        let zone = fixed_zone(-west)?;
        let object = timestamp(moment - i64::from(west) * MICROSECONDS, zone);
        ffi::Py_DECREF(zone);
        Ok(object)
    }
}

/// Python has no months, nor has it infinity, which since version 17 is one of too many months.
unsafe fn interval(value: pg_sys::Interval) -> Option<*mut ffi::PyObject> {
    const MOST_DAYS: i64 = 999_999_999;
    let days = i64::from(value.day) + value.time.div_euclid(DAY);
    let rest = value.time.rem_euclid(DAY);
    if value.month != 0 || days.abs() > MOST_DAYS {
        return None;
    }
    // SAFETY: the fields are in range.
    Some(unsafe {
        ffi::PyDelta_FromDSU(days as i32, (rest / MICROSECONDS) as i32, (rest % MICROSECONDS) as i32)
    })
}
