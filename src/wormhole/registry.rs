//! What the tables say: functions, who may call them, and which modules they may import. It is kept until one
//! of the tables changes. The danger is a stale answer: the tables' triggers send a message to every session,
//! and roles are compared at each call.

use std::collections::HashMap;
use std::rc::Rc;

use pgrx::pg_sys::{Datum, Oid};
use wormhole_protocol::id_of;

use super::counts::{self, Counter};
use super::{failure, role};
use crate::error::Error;
use crate::pg::call::Call;
use crate::pg::memory::{Access, ForLife};
use crate::pg::{caller, catalog, inval, relation, texts};

/// Where the extension lives, and whose it is.
#[derive(Clone, Debug)]
pub(super) struct Home {
    owner: Oid,
    /// One of its tables: schemas are renamed without a message.
    table: Oid,
    /// That of functions.
    pub(super) functions: Oid,
    /// Whether nobody but superusers can have written to the tables.
    vouched: bool,
    /// A table of it with a trigger that would run somebody else's code as the extension's owner.
    invaded: Option<String>,
}

/// A function, as a role may call it.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) id: String,
    /// By what compiled code is kept: the id, unless somebody has changed the text under it.
    pub(super) key: String,
    pub(super) name: String,
    pub(super) source: String,
    pub(super) owner: Oid,
    pub(super) owner_name: String,
    pub(super) trusted: bool,
    pub(super) approved: bool,
    /// Whether the role has installed it.
    pub(super) own: bool,
    pub(super) counter: Rc<Counter>,
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
    /// Bytes of their sources.
    size: usize,
}

/// More functions than one session calls.
const MOST: usize = 1000;
/// Bytes of sources: one may have several megabytes.
const LARGEST: usize = 16 << 20;

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

/// What is kept, or what `look` finds in the tables. That is kept unless a message came meanwhile, since what
/// was read may be older than it.
fn kept_or<T>(
    kept: impl Fn(&mut Known) -> Option<T>,
    look: impl FnOnce(&Home) -> Result<Option<T>, Error>,
    keep: impl FnOnce(&mut Known, &T),
) -> Result<Option<T>, Error> {
    if let Some(found) = known(&kept) {
        return Ok(Some(found));
    }
    let home = home()?;
    let before = state();
    let found = look(&home)?;
    if let Some(found) = &found
        && state() == before
    {
        known(|known| keep(known, found));
    }
    Ok(found)
}

/// Where the extension lives.
pub(super) fn home() -> Result<Rc<Home>, Error> {
    if let Some(home) = known(|known| known.home.clone()) {
        return Ok(home);
    }
    inval::register()?;
    // A trigger of somebody who was granted all rights on all tables would run as the extension's owner.
    let found = texts::read_as(
        catalog::current_user(),
        "SELECT e.extowner::pg_catalog.text, c.oid::pg_catalog.text, c.relname::pg_catalog.text,
            (r.rolsuper AND x.rolsuper)::pg_catalog.text, EXISTS (
                SELECT FROM pg_catalog.pg_trigger t
                JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
                JOIN pg_catalog.pg_roles o ON o.oid = p.proowner
                WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND NOT o.rolsuper AND o.oid <> c.relowner
            )::pg_catalog.text
         FROM pg_catalog.pg_extension e
         JOIN pg_catalog.pg_roles x ON x.oid = e.extowner
         JOIN pg_catalog.pg_class c ON c.relnamespace = e.extnamespace AND c.relkind = 'r' AND c.relname IN
            ('wormhole_functions', 'wormhole_approvals', 'wormhole_grants', 'wormhole_allowed_modules',
             'wormhole_installs')
         JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
         WHERE e.extname = 'multicorn'",
        &[],
    )?;
    let gone = || Error::internal("multicorn: the extension's tables are not there");
    let mut home = None;
    let mut tables = Vec::with_capacity(found.len());
    for row in &found {
        let [Some(owner), Some(table), Some(name), Some(vouched), Some(invaded)] = row.as_slice() else {
            return Err(gone());
        };
        let number = |text: &str| text.parse().map(Oid::from_u32).map_err(|_| gone());
        let table = number(table)?;
        tables.push(table.to_u32());
        let owner = number(owner)?;
        let home = home.get_or_insert(Home { owner, table, functions: table, vouched: true, invaded: None });
        home.vouched &= vouched == "true";
        if name == "wormhole_functions" {
            home.functions = table;
        }
        if invaded == "true" {
            home.invaded = Some(name.clone());
        }
    }
    inval::watch_relations(&tables);
    let home = Rc::new(home.ok_or_else(gone)?);
    known(|known| known.home = Some(home.clone()));
    Ok(home)
}

impl Home {
    /// A statement of our own, in which `~` stands for the schema.
    fn complete(&self, sql: &str) -> Result<String, Error> {
        let (schema, _) = relation::qualified_name(self.table);
        let schema = schema.ok_or_else(|| Error::internal("multicorn: the extension is gone"))?;
        Ok(sql.replace('~', &format!("{}.", texts::quoted(&schema)?)))
    }

    /// Runs one that writes, as the extension's owner.
    pub(super) fn query(&self, sql: &str, args: &[Option<&str>]) -> Result<Vec<texts::Row>, Error> {
        if let Some(table) = &self.invaded {
            return Err(failure::invaded(table));
        }
        texts::query_as(self.owner, &self.complete(sql)?, args)
    }

    /// Runs one that only reads what is committed, as the extension's owner.
    pub(super) fn read(&self, sql: &str, args: &[Option<&str>]) -> Result<Vec<texts::Row>, Error> {
        texts::read_as(self.owner, &self.complete(sql)?, args)
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
    let number = role.to_u32();
    kept_or(
        |known| known.functions.get(&number)?.get(id).cloned(),
        |home| Ok(look_up(home, id, role)?.map(Rc::new)),
        |known, function| {
            known.size += function.source.len();
            let count = known.functions.values().map(HashMap::len).sum::<usize>();
            if count >= MOST || known.size > LARGEST {
                known.functions.clear();
                known.size = function.source.len();
            }
            known.functions.entry(number).or_default().insert(id.to_owned(), function.clone());
        },
    )
}

fn look_up(home: &Home, id: &str, role: Oid) -> Result<Option<Function>, Error> {
    let caller = number(role);
    let any = catalog::is_superuser(role)?.to_string();
    let mut rows = home.read(
        "SELECT f.func_name, f.source, f.signature, f.created_by::oid::text, r.rolname::text, f.trusted::text,
            (a.func_id IS NOT NULL)::text, (r.oid = $2::oid)::text
         FROM ~wormhole_functions f JOIN pg_catalog.pg_roles r ON r.oid = f.created_by::oid
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
    let (name, source, signature) = (next(), next(), next());
    let key = id_of(&name, &source, &signature);
    let owner = oid(&next());
    Ok(Some(Function {
        id: id.to_owned(),
        key,
        name,
        source,
        owner,
        owner_name: next(),
        trusted: next() == "true" && home.vouched,
        approved: next() == "true" && home.vouched,
        own: next() == "true",
        counter: counts::counter(id, owner),
    }))
}

/// The modules that functions may import.
pub(super) fn modules() -> Result<Rc<Modules>, Error> {
    let modules = kept_or(
        |known| known.modules.clone(),
        |home| Ok(Some(Rc::new(listed(home)?))),
        |known, modules| known.modules = Some(modules.clone()),
    )?;
    Ok(modules.unwrap_or_default())
}

fn listed(home: &Home) -> Result<Modules, Error> {
    let rows = home
        .read("SELECT module_name, allowed::text FROM ~wormhole_allowed_modules ORDER BY module_name", &[])?;
    let mut modules = Modules::default();
    for row in rows {
        let mut columns = row.into_iter().map(Option::unwrap_or_default);
        let (Some(name), Some(allowed)) = (columns.next(), columns.next()) else { continue };
        if allowed == "true" { &mut modules.allowed } else { &mut modules.refused }.push(name);
    }
    Ok(modules)
}

/// The trigger of the tables: every session forgets what it has read. What they say decides what runs in the
/// server's own process, so rights on all tables of a schema, or pg_write_all_data, are not enough here.
pub(super) fn changed(call: Call) -> Result<Datum, Error> {
    let (relation, owner) = caller::trigger_relation(call)
        .ok_or_else(|| Error::internal("multicorn: wormhole_changed is a trigger"))?;
    let role = catalog::current_user();
    if role != owner && !catalog::is_superuser(role)? {
        return Err(failure::not_writable(&relation::qualified_name(relation).1.unwrap_or_default()));
    }
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
