//! The planner's question about a call, which comes before the server's own check of the right to call: a
//! refusal here can show how the right is given. The danger is trusting it: the server checks all the same.

use pgrx::pg_sys::Datum;

use crate::error::{Error, SqlState};
use crate::pg::call::Call;
use crate::pg::{caller, catalog, texts};

pub(super) fn handle(call: Call) -> Result<Datum, Error> {
    if let Some(function) = caller::supported_function(call.argument(0).datum) {
        let role = catalog::current_user();
        if !caller::may_execute(function, role)? {
            let (long, short) = caller::function_names(function)?;
            let role = texts::quoted(&catalog::role_name(role)?)?;
            return Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied for function {short}"),
            )
            .hint(format!("A superuser can allow it: GRANT EXECUTE ON FUNCTION {long} TO {role};")));
        }
    }
    // "Nothing to simplify": a null pointer.
    Ok(call.give(Some(Datum::null())))
}
