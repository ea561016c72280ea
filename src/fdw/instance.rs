//! One object of a wrapper class per foreign table and role, kept for the session. The danger is a
//! stale one: the catalogue's definition is compared again after every change of it, and only a
//! different definition makes a new object, since the old one may hold a connection.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::sync::LazyLock;

use multicorn_plan::{is_secret, merge};
use pgrx::pg_sys;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::class::{self, Class};
use super::reading::Reading;
use super::validate::{self, Allowed};
use crate::bridge::rights::Rights;
use crate::bridge::{self, Failure, Origin};
use crate::convert::{Attribute, RowPlan};
use crate::error::{Error, SqlState};
use crate::interpreter::objects;
use crate::pg::memory::{Access, ForLife, OwnedContext};
use crate::pg::relation::{Column, Table};
use crate::pg::{catalog, guard, inval, relation};

/// Everything that `__init__` is given, and what it depends on.
#[derive(Clone, PartialEq, Eq)]
struct Definition {
    class: String,
    options: catalog::Options,
    table: Table,
    rights: Rights,
}

/// Of this backend alone: options hold passwords, and a plan can be printed by whoever runs it.
static FINGERPRINTS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Definition {
    fn fingerprint(&self) -> u64 {
        FINGERPRINTS.hash_one((&self.class, &self.options, &self.table))
    }
}

/// Converters for one set of needed columns, with the memory that they keep.
pub(super) struct Rows {
    pub(super) plan: RowPlan,
    // Dropped after the plan, which points into it.
    _context: OwnedContext,
}

/// The columns that identify a row together.
pub(super) struct RowId<'a> {
    pub(super) columns: Vec<&'a Column>,
    /// Whether the class gets their values as a tuple.
    pub(super) is_tuple: bool,
}

pub(super) struct Instance {
    pub(super) class: Rc<Class>,
    pub(super) object: Py<PyAny>,
    definition: Definition,
    /// Of what the definition says of class, options and table.
    pub(super) fingerprint: u64,
    /// Attribute numbers of the columns that are not dropped.
    pub(super) live: Vec<i16>,
    rows: RefCell<HashMap<Vec<i16>, Rc<Rows>>>,
    /// Plans that were executed, the latest last, by the text that they come as.
    readings: RefCell<Vec<Known>>,
}

/// A plan and the text that it was read from.
type Known = (Box<[u8]>, Rc<Reading>);

/// More plans of one table than this are read anew each time.
const MOST_READINGS: usize = 32;

struct Cached {
    instance: Rc<Instance>,
    fresh: Cell<bool>,
    allowed: RefCell<Allowed>,
}

type Key = (u32, u32);

thread_local! {
    static CACHE: ForLife<HashMap<Key, Cached>> = ForLife::default();
    static SEEN: Cell<u64> = const { Cell::new(0) };
}

impl Instance {
    pub(super) fn table(&self) -> &Table {
        &self.definition.table
    }

    pub(super) fn column_name(&self, attno: i16) -> &str {
        self.table().column(attno).map_or("", |column| &column.name)
    }

    pub(super) fn attno(&self, name: &str) -> Option<i16> {
        self.table().live_columns().find(|column| column.name == name).map(|column| column.attno)
    }

    /// Converters for rows of which `needed` columns are looked at.
    pub(super) fn rows(&self, py: Python<'_>, needed: &[i16]) -> Result<Rc<Rows>, Error> {
        if let Some(known) = self.rows.borrow().get(needed) {
            return Ok(known.clone());
        }
        let attributes: Vec<Attribute> = self
            .table()
            .columns
            .iter()
            .map(|column| Attribute {
                name: column.name.clone(),
                type_oid: column.type_oid,
                typmod: column.typmod,
                needed: needed.contains(&column.attno),
                dropped: column.absent,
            })
            .collect();
        let context = OwnedContext::new()?;
        let plan = context.within(|| RowPlan::new(py, &self.table().name, &attributes))?;
        let rows = Rc::new(Rows { plan, _context: context });
        self.rows.borrow_mut().insert(needed.to_vec(), rows.clone());
        Ok(rows)
    }
}

impl Instance {
    /// Runs code of the class with its object.
    pub(super) fn call<T>(
        &self,
        run: impl FnOnce(Python<'_>, &Bound<'_, PyAny>) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        self.acting(|| bridge::call_as(Origin::Wrapper, |py| run(py, self.object.bind(py))))
    }

    /// Runs `work` with SQL that the class runs having the rights of the table's owner, who chose the class.
    #[inline]
    pub(super) fn acting<T>(&self, work: impl FnOnce() -> T) -> T {
        bridge::sql::acting_for(self.definition.table.owner, work)
    }

    /// Refuses a plan that relies on what an object of another definition has promised. Plans are made anew
    /// after a change, but nothing locks a server or a user mapping while a query is planned.
    pub(super) fn check_promise(&self, promised: Option<u64>) -> Result<(), Error> {
        if promised.is_none_or(|by| by == self.fingerprint) {
            return Ok(());
        }
        Err(Error::new(
            SqlState::SERIALIZATION_FAILURE,
            format!(
                "the options of foreign table \"{}\" have changed since this was planned",
                self.table().name
            ),
        )
        .hint("Run the statement again."))
    }

    /// What identifies a row, as the object says.
    pub(super) fn row_id(&self) -> Result<RowId<'_>, Error> {
        let (names, is_tuple) = self.call(|py, object| {
            let told = class::contract(py)?.rowid_columns.bind(py).call1((object,))?;
            match told.extract::<String>() {
                Ok(name) => Ok((vec![name], false)),
                Err(_) => Ok((told.extract::<Vec<String>>()?, true)),
            }
        })?;
        let column = |name: &String| {
            // The contract's words.
            let missing = || Error::new(SqlState::FDW_ERROR, "The rowid attribute does not exist");
            self.table().live_columns().find(|column| column.name == *name).ok_or_else(missing)
        };
        Ok(RowId { columns: names.iter().map(column).collect::<Result<_, Error>>()?, is_tuple })
    }

    /// The plan that `text` says.
    pub(super) fn reading(&self, text: &[u8]) -> Result<Rc<Reading>, Error> {
        let known = self.readings.borrow();
        if let Some((_, reading)) = known.iter().rev().find(|(known, _)| **known == *text) {
            return Ok(reading.clone());
        }
        drop(known);
        let reading = Rc::new(Reading::new(text)?);
        let mut readings = self.readings.borrow_mut();
        if readings.len() == MOST_READINGS {
            readings.remove(0);
        }
        readings.push((text.into(), reading.clone()));
        Ok(reading)
    }

    /// Forgets what depends on types, which may have changed without the table's definition.
    fn forget_types(&self) {
        self.rows.borrow_mut().clear();
        self.readings.borrow_mut().clear();
    }
}

/// The instance of `table` for `user`, made at the first use and after a change of its definition.
pub(super) fn get(table: pg_sys::Oid, user: pg_sys::Oid) -> Result<Rc<Instance>, Error> {
    inval::register()?;
    let key = (table.to_u32(), user.to_u32());
    mark_stale()?;
    let known = CACHE.read(|cache| {
        let cached = cache.get(&key)?;
        Some((cached.instance.clone(), cached.fresh.get() && cached.allowed.borrow().holds()))
    });
    if let Some((instance, true)) = &known {
        return Ok(instance.clone());
    }
    let changes = inval::changes();
    let (definition, allowed) = define(table, user)?;
    if let Some((instance, _)) = known {
        if instance.definition == definition {
            instance.forget_types();
            CACHE.read(|cache| {
                if let Some(cached) = cache.get(&key) {
                    cached.fresh.set(inval::changes() == changes);
                    cached.allowed.replace(allowed);
                }
            });
            return Ok(instance);
        }
        release(key, instance);
    }
    let instance = Rc::new(make(definition)?);
    // What changed while `__init__` ran may have been noted by a nested use of another table.
    let fresh = Cell::new(inval::changes() == changes);
    let cached = Cached { instance: instance.clone(), fresh, allowed: RefCell::new(allowed) };
    CACHE.change(|cache| cache.insert(key, cached));
    Ok(instance)
}

/// Applies what the catalogue's callbacks counted, and lets go of tables and roles that are no more.
fn mark_stale() -> Result<(), Error> {
    let generation = inval::generation();
    let all = SEEN.replace(generation) != generation;
    let changed = inval::take_relations();
    if !all && changed.is_empty() {
        return Ok(());
    }
    let mut stale: Vec<Key> = CACHE.read(|cache| {
        let hit = cache.iter().filter(|(key, _)| all || changed.contains(&key.0));
        hit.inspect(|(_, cached)| cached.fresh.set(false)).map(|(key, _)| *key).collect()
    });
    stale.sort_unstable();
    for key in stale {
        let (table, role) = (pg_sys::Oid::from(key.0), pg_sys::Oid::from(key.1));
        if !relation::exists(table)? || !catalog::role_exists(role)? {
            let gone = CACHE.change(|cache| cache.remove(&key));
            if let Some(cached) = gone {
                release(key, cached.instance);
            }
        }
    }
    Ok(())
}

fn release(key: Key, instance: Rc<Instance>) {
    CACHE.change(|cache| cache.remove(&key));
    let_go(instance);
}

/// Drops an instance where its destructor may run Python; a scan that still uses it keeps it.
pub(super) fn let_go(instance: Rc<Instance>) {
    if Rc::strong_count(&instance) > 1 {
        return;
    }
    let outcome = bridge::call_hook("release of an instance", |_py| {
        drop(instance);
        Ok(())
    });
    if let Err(error) = outcome {
        guard::warn(error);
    }
}

/// An instance whose last owner this may be, so that it is let go of properly.
pub(super) struct Kept(Option<Rc<Instance>>);

impl Kept {
    pub(super) fn new(instance: Rc<Instance>) -> Self {
        Kept(Some(instance))
    }
}

impl std::ops::Deref for Kept {
    type Target = Rc<Instance>;

    fn deref(&self) -> &Rc<Instance> {
        match &self.0 {
            Some(instance) => instance,
            None => unreachable!("it is taken out only by drop"),
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(instance) = self.0.take() {
            let_go(instance);
        }
    }
}

/// The class that the catalogue names for `table`, without an object of it.
pub(super) fn class_of(table: pg_sys::Oid) -> Result<Rc<Class>, Error> {
    let foreign = catalog::foreign_table(table)?;
    let (name, _) = validate::chosen_class(
        &catalog::foreign_server(foreign.server)?,
        validate::wrapper_of(&foreign.options),
    )?;
    // Asked by anybody, perhaps inside a call of another table's class: what the module does when it is
    // imported is done for nobody.
    bridge::sql::acting_for(pg_sys::InvalidOid, || {
        bridge::call_as(Origin::Wrapper, |py| class::load(py, &name))
    })
}

/// Reads the catalogue.
fn define(table: pg_sys::Oid, user: pg_sys::Oid) -> Result<(Definition, Allowed), Error> {
    let foreign = catalog::foreign_table(table)?;
    let server = catalog::foreign_server(foreign.server)?;
    let (class, allowed) = validate::chosen_class(&server, validate::wrapper_of(&foreign.options))?;
    let mapping = catalog::user_mapping(user, foreign.server)?;
    register_secrets(&mapping);
    let options = merge([&foreign.options, &server.options, &mapping]);
    let table = relation::describe(table)?;
    let rights = rights(&[server.owner, table.owner], user, &mapping)?;
    Ok((Definition { class, options, table, rights }, allowed))
}

/// What the roles that chose the options may do: all of `owners` need a right for the class to have it.
pub(super) fn rights(
    owners: &[pg_sys::Oid],
    user: pg_sys::Oid,
    mapping: &catalog::Options,
) -> Result<Rights, Error> {
    let all = |role| owners.iter().try_fold(true, |may, owner| Ok(may && catalog::has_role(*owner, role)?));
    Ok(Rights {
        read_files: all(c"pg_read_server_files")?,
        write_files: all(c"pg_write_server_files")?,
        superuser: catalog::is_superuser(user)?,
        mapping: mapping.iter().map(|(name, _)| name.clone()).collect(),
    })
}

/// A user mapping's passwords and the like never reach a message.
pub(super) fn register_secrets(mapping: &catalog::Options) {
    for (name, value) in mapping {
        if is_secret(name) {
            bridge::secrets::register(value);
        }
    }
}

fn make(definition: Definition) -> Result<Instance, Error> {
    let init = |py: Python<'_>| {
        let class = class::load(py, &definition.class)?;
        let options = PyDict::new(py);
        for (name, value) in &definition.options {
            options.set_item(name, value)?;
        }
        let columns = column_definitions(py, &definition.table)?;
        let object = class.object.bind(py).call1((options, columns))?.unbind();
        Ok::<_, Failure>((class, object))
    };
    let (class, object) = bridge::sql::acting_for(definition.table.owner, || {
        bridge::rights::with(definition.rights.clone(), || bridge::call_as(Origin::Wrapper, init))
    })?;
    let live = definition.table.live_columns().map(|column| column.attno).collect();
    let fingerprint = definition.fingerprint();
    let (rows, readings) = (RefCell::default(), RefCell::default());
    Ok(Instance { class, object, definition, fingerprint, live, rows, readings })
}

fn column_definitions<'py>(py: Python<'py>, table: &Table) -> PyResult<Bound<'py, PyAny>> {
    let contract = class::contract(py)?;
    let columns = contract.columns.bind(py).call0()?;
    for column in table.live_columns() {
        let options = PyDict::new(py);
        for (name, value) in &column.options {
            options.set_item(name, value)?;
        }
        let definition = contract.column_definition.bind(py).call1((
            &column.name,
            column.type_oid.to_u32(),
            column.typmod,
            &column.type_name,
            &column.base_type_name,
            options,
        ))?;
        columns.set_item(&column.name, definition)?;
    }
    Ok(columns)
}

/// A method that has to return something of a certain kind returned something else.
pub(super) fn wrong_result(class: &Class, method: &str, expected: &str, got: &Bound<'_, PyAny>) -> Error {
    Error::new(
        SqlState::FDW_ERROR,
        format!("{method}() of wrapper {} must return {expected}, not {}", class.name, shown(got)),
    )
}

/// A plain value as Python writes it, of anything else the class.
fn shown(got: &Bound<'_, PyAny>) -> String {
    const LONGEST: usize = 80;
    let class = got.get_type();
    let builtin = class.module().is_ok_and(|module| module == "builtins");
    let text = got.repr().map(|text| objects::readable(&text)).unwrap_or_default();
    let text = bridge::secrets::redact(got.py(), text);
    // An address says nothing, and differs from run to run.
    if builtin && !text.contains(" at 0x") && (1..=LONGEST).contains(&text.len()) {
        return text;
    }
    class.name().map(|name| format!("an object of class {name}")).unwrap_or_default()
}
