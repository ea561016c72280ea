//! Small questions about the session that need no SQL. The danger is a text that is not the database's: it
//! is translated both ways.

use super::guard::pg_try;
use super::{encoding, memory, raw};
use crate::error::Error;

/// The name as an SQL identifier, in quotes if need be.
pub(crate) fn quote_identifier(name: &str) -> Result<String, Error> {
    let name = encoding::to_server_exactly(name)?;
    memory::scratch(|| {
        // SAFETY: raw call; the result lies in the scratch context, or is the argument.
        unsafe {
            let quoted = pg_try(|| raw::quote_identifier(name.as_ptr()))?;
            Ok(encoding::from_server_ptr(quoted).unwrap_or_default())
        }
    })
}
