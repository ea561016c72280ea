//! A wrapper class, inspected once: how its methods are called and which it has. The danger is asking
//! Python per call what was known at the first: after loading, nothing here is looked up again.

use std::collections::HashMap;
use std::rc::Rc;

use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::bridge::Failure;
use crate::error::{Error, SqlState};
use crate::pg::memory::{Access, ForLife};

/// The names of the `multicorn` package that calls need, looked up once per backend.
pub(super) struct Contract {
    pub(super) qual: Py<PyAny>,
    pub(super) sort_key: Py<PyAny>,
    pub(super) column_definition: Py<PyAny>,
    pub(super) columns: Py<PyAny>,
    pub(super) unbound: Py<PyAny>,
    pub(super) rowid_columns: Py<PyAny>,
    pub(super) request: Py<PyAny>,
    pub(super) skipped: Py<PyAny>,
    pub(super) default_rel_size: Py<PyAny>,
    load_class: Py<PyAny>,
    describe: Py<PyAny>,
}

/// How a method takes its arguments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) positional: usize,
    pub(super) sortkeys: bool,
    pub(super) limit: bool,
    pub(super) offset: bool,
    pub(super) verbose: bool,
}

/// Which transaction hooks a class has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hooks {
    pub(super) begin: bool,
    pub(super) pre_commit: bool,
    pub(super) commit: bool,
    pub(super) rollback: bool,
    pub(super) sub_begin: bool,
    pub(super) sub_commit: bool,
    pub(super) sub_rollback: bool,
}

impl Hooks {
    /// Whether its instances have to follow the transaction at all.
    pub(super) fn any(self) -> bool {
        self.begin
            || self.pre_commit
            || self.commit
            || self.rollback
            || self.sub_begin
            || self.sub_commit
            || self.sub_rollback
    }
}

/// One wrapper class.
pub(super) struct Class {
    /// The dotted name that the catalogue gives.
    pub(super) name: String,
    pub(super) object: Py<PyType>,
    pub(super) startup_cost: f64,
    pub(super) execute: Shape,
    pub(super) explain: Shape,
    pub(super) rel_size_takes_columns: bool,
    pub(super) has_explain: bool,
    pub(super) has_rel_size: bool,
    pub(super) has_path_keys: bool,
    pub(super) has_can_sort: bool,
    pub(super) has_can_limit: bool,
    pub(super) has_can_filter: bool,
    pub(super) has_accept: bool,
    pub(super) has_end_scan: bool,
    pub(super) has_insert: bool,
    pub(super) has_bulk_insert: bool,
    pub(super) has_update: bool,
    pub(super) has_delete: bool,
    pub(super) has_end_modify: bool,
    pub(super) has_update_where: bool,
    pub(super) has_delete_where: bool,
    pub(super) has_truncate: bool,
    pub(super) has_sample: bool,
    pub(super) has_analyze: bool,
    pub(super) insert_takes_conflict: bool,
    pub(super) bulk_insert_takes_conflict: bool,
    updates_changed_only: bool,
    pub(super) update_takes_old_row: bool,
    pub(super) delete_takes_old_row: bool,
    pub(super) has_import_schema: bool,
    pub(super) hooks: Hooks,
}

impl Class {
    /// Whether it can be asked which quals it applies exactly.
    pub(super) fn filters(&self) -> bool {
        self.has_can_filter || self.has_accept
    }

    /// Whether plans may rely on what an object of it says.
    pub(super) fn promises(&self) -> bool {
        self.filters() || self.sorts() || self.limits()
    }

    /// Refuses INSERT … ON CONFLICT DO NOTHING unless one of the class's methods is told of it.
    pub(super) fn check_conflict(&self) -> Result<(), Error> {
        if self.insert_takes_conflict || self.bulk_insert_takes_conflict {
            return Ok(());
        }
        Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("wrapper {} does not support ON CONFLICT", self.name),
        )
        .hint("Filter the rows in a query before they are inserted."))
    }

    /// Whether its `update` is given only the columns that the statement sets, so that the others need not
    /// be fetched.
    pub(super) fn updates_part(&self) -> bool {
        self.updates_changed_only && !self.update_takes_old_row
    }

    pub(super) fn sorts(&self) -> bool {
        self.has_can_sort || self.has_accept
    }

    pub(super) fn limits(&self) -> bool {
        self.has_can_limit || self.has_accept
    }
}

thread_local! {
    static CONTRACT: ForLife<Option<Rc<Contract>>> = ForLife::default();
    static CLASSES: ForLife<HashMap<String, Rc<Class>>> = ForLife::default();
}

pub(super) fn contract(py: Python<'_>) -> PyResult<Rc<Contract>> {
    if let Some(known) = CONTRACT.read(Clone::clone) {
        return Ok(known);
    }
    let name = |module: &str, name: &str| PyResult::Ok(py.import(module)?.getattr(name)?.unbind());
    let contract = Rc::new(Contract {
        qual: name("multicorn", "Qual")?,
        sort_key: name("multicorn", "SortKey")?,
        column_definition: name("multicorn", "ColumnDefinition")?,
        columns: name("multicorn._columns", "Columns")?,
        unbound: name("multicorn", "UNBOUND")?,
        rowid_columns: name("multicorn._inspect", "rowid_columns")?,
        request: name("multicorn", "Request")?,
        skipped: name("multicorn", "SKIPPED")?,
        default_rel_size: py
            .import("multicorn")?
            .getattr("ForeignDataWrapper")?
            .getattr("get_rel_size")?
            .unbind(),
        load_class: name("multicorn._loader", "load_class")?,
        describe: name("multicorn._inspect", "describe")?,
    });
    CONTRACT.change(|known| *known = Some(contract.clone()));
    Ok(contract)
}

/// The class of that dotted name, imported at its first use in the backend.
pub(super) fn load(py: Python<'_>, name: &str) -> Result<Rc<Class>, Failure> {
    if let Some(known) = CLASSES.read(|classes| classes.get(name).cloned()) {
        return Ok(known);
    }
    let contract = contract(py)?;
    let object = contract.load_class.bind(py).call1((name,))?;
    let class = Rc::new(inspect(py, name, object, &contract)?);
    CLASSES.change(|classes| classes.insert(name.to_owned(), class.clone()));
    Ok(class)
}

fn inspect(py: Python<'_>, name: &str, object: Bound<'_, PyAny>, contract: &Contract) -> PyResult<Class> {
    let description = contract.describe.bind(py).call1((&object,))?;
    let flag = |name: &str| description.getattr(name)?.extract::<bool>();
    Ok(Class {
        name: name.to_owned(),
        object: object.cast_into::<PyType>()?.unbind(),
        startup_cost: description.getattr("startup_cost")?.extract()?,
        execute: shape(&description.getattr("execute")?)?,
        explain: shape(&description.getattr("explain")?)?,
        rel_size_takes_columns: flag("rel_size_takes_columns")?,
        has_explain: flag("has_explain")?,
        has_rel_size: flag("has_get_rel_size")?,
        has_path_keys: flag("has_get_path_keys")?,
        has_can_sort: flag("has_can_sort")?,
        has_can_limit: flag("has_can_limit")?,
        has_can_filter: flag("has_can_filter")?,
        has_accept: flag("has_accept")?,
        has_end_scan: flag("has_end_scan")?,
        has_insert: flag("has_insert")?,
        has_bulk_insert: flag("has_bulk_insert")?,
        has_update: flag("has_update")?,
        has_delete: flag("has_delete")?,
        has_end_modify: flag("has_end_modify")?,
        has_update_where: flag("has_update_where")?,
        has_delete_where: flag("has_delete_where")?,
        has_truncate: flag("has_truncate")?,
        has_sample: flag("has_sample")?,
        has_analyze: flag("has_analyze")?,
        insert_takes_conflict: flag("insert_takes_conflict")?,
        bulk_insert_takes_conflict: flag("bulk_insert_takes_conflict")?,
        updates_changed_only: flag("updates_changed_only")?,
        update_takes_old_row: flag("update_takes_old_row")?,
        delete_takes_old_row: flag("delete_takes_old_row")?,
        has_import_schema: flag("has_import_schema")?,
        hooks: Hooks {
            begin: flag("has_begin")?,
            pre_commit: flag("has_pre_commit")?,
            commit: flag("has_commit")?,
            rollback: flag("has_rollback")?,
            sub_begin: flag("has_sub_begin")?,
            sub_commit: flag("has_sub_commit")?,
            sub_rollback: flag("has_sub_rollback")?,
        },
    })
}

fn shape(description: &Bound<'_, PyAny>) -> PyResult<Shape> {
    let flag = |name: &str| description.getattr(name)?.extract::<bool>();
    Ok(Shape {
        positional: description.getattr("positional")?.extract()?,
        sortkeys: flag("sortkeys")?,
        limit: flag("limit")?,
        offset: flag("offset")?,
        verbose: flag("verbose")?,
    })
}
