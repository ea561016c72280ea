//! The functions that run now, the innermost last. The danger is a frame left behind: it is taken off by
//! its guard, since errors are values on the way out and no jump crosses a handler.

use std::rc::Rc;

use crate::bridge::sql::Caller;
use crate::bridge::subtransaction;
use crate::error::{Error, Level, Report, SqlState};
use crate::pg::guard;
use crate::pg::memory::{Access, ForLife};
use crate::pg::procedure::Volatility;

use super::routine::Routine;

/// What the Python code on top of the stack may do.
#[derive(Clone)]
pub(crate) struct Frame {
    /// `None` in a DO block.
    pub(crate) routine: Option<Rc<Routine>>,
    pub(crate) language: super::Language,
    /// Whether it may end transactions.
    pub(crate) may_commit: bool,
}

impl Frame {
    /// What the CONTEXT of an error says of it.
    pub(crate) fn place(&self) -> &'static std::ffi::CStr {
        match (&self.routine, self.language) {
            (Some(routine), _) => routine.place(),
            (None, super::Language::Python) => c"Python anonymous code block",
            (None, super::Language::Plpy) => c"PL/Python anonymous code block",
        }
    }

    /// What holds for SQL that it runs.
    pub(super) fn caller(&self) -> Caller {
        Caller::Function { read_only: self.is_read_only(), atomic: !self.may_commit }
    }

    /// Whether SQL run by it must not write.
    pub(crate) fn is_read_only(&self) -> bool {
        self.routine.as_ref().is_some_and(|routine| routine.procedure().volatility != Volatility::Volatile)
    }
}

thread_local! {
    static FRAMES: ForLife<Vec<Frame>> = ForLife::default();
}

/// Runs `work` with `frame` as the innermost.
pub(super) fn within<T>(frame: Frame, work: impl FnOnce() -> T) -> T {
    struct Pop;
    impl Drop for Pop {
        fn drop(&mut self) {
            // A routine's end may run Python code, which may look here.
            let frame = FRAMES.change(Vec::pop);
            drop(frame);
        }
    }
    FRAMES.change(|frames| frames.push(frame));
    let _pop = Pop;
    work()
}

/// The innermost function or block, if any runs.
pub(crate) fn current() -> Option<Frame> {
    FRAMES.read(|frames| frames.last().cloned())
}

/// How many run.
pub(crate) fn depth() -> usize {
    FRAMES.read(Vec::len)
}

/// Runs a function, and ends the subtransactions that it has left open.
#[inline]
pub(super) fn closing<T>(
    language: super::Language,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let before = subtransaction::open_count();
    let result = work();
    if subtransaction::open_count() > before { close(before, language, result) } else { result }
}

#[cold]
fn close<T>(before: usize, language: super::Language, result: Result<T, Error>) -> Result<T, Error> {
    let left = subtransaction::abandon(before)?;
    match language {
        super::Language::Plpy => {
            for _ in 0..left {
                let text = "forcibly aborting a subtransaction that has not been exited";
                guard::emit(Level::Warning, Report::new(SqlState::WARNING, text))?;
            }
            result
        }
        super::Language::Python => result.and_then(|_| {
            Err(Error::new(SqlState::PYTHON_PROTOCOL, "function failed to exit all subtransactions"))
        }),
    }
}
