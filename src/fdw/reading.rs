//! What one plan means for one wrapper object: the plan read from its text, converters, and the
//! Python objects that every `execute` is given anew. The danger is a stale one: it is kept with its
//! instance and thrown away with the instance's converters.

use std::cell::OnceCell;
use std::rc::Rc;

use multicorn_plan::{Qual, Quantifier, ScanPlan, Value};
use pyo3::prelude::*;
use pyo3::types::{PyList, PySet, PyString};

use super::class;
use super::instance::{Instance, Rows};
use super::quals::{self, Known};
use crate::bridge::Failure;
use crate::error::Error;
use crate::pg::planner::{Constant, read_plan};

/// A plan, read once however often it is executed.
pub(super) struct Reading {
    pub(super) plan: ScanPlan,
    /// Made at the first execution: EXPLAIN needs none of it.
    ready: OnceCell<Ready>,
}

/// Everything that executions share.
pub(super) struct Ready {
    pub(super) rows: Rc<Rows>,
    /// A set that is copied for each call.
    columns: Py<PySet>,
    quals: Vec<ReadyQual>,
}

struct ReadyQual {
    column: Py<PyString>,
    /// A str, or the pair for ANY and ALL.
    operator: Py<PyAny>,
    quantifier: Option<Quantifier>,
    side: ReadySide,
}

enum ReadySide {
    Fixed(Py<PyAny>),
    /// The next of the evaluated expressions.
    Evaluated(Known),
}

impl Reading {
    pub(super) fn new(text: &[u8]) -> Result<Self, Error> {
        Ok(Reading { plan: read_plan(text)?, ready: OnceCell::new() })
    }

    pub(super) fn ready(&self, instance: &Instance) -> Result<&Ready, Error> {
        match self.ready.get() {
            Some(ready) => Ok(ready),
            None => {
                let made = instance.call(|py, _| Ready::new(py, instance, &self.plan))?;
                Ok(self.ready.get_or_init(|| made))
            }
        }
    }
}

impl Ready {
    fn new(py: Python<'_>, instance: &Instance, plan: &ScanPlan) -> Result<Self, Failure> {
        let quals = plan.quals.iter().map(|qual| ReadyQual::new(py, qual));
        Ok(Ready {
            rows: instance.rows(py, &plan.columns)?,
            columns: quals::columns(py, instance, &plan.columns)?.unbind(),
            quals: quals.collect::<Result<_, Failure>>()?,
        })
    }

    /// The names of the needed columns, for one call: the class may change the set.
    pub(super) fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.columns.bind(py).call_method0(pyo3::intern!(py, "copy"))
    }

    /// The `Qual`s for one call; `values` are those of the plan's expressions, in its order.
    pub(super) fn quals<'py>(
        &self,
        py: Python<'py>,
        values: &[Constant],
    ) -> Result<Bound<'py, PyList>, Failure> {
        let contract = class::contract(py)?;
        let class = contract.qual.bind(py);
        let result = PyList::empty(py);
        let mut values = values.iter();
        for qual in &self.quals {
            let value = match &qual.side {
                ReadySide::Fixed(value) => Some(value.bind(py).clone()),
                ReadySide::Evaluated(known) => {
                    let value = values
                        .next()
                        .ok_or_else(|| Error::internal("multicorn: a qual's value is missing"))?;
                    known.to_python(py, *value, qual.quantifier)?
                }
            };
            if let Some(value) = value {
                result.append(class.call1((qual.column.bind(py), qual.operator.bind(py), value))?)?;
            }
        }
        Ok(result)
    }
}

impl ReadyQual {
    fn new(py: Python<'_>, qual: &Qual) -> Result<Self, Failure> {
        let side = match &qual.value {
            Value::Expression { type_oid, .. } => ReadySide::Evaluated(quals::known(*type_oid)?),
            fixed => ReadySide::Fixed(quals::fixed(py, fixed).unbind()),
        };
        Ok(ReadyQual {
            column: PyString::intern(py, &qual.column).unbind(),
            operator: quals::operator(py, qual)?.unbind(),
            quantifier: qual.quantifier,
            side,
        })
    }
}
