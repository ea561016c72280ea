//! TRUNCATE. The danger is half of it: all classes are asked whether they can before any of them is told to.

use std::rc::Rc;

use pgrx::pg_sys;
use pyo3::intern;
use pyo3::prelude::*;

use super::super::instance::{self, Instance};
use super::super::transaction;
use crate::error::{Error, SqlState};
use crate::pg::catalog;
use crate::pg::modify_routine::Truncate;

pub(crate) fn truncate(tables: &[pg_sys::Oid], options: Truncate) -> Result<(), Error> {
    let user = catalog::current_user();
    let instances = tables.iter().map(|table| able(*table, user)).collect::<Result<Vec<_>, Error>>()?;
    for instance in instances {
        transaction::join(&instance)?;
        instance.call(|py, object| {
            let arguments = (options.restart_identity, options.cascade);
            object.call_method1(intern!(py, "truncate"), arguments)?;
            Ok(())
        })?;
    }
    Ok(())
}

fn able(table: pg_sys::Oid, user: pg_sys::Oid) -> Result<Rc<Instance>, Error> {
    let instance = instance::get(table, user)?;
    if instance.class.has_truncate {
        return Ok(instance);
    }
    Err(Error::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        // The server's words for a wrapper that cannot.
        format!("cannot truncate foreign table \"{}\"", instance.table().name),
    )
    .hint(format!("Wrapper {} has no method truncate(); use DELETE.", instance.class.name)))
}
