//! Rows kept in the server's own form until Python looks at them: a loop over a large result makes one dict at
//! a time. The danger is a difference that shows: only columns are kept so whose conversion cannot fail and
//! whose objects cannot be changed, and an iteration remembers each dict that was changed or kept.

use std::collections::{HashMap, VecDeque};

use pgrx::pg_sys::Datum;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::python;
use super::table::Layout;
use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::memory::Scratch;
use crate::pg::planner::Constant;
use crate::pg::receiver::Row;
use crate::pg::varlena;

/// Words of one block of the arena.
const BLOCK: usize = 8192;

/// Rows of a walk between two resets of the scratch memory.
const BETWEEN_RESETS: usize = 64;

/// The values, row by row.
#[derive(Default)]
pub(crate) struct Store {
    values: Vec<Constant>,
    /// What values point into; blocks do not move.
    blocks: Vec<Vec<u64>>,
    rows: usize,
    /// Dicts that were made and changed, or that somebody has, by row.
    kept: HashMap<usize, Py<PyAny>>,
    /// The last that were made.
    pending: VecDeque<Made>,
    /// What conversions allocate.
    scratch: Option<Scratch>,
}

/// A dict that was handed out, and the values that it was made with.
struct Made {
    index: usize,
    dict: Py<PyAny>,
    values: Vec<Py<PyAny>>,
}

impl Store {
    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// Copies a row. Server errors come back as values.
    pub(super) fn push(&mut self, layout: &Layout, row: Row) -> Result<(), Error> {
        for (value, form) in row.values().zip(layout.forms()) {
            let datum = match value.is_null || form.by_value {
                true => value.datum,
                false => self.copy(value.datum, form.length)?,
            };
            self.values.push(Constant { datum, is_null: value.is_null });
        }
        self.rows += 1;
        Ok(())
    }

    fn copy(&mut self, datum: Datum, length: i16) -> Result<Datum, Error> {
        // SAFETY: a live value of a type of that length, as the row's descriptor says; what is not plainly
        // there is fetched, into the scratch memory.
        unsafe {
            let datum = match length {
                -1 if varlena::is_plain(datum) => datum,
                -1 => pg_try(|| varlena::fetched(datum))?,
                _ => datum,
            };
            let size = varlena::size(datum, length);
            let place = self.room(size);
            std::ptr::copy_nonoverlapping(datum.cast_mut_ptr::<u8>(), place, size);
            Ok(Datum::from(place))
        }
    }

    /// So many bytes, aligned for any type.
    fn room(&mut self, size: usize) -> *mut u8 {
        let words = size.div_ceil(8);
        let fits = |block: &Vec<u64>| block.capacity() - block.len() >= words;
        if !self.blocks.last().is_some_and(fits) {
            self.blocks.push(Vec::with_capacity(words.max(BLOCK)));
        }
        let last = self.blocks.len() - 1;
        let block = &mut self.blocks[last];
        let start = block.len();
        block.resize(start + words, 0);
        // SAFETY: within the block, which never grows beyond its capacity.
        unsafe { block.as_mut_ptr().add(start).cast() }
    }

    fn row(&self, layout: &Layout, index: usize) -> impl Iterator<Item = Constant> {
        let width = layout.columns().len();
        self.values[index * width..][..width].iter().copied()
    }

    /// All rows as a list; dicts that somebody may still look at are in it.
    pub(crate) fn list<'py>(
        &mut self,
        py: Python<'py>,
        layout: &Layout,
    ) -> Result<Bound<'py, PyList>, Error> {
        while let Some(made) = self.pending.pop_front() {
            self.kept.insert(made.index, made.dict);
        }
        let scratch = Scratch::take()?;
        let list = PyList::empty(py);
        for index in 0..self.rows {
            let dict = match self.kept.get(&index) {
                Some(dict) => dict.bind(py).clone(),
                None => scratch.within(|| layout.dict(py, self.row(layout, index)))?,
            };
            list.append(dict).map_err(|error| python::error(py, error))?;
        }
        Ok(list)
    }

    /// Row `index` of a walk from the first one to the last, or the end.
    ///
    /// The loop that walks still has the dict of the step before, when it asks for the next one: so the one
    /// before that is looked at, and forgotten if nobody has it and it is as it was made.
    pub(crate) fn step<'py>(
        &mut self,
        py: Python<'py>,
        layout: &Layout,
        index: usize,
    ) -> Result<Option<Bound<'py, PyAny>>, Error> {
        let mut values = if self.pending.len() > 1 { self.settle(py, layout) } else { Vec::new() };
        if index >= self.rows {
            self.scratch = None;
            return Ok(None);
        }
        if let Some(kept) = self.kept.get(&index) {
            return Ok(Some(kept.bind(py).clone()));
        }
        let scratch = match self.scratch.take() {
            Some(scratch) => scratch,
            None => Scratch::take()?,
        };
        if index.is_multiple_of(BETWEEN_RESETS) {
            scratch.reset()?;
        }
        let dict = scratch.within(|| layout.dict_of(py, self.row(layout, index), &mut values))?;
        self.scratch = Some(scratch);
        self.pending.push_back(Made { index, dict: dict.clone().unbind(), values });
        Ok(Some(dict))
    }

    /// Forgets what nobody has, before the next walk begins.
    pub(crate) fn settle_all(&mut self, py: Python<'_>, layout: &Layout) {
        while !self.pending.is_empty() {
            self.settle(py, layout);
        }
    }

    /// Lets go of the dict that was made first, or keeps it; gives back the room of its values.
    fn settle(&mut self, py: Python<'_>, layout: &Layout) -> Vec<Py<PyAny>> {
        let Some(Made { index, dict, mut values }) = self.pending.pop_front() else { return Vec::new() };
        let dict = dict.into_bound(py);
        if !is_untouched(layout, &dict, &values) {
            self.kept.insert(index, dict.unbind());
        }
        values.clear();
        values
    }
}

fn is_untouched(layout: &Layout, dict: &Bound<'_, PyAny>, values: &[Py<PyAny>]) -> bool {
    // SAFETY: the GIL is held; what is looked up is a str, which runs no code.
    unsafe {
        let dict = dict.as_ptr();
        ffi::Py_REFCNT(dict) == 1
            && ffi::PyDict_Size(dict) as usize == values.len()
            && layout.names().iter().zip(values).all(|(name, value)| {
                std::ptr::eq(ffi::PyDict_GetItemWithError(dict, name.as_ptr()), value.as_ptr())
            })
    }
}
