//! Statements for `Postgres.Statement` and `Postgres.Cursor`, kept by number. The danger is a plan that is let
//! go on another thread, or while it runs: who runs one holds it, and other threads leave only its number.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use pgrx::pg_sys;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::bridge::{exceptions, state};
use crate::convert::records::Records;
use crate::convert::{Dialect, known};
use crate::error::{Error, SqlState};
use crate::pg::inval;
use crate::pg::memory::{Access, ForLife, Scratch};
use crate::pg::planner::Constant;
use crate::pg::spi::{self, How, Spi};
use crate::pg::statement::{self, Direction, Name, Scroll, Statement, Types};

/// Adds the class and the functions to `multicorn._native`.
pub(super) fn extend(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Plan>()?;
    module.add_function(wrap_pyfunction!(pl_prepare, module)?)?;
    module.add_function(wrap_pyfunction!(pl_fetch, module)?)?;
    module.add_function(wrap_pyfunction!(pl_move, module)?)?;
    module.add_function(wrap_pyfunction!(pl_close, module)?)?;
    module.add_function(wrap_pyfunction!(pl_script, module)?)
}

/// The two forms of a statement: one whose portals scroll is planned otherwise.
struct Prepared {
    text: String,
    forward: Statement,
    scrolling: Option<Rc<Statement>>,
    /// `inval::generation` when its parameters' types were last found out.
    types: u64,
}

impl Prepared {
    fn new(text: &str, forward: Statement) -> Self {
        Prepared { text: text.to_owned(), forward, scrolling: None, types: inval::generation() }
    }

    /// Whether a type may have been dropped and made anew: the server's plans follow tables, but parameters
    /// keep their types.
    fn is_stale(&self) -> bool {
        self.types != inval::generation()
            && self.forward.parameters().iter().any(|oid| oid.to_u32() >= pg_sys::FirstNormalObjectId)
    }
}

#[derive(Default)]
struct Table {
    last: u64,
    plans: HashMap<u64, Rc<Prepared>>,
}

thread_local! {
    static TABLE: ForLife<Table> = ForLife::default();
}

/// Numbers that other threads, or a hook, have let go.
static LET_GO: Mutex<Vec<u64>> = Mutex::new(Vec::new());

fn take_out(number: u64) {
    let plan = TABLE.change(|table| table.plans.remove(&number));
    drop(plan);
}

fn sweep() {
    let numbers = std::mem::take(&mut *LET_GO.lock().unwrap_or_else(PoisonError::into_inner));
    numbers.into_iter().for_each(take_out);
}

fn find(py: Python<'_>, number: u64) -> PyResult<Rc<Prepared>> {
    let known = TABLE.read(|table| table.plans.get(&number).cloned());
    let known = known.ok_or_else(|| PyRuntimeError::new_err("the statement belongs to another thread"))?;
    if known.is_stale() { renewed(py, number, &known.text) } else { Ok(known) }
}

#[cold]
fn renewed(py: Python<'_>, number: u64, text: &str) -> PyResult<Rc<Prepared>> {
    let statement = state::statement(py, |_| spi::connected(|spi| prepare(spi, text, Scroll::AsItComes)))?;
    let renewed = Rc::new(Prepared::new(text, statement));
    let old = TABLE.change(|table| table.plans.insert(number, renewed.clone()));
    drop(old);
    Ok(renewed)
}

/// A prepared statement.
#[pyclass(frozen, module = "multicorn._native", name = "_Statement")]
pub(super) struct Plan {
    number: u64,
    #[pyo3(get)]
    count: usize,
}

impl Drop for Plan {
    fn drop(&mut self) {
        if state::is_reachable() {
            take_out(self.number);
        } else {
            LET_GO.lock().unwrap_or_else(PoisonError::into_inner).push(self.number);
        }
    }
}

/// Prepares one statement.
#[pyfunction]
fn pl_prepare(py: Python<'_>, text: &str) -> PyResult<Plan> {
    let statement = state::statement(py, |_| spi::connected(|spi| prepare(spi, text, Scroll::AsItComes)))?;
    sweep();
    let count = statement.parameters().len();
    let prepared = Rc::new(Prepared::new(text, statement));
    let number = TABLE.change(|table| {
        table.last += 1;
        table.plans.insert(table.last, prepared);
        table.last
    });
    Ok(Plan { number, count })
}

fn prepare(spi: &Spi, text: &str, scroll: Scroll) -> Result<Statement, Error> {
    spi.prepare(text, Types::Inferred(None), scroll)
}

/// What a statement gave: rows, none for one that gives none, and how many it gave or touched.
type Outcome<'py> = (Option<Bound<'py, PyList>>, u64);

#[pymethods]
impl Plan {
    /// The types of all parameters.
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        state::ready(py)?;
        PyTuple::new(py, find(py, self.number)?.forward.parameters().iter().map(|oid| oid.to_u32()))
    }

    /// Name, type and typmod of each column of the result; None for a statement without rows.
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let plan = find(py, self.number)?;
        let columns = state::statement(py, |_| {
            spi::connected(|_| plan.forward.columns()).map_err(|error| error.in_query(&plan.text))
        })?;
        let Some(columns) = columns else { return Ok(None) };
        let described: Vec<(String, u32, i32)> = columns
            .into_iter()
            .map(|column| (column.name, column.type_oid.to_u32(), column.typmod))
            .collect();
        PyTuple::new(py, described).map(Some)
    }

    /// The command, such as SELECT.
    fn command(&self, py: Python<'_>) -> PyResult<String> {
        let plan = find(py, self.number)?;
        state::immediate(py, || plan.forward.command())
    }

    /// Runs it. `limit` ends a SELECT after so many rows, 0 never; `column` gives the values of the first
    /// column instead of rows, and None does so if it is the only one.
    fn execute<'py>(
        &self,
        py: Python<'py>,
        arguments: &Bound<'py, PyTuple>,
        limit: i64,
        column: Option<bool>,
    ) -> PyResult<Outcome<'py>> {
        state::ready(py)?;
        let plan = find(py, self.number)?;
        let statement = &plan.forward;
        with_values(py, statement, arguments, |values| {
            state::statement(py, |terms| {
                spi::connected(|spi| {
                    let select = limit > 0 && statement.gives_rows()? && statement.command()? == "SELECT";
                    let how = How { read_only: terms.read_only, limit: if select { limit } else { 0 } };
                    let receiver = terms.receiver(Records::new(py, column));
                    let (done, records) = spi.execute_into(statement, values, how, receiver)?;
                    Ok((records.into_inner().list(), done.count))
                })
            })
        })
    }

    /// Runs it once for each tuple of arguments that `rows` gives; the sum of what the runs touched.
    fn load(&self, py: Python<'_>, rows: &Bound<'_, PyAny>) -> PyResult<u64> {
        state::ready(py)?;
        let plan = find(py, self.number)?;
        let mut count = 0;
        for row in rows.try_iter()? {
            let row = row?.cast_into::<PyTuple>()?;
            count += with_values(py, &plan.forward, &row, |values| {
                state::statement(py, |terms| {
                    let how = How { read_only: terms.read_only, limit: 0 };
                    spi::connected(|spi| Ok(spi.execute(&plan.forward, values, how)?.count))
                })
            })?;
        }
        Ok(count)
    }

    /// Opens a portal, and returns its name; with `scroll` one that reads backward too.
    fn open(&self, py: Python<'_>, arguments: &Bound<'_, PyTuple>, scroll: bool) -> PyResult<String> {
        state::ready(py)?;
        let plan = if scroll { scrolling(py, self.number)? } else { Opened::Forward(find(py, self.number)?) };
        let statement = plan.statement();
        with_values(py, statement, arguments, |values| {
            state::statement(py, |terms| {
                let how = How { read_only: terms.read_only, limit: 0 };
                spi::connected(|spi| spi.open(statement, values, Name::Numbered, how))
            })
        })
    }
}

enum Opened {
    Forward(Rc<Prepared>),
    Scrolling(Rc<Statement>),
}

impl Opened {
    fn statement(&self) -> &Statement {
        match self {
            Opened::Forward(prepared) => &prepared.forward,
            Opened::Scrolling(statement) => statement,
        }
    }
}

/// The form of the statement whose portals scroll, prepared at its first use.
fn scrolling(py: Python<'_>, number: u64) -> PyResult<Opened> {
    let prepared = find(py, number)?;
    if let Some(known) = &prepared.scrolling {
        return Ok(Opened::Scrolling(known.clone()));
    }
    let made = state::statement(py, |_| spi::connected(|spi| prepare(spi, &prepared.text, Scroll::Both)))?;
    let made = Rc::new(made);
    // Prepared once more if somebody runs it right now, which costs time and nothing else.
    drop(prepared);
    TABLE.change(|table| {
        if let Some(prepared) = table.plans.get_mut(&number).and_then(Rc::get_mut) {
            prepared.scrolling = Some(made.clone());
        }
    });
    Ok(Opened::Scrolling(made))
}

/// Runs `work` with the arguments' values, which live until it has ended.
fn with_values<T>(
    py: Python<'_>,
    statement: &Statement,
    arguments: &Bound<'_, PyTuple>,
    work: impl FnOnce(&[Constant]) -> PyResult<T>,
) -> PyResult<T> {
    state::ready(py)?;
    if arguments.is_empty() {
        return work(&[]);
    }
    let scratch = Scratch::take().map_err(|error| state::fail(py, error))?;
    let values = exceptions::awaiting(py, || scratch.within(|| values(statement, arguments)))?;
    work(&values)
}

fn values(statement: &Statement, arguments: &Bound<'_, PyTuple>) -> Result<Vec<Constant>, Error> {
    known::constants(statement.parameters(), arguments, Dialect::Native)
}

pub(super) fn gone() -> Error {
    Error::new(SqlState::INVALID_CURSOR_NAME, "the cursor is closed")
        .detail("A cursor ends with the transaction or subtransaction in which it was opened.")
}

fn direction(name: &str) -> PyResult<Direction> {
    Ok(match name {
        "forward" => Direction::Forward,
        "backward" => Direction::Backward,
        "absolute" => Direction::Absolute,
        "relative" => Direction::Relative,
        _ => return Err(PyValueError::new_err(name.to_owned())),
    })
}

/// The next rows of a portal, `forward` or `backward`, at most `count`; with `column` the values of the first
/// column.
#[pyfunction]
fn pl_fetch<'py>(
    py: Python<'py>,
    portal: &str,
    kind: &str,
    count: i64,
    column: bool,
) -> PyResult<Bound<'py, PyList>> {
    let direction = direction(kind)?;
    fetch(py, portal, direction, count, column)
}

/// The same, for the library.
pub(super) fn fetch<'py>(
    py: Python<'py>,
    portal: &str,
    direction: Direction,
    count: i64,
    column: bool,
) -> PyResult<Bound<'py, PyList>> {
    state::statement(py, |terms| {
        let receiver = terms.receiver(Records::new(py, Some(column)));
        let (_, records) = statement::fetch_into(portal, direction, count, receiver)?.ok_or_else(gone)?;
        Ok(records.into_inner().list().unwrap_or_else(|| PyList::empty(py)))
    })
}

/// Moves a portal's place, and tells over how many rows.
#[pyfunction]
fn pl_move(py: Python<'_>, portal: &str, kind: &str, count: i64) -> PyResult<u64> {
    let direction = direction(kind)?;
    state::statement(py, |_| spi::connected(|spi| spi.move_by(portal, direction, count)?.ok_or_else(gone)))
}

/// Closes a portal if that is possible now; if not, the end of the transaction does.
#[pyfunction]
fn pl_close(py: Python<'_>, portal: &str) -> PyResult<()> {
    if !state::is_ready() {
        return Ok(());
    }
    state::statement(py, |_| spi::connected(|spi| spi.close(portal)))
}

/// Runs a text of several statements without parameters.
#[pyfunction]
fn pl_script(py: Python<'_>, text: &str) -> PyResult<()> {
    state::statement(py, |terms| {
        let how = How { read_only: terms.read_only, limit: 0 };
        spi::connected(|spi| spi.run(text, how).map(drop))
    })
}
