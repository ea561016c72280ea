//! Triggers in PL/Python's dialect: `TD`, and the words that a function returns. The danger is `TD["new"]`:
//! the function may have put anything into it.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::bridge::Failure;
use crate::error::{Error, Level, Report, SqlState};
use crate::interpreter::objects;
use crate::pg::guard;
use crate::pg::trigger::{Event, Operation, Timing, Trigger};
use crate::pl::routine::Routine;
use crate::pl::trigger::{Answer, Definition, Form, level, operation, timing};

const UNEXPECTED: &str = "unexpected return value from trigger procedure";

/// `TD` without its rows.
pub(crate) fn facts<'py>(py: Python<'py>, firing: Trigger) -> PyResult<Bound<'py, PyDict>> {
    let td = PyDict::new(py);
    let (schema, table) = firing.relation_name();
    td.set_item("name", firing.name())?;
    td.set_item("relid", firing.relation().to_u32().to_string())?;
    td.set_item("table_name", table)?;
    td.set_item("table_schema", schema)?;
    td.set_item("when", timing(firing))?;
    td.set_item("level", level(firing))?;
    td.set_item("event", operation(firing))?;
    td.set_item("new", py.None())?;
    td.set_item("old", py.None())?;
    let arguments = firing.arguments();
    td.set_item("args", (!arguments.is_empty()).then_some(arguments))?;
    Ok(td)
}

/// Calls the function for one firing.
pub(crate) fn fire(
    py: Python<'_>,
    firing: Trigger,
    definition: &Definition,
    routine: &Routine,
) -> Result<Answer, Failure> {
    let Form::Plpy { row, generated, has_arguments } = &definition.form else {
        return Err(Error::internal("multicorn: a trigger of another language").into());
    };
    let td = definition.facts.bind(py).copy()?;
    if *has_arguments {
        // A list of its own for each firing: the function may change it.
        let name = pyo3::intern!(py, "args");
        if let Some(arguments) = td.get_item(name)? {
            td.set_item(name, arguments.cast::<PyList>().map_err(PyErr::from)?.as_sequence().to_list()?)?;
        }
    }
    if let Some(old) = firing.old_row() {
        td.set_item(pyo3::intern!(py, "old"), row.dict(py, old, &[])?)?;
    }
    let mut original = None;
    if let Some(new) = firing.new_row() {
        let dict = row.dict(py, new, generated)?;
        if firing.timing() != Timing::After {
            original = Some((new, dict.copy()?));
        }
        td.set_item(pyo3::intern!(py, "new"), dict)?;
    }
    let answer = objects::call(routine.body(py), &[td.clone().into_any()])?;
    if !says(&answer, "MODIFY")? {
        return Ok(if says(&answer, "SKIP")? { Answer::Skip } else { Answer::Keep });
    }
    if firing.operation() == Operation::Delete {
        ignored("PL/Python trigger function returned \"MODIFY\" in a DELETE trigger -- ignored")?;
    }
    let Some((before, original)) = original else { return Ok(Answer::Keep) };
    let new = td.get_item("new")?.ok_or_else(|| wrong("TD[\"new\"] deleted, cannot modify row"))?;
    let new = new.cast::<PyDict>().map_err(|_| wrong("TD[\"new\"] is not a dictionary"))?;
    Ok(Answer::Replace(row.modified(py, before, new, &original, generated)?))
}

/// Whether the function returned this word, in any case; fails unless it returned None or a known one.
fn says(answer: &Bound<'_, PyAny>, word: &str) -> Result<bool, Failure> {
    if answer.is_none() {
        return Ok(false);
    }
    let text =
        answer.cast::<PyString>().map_err(|_| wrong(UNEXPECTED).detail("Expected None or a string."))?;
    let text = objects::readable(text);
    if ["OK", "SKIP", "MODIFY"].iter().any(|known| text.eq_ignore_ascii_case(known)) {
        return Ok(text.eq_ignore_ascii_case(word));
    }
    Err(wrong(UNEXPECTED).detail("Expected None, \"OK\", \"SKIP\", or \"MODIFY\".").into())
}

fn wrong(text: &str) -> Error {
    Error::new(SqlState::DATA_EXCEPTION, text)
}

fn ignored(text: &str) -> Result<(), Error> {
    guard::emit(Level::Warning, Report::new(SqlState::WARNING, text))
}

/// Calls the function of an event trigger.
pub(crate) fn notify(py: Python<'_>, event: &Event, routine: &Routine) -> Result<(), Failure> {
    let td = PyDict::new(py);
    td.set_item("event", &event.name)?;
    td.set_item("tag", &event.tag)?;
    objects::call(routine.body(py), &[td.into_any()])?;
    Ok(())
}
