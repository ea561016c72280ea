//! What a call site has found out about the function that it calls: where it runs, its Python object,
//! converters for the arguments as the expression types them. The danger is a stale one: the tables, the types
//! and the role are compared at each call, and so is the id, which may be another in each row.

use std::cell::Cell;
use std::rc::Rc;

use pgrx::pg_sys::{self, Datum, Oid};
use pyo3::prelude::*;
use wormhole_protocol::{Facts, Tier, choose};

use super::in_process::{self, Entry};
use super::registry::{self, Function};
use super::{counts, failure, needed_text};
use crate::convert::{Dialect, known};
use crate::error::{Error, SqlState};
use crate::pg::call::Call;
use crate::pg::clock::{Clock, Moment, Tick};
use crate::pg::planner::Constant;
use crate::pg::{caller, catalog, inval, texts};

/// A call site; `R` is what it knows about the result.
pub(super) struct Site<R> {
    state: (u64, u64),
    /// When messages about changes were asked for: in a loop once in some milliseconds.
    tick: Cell<Tick>,
    role: Oid,
    function: Rc<Function>,
    /// The function, where it runs in this process.
    entry: Option<Entry>,
    arguments: Arguments,
    /// Calls that were timed exactly.
    timed: Cell<u32>,
    pub(super) result: R,
}

/// So many calls of a site are timed exactly; those of a loop need not be.
const TIMED: u32 = 8;

/// How the arguments behind the id and the expected type become Python objects.
struct Arguments {
    first: usize,
    plans: Vec<Rc<known::Value>>,
    /// Whether the last of them is an array of arguments.
    spread: bool,
}

/// What a call came to, and whether it wrote.
pub(super) struct Done<T> {
    pub(super) value: T,
    pub(super) wrote: bool,
}

/// Where a function runs that `role` calls.
pub(super) fn tier(function: &Function, role: Oid) -> Result<Tier, Error> {
    let facts = Facts {
        approved: function.approved,
        trusted: function.trusted,
        own: function.own,
        superuser: catalog::is_superuser(role)?,
    };
    match choose(facts) {
        Tier::Refused => Err(failure::not_vouched_for(&function.name, &function.owner_name)),
        tier => Ok(tier),
    }
}

impl<R: 'static> Site<R> {
    /// The site of this call, made anew if anything that it knows has changed; `None` if the role knows no
    /// function of that id. `first` is where arguments of their own types begin.
    #[inline]
    pub(super) fn of(
        call: Call,
        first: Option<usize>,
        result: impl FnOnce() -> Result<R, Error>,
    ) -> Result<Option<Rc<Self>>, Error> {
        let id = call.argument(0);
        match call.kept::<Self>() {
            Some(site) if site.is_current()? && !id.is_null && texts::is(id.datum, &site.function.id)? => {
                Ok(Some(site))
            }
            _ => Self::make(call, first, result),
        }
    }

    #[inline]
    fn is_current(&self) -> Result<bool, Error> {
        let now = Tick::now();
        if self.tick.replace(now) != now {
            inval::accept()?;
        }
        Ok(self.state == registry::state() && self.role == catalog::current_user())
    }

    fn make(
        call: Call,
        first: Option<usize>,
        result: impl FnOnce() -> Result<R, Error>,
    ) -> Result<Option<Rc<Self>>, Error> {
        inval::accept()?;
        let id = needed_text(call, 0, "id")?;
        let role = catalog::current_user();
        // Before anything is looked up: a change meanwhile makes the next call look again.
        let state = registry::state();
        let Some(function) = registry::find(&id, role)? else { return Ok(None) };
        let entry = match tier(&function, role)? {
            Tier::InProcess => Some(in_process::entry(&function)?),
            Tier::Confined | Tier::Refused => None,
        };
        let arguments = first.map_or(Ok(Arguments::none()), |first| Arguments::of(call, first))?;
        let result = result()?;
        let (tick, timed) = (Cell::new(Tick::now()), Cell::new(0));
        let site = Rc::new(Site { state, tick, role, function, entry, arguments, timed, result });
        call.keep(site.clone())?;
        Ok(Some(site))
    }

    /// Runs the function: in this process by `near`, or in a worker by `far`.
    #[inline]
    pub(super) fn run<T>(
        &self,
        near: impl FnOnce(&Entry) -> Result<T, Error>,
        far: impl FnOnce(&Function, Oid) -> Result<T, Error>,
    ) -> Result<Done<T>, Error> {
        let (before, began) = (caller::written(), self.begin());
        let result = caller::window(self.role, || match &self.entry {
            Some(entry) => near(entry),
            None => far(&self.function, self.role),
        });
        counts::note(&self.function, began.elapsed(), result.as_ref().err())?;
        Ok(Done { value: result?, wrote: caller::written() != before })
    }

    fn begin(&self) -> Moment {
        let timed = self.timed.get();
        if timed < TIMED {
            self.timed.set(timed + 1);
            return Moment::now(Clock::Exact);
        }
        self.tick.get().into()
    }

    /// The arguments of the call as Python objects.
    #[inline]
    pub(super) fn arguments<'py>(
        &self,
        py: Python<'py>,
        call: Call,
    ) -> Result<Vec<Bound<'py, PyAny>>, Error> {
        let Arguments { first, plans, spread } = &self.arguments;
        let mut objects = Vec::with_capacity(plans.len());
        for (at, plan) in plans.iter().enumerate() {
            objects.push(plan.to_object(py, call.argument(first + at))?);
        }
        if *spread { in_process::spread(objects) } else { Ok(objects) }
    }
}

impl Arguments {
    fn none() -> Self {
        Arguments { first: 0, plans: Vec::new(), spread: false }
    }

    fn of(call: Call, first: usize) -> Result<Self, Error> {
        let types = (first..call.arguments())
            .map(|at| call.argument_type(at).ok_or_else(untyped))
            .collect::<Result<Vec<_>, _>>()?;
        // The default, a NULL of a type that has no values: there are no arguments.
        if types == [pg_sys::VOIDOID] {
            return Ok(Arguments::none());
        }
        let plan = |type_oid: &Oid| known::value(type_oid.to_u32(), Dialect::Wrapper);
        let plans = types.iter().map(plan).collect::<Result<_, _>>()?;
        Ok(Arguments { first, plans, spread: call.is_variadic() })
    }
}

fn untyped() -> Error {
    Error::new(SqlState::INDETERMINATE_DATATYPE, "could not determine the type of an argument")
}

/// A value of the server's that is never NULL.
pub(super) fn some(datum: Datum) -> Constant {
    Constant { datum, is_null: false }
}

/// NULL.
pub(super) fn null() -> Constant {
    Constant { datum: Datum::null(), is_null: true }
}
