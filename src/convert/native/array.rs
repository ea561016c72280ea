//! Looking into arrays: shape, elements, parts, and new ones of given shape. The danger is a subscript that
//! is not checked: an index becomes an address only after it was compared with the array's own dimensions.

use std::ffi::c_int;

use pgrx::pg_sys::{self, Datum, Oid};
use pyo3::exceptions::{PyIndexError, PyNotImplementedError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyList, PySlice};

use super::class::{self, Class, Kind, TypeInfo};
use super::object::{self, Object};
use super::ready;
use super::scratch::scratch;
use crate::bridge::Failure;
use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::types::{Layout, RangeType};
use crate::pg::{raw, varlena};

/// An array that is being looked into; its value is alive as long as its object.
pub(super) struct View {
    array: *mut pg_sys::ArrayType,
    element: Class,
    pub(super) lengths: Vec<i32>,
    pub(super) bounds: Vec<i32>,
}

/// The elements in row-major order, in the current memory context.
struct Elements {
    values: *mut Datum,
    nulls: *mut bool,
    count: usize,
}

impl View {
    pub(super) fn of(py: Python<'_>, object: &Object) -> Result<Self, Failure> {
        let info = object.info();
        if info.kind != Kind::Array {
            return Err(PyTypeError::new_err("not an array").into());
        }
        let array: *mut pg_sys::ArrayType = object.unpacked()?.cast();
        // SAFETY: an unpacked array, whose lengths and lower bounds follow its header.
        let (lengths, bounds, element) = unsafe {
            let count = (*array).ndim as usize;
            let first: *const c_int = array.add(1).cast();
            let lengths = std::slice::from_raw_parts(first, count).to_vec();
            let bounds = std::slice::from_raw_parts(first.add(count), count).to_vec();
            (lengths, bounds, (*array).elemtype)
        };
        let known = info.entry.element.unwrap_or(element);
        Ok(View { array, element: class::class_of(py, known)?, lengths, bounds })
    }

    fn layout(&self) -> Layout {
        self.element.info().entry.layout
    }

    pub(super) fn has_null(&self) -> Result<bool, Failure> {
        let array = self.array;
        // SAFETY: a live array; one raw call.
        Ok(unsafe { pg_try(|| raw::array_contains_nulls(array))? })
    }

    /// The element at SQL subscripts; NULL outside.
    fn at<'py>(&self, py: Python<'py>, subscripts: &mut [i32]) -> Result<Bound<'py, PyAny>, Failure> {
        ready()?;
        let layout = self.layout();
        let mut is_null = true;
        let (count, first) = (subscripts.len() as c_int, subscripts.as_mut_ptr());
        let (array, is_null_at) = (varlena::pointer(self.array.cast()), &raw mut is_null);
        // SAFETY: a live array of such elements; the subscripts are `count`.
        let value = unsafe {
            pg_try(|| {
                raw::array_get_element(
                    array,
                    count,
                    first,
                    -1,
                    c_int::from(layout.length),
                    layout.by_value,
                    layout.align,
                    is_null_at,
                )
            })?
        };
        self.wrapped(py, value, is_null)
    }

    fn wrapped<'py>(
        &self,
        py: Python<'py>,
        value: Datum,
        is_null: bool,
    ) -> Result<Bound<'py, PyAny>, Failure> {
        if is_null {
            return Ok(py.None().into_bound(py));
        }
        // SAFETY: a live value of the element's type.
        unsafe { Ok(Bound::from_owned_ptr(py, object::wrap(self.element.info(), value)?)) }
    }

    /// # Safety
    /// May raise: runs inside `pg_try`.
    unsafe fn deconstructed(&self, layout: Layout) -> Elements {
        let (mut values, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
        // SAFETY: a live array of such elements.
        unsafe {
            raw::deconstruct_array(
                self.array,
                self.element.info().entry.oid,
                c_int::from(layout.length),
                layout.by_value,
                layout.align,
                &raw mut values,
                &raw mut nulls,
                &raw mut count,
            );
        }
        Elements { values, nulls, count: count as usize }
    }

    /// All elements, in row-major order.
    pub(super) fn elements<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyList>, Failure> {
        ready()?;
        let layout = self.layout();
        scratch(|| {
            // SAFETY: raw calls; the arrays have `count` members.
            unsafe {
                let elements = pg_try(|| self.deconstructed(layout))?;
                let list = PyList::empty(py);
                for at in 0..elements.count {
                    list.append(self.wrapped(py, *elements.values.add(at), *elements.nulls.add(at))?)?;
                }
                Ok(list)
            }
        })
    }

    /// The array of `length` items of the first dimension from `from` on; one dimension less if `flat`.
    fn part<'py>(
        &self,
        py: Python<'py>,
        info: &TypeInfo,
        from: usize,
        length: usize,
        flat: bool,
    ) -> Result<Bound<'py, PyAny>, Failure> {
        ready()?;
        let layout = self.layout();
        let inner: usize = self.lengths[1..].iter().map(|&length| length as usize).product();
        let mut lengths = self.lengths.clone();
        lengths[0] = length as i32;
        if flat {
            lengths.remove(0);
        }
        if length == 0 {
            lengths.clear();
        }
        scratch(|| {
            // SAFETY: raw calls; the part lies inside the elements.
            unsafe {
                let elements = pg_try(|| self.deconstructed(layout))?;
                debug_assert!((from + length) * inner <= elements.count);
                let (values, nulls) = (elements.values.add(from * inner), elements.nulls.add(from * inner));
                let bounds = vec![1; lengths.len()];
                let array = construct(self.element.info(), values, nulls, &lengths, &bounds)?;
                Ok(Bound::from_owned_ptr(py, object::wrap(info, array)?))
            }
        })
    }
}

/// A new array in the current memory context.
///
/// # Safety
/// The arrays have as many members as the lengths say.
unsafe fn construct(
    element: &TypeInfo,
    values: *mut Datum,
    nulls: *mut bool,
    lengths: &[i32],
    bounds: &[i32],
) -> Result<Datum, Error> {
    let layout = element.entry.layout;
    let (count, oid) = (lengths.len() as c_int, element.entry.oid);
    let (lengths, bounds) = (lengths.as_ptr().cast_mut(), bounds.as_ptr().cast_mut());
    // SAFETY: the caller's promise; raw call.
    unsafe {
        pg_try(|| {
            let array = raw::construct_md_array(
                values,
                nulls,
                count,
                lengths,
                bounds,
                oid,
                c_int::from(layout.length),
                layout.by_value,
                layout.align,
            );
            varlena::pointer(array.cast())
        })
    }
}

/// The element at 0-based indexes, one for each dimension.
pub(super) fn element<'py>(
    py: Python<'py>,
    object: &Object,
    indexes: &[i64],
) -> Result<Bound<'py, PyAny>, Failure> {
    let view = View::of(py, object)?;
    if view.lengths.is_empty() {
        return Err(PyIndexError::new_err("the array has no elements").into());
    }
    if indexes.len() != view.lengths.len() {
        let message = format!("{} indexes for an array of {} dimensions", indexes.len(), view.lengths.len());
        return Err(PyValueError::new_err(message).into());
    }
    let mut subscripts = Vec::with_capacity(indexes.len());
    for ((&index, &length), &bound) in indexes.iter().zip(&view.lengths).zip(&view.bounds) {
        subscripts.push(position(index, length)? as i32 + bound);
    }
    view.at(py, &mut subscripts)
}

/// An index from 0, or from the end if negative, as one from 0.
fn position(index: i64, length: i32) -> Result<usize, Failure> {
    let length = i64::from(length);
    let from_start = if index < 0 { index + length } else { index };
    if (0..length).contains(&from_start) {
        return Ok(from_start as usize);
    }
    Err(PyIndexError::new_err(format!("array index {index} is out of range for length {length}")).into())
}

/// The element at SQL's subscripts; None outside.
pub(super) fn sql_element<'py>(
    py: Python<'py>,
    object: &Object,
    subscripts: &[i64],
) -> Result<Bound<'py, PyAny>, Failure> {
    let view = View::of(py, object)?;
    let subscripts: Result<Vec<i32>, _> = subscripts.iter().map(|&index| i32::try_from(index)).collect();
    match subscripts {
        Ok(mut subscripts) if subscripts.len() == view.lengths.len() => view.at(py, &mut subscripts),
        _ => Ok(py.None().into_bound(py)),
    }
}

/// `array[key]`: an element, or a part of one dimension less; a slice of the first dimension.
pub(super) fn item<'py>(
    py: Python<'py>,
    object: &Object,
    key: &Bound<'py, PyAny>,
) -> Result<Bound<'py, PyAny>, Failure> {
    if let Ok(slice) = key.cast::<PySlice>() {
        return sliced(py, object, slice);
    }
    // SAFETY: a live object; -1 with an exception set is an error.
    let index = unsafe { ffi::PyNumber_AsSsize_t(key.as_ptr(), ffi::PyExc_IndexError) };
    if index == -1
        && let Some(error) = PyErr::take(py)
    {
        return Err(error.into());
    }
    let view = View::of(py, object)?;
    if view.lengths.is_empty() {
        return Err(PyIndexError::new_err("the array has no elements").into());
    }
    let position = position(index as i64, view.lengths[0])?;
    match view.lengths.len() {
        1 => view.at(py, &mut [position as i32 + view.bounds[0]]),
        _ => view.part(py, plain(py, object)?.info(), position, 1, true),
    }
}

/// The class that parts of an array have: below a domain, which may forbid them.
fn plain(py: Python<'_>, object: &Object) -> Result<Class, Failure> {
    class::class_of(py, object.info().base)
}

fn sliced<'py>(
    py: Python<'py>,
    object: &Object,
    slice: &Bound<'py, PySlice>,
) -> Result<Bound<'py, PyAny>, Failure> {
    let view = View::of(py, object)?;
    let length = view.lengths.first().copied().unwrap_or(0);
    let indices = slice.indices(length as isize)?;
    if indices.step != 1 {
        return Err(PyNotImplementedError::new_err("slices of arrays have step 1").into());
    }
    let class = plain(py, object)?;
    if view.lengths.is_empty() {
        // SAFETY: an array without elements is its own part.
        return unsafe { Ok(Bound::from_owned_ptr(py, object::wrap(class.info(), object.datum())?)) };
    }
    view.part(py, class.info(), indices.start as usize, indices.slicelength, false)
}

/// An array of the elements, in row-major order, with these lengths and lower bounds.
pub(super) fn of_elements<'py>(
    py: Python<'py>,
    class: &Bound<'py, PyAny>,
    elements: &Bound<'py, PyList>,
    lengths: &[i32],
    bounds: &[i32],
) -> Result<Bound<'py, PyAny>, Failure> {
    ready()?;
    let holder = super::construct::info_of(class)?;
    let info = holder.get().info();
    let base = class::class_of(py, info.base)?;
    let Some(element) = base.info().entry.element else {
        return Err(PyTypeError::new_err(format!("{} is no array type", info.entry.name)).into());
    };
    let element = class::class_of(py, element)?;
    let column = element.info().column(-1)?;
    let items: Vec<Bound<'py, PyAny>> = elements.iter().collect();
    let array = scratch(|| {
        let mut values = Vec::with_capacity(items.len());
        let mut nulls = Vec::with_capacity(items.len());
        for item in &items {
            // SAFETY: the item is held; nothing in `pg_try` needs dropping.
            let value = unsafe { pg_try(|| column.to_datum(item.as_ptr()))?? };
            values.push(value.unwrap_or(Datum::null()));
            nulls.push(value.is_none());
        }
        let lengths = if values.is_empty() { &[] } else { lengths };
        // SAFETY: the caller has checked that the lengths make so many.
        unsafe {
            let array = construct(element.info(), values.as_mut_ptr(), nulls.as_mut_ptr(), lengths, bounds)?;
            Ok::<_, Failure>(Bound::from_owned_ptr(py, object::wrap(base.info(), array)?))
        }
    })?;
    // A class of the user's, or a domain, which checks.
    if info.entry.oid == base.info().entry.oid && class.as_ptr() == info.class().cast() {
        return Ok(array);
    }
    Ok(class.call1((array,))?)
}

/// The ranges of a multirange.
pub(super) fn ranges<'py>(py: Python<'py>, object: &Object) -> Result<Bound<'py, PyList>, Failure> {
    ready()?;
    let start = object.unpacked()?;
    let range: Oid = scratch(|| RangeType::of_multirange(object.info().base))?;
    let class = class::class_of(py, range)?;
    scratch(|| {
        let range_type = RangeType::lookup(range)?;
        // SAFETY: an unpacked multirange over that type; raw calls.
        unsafe {
            let (ranges, count) = pg_try(|| range_type.parts(start))?;
            let list = PyList::empty(py);
            for at in 0..count {
                let value = varlena::pointer((*ranges.add(at)).cast());
                list.append(Bound::from_owned_ptr(py, object::wrap(class.info(), value)?))?;
            }
            Ok(list)
        }
    })
}

/// The type of the bounds of a range or multirange.
pub(super) fn bound_type(object: &Object) -> Result<Oid, Failure> {
    ready()?;
    let info = object.info();
    scratch(|| {
        let range = match info.kind {
            Kind::Multirange => RangeType::of_multirange(info.base)?,
            _ => info.base,
        };
        Ok(RangeType::lookup(range)?.bound_type())
    })
}
