//! Rows of a portal written by the server itself into the tuple store that a function returns. The danger is a
//! row of another type: a store takes whatever it is given, so the columns are compared before.

use std::ffi::c_long;

use pgrx::pg_sys;

use super::guard::pg_try;
use super::result_set::Store;
use super::{raw, relation, statement};
use crate::error::Error;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drained {
    /// All rows that were left are in the store.
    All,
    /// Nothing was done: the columns' types are not those of the store; the portal has so many.
    Differs { columns: usize },
    /// The portal is closed.
    Gone,
}

/// Writes the rows that are left in a portal, or those before its place, into the store.
pub(crate) fn drain(portal: &str, forward: bool, store: &Store) -> Result<Drained, Error> {
    let Some(portal) = statement::find(portal)? else { return Ok(Drained::Gone) };
    let (target, descriptor) = store.raw();
    // SAFETY: a live portal that gives rows, and a store of the running call.
    unsafe {
        let given = (*portal).tupDesc;
        if given.is_null() || !fits(given, descriptor) {
            let columns = given.as_ref().map_or(0, |given| given.natts as usize);
            return Ok(Drained::Differs { columns });
        }
        let direction = match forward {
            true => pg_sys::FetchDirection::FETCH_FORWARD,
            false => pg_sys::FetchDirection::FETCH_BACKWARD,
        };
        pg_try(|| {
            let receiver = raw::CreateTuplestoreDestReceiver();
            raw::SetTuplestoreDestReceiverParams(
                receiver,
                target,
                store.memory(),
                // A value that lies in a table's own storage is fetched when the row is read, if it is.
                false,
                std::ptr::null_mut(),
                std::ptr::null(),
            );
            raw::PortalRunFetch(portal, direction, c_long::MAX, receiver);
            if let Some(destroy) = (*receiver).rDestroy {
                destroy(receiver);
            }
        })?;
    }
    Ok(Drained::All)
}

/// Whether rows of one descriptor are rows of the other as they are.
///
/// # Safety
/// Both are alive.
unsafe fn fits(given: pg_sys::TupleDesc, wanted: pg_sys::TupleDesc) -> bool {
    // SAFETY: the caller's promise; a descriptor has `natts` attributes.
    unsafe {
        (*given).natts == (*wanted).natts
            && (0..(*given).natts as usize).all(|index| {
                let (given, wanted) = (relation::attribute(given, index), relation::attribute(wanted, index));
                !(*wanted).attisdropped
                    && (*given).atttypid == (*wanted).atttypid
                    && ((*wanted).atttypmod < 0 || (*given).atttypmod == (*wanted).atttypmod)
            })
    }
}
