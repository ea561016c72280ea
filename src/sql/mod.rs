//! SQL from Python with typed values: what `multicorn.sql` calls. The danger is a value that outlives the
//! connection to SPI: everything is a Python object before it is closed.

pub(crate) mod plans;

use pgrx::pg_sys;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::bridge::sql::{acting, is_possible, run, run_as};
use crate::convert::{Dialect, known, table};
use crate::error::{Error, SqlState};
use crate::pg::planner::Constant;
use crate::pg::spi::{self, Answer, How, ResultRows, Spi};
use crate::pg::statement::{Direction, Name, Statement};

/// Adds the functions to `multicorn._native`.
pub(crate) fn extend(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(sql_execute, module)?)?;
    module.add_function(wrap_pyfunction!(sql_open, module)?)?;
    module.add_function(wrap_pyfunction!(sql_fetch, module)?)?;
    module.add_function(wrap_pyfunction!(sql_close, module)?)
}

/// What a statement gave: rows as dicts, none for one that gives none, and how many it gave or touched.
type Outcome<'py> = (Option<Bound<'py, PyList>>, u64);

/// Runs one statement with the values of `$1`, `$2`, ….
#[pyfunction]
fn sql_execute<'py>(py: Python<'py>, query: &str, args: Bound<'py, PyTuple>) -> PyResult<Outcome<'py>> {
    run(py, || {
        spi::connected(|spi| {
            let prepared = plans::prepared(spi, query, args.len())?;
            let answer = spi.execute(&prepared, &values(&prepared, &args)?, How::default())?;
            outcome(py, answer)
        })
    })
}

/// Opens a cursor, and returns its name, and the role as which its query runs.
#[pyfunction]
fn sql_open(py: Python<'_>, query: &str, args: Bound<'_, PyTuple>) -> PyResult<(String, u32)> {
    let name = run(py, || {
        spi::connected(|spi| {
            let prepared = plans::prepared(spi, query, args.len())?;
            spi.open(&prepared, &values(&prepared, &args)?, Name::Secret, How::default())
        })
    })?;
    Ok((name, acting().to_u32()))
}

/// The next rows of a cursor, at most `count`; fewer only at its end. Its functions run as the role that
/// opened it, whoever fetches: an object that tables of several owners share must not lend out their rights.
#[pyfunction]
fn sql_fetch<'py>(py: Python<'py>, cursor: &str, role: u32, count: i64) -> PyResult<Bound<'py, PyList>> {
    run_as(py, pg_sys::Oid::from(role), || {
        spi::connected(|spi| {
            let answer = spi.fetch(cursor, Direction::Forward, count)?.ok_or_else(gone)?;
            Ok(outcome(py, answer)?.0.unwrap_or_else(|| PyList::empty(py)))
        })
    })
}

/// Closes a cursor if that is possible now; if not, the end of the transaction does.
#[pyfunction]
fn sql_close(py: Python<'_>, cursor: &str) -> PyResult<()> {
    if !is_possible() {
        return Ok(());
    }
    run(py, || spi::connected(|spi: &Spi| spi.close(cursor)))
}

fn gone() -> Error {
    Error::new(SqlState::INVALID_CURSOR_NAME, "the cursor is closed")
        .detail("A cursor ends with the transaction or savepoint in which it was opened.")
}

/// The arguments as values of the statement's parameters.
pub(crate) fn values(statement: &Statement, args: &Bound<'_, PyTuple>) -> Result<Vec<Constant>, Error> {
    known::constants(statement.parameters(), args, Dialect::Wrapper)
}

fn outcome<'py>(py: Python<'py>, answer: Answer) -> Result<Outcome<'py>, Error> {
    let rows = answer.rows.map(|rows| dicts(py, rows)).transpose()?;
    Ok((rows, answer.count))
}

/// Each row as a dict by column name.
fn dicts<'py>(py: Python<'py>, mut rows: ResultRows) -> Result<Bound<'py, PyList>, Error> {
    if let Some(twice) = table::twice(rows.columns()) {
        return Err(Error::new(
            SqlState::DUPLICATE_COLUMN,
            format!("the result has several columns of the name \"{twice}\""),
        )
        .hint("Give each a name of its own by AS."));
    }
    let plans = table::plans(&rows, |type_oid| known::value(type_oid, Dialect::Wrapper))?;
    table::dicts(py, &mut rows, &plans)
}
