//! What the module `plpy` asks of the library. The danger is an answer that outlives its connection: all of
//! it is Python objects when the connection is closed.

use std::rc::Rc;

use pgrx::pg_sys;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::bridge::sql::{self, Denied, Terms, run_for_function};
use crate::bridge::{errors, logging, subtransaction};
use crate::convert::{Dialect, known, table};
use crate::error::{Error, Level, Report, SqlState};
use crate::pg::planner::Constant;
use crate::pg::spi::{self, Answer, How};
use crate::pg::statement::{self, Direction, Name, Scroll, Statement, Types};
use crate::pg::{encoding, types};
use crate::pl::frame;

/// Adds the functions to `multicorn._native`.
pub(crate) fn extend(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Plan>()?;
    module.add_function(wrap_pyfunction!(plpy_execute, module)?)?;
    module.add_function(wrap_pyfunction!(plpy_prepare, module)?)?;
    module.add_function(wrap_pyfunction!(plpy_open, module)?)?;
    module.add_function(wrap_pyfunction!(plpy_fetch, module)?)?;
    module.add_function(wrap_pyfunction!(plpy_close, module)?)?;
    module.add_function(wrap_pyfunction!(plpy_begin, module)?)?;
    module.add_function(wrap_pyfunction!(plpy_finish, module)?)?;
    module.add_function(wrap_pyfunction!(plpy_innermost, module)?)?;
    module.add_function(wrap_pyfunction!(plpy_end, module)?)?;
    module.add_function(wrap_pyfunction!(plpy_say, module)?)?;
    module.add_function(wrap_pyfunction!(plpy_is_running, module)?)?;
    module.add_function(wrap_pyfunction!(quote_identifier, module)?)?;
    module.add_function(wrap_pyfunction!(quote_literal, module)?)
}

/// The server's code, the number of rows, the rows, and the names, types and typmods of their columns.
type Outcome<'py> = (i32, u64, Option<Bound<'py, PyList>>, Option<Columns>);
type Columns = (Vec<String>, Vec<u32>, Vec<i32>);

/// A prepared statement.
#[pyclass(frozen, unsendable, module = "multicorn._native", name = "_Plan")]
struct Plan(Rc<Statement>);

#[pymethods]
impl Plan {
    /// How many parameters it has.
    fn __len__(&self) -> usize {
        self.0.parameters().len()
    }

    fn execute<'py>(&self, py: Python<'py>, args: Bound<'py, PyTuple>, limit: i64) -> PyResult<Outcome<'py>> {
        let statement = self.0.clone();
        run(py, |terms| {
            spi::connected(|spi| {
                let values = terms.converting(|| values(&statement, &args))?;
                let how = How { read_only: terms.read_only, limit };
                outcome(py, terms, spi.execute(&statement, &values, how)?)
            })
        })
    }

    /// Opens a portal, and returns its name.
    fn open(&self, py: Python<'_>, args: Bound<'_, PyTuple>) -> PyResult<String> {
        let statement = self.0.clone();
        run(py, |terms| {
            spi::connected(|spi| {
                let values = terms.converting(|| values(&statement, &args))?;
                let how = How { read_only: terms.read_only, limit: 0 };
                spi.open(&statement, &values, Name::Numbered, how)
            })
        })
    }
}

/// Runs `work`, which asks for SQL, where functions may.
fn run<T>(py: Python<'_>, work: impl FnOnce(Terms) -> Result<T, Error>) -> PyResult<T> {
    run_for_function(work).map_err(|denied| raised(py, denied))
}

fn raised(py: Python<'_>, denied: Denied) -> PyErr {
    match denied {
        Denied::Refused(why) => PyRuntimeError::new_err(why),
        Denied::Failed(error) => spi_error(py, error),
    }
}

/// The error as one of `plpy.spiexceptions`.
fn spi_error(py: Python<'_>, error: Error) -> PyErr {
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

fn values(statement: &Statement, args: &Bound<'_, PyTuple>) -> Result<Vec<Constant>, Error> {
    let value = |(arg, type_oid): (Bound<'_, PyAny>, &pg_sys::Oid)| {
        known::parameter(type_oid.to_u32(), Dialect::Plpy)?.constant(&arg)
    };
    args.iter().zip(statement.parameters()).map(value).collect()
}

fn outcome<'py>(py: Python<'py>, terms: Terms, answer: Answer) -> Result<Outcome<'py>, Error> {
    let Some(mut rows) = answer.rows else { return Ok((answer.code, answer.count, None, None)) };
    let plans = table::plans(&rows, |type_oid| known::value(type_oid, Dialect::Plpy))?;
    let list = terms.converting(|| table::dicts(py, &mut rows, &plans))?;
    let columns = rows.columns();
    let columns = (
        columns.iter().map(|column| column.name.clone()).collect(),
        columns.iter().map(|column| column.type_oid.to_u32()).collect(),
        columns.iter().map(|column| column.typmod).collect(),
    );
    Ok((answer.code, answer.count, Some(list), Some(columns)))
}

/// Runs a text of any number of statements.
#[pyfunction]
fn plpy_execute<'py>(py: Python<'py>, query: &str, limit: i64) -> PyResult<Outcome<'py>> {
    run(py, |terms| {
        let how = How { read_only: terms.read_only, limit };
        spi::connected(|spi| outcome(py, terms, spi.run(query, how)?))
    })
}

/// Prepares a text with parameters of the types of these names.
#[pyfunction]
fn plpy_prepare(py: Python<'_>, query: &str, names: Vec<String>) -> PyResult<Plan> {
    let statement = run(py, |_| {
        spi::connected(|spi| {
            let types = names.iter().map(|name| types::parse(name)).collect::<Result<Vec<_>, _>>()?;
            spi.prepare(query, Types::Given(&types), Scroll::AsItComes)
        })
    })?;
    Ok(Plan(Rc::new(statement)))
}

/// Opens a portal for a query without parameters, and returns its name.
#[pyfunction]
fn plpy_open(py: Python<'_>, query: &str) -> PyResult<String> {
    run(py, |terms| {
        spi::connected(|spi| {
            let statement = spi.prepare(query, Types::Given(&[]), Scroll::AsItComes)?;
            let how = How { read_only: terms.read_only, limit: 0 };
            spi.open(&statement, &[], Name::Numbered, how)
        })
    })
}

/// The next rows of a portal; None if it is gone.
#[pyfunction]
fn plpy_fetch<'py>(py: Python<'py>, portal: &str, count: i64) -> PyResult<Option<Outcome<'py>>> {
    run(py, |terms| {
        spi::connected(|spi| {
            let answer = spi.fetch(portal, Direction::Forward, count)?;
            answer.map(|answer| outcome(py, terms, answer)).transpose()
        })
    })
}

/// Closes a portal; false if it is gone.
#[pyfunction]
fn plpy_close(py: Python<'_>, portal: &str) -> PyResult<bool> {
    run(py, |_| {
        let open = statement::is_open(portal)?;
        if open {
            spi::connected(|spi| spi.close(portal))?;
        }
        Ok(open)
    })
}

/// Begins a subtransaction, and returns its number.
#[pyfunction]
fn plpy_begin(py: Python<'_>) -> PyResult<u64> {
    sql::terms().map_err(PyRuntimeError::new_err)?;
    subtransaction::begin().map_err(|error| spi_error(py, error))
}

/// The number of the innermost open subtransaction that Python code has begun.
#[pyfunction]
fn plpy_innermost() -> Option<u64> {
    subtransaction::innermost()
}

/// Ends the innermost subtransaction.
#[pyfunction]
fn plpy_finish(py: Python<'_>, commit: bool) -> PyResult<()> {
    sql::terms().map_err(PyRuntimeError::new_err)?;
    subtransaction::finish(commit).map_err(|error| spi_error(py, error))
}

/// Ends the transaction, and begins the next one, in which these portals are still open.
#[pyfunction]
fn plpy_end(py: Python<'_>, commit: bool, portals: Vec<String>) -> PyResult<()> {
    let terms = sql::terms().map_err(PyRuntimeError::new_err)?;
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
fn plpy_say(py: Python<'_>, level: &str, message: String, mut fields: Vec<Option<String>>) -> PyResult<()> {
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
    report.schema_name = field();
    report.table_name = field();
    report.column_name = field();
    report.datatype_name = field();
    report.constraint_name = field();
    logging::say(level, report).map_err(|error| spi_error(py, error))
}

/// Whether a function of our languages is what runs now.
#[pyfunction]
fn plpy_is_running() -> bool {
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
