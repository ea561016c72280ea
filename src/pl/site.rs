//! What a call site has found out about the function that it calls: converters for the arguments as the
//! expression types them, and for the result that it expects. The danger is a type that changes between
//! two calls: the site compares counts, and is made anew.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use pgrx::pg_sys;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::routine::{self, Routine};
use super::rows::Set;
use super::{Language, ended};
use crate::convert::known;
use crate::convert::result::ResultPlan;
use crate::convert::transform;
use crate::error::{Error, SqlState};
use crate::pg::call::{Call, Role};
use crate::pg::inval;
use crate::pg::result_set::{self, Expected, RowShape, Running};

/// A call site.
pub(crate) struct Site {
    pub(super) routine: Rc<Routine>,
    arguments: Vec<Rc<known::Value>>,
    pub(super) result: Returned,
    /// The list of its transforms.
    pub(super) transforms: u32,
    types: u64,
    procedures: u64,
    /// The set that is being read here, value by value.
    pub(super) running: RefCell<Option<Running<Set>>>,
    /// The last one that was, whose place the next takes.
    pub(super) ended: Cell<Option<Running<Set>>>,
    /// What its Python code keeps here from call to call.
    kept: RefCell<Option<Py<PyDict>>>,
}

/// What the call expects back.
pub(super) enum Returned {
    Void,
    Value { plan: ResultPlan, type_oid: pg_sys::Oid },
    Row { plan: ResultPlan, shape: RowShape },
    Trigger,
}

impl Returned {
    fn resolve(call: Call, language: Language) -> Result<Self, Error> {
        let dialect = language.dialect();
        let value = |type_oid| Ok(Returned::Value { plan: ResultPlan::value(type_oid, dialect)?, type_oid });
        match result_set::expected(call)? {
            Expected::Scalar(pg_sys::VOIDOID) => Ok(Returned::Void),
            Expected::Scalar(type_oid) => value(type_oid),
            Expected::RowDomain(type_oid, shape) => {
                Ok(Returned::Row { plan: ResultPlan::row_domain(type_oid, shape.clone(), dialect)?, shape })
            }
            Expected::Row(shape) => Ok(Returned::Row { plan: ResultPlan::row(&shape, dialect)?, shape }),
            Expected::Unknown => Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "function returning record called in context that cannot accept type record",
            )),
        }
    }

    /// What converts the result; `None` for what returns nothing.
    pub(super) fn plan(&self) -> Option<&ResultPlan> {
        match self {
            Returned::Value { plan, .. } | Returned::Row { plan, .. } => Some(plan),
            Returned::Void | Returned::Trigger => None,
        }
    }

    /// Whether it is the name of a cursor.
    #[inline]
    pub(super) fn is_cursor(&self) -> bool {
        matches!(self, Returned::Value { type_oid: pg_sys::REFCURSOROID, .. })
    }

    /// The columns of a set, or the type of its only one.
    pub(super) fn shape(&self) -> Result<&RowShape, pg_sys::Oid> {
        match self {
            Returned::Row { shape, .. } => Ok(shape),
            Returned::Value { type_oid, .. } => Err(*type_oid),
            Returned::Void | Returned::Trigger => Err(pg_sys::VOIDOID),
        }
    }
}

impl Site {
    /// The site of this call, made anew if anything that it knows has changed.
    #[inline]
    pub(super) fn of(call: Call, language: Language) -> Result<Rc<Self>, Error> {
        match call.kept::<Site>() {
            Some(site) if site.is_current() => Ok(site),
            Some(site) if site.running.borrow().is_some() => Ok(site),
            _ => Self::make(call, language),
        }
    }

    #[inline]
    fn is_current(&self) -> bool {
        self.types == inval::generation() && self.procedures == inval::procedures()
    }

    #[cold]
    fn make(call: Call, language: Language) -> Result<Rc<Self>, Error> {
        let role = call.role();
        let routine = routine::routine(call.function(), language, role)?;
        let (types, procedures) = (inval::generation(), inval::procedures());
        let procedure = routine.procedure();
        let transforms = transform::number(procedure.language, &procedure.transforms);
        let (arguments, result) = transform::with(transforms, || {
            Ok::<_, Error>(match role {
                Role::Function => (arguments(call, &routine)?, Returned::resolve(call, language)?),
                Role::Trigger | Role::EventTrigger => (Vec::new(), Returned::Trigger),
            })
        })?;
        let kept = RefCell::new(call.kept::<Site>().and_then(|old| old.kept.take()));
        let (running, ended) = (RefCell::new(None), Cell::new(None));
        let site =
            Rc::new(Site { routine, arguments, result, transforms, types, procedures, running, ended, kept });
        call.keep(site.clone())?;
        Ok(site)
    }

    /// What Python code keeps here, a dict.
    pub(crate) fn kept<'py>(&self, py: Python<'py>) -> Bound<'py, PyDict> {
        let mut kept = self.kept.borrow_mut();
        kept.get_or_insert_with(|| PyDict::new(py).unbind()).bind(py).clone()
    }

    /// The arguments of a call as Python objects.
    #[inline]
    pub(super) fn arguments<'py>(
        &self,
        py: Python<'py>,
        call: Call,
    ) -> Result<Vec<Bound<'py, PyAny>>, Error> {
        let given = call.arguments().min(self.arguments.len());
        let mut objects = Vec::with_capacity(given);
        for (at, plan) in self.arguments[..given].iter().enumerate() {
            objects.push(plan.to_object(py, call.argument(at))?);
        }
        Ok(objects)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(kept) = self.kept.take() {
            ended::bury(kept);
        }
    }
}

fn arguments(call: Call, routine: &Routine) -> Result<Vec<Rc<known::Value>>, Error> {
    let dialect = routine.language().dialect();
    routine
        .procedure()
        .inputs()
        .enumerate()
        .map(|(at, parameter)| {
            let declared = parameter.type_oid;
            let type_oid = match is_polymorphic(declared) {
                true => call.argument_type(at).unwrap_or(declared),
                false => declared,
            };
            known::value(type_oid.to_u32(), dialect)
        })
        .collect()
}

/// Whether the type is one that the expression decides.
pub(super) fn is_polymorphic(type_oid: pg_sys::Oid) -> bool {
    [
        pg_sys::ANYELEMENTOID,
        pg_sys::ANYARRAYOID,
        pg_sys::ANYNONARRAYOID,
        pg_sys::ANYENUMOID,
        pg_sys::ANYRANGEOID,
        pg_sys::ANYMULTIRANGEOID,
        pg_sys::ANYCOMPATIBLEOID,
        pg_sys::ANYCOMPATIBLEARRAYOID,
        pg_sys::ANYCOMPATIBLENONARRAYOID,
        pg_sys::ANYCOMPATIBLERANGEOID,
        pg_sys::ANYCOMPATIBLEMULTIRANGEOID,
        pg_sys::ANYOID,
    ]
    .contains(&type_oid)
}
