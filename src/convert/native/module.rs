//! The module `multicorn._values`: what the package `Postgres` builds its types from. The danger is a type
//! named by text: names are read as the server reads them, with the caller's search path.

use pgrx::pg_sys::Oid;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use super::class::{self, InfoHolder};
use super::object;
use super::scratch::scratch;
use super::{looking, operator, ready, record, scalar, slots};
use crate::bridge::Failure;
use crate::pg::guard::pg_try;
use crate::pg::type_entry;

const NAME: &str = "multicorn._values";

/// Makes the module and puts it into `sys.modules`.
pub(crate) fn extend(native: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = native.py();
    super::note_main_thread();
    let module = PyModule::new(py, NAME)?;
    let base = if object::base().is_null() {
        slots::make(py)?
    } else {
        // SAFETY: made before, by a start that failed later, and never released.
        unsafe { Bound::from_borrowed_ptr(py, object::base().cast()) }
    };
    std::mem::forget(base.clone());
    module.add("Object", base)?;
    module.add("TypeInfo", py.get_type::<InfoHolder>())?;
    module.add_function(wrap_pyfunction!(class_of, &module)?)?;
    module.add_function(wrap_pyfunction!(resolve, &module)?)?;
    module.add_function(wrap_pyfunction!(in_catalog, &module)?)?;
    module.add_function(wrap_pyfunction!(row_type, &module)?)?;
    module.add_function(wrap_pyfunction!(check, &module)?)?;
    looking::add_to(&module)?;
    module.add_function(wrap_pyfunction!(forget, &module)?)?;
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    modules.set_item(NAME, &module)
}

/// The class of the type with this OID.
#[pyfunction]
fn class_of(py: Python<'_>, oid: u32) -> PyResult<Bound<'_, PyType>> {
    let found = ready().and_then(|()| class::class_of(py, Oid::from(oid)));
    found.map(|class| class.bind(py).clone()).map_err(|failure| scalar::exception(py, failure))
}

/// The OID of the type that SQL text names, as a cast to regtype reads it.
#[pyfunction]
fn resolve(py: Python<'_>, name: &str) -> PyResult<u32> {
    let found = ready().and_then(|()| scratch(|| type_entry::named(name).map_err(Failure::Server)));
    found.map(|oid| oid.to_u32()).map_err(|failure| scalar::exception(py, failure))
}

/// The OID of a type of pg_catalog, or None.
#[pyfunction]
fn in_catalog(py: Python<'_>, name: &str) -> PyResult<Option<u32>> {
    let found = ready().and_then(|()| scratch(|| type_entry::in_catalog(name).map_err(Failure::Server)));
    found.map(|oid| oid.map(|oid| oid.to_u32())).map_err(|failure| scalar::exception(py, failure))
}

/// The OID of the type of a relation's rows.
#[pyfunction]
fn row_type(py: Python<'_>, relation: u32) -> PyResult<u32> {
    let found = ready()
        .and_then(|()| scratch(|| type_entry::of_relation(Oid::from(relation)).map_err(Failure::Server)));
    found.map(|oid| oid.to_u32()).map_err(|failure| scalar::exception(py, failure))
}

/// Raises what a domain's constraints say of a value.
#[pyfunction]
fn check(py: Python<'_>, info: &Bound<'_, InfoHolder>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let checked = ready().and_then(|()| {
        let column = info.get().info().column(-1)?;
        // SAFETY: the value is held; nothing in `pg_try` needs dropping.
        scratch(|| unsafe {
            pg_try(|| column.to_datum(value.as_ptr()))??;
            Ok(())
        })
    });
    checked.map_err(|failure| scalar::exception(py, failure))
}

/// Forgets all classes and operators.
#[pyfunction]
fn forget() {
    operator::forget();
    class::forget();
}

#[pymethods]
impl InfoHolder {
    #[getter]
    fn oid(&self) -> u32 {
        self.info().entry.oid.to_u32()
    }

    #[getter]
    fn typname(&self) -> &str {
        &self.info().entry.name
    }

    #[getter]
    fn nspname(&self) -> &str {
        &self.info().entry.namespace_name
    }

    #[getter]
    fn typnamespace(&self) -> u32 {
        self.info().entry.namespace.to_u32()
    }

    #[getter]
    fn kind(&self) -> char {
        char::from(self.info().entry.kind)
    }

    #[getter]
    fn category(&self) -> char {
        char::from(self.info().entry.category)
    }

    /// The type's own relation, or 0.
    #[getter]
    fn relation(&self) -> u32 {
        self.info().entry.relation.to_u32()
    }

    #[getter]
    fn element(&self) -> Option<u32> {
        self.info().entry.element.map(|oid| oid.to_u32())
    }

    #[getter]
    fn array(&self) -> Option<u32> {
        self.info().entry.array.map(|oid| oid.to_u32())
    }

    /// The type right below a domain.
    #[getter]
    fn base(&self) -> Option<u32> {
        self.info().entry.base.map(|oid| oid.to_u32())
    }

    /// Input, output, receive, send, modin and modout, as OIDs.
    #[getter]
    fn functions(&self) -> (u32, u32, u32, u32, u32, u32) {
        let all = self.info().entry.functions;
        let oid = |oid: Oid| oid.to_u32();
        (oid(all.input), oid(all.output), oid(all.receive), oid(all.send), oid(all.modin), oid(all.modout))
    }

    /// Of a composite type, for each column: number, name, type, typmod, and whether it is dropped.
    #[getter]
    fn columns(&self, py: Python<'_>) -> PyResult<Option<Vec<Column>>> {
        if self.info().kind != class::Kind::Record || self.info().base == pgrx::pg_sys::RECORDOID {
            return Ok(None);
        }
        let found = ready().and_then(|()| record::shape_of(py, self.info()));
        found.map(|shape| Some(shape.all())).map_err(|failure| scalar::exception(py, failure))
    }
}

type Column = (usize, String, u32, i32, bool);
