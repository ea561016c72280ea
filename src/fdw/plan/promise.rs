//! What a class will apply exactly: conditions, an order, a limit. The danger is a promise that it did not
//! make, or makes no more: rows that it then leaves in or out are wrong, and nobody checks again.

use multicorn_plan::{Direction, PlannedCount, Qual, SortKey, Value};
use pyo3::prelude::*;
use pyo3::types::{PyFrozenSet, PyList};

use super::super::class;
use super::super::instance::{Instance, wrong_result};
use super::super::items::items;
use super::super::quals::{self, Side};
use crate::bridge::Failure;
use crate::error::{Error, SqlState};
use crate::pg::planner::Quals;

/// A scan as far as it is planned.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) quals: &'a Quals,
    /// Attribute numbers of the needed columns.
    pub(super) columns: &'a [i16],
    pub(super) sort: &'a [SortKey],
    pub(super) limit: PlannedCount,
    pub(super) offset: PlannedCount,
}

/// What the class says to all of a question.
struct Answer {
    /// Positions among the pushed quals.
    exact: Vec<usize>,
    sorted: usize,
    limited: bool,
}

/// How many leading keys of `question.sort` the class delivers.
pub(super) fn sorted(instance: &Instance, question: Question<'_>) -> Result<usize, Error> {
    instance.call(|py, object| {
        if instance.class.has_accept {
            return Ok(accept(py, instance, object, question)?.sorted);
        }
        let result = object.call_method1("can_sort", (quals::sort_keys(py, question.sort)?,))?;
        agreed_keys(instance, "can_sort", &result, question.sort)
    })
}

/// Positions among the pushed quals of those that the class applies exactly.
pub(super) fn exact(instance: &Instance, question: Question<'_>) -> Result<Vec<usize>, Error> {
    if !instance.class.filters() {
        return Ok(Vec::new());
    }
    instance.call(|py, object| {
        if instance.class.has_accept {
            let answer = accept(py, instance, object, question)?;
            let limits = question.limit != PlannedCount::None || question.offset != PlannedCount::None;
            // `sorted` and `limited` have asked before, and the path was made of the answers.
            if answer.sorted < question.sort.len() || (limits && !answer.limited) {
                return Err(withdrawn(instance).into());
            }
            return Ok(answer.exact);
        }
        can_filter(py, instance, object, question.quals)
    })
}

/// Whether the class applies all of it: each qual, the order, LIMIT and OFFSET.
pub(super) fn limited(instance: &Instance, question: Question<'_>) -> Result<bool, Error> {
    let every = question.quals.pushed.len();
    instance.call(|py, object| {
        if instance.class.has_accept {
            let answer = accept(py, instance, object, question)?;
            let whole = answer.exact.len() == every && answer.sorted == question.sort.len();
            return Ok(whole && answer.limited);
        }
        if every > 0 && can_filter(py, instance, object, question.quals)?.len() < every {
            return Ok(false);
        }
        let bounds = (count(py, question.limit)?, count(py, question.offset)?);
        Ok(object.call_method1("can_limit", bounds)?.is_truthy()?)
    })
}

/// A path was made of what the class accepted, and now it accepts less.
pub(super) fn withdrawn(instance: &Instance) -> Error {
    let method = if instance.class.has_accept { "accept" } else { "can_filter" };
    Error::new(
        SqlState::FDW_ERROR,
        format!("{method}() of wrapper {} does not accept again what it has accepted", instance.class.name),
    )
    .hint("Asked again about the same query it has to give the same answer.")
}

fn can_filter(
    py: Python<'_>,
    instance: &Instance,
    object: &Bound<'_, PyAny>,
    restrictions: &Quals,
) -> Result<Vec<usize>, Failure> {
    if restrictions.pushed.is_empty() {
        return Ok(Vec::new());
    }
    let asked = Asked::new(py, restrictions)?;
    let result = object.call_method1("can_filter", (&asked.list,))?;
    asked.exact(instance, "can_filter", &result)
}

fn accept(
    py: Python<'_>,
    instance: &Instance,
    object: &Bound<'_, PyAny>,
    question: Question<'_>,
) -> Result<Answer, Failure> {
    let asked = Asked::new(py, question.quals)?;
    let names = question.columns.iter().map(|attno| instance.column_name(*attno));
    let request = (
        &asked.list,
        PyFrozenSet::new(py, names)?,
        quals::sort_keys(py, question.sort)?,
        count(py, question.limit)?,
        count(py, question.offset)?,
    );
    let request = class::contract(py)?.request.bind(py).call1(request)?;
    let result = object.call_method1("accept", (request,))?;
    let part = |name: &str| {
        let wrong = || Failure::from(wrong_result(&instance.class, "accept", "an Accepted", &result));
        result.getattr_opt(name)?.ok_or_else(wrong)
    };
    Ok(Answer {
        exact: asked.exact(instance, "accept", &part("quals")?)?,
        sorted: agreed_keys(instance, "accept", &part("sortkeys")?, question.sort)?,
        limited: part("limit")?.is_truthy()?,
    })
}

/// The quals that a class is asked about.
struct Asked<'py> {
    /// For the class, which may change it.
    list: Bound<'py, PyList>,
    given: Vec<Given<'py>>,
}

/// A qual of the list.
struct Given<'py> {
    qual: Bound<'py, PyAny>,
    /// Among the pushed ones.
    position: usize,
    /// Whether its value arrives in Python as it is.
    faithful: bool,
}

impl<'py> Asked<'py> {
    fn new(py: Python<'py>, restrictions: &Quals) -> Result<Self, Failure> {
        let side = |qual: &Qual| Some(restrictions.constant(&qual.value).map_or(Side::Unbound, Side::Known));
        let mut given = Vec::new();
        let list = PyList::empty(py);
        for (position, qual) in restrictions.pushed.iter().enumerate() {
            let faithful = match qual.value {
                // Compared with NULL, an operator that is not strict would look like IS NULL.
                Value::Expression { type_oid, strict, immutable, .. } => {
                    strict && immutable && quals::known(type_oid)?.is_faithful(qual)
                }
                Value::Null | Value::Flag(_) | Value::Truth(_) => true,
            };
            // Left out is the null of JSON, which has no value in Python.
            for qual in quals::list(py, std::slice::from_ref(qual), side)? {
                list.append(&qual)?;
                given.push(Given { qual, position, faithful });
            }
        }
        Ok(Asked { list, given })
    }

    /// Which of the pushed quals `result` names: the very objects, or equal ones.
    fn exact(
        &self,
        instance: &Instance,
        method: &str,
        result: &Bound<'_, PyAny>,
    ) -> Result<Vec<usize>, Failure> {
        let wrong = || wrong_result(&instance.class, method, "some of the quals that it was given", result);
        let mut exact = Vec::new();
        if result.is_none() {
            return Ok(exact);
        }
        for answer in items(result).map_err(|_| wrong())? {
            let named = self.named_by(&answer?)?.ok_or_else(wrong)?;
            if named.faithful && !exact.contains(&named.position) {
                exact.push(named.position);
            }
        }
        exact.sort_unstable();
        Ok(exact)
    }

    fn named_by(&self, answer: &Bound<'_, PyAny>) -> PyResult<Option<&Given<'py>>> {
        if let Some(named) = self.given.iter().find(|given| given.qual.is(answer)) {
            return Ok(Some(named));
        }
        for given in &self.given {
            if given.qual.eq(answer)? {
                return Ok(Some(given));
            }
        }
        Ok(None)
    }
}

/// The object that stands for LIMIT or OFFSET while planning.
fn count<'py>(py: Python<'py>, count: PlannedCount) -> PyResult<Bound<'py, PyAny>> {
    Ok(match count {
        PlannedCount::None => py.None().into_bound(py),
        PlannedCount::Fixed(number) => number.into_pyobject(py)?.into_any(),
        PlannedCount::Unknown => class::contract(py)?.unbound.bind(py).clone(),
    })
}

/// How many of `wanted` are agreed to: what is returned counts as far as it is a prefix.
fn agreed_keys(
    instance: &Instance,
    method: &str,
    result: &Bound<'_, PyAny>,
    wanted: &[SortKey],
) -> Result<usize, Failure> {
    if result.is_none() {
        return Ok(0);
    }
    let malformed = || wrong_result(&instance.class, method, "a list of SortKey", result);
    let mut agreed = 0;
    for (answer, key) in result.try_iter().map_err(|_| malformed())?.zip(wanted) {
        if !is_key(&answer?, key).map_err(|_| malformed())? {
            break;
        }
        agreed += 1;
    }
    Ok(agreed)
}

fn is_key(answer: &Bound<'_, PyAny>, key: &SortKey) -> PyResult<bool> {
    let attnum: i64 = answer.getattr("attnum")?.extract()?;
    let reversed: bool = answer.getattr("is_reversed")?.is_truthy()?;
    let nulls_first: bool = answer.getattr("nulls_first")?.is_truthy()?;
    Ok(attnum == i64::from(key.attno)
        && reversed == (key.direction == Direction::Descending)
        && nulls_first == key.nulls_first)
}
