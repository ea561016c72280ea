//! Statements that run with the rights of another role. The danger is names: in the caller's search path
//! `now()` or `+` may be a function of the caller's, which would then run with those rights.

use pgrx::pg_sys;

use super::guard::pg_try;
use super::raw;
use crate::error::Error;

/// Whatever is in it is the server's own, but for temporary tables, which are looked up last.
const SAFE_PATH: &std::ffi::CStr = c"pg_catalog, pg_temp";

/// Runs `work` as `role`, which cannot be left by SET ROLE inside, and with a search path of the server's
/// own schemas. If `work` fails, the abort of the surrounding subtransaction puts both back.
pub(crate) fn acting_as<T>(role: pg_sys::Oid, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let (mut user, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: raw calls that fill the locals, and set what they told.
    unsafe {
        let level = pg_try(|| {
            raw::GetUserIdAndSecContext(&raw mut user, &raw mut context);
            let level = raw::NewGUCNestLevel();
            raw::SetUserIdAndSecContext(role, context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32);
            raw::set_config_option(
                c"search_path".as_ptr(),
                SAFE_PATH.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
            level
        })?;
        let result = work()?;
        pg_try(|| {
            raw::AtEOXact_GUC(false, level);
            raw::SetUserIdAndSecContext(user, context);
        })?;
        Ok(result)
    }
}
