//! ANALYZE: `sample` or `analyze` give rows, the server keeps some of them. The danger is the end of the
//! rows: as after a scan, the generator is closed and `end_scan` is called, after an error too.

use pgrx::pg_sys;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::super::instance::{self, Instance, wrong_result};
use super::super::size::{self, pair};
use super::super::transaction;
use super::scan;
use crate::bridge::{self, Failure};
use crate::convert;
use crate::error::Error;
use crate::pg::analyze::Sampler;
use crate::pg::live::Ending;

/// How many bytes the table may have; `None` if its class cannot be analyzed.
///
/// Asked for every table of a database that is analyzed: without an object of the class, unless it can.
pub(crate) fn size(table: pg_sys::Oid, owner: pg_sys::Oid) -> Result<Option<f64>, Error> {
    let class = instance::class_of(table)?;
    if !class.has_sample && !class.has_analyze {
        return Ok(None);
    }
    if !class.has_rel_size {
        return Ok(Some(0.0));
    }
    let instance = instance::get(table, owner)?;
    let (rows, width) =
        instance.call(|py, _| size::ask(py, &instance, &PyList::empty(py), &instance.live))?;
    Ok(Some(rows * f64::from(width)))
}

/// Offers the class's rows, and returns how many the table has.
pub(crate) fn sample(sampler: &mut Sampler) -> Result<f64, Error> {
    let instance = instance::get(sampler.table(), sampler.owner())?;
    transaction::join(&instance)?;
    let mut rows = None;
    let total = read(&instance, sampler, &mut rows);
    let ending = if total.is_ok() { Ending::Normal } else { Ending::Abort };
    let ended = scan::tell_end(&instance, rows, true, ending);
    let total = total?;
    ended?;
    // What was seen exists.
    Ok(total.unwrap_or(0.0).max(sampler.seen()).min(size::MOST_ROWS))
}

/// Reads all rows, which are left in `kept` for their end; returns what the class says of their number.
fn read(
    instance: &Instance,
    sampler: &mut Sampler,
    kept: &mut Option<convert::Rows>,
) -> Result<Option<f64>, Error> {
    let (plans, total) = instance.call(|py, object| {
        let plans = instance.rows(py, &instance.live)?;
        let (method, result) = if instance.class.has_sample {
            ("sample", object.call_method1(intern!(py, "sample"), (sampler.wanted(),))?)
        } else {
            ("analyze", object.call_method0(intern!(py, "analyze"))?)
        };
        let (rows, total) = pair(&result).ok_or_else(|| wrong(instance, method, &result))?;
        *kept = Some(convert::Rows::new(rows, &plans.plan, method)?);
        if total.is_none() {
            return Ok((plans, None));
        }
        let total = total.extract::<f64>().ok().filter(|total| total.is_finite() && *total >= 0.0);
        Ok((plans, Some(total.ok_or_else(|| wrong(instance, method, &result))?)))
    })?;
    let Some(rows) = kept else { return Ok(total) };
    while sampler.offer(|target| instance.acting(|| rows.next_row_caught(&plans.plan, target)))? {
        bridge::check_interrupts()?;
    }
    Ok(total)
}

fn wrong(instance: &Instance, method: &str, result: &Bound<'_, PyAny>) -> Failure {
    wrong_result(&instance.class, method, "a tuple (rows, number of all rows or None)", result).into()
}
