//! A trigger's rows as dicts, and what its function made of one. The danger is exactness: a value that the
//! function left alone must stay the row's own, and not come back from its Python form.

use std::rc::Rc;

use pgrx::pg_sys::Datum;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::known::{self, Parameter, Value};
use super::{Dialect, python};
use crate::bridge::Failure;
use crate::error::{Error, SqlState};
use crate::pg::guard::pg_try;
use crate::pg::raw;
use crate::pg::result_set::RowShape;
use crate::pg::trigger::Tuple;

/// How rows of one relation are shown to triggers in `plpy`.
pub(crate) struct TriggerRow {
    /// One per attribute; `None` for a dropped one.
    fields: Vec<Option<Field>>,
}

struct Field {
    name: Py<PyString>,
    value: Rc<Value>,
    parameter: Parameter,
}

impl TriggerRow {
    pub(crate) fn resolve(py: Python<'_>, shape: &RowShape, dialect: Dialect) -> Result<Self, Error> {
        let fields = shape
            .fields()
            .iter()
            .map(|field| {
                if field.dropped {
                    return Ok(None);
                }
                Ok(Some(Field {
                    name: PyString::intern(py, &field.name).unbind(),
                    value: known::value(field.type_oid.to_u32(), dialect)?,
                    parameter: known::column(field.type_oid, field.typmod, dialect)?,
                }))
            })
            .collect::<Result<_, Error>>()?;
        Ok(TriggerRow { fields })
    }

    /// The row by column name; without columns that are still to be `generated`.
    pub(crate) fn dict<'py>(
        &self,
        py: Python<'py>,
        row: Tuple,
        generated: &[bool],
    ) -> Result<Bound<'py, PyDict>, Error> {
        let (values, nulls) = row.deform()?;
        let dict = PyDict::new(py);
        for (at, field) in self.fields.iter().enumerate() {
            let Some(field) = field else { continue };
            if generated.get(at).copied().unwrap_or_default() {
                continue;
            }
            // SAFETY: the arrays have an element for each attribute, whose type the plan was made for.
            let object = unsafe { field.value.to_python(py, *values.add(at), *nulls.add(at))? };
            dict.set_item(&field.name, object).map_err(|error| python::error(py, error))?;
        }
        Ok(dict)
    }

    /// The row with what a function changed in `changed`, a dict that began as `original`.
    pub(crate) fn modified(
        &self,
        py: Python<'_>,
        row: Tuple,
        changed: &Bound<'_, PyDict>,
        original: &Bound<'_, PyDict>,
        generated: &[bool],
    ) -> Result<Datum, Failure> {
        let count = self.fields.len().max(1);
        // SAFETY: raw calls; the arrays have an element for each attribute.
        let (values, nulls, replaced) = unsafe {
            pg_try(|| {
                (
                    raw::palloc0(count * size_of::<Datum>()).cast::<Datum>(),
                    raw::palloc0(count).cast::<bool>(),
                    raw::palloc0(count).cast::<bool>(),
                )
            })?
        };
        // A copy: the conversion of a value may run code that changes the dict.
        for (key, object) in changed.copy()?.iter() {
            let at = self.find(py, &key)?;
            if generated.get(at).copied().unwrap_or_default() {
                return Err(wrong(format!("cannot set generated column \"{key}\"")).into());
            }
            let Some(field) = &self.fields[at] else { continue };
            let before = original.get_item(&key)?;
            if before.is_some_and(|before| before.is(&object) && is_immutable(&object)) {
                continue;
            }
            let value = field
                .parameter
                .constant(&object)
                .map_err(|error| error.context(format!("column \"{key}\"")))?;
            // SAFETY: as above.
            unsafe {
                *values.add(at) = value.datum;
                *nulls.add(at) = value.is_null;
                *replaced.add(at) = true;
            }
        }
        // SAFETY: as above; the values are of the columns' types.
        Ok(unsafe { row.modified(values, nulls, replaced)? })
    }

    /// The attribute of that name.
    fn find(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> Result<usize, Failure> {
        let Ok(name) = key.cast::<PyString>() else {
            return Err(wrong(format!("TD[\"new\"] dictionary key {} is not a string", key.repr()?)).into());
        };
        let place = self.fields.iter().position(|field| {
            field.as_ref().is_some_and(|field| {
                let own = field.name.bind(py);
                own.is(name) || own.as_any().eq(name).unwrap_or_default()
            })
        });
        place.ok_or_else(|| {
            wrong(format!(
                "key \"{}\" found in TD[\"new\"] does not exist as a column in the triggering row",
                name.to_string_lossy()
            ))
            .into()
        })
    }
}

fn wrong(text: String) -> Error {
    Error::new(SqlState::UNDEFINED_COLUMN, text)
}

/// Whether an object that is the same is also equal to what it was.
fn is_immutable(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: only looks at the object's class.
    unsafe { python::runs_no_code(object.as_ptr()) || ffi::PyBytes_CheckExact(object.as_ptr()) != 0 }
}
