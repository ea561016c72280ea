//! `Postgres.Object` as CPython knows it: the table of its operations. The danger is a Rust panic or an
//! error of the server inside a frame of Python: each slot turns both into an exception.

use std::cmp::Ordering;
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;

use super::object::{self, Object};
use super::operator::{self, Op, Outcome};
use super::{construct, scalar};
use crate::bridge::Failure;
use crate::error::Error;

/// A new reference, or null with an exception set.
pub(super) type Reference = *mut ffi::PyObject;

/// Runs a slot; its error, or its panic, is left as Python's exception.
pub(super) fn slot<T>(failed: T, run: impl FnOnce(Python<'_>) -> Result<T, Failure>) -> T {
    Python::attach(|py| {
        let error = match catch_unwind(AssertUnwindSafe(|| run(py))) {
            Ok(Ok(value)) => return value,
            Ok(Err(failure)) => scalar::exception(py, failure),
            Err(_) => PyRuntimeError::new_err("multicorn: internal error"),
        };
        error.restore(py);
        failed
    })
}

pub(super) fn reference(run: impl FnOnce(Python<'_>) -> Result<Bound<'_, PyAny>, Failure>) -> Reference {
    slot(std::ptr::null_mut(), |py| run(py).map(Bound::into_ptr))
}

/// # Safety
/// `object` is the first argument of a slot.
pub(super) unsafe fn this<'a>(object: *mut ffi::PyObject) -> Result<&'a Object, Failure> {
    // SAFETY: Python holds it during the call.
    unsafe { object::of(object) }.ok_or_else(|| Error::internal("a value without a type").into())
}

fn not_implemented(py: Python<'_>) -> Bound<'_, PyAny> {
    py.NotImplemented().into_bound(py)
}

macro_rules! binary_slots {
    ($($name:ident => $op:ident),* $(,)?) => {
        $(unsafe extern "C" fn $name(left: *mut ffi::PyObject, right: *mut ffi::PyObject) -> Reference {
            reference(|py| match operator::binary(py, Op::$op, left, right)? {
                Outcome::Value(value) => Ok(value),
                Outcome::NotImplemented => Ok(not_implemented(py)),
            })
        })*
    };
}

binary_slots! {
    add => Add, subtract => Subtract, multiply => Multiply, divide => Divide, floor_divide => FloorDivide,
    modulo => Modulo, and => And, or => Or, xor => Xor, left_shift => LeftShift, right_shift => RightShift,
    mat_mul => MatMul,
}

unsafe extern "C" fn power(
    left: *mut ffi::PyObject,
    right: *mut ffi::PyObject,
    modulus: *mut ffi::PyObject,
) -> Reference {
    reference(|py| {
        // SAFETY: None is immortal.
        if modulus != unsafe { ffi::Py_None() } {
            return Err(PyTypeError::new_err("pow() with a modulus has no operator in SQL").into());
        }
        match operator::binary(py, Op::Power, left, right)? {
            Outcome::Value(value) => Ok(value),
            Outcome::NotImplemented => Ok(not_implemented(py)),
        }
    })
}

macro_rules! unary_slots {
    ($($name:ident => $op:ident),* $(,)?) => {
        $(unsafe extern "C" fn $name(value: *mut ffi::PyObject) -> Reference {
            // SAFETY: the slot's own argument.
            reference(|py| operator::unary(py, Op::$op, unsafe { this(value)? }))
        })*
    };
}

unary_slots! { negative => Negative, positive => Positive, invert => Invert, absolute => Absolute }

macro_rules! conversion_slots {
    ($($name:ident => $function:path),* $(,)?) => {
        $(unsafe extern "C" fn $name(value: *mut ffi::PyObject) -> Reference {
            // SAFETY: the slot's own argument.
            reference(|py| $function(py, unsafe { this(value)? }))
        })*
    };
}

conversion_slots! { int => scalar::int, float => scalar::float, text => scalar::text_of, index => index_of }

fn index_of<'py>(py: Python<'py>, object: &Object) -> Result<Bound<'py, PyAny>, Failure> {
    match scalar::index(object) {
        Some(value) => Ok(scalar::long(py, value)?),
        None => {
            let name = &object.info().entry.name;
            let message = format!("'{name}' object cannot be interpreted as an integer");
            Err(PyTypeError::new_err(message).into())
        }
    }
}

unsafe extern "C" fn truth(value: *mut ffi::PyObject) -> c_int {
    // SAFETY: the slot's own argument.
    slot(-1, |py| scalar::truth(py, unsafe { this(value)? }).map(c_int::from))
}

unsafe extern "C" fn hash(value: *mut ffi::PyObject) -> ffi::Py_hash_t {
    // SAFETY: the slot's own argument.
    slot(-1, |py| scalar::hash(py, unsafe { this(value)? }))
}

unsafe extern "C" fn repr(value: *mut ffi::PyObject) -> Reference {
    reference(|py| {
        // SAFETY: the slot's own argument.
        let text = scalar::repr(py, unsafe { this(value)? })?;
        Ok(text.into_pyobject(py).map_err(PyErr::from)?.into_any())
    })
}

/// Every comparison with None is false, as one with NULL is not true.
unsafe extern "C" fn compare(left: *mut ffi::PyObject, right: *mut ffi::PyObject, how: c_int) -> Reference {
    reference(|py| {
        let truth = |value: bool| Ok(value.into_pyobject(py).map_err(PyErr::from)?.to_owned().into_any());
        // SAFETY: None is immortal, and the slot's own arguments are held.
        unsafe {
            if right == ffi::Py_None() {
                return truth(false);
            }
            if let Some(order) = super::fast::compare(this(left)?, right) {
                return truth(holds(order, how));
            }
            match operator::compare(py, comparison(how), left, right)? {
                Some(value) => Ok(value),
                None => Ok(not_implemented(py)),
            }
        }
    })
}

fn holds(order: Ordering, how: c_int) -> bool {
    match how {
        ffi::Py_EQ => order.is_eq(),
        ffi::Py_NE => order.is_ne(),
        ffi::Py_LT => order.is_lt(),
        ffi::Py_LE => order.is_le(),
        ffi::Py_GT => order.is_gt(),
        _ => order.is_ge(),
    }
}

fn comparison(how: c_int) -> Op {
    match how {
        ffi::Py_EQ => Op::Equal,
        ffi::Py_NE => Op::NotEqual,
        ffi::Py_LT => Op::Less,
        ffi::Py_LE => Op::LessEqual,
        ffi::Py_GT => Op::Greater,
        _ => Op::GreaterEqual,
    }
}

unsafe extern "C" fn new(
    class: *mut ffi::PyTypeObject,
    arguments: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
) -> Reference {
    // SAFETY: Python holds all three during the call; the keywords may be null.
    reference(|py| unsafe { construct::new(py, class, arguments, keywords) })
}

unsafe extern "C" fn format(value: *mut ffi::PyObject, spec: *mut ffi::PyObject) -> Reference {
    // SAFETY: the method's own arguments.
    reference(|py| unsafe { scalar::format(py, this(value)?, &Bound::from_borrowed_ptr(py, spec)) })
}

unsafe extern "C" fn refuse_pickle(value: *mut ffi::PyObject, _: *mut ffi::PyObject) -> Reference {
    reference(|_py| {
        // SAFETY: the method's own argument.
        let name = unsafe { &this(value)?.info().entry.name };
        let message = format!("cannot pickle '{name}' object: a value of the server belongs to its session");
        Err(PyTypeError::new_err(message).into())
    })
}

unsafe extern "C" fn itself(value: *mut ffi::PyObject, _: *mut ffi::PyObject) -> Reference {
    // SAFETY: the method's own argument.
    unsafe { ffi::Py_NewRef(value) }
}

unsafe extern "C" fn python(value: *mut ffi::PyObject, _: *mut ffi::PyObject) -> Reference {
    // SAFETY: the method's own argument.
    reference(|py| scalar::python(py, unsafe { this(value)? }))
}

fn method(
    name: &'static std::ffi::CStr,
    function: ffi::PyCFunction,
    flags: c_int,
    doc: &'static std::ffi::CStr,
) -> ffi::PyMethodDef {
    ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: function },
        ml_flags: flags,
        ml_doc: doc.as_ptr(),
    }
}

/// The methods, which live as long as the class.
fn methods() -> *mut ffi::PyMethodDef {
    let doc = c"The same object: a value never changes.";
    let all = vec![
        method(c"__format__", format, ffi::METH_O, c"Format the number, date or text of the value."),
        method(c"__reduce__", refuse_pickle, ffi::METH_NOARGS, c"Refuse: values belong to their session."),
        method(c"__reduce_ex__", refuse_pickle, ffi::METH_O, c"Refuse: values belong to their session."),
        method(c"__copy__", itself, ffi::METH_NOARGS, doc),
        method(c"__deepcopy__", itself, ffi::METH_O, doc),
        method(
            c"_python",
            python,
            ffi::METH_NOARGS,
            c"The value in Python's own types; what has no counterpart is its text.",
        ),
        ffi::PyMethodDef::zeroed(),
    ];
    Box::leak(all.into_boxed_slice()).as_mut_ptr()
}

const DOC: &std::ffi::CStr = c"A value of the server, of the class's type.

`T(\"text\")` reads the text as the type's input function does, `T(\"text\", mod=(\"5\", \"2\"))` with type
modifiers; other Python values are converted where the type knows how, and values of other types are cast.
`T(None)` is None. `str()` is the output function. Operators and comparisons are the server's own for the
two types; a Python operand is converted to the type of the other. Every comparison with None is False.";

/// Makes the class `Postgres.Object`.
pub(super) fn make(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let entry = |slot: c_int, function: *mut c_void| ffi::PyType_Slot { slot, pfunc: function };
    let mut slots = [
        entry(ffi::Py_tp_dealloc, object::dealloc as *mut c_void),
        entry(ffi::Py_tp_new, new as *mut c_void),
        entry(ffi::Py_tp_str, text as *mut c_void),
        entry(ffi::Py_tp_repr, repr as *mut c_void),
        entry(ffi::Py_tp_hash, hash as *mut c_void),
        entry(ffi::Py_tp_richcompare, compare as *mut c_void),
        entry(ffi::Py_tp_methods, methods().cast()),
        entry(ffi::Py_tp_doc, DOC.as_ptr().cast_mut().cast()),
        entry(ffi::Py_nb_add, add as *mut c_void),
        entry(ffi::Py_nb_subtract, subtract as *mut c_void),
        entry(ffi::Py_nb_multiply, multiply as *mut c_void),
        entry(ffi::Py_nb_true_divide, divide as *mut c_void),
        entry(ffi::Py_nb_floor_divide, floor_divide as *mut c_void),
        entry(ffi::Py_nb_remainder, modulo as *mut c_void),
        entry(ffi::Py_nb_power, power as *mut c_void),
        entry(ffi::Py_nb_and, and as *mut c_void),
        entry(ffi::Py_nb_or, or as *mut c_void),
        entry(ffi::Py_nb_xor, xor as *mut c_void),
        entry(ffi::Py_nb_lshift, left_shift as *mut c_void),
        entry(ffi::Py_nb_rshift, right_shift as *mut c_void),
        entry(ffi::Py_nb_matrix_multiply, mat_mul as *mut c_void),
        entry(ffi::Py_nb_negative, negative as *mut c_void),
        entry(ffi::Py_nb_positive, positive as *mut c_void),
        entry(ffi::Py_nb_invert, invert as *mut c_void),
        entry(ffi::Py_nb_absolute, absolute as *mut c_void),
        entry(ffi::Py_nb_int, int as *mut c_void),
        entry(ffi::Py_nb_float, float as *mut c_void),
        entry(ffi::Py_nb_index, index as *mut c_void),
        entry(ffi::Py_nb_bool, truth as *mut c_void),
        entry(0, std::ptr::null_mut()),
    ];
    let mut spec = ffi::PyType_Spec {
        name: c"Postgres.Object".as_ptr(),
        basicsize: size_of::<Object>() as c_int,
        itemsize: 1,
        flags: (ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_BASETYPE) as std::ffi::c_uint,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the table is read during the call; names, methods and functions live for ever.
    let class = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpec(&raw mut spec))? };
    object::set_base(class.as_ptr().cast());
    Ok(class)
}
