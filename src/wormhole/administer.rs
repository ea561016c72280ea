//! Dropping, granting, revoking and approving. The danger is somebody else's function: only its owner and
//! superusers may do any of it, and approving is for superusers alone.

use pgrx::pg_sys::Datum;

use super::registry::{self, Home};
use super::{failure, give_nothing, needed_text};
use crate::error::{Error, SqlState};
use crate::pg::call::Call;
use crate::pg::{caller, catalog};

/// The name for all roles.
const PUBLIC: &str = "public";

/// Who asks: the role's name, and whether it may act for any owner.
fn asking() -> Result<(String, bool), Error> {
    let role = catalog::current_user();
    Ok((catalog::role_name(role)?, catalog::is_superuser(role)?))
}

/// `wormhole_drop`: how many.
pub(super) fn drop(call: Call) -> Result<Datum, Error> {
    let what = needed_text(call, 0, "id_or_name")?;
    let (role, any) = asking()?;
    let dropped = registry::home()?.query(
        "DELETE FROM ~wormhole_functions WHERE (func_id = $1 OR func_name = $1)
            AND (created_by = $2::name OR $3::boolean)
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

/// The functions of that id that the role may give to others, by name and owner.
fn owned(home: &Home, id: &str) -> Result<Vec<(String, String)>, Error> {
    let (role, any) = asking()?;
    let rows = home.query(
        "SELECT func_name, created_by::text FROM ~wormhole_functions
         WHERE func_id = $1 AND (created_by = $2::name OR $3::boolean)",
        &[Some(id), Some(&role), Some(&any.to_string())],
    )?;
    if rows.is_empty() {
        return Err(failure::no_function(id));
    }
    let pair = |row: Vec<Option<String>>| {
        let mut columns = row.into_iter().map(Option::unwrap_or_default);
        (columns.next().unwrap_or_default(), columns.next().unwrap_or_default())
    };
    Ok(rows.into_iter().map(pair).collect())
}

/// `wormhole_grant`.
pub(super) fn grant(call: Call) -> Result<Datum, Error> {
    let (id, grantee) = (needed_text(call, 0, "id")?, needed_text(call, 1, "role")?);
    if grantee != PUBLIC && !catalog::is_role(&grantee)? {
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{grantee}\" does not exist")));
    }
    let home = registry::home()?;
    let (role, _) = asking()?;
    for (name, owner) in owned(&home, &id)? {
        home.query(
            "INSERT INTO ~wormhole_grants (func_id, created_by, grantee, granted_by)
             VALUES ($1, $2::name, $3::name, $4::name) ON CONFLICT DO NOTHING",
            &[Some(&id), Some(&owner), Some(&grantee), Some(&role)],
        )?;
        registry::audit("grant", &id, Some(&name), Some(&owner), Some(&grantee))?;
    }
    Ok(give_nothing(call))
}

/// `wormhole_revoke`.
pub(super) fn revoke(call: Call) -> Result<Datum, Error> {
    let (id, grantee) = (needed_text(call, 0, "id")?, needed_text(call, 1, "role")?);
    let home = registry::home()?;
    for (name, owner) in owned(&home, &id)? {
        home.query(
            "DELETE FROM ~wormhole_grants
             WHERE func_id = $1 AND created_by = $2::name AND grantee = $3::name",
            &[Some(&id), Some(&owner), Some(&grantee)],
        )?;
        registry::audit("revoke", &id, Some(&name), Some(&owner), Some(&grantee))?;
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
    for (name, owner) in found {
        registry::audit("approve", &id, Some(&name), Some(&owner), None)?;
    }
    Ok(give_nothing(call))
}
