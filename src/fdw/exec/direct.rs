//! `update_where` and `delete_where`: all matching rows at once. The danger is a count that is none: it
//! becomes the statement's.

use std::rc::Rc;

use multicorn_plan::{DirectPlan, Qual, Value};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList};

use super::super::instance::{self, Instance, wrong_result};
use super::super::quals::{self, Side};
use super::super::transaction;
use super::modify::{end_modify, no_value};
use crate::bridge::Failure;
use crate::error::Error;
use crate::pg::direct::plan_of;
use crate::pg::live::{Ending, Ends};
use crate::pg::modify::Command;
use crate::pg::planner::Constant;
use crate::pg::scan_node::{Expressions, ScanNode};

pub(crate) struct Direct {
    instance: Rc<Instance>,
    plan: DirectPlan,
    expressions: Expressions,
    method: &'static str,
    called: bool,
}

impl Direct {
    pub(crate) fn begin(node: &ScanNode, command: Command) -> Result<Self, Error> {
        let instance = instance::get(node.table(), node.user())?;
        let plan = plan_of(node)?;
        instance.check_promise(plan.promised)?;
        transaction::join(&instance)?;
        let method = if command == Command::Delete { "delete_where" } else { "update_where" };
        let expressions = node.prepare_expressions()?;
        Ok(Direct { instance, plan, expressions, method, called: false })
    }

    /// The number of rows, and whether they count as the statement's.
    pub(crate) fn run(&mut self, node: &ScanNode) -> Result<(u64, bool), Error> {
        let sets_count = self.plan.sets_count;
        let Some(values) = self.values(node)? else { return Ok((0, sets_count)) };
        self.called = true;
        let rows = self.instance.call(|py, object| {
            let quals = self.quals(py, &values)?;
            let result = match &self.plan.assignments {
                None => object.call_method1(intern!(py, "delete_where"), (quals,))?,
                Some(_) => {
                    let assignments = self.assignments(py, &values)?;
                    object.call_method1(intern!(py, "update_where"), (quals, assignments))?
                }
            };
            let count = result.extract::<u64>().ok().filter(|_| !result.is_instance_of::<PyBool>());
            let wrong = || wrong_result(&self.instance.class, self.method, "the number of rows", &result);
            Ok(count.ok_or_else(wrong)?)
        })?;
        Ok((rows, sets_count))
    }

    /// The values of all expressions; `None` if a comparison with NULL lets no row pass. What would be set
    /// is not looked at then: it may fail.
    fn values(&self, node: &ScanNode) -> Result<Option<Vec<Constant>>, Error> {
        let evaluate = |index| node.evaluate(&self.expressions, index);
        // The planner put the values that are compared before those that are set.
        let compared = self.plan.quals.iter().filter_map(|qual| match qual.value {
            Value::Expression { index, .. } => Some(index),
            _ => None,
        });
        let compared = compared.max().map_or(0, |last| last + 1);
        let mut values: Vec<Constant> = (0..compared).map(evaluate).collect::<Result<_, Error>>()?;
        let never = |qual: &Qual| matches!(qual.value, Value::Expression { index, strict: true, .. } if values[index].is_null);
        if self.plan.quals.iter().any(never) {
            return Ok(None);
        }
        let set = self.plan.assignments.iter().flatten().map(|assignment| assignment.index);
        let count = set.max().map_or(compared, |last| last + 1);
        for index in compared..count {
            values.push(evaluate(index)?);
        }
        Ok(Some(values))
    }

    fn quals<'py>(&self, py: Python<'py>, values: &[Constant]) -> Result<Bound<'py, PyList>, Failure> {
        quals::list(py, &self.plan.quals, |qual| match qual.value {
            Value::Expression { index, .. } => Some(Side::Known(values[index])),
            _ => None,
        })
    }

    fn assignments<'py>(&self, py: Python<'py>, values: &[Constant]) -> Result<Bound<'py, PyDict>, Failure> {
        let set = PyDict::new(py);
        for assignment in self.plan.assignments.iter().flatten() {
            let constant = values[assignment.index];
            let value = quals::known(assignment.type_oid)?.value(py, constant)?;
            if value.is_none() && !constant.is_null {
                return Err(no_value(&assignment.column).into());
            }
            set.set_item(&assignment.column, value)?;
        }
        Ok(set)
    }
}

impl Ends for Direct {
    fn end(self, ending: Ending) -> Result<(), Error> {
        if self.called { end_modify(&self.instance, ending) } else { Ok(()) }
    }
}
