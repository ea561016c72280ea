//! One scan node: `execute`, its rows, and its end. The danger is the end: LIMIT, an error, a closed
//! cursor and a cancelled query all have to close the generator and call `end_scan`, once.

use std::rc::Rc;
use std::time::{Duration, Instant};

use multicorn_plan::{Count, ScanPlan, Value};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::super::instance::{self, Instance};
use super::super::quals;
use super::super::reading::{Reading, Ready};
use super::super::transaction;
use crate::bridge::{self, Failure, Origin};
use crate::convert;
use crate::error::{Error, SqlState};
use crate::pg::guard;
use crate::pg::live::{Ending, Ends};
use crate::pg::planner::Constant;
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
    pub(in super::super) expressions: Expressions,
    pub(in super::super) statistics: Statistics,
    reading: Rc<Reading>,
    rows: Option<Rc<instance::Rows>>,
    /// Values of the quals' expressions, in room that rescans use again.
    values: Vec<Constant>,
    limit: Option<i64>,
    offset: Option<i64>,
    state: State,
    measured: bool,
    executed: bool,
}

impl Scan {
    /// With `explain_only` the class is made, for its `explain`, and never asked for rows.
    pub(crate) fn begin(node: &ScanNode, explain_only: bool) -> Result<Self, Error> {
        let instance = instance::get(node.table(), node.user())?;
        let reading = instance.reading(node.private()?)?;
        instance.check_promise(reading.plan.promised)?;
        let rows = if explain_only { None } else { Some(reading.ready(&instance)?.rows.clone()) };
        Ok(Scan {
            expressions: node.prepare_expressions()?,
            instance,
            reading,
            rows,
            values: Vec::new(),
            limit: None,
            offset: None,
            state: State::Ready,
            statistics: Statistics::default(),
            measured: node.is_measured(),
            executed: false,
        })
    }

    pub(in super::super) fn plan(&self) -> &ScanPlan {
        &self.reading.plan
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
        let filled = self.instance.acting(|| rows.next_row(&plans.plan, target));
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
        bridge::uncaught()?;
        filled
    }

    fn execute(&mut self, node: &ScanNode) -> Result<(), Error> {
        let start = self.measured.then(Instant::now);
        if !self.evaluate(node)? {
            self.state = State::Done;
            return Ok(());
        }
        let Some(plans) = &self.rows else {
            return Err(Error::internal("multicorn: a scan begun for EXPLAIN is executed"));
        };
        transaction::join(&self.instance)?;
        let ready = self.reading.ready(&self.instance)?;
        self.executed = true;
        let rows = self.instance.call(|py, _| {
            let quals = ready.quals(py, &self.values)?;
            let result = self.call_execute(py, ready, quals.into_any())?;
            Ok(convert::Rows::new(result, &plans.plan, "execute")?)
        })?;
        self.state = State::Running(rows);
        if let Some(start) = start {
            self.statistics.time += start.elapsed();
            self.statistics.batches += 1;
        }
        Ok(())
    }

    /// Finds the values of the quals' expressions; false if a comparison with NULL lets no row pass.
    fn evaluate(&mut self, node: &ScanNode) -> Result<bool, Error> {
        self.values.clear();
        for qual in &self.reading.plan.quals {
            if let Value::Expression { index, strict, .. } = qual.value {
                let value = node.evaluate(&self.expressions, index)?;
                if strict && value.is_null {
                    return Ok(false);
                }
                debug_assert_eq!(index, self.values.len());
                self.values.push(value);
            }
        }
        let (limit, offset) = (self.reading.plan.limit, self.reading.plan.offset);
        if limit.is_some() || offset.is_some() {
            self.limit = self.count(node, limit, "LIMIT", b"2201W")?;
            // To skip nothing is not to skip.
            self.offset = self.count(node, offset, "OFFSET", b"2201X")?.filter(|offset| *offset != 0);
        }
        Ok(true)
    }

    /// The value of LIMIT or OFFSET, which the server would have refused in these words.
    fn count(
        &self,
        node: &ScanNode,
        count: Option<Count>,
        clause: &str,
        sqlstate: &[u8; 5],
    ) -> Result<Option<i64>, Error> {
        let number = match count {
            None => return Ok(None),
            Some(Count::Fixed(number)) => number,
            Some(Count::Expression(index)) => {
                let value = node.evaluate(&self.expressions, index)?;
                if value.is_null {
                    return Ok(None);
                }
                value.datum.value() as i64
            }
        };
        if number < 0 {
            return Err(Error::new(SqlState::new(sqlstate), format!("{clause} must not be negative")));
        }
        Ok(Some(number))
    }

    /// `execute(quals, columns)`, with the keywords only when they are set: most classes take two.
    fn call_execute<'py>(
        &self,
        py: Python<'py>,
        ready: &Ready,
        quals: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let object = self.instance.object.bind(py);
        let name = pyo3::intern!(py, "execute");
        let only_quals = self.instance.class.execute.positional == 1;
        let sort = &self.reading.plan.sort;
        if sort.is_empty() && self.limit.is_none() && self.offset.is_none() {
            return match only_quals {
                true => object.call_method1(name, (quals,)),
                false => object.call_method1(name, (quals, ready.columns(py)?)),
            };
        }
        let keywords = PyDict::new(py);
        if !sort.is_empty() {
            keywords.set_item("sortkeys", quals::sort_keys(py, sort)?)?;
        }
        if let Some(limit) = self.limit {
            keywords.set_item("limit", limit)?;
        }
        if let Some(offset) = self.offset {
            keywords.set_item("offset", offset)?;
        }
        match only_quals {
            true => object.call_method(name, (quals,), Some(&keywords)),
            false => object.call_method(name, (quals, ready.columns(py)?), Some(&keywords)),
        }
    }

    pub(crate) fn rescan(&mut self) -> Result<(), Error> {
        let closed = self.close_rows();
        self.state = State::Ready;
        closed
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Done)
    }

    fn close_rows(&mut self) -> Result<(), Error> {
        match std::mem::replace(&mut self.state, State::Done) {
            // What ran to its end has nothing left to close.
            State::Running(rows) if rows.is_finished() => Ok(()),
            State::Running(mut rows) => {
                bridge::call_early_hook("close of a generator", |py| Ok(rows.close(py)?))
            }
            State::Ready | State::Done => Ok(()),
        }
    }
}

impl Ends for Scan {
    /// Closes the generator and tells the class. The query is over, or has failed already: what is
    /// raised here is a warning.
    fn end(self, ending: Ending) -> Result<(), Error> {
        let Scan { instance, state, executed, .. } = self;
        let rows = match state {
            State::Running(rows) => Some(rows),
            State::Ready | State::Done => None,
        };
        let ended = tell_end(&instance, rows, executed, ending);
        // A changed definition may have left the scan with the last use of it.
        instance::let_go(instance);
        if ending == Ending::Abort {
            return Ok(());
        }
        bridge::uncaught()?;
        ended
    }
}

/// Closes what is left of the rows and, if `execute` was called, tells the class. What is raised meanwhile
/// is a warning, but for an interrupt.
pub(super) fn tell_end(
    instance: &Instance,
    rows: Option<convert::Rows>,
    executed: bool,
    ending: Ending,
) -> Result<(), Error> {
    let tell = executed && instance.class.has_end_scan;
    if rows.is_none() && !tell {
        return Ok(());
    }
    let close = |py: Python<'_>| {
        let closed = rows.map_or(Ok(()), |mut rows| rows.close(py));
        if tell {
            instance.object.bind(py).call_method0(pyo3::intern!(py, "end_scan"))?;
        }
        closed.map_err(Failure::from)
    };
    let outcome = bridge::call_end(Origin::Wrapper, ending, "end_scan", close);
    match outcome {
        // There may be no further check of the server's: the statement is over otherwise.
        Ok(()) | Err(Error::Interrupted) => outcome,
        Err(error) => {
            guard::warn(error);
            Ok(())
        }
    }
}
