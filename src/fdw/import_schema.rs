//! IMPORT FOREIGN SCHEMA: the class lists its tables, each worded by its own `to_statement`. The danger
//! is a class that returns something else: the server would run it as SQL.

use multicorn_plan::merge;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::class::{self, Class};
use super::instance::{register_secrets, rights, wrong_result};
use super::items::items;
use super::validate;
use crate::bridge::{self, Failure, Origin};
use crate::error::{Error, SqlState};
use crate::pg::catalog::{self, ForeignServer, Options};
use crate::pg::import::{ImportRequest, Restriction};

/// One CREATE FOREIGN TABLE for each table that the class names; the server filters them again.
pub(crate) fn statements(request: &ImportRequest) -> Result<Vec<String>, Error> {
    let server = catalog::foreign_server(request.server)?;
    let chosen = validate::wrapper_of(&request.options);
    let (name, _) = validate::chosen_class(&server, chosen)?;
    let mapping = catalog::user_mapping(catalog::current_user(), server.oid)?;
    register_secrets(&mapping);
    let user = catalog::current_user();
    let rights = rights(&[server.owner, user], user, &mapping)?;
    let run = |py: Python<'_>| {
        let class = class::load(py, &name)?;
        if !class.has_import_schema {
            return Err(unsupported(&class).into());
        }
        let tables = call(py, &class, request, &server, &mapping)?;
        worded(&class, &tables, request, &server, chosen)
    };
    // Who imports will own the tables.
    bridge::sql::acting_for(user, || bridge::rights::with(rights, || bridge::call_as(Origin::Wrapper, run)))
}

fn unsupported(class: &Class) -> Error {
    Error::new(
        SqlState::FDW_NO_SCHEMAS,
        format!("wrapper {} does not support IMPORT FOREIGN SCHEMA", class.name),
    )
    .hint("The class has to define the classmethod import_schema().")
}

fn call<'py>(
    py: Python<'py>,
    class: &Class,
    request: &ImportRequest,
    server: &ForeignServer,
    mapping: &Options,
) -> Result<Bound<'py, PyAny>, Failure> {
    let dict = |options: &Options| -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (name, value) in merge([options, &[], &[]]) {
            dict.set_item(name, value)?;
        }
        Ok(dict)
    };
    let server_options = merge([&[], &server.options, mapping]);
    let (kind, tables) = match request.restriction {
        Restriction::None => (None, None),
        Restriction::Limit => (Some("limit"), Some(&request.tables)),
        Restriction::Except => (Some("except"), Some(&request.tables)),
    };
    let tables = match tables {
        Some(names) => PyList::new(py, names)?.into_any(),
        None => PyList::empty(py).into_any(),
    };
    let arguments = (&request.remote_schema, dict(&server_options)?, dict(&request.options)?, kind, tables);
    Ok(class.object.bind(py).call_method1("import_schema", arguments)?)
}

fn worded(
    class: &Class,
    tables: &Bound<'_, PyAny>,
    request: &ImportRequest,
    server: &ForeignServer,
    chosen: Option<&str>,
) -> Result<Vec<String>, Failure> {
    let malformed = || wrong_result(class, "import_schema", "a list of TableDefinition", tables);
    let mut statements = Vec::new();
    for table in items(tables).map_err(|_| malformed())? {
        let table = table?;
        if let Some(chosen) = chosen {
            // The server leaves the choice to its tables, so each has to repeat it.
            table.getattr("options")?.call_method1("setdefault", ("wrapper", chosen))?;
        }
        let to_statement = table.getattr("to_statement").map_err(|_| malformed())?;
        let statement = to_statement.call1((&request.local_schema, &server.name))?;
        // The server would read no further than a NUL.
        let text = statement.extract::<String>().ok().filter(|text| !text.contains('\0'));
        let expected = "a str without NUL characters";
        statements.push(text.ok_or_else(|| {
            Failure::from(wrong_result(class, "TableDefinition.to_statement", expected, &statement))
        })?);
    }
    Ok(statements)
}
