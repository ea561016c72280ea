//! ANALYZE of a foreign table: a sample of its rows, as the server wants it. The danger is memory: of a
//! million rows only the sample may stay, so each row is made in a context of its own.

use std::ffi::c_int;

use pgrx::pg_sys;

use super::guard::{self, boundary, pg_try};
use super::routine::ForeignDataWrapper;
use super::scan_node::RowTarget;
use super::{encoding, memory, raw};
use crate::error::{Error, Level, Report, SqlState};

/// Sets the callbacks.
pub(super) fn fill<W: ForeignDataWrapper>(routine: &mut pg_sys::FdwRoutine) {
    routine.AnalyzeForeignTable = Some(analyze::<W>);
}

unsafe extern "C-unwind" fn analyze<W: ForeignDataWrapper>(
    relation: pg_sys::Relation,
    function: *mut pg_sys::AcquireSampleRowsFunc,
    pages: *mut pg_sys::BlockNumber,
) -> bool {
    boundary(|| {
        // SAFETY: the server's open relation, and two places of its own.
        unsafe {
            let Some(bytes) = W::analyzed_size((*relation).rd_id, (*(*relation).rd_rel).relowner)? else {
                return Ok(false);
            };
            *function = Some(acquire::<W>);
            // Zero would mean that the table is empty.
            *pages = (bytes / f64::from(pg_sys::BLCKSZ)).clamp(1.0, f64::from(u32::MAX - 1)) as u32;
            Ok(true)
        }
    })
}

unsafe extern "C-unwind" fn acquire<W: ForeignDataWrapper>(
    relation: pg_sys::Relation,
    level: c_int,
    rows: *mut pg_sys::HeapTuple,
    most: c_int,
    total: *mut f64,
    dead: *mut f64,
) -> c_int {
    boundary(|| {
        // SAFETY: the server's open relation, and room for `most` rows.
        unsafe {
            let mut sampler = Sampler::new(relation, rows, most)?;
            *total = W::sample(&mut sampler)?;
            *dead = 0.0;
            if level >= Level::Info as c_int {
                tell(&sampler, *total)?;
            }
            Ok(sampler.kept)
        }
    })
}

/// What VERBOSE shows.
fn tell(sampler: &Sampler, total: f64) -> Result<(), Error> {
    // SAFETY: the server's open relation.
    let name = unsafe { encoding::from_server_ptr((*(*sampler.relation).rd_rel).relname.data.as_ptr()) };
    let text = format!(
        "\"{}\": table contains {total:.0} rows; {} rows in sample",
        name.unwrap_or_default(),
        sampler.kept
    );
    guard::emit(Level::Info, Report::new(SqlState::SUCCESS, text))
}

/// Chooses rows at random from a stream of them (the server's reservoir: Vitter's algorithm Z).
pub(crate) struct Sampler {
    relation: pg_sys::Relation,
    rows: *mut pg_sys::HeapTuple,
    most: c_int,
    kept: c_int,
    /// Rows that were offered.
    seen: f64,
    /// Of those to come, how many are passed over before the next one is kept.
    skipped: f64,
    state: pg_sys::ReservoirStateData,
    context: memory::OwnedContext,
    target: RowTarget,
}

impl Sampler {
    /// # Safety
    /// The arguments that the server passed; they outlive the sampler.
    unsafe fn new(
        relation: pg_sys::Relation,
        rows: *mut pg_sys::HeapTuple,
        most: c_int,
    ) -> Result<Self, Error> {
        let mut state = pg_sys::ReservoirStateData::default();
        // SAFETY: raw calls; the arrays have an element for each attribute, in the server's context.
        let target = unsafe {
            pg_try(|| {
                raw::reservoir_init_selection_state(&raw mut state, most);
                let count = ((*(*relation).rd_att).natts as usize).max(1);
                RowTarget {
                    values: raw::palloc0(count * size_of::<pg_sys::Datum>()).cast(),
                    nulls: raw::palloc0(count).cast(),
                }
            })?
        };
        let context = memory::OwnedContext::new()?;
        Ok(Sampler { relation, rows, most, kept: 0, seen: 0.0, skipped: -1.0, state, context, target })
    }

    pub(crate) fn table(&self) -> pg_sys::Oid {
        // SAFETY: the server's open relation.
        unsafe { (*self.relation).rd_id }
    }

    /// Whose user mapping counts: the table's owner, as whom ANALYZE runs.
    pub(crate) fn owner(&self) -> pg_sys::Oid {
        // SAFETY: as above.
        unsafe { (*(*self.relation).rd_rel).relowner }
    }

    /// How many rows are wanted.
    pub(crate) fn wanted(&self) -> i32 {
        self.most
    }

    /// Rows that were offered so far.
    pub(crate) fn seen(&self) -> f64 {
        self.seen
    }

    /// Offers the row that `fill` makes; false if it made none.
    pub(crate) fn offer(
        &mut self,
        fill: impl FnOnce(RowTarget) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        let target = self.target;
        if !self.context.within(|| fill(target))? {
            return Ok(false);
        }
        // SAFETY: raw calls; the row's values live until the context is reset, and the place is below
        // `most`.
        unsafe {
            pg_try(|| {
                if self.kept < self.most {
                    self.keep(self.kept as usize);
                    self.kept += 1;
                } else {
                    if self.skipped < 0.0 {
                        self.skipped = raw::reservoir_get_next_S(&raw mut self.state, self.seen, self.most);
                    }
                    if self.skipped <= 0.0 {
                        let at =
                            f64::from(self.most) * raw::sampler_random_fract(&raw mut self.state.randstate);
                        raw::heap_freetuple(*self.rows.add(at as usize));
                        self.keep(at as usize);
                    }
                    self.skipped -= 1.0;
                }
            })?;
        }
        self.seen += 1.0;
        self.context.reset()?;
        Ok(true)
    }

    /// # Safety
    /// Runs inside `pg_try`; `at` is below `most`.
    unsafe fn keep(&self, at: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            *self.rows.add(at) =
                raw::heap_form_tuple((*self.relation).rd_att, self.target.values, self.target.nulls);
        }
    }
}
