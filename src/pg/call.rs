//! Calls of functions by the server's function manager: arguments, result, and what a call site keeps.
//! The danger is `fn_extra`: it belongs to one `FmgrInfo` and must live in that one's memory context.

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use pgrx::pg_sys;

use super::guard::{self, pg_try};
use super::planner::Constant;
use super::{memory, raw};
use crate::error::Error;

/// One call of a function of a language.
#[derive(Clone, Copy)]
pub(crate) struct Call(pg_sys::FunctionCallInfo);

/// What a function is called as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Function,
    Trigger,
    EventTrigger,
}

impl Call {
    /// # Safety
    /// `call` is what the server passed to a language's handler.
    pub(crate) unsafe fn new(call: pg_sys::FunctionCallInfo) -> Self {
        Call(call)
    }

    pub(super) fn raw(self) -> pg_sys::FunctionCallInfo {
        self.0
    }

    pub(crate) fn function(self) -> pg_sys::Oid {
        // SAFETY: the server passes a looked-up function.
        unsafe { (*(*self.0).flinfo).fn_oid }
    }

    pub(crate) fn role(self) -> Role {
        // SAFETY: null or a node.
        unsafe {
            match (*self.0).context.as_ref().map(|node| node.type_) {
                Some(pg_sys::NodeTag::T_TriggerData) => Role::Trigger,
                Some(pg_sys::NodeTag::T_EventTriggerData) => Role::EventTrigger,
                _ => Role::Function,
            }
        }
    }

    /// Whether it is a CALL, or a DO block, that may end transactions.
    pub(crate) fn may_commit(self) -> bool {
        // SAFETY: null or a node; the cast follows the tag.
        unsafe {
            match (*self.0).context.as_ref() {
                Some(node) if node.type_ == pg_sys::NodeTag::T_CallContext => {
                    !(*(*self.0).context.cast::<pg_sys::CallContext>()).atomic
                }
                _ => false,
            }
        }
    }

    pub(crate) fn arguments(self) -> usize {
        // SAFETY: a live call.
        unsafe { usize::try_from((*self.0).nargs).unwrap_or(0) }
    }

    /// Argument `index`, below `arguments`.
    #[inline]
    pub(crate) fn argument(self, index: usize) -> Constant {
        debug_assert!(index < self.arguments());
        // SAFETY: the server allocates `nargs` arguments behind the header.
        unsafe {
            let argument = &*(*self.0).args.as_ptr().add(index);
            Constant { datum: argument.value, is_null: argument.isnull }
        }
    }

    /// The type that the expression gives for an argument, where the declared one is polymorphic.
    pub(crate) fn argument_type(self, index: usize) -> Option<pg_sys::Oid> {
        // SAFETY: raw call, which looks at the expression only.
        let found = unsafe { raw::get_fn_expr_argtype((*self.0).flinfo, index as c_int) };
        (found != pg_sys::InvalidOid).then_some(found)
    }

    /// Whether the last argument is an array of arguments: `f(VARIADIC ARRAY[…])`.
    pub(crate) fn is_variadic(self) -> bool {
        // SAFETY: raw call, which looks at the expression only.
        unsafe { raw::get_fn_expr_variadic((*self.0).flinfo) }
    }

    /// The function's result: `None` is NULL.
    #[inline]
    pub(crate) fn give(self, value: Option<pg_sys::Datum>) -> pg_sys::Datum {
        // SAFETY: a live call.
        unsafe { (*self.0).isnull = value.is_none() };
        value.unwrap_or(pg_sys::Datum::null())
    }

    /// What the call site keeps, as `keep` left it. Only one type of it is ever kept.
    #[inline]
    pub(crate) fn kept<T: 'static>(self) -> Option<Rc<T>> {
        // SAFETY: only `keep` sets the pointer, in a site whose function is of one of our languages.
        unsafe { (*(*self.0).flinfo).fn_extra.cast::<Rc<T>>().as_ref().cloned() }
    }

    /// Keeps `value` for the next call from this site.
    pub(crate) fn keep<T: 'static>(self, value: Rc<T>) -> Result<(), Error> {
        // SAFETY: as above; the context lives as long as the call site.
        unsafe {
            let info = (*self.0).flinfo;
            match (*info).fn_extra.cast::<Rc<T>>().as_mut() {
                Some(place) => *place = value,
                None => (*info).fn_extra = memory::own((*info).fn_mcxt, value)?.cast(),
            }
        }
        Ok(())
    }

    /// The memory that lives as long as the call site.
    pub(super) fn site_memory(self) -> pg_sys::MemoryContext {
        // SAFETY: a live call.
        unsafe { (*(*self.0).flinfo).fn_mcxt }
    }
}

/// What the CONTEXT of an error says of the call in which it was raised: empty until it is known.
pub(crate) struct Place(Cell<Option<&'static CStr>>);

impl Place {
    pub(crate) fn set(&self, text: &'static CStr) {
        self.0.set(Some(text));
    }
}

/// Runs a language's handler. Its error, or its panic, is raised after everything is dropped, and with
/// the line of CONTEXT that `Place` was given.
pub(crate) fn entered<R: Copy>(callback: impl FnOnce(&Place) -> Result<R, Error>) -> R {
    let place = Place(Cell::new(None));
    // SAFETY: the callback's place is on this frame, which stays until it is taken off, or until the
    // server's error has gone by.
    unsafe {
        let mut context = pg_sys::ErrorContextCallback {
            previous: pg_sys::error_context_stack,
            callback: Some(describe),
            arg: (&raw const place).cast_mut().cast(),
        };
        pg_sys::error_context_stack = &raw mut context;
        let outcome = catch_unwind(AssertUnwindSafe(|| callback(&place)));
        pg_sys::error_context_stack = &raw mut context;
        let error = match outcome {
            Ok(Ok(value)) => {
                pg_sys::error_context_stack = context.previous;
                return value;
            }
            Ok(Err(error)) => error,
            Err(panic) => guard::panic_error(&*panic),
        };
        if matches!(error, Error::Server(_)) || error.report().is_some_and(|report| report.bare) {
            // It has its CONTEXT already, or does not want it.
            pg_sys::error_context_stack = context.previous;
        }
        guard::raise(error)
    }
}

/// Runs `send`, whose messages go without the lines that functions of ours add.
pub(crate) fn without_places<T>(send: impl FnOnce() -> T) -> T {
    let before = BARE.replace(true);
    let sent = send();
    BARE.set(before);
    sent
}

thread_local! {
    static BARE: Cell<bool> = const { Cell::new(false) };
}

unsafe extern "C-unwind" fn describe(place: *mut c_void) {
    if BARE.get() {
        return;
    }
    // SAFETY: on the frame of `entered`, which is below whatever raises; the text is NUL-terminated.
    unsafe {
        if let Some(text) = (*place.cast::<Place>()).0.get() {
            let _: c_int = raw::set_errcontext_domain(std::ptr::null());
            raw::errcontext_msg(c"%s".as_ptr(), text.as_ptr());
        }
    }
}

/// A DO block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) source: String,
    /// Whether it may end transactions.
    pub(crate) may_commit: bool,
}

impl Block {
    /// The block that an inline handler is called for.
    pub(crate) fn of(call: Call) -> Result<Self, Error> {
        let argument = call.argument(0).datum;
        // SAFETY: what the server passes to an inline handler.
        let block = unsafe { argument.cast_mut_ptr::<pg_sys::InlineCodeBlock>().as_ref() };
        let block = block.ok_or_else(|| Error::internal("multicorn: a DO block without a body"))?;
        // SAFETY: NUL-terminated.
        let source = unsafe { super::encoding::from_server_ptr(block.source_text) }.unwrap_or_default();
        Ok(Block { source, may_commit: !block.atomic })
    }
}

/// Fails unless the role may create or replace this function, of a language whose validator is `validator`.
/// Whether to look at the body at all is the answer: `check_function_bodies`.
pub(crate) fn may_validate(validator: pg_sys::Oid, function: pg_sys::Oid) -> Result<bool, Error> {
    // SAFETY: raw call, and a variable of the backend.
    unsafe {
        let may = pg_try(|| raw::CheckFunctionValidatorAccess(validator, function))?;
        Ok(may && pg_sys::check_function_bodies)
    }
}

/// Exports `$name` to SQL: a version-1 function that runs `$body` as `call::entered` does.
macro_rules! language_function {
    ($(#[$doc:meta])* $finfo:ident, $name:ident, $body:expr) => {
        $crate::pg::function::version_1_function! {
            $(#[$doc])* $finfo, $name, $crate::pg::call::Call,
            |call| $crate::pg::call::entered(|place| $body(call, place))
        }
    };
}

pub(crate) use language_function;
