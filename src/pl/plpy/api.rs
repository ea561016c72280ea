//! The module `multicorn._plpy`: what `plpy` asks of the library. The danger is an answer that outlives its
//! statement: all of it is Python objects when that has ended.

use std::rc::Rc;

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySequence, PyString, PyTuple};

use super::cursor::{PlyCursor, portals};
use super::plan::PlyPlan;
use super::result::{PlyResult, dicts};
use crate::bridge::sql::{self, Denied, Terms, run_for_function};
use crate::bridge::{errors, logging, subtransaction};
use crate::convert::{Dialect, known};
use crate::error::{Error, Level, Report, SqlState};
use crate::pg::spi::{self, How};
use crate::pg::statement::{self, Name, Scroll, Types};
use crate::pg::{encoding, types};
use crate::pl::frame;

const NAME: &str = "multicorn._plpy";

/// Makes the module and puts it into `sys.modules`.
pub(crate) fn extend(native: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = native.py();
    let module = PyModule::new(py, NAME)?;
    module.add_class::<PlyResult>()?;
    module.add_class::<PlyPlan>()?;
    module.add_class::<PlyCursor>()?;
    module.add_function(wrap_pyfunction!(execute, &module)?)?;
    module.add_function(wrap_pyfunction!(prepare, &module)?)?;
    module.add_function(wrap_pyfunction!(cursor, &module)?)?;
    module.add_function(wrap_pyfunction!(begin, &module)?)?;
    module.add_function(wrap_pyfunction!(innermost, &module)?)?;
    module.add_function(wrap_pyfunction!(finish, &module)?)?;
    module.add_function(wrap_pyfunction!(end, &module)?)?;
    module.add_function(wrap_pyfunction!(say, &module)?)?;
    module.add_function(wrap_pyfunction!(is_running, &module)?)?;
    module.add_function(wrap_pyfunction!(quote_identifier, &module)?)?;
    module.add_function(wrap_pyfunction!(quote_literal, &module)?)?;
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    modules.set_item(NAME, &module)?;
    native.add_function(wrap_pyfunction!(quote_identifier, native)?)?;
    native.add_function(wrap_pyfunction!(quote_literal, native)?)?;
    native.add("plpy", module)
}

/// How a column's values become Python's.
pub(super) fn conversion(type_oid: u32) -> Result<Rc<known::Value>, Error> {
    known::value(type_oid, Dialect::Plpy)
}

/// `plpy.Error`.
pub(super) fn ply_error(text: &str) -> PyErr {
    Python::attach(|py| {
        let made = || py.import("multicorn._plpy_errors")?.getattr("Error")?.call1((text,));
        made().map_or_else(|other: PyErr| other, PyErr::from_value)
    })
}

/// Runs `work`, which asks for SQL, where functions may.
pub(super) fn run<T>(py: Python<'_>, work: impl FnOnce(Terms) -> Result<T, Error>) -> PyResult<T> {
    run_for_function(work).map_err(|denied| raised(py, denied))
}

pub(super) fn raised(py: Python<'_>, denied: Denied) -> PyErr {
    match denied {
        Denied::Refused(why) => PyRuntimeError::new_err(why),
        Denied::Failed(error) => spi_error(py, error),
    }
}

/// The error as one of `plpy.spiexceptions`.
fn spi_error(py: Python<'_>, mut error: Error) -> PyErr {
    if let Some(report) = error.report_mut()
        && let Some(code) = report.message.strip_prefix(spi::REFUSED)
    {
        report.message = format!("SPI_execute failed: {code}");
    }
    errors::to_python_as(py, error, |py, report| {
        let context = report.context.as_deref().and_then(inner);
        let fields = PyTuple::new(
            py,
            [
                &report.detail,
                &report.hint,
                &report.internal_query,
                &report.schema_name,
                &report.table_name,
                &report.column_name,
                &report.datatype_name,
                &report.constraint_name,
                &context,
            ],
        )?;
        let exception = py.import("multicorn._plpy_errors")?.getattr("spi_error")?.call1((
            report.sqlstate.text(),
            report.sqlstate.0,
            &report.message,
            report.internal_position,
            fields,
        ))?;
        Ok(PyErr::from_value(exception))
    })
}

/// The lines of CONTEXT that were there below this function.
fn inner(context: &str) -> Option<String> {
    let place = frame::current().map(|frame| frame.place().to_string_lossy().into_owned());
    let lines: Vec<&str> =
        context.lines().take_while(|line| place.as_deref().is_none_or(|place| place != *line)).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Run a statement and return what it gives.
///
/// `execute(query[, limit])` runs a text, which may hold several statements;
/// `execute(plan[, arguments[, limit]])` one that was prepared. Raises `SPIError`, more exactly one of
/// `spiexceptions`, if it fails.
#[pyfunction]
#[pyo3(signature = (query, *more), text_signature = "(query, *more)")]
fn execute(py: Python<'_>, query: &Bound<'_, PyAny>, more: &Bound<'_, PyTuple>) -> PyResult<PlyResult> {
    if let Ok(query) = query.cast::<PyString>() {
        let limit = if more.is_empty() { 0 } else { more.get_item(0)?.extract()? };
        return run_text(py, query.to_str()?, limit);
    }
    let Ok(plan) = query.cast::<PlyPlan>() else {
        return Err(ply_error("plpy.execute expected a query or a plan"));
    };
    let limit = if more.len() > 1 { more.get_item(1)?.extract()? } else { 0 };
    plan.get().run(py, more.get_item(0).ok().as_ref(), limit)
}

fn run_text(py: Python<'_>, query: &str, limit: i64) -> PyResult<PlyResult> {
    // Which of several statements gave the rows is known only to the server.
    let several = query.trim_end().trim_end_matches(';').contains(';');
    run(py, |terms| {
        let how = How { read_only: terms.read_only, limit };
        spi::connected(|spi| {
            if several {
                let answer = spi.run(query, how)?;
                return terms.converting(|| PlyResult::of_answer(py, answer));
            }
            let (done, rows) = spi.run_into(query, how, terms.receiver(dicts(py, None)))?;
            Ok(PlyResult::new(py, done, rows.into_inner()))
        })
    })
}

/// Prepare a statement for running it often.
///
/// `argtypes` names the types of `$1`, `$2`, … as a cast does: `["int", "text[]"]`.
#[pyfunction]
#[pyo3(signature = (query, argtypes=None))]
fn prepare(py: Python<'_>, query: &str, argtypes: Option<&Bound<'_, PyAny>>) -> PyResult<PlyPlan> {
    let names = type_names(argtypes)?;
    let statement = run(py, |_| {
        spi::connected(|spi| {
            let types = names.iter().map(|name| types::parse(name)).collect::<Result<Vec<_>, _>>()?;
            spi.prepare(query, Types::Given(&types), Scroll::AsItComes)
        })
    })?;
    Ok(PlyPlan::new(statement))
}

fn type_names(argtypes: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<String>> {
    let Some(argtypes) = argtypes.filter(|given| !given.is_none()) else { return Ok(Vec::new()) };
    let sequence = argtypes.cast::<PySequence>().ok().filter(|_| !argtypes.is_instance_of::<PyString>());
    let Some(sequence) = sequence else {
        return Err(ply_error("second argument of plpy.prepare must be a sequence"));
    };
    let name = |(position, name): (usize, Bound<'_, PyAny>)| {
        let text = format!("plpy.prepare: type name at ordinal position {position} is not a string");
        name.extract::<String>().map_err(|_| ply_error(&text))
    };
    sequence.to_tuple()?.iter().enumerate().map(name).collect()
}

/// Open a cursor over the rows of a query, or of a prepared statement with values for its parameters.
#[pyfunction]
#[pyo3(signature = (query, arguments=None))]
fn cursor(
    py: Python<'_>,
    query: &Bound<'_, PyAny>,
    arguments: Option<&Bound<'_, PyAny>>,
) -> PyResult<PlyCursor> {
    if let Ok(plan) = query.cast::<PlyPlan>() {
        return plan.get().open(py, arguments);
    }
    let (Ok(query), None) = (query.cast::<PyString>(), arguments) else {
        return Err(ply_error("plpy.cursor expected a query or a plan"));
    };
    let query = query.to_str()?;
    let portal = run(py, |terms| {
        spi::connected(|spi| {
            let statement = spi.prepare(query, Types::Given(&[]), Scroll::AsItComes)?;
            let how = How { read_only: terms.read_only, limit: 0 };
            spi.open(&statement, &[], Name::Numbered, how)
        })
    })?;
    Ok(PlyCursor::new(portal))
}

/// Begins a subtransaction, and returns its number.
#[pyfunction]
fn begin(py: Python<'_>) -> PyResult<u64> {
    sql::terms().map_err(PyRuntimeError::new_err)?;
    subtransaction::begin().map_err(|error| spi_error(py, error))
}

/// The number of the innermost open subtransaction that Python code has begun.
#[pyfunction]
fn innermost() -> Option<u64> {
    subtransaction::innermost()
}

/// Ends the innermost subtransaction.
#[pyfunction]
fn finish(py: Python<'_>, commit: bool) -> PyResult<()> {
    sql::terms().map_err(PyRuntimeError::new_err)?;
    subtransaction::finish(commit).map_err(|error| spi_error(py, error))
}

/// Ends the transaction, and begins the next one, in which the cursors are still open.
#[pyfunction]
fn end(py: Python<'_>, commit: bool) -> PyResult<()> {
    let terms = sql::terms().map_err(PyRuntimeError::new_err)?;
    let portals = portals();
    sql::ending(|| {
        let mut pinned = Vec::new();
        for portal in &portals {
            if statement::pin(portal)? {
                pinned.push(portal);
            }
        }
        let ended = spi::end_transaction(commit, terms.atomic);
        pinned.into_iter().try_for_each(|portal| statement::unpin(portal))?;
        ended
    })
    .map_err(|error| spi_error(py, error))
}

/// Sends a message; `fields` are detail, hint, SQLSTATE, and the names of schema, table, column, datatype
/// and constraint.
#[pyfunction]
fn say(py: Python<'_>, level: &str, message: String, mut fields: Vec<Option<String>>) -> PyResult<()> {
    let (level, sqlstate) = match level {
        "debug" => (Level::Debug2, SqlState::SUCCESS),
        "log" => (Level::Log, SqlState::SUCCESS),
        "info" => (Level::Info, SqlState::SUCCESS),
        "notice" => (Level::Notice, SqlState::SUCCESS),
        _ => (Level::Warning, SqlState::WARNING),
    };
    fields.resize(8, None);
    let mut next = fields.into_iter().map(|field| field.map(|text| text.replace('\0', "\\x00")));
    let mut field = || next.next().flatten();
    let mut report = Report::new(sqlstate, message.replace('\0', "\\x00"));
    report.detail = field();
    report.hint = field();
    if let Some(code) = field() {
        report.sqlstate =
            SqlState::parse(&code).ok_or_else(|| PyValueError::new_err("invalid SQLSTATE code"))?;
    }
    report.name_objects(|_| PyResult::Ok(field()))?;
    logging::say(level, report).map_err(|error| spi_error(py, error))
}

/// Whether a function of our languages is what runs now.
#[pyfunction]
fn is_running() -> bool {
    sql::is_in_function()
}

/// A name as SQL wants it.
#[pyfunction]
fn quote_identifier(py: Python<'_>, name: &str) -> PyResult<String> {
    sql::terms().map_err(PyRuntimeError::new_err)?;
    encoding::quote_identifier(name).map_err(|error| errors::to_python(py, error))
}

/// A text as a literal of SQL.
#[pyfunction]
fn quote_literal(py: Python<'_>, text: &str) -> PyResult<String> {
    sql::terms().map_err(PyRuntimeError::new_err)?;
    encoding::quote_literal(text).map_err(|error| errors::to_python(py, error))
}
