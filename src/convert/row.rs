//! Rows: from what `execute()` returned into a slot's arrays, without a pyo3 object or a guarded call
//! per row. The danger is a server error that longjmps out of the loop: every reference held at that
//! moment belongs to `Rows` or to the memory context, and no frame here has anything to drop.

use std::ffi::{CStr, CString, c_int, c_ulonglong, c_void};

use pgrx::pg_sys::{self, Datum};
use pyo3::ffi;
use pyo3::prelude::*;

use super::python::{self, Import, Name, running};
use super::{Attribute, ColumnPlan, Dialect};
use crate::bridge::uncaught;
use crate::error::{Error, SqlState};
use crate::pg::guard::pg_try;
use crate::pg::scan_node::RowTarget;
use crate::pg::{encoding, raw};

static MAPPING: Import = Import::new("collections.abc", "Mapping");
/// SQL/MED's "inconsistent descriptor information": the row's shape is not the table's.
const WRONG_SHAPE: SqlState = SqlState::new(b"HV021");

/// What a row is made of.
const ROWS: &str = "A row is a sequence with one item for each column in the table's order, or a mapping.";

/// How to turn the rows of one table into tuples.
pub(crate) struct RowPlan {
    table: String,
    /// The same in the database's encoding, for CONTEXT.
    server_table: CString,
    attributes: usize,
    /// Items that a sequence must have: columns that are not dropped.
    expected: usize,
    /// Only the needed ones.
    columns: Vec<Column>,
}

struct Column {
    attribute: usize,
    /// Its place in a row that is a sequence.
    position: usize,
    name: String,
    server_name: CString,
    key: Name,
    plan: ColumnPlan,
}

impl RowPlan {
    /// Looks everything up; the plan lives as long as the memory context that is current now.
    pub(crate) fn new(py: Python<'_>, table: &str, attributes: &[Attribute]) -> Result<Self, Error> {
        let mut columns = Vec::new();
        let mut expected = 0;
        for (index, attribute) in attributes.iter().enumerate() {
            if attribute.dropped {
                continue;
            }
            if attribute.needed {
                columns.push(Column::new(py, index, expected, attribute)?);
            }
            expected += 1;
        }
        Ok(RowPlan {
            table: table.to_owned(),
            server_table: encoding::to_server(table),
            attributes: attributes.len(),
            expected,
            columns,
        })
    }
}

impl Column {
    fn new(py: Python<'_>, index: usize, position: usize, attribute: &Attribute) -> Result<Self, Error> {
        let plan = ColumnPlan::resolve(attribute.type_oid, attribute.typmod, Dialect::Wrapper)
            .map_err(|error| error.context(format!("column \"{}\"", attribute.name)))?;
        let key = Name::new(py, &attribute.name);
        Ok(Column {
            attribute: index,
            position,
            name: attribute.name.clone(),
            server_name: encoding::to_server(&attribute.name),
            key,
            plan,
        })
    }
}

/// What `execute()` returned, how far it has been read, and the references of the current row.
pub(crate) struct Rows {
    source: Source,
    /// What `execute()` returned, for `close()`; null once closed.
    result: *mut ffi::PyObject,
    /// The row that is being converted, owned; null between rows.
    current: *mut ffi::PyObject,
    /// The item that is being converted, if the row may lose it meanwhile; owned or null.
    item: *mut ffi::PyObject,
    /// The class of the last row and what that makes of it; owned, so that the address is not reused.
    class: *mut ffi::PyObject,
    shape: Shape,
    row: u64,
}

enum Source {
    /// A list: read by index, since it may change between two rows.
    List(isize),
    /// An iterator, owned.
    Iterator(*mut ffi::PyObject),
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Tuple,
    List,
    Dict,
    /// A dict whose class defines `__missing__` or its own `__getitem__`, and any other Mapping.
    Mapping,
    Sequence,
}

/// The CONTEXT line: where in the result the conversion is. It lives on the stack of `next_into`.
struct Position<'a> {
    table: &'a CStr,
    row: u64,
    column: std::cell::Cell<Option<&'a Column>>,
}

impl Rows {
    /// Begins to read what `method` returned: `None` is no rows, otherwise it is an iterable of rows.
    pub(crate) fn new(result: Bound<'_, PyAny>, plan: &RowPlan, method: &str) -> Result<Self, Error> {
        let source = Self::source(&result, plan, method)?;
        Ok(Rows {
            source,
            result: result.into_ptr(),
            current: std::ptr::null_mut(),
            item: std::ptr::null_mut(),
            class: std::ptr::null_mut(),
            shape: Shape::Tuple,
            row: 0,
        })
    }

    fn source(result: &Bound<'_, PyAny>, plan: &RowPlan, method: &str) -> Result<Source, Error> {
        let object = result.as_ptr();
        // SAFETY: the GIL is held, as the Bound proves; `iter()` makes no raw server call.
        unsafe {
            if object == ffi::Py_None() {
                return Ok(Source::Done);
            }
            if ffi::PyList_CheckExact(object) != 0 {
                return Ok(Source::List(0));
            }
            // Generators and cursors: asking what else they may be costs more than a row.
            if ffi::PyIter_Check(object) != 0 && ffi::PyDict_Check(object) == 0 {
                let iterator = running(|| ffi::PyObject_GetIter(object));
                return if iterator.is_null() {
                    Err(python::raised())
                } else {
                    Ok(Source::Iterator(iterator))
                };
            }
            if python::is_text(object) || is_mapping(object)? {
                return Err(not_rows(object, plan, method));
            }
            let iterator = running(|| ffi::PyObject_GetIter(object));
            if !iterator.is_null() {
                return Ok(Source::Iterator(iterator));
            }
            let iterable = (*ffi::Py_TYPE(object)).tp_iter.is_some() || ffi::PySequence_Check(object) != 0;
            if !iterable && python::clear_if(ffi::PyExc_TypeError) {
                return Err(not_rows(object, plan, method));
            }
            Err(python::raised())
        }
    }

    /// Whether the last row was handed out: there is nothing left to close.
    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.source, Source::Done)
    }

    /// Fills a scan's slot with the next row; `false` at the end. The server may raise through this:
    /// the caller is a callback's row loop, whose frames own nothing.
    #[inline]
    pub(crate) fn next_row(&mut self, plan: &RowPlan, target: RowTarget) -> Result<bool, Error> {
        // SAFETY: the target is the slot of the scan that made `plan` from the same relation; the GIL
        // is held for the life of the backend.
        unsafe { self.next_into(plan, target.values, target.nulls) }
    }

    /// As `next_row`, for callers that own something: the server's errors come back as values.
    pub(crate) fn next_row_caught(&mut self, plan: &RowPlan, target: RowTarget) -> Result<bool, Error> {
        // SAFETY: as `next_row`; the jump back to here skips only frames that own nothing.
        unsafe { pg_try(|| self.next_into(plan, target.values, target.nulls))? }
    }

    /// Fills a slot with the one row that there is.
    pub(crate) fn only_row(&mut self, plan: &RowPlan, target: RowTarget) -> Result<(), Error> {
        let filled = self.next_row_caught(plan, target)?;
        if filled { Ok(()) } else { Err(Error::internal("multicorn: a row is lost")) }
    }

    /// Fills the arrays, one element per attribute, with the next row; `false` at the end.
    ///
    /// # Safety
    /// Called on the main thread with the GIL held, from frames without destructors, as the server
    /// may raise. The arrays have an element for each attribute of `plan`, the plan `self` was made
    /// with. What is allocated lies in the current memory context.
    pub(crate) unsafe fn next_into(
        &mut self,
        plan: &RowPlan,
        values: *mut Datum,
        nulls: *mut bool,
    ) -> Result<bool, Error> {
        // SAFETY: the caller's promise. The callback is taken off again on the way out, and by the
        // server itself when it raises.
        unsafe {
            if !self.fetch()? {
                return Ok(false);
            }
            let position =
                Position { table: &plan.server_table, row: self.row, column: std::cell::Cell::new(None) };
            let mut callback = pg_sys::ErrorContextCallback {
                previous: pg_sys::error_context_stack,
                callback: Some(describe),
                arg: (&raw const position).cast_mut().cast(),
            };
            pg_sys::error_context_stack = &raw mut callback;
            let filled = self.fill(plan, &position, values, nulls);
            pg_sys::error_context_stack = callback.previous;
            match filled {
                Ok(()) => uncaught().map(|()| true),
                Err(error) => Err(self.located(error, plan, position.column.get())),
            }
        }
    }

    #[cold]
    fn located(&mut self, error: Error, plan: &RowPlan, column: Option<&Column>) -> Error {
        let Some(column) = column else { return error };
        error.context(format!(
            "column \"{}\" of row {} of foreign table \"{}\"",
            column.name, self.row, plan.table
        ))
    }

    /// Makes the next row the current one.
    #[inline]
    unsafe fn fetch(&mut self) -> Result<bool, Error> {
        // SAFETY: the caller's promise; no server call inside.
        unsafe {
            python::release(std::mem::replace(&mut self.item, std::ptr::null_mut()));
            let before = std::mem::replace(&mut self.current, std::ptr::null_mut());
            match &mut self.source {
                Source::List(next) => {
                    python::release(before);
                    if *next < ffi::PyList_GET_SIZE(self.result) {
                        self.current = ffi::PyList_GET_ITEM(self.result, *next);
                        ffi::Py_INCREF(self.current);
                        *next += 1;
                    }
                }
                Source::Iterator(iterator) => {
                    let iterator = *iterator;
                    self.current = running(|| {
                        ffi::Py_XDECREF(before);
                        ffi::PyIter_Next(iterator)
                    });
                }
                Source::Done => return Ok(false),
            }
            if !self.current.is_null() {
                self.row += 1;
                return Ok(true);
            }
            self.finished()
        }
    }

    /// The end of the rows, or the exception that ended them. The iterator is not asked again.
    #[cold]
    unsafe fn finished(&mut self) -> Result<bool, Error> {
        // SAFETY: no server call inside; the exception is taken before anything is released.
        unsafe {
            let error = python::raised_if_any();
            if let Source::Iterator(iterator) = std::mem::replace(&mut self.source, Source::Done) {
                python::release(iterator);
            }
            error.map_or(Ok(false), Err)
        }
    }

    #[inline]
    unsafe fn fill<'a>(
        &mut self,
        plan: &'a RowPlan,
        position: &Position<'a>,
        values: *mut Datum,
        nulls: *mut bool,
    ) -> Result<(), Error> {
        // SAFETY: the arrays have `attributes` elements, as the caller promised.
        unsafe {
            // A column that nobody needs is still looked at by the server when it copies the row.
            std::ptr::write_bytes(nulls, 1, plan.attributes);
            std::ptr::write_bytes(values, 0, plan.attributes);
            self.take_shape(plan)?;
            for column in &plan.columns {
                position.column.set(Some(column));
                let object = self.item(column, plan)?;
                if object.is_null() || object == ffi::Py_None() {
                    if column.plan.has_checks() {
                        column.plan.to_datum(ffi::Py_None())?;
                    }
                    continue;
                }
                if let Some(datum) = column.plan.to_datum(object)? {
                    *values.add(column.attribute) = datum;
                    *nulls.add(column.attribute) = false;
                }
            }
        }
        Ok(())
    }

    /// Finds out what kind of row the current one is, and checks its length.
    #[inline]
    unsafe fn take_shape(&mut self, plan: &RowPlan) -> Result<(), Error> {
        // SAFETY: the current row is owned and its class alive.
        unsafe {
            let class = ffi::Py_TYPE(self.current).cast::<ffi::PyObject>();
            if class != self.class {
                self.shape = shape_of(self.current).map_err(|error| self.bad_row(error, plan))?;
                ffi::Py_INCREF(class);
                python::release(std::mem::replace(&mut self.class, class));
            }
            let given = match self.shape {
                Shape::Tuple => ffi::PyTuple_GET_SIZE(self.current),
                Shape::List => ffi::PyList_GET_SIZE(self.current),
                Shape::Dict | Shape::Mapping => return Ok(()),
                Shape::Sequence => running(|| ffi::PySequence_Size(self.current)),
            };
            match given {
                -1 => Err(self.bad_row(BadRow::Raised(python::raised()), plan)),
                given if given as usize == plan.expected => Ok(()),
                given => Err(self.wrong_count(given, plan)),
            }
        }
    }

    /// The item for a column: borrowed from the row or from `self.item`; null is NULL.
    #[inline]
    unsafe fn item(&mut self, column: &Column, plan: &RowPlan) -> Result<*mut ffi::PyObject, Error> {
        let (row, at) = (self.current, column.position as isize);
        // SAFETY: the row is owned; a list is measured again before each access, because converting
        // the item before may have shortened it.
        unsafe {
            match self.shape {
                Shape::Tuple => Ok(ffi::PyTuple_GET_ITEM(row, at)),
                Shape::List => {
                    let given = ffi::PyList_GET_SIZE(row);
                    if at >= given {
                        return Err(self.wrong_count(given, plan));
                    }
                    let item = ffi::PyList_GET_ITEM(row, at);
                    ffi::Py_INCREF(item);
                    self.hold(item);
                    Ok(item)
                }
                Shape::Dict => {
                    let item = ffi::PyDict_GetItemWithError(row, column.key.pointer());
                    if item.is_null() {
                        return if ffi::PyErr_Occurred().is_null() {
                            Ok(item)
                        } else {
                            Err(python::raised())
                        };
                    }
                    ffi::Py_INCREF(item);
                    self.hold(item);
                    Ok(item)
                }
                Shape::Sequence => self.new_item(running(|| ffi::PySequence_GetItem(row, at)), false),
                Shape::Mapping => {
                    self.new_item(running(|| ffi::PyObject_GetItem(row, column.key.pointer())), true)
                }
            }
        }
    }

    unsafe fn new_item(
        &mut self,
        item: *mut ffi::PyObject,
        may_miss: bool,
    ) -> Result<*mut ffi::PyObject, Error> {
        // SAFETY: `item` is a new reference, or null with an exception set.
        unsafe {
            if item.is_null() {
                let missing = may_miss && python::clear_if(ffi::PyExc_KeyError);
                return if missing { Ok(item) } else { Err(python::raised()) };
            }
            self.hold(item);
            Ok(item)
        }
    }

    #[inline]
    unsafe fn hold(&mut self, item: *mut ffi::PyObject) {
        // SAFETY: both references are owned.
        unsafe { python::release(std::mem::replace(&mut self.item, item)) }
    }

    #[cold]
    fn wrong_count(&self, given: isize, plan: &RowPlan) -> Error {
        Error::new(
            WRONG_SHAPE,
            format!(
                "row {} of foreign table \"{}\" has {} instead of {}",
                self.row,
                plan.table,
                items(given as usize),
                plan.expected
            ),
        )
        .hint(ROWS)
    }

    #[cold]
    fn bad_row(&self, error: BadRow, plan: &RowPlan) -> Error {
        match error {
            BadRow::Raised(error) => {
                error.context(format!("row {} of foreign table \"{}\"", self.row, plan.table))
            }
            BadRow::Class(name) => Error::new(
                WRONG_SHAPE,
                format!("row {} of foreign table \"{}\" is {name}", self.row, plan.table),
            )
            .hint(ROWS),
        }
    }

    /// Ends the iteration: a generator's `finally` blocks run now. Later calls do nothing.
    pub(crate) fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        if self.result.is_null() {
            return Ok(());
        }
        // SAFETY: the token proves that the GIL is held; no raw server call inside.
        unsafe {
            let closed = match self.source {
                Source::Iterator(iterator) => python::close(py, iterator),
                _ => Ok(()),
            };
            self.let_go();
            closed
        }
    }

    /// Drops every reference.
    unsafe fn let_go(&mut self) {
        let null = std::ptr::null_mut();
        let iterator = match std::mem::replace(&mut self.source, Source::Done) {
            Source::Iterator(iterator) => iterator,
            _ => null,
        };
        // SAFETY: each is owned or null, and read once.
        unsafe {
            python::release(std::mem::replace(&mut self.item, null));
            python::release(std::mem::replace(&mut self.current, null));
            python::release(iterator);
            python::release(std::mem::replace(&mut self.result, null));
            python::release(std::mem::replace(&mut self.class, null));
        }
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        if !self.result.is_null() && python::is_up() {
            // SAFETY: dropped by the backend's main thread, which holds the GIL.
            python::finally("release of a row", || unsafe { self.let_go() });
        }
    }
}

/// "1 item", "2 items".
pub(super) fn items(count: usize) -> String {
    format!("{count} item{}", if count == 1 { "" } else { "s" })
}

enum BadRow {
    Raised(Error),
    Class(String),
}

unsafe fn shape_of(row: *mut ffi::PyObject) -> Result<Shape, BadRow> {
    // SAFETY: the row is alive; its class may have been written in Python.
    unsafe {
        if ffi::PyTuple_Check(row) != 0 {
            return Ok(Shape::Tuple);
        }
        if ffi::PyList_Check(row) != 0 {
            return Ok(Shape::List);
        }
        if ffi::PyDict_CheckExact(row) != 0 {
            return Ok(Shape::Dict);
        }
        let text = python::is_text(row);
        if row == ffi::Py_None() {
            return Err(BadRow::Class("None".to_owned()));
        }
        if !text && is_mapping(row).map_err(BadRow::Raised)? {
            return Ok(Shape::Mapping);
        }
        if !text && ffi::PySequence_Check(row) != 0 {
            return Ok(Shape::Sequence);
        }
        Err(BadRow::Class(format!("an object of class {}", python::class_name(row))))
    }
}

/// Whether `object` is a Mapping, registered or derived, or behaves as one by having `keys`.
///
/// # Safety
/// The thread holds the GIL and `object` is alive.
pub(super) unsafe fn is_mapping(object: *mut ffi::PyObject) -> Result<bool, Error> {
    // SAFETY: the object is alive; neither test makes a raw server call.
    unsafe {
        if ffi::PyDict_Check(object) != 0 {
            return Ok(true);
        }
        let class = MAPPING.pointer()?;
        match running(|| ffi::PyObject_IsInstance(object, class)) {
            0 => {}
            1.. => return Ok(true),
            _ => return Err(python::raised()),
        }
        let like = ffi::PyMapping_Check(object) != 0
            && running(|| ffi::PyObject_HasAttrString(object, c"keys".as_ptr())) != 0;
        Ok(like)
    }
}

#[cold]
unsafe fn not_rows(object: *mut ffi::PyObject, plan: &RowPlan, method: &str) -> Error {
    // SAFETY: the caller holds the object.
    let class = unsafe { python::class_name(object) };
    Error::new(
        WRONG_SHAPE,
        format!("{method}() of foreign table \"{}\" returned an object of class {class}", plan.table),
    )
    .hint("It returns an iterable of rows, each a sequence or a mapping, or None for no rows.")
}

unsafe extern "C-unwind" fn describe(position: *mut c_void) {
    let position: *const Position<'_> = position.cast();
    // SAFETY: on the stack of `next_into`, which is below every frame that can raise here.
    unsafe {
        let Some(column) = (*position).column.get() else { return };
        let _: c_int = raw::set_errcontext_domain(std::ptr::null());
        raw::errcontext_msg(
            c"column \"%s\" of row %llu of foreign table \"%s\"".as_ptr(),
            column.server_name.as_ptr(),
            (*position).row as c_ulonglong,
            (*position).table.as_ptr(),
        );
    }
}
