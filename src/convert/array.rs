//! Arrays from Python: lists nest, and every sub-list has the length of its siblings. The danger is
//! a list that user code changes while its items are converted: each access is measured again, and
//! each container held, until its last item is done.

use std::ffi::c_int;

use pgrx::pg_sys::{self, Datum, Oid};
use pyo3::ffi;

use super::held::Held;
use super::python::{self, running};
use super::{ColumnPlan, Dialect, fallback, row};
use crate::error::{Error, SqlState};
use crate::pg::raw;
use crate::pg::types::{Input, Layout};
use crate::pg::varlena;

const MOST_DIMENSIONS: usize = 6; // MAXDIM (array.h)
const RAGGED: SqlState = SqlState::new(b"2202E");

pub(super) struct ArrayPlan {
    element_type: Oid,
    layout: Layout,
    element: ColumnPlan,
    /// As PL/Python has it: a str is a sequence of its characters, and only lists nest.
    is_plain: bool,
}

impl ArrayPlan {
    pub(super) fn resolve(element_type: Oid, typmod: i32, dialect: Dialect) -> Result<Self, Error> {
        Ok(ArrayPlan {
            element_type,
            layout: Layout::lookup(element_type)?,
            element: ColumnPlan::resolve(element_type, typmod, dialect)?,
            is_plain: dialect == Dialect::Plpy,
        })
    }

    /// # Safety
    /// `object` is alive and not None; may raise.
    pub(super) unsafe fn to_datum(&self, object: *mut ffi::PyObject, input: &Input) -> Result<Datum, Error> {
        // SAFETY: the caller's promise.
        unsafe {
            if is_sequence(object) {
                return self.build(object, Held::new());
            }
            if ffi::PyUnicode_Check(object) != 0 && !self.is_plain {
                return fallback::to_datum(input, object);
            }
            if row::is_mapping(object)? {
                // Its text form is braces too, so that it could pass for an array literal.
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, "a mapping cannot become an array")
                    .detail(format!("The value is {}.", python::shown(object)))
                    .hint("Return its keys(), values() or items()."));
            }
            if self.is_plain
                && ffi::PySequence_Check(object) == 0
                && (*ffi::Py_TYPE(object)).tp_iter.is_none()
            {
                return Err(Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    "return value of function with array return type is not a Python sequence",
                ));
            }
            if !self.is_plain && !is_iterable(object) {
                // As a str is an array literal, so may be the text form of anything else.
                return fallback::to_datum(input, object);
            }
            let held = Held::new();
            let list = running(|| list_of(object));
            if list.is_null() {
                return Err(python::raised());
            }
            held.own(list);
            if !is_sequence(list) {
                return fallback::to_datum(input, object);
            }
            self.build(list, held)
        }
    }

    unsafe fn build(&self, object: *mut ffi::PyObject, held: Held) -> Result<Datum, Error> {
        // SAFETY: the caller holds the object; the arrays are memory of the current context.
        unsafe {
            let mut building = Building::new(self, held, length_of(object));
            building.collect(object, 0)?;
            held.clear();
            let lower_bounds: [c_int; MOST_DIMENSIONS] = [1; MOST_DIMENSIONS];
            let array = raw::construct_md_array(
                building.values,
                building.nulls,
                building.dimensions as c_int,
                building.lengths.as_mut_ptr(),
                lower_bounds.as_ptr().cast_mut(),
                self.element_type,
                c_int::from(self.layout.length),
                self.layout.by_value,
                self.layout.align,
            );
            Ok(varlena::pointer(array.cast()))
        }
    }

    /// Whether an item is a sub-list. A tuple is one too, unless it is how an element is written; a
    /// list is one, unless the elements are JSON, where it is a value.
    #[inline]
    unsafe fn nests(&self, item: *mut ffi::PyObject) -> bool {
        // SAFETY: the caller holds the item.
        unsafe {
            if ffi::PyList_Check(item) != 0 {
                return !self.element.takes_lists();
            }
            !self.is_plain && ffi::PyTuple_Check(item) != 0 && !self.element.takes_tuples()
        }
    }
}

/// The elements so far, in row-major order, and the shape that the first path down has set.
struct Building<'a> {
    plan: &'a ArrayPlan,
    held: Held,
    values: *mut Datum,
    nulls: *mut bool,
    count: usize,
    capacity: usize,
    lengths: [c_int; MOST_DIMENSIONS],
    /// Known once the first element, or an empty list, has been met.
    dimensions: usize,
}

impl<'a> Building<'a> {
    unsafe fn new(plan: &'a ArrayPlan, held: Held, length: usize) -> Self {
        let capacity = length.max(1);
        // SAFETY: the caller's frames hold no destructors.
        unsafe {
            Building {
                plan,
                held,
                values: raw::palloc(capacity * size_of::<Datum>()).cast(),
                nulls: raw::palloc(capacity).cast(),
                count: 0,
                capacity,
                lengths: [-1; MOST_DIMENSIONS],
                dimensions: 0,
            }
        }
    }

    /// Takes the items of a list or tuple that lies `depth` levels down.
    unsafe fn collect(&mut self, list: *mut ffi::PyObject, depth: usize) -> Result<(), Error> {
        // SAFETY: the caller holds the list.
        unsafe {
            let length = length_of(list);
            self.enter(depth, length)?;
            for at in 0..length {
                // Converting the item before may have shortened the list.
                if at >= length_of(list) {
                    return Err(ragged(self.plan.is_plain));
                }
                let item = item_of(list, at);
                if self.plan.nests(item) {
                    if self.dimensions == depth + 1 {
                        return Err(ragged(self.plan.is_plain));
                    }
                    self.held.push(item);
                    self.collect(item, depth + 1)?;
                    self.held.pop();
                } else {
                    self.take(item, depth)?;
                }
            }
        }
        Ok(())
    }

    /// Checks a list's length against its siblings', the first of which sets it.
    fn enter(&mut self, depth: usize, length: usize) -> Result<(), Error> {
        if depth >= MOST_DIMENSIONS {
            let text = match self.plan.is_plain {
                true => format!("number of array dimensions exceeds the maximum allowed ({MOST_DIMENSIONS})"),
                false => {
                    format!("lists are nested deeper than {MOST_DIMENSIONS} levels, the most an array has")
                }
            };
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, text));
        }
        let expected = self.lengths[depth];
        if expected < 0 {
            self.lengths[depth] = c_int::try_from(length).map_err(|_| too_many())?;
        } else if expected as usize != length {
            return Err(ragged(self.plan.is_plain));
        }
        if length == 0 && self.dimensions == 0 {
            self.dimensions = depth + 1;
        }
        Ok(())
    }

    unsafe fn take(&mut self, item: *mut ffi::PyObject, depth: usize) -> Result<(), Error> {
        if self.dimensions == 0 {
            self.dimensions = depth + 1;
        } else if self.dimensions != depth + 1 {
            return Err(ragged(self.plan.is_plain));
        }
        // SAFETY: the item is held while its conversion may run code that drops it from its list.
        unsafe {
            let value = if python::runs_no_code(item) {
                self.plan.element.to_datum(item)?
            } else {
                self.held.push(item);
                let value = self.plan.element.to_datum(item)?;
                self.held.pop();
                value
            };
            if self.count == self.capacity {
                self.grow();
            }
            *self.values.add(self.count) = value.unwrap_or(Datum::null());
            *self.nulls.add(self.count) = value.is_none();
        }
        self.count += 1;
        Ok(())
    }

    unsafe fn grow(&mut self) {
        self.capacity *= 2;
        // SAFETY: both were made by `palloc`.
        unsafe {
            let size = self.capacity * size_of::<Datum>();
            self.values = raw::repalloc_huge(self.values.cast(), size).cast();
            self.nulls = raw::repalloc_huge(self.nulls.cast(), self.capacity).cast();
        }
    }
}

#[cold]
fn ragged(is_plain: bool) -> Error {
    if is_plain {
        let text = "multidimensional arrays must have array expressions with matching dimensions";
        return Error::new(SqlState::INVALID_TEXT_REPRESENTATION, text);
    }
    Error::new(RAGGED, "multidimensional arrays must have sub-arrays with matching dimensions")
        .detail("The lists of one level differ in length, or some are nested and others are not.")
}

#[cold]
fn too_many() -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "a list has more items than an array can hold")
}

/// A list or tuple, which is read by index.
unsafe fn is_sequence(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller holds the object.
    unsafe { ffi::PyList_Check(object) != 0 || ffi::PyTuple_Check(object) != 0 }
}

#[inline]
unsafe fn length_of(list: *mut ffi::PyObject) -> usize {
    // SAFETY: `list` is a list or tuple.
    unsafe {
        match ffi::PyList_Check(list) != 0 {
            true => ffi::PyList_GET_SIZE(list) as usize,
            false => ffi::PyTuple_GET_SIZE(list) as usize,
        }
    }
}

#[inline]
unsafe fn item_of(list: *mut ffi::PyObject, at: usize) -> *mut ffi::PyObject {
    // SAFETY: `list` is a list or tuple of more than `at` items.
    unsafe {
        match ffi::PyList_Check(list) != 0 {
            true => ffi::PyList_GET_ITEM(list, at as isize),
            false => ffi::PyTuple_GET_ITEM(list, at as isize),
        }
    }
}

/// Sets, generators, arrays of numpy; not text.
unsafe fn is_iterable(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller holds the object.
    unsafe { !python::is_text(object) && (*ffi::Py_TYPE(object)).tp_iter.is_some() }
}

/// A new list of the items; `tolist()` where there is one, since it keeps numpy's dimensions.
unsafe fn list_of(object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the caller holds the object; null comes with an exception set.
    unsafe {
        match ffi::PyObject_HasAttrString(object, c"tolist".as_ptr()) != 0 {
            true => ffi::PyObject_CallMethod(object, c"tolist".as_ptr(), std::ptr::null()),
            false => python::new_list(object),
        }
    }
}

const _: () = assert!(MOST_DIMENSIONS == pg_sys::MAXDIM as usize);
