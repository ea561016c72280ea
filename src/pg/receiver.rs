//! Rows that the server hands over one by one while a statement runs, so that nobody keeps copies of them. The
//! danger is the place: the executor is below, so an error is kept until it has come back, and what a row's
//! conversion allocates is in a context of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pgrx::pg_sys;

use super::memory::Scratch;
use super::planner::Constant;
use super::spi::{self, ResultColumn};
use super::{encoding, raw, relation};
use crate::error::Error;

/// What takes the rows.
pub(crate) trait Receiver {
    /// A statement begins to give rows; what an earlier one of the same text gave is of no interest.
    fn start(&mut self, header: Header) -> Result<(), Error>;

    /// The next row. An error ends the statement.
    fn row(&mut self, row: Row) -> Result<(), Error>;
}

/// The columns of the rows that come.
#[derive(Clone, Copy)]
pub(crate) struct Header(pg_sys::TupleDesc);

impl Header {
    pub(super) fn raw(self) -> pg_sys::TupleDesc {
        self.0
    }

    pub(crate) fn columns(self) -> Vec<ResultColumn> {
        // SAFETY: alive while `start` runs.
        unsafe { spi::columns(self.0) }
    }

    /// Whether they are these columns, found out without copying anything.
    pub(crate) fn is(self, columns: &[ResultColumn]) -> bool {
        // SAFETY: alive while `start` runs; names end within their attributes.
        unsafe {
            (*self.0).natts as usize == columns.len()
                && columns.iter().enumerate().all(|(index, known)| {
                    let attribute = &*relation::attribute(self.0, index);
                    let name = std::ffi::CStr::from_ptr(attribute.attname.data.as_ptr());
                    attribute.atttypid == known.type_oid
                        && attribute.atttypmod == known.typmod
                        && (name.to_bytes() == known.name.as_bytes()
                            || encoding::from_server(name) == known.name)
                })
        }
    }
}

/// The values of a row, while `row` runs.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    values: *const pg_sys::Datum,
    nulls: *const bool,
    count: usize,
}

impl Row {
    #[inline]
    pub(super) fn raw(self) -> (*const pg_sys::Datum, *const bool) {
        (self.values, self.nulls)
    }

    #[inline]
    pub(crate) fn values(self) -> impl Iterator<Item = Constant> {
        // SAFETY: the slot has as many, and outlives the call.
        (0..self.count)
            .map(move |at| unsafe { Constant { datum: *self.values.add(at), is_null: *self.nulls.add(at) } })
    }
}

/// The server's own form of a receiver, followed by ours.
#[repr(C)]
struct Destination<R> {
    base: pg_sys::DestReceiver,
    receiver: R,
    error: Option<Error>,
    scratch: Scratch,
    rows: usize,
}

/// Runs `run` with a destination that hands rows to `receiver`.
pub(super) fn receive<T, R: Receiver>(
    receiver: R,
    run: impl FnOnce(*mut pg_sys::DestReceiver) -> Result<T, Error>,
) -> Result<(T, R), Error> {
    let mut destination = Destination {
        base: pg_sys::DestReceiver {
            receiveSlot: Some(receive_slot::<R>),
            rStartup: Some(start_up::<R>),
            rShutdown: Some(nothing),
            rDestroy: Some(nothing),
            // Anything but DestNone, for which a query counts as a utility statement.
            mydest: pg_sys::CommandDest::DestTuplestore,
        },
        receiver,
        error: None,
        scratch: Scratch::take()?,
        rows: 0,
    };
    let result = run((&raw mut destination).cast())?;
    match destination.error.take() {
        Some(error) => Err(error),
        None => Ok((result, destination.receiver)),
    }
}

unsafe extern "C-unwind" fn nothing(_destination: *mut pg_sys::DestReceiver) {}

unsafe extern "C-unwind" fn start_up<R: Receiver>(
    destination: *mut pg_sys::DestReceiver,
    _operation: std::ffi::c_int,
    descriptor: pg_sys::TupleDesc,
) {
    // SAFETY: the destination that `receive` has made, which outlives the statement.
    let destination = unsafe { &mut *destination.cast::<Destination<R>>() };
    destination.rows = 0;
    keep(destination, |receiver| receiver.start(Header(descriptor)));
}

unsafe extern "C-unwind" fn receive_slot<R: Receiver>(
    slot: *mut pg_sys::TupleTableSlot,
    destination: *mut pg_sys::DestReceiver,
) -> bool {
    /// Rows between two resets of the scratch memory.
    const BATCH: usize = 64;
    // SAFETY: as above; the slot is the server's, and holds all attributes once they were asked for.
    unsafe {
        let count = (*(*slot).tts_tupleDescriptor).natts;
        if i32::from((*slot).tts_nvalid) < count {
            raw::slot_getsomeattrs_int(slot, count);
        }
        let row = Row { values: (*slot).tts_values, nulls: (*slot).tts_isnull, count: count as usize };
        let destination = &mut *destination.cast::<Destination<R>>();
        destination.rows += 1;
        if destination.rows.is_multiple_of(BATCH) {
            keep_error(&mut destination.error, destination.scratch.reset());
        }
        keep(destination, |receiver| receiver.row(row))
    }
}

/// Runs `work` in the scratch memory; after an error it does nothing any more.
fn keep<R: Receiver>(
    destination: &mut Destination<R>,
    work: impl FnOnce(&mut R) -> Result<(), Error>,
) -> bool {
    if destination.error.is_some() {
        return false;
    }
    let Destination { receiver, scratch, .. } = destination;
    // A panic must not unwind into the executor.
    let outcome = catch_unwind(AssertUnwindSafe(|| scratch.within(|| work(receiver))));
    keep_error(
        &mut destination.error,
        outcome
            .unwrap_or_else(|_| Err(Error::internal("multicorn: internal error: a row could not be read"))),
    );
    destination.error.is_none()
}

fn keep_error(place: &mut Option<Error>, outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        place.get_or_insert(error);
    }
}
