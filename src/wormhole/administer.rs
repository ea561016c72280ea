//! Dropping, granting, revoking and approving. The danger is somebody else's function: only its owner and
//! superusers may do any of it, and approving is for superusers alone.

use pgrx::pg_sys::Datum;

use super::registry::{self, Home, number};
use super::{failure, give_nothing, needed_text, role};
use crate::error::{Error, SqlState};
use crate::pg::call::Call;
use crate::pg::{caller, catalog};

/// Who asks: the role's number, and whether it may act for any owner.
fn asking() -> Result<(String, bool), Error> {
    let role = catalog::current_user();
    Ok((number(role), catalog::is_superuser(role)?))
}

/// `wormhole_drop`: how many.
pub(super) fn drop(call: Call) -> Result<Datum, Error> {
    let what = needed_text(call, 0, "id_or_name")?;
    let (role, any) = asking()?;
    let dropped = registry::home()?.query(
        "DELETE FROM ~wormhole_functions WHERE (func_id = $1 OR func_name = $1)
            AND (created_by::oid = $2::oid OR $3::boolean)
         RETURNING func_id, func_name, created_by::text",
        &[Some(&what), Some(&role), Some(&any.to_string())],
    )?;
    for row in &dropped {
        if let [Some(id), name, owner] = row.as_slice() {
            registry::audit("drop", id, name.as_deref(), owner.as_deref(), None)?;
        }
    }
    Ok(call.give(Some(Datum::from(i64::try_from(dropped.len()).unwrap_or(i64::MAX)))))
}

/// A function of an owner's.
struct Owned {
    name: String,
    owner: String,
    /// The owner's number.
    number: String,
}

/// The functions of that id that the role may give to others.
fn owned(home: &Home, id: &str) -> Result<Vec<Owned>, Error> {
    let (role, any) = asking()?;
    let rows = home.query(
        "SELECT func_name, created_by::text, created_by::oid::text FROM ~wormhole_functions
         WHERE func_id = $1 AND (created_by::oid = $2::oid OR $3::boolean)",
        &[Some(id), Some(&role), Some(&any.to_string())],
    )?;
    if rows.is_empty() {
        return Err(failure::no_function(id));
    }
    let read = |row: Vec<Option<String>>| {
        let mut columns = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || columns.next().unwrap_or_default();
        Owned { name: next(), owner: next(), number: next() }
    };
    Ok(rows.into_iter().map(read).collect())
}

/// `wormhole_grant`.
pub(super) fn grant(call: Call) -> Result<Datum, Error> {
    let (id, grantee) = (needed_text(call, 0, "id")?, needed_text(call, 1, "role")?);
    let to = role::by_name(&grantee)?.ok_or_else(|| role::not_there(&grantee))?;
    let home = registry::home()?;
    let by = catalog::role_name(catalog::current_user())?;
    for function in owned(&home, &id)? {
        home.query(
            "INSERT INTO ~wormhole_grants (func_id, created_by, grantee, granted_by)
             VALUES ($1, $2::oid::~wormhole_role, $3::oid::~wormhole_role, $4::name) ON CONFLICT DO NOTHING",
            &[Some(&id), Some(&function.number), Some(&number(to)), Some(&by)],
        )?;
        registry::audit("grant", &id, Some(&function.name), Some(&function.owner), Some(&grantee))?;
    }
    Ok(give_nothing(call))
}

/// `wormhole_revoke`.
pub(super) fn revoke(call: Call) -> Result<Datum, Error> {
    let (id, grantee) = (needed_text(call, 0, "id")?, needed_text(call, 1, "role")?);
    let home = registry::home()?;
    for function in owned(&home, &id)? {
        // By its text, since that of a role that is gone is not a name.
        home.query(
            "DELETE FROM ~wormhole_grants
             WHERE func_id = $1 AND created_by::oid = $2::oid AND grantee::text = $3",
            &[Some(&id), Some(&function.number), Some(&grantee)],
        )?;
        registry::audit("revoke", &id, Some(&function.name), Some(&function.owner), Some(&grantee))?;
    }
    Ok(give_nothing(call))
}

/// `wormhole_approve`. Like installing for the process, it is for those who have been superusers all the way.
pub(super) fn approve(call: Call) -> Result<Datum, Error> {
    let id = needed_text(call, 0, "id")?;
    let roles = caller::roles();
    if !roles.all_superusers()? {
        return Err(Error::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            "only a superuser can approve a remote function",
        )
        .detail("Session, outer and current user must be superusers."));
    }
    let home = registry::home()?;
    let found = owned(&home, &id)?;
    home.query(
        "INSERT INTO ~wormhole_approvals (func_id, approved_by) VALUES ($1, $2::name) ON CONFLICT DO NOTHING",
        &[Some(&id), Some(&catalog::role_name(roles.current)?)],
    )?;
    for function in found {
        registry::audit("approve", &id, Some(&function.name), Some(&function.owner), None)?;
    }
    Ok(give_nothing(call))
}
