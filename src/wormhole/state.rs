//! What a call says of itself beside its value: whether it wrote, or that the function is not known. The
//! danger is a row of another shape than the declaration's: it is the declaration that gives it.

use pgrx::pg_sys::Datum;

use crate::error::Error;
use crate::pg::call::Call;
use crate::pg::result_set::{self, Expected, RowShape};
use crate::pg::varlena::Word;

static READ: Word<5> = Word::new("read");
static WROTE: Word<6> = Word::new("wrote");
pub(super) static UNKNOWN: Word<8> = Word::new("unknown");

/// Of a call that has run.
pub(super) fn of(wrote: bool) -> Datum {
    if wrote { WROTE.datum() } else { READ.datum() }
}

/// The row that the call gives.
pub(super) fn shape(call: Call) -> Result<RowShape, Error> {
    match result_set::expected(call)? {
        Expected::Row(shape) => Ok(shape),
        _ => Err(Error::internal("multicorn: a remote call gives a row")),
    }
}
