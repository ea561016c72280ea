//! Planning INSERT, UPDATE and DELETE: what a table takes, and what of the old row has to be fetched. The
//! danger is a silent no-op: a class without the method is refused by the server's own error.

use multicorn_plan::{ModifyPlan, changed_columns};

use super::super::instance;
use super::rel_size::no_system_column;
use crate::error::Error;
use crate::pg::modify::{Command, Updatable};
use crate::pg::modify_plan::{IdentityRequest, ModifyRequest, identity_name};

/// What information_schema shows and the executor checks: the methods that the class overrides.
///
/// Asked by anybody about any table, so that no object is made: it might connect somewhere.
pub(crate) fn updatable(table: pgrx::pg_sys::Oid) -> Result<Updatable, Error> {
    // What keeps the class from being loaded is told when rows come, in its own words: COPY and routing
    // ask here first, and "does not allow inserts" would hide it.
    let class = match instance::class_of(table) {
        Ok(class) => class,
        Err(Error::Interrupted) => return Err(Error::Interrupted),
        Err(_) => return Ok(Updatable { insert: true, update: true, delete: true }),
    };
    Ok(Updatable {
        insert: class.has_insert || class.has_bulk_insert,
        update: class.has_update,
        delete: class.has_delete,
    })
}

/// The columns that name a row, and the whole row where the class or RETURNING wants it.
pub(crate) fn identity(request: &IdentityRequest) -> Result<(), Error> {
    request.check_permissions()?;
    let instance = instance::get(request.table(), request.user())?;
    let class = &instance.class;
    if !(if request.is_delete() { class.has_delete } else { class.has_update }) {
        return Ok(()); // the executor words the refusal, from what `updatable` says
    }
    // The server itself fetches the old row for UPDATE.
    if request.is_delete() && (class.delete_takes_old_row || request.has_returning()) {
        request.add_whole_row()?;
    }
    for column in instance.row_id()?.columns {
        request.add_column(column, &identity_name(column))?;
    }
    Ok(())
}

/// Makes the instance, so that an error in the class is told before anything else, and says what the
/// executor has to know.
pub(crate) fn plan(request: &ModifyRequest) -> Result<Option<ModifyPlan>, Error> {
    request.check_permissions()?;
    let instance = instance::get(request.table(), request.user())?;
    if let Some(column) = request.returned_system_column()? {
        return Err(no_system_column(&instance, column));
    }
    match request.command()? {
        Command::Insert if request.on_conflict() => instance.class.check_conflict().map(|()| None),
        Command::Update if instance.class.updates_part() => {
            Ok(Some(ModifyPlan { changed: changed_columns(&request.update_facts()?) }))
        }
        Command::Insert | Command::Update | Command::Delete => Ok(None),
    }
}

/// Whether the class changes all matching rows by one call.
pub(crate) fn does_direct(request: &ModifyRequest) -> Result<bool, Error> {
    let class = &instance::get(request.table(), request.user())?.class;
    Ok(match request.command()? {
        Command::Update => class.has_update_where,
        Command::Delete => class.has_delete_where,
        Command::Insert => false,
    })
}
