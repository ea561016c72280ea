//! Composite values to Python: a dict by field name. The danger is the anonymous record, whose fields
//! are known only from each value: they are looked up, and described, per value.

use pgrx::pg_sys::{self, Datum, Oid};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{Dialect, ValuePlan, python};
use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::raw;
use crate::pg::types::{Field, RowType};

pub(super) struct RecordPlan {
    /// `None` for an anonymous record.
    known: Option<Known>,
    dialect: Dialect,
}

struct Known {
    row_type: RowType,
    fields: Vec<(Field, Option<ValuePlan>)>,
}

impl Known {
    fn resolve(type_oid: Oid, typmod: i32, dialect: Dialect) -> Result<Self, Error> {
        let row_type = RowType::lookup(type_oid, typmod)?;
        let fields = row_type
            .fields()
            .iter()
            .map(|field| {
                let plan =
                    (!field.dropped).then(|| ValuePlan::resolve(field.type_oid, dialect)).transpose()?;
                Ok((field.clone(), plan))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Known { row_type, fields })
    }

    /// # Safety
    /// `header` is a live value of the type.
    unsafe fn to_python<'py>(
        &self,
        py: Python<'py>,
        header: pg_sys::HeapTupleHeader,
    ) -> Result<Bound<'py, PyAny>, Error> {
        let dict = PyDict::new(py);
        // SAFETY: the caller's promise; the arrays have an element for each attribute.
        unsafe {
            let (values, nulls) = pg_try(|| self.row_type.deform(header))?;
            for (at, (field, plan)) in self.fields.iter().enumerate() {
                let Some(plan) = plan else { continue };
                let value = plan.to_python(py, *values.add(at), *nulls.add(at))?;
                dict.set_item(&field.name, value).map_err(|error| python::error(py, error))?;
            }
        }
        Ok(dict.into_any())
    }
}

impl RecordPlan {
    pub(super) fn resolve(type_oid: Oid, dialect: Dialect) -> Result<Self, Error> {
        let known =
            (type_oid != pg_sys::RECORDOID).then(|| Known::resolve(type_oid, -1, dialect)).transpose()?;
        Ok(RecordPlan { known, dialect })
    }

    /// # Safety
    /// `datum` is a live value of the type.
    pub(super) unsafe fn to_python<'py>(
        &self,
        py: Python<'py>,
        datum: Datum,
    ) -> Result<Bound<'py, PyAny>, Error> {
        // SAFETY: the caller's promise; raw calls only.
        unsafe {
            let header: pg_sys::HeapTupleHeader =
                pg_try(|| raw::pg_detoast_datum(datum.cast_mut_ptr()))?.cast();
            match &self.known {
                Some(known) => known.to_python(py, header),
                None => {
                    let fields = (*header).t_choice.t_datum;
                    Known::resolve(fields.datum_typeid, fields.datum_typmod, self.dialect)?
                        .to_python(py, header)
                }
            }
        }
    }
}
