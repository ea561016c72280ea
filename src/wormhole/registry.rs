//! What the tables say: functions, who may call them, and which modules they may import. It is kept until one
//! of the tables changes. The danger is a stale answer: the tables' triggers send a message to every session,
//! and roles are compared at each call.

use std::collections::HashMap;
use std::rc::Rc;

use pgrx::pg_sys::{Datum, Oid};

use super::counts::Counter;
use super::role;
use crate::error::Error;
use crate::pg::call::Call;
use crate::pg::memory::{Access, ForLife};
use crate::pg::{caller, catalog, inval, texts};

/// Where the extension lives, and whose it is.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub(super) owner: Oid,
    /// The schema, quoted, with a dot behind it.
    pub(super) schema: String,
    /// The table of functions.
    pub(super) functions: Oid,
}

/// A function, as a role may call it.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) source: String,
    pub(super) owner: Oid,
    pub(super) owner_name: String,
    pub(super) trusted: bool,
    pub(super) approved: bool,
    /// Whether the role has installed it.
    pub(super) own: bool,
    pub(super) counter: Counter,
}

/// Modules by the list's verdict.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Modules {
    pub(super) allowed: Vec<String>,
    pub(super) refused: Vec<String>,
}

#[derive(Default)]
struct Known {
    /// Which state of the tables this is.
    state: (u64, u64),
    home: Option<Rc<Home>>,
    modules: Option<Rc<Modules>>,
    /// By role and id.
    functions: HashMap<u32, HashMap<String, Rc<Function>>>,
}

/// More functions than one session calls.
const MOST: usize = 1000;

thread_local! {
    static KNOWN: ForLife<Known> = ForLife::default();
}

/// Counts up whenever what is kept here may have changed.
pub(super) fn state() -> (u64, u64) {
    (inval::watched_changes(), inval::generation())
}

fn known<T>(look: impl FnOnce(&mut Known) -> T) -> T {
    let state = state();
    KNOWN.change(|known| {
        if known.state != state {
            *known = Known { state, ..Known::default() };
        }
        look(known)
    })
}

/// Where the extension lives.
pub(super) fn home() -> Result<Rc<Home>, Error> {
    if let Some(home) = known(|known| known.home.clone()) {
        return Ok(home);
    }
    inval::register()?;
    let found = texts::query_as(
        catalog::current_user(),
        "SELECT e.extowner::pg_catalog.text, n.nspname::pg_catalog.text, c.oid::pg_catalog.text
         FROM pg_catalog.pg_extension e
         JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
         JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r' AND c.relname IN
            ('wormhole_functions', 'wormhole_approvals', 'wormhole_grants', 'wormhole_allowed_modules')
         WHERE e.extname = 'multicorn' ORDER BY c.relname <> 'wormhole_functions'",
        &[],
    )?;
    let gone = || Error::internal("multicorn: the extension's tables are not there");
    let cell = |row: usize, column: usize| -> Option<&str> { found.get(row)?.get(column)?.as_deref() };
    let owner: u32 = cell(0, 0).and_then(|text| text.parse().ok()).ok_or_else(gone)?;
    let schema = texts::quoted(cell(0, 1).ok_or_else(gone)?)?;
    let tables: Vec<u32> = (0..found.len()).filter_map(|row| cell(row, 2)?.parse().ok()).collect();
    inval::watch_relations(&tables);
    let functions = Oid::from(*tables.first().ok_or_else(gone)?);
    let home = Rc::new(Home { owner: Oid::from(owner), schema: format!("{schema}."), functions });
    known(|known| known.home = Some(home.clone()));
    Ok(home)
}

impl Home {
    /// Runs a statement of our own as the extension's owner; `~` in it stands for the schema.
    pub(super) fn query(&self, sql: &str, args: &[Option<&str>]) -> Result<Vec<texts::Row>, Error> {
        texts::query_as(self.owner, &sql.replace('~', &self.schema), args)
    }
}

/// A role's number as a parameter.
pub(super) fn number(role: Oid) -> String {
    role.to_u32().to_string()
}

/// The other way; what is no number is nobody.
pub(super) fn oid(number: &str) -> Oid {
    Oid::from(number.parse::<u32>().unwrap_or(role::NOBODY))
}

/// The function that `role` means by this id: its own, or one that it may call.
pub(super) fn find(id: &str, role: Oid) -> Result<Option<Rc<Function>>, Error> {
    let role_number = role.to_u32();
    if let Some(found) = known(|known| known.functions.get(&role_number)?.get(id).cloned()) {
        return Ok(Some(found));
    }
    let Some(function) = look_up(id, role)? else { return Ok(None) };
    let function = Rc::new(function);
    known(|known| {
        if known.functions.values().map(HashMap::len).sum::<usize>() >= MOST {
            known.functions.clear();
        }
        known.functions.entry(role_number).or_default().insert(id.to_owned(), function.clone());
    });
    Ok(Some(function))
}

fn look_up(id: &str, role: Oid) -> Result<Option<Function>, Error> {
    let caller = number(role);
    let any = catalog::is_superuser(role)?.to_string();
    let mut rows = home()?.query(
        "SELECT f.func_name, f.source, f.created_by::oid::text, r.rolname::text, f.trusted::text,
            (a.func_id IS NOT NULL)::text, (r.oid = $2::oid)::text
         FROM ~wormhole_functions f JOIN pg_roles r ON r.oid = f.created_by::oid
            LEFT JOIN ~wormhole_approvals a ON a.func_id = f.func_id
         WHERE f.func_id = $1 AND (r.oid = $2::oid OR $3::boolean OR EXISTS (
            SELECT FROM ~wormhole_grants g
            WHERE g.func_id = f.func_id AND g.created_by::oid = r.oid
                AND (g.grantee::oid = 0 OR pg_has_role($2::oid, g.grantee::oid, 'USAGE'))))
         ORDER BY r.oid = $2::oid DESC, f.trusted DESC, f.created_at, r.oid LIMIT 1",
        &[Some(id), Some(&caller), Some(&any)],
    )?;
    let Some(row) = rows.pop() else { return Ok(None) };
    let mut columns = row.into_iter().map(Option::unwrap_or_default);
    let mut next = || columns.next().unwrap_or_default();
    Ok(Some(Function {
        id: id.to_owned(),
        name: next(),
        source: next(),
        owner: oid(&next()),
        owner_name: next(),
        trusted: next() == "true",
        approved: next() == "true",
        own: next() == "true",
        counter: Counter::default(),
    }))
}

/// The modules that functions may import.
pub(super) fn modules() -> Result<Rc<Modules>, Error> {
    if let Some(modules) = known(|known| known.modules.clone()) {
        return Ok(modules);
    }
    let rows = home()?.query(
        "SELECT module_name, allowed::text FROM ~wormhole_allowed_modules ORDER BY module_name",
        &[],
    )?;
    let mut modules = Modules::default();
    for row in rows {
        let mut columns = row.into_iter().map(Option::unwrap_or_default);
        let (Some(name), Some(allowed)) = (columns.next(), columns.next()) else { continue };
        if allowed == "true" { &mut modules.allowed } else { &mut modules.refused }.push(name);
    }
    let modules = Rc::new(modules);
    known(|known| known.modules = Some(modules.clone()));
    Ok(modules)
}

/// The trigger of the tables: every session forgets what it has read.
pub(super) fn changed(call: Call) -> Result<Datum, Error> {
    let relation = caller::trigger_relation(call)
        .ok_or_else(|| Error::internal("multicorn: wormhole_changed is a trigger"))?;
    caller::announce(relation)?;
    // A trigger's NULL is a null pointer that is not marked as NULL.
    Ok(call.give(Some(Datum::null())))
}

/// Notes in the table of installs who did what.
pub(super) fn audit(
    action: &str,
    id: &str,
    name: Option<&str>,
    owner_name: Option<&str>,
    detail: Option<&str>,
) -> Result<(), Error> {
    let roles = caller::roles();
    let (role, session) = (catalog::role_name(roles.current)?, catalog::role_name(roles.session)?);
    home()?.query(
        "INSERT INTO ~wormhole_installs (action, func_id, func_name, created_by, role, session_role, detail,
            role_oid, session_role_oid)
         VALUES ($1, $2, $3, $4::name, $5::name, $6::name, $7, $8::oid, $9::oid)",
        &[
            Some(action),
            Some(id),
            name,
            owner_name,
            Some(&role),
            Some(&session),
            detail,
            Some(&number(roles.current)),
            Some(&number(roles.session)),
        ],
    )?;
    Ok(())
}
