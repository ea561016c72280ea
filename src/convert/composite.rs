//! Composite values from Python: a mapping or an object's fields by name, a sequence by position. The
//! danger is user code between two fields: the value is held until the last one is converted.

use pgrx::pg_sys::{Datum, Oid};
use pyo3::ffi;
use pyo3::prelude::*;

use super::held::Held;
use super::python::{self, Import, Name, running};
use super::{ColumnPlan, Dialect, fallback, native, row};
use crate::error::{Error, SqlState};
use crate::pg::raw;
use crate::pg::result_set::RowShape;
use crate::pg::types::{self, Field, Input, Layout, RowType};
use crate::pg::varlena;

static IS_DATACLASS: Import = Import::new("dataclasses", "is_dataclass");

/// What a composite value is made of.
const FORMS: &str = "It is a sequence with one item for each field, or has the fields by name.";

pub(super) struct CompositePlan {
    row_type: RowType,
    name: String,
    input: Input,
    /// One per attribute; `None` for a dropped one.
    fields: Vec<Option<FieldPlan>>,
    /// Fields that are not dropped.
    expected: usize,
    /// As PL/Python has it: every field is there, and an object of any class has attributes.
    is_plain: bool,
}

struct FieldPlan {
    name: String,
    layout: Layout,
    key: Name,
    plan: ColumnPlan,
}

impl FieldPlan {
    fn resolve(field: &Field, dialect: Dialect) -> Result<Option<Self>, Error> {
        if field.dropped {
            return Ok(None);
        }
        let plan = ColumnPlan::resolve(field.type_oid, field.typmod, dialect)?;
        let key = Python::attach(|py| Name::new(py, &field.name));
        Ok(Some(FieldPlan { name: field.name.clone(), layout: Layout::lookup(field.type_oid)?, key, plan }))
    }
}

#[derive(Clone, Copy)]
enum Access {
    Mapping,
    Attributes,
    Sequence,
}

impl CompositePlan {
    pub(super) fn resolve(type_oid: Oid, dialect: Dialect) -> Result<Self, Error> {
        Self::of(RowType::lookup(type_oid, -1)?, type_oid, dialect)
    }

    /// Of what a call expects.
    pub(super) fn of_shape(shape: &RowShape, dialect: Dialect) -> Result<Self, Error> {
        let row_type = shape.row_type();
        let type_oid = row_type.type_oid();
        Self::of(row_type, type_oid, dialect)
    }

    fn of(row_type: RowType, type_oid: Oid, dialect: Dialect) -> Result<Self, Error> {
        let plan = |field| FieldPlan::resolve(field, dialect);
        let fields: Vec<_> = row_type.fields().iter().map(plan).collect::<Result<_, _>>()?;
        let expected = fields.iter().flatten().count();
        Ok(CompositePlan {
            name: types::name(type_oid, -1)?,
            input: Input::lookup(type_oid, -1)?,
            row_type,
            fields,
            expected,
            is_plain: dialect == Dialect::Plpy,
        })
    }

    /// # Safety
    /// `object` is alive and not None; may raise.
    pub(super) unsafe fn datum_of(&self, object: *mut ffi::PyObject) -> Result<Datum, Error> {
        // SAFETY: the caller's promise.
        unsafe {
            if let Some(header) = native::value_of(object, self.row_type.type_oid())? {
                let size = varlena::stored_size(header.cast());
                let copy = raw::palloc(size);
                std::ptr::copy_nonoverlapping(header.cast::<u8>(), copy.cast(), size);
                return Ok(Datum::from(copy));
            }
            let parts = native::Parts::of(object)?;
            let access = if parts.is_some() { None } else { access(object, self.is_plain)? };
            if parts.is_none() && access.is_none() {
                // A str is a row literal.
                self.check_literal(object)?;
                return fallback::to_datum(&self.input, object);
            }
            let count = self.fields.len().max(1);
            let values = raw::palloc(count * size_of::<Datum>()).cast::<Datum>();
            let nulls = raw::palloc(count).cast::<bool>();
            match (parts, access) {
                (Some(parts), _) => self.fill_from(parts, false, values, nulls)?,
                (None, Some(access)) => self.fill_by(object, access, values, nulls)?,
                (None, None) => {}
            }
            let tuple = raw::heap_form_tuple(self.row_type.descriptor(), values, nulls);
            Ok(raw::HeapTupleHeaderGetDatum((*tuple).t_data))
        }
    }

    /// Writes the fields' values; None is a row of NULLs.
    ///
    /// # Safety
    /// As of `datum_of`; the arrays have an element for each attribute.
    pub(super) unsafe fn fill(
        &self,
        object: *mut ffi::PyObject,
        values: *mut Datum,
        nulls: *mut bool,
    ) -> Result<(), Error> {
        // SAFETY: the caller's promise.
        unsafe {
            if object == ffi::Py_None() {
                std::ptr::write_bytes(nulls, 1, self.fields.len());
                return Ok(());
            }
            if let Some(header) = native::value_of(object, self.row_type.type_oid())? {
                types::deform_into(header, self.row_type.descriptor(), values, nulls);
                return Ok(());
            }
            if let Some(parts) = native::Parts::of(object)? {
                return self.fill_from(parts, true, values, nulls);
            }
            if let Some(access) = access(object, self.is_plain)? {
                return self.fill_by(object, access, values, nulls);
            }
            self.check_literal(object)?;
            let datum = fallback::to_datum(&self.input, object)?;
            let header = raw::pg_detoast_datum(datum.cast_mut_ptr()).cast();
            types::deform_into(header, self.row_type.descriptor(), values, nulls);
            Ok(())
        }
    }

    /// Takes the columns of a composite value by position, as the server casts one row type to another. What
    /// is not copied lies inside that value.
    unsafe fn fill_from(
        &self,
        parts: native::Parts,
        copy: bool,
        values: *mut Datum,
        nulls: *mut bool,
    ) -> Result<(), Error> {
        // SAFETY: the caller's promise; the arrays have an element for each attribute.
        unsafe {
            raw::check_stack_depth();
            if parts.count() != self.expected {
                return Err(self.wrong_count(parts.count()));
            }
            let (given, given_nulls) = parts.read();
            let held = Held::new();
            let mut position = 0;
            for (at, field) in self.fields.iter().enumerate() {
                *nulls.add(at) = true;
                *values.add(at) = Datum::null();
                let Some(field) = field else { continue };
                let (from, column) = parts.column(position);
                let (value, is_null) = (*given.add(from), *given_nulls.add(from));
                let target = &self.row_type.fields()[at];
                let same = column.type_oid == target.type_oid
                    && (target.typmod < 0 || target.typmod == column.typmod)
                    && !field.plan.has_checks();
                let datum = if is_null {
                    field.plan.to_datum(ffi::Py_None())
                } else if same {
                    Ok(Some(if copy { field.layout.copy(value) } else { value }))
                } else {
                    held.reserve();
                    held.own(parts.instance(position, value)?);
                    field.plan.to_datum(held.last())
                };
                if let Some(datum) = datum.map_err(|error| self.located(error, field))? {
                    *values.add(at) = datum;
                    *nulls.add(at) = false;
                }
                position += 1;
                held.clear();
            }
            Ok(())
        }
    }

    unsafe fn fill_by(
        &self,
        object: *mut ffi::PyObject,
        access: Access,
        values: *mut Datum,
        nulls: *mut bool,
    ) -> Result<(), Error> {
        // SAFETY: the caller's promise.
        unsafe {
            raw::check_stack_depth();
            let held = Held::new();
            if let Access::Sequence = access {
                self.check_count(object)?;
            }
            let mut position = 0;
            for (at, field) in self.fields.iter().enumerate() {
                *nulls.add(at) = true;
                *values.add(at) = Datum::null();
                let Some(field) = field else { continue };
                held.reserve();
                let item = item(object, access, field, position)?;
                position += 1;
                if item.is_null() && self.is_plain {
                    return Err(missing(access, &field.name));
                }
                let value = if item.is_null() {
                    field.plan.to_datum(ffi::Py_None())
                } else {
                    held.own(item);
                    field.plan.to_datum(item)
                };
                if let Some(datum) = value.map_err(|error| self.located(error, field))? {
                    *values.add(at) = datum;
                    *nulls.add(at) = false;
                }
                held.clear();
            }
            Ok(())
        }
    }

    #[cold]
    fn located(&self, error: Error, field: &FieldPlan) -> Error {
        error.context(format!("field \"{}\" of type {}", field.name, self.name))
    }

    /// The text of a number or of an iterator is no row.
    unsafe fn check_literal(&self, object: *mut ffi::PyObject) -> Result<(), Error> {
        // SAFETY: the caller holds the object.
        unsafe {
            let is_text = ffi::PyUnicode_Check(object) != 0;
            if is_text || !(python::runs_no_code(object) || ffi::PyIter_Check(object) != 0) {
                return Ok(());
            }
            let text =
                format!("a value of type {} cannot be made of {}", self.name, python::class_name(object));
            Err(Error::new(SqlState::DATATYPE_MISMATCH, text).hint(FORMS))
        }
    }

    unsafe fn check_count(&self, object: *mut ffi::PyObject) -> Result<(), Error> {
        // SAFETY: the caller holds the object.
        let given = unsafe { running(|| ffi::PySequence_Size(object)) };
        match usize::try_from(given) {
            Err(_) => Err(python::raised()),
            Ok(given) if given == self.expected => Ok(()),
            Ok(given) => Err(self.wrong_count(given)),
        }
    }

    #[cold]
    fn wrong_count(&self, given: usize) -> Error {
        if self.is_plain {
            return Error::new(
                SqlState::DATATYPE_MISMATCH,
                "length of returned sequence did not match number of columns in row",
            );
        }
        let (items, expected) = (row::items(given), self.expected);
        Error::new(
            SqlState::DATATYPE_MISMATCH,
            format!("a value of type {} has {items} instead of {expected}", self.name),
        )
        .hint(FORMS)
    }
}

/// How the fields are reached; `None` for what is not a composite value but text.
unsafe fn access(object: *mut ffi::PyObject, is_plain: bool) -> Result<Option<Access>, Error> {
    // SAFETY: the caller holds the object.
    unsafe {
        if ffi::PyTuple_Check(object) != 0 || ffi::PyList_Check(object) != 0 {
            return Ok(Some(Access::Sequence));
        }
        if python::is_text(object) {
            return Ok(None);
        }
        if row::is_mapping(object)? {
            return Ok(Some(Access::Mapping));
        }
        let sequence = ffi::PySequence_Check(object) != 0;
        if is_plain {
            return Ok(Some(if sequence { Access::Sequence } else { Access::Attributes }));
        }
        if is_dataclass(object)? {
            return Ok(Some(Access::Attributes));
        }
        Ok(sequence.then_some(Access::Sequence))
    }
}

/// PL/Python's words for a field that an object lacks.
#[cold]
fn missing(access: Access, name: &str) -> Error {
    const UNDEFINED_COLUMN: SqlState = SqlState::new(b"42703");
    match access {
        Access::Attributes => {
            let error =
                Error::new(UNDEFINED_COLUMN, format!("attribute \"{name}\" does not exist in Python object"));
            error.hint(
                "To return null in a column, let the returned object have an attribute named after column with \
                 value None.",
            )
        }
        Access::Mapping | Access::Sequence => {
            let error = Error::new(UNDEFINED_COLUMN, format!("key \"{name}\" not found in mapping"));
            error.hint(
                "To return null in a column, add the value None to the mapping with the key named after the \
                 column.",
            )
        }
    }
}

unsafe fn is_dataclass(object: *mut ffi::PyObject) -> Result<bool, Error> {
    // SAFETY: the caller holds the object.
    unsafe {
        let function = IS_DATACLASS.pointer()?;
        let answer = running(|| ffi::PyObject_CallOneArg(function, object));
        if answer.is_null() {
            return Err(python::raised());
        }
        let is = answer == ffi::Py_True();
        ffi::Py_DECREF(answer);
        Ok(is)
    }
}

/// A new reference to the field's value, or null where a mapping or object lacks it.
unsafe fn item(
    object: *mut ffi::PyObject,
    access: Access,
    field: &FieldPlan,
    position: isize,
) -> Result<*mut ffi::PyObject, Error> {
    // SAFETY: the caller holds the object.
    unsafe {
        let item = running(|| match access {
            Access::Mapping => ffi::PyObject_GetItem(object, field.key.pointer()),
            Access::Attributes => ffi::PyObject_GetAttr(object, field.key.pointer()),
            Access::Sequence => ffi::PySequence_GetItem(object, position),
        });
        let missing = item.is_null()
            && match access {
                Access::Mapping => python::clear_if(ffi::PyExc_KeyError),
                Access::Attributes => python::clear_if(ffi::PyExc_AttributeError),
                Access::Sequence => false,
            };
        if item.is_null() && !missing { Err(python::raised()) } else { Ok(item) }
    }
}
