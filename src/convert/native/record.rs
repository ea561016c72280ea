//! Looking into composite values: columns by name and position, and values with some columns replaced. The
//! danger is the anonymous record, whose columns are known from the value alone.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use pgrx::pg_sys::{self, Datum, Oid};
use pyo3::exceptions::{PyIndexError, PyKeyError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySlice, PyString, PyTuple};

use super::class::{self, Class, Kind, TypeInfo};
use super::object::{self, Object};
use super::ready;
use super::scratch::scratch;
use crate::bridge::{Failure, Origin};
use crate::convert::known::Held;
use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::inval;
use crate::pg::memory::{Access, ForLife};
use crate::pg::raw;
use crate::pg::types::{self, Field, RowType};

/// The columns of a row type.
pub(super) struct Shape {
    row: RowType,
    /// Of each live column its number among all.
    live: Vec<usize>,
    names: Py<PyTuple>,
    /// Name → position among the live ones.
    positions: Py<PyDict>,
    /// The same of the names that the class has no attribute of.
    attributes: OnceCell<Py<PyDict>>,
    /// The class of each live column's type, and when it was looked up.
    classes: Vec<RefCell<Option<(u64, Class)>>>,
}

impl Shape {
    fn lookup(py: Python<'_>, type_oid: Oid, typmod: i32) -> Result<Self, Error> {
        let row = RowType::lookup(type_oid, typmod)?;
        let live: Vec<usize> = (0..row.fields().len()).filter(|&at| !row.fields()[at].dropped).collect();
        let made = || -> PyResult<_> {
            let positions = PyDict::new(py);
            let names: Vec<_> = live.iter().map(|&at| PyString::intern(py, &row.fields()[at].name)).collect();
            for (position, name) in names.iter().enumerate().rev() {
                positions.set_item(name, position)?;
            }
            Ok((PyTuple::new(py, names)?.unbind(), positions.unbind()))
        };
        let (names, positions) = made().map_err(|error| crate::convert::python::error(py, error))?;
        let classes = live.iter().map(|_| RefCell::default()).collect();
        Ok(Shape { row, live, names, positions, attributes: OnceCell::new(), classes })
    }

    /// A column's value as an instance; NULL is None.
    ///
    /// # Safety
    /// `value` is a live value of the column's type, unless `is_null`.
    #[inline]
    unsafe fn wrapped<'py>(
        &self,
        py: Python<'py>,
        position: usize,
        value: Datum,
        is_null: bool,
    ) -> Result<Bound<'py, PyAny>, Failure> {
        if is_null {
            return Ok(py.None().into_bound(py));
        }
        let known = &self.classes[position];
        let current = matches!(&*known.borrow(), Some((seen, _)) if *seen == inval::generation());
        if !current {
            let generation = inval::generation();
            let class = class::class_of(py, self.field(position).type_oid)?;
            let before = known.replace(Some((generation, class)));
            drop(before);
        }
        let class = known.borrow();
        let Some((_, class)) = &*class else {
            return Err(Error::internal("a column without a class").into());
        };
        // SAFETY: the caller's promise.
        unsafe { Ok(Bound::from_owned_ptr(py, object::wrap(class.info(), value)?)) }
    }

    fn field(&self, position: usize) -> &Field {
        &self.row.fields()[self.live[position]]
    }

    pub(super) fn names(&self) -> &Py<PyTuple> {
        &self.names
    }

    pub(super) fn types(&self) -> Vec<u32> {
        (0..self.live.len()).map(|at| self.field(at).type_oid.to_u32()).collect()
    }

    /// Number, name, type, typmod and whether it is dropped, of all columns.
    pub(super) fn all(&self) -> Vec<(usize, String, u32, i32, bool)> {
        let fields = self.row.fields().iter().enumerate();
        fields
            .map(|(at, field)| {
                (at + 1, field.name.clone(), field.type_oid.to_u32(), field.typmod, field.dropped)
            })
            .collect()
    }
}

type Shapes = Vec<Option<Rc<Held<Shape>>>>;

thread_local! {
    /// Of anonymous records, whose numbers the session keeps.
    static ANONYMOUS: ForLife<Shapes> = ForLife::default();
}

/// The columns of a composite type.
pub(super) fn shape_of(py: Python<'_>, info: &TypeInfo) -> Result<Rc<Held<Shape>>, Failure> {
    if let Some(known) = info.shape.get() {
        return Ok(known.clone());
    }
    ready()?;
    let made = Rc::new(Held::made(|| Shape::lookup(py, info.base, -1))?);
    Ok(info.shape.get_or_init(|| made).clone())
}

/// The columns of a value, with where it begins.
fn opened(py: Python<'_>, object: &Object) -> Result<(Rc<Held<Shape>>, pg_sys::HeapTupleHeader), Failure> {
    if object.info().kind != Kind::Record {
        return Err(PyTypeError::new_err("not a composite value").into());
    }
    let header: pg_sys::HeapTupleHeader = object.unpacked()?.cast();
    if object.info().base != pg_sys::RECORDOID {
        return Ok((shape_of(py, object.info())?, header));
    }
    // SAFETY: an unpacked composite, whose header tells its type.
    let (type_oid, typmod) = unsafe {
        let fields = (*header).t_choice.t_datum;
        (fields.datum_typeid, fields.datum_typmod)
    };
    if type_oid != pg_sys::RECORDOID {
        return Ok((shape_of(py, class::class_of(py, type_oid)?.info())?, header));
    }
    // Their numbers are counted up from 0.
    let place = typmod as usize;
    if let Some(known) = ANONYMOUS.read(|shapes| shapes.get(place).cloned().flatten()) {
        return Ok((known, header));
    }
    ready()?;
    let made = Rc::new(Held::made(|| Shape::lookup(py, type_oid, typmod))?);
    ANONYMOUS.change(|shapes| {
        if shapes.len() <= place {
            shapes.resize(place + 1, None);
        }
        shapes[place] = Some(made.clone());
    });
    Ok((made, header))
}

pub(super) fn columns(py: Python<'_>, object: &Object) -> Result<Rc<Held<Shape>>, Failure> {
    opened(py, object).map(|(shape, _)| shape)
}

/// Columns that are read without asking for memory.
const FEW: usize = 32;

/// Runs `work` with the values and nulls of all columns.
fn deformed<T>(
    shape: &Shape,
    header: pg_sys::HeapTupleHeader,
    work: impl FnOnce(&mut [Datum], &mut [bool]) -> Result<T, Failure>,
) -> Result<T, Failure> {
    ready()?;
    let count = shape.row.fields().len();
    let (mut few_values, mut few_nulls) = ([Datum::null(); FEW], [true; FEW]);
    let (mut many_values, mut many_nulls);
    let (values, nulls) = if count <= FEW {
        (&mut few_values[..count], &mut few_nulls[..count])
    } else {
        (many_values, many_nulls) = (vec![Datum::null(); count], vec![true; count]);
        (&mut many_values[..], &mut many_nulls[..])
    };
    let (descriptor, to_values, to_nulls) = (shape.row.descriptor(), values.as_mut_ptr(), nulls.as_mut_ptr());
    // SAFETY: a live value of the shape; the arrays have an element for each attribute.
    // Taking it apart neither allocates nor raises.
    unsafe { types::deform_into(header, descriptor, to_values, to_nulls) };
    work(values, nulls)
}

fn get<'py>(
    py: Python<'py>,
    shape: &Shape,
    header: pg_sys::HeapTupleHeader,
    position: usize,
) -> Result<Bound<'py, PyAny>, Failure> {
    deformed(shape, header, |values, nulls| {
        let at = shape.live[position];
        // SAFETY: just read from a live value.
        unsafe { shape.wrapped(py, position, values[at], nulls[at]) }
    })
}

/// All values, in the order of the columns.
pub(super) fn values<'py>(py: Python<'py>, object: &Object) -> Result<Bound<'py, PyTuple>, Failure> {
    let (shape, header) = opened(py, object)?;
    deformed(&shape, header, |values, nulls| {
        let made: Vec<_> = shape
            .live
            .iter()
            .enumerate()
            // SAFETY: just read from a live value.
            .map(|(position, &at)| unsafe { shape.wrapped(py, position, values[at], nulls[at]) })
            .collect::<Result<_, _>>()?;
        Ok(PyTuple::new(py, made)?)
    })
}

/// `record[key]`: by name, by index, or a tuple of a slice.
pub(super) fn item<'py>(
    py: Python<'py>,
    object: &Object,
    key: &Bound<'py, PyAny>,
) -> Result<Bound<'py, PyAny>, Failure> {
    let (shape, header) = opened(py, object)?;
    if key.is_instance_of::<PyString>() {
        return match shape.positions.bind(py).get_item(key)? {
            Some(position) => get(py, &shape, header, position.extract()?),
            None => Err(PyKeyError::new_err(key.clone().unbind()).into()),
        };
    }
    if let Ok(slice) = key.cast::<PySlice>() {
        return Ok(values(py, object)?.as_any().get_item(slice)?);
    }
    if let Some(name) = text_of(py, key)? {
        return item(py, object, &name);
    }
    // SAFETY: a live object; -1 with an exception set is an error.
    let index = unsafe { ffi::PyNumber_AsSsize_t(key.as_ptr(), ffi::PyExc_IndexError) };
    if index == -1
        && let Some(error) = PyErr::take(py)
    {
        return Err(error.into());
    }
    let count = shape.live.len() as isize;
    let from_start = if index < 0 { index + count } else { index };
    if !(0..count).contains(&from_start) {
        let message = format!("column index {index} is out of range for {count} columns");
        return Err(PyIndexError::new_err(message).into());
    }
    get(py, &shape, header, from_start as usize)
}

/// The text of an instance of a string type, which names a column as a str does.
fn text_of<'py>(py: Python<'py>, key: &Bound<'py, PyAny>) -> Result<Option<Bound<'py, PyAny>>, Failure> {
    // SAFETY: the key is held.
    match unsafe { object::of(key.as_ptr()) } {
        Some(text) if text.info().entry.category == b'S' => super::scalar::text_of(py, text).map(Some),
        _ => Ok(None),
    }
}

/// `record.name`: a column, unless the class has an attribute of that name.
pub(super) fn attribute<'py>(
    py: Python<'py>,
    object: &Object,
    name: &Bound<'py, PyAny>,
) -> Result<Option<Bound<'py, PyAny>>, Failure> {
    let (shape, header) = opened(py, object)?;
    if shape.attributes.get().is_none() {
        // SAFETY: a live class.
        let class = unsafe { Bound::from_borrowed_ptr(py, object.info().class().cast()) };
        let free = PyDict::new(py);
        for (name, position) in shape.positions.bind(py).iter() {
            if class.getattr("__mro__")?.try_iter()?.all(|above| !has(above, &name)) {
                free.set_item(name, position)?;
            }
        }
        let _ = shape.attributes.set(free.unbind());
    }
    let Some(attributes) = shape.attributes.get() else { return Ok(None) };
    match attributes.bind(py).get_item(name)? {
        Some(position) => get(py, &shape, header, position.extract()?).map(Some),
        None => Ok(None),
    }
}

/// Whether a class itself has an attribute of that name.
fn has(class: PyResult<Bound<'_, PyAny>>, name: &Bound<'_, PyAny>) -> bool {
    class
        .and_then(|class| class.getattr("__dict__"))
        .and_then(|attributes| attributes.contains(name))
        .unwrap_or(false)
}

/// What `replace` is asked for, as positions and values; None keeps a column.
fn changes<'py>(
    py: Python<'py>,
    shape: &Shape,
    arguments: &Bound<'py, PyTuple>,
    keywords: &Bound<'py, PyDict>,
) -> Result<Vec<(usize, Bound<'py, PyAny>)>, Failure> {
    let count = shape.live.len();
    if arguments.len() > count {
        let message = format!("{} values for {count} columns", arguments.len());
        return Err(PyTypeError::new_err(message).into());
    }
    let mut changes: Vec<_> = arguments.iter().enumerate().filter(|(_, value)| !value.is_none()).collect();
    for (name, value) in keywords.iter() {
        let Some(position) = shape.positions.bind(py).get_item(&name)? else {
            let message = format!("the row has no column {}", name.repr()?);
            return Err(PyTypeError::new_err(message).into());
        };
        if !value.is_none() {
            changes.push((position.extract()?, value));
        }
    }
    Ok(changes)
}

/// The value with other values in some columns, by position and name.
pub(super) fn replaced<'py>(
    py: Python<'py>,
    object: &Object,
    arguments: &Bound<'py, PyTuple>,
    keywords: &Bound<'py, PyDict>,
) -> Result<Bound<'py, PyAny>, Failure> {
    let (shape, _) = opened(py, object)?;
    let changes = changes(py, &shape, arguments, keywords)?;
    with_changes(py, object, &changes)
}

/// The value with what the callables make of some columns.
pub(super) fn transformed<'py>(
    py: Python<'py>,
    object: &Object,
    arguments: &Bound<'py, PyTuple>,
    keywords: &Bound<'py, PyDict>,
) -> Result<Bound<'py, PyAny>, Failure> {
    let (shape, header) = opened(py, object)?;
    let made: Vec<(usize, Bound<'py, PyAny>)> = changes(py, &shape, arguments, keywords)?
        .into_iter()
        .map(|(position, function)| {
            let value = get(py, &shape, header, position)?;
            Ok((position, function.call1((value,))?))
        })
        .collect::<Result<_, Failure>>()?;
    with_changes(py, object, &made)
}

fn with_changes<'py>(
    py: Python<'py>,
    object: &Object,
    changes: &[(usize, Bound<'py, PyAny>)],
) -> Result<Bound<'py, PyAny>, Failure> {
    let (shape, header) = opened(py, object)?;
    deformed(&shape, header, |values, nulls| {
        scratch(|| {
            for (position, value) in changes {
                let field = shape.field(*position);
                let column = class::class_of(py, field.type_oid)?.info().column(field.typmod)?;
                // SAFETY: the value is held; nothing in `pg_try` needs dropping.
                let datum = unsafe { pg_try(|| column.to_datum(value.as_ptr()))?? };
                let at = shape.live[*position];
                (values[at], nulls[at]) = (datum.unwrap_or(Datum::null()), datum.is_none());
            }
            let (descriptor, values, nulls) =
                (shape.row.descriptor(), values.as_mut_ptr(), nulls.as_mut_ptr());
            // SAFETY: raw calls; an element for each attribute.
            unsafe {
                let datum = pg_try(|| {
                    let tuple = raw::heap_form_tuple(descriptor, values, nulls);
                    raw::HeapTupleHeaderGetDatum((*tuple).t_data)
                })?;
                Ok(Bound::from_owned_ptr(py, object::wrap(object.info(), datum)?))
            }
        })
    })
}

/// Where the value begins, if a Python object is one of this row type as that is now.
///
/// # Safety
/// The object is alive; the thread holds the GIL.
pub(in crate::convert) unsafe fn value_of(
    object: *mut ffi::PyObject,
    row_type: Oid,
) -> Result<Option<pg_sys::HeapTupleHeader>, Error> {
    // SAFETY: the caller's promise.
    let Some(object) = (unsafe { object::of(object) }) else { return Ok(None) };
    let info = object.info();
    if info.kind != Kind::Record || info.base != row_type || row_type == pg_sys::RECORDOID {
        return Ok(None);
    }
    Python::attach(|py| {
        let start = || {
            let now = class::class_of(py, row_type)?;
            // A value that was made before its type changed has other columns.
            let same = std::ptr::eq(now.info(), info);
            Ok::<_, Failure>(if same { Some(object.unpacked()?.cast()) } else { None })
        };
        start().map_err(|failure| failure.into_error(py, Origin::current()))
    })
}

/// A composite value that is being read into a row of other columns. It owns nothing, so that the server may
/// raise meanwhile: the object that was looked into keeps everything.
#[derive(Clone, Copy)]
pub(in crate::convert) struct Parts {
    shape: *const Shape,
    header: pg_sys::HeapTupleHeader,
}

impl Parts {
    /// `None` for an object that is no composite value.
    ///
    /// # Safety
    /// The object is alive, and stays so while the result is used.
    pub(in crate::convert) unsafe fn of(object: *mut ffi::PyObject) -> Result<Option<Self>, Error> {
        // SAFETY: the caller's promise.
        let Some(object) = (unsafe { object::of(object) }) else { return Ok(None) };
        if object.info().kind != Kind::Record {
            return Ok(None);
        }
        Python::attach(|py| {
            let (shape, header) =
                opened(py, object).map_err(|failure| failure.into_error(py, Origin::current()))?;
            // A type's shape is kept by its description, an anonymous one by the session.
            Ok(Some(Parts { shape: &raw const **shape, header }))
        })
    }

    fn shape(&self) -> &Shape {
        // SAFETY: as `of` says.
        unsafe { &*self.shape }
    }

    /// The number of live columns.
    pub(in crate::convert) fn count(&self) -> usize {
        self.shape().live.len()
    }

    /// The values and nulls of all columns, which lie inside the composite value. May raise.
    ///
    /// # Safety
    /// The caller's frames hold no destructors.
    pub(in crate::convert) unsafe fn read(&self) -> (*const Datum, *const bool) {
        // SAFETY: the caller's promise.
        unsafe { self.shape().row.deform(self.header) }
    }

    /// The number among all columns, and the field, of a live column.
    pub(in crate::convert) fn column(&self, position: usize) -> (usize, &Field) {
        (self.shape().live[position], self.shape().field(position))
    }

    /// A new reference to a column's value as an instance.
    ///
    /// # Safety
    /// `value` is of the column.
    pub(in crate::convert) unsafe fn instance(
        &self,
        position: usize,
        value: Datum,
    ) -> Result<*mut ffi::PyObject, Error> {
        Python::attach(|py| {
            // SAFETY: the caller's promise.
            let made = unsafe { self.shape().wrapped(py, position, value, false) };
            made.map(Bound::into_ptr).map_err(|failure| failure.into_error(py, Origin::current()))
        })
    }
}
