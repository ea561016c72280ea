//! Functions: `LANGUAGE python`, whose values are PostgreSQL's own, and `LANGUAGE plpy`, PL/Python's
//! dialect, on one handler. This file is the table of what the server calls. The danger is re-entry: a
//! function calls SQL that calls a function, so nothing here is borrowed while Python runs.

mod call;
mod ended;
pub(crate) mod frame;
mod inline;
mod plpy;
mod python;
pub(crate) mod routine;
mod rows;
mod site;
mod trigger;
mod validate;

use pyo3::exceptions::PySyntaxError;
use pyo3::prelude::*;

use crate::bridge::{Failure, Origin};
use crate::convert::Dialect;
use crate::error::{Error, SqlState};
use crate::interpreter::objects;
use crate::pg::call::language_function;
use crate::pg::procedure::Procedure;

/// The two languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    Plpy,
}

impl Language {
    pub(crate) fn origin(self) -> Origin {
        match self {
            Language::Python => Origin::Python,
            Language::Plpy => Origin::Plpy,
        }
    }

    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Language::Python => Dialect::Native,
            Language::Plpy => Dialect::Plpy,
        }
    }

    /// As its functions are called in messages.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Language::Python => "Python",
            Language::Plpy => "PL/Python",
        }
    }

    /// The line of CONTEXT for a function.
    fn place(self, procedure: &Procedure) -> String {
        match self {
            Language::Python => format!("Python function {}", procedure.signature),
            Language::Plpy => format!(
                "PL/Python {} \"{}\"",
                if procedure.is_procedure { "procedure" } else { "function" },
                procedure.name
            ),
        }
    }
}

/// A body that is not Python, worded as PL/Python does; any other exception stays as it is.
fn uncompiled(py: Python<'_>, exception: PyErr, language: Language, procedure: &Procedure) -> Failure {
    if !exception.is_instance_of::<PySyntaxError>(py) || exception.traceback(py).is_none() {
        return exception.into();
    }
    let value = exception.value(py);
    let of = |name| value.getattr(name).ok().and_then(|found| found.str().ok()).map(|text| text.to_string());
    let place = language.place(procedure);
    let text = format!("could not compile {place}");
    let detail = format!(
        "{}: {}, line {}",
        objects::type_name(value),
        of("msg").unwrap_or_default(),
        of("lineno").unwrap_or_default()
    );
    Error::new(SqlState::SYNTAX_ERROR, text).detail(detail).into()
}

/// Adds what the languages' modules call to `multicorn._native`.
pub(crate) fn extend(module: &Bound<'_, PyModule>) -> PyResult<()> {
    python::extend(module)?;
    plpy::api::extend(module)
}

language_function! {
    /// Calls a function of `LANGUAGE python`.
    pg_finfo_multicorn_python_call, multicorn_python_call,
    |call, place| call::handle(call, place, Language::Python)
}

language_function! {
    /// Runs a DO block of `LANGUAGE python`.
    pg_finfo_multicorn_python_inline, multicorn_python_inline,
    |call, place| inline::handle(call, place, Language::Python)
}

language_function! {
    /// Checks a function of `LANGUAGE python` that is being created.
    pg_finfo_multicorn_python_validator, multicorn_python_validator,
    |call, _place| validate::handle(call, Language::Python)
}

language_function! {
    /// Calls a function of `LANGUAGE plpy`.
    pg_finfo_multicorn_plpy_call, multicorn_plpy_call,
    |call, place| call::handle(call, place, Language::Plpy)
}

language_function! {
    /// Runs a DO block of `LANGUAGE plpy`.
    pg_finfo_multicorn_plpy_inline, multicorn_plpy_inline,
    |call, place| inline::handle(call, place, Language::Plpy)
}

language_function! {
    /// Checks a function of `LANGUAGE plpy` that is being created.
    pg_finfo_multicorn_plpy_validator, multicorn_plpy_validator,
    |call, _place| validate::handle(call, Language::Plpy)
}
