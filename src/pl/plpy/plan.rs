//! `PLyPlan`: a prepared statement. The danger is a plan's conversions after a type has changed: they are kept
//! with the count of changes, and looked up anew.

use std::cell::RefCell;
use std::rc::Rc;

use pgrx::pg_sys;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PySequence, PyString, PyTuple};

use super::api::run;
use super::cursor::PlyCursor;
use super::result::{PlyResult, dicts};
use crate::bridge::pinned::Pinned;
use crate::convert::table::Layout;
use crate::convert::{Dialect, known};
use crate::error::Error;
use crate::pg::planner::Constant;
use crate::pg::spi::{self, How};
use crate::pg::statement::{Name, Statement};

/// A prepared statement, as `prepare` makes it; it lives as long as you keep it.
#[pyclass(frozen, module = "plpy", name = "PLyPlan")]
pub(super) struct PlyPlan(Pinned<Plan>);

/// The conversions of the parameters.
type Parameters = Rc<[Rc<known::Parameter>]>;

struct Plan {
    statement: Rc<Statement>,
    parameters: RefCell<((u64, u32), Parameters)>,
    /// What the rows of the last run were made with.
    layout: RefCell<Option<Rc<Layout>>>,
}

impl PlyPlan {
    pub(super) fn new(statement: Statement) -> Self {
        PlyPlan(Pinned::new(Plan {
            statement: Rc::new(statement),
            parameters: RefCell::new(((0, 0), Rc::from([]))),
            layout: RefCell::new(None),
        }))
    }

    pub(super) fn run(
        &self,
        py: Python<'_>,
        arguments: Option<&Bound<'_, PyAny>>,
        limit: i64,
    ) -> PyResult<PlyResult> {
        self.0.get().run(py, arguments, limit)
    }

    pub(super) fn open(&self, py: Python<'_>, arguments: Option<&Bound<'_, PyAny>>) -> PyResult<PlyCursor> {
        self.0.get().open(py, arguments)
    }
}

impl Plan {
    /// The conversions of the parameters.
    fn parameters(&self) -> Result<Parameters, Error> {
        let epoch = known::epoch();
        let (known, parameters) = &*self.parameters.borrow();
        if *known == epoch {
            return Ok(parameters.clone());
        }
        self.statement
            .parameters()
            .iter()
            .map(|type_oid: &pg_sys::Oid| known::parameter(type_oid.to_u32(), Dialect::Plpy))
            .collect()
    }

    fn values(&self, args: &Bound<'_, PyTuple>) -> Result<Vec<Constant>, Error> {
        let parameters = self.parameters()?;
        let values =
            args.iter().zip(parameters.iter()).map(|(arg, parameter)| parameter.constant(&arg)).collect();
        // What looks them up may be running inside of them.
        if let Ok(mut kept) = self.parameters.try_borrow_mut() {
            *kept = (known::epoch(), parameters);
        }
        values
    }

    fn run(&self, py: Python<'_>, arguments: Option<&Bound<'_, PyAny>>, limit: i64) -> PyResult<PlyResult> {
        let args = self.arguments(py, arguments, "execute")?;
        let layout = self.layout.borrow().clone();
        let (done, dicts) = run(py, |terms| {
            spi::connected(|spi| {
                let values = terms.converting(|| self.values(&args))?;
                let how = How { read_only: terms.read_only, limit };
                spi.execute_into(&self.statement, &values, how, terms.receiver(dicts(py, layout)))
            })
        })?;
        let result = PlyResult::new(py, done, dicts.into_inner());
        if let Some(layout) = result.layout() {
            self.layout.replace(Some(layout.clone()));
        }
        Ok(result)
    }

    fn open(&self, py: Python<'_>, arguments: Option<&Bound<'_, PyAny>>) -> PyResult<PlyCursor> {
        let args = self.arguments(py, arguments, "cursor")?;
        let portal = run(py, |terms| {
            spi::connected(|spi| {
                let values = terms.converting(|| self.values(&args))?;
                let how = How { read_only: terms.read_only, limit: 0 };
                spi.open(&self.statement, &values, Name::Numbered, how)
            })
        })?;
        Ok(PlyCursor::new(portal))
    }

    /// A value for each parameter.
    fn arguments<'py>(
        &self,
        py: Python<'py>,
        arguments: Option<&Bound<'py, PyAny>>,
        action: &str,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let args = match arguments.filter(|arguments| !arguments.is_none()) {
            None => PyTuple::empty(py),
            Some(arguments) => match arguments.cast::<PySequence>() {
                Ok(sequence) if !arguments.is_instance_of::<PyString>() => sequence.to_tuple()?,
                _ => {
                    let text = format!("plpy.{action} takes a sequence as its second argument");
                    return Err(PyTypeError::new_err(text));
                }
            },
        };
        let expected = self.statement.parameters().len();
        if args.len() == expected {
            return Ok(args);
        }
        let shown = arguments
            .map_or_else(|| Ok("()".to_owned()), |given| Ok::<_, PyErr>(given.str()?.to_string()))?;
        let noun = if expected == 1 { "argument" } else { "arguments" };
        let given = args.len();
        Err(PyTypeError::new_err(format!("Expected sequence of {expected} {noun}, got {given}: {shown}")))
    }
}

#[pymethods]
impl PlyPlan {
    /// Run the plan with values for its parameters, and return what it gives.
    ///
    /// `limit` bounds the rows, 0 is no bound. Raises `SPIError`.
    #[pyo3(signature = (arguments=None, limit=0))]
    fn execute(
        &self,
        py: Python<'_>,
        arguments: Option<&Bound<'_, PyAny>>,
        limit: i64,
    ) -> PyResult<PlyResult> {
        self.run(py, arguments, limit)
    }

    /// Open a cursor over the rows of the plan. Raises `SPIError`.
    #[pyo3(signature = (arguments=None))]
    fn cursor(&self, py: Python<'_>, arguments: Option<&Bound<'_, PyAny>>) -> PyResult<PlyCursor> {
        self.open(py, arguments)
    }

    /// Return True: a plan that exists can be run.
    fn status(&self) -> bool {
        true
    }
}
