//! `wormhole_stream` and `wormhole_items`: a set of what a function yields, value by value where the caller
//! takes it so. The danger is the set that nobody reads to its end: its generator is closed, or its worker
//! killed, by the executor or by the abort of the transaction.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use pgrx::pg_sys::{Datum, Oid};
use wormhole_protocol::{Purpose, Tier};

use super::call::UNKNOWN;
use super::confined::{Event, Talk};
use super::registry::{self, Function};
use super::site::tier;
use super::{Form, counts, give_nothing, in_process, needed_text};
use crate::error::Error;
use crate::pg::call::Call;
use crate::pg::live::{Ending, Ends};
use crate::pg::result_set::{self, Running, SetMode};
use crate::pg::{caller, catalog, inval};

/// A function that yields.
enum Source {
    InProcess(in_process::Stream),
    Confined(Box<Talk>, Turn),
    Unknown(Turn),
}

/// Whether the first value was taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    First,
    Later,
}

struct Set {
    source: Source,
    /// Who has begun it: a cursor may be read by another one.
    role: Oid,
    function: Option<Rc<Function>>,
    began: Instant,
}

/// What a call site keeps: the set that it is reading.
#[derive(Default)]
struct Site {
    running: RefCell<Option<Running<Set>>>,
}

pub(super) fn handle(call: Call, form: Form) -> Result<Datum, Error> {
    match result_set::set_mode(call)? {
        SetMode::ValuePerCall => one_more(call, form),
        SetMode::Materialize { random } => {
            let mut set = begin(call, form)?;
            result_set::materialize(call, random, Err(form.type_oid()), |values, nulls| {
                match set.next()? {
                    Some(row) => result_set::put(values, nulls, form.datum(&row)?),
                    None => Ok(false),
                }
            })?;
            set.finish();
            Ok(give_nothing(call))
        }
    }
}

fn one_more(call: Call, form: Form) -> Result<Datum, Error> {
    let site = match call.kept::<Site>() {
        Some(site) => site,
        None => {
            let site = Rc::new(Site::default());
            call.keep(site.clone())?;
            site
        }
    };
    let known = *site.running.borrow();
    let mut running = match known {
        Some(running) => running,
        None => {
            let running = Running::begin(call, begin(call, form)?)?;
            site.running.replace(Some(running));
            running
        }
    };
    match running.get()?.next()? {
        Some(row) => {
            result_set::more(call);
            Ok(call.give(Some(form.datum(&row)?)))
        }
        None => {
            site.running.replace(None);
            running.finish(call)?;
            Ok(call.give(None))
        }
    }
}

fn begin(call: Call, form: Form) -> Result<Set, Error> {
    inval::accept()?;
    let id = needed_text(call, 0, "id")?;
    let role = catalog::current_user();
    let began = Instant::now();
    let Some(function) = registry::find(&id, role)? else {
        return Ok(Set { source: Source::Unknown(Turn::First), role, function: None, began });
    };
    let args = form.argument(call, 1)?.unwrap_or_default();
    let source = caller::window(role, || source(&function, role, &args))?;
    Ok(Set { source, role, function: Some(function), began })
}

fn source(function: &Function, role: Oid, args: &str) -> Result<Source, Error> {
    Ok(match tier(function, role)? {
        Tier::InProcess => Source::InProcess(in_process::stream(function, args)?),
        Tier::Confined | Tier::Refused => {
            let talk = Talk::start(function, role, args, Purpose::Stream)?;
            Source::Confined(Box::new(talk), Turn::First)
        }
    })
}

impl Set {
    /// The next row in JSON.
    fn next(&mut self) -> Result<Option<String>, Error> {
        let value = match &mut self.source {
            Source::Unknown(turn) => {
                let first = std::mem::replace(turn, Turn::Later) == Turn::First;
                return Ok(first.then(|| UNKNOWN.to_owned()));
            }
            Source::InProcess(stream) => caller::window(self.role, || stream.next()),
            Source::Confined(talk, turn) => {
                let first = std::mem::replace(turn, Turn::Later) == Turn::First;
                caller::window(self.role, || {
                    if !first {
                        talk.more()?;
                    }
                    Ok(match talk.advance()? {
                        Event::Value(value) => Some(value),
                        Event::End => None,
                    })
                })
            }
        };
        if let (Err(error), Some(function)) = (&value, &self.function) {
            counts::note(function, self.began.elapsed(), Some(error))?;
        }
        Ok(value?.map(|value| format!("{{\"r\":{value}}}")))
    }

    /// It was read to its end.
    fn finish(self) {
        if let Some(function) = &self.function {
            // Counting is a courtesy.
            let _ = counts::note(function, self.began.elapsed(), None);
        }
        if let Source::Confined(talk, _) = self.source {
            // It has come to its end: this keeps the worker.
            let _ = talk.end();
        }
    }
}

impl Ends for Set {
    fn end(self, ending: Ending) -> Result<(), Error> {
        match (self.source, ending) {
            (Source::InProcess(stream), ending) => stream.close(ending),
            // Where it has come to its end the worker is kept, else it is killed.
            (Source::Confined(talk, _), Ending::Normal) => talk.end(),
            _ => Ok(()),
        }
    }
}
