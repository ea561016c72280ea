//! The functions that run now, the innermost last. The danger is a frame left behind: it is taken off by
//! its guard, since errors are values on the way out and no jump crosses a handler.

use std::rc::Rc;

use crate::bridge::sql::{Caller, called_by};
use crate::bridge::state;
use crate::error::Error;
use crate::pg::memory::{Access, ForLife};

use super::routine::Routine;
use super::site::Site;
use super::{Language, ended};

/// What the Python code on top of the stack may do.
#[derive(Clone)]
pub(crate) struct Frame {
    /// `None` in a DO block.
    pub(crate) routine: Option<Rc<Routine>>,
    pub(crate) language: Language,
    /// Whether it may end transactions.
    pub(crate) may_commit: bool,
    /// Whether SQL run by it must not write: it is STABLE or IMMUTABLE.
    pub(crate) read_only: bool,
    /// What called it; `None` for a block, and while a function is loaded.
    pub(crate) site: Option<Rc<Site>>,
}

impl Frame {
    /// What holds for SQL that it runs.
    pub(super) fn caller(&self) -> Caller {
        Caller::Function { read_only: self.read_only, atomic: !self.may_commit }
    }
}

thread_local! {
    static FRAMES: ForLife<Vec<Frame>> = ForLife::default();
}

/// Runs `work` with `frame` as the innermost.
///
/// What it leaves open or swallows is an error then, if its language says so.
pub(super) fn within<T>(frame: Frame, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    struct Pop;
    impl Drop for Pop {
        fn drop(&mut self) {
            // A routine's end may run Python code, which may look here.
            let frame = FRAMES.change(Vec::pop);
            drop(frame);
        }
    }
    ended::sweep();
    let caller = frame.caller();
    let kind = match frame.language {
        Language::Python => state::Kind::Strict,
        Language::Plpy => state::Kind::Lenient,
    };
    FRAMES.change(|frames| frames.push(frame));
    let _pop = Pop;
    called_by(caller, || state::in_call(kind, work))
}

/// The innermost function or block, if any runs.
pub(crate) fn current() -> Option<Frame> {
    FRAMES.read(|frames| frames.last().cloned())
}

/// How many run.
pub(crate) fn depth() -> usize {
    FRAMES.read(Vec::len)
}
