//! SQL of remote functions: as the caller, each statement in a subtransaction of its own, its parameters typed
//! by the server. The danger is what a worker asks for: its statements and values are those of a stranger,
//! and only a cancel or the like ends more than the statement.

use pgrx::pg_sys::{self, Datum, Oid};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::{give_nothing, in_process, json_argument, needed_text};
use crate::bridge::sql::{Caller, Denied, called_by, run_for_function};
use crate::bridge::{self, Failure, Origin, errors};
use crate::convert::{Dialect, known, table};
use crate::error::{Error, SqlState};
use crate::pg::call::Call;
use crate::pg::result_set::{self, SetMode};
use crate::pg::spi::{self, Answer, How, Spi};
use crate::pg::statement::{Direction, Name};
use crate::pg::{caller, catalog, texts};
use crate::sql;

/// What holds for SQL of remote functions.
pub(super) const CALLER: Caller = Caller::Function { read_only: false, atomic: true };

/// Adds the functions to `multicorn._native`.
pub(crate) fn extend(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(wormhole_run, module)?)?;
    module.add_function(wrap_pyfunction!(wormhole_open, module)?)?;
    module.add_function(wrap_pyfunction!(wormhole_fetch, module)?)?;
    module.add_function(wrap_pyfunction!(wormhole_close, module)?)
}

/// Names of columns, rows as tuples, and how many rows were given or touched.
type Outcome<'py> = (Vec<String>, Bound<'py, PyList>, u64);

fn outcome<'py>(py: Python<'py>, answer: Answer) -> Result<Outcome<'py>, Error> {
    let Some(mut rows) = answer.rows else { return Ok((Vec::new(), PyList::empty(py), answer.count)) };
    let plans = table::plans(&rows, |type_oid| known::value(type_oid, Dialect::Wrapper))?;
    let columns = rows.columns().iter().map(|column| column.name.clone()).collect();
    let whole: Vec<bool> = rows.columns().iter().map(|column| is_json(column.type_oid)).collect();
    let within = rows.columns().iter().any(|column| may_hold_json(column.type_oid));
    let list = table::tuples(py, &mut rows, &plans)?;
    if within || whole.contains(&true) {
        in_process::unmarked(py, &list, &whole)?;
    }
    Ok((columns, list, answer.count))
}

fn is_json(type_oid: Oid) -> bool {
    [pg_sys::JSONOID, pg_sys::JSONBOID].contains(&type_oid)
}

/// Arrays of them, rows of any kind, and whatever has been created.
fn may_hold_json(type_oid: Oid) -> bool {
    const FIRST_CREATED: u32 = pg_sys::FirstNormalObjectId;
    [pg_sys::JSONARRAYOID, pg_sys::JSONBARRAYOID, pg_sys::RECORDOID, pg_sys::RECORDARRAYOID]
        .contains(&type_oid)
        || type_oid.to_u32() >= FIRST_CREATED
}

fn run<'py>(
    py: Python<'py>,
    query: &str,
    args: &Bound<'py, PyTuple>,
    limit: i64,
) -> Result<Outcome<'py>, Denied> {
    run_for_function(|_terms| {
        spi::connected(|spi| {
            let prepared = sql::plans::prepared(spi, query, args.len())?;
            let how = How { limit, ..How::default() };
            outcome(py, spi.execute(&prepared, &sql::values(&prepared, args)?, how)?)
        })
    })
}

fn open(query: &str, args: &Bound<'_, PyTuple>) -> Result<String, Denied> {
    run_for_function(|_terms| {
        spi::connected(|spi| {
            let prepared = sql::plans::prepared(spi, query, args.len())?;
            spi.open(&prepared, &sql::values(&prepared, args)?, Name::Secret, How::default())
        })
    })
}

fn fetch<'py>(py: Python<'py>, portal: &str, count: i64) -> Result<Outcome<'py>, Denied> {
    run_for_function(|_terms| {
        spi::connected(|spi| {
            let gone = || Error::new(SqlState::INVALID_CURSOR_NAME, "the cursor is closed");
            outcome(py, spi.fetch(portal, Direction::Forward, count)?.ok_or_else(gone)?)
        })
    })
}

fn close(portal: &str) -> Result<(), Denied> {
    run_for_function(|_terms| spi::connected(|spi: &Spi| spi.close(portal)))
}

fn raised(py: Python<'_>, denied: Denied) -> PyErr {
    match denied {
        Denied::Refused(why) => PyRuntimeError::new_err(why),
        Denied::Failed(error) => errors::to_python(py, error),
    }
}

/// Runs a statement for a function in this process.
#[pyfunction]
fn wormhole_run<'py>(py: Python<'py>, query: &str, args: Bound<'py, PyTuple>) -> PyResult<Outcome<'py>> {
    run(py, query, &args, 0).map_err(|denied| raised(py, denied))
}

/// Opens a portal for one, and returns its name.
#[pyfunction]
fn wormhole_open(py: Python<'_>, query: &str, args: Bound<'_, PyTuple>) -> PyResult<String> {
    open(query, &args).map_err(|denied| raised(py, denied))
}

/// The next rows of a portal, at most `count`; fewer only at its end.
#[pyfunction]
fn wormhole_fetch<'py>(py: Python<'py>, portal: &str, count: i64) -> PyResult<Outcome<'py>> {
    fetch(py, portal, count).map_err(|denied| raised(py, denied))
}

/// Closes a portal, if that is possible now; if not, the end of the transaction does.
#[pyfunction]
fn wormhole_close(py: Python<'_>, portal: &str) -> PyResult<()> {
    match close(portal) {
        Ok(()) | Err(Denied::Refused(_)) => Ok(()),
        Err(denied) => Err(raised(py, denied)),
    }
}

/// What a worker gets for a statement.
pub(super) enum Given {
    /// Rows in tagged JSON, and how many there are.
    Rows(String, u64),
    /// It failed, and was undone by itself.
    Failed(Error),
}

/// Runs `work` for a worker; a cancel, a time-out or the end of the session fails the call.
fn for_worker<T>(work: impl FnOnce(Python<'_>) -> Result<T, Failure>) -> Result<Result<T, Error>, Error> {
    match called_by(CALLER, || bridge::call_as(Origin::Wrapper, work)) {
        Ok(value) => Ok(Ok(value)),
        Err(error) if error.is_intervention() => Err(error),
        Err(error) => Ok(Err(error)),
    }
}

fn denied(denied: Denied) -> Failure {
    Failure::Server(match denied {
        Denied::Refused(why) => Error::new(SqlState::FEATURE_NOT_SUPPORTED, why),
        Denied::Failed(error) => error,
    })
}

fn packed(py: Python<'_>, (columns, rows, count): Outcome<'_>) -> Result<(String, u64), Failure> {
    let given = rows.len() as u64;
    let text = in_process::server(py)?.call_method1("pack", (columns, rows, count))?.extract()?;
    Ok((text, given))
}

fn arguments<'py>(py: Python<'py>, args: &str) -> PyResult<Bound<'py, PyTuple>> {
    if args == "[]" {
        return Ok(PyTuple::empty(py));
    }
    Ok(in_process::server(py)?.call_method1("arguments", (args,))?.cast_into()?)
}

fn given(result: Result<(String, u64), Error>) -> Given {
    match result {
        Ok((text, count)) => Given::Rows(text, count),
        Err(error) => Given::Failed(error),
    }
}

/// Runs a worker's statement, reading no more than `limit` rows.
pub(super) fn run_for_worker(query: &str, args: &str, limit: u64) -> Result<Given, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let result = for_worker(|py| {
        let outcome = run(py, query, &arguments(py, args)?, limit).map_err(denied)?;
        packed(py, outcome)
    })?;
    Ok(given(result))
}

/// Opens a portal for a worker; its name, which the worker is not told.
pub(super) fn open_for_worker(query: &str, args: &str) -> Result<Result<String, Error>, Error> {
    for_worker(|py| open(query, &arguments(py, args)?).map_err(denied))
}

/// The next rows of one.
pub(super) fn fetch_for_worker(portal: &str, count: u64) -> Result<Given, Error> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let result = for_worker(|py| packed(py, fetch(py, portal, count).map_err(denied)?))?;
    Ok(given(result))
}

/// Closes one.
pub(super) fn close_for_worker(portal: &str) -> Result<Result<(), Error>, Error> {
    for_worker(|_py| close(portal).map_err(denied))
}

/// `wormhole_query`: a statement as remote functions run it, each row a JSON object.
pub(super) fn handle(call: Call) -> Result<Datum, Error> {
    let query = needed_text(call, 0, "sql")?;
    let args = json_argument(call, 1)?.unwrap_or_else(|| "[]".to_owned());
    let random = matches!(result_set::set_mode(call)?, SetMode::Materialize { random: true });
    let modules = super::registry::modules()?;
    let rows: Vec<String> = caller::window(catalog::current_user(), || {
        called_by(CALLER, || {
            bridge::call_as(Origin::Wrapper, |py| {
                in_process::prepare(py, &modules)?;
                let (columns, rows, _) = run(py, &query, &arguments(py, &args)?, 0).map_err(denied)?;
                Ok(in_process::server(py)?.call_method1("objects", (columns, rows))?.extract()?)
            })
        })
    })?;
    let mut rows = rows.iter();
    result_set::materialize(call, random, Err(pg_sys::JSONBOID), |values, nulls| match rows.next() {
        Some(row) => result_set::put(values, nulls, texts::to_jsonb(row)?),
        None => Ok(false),
    })?;
    Ok(give_nothing(call))
}
