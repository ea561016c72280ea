//! One scan node: `execute`, its rows, and its end. The danger is the end: LIMIT, an error, a closed
//! cursor and a cancelled query all have to close the generator and call `end_scan`, once.

use std::rc::Rc;
use std::time::{Duration, Instant};

use multicorn_plan::{Qual, ScanPlan, Value};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::super::instance::{self, Instance};
use super::super::quals::{self, Side};
use crate::bridge::{self, Failure, Origin};
use crate::convert;
use crate::error::Error;
use crate::pg::planner::Constant;
use crate::pg::routine::Ending;
use crate::pg::scan_node::{Expressions, ScanNode};

enum State {
    /// `execute` is called when the first row is asked for.
    Ready,
    Running(convert::Rows),
    /// Out of rows until the next rescan.
    Done,
}

/// What EXPLAIN ANALYZE shows.
#[derive(Clone, Copy, Default)]
pub(crate) struct Statistics {
    pub(crate) rows: u64,
    pub(crate) batches: u64,
    pub(crate) time: Duration,
}

pub(crate) struct Scan {
    pub(in super::super) instance: Rc<Instance>,
    pub(in super::super) plan: ScanPlan,
    pub(in super::super) expressions: Expressions,
    pub(in super::super) statistics: Statistics,
    rows: Option<Rc<instance::Rows>>,
    state: State,
    measured: bool,
    executed: bool,
}

impl Scan {
    /// With `explain_only` the class is made, for its `explain`, and never asked for rows.
    pub(crate) fn begin(node: &ScanNode, explain_only: bool) -> Result<Self, Error> {
        let plan = ScanPlan::from_text(&node.private()?)
            .map_err(|error| Error::internal(format!("multicorn: unreadable plan: {error}")))?;
        let instance = instance::get(node.table(), node.user())?;
        let rows = if explain_only {
            None
        } else {
            let made = bridge::call_as(Origin::Wrapper, |py| Ok(instance.rows(py, &plan.columns)?));
            Some(made?)
        };
        Ok(Scan {
            expressions: node.prepare_expressions()?,
            instance,
            plan,
            rows,
            state: State::Ready,
            statistics: Statistics::default(),
            measured: node.is_measured(),
            executed: false,
        })
    }

    #[inline]
    pub(crate) fn next_row(&mut self, node: &ScanNode) -> Result<bool, Error> {
        if matches!(self.state, State::Ready) {
            self.execute(node)?;
        }
        if !self.measured {
            return self.advance(node);
        }
        let start = Instant::now();
        let filled = self.advance(node)?;
        self.statistics.time += start.elapsed();
        self.statistics.rows += u64::from(filled);
        Ok(filled)
    }

    #[inline]
    fn advance(&mut self, node: &ScanNode) -> Result<bool, Error> {
        let State::Running(rows) = &mut self.state else { return Ok(false) };
        let Some(plans) = &self.rows else { return Ok(false) };
        let target = node.row_target();
        let filled = rows.next_row(&plans.plan, target);
        if !matches!(filled, Ok(true)) {
            return self.finish(filled);
        }
        Ok(true)
    }

    /// The last row was delivered, or an error ends the scan: a finished generator needs no closing.
    #[cold]
    fn finish(&mut self, filled: Result<bool, Error>) -> Result<bool, Error> {
        if filled.is_ok() {
            self.close_rows()?;
        }
        bridge::logging::flush()?;
        filled
    }

    fn execute(&mut self, node: &ScanNode) -> Result<(), Error> {
        let start = self.measured.then(Instant::now);
        let Some(values) = self.values(node)? else {
            self.state = State::Done;
            return Ok(());
        };
        let Some(plans) = self.rows.clone() else {
            return Err(Error::internal("multicorn: a scan begun for EXPLAIN is executed"));
        };
        self.executed = true;
        let rows = bridge::call_as(Origin::Wrapper, |py| {
            let known = |qual: &Qual| constant(&values, qual).map(Side::Known);
            let quals = quals::list(py, &self.plan.quals, known)?;
            let result = call_execute(py, &self.instance, &self.plan, quals.into_any())?;
            Ok(convert::Rows::new(py, result, &plans.plan)?)
        })?;
        self.state = State::Running(rows);
        if let Some(start) = start {
            self.statistics.time += start.elapsed();
            self.statistics.batches += 1;
        }
        Ok(())
    }

    /// The values of the quals' expressions, or `None` if a comparison with NULL lets no row pass.
    fn values(&self, node: &ScanNode) -> Result<Option<Vec<Constant>>, Error> {
        let mut values = Vec::with_capacity(self.plan.quals.len());
        for qual in &self.plan.quals {
            if let Value::Expression { index, strict, .. } = qual.value {
                let value = node.evaluate(&self.expressions, index)?;
                if strict && value.is_null {
                    return Ok(None);
                }
                debug_assert_eq!(index, values.len());
                values.push(value);
            }
        }
        Ok(Some(values))
    }

    pub(crate) fn rescan(&mut self) -> Result<(), Error> {
        let closed = self.close_rows();
        self.state = State::Ready;
        closed
    }

    fn close_rows(&mut self) -> Result<(), Error> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Running(mut rows) => bridge::call(|py| rows.close(py)),
            State::Ready | State::Done => Ok(()),
        }
    }

    /// Closes the generator and tells the class. The query is over, or has failed already: what is
    /// raised here is a warning.
    pub(crate) fn end(self, ending: Ending) {
        let Scan { instance, state, executed, .. } = self;
        let rows = match state {
            State::Running(rows) => Some(rows),
            State::Ready | State::Done => None,
        };
        let tell = executed && instance.class.has_end_scan;
        if rows.is_some() || tell {
            let close = |py: Python<'_>| {
                let closed = rows.map_or(Ok(()), |mut rows| rows.close(py));
                if tell {
                    instance.object.bind(py).call_method0("end_scan")?;
                }
                closed.map_err(Failure::from)
            };
            let outcome = match ending {
                Ending::Normal => bridge::call_as(Origin::Wrapper, close),
                Ending::Abort => bridge::call_hook("end_scan", close),
            };
            match outcome {
                // The server words a cancel itself, at its next check.
                Ok(()) | Err(Error::Interrupted) => {}
                Err(error) => bridge::errors::warn(error),
            }
        }
        // A changed definition may have left the scan with the last use of it.
        instance::let_go(instance);
    }
}

fn constant(values: &[Constant], qual: &Qual) -> Option<Constant> {
    match qual.value {
        Value::Expression { index, .. } => values.get(index).copied(),
        _ => None,
    }
}

/// `execute(quals, columns)`, with the keywords only when they are set: most classes take two.
fn call_execute<'py>(
    py: Python<'py>,
    instance: &Instance,
    plan: &ScanPlan,
    quals: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let object = instance.object.bind(py);
    let shape = instance.class.execute;
    let arguments = if shape.positional == 1 {
        PyTuple::new(py, [quals])?
    } else {
        PyTuple::new(py, [quals, quals::columns(py, instance, &plan.columns)?.into_any()])?
    };
    if plan.sort.is_empty() && plan.limit.is_none() && plan.offset.is_none() {
        return object.call_method1("execute", arguments);
    }
    let keywords = PyDict::new(py);
    if !plan.sort.is_empty() {
        keywords.set_item("sortkeys", quals::sort_keys(py, &plan.sort)?)?;
    }
    if let Some(limit) = plan.limit {
        keywords.set_item("limit", limit)?;
    }
    if let Some(offset) = plan.offset {
        keywords.set_item("offset", offset)?;
    }
    object.call_method("execute", arguments, Some(&keywords))
}
