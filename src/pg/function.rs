//! Version-1 C functions by hand: the `pg_finfo_` symbol and the arguments. The danger is the call
//! convention: a missing finfo makes the server pass arguments in a way that crashes.

use pgrx::pg_sys;

/// The description that the server looks up beside each C function.
pub(crate) static FINFO_V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };

/// The arguments of one call.
#[derive(Clone, Copy)]
pub(crate) struct Arguments(pg_sys::FunctionCallInfo);

impl Arguments {
    /// # Safety
    /// `call` is what the server passed to a version-1 function.
    pub(crate) unsafe fn new(call: pg_sys::FunctionCallInfo) -> Self {
        Arguments(call)
    }

    /// Argument `index`, or `None` for NULL or a missing one.
    pub(crate) fn get(self, index: usize) -> Option<pg_sys::Datum> {
        // SAFETY: the server allocates `nargs` arguments behind the header.
        unsafe {
            if index >= (*self.0).nargs as usize {
                return None;
            }
            let argument = &*(*self.0).args.as_ptr().add(index);
            (!argument.isnull).then_some(argument.value)
        }
    }
}

/// Exports `$name` to SQL: a version-1 function that runs `$body` with the call as `$view` sees it. The body
/// lets nothing unwind.
macro_rules! version_1_function {
    ($(#[$doc:meta])* $finfo:ident, $name:ident, $view:path, $body:expr) => {
        #[doc = "The call convention, for the server."]
        #[unsafe(no_mangle)]
        pub(crate) extern "C-unwind" fn $finfo() -> &'static pgrx::pg_sys::Pg_finfo_record {
            &$crate::pg::function::FINFO_V1
        }

        $(#[$doc])*
        ///
        /// # Safety
        /// Called by the server's function manager.
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C-unwind" fn $name(call: pgrx::pg_sys::FunctionCallInfo) -> pgrx::pg_sys::Datum {
            // SAFETY: the server's promise to a version-1 function.
            let call = unsafe { <$view>::new(call) };
            $body(call)
        }
    };
}

/// Exports `$name` to SQL: a version-1 function that runs `$body` behind the error boundary.
macro_rules! sql_function {
    ($(#[$doc:meta])* $finfo:ident, $name:ident, $body:expr) => {
        $crate::pg::function::version_1_function! {
            $(#[$doc])* $finfo, $name, $crate::pg::function::Arguments,
            |arguments| $crate::pg::guard::boundary(|| $body(arguments))
        }
    };
}

pub(crate) use {sql_function, version_1_function};
