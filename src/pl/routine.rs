//! Functions that were loaded: the catalogue's row with the Python object made of its body. The danger is
//! a body that was replaced, perhaps while it runs: who runs it keeps it, and the next call looks anew.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::rc::Rc;

use pgrx::pg_sys;
use pyo3::prelude::*;

use super::frame::{self, Frame};
use super::{Language, plpy, python};
use crate::bridge::{self, Failure, Origin};
use crate::error::{Error, SqlState};
use crate::pg::call::Role;
use crate::pg::memory::{Access, ForLife};
use crate::pg::procedure::{self, Procedure};
use crate::pg::trigger::without;
use crate::pg::{encoding, inval};

/// A function, ready to be called.
pub(crate) struct Routine {
    procedure: Procedure,
    language: Language,
    role: Role,
    /// What is called: of `plpy` the body made into a function, of `python` its module.
    body: Py<PyAny>,
    place: &'static CStr,
}

impl Routine {
    pub(crate) fn procedure(&self) -> &Procedure {
        &self.procedure
    }

    pub(crate) fn language(&self) -> Language {
        self.language
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn body<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, PyAny> {
        self.body.bind(py)
    }

    /// For the CONTEXT of errors.
    pub(crate) fn place(&self) -> &'static CStr {
        self.place
    }
}

#[derive(Default)]
struct Routines {
    /// With `inval::procedures` as it was when each was last looked at.
    known: HashMap<(u32, bool), (u64, Rc<Routine>)>,
    /// One text for each function that was ever called: errors that go up hold it.
    places: HashMap<u32, &'static CStr>,
    /// So many loaded functions are worth a look for those that were dropped.
    sweep: usize,
}

thread_local! {
    static ROUTINES: ForLife<Routines> = ForLife::default();
}

/// The function of that OID, loaded if it is new or was changed.
pub(crate) fn routine(oid: pg_sys::Oid, language: Language, role: Role) -> Result<Rc<Routine>, Error> {
    let now = inval::procedures();
    let key = (oid.to_u32(), role != Role::Function);
    let known = ROUTINES.read(|routines| routines.known.get(&key).cloned());
    if let Some((seen, routine)) = known {
        if seen == now {
            return Ok(routine);
        }
        if procedure::version(oid)? == Some(routine.procedure.version) {
            ROUTINES.change(|routines| routines.known.insert(key, (now, routine.clone())));
            return Ok(routine);
        }
    }
    load(oid, language, role)
}

/// Forgets the functions that were dropped, with their modules and sources.
#[cold]
fn sweep() -> Result<(), Error> {
    const FEW: usize = 64;
    let due = ROUTINES.read(|routines| routines.known.len() >= routines.sweep.max(FEW));
    if !due {
        return Ok(());
    }
    let known: Vec<(u32, bool)> = ROUTINES.read(|routines| routines.known.keys().copied().collect());
    let mut dropped = Vec::new();
    for key in known {
        if procedure::version(pg_sys::Oid::from(key.0))?.is_none() {
            dropped.extend(ROUTINES.change(|routines| {
                routines.places.remove(&key.0);
                routines.known.remove(&key)
            }));
        }
    }
    ROUTINES.change(|routines| routines.sweep = routines.known.len() * 2);
    bridge::call_as(Origin::Wrapper, |py| {
        for (_, routine) in &dropped {
            match routine.language {
                Language::Python => python::forget(py, &routine.procedure)?,
                Language::Plpy => plpy::forget(py, &routine.procedure)?,
            }
        }
        Ok::<(), Failure>(())
    })?;
    drop(dropped);
    Ok(())
}

#[cold]
fn load(oid: pg_sys::Oid, language: Language, role: Role) -> Result<Rc<Routine>, Error> {
    inval::register()?;
    bridge::ensure()?;
    sweep()?;
    // What changes while it is being loaded is looked at again by the next call.
    let now = inval::procedures();
    let procedure = Procedure::read(oid)?;
    if role == Role::Function && procedure.role() != Role::Function {
        return Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "trigger functions can only be called as triggers",
        ));
    }
    let place = place(&procedure, language);
    let read_only = procedure.is_read_only();
    // What a module does while it is loaded, it does as the function.
    let frame = Frame { routine: None, language, may_commit: false, read_only, site: None };
    let body = frame::within(frame, || {
        without(|| {
            bridge::call_as(language.origin(), |py| {
                let body = match language {
                    Language::Python => python::load(py, &procedure, role),
                    Language::Plpy => plpy::compile(py, &procedure, role),
                };
                let body = body.map_err(|error| super::uncompiled(py, error, language, &procedure))?;
                Ok::<_, Failure>(body.unbind())
            })
        })
    })?;
    let routine = Rc::new(Routine { procedure, language, role, body, place });
    let key = (oid.to_u32(), role != Role::Function);
    // Dropped after the table is no longer borrowed.
    let old = ROUTINES.change(|routines| routines.known.insert(key, (now, routine.clone())));
    drop(old);
    Ok(routine)
}

fn place(procedure: &Procedure, language: Language) -> &'static CStr {
    let text: CString = encoding::to_server(&language.place(procedure));
    ROUTINES.change(|routines| match routines.places.get(&procedure.oid.to_u32()) {
        Some(known) if **known == *text => known,
        _ => {
            let text: &'static CStr = Box::leak(text.into_boxed_c_str());
            routines.places.insert(procedure.oid.to_u32(), text);
            text
        }
    })
}

/// Forgets every loaded function; the next calls load them anew.
pub(crate) fn clear() {
    let old = ROUTINES.change(|routines| std::mem::take(&mut routines.known));
    drop(old);
}
