//! Operators, casts and functions over instances: each is resolved once for its types and then called as
//! the executor would, on the values as they are. The danger is a stale one: what is not built into the
//! server is looked up again when types, functions or the search path have changed.

use std::collections::HashMap;
use std::ffi::CString;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use pgrx::pg_sys::{self, NullableDatum, Oid};
use pyo3::ffi;
use pyo3::prelude::*;

use super::class::{self, Class, Kind, TypeInfo};
use super::object::{self, Object};
use super::scratch::scratch;
use super::{fast, ready};
use crate::bridge::Failure;
use crate::convert::python;
use crate::error::{Error, SqlState};
use crate::pg::expression::{Expression, Reach};
use crate::pg::guard::pg_try;
use crate::pg::inval;
use crate::pg::memory::{Access, ForLife};

/// Python's operators with their names in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
    And,
    Or,
    Xor,
    LeftShift,
    RightShift,
    MatMul,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// `+` of strings.
    Concatenate,
    Negative,
    Positive,
    Invert,
    Absolute,
}

const NAMES: [&str; 24] = [
    "+", "-", "*", "/", "//", "%", "^", "&", "|", "#", "<<", ">>", "@", "=", "<>", "<", "<=", ">", ">=",
    "||", "-", "+", "~", "@",
];

impl Op {
    fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

/// The result of an operator in Python.
pub(super) enum Outcome<'py> {
    Value(Bound<'py, PyAny>),
    NotImplemented,
}

/// What was resolved, and what it depends on.
pub(super) struct Resolved {
    expression: Option<Expression>,
    result: Option<Class>,
    /// `None` if it is all built into the server.
    seen: Option<Seen>,
}

#[derive(PartialEq, Eq)]
struct Seen {
    generation: u64,
    procedures: u64,
    search_path: CString,
}

impl Seen {
    fn now() -> Self {
        Seen { generation: inval::generation(), procedures: inval::procedures(), search_path: search_path() }
    }
}

fn search_path() -> CString {
    // SAFETY: a setting of the backend, null or NUL-terminated.
    unsafe {
        match pg_sys::namespace_search_path.is_null() {
            true => CString::default(),
            false => std::ffi::CStr::from_ptr(pg_sys::namespace_search_path).to_owned(),
        }
    }
}

/// One multiplication; the keys differ in their low bits.
#[derive(Default)]
struct Fold(u64);

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u128(u128::from(byte));
        }
    }

    #[inline]
    fn write_u128(&mut self, key: u128) {
        let folded = (key as u64) ^ ((key >> 64) as u64).rotate_left(29) ^ self.0;
        let product = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ (product >> 32);
    }
}

type Functions = HashMap<(String, Vec<u32>), Rc<Resolved>>;
type Table<K> = HashMap<K, Rc<Resolved>, BuildHasherDefault<Fold>>;

thread_local! {
    static KNOWN: ForLife<Table<u128>> = ForLife::default();
    static FUNCTIONS: ForLife<Functions> = ForLife::default();
}

/// Forgets everything that was resolved.
pub(super) fn forget() {
    let before = (KNOWN.change(std::mem::take), FUNCTIONS.change(std::mem::take));
    drop(before);
}

impl Resolved {
    fn made(py: Python<'_>, expression: Option<Expression>, types: &[Oid]) -> Result<Rc<Self>, Failure> {
        let builtin = |oid: &Oid| oid.to_u32() < pg_sys::FirstNormalObjectId;
        let fixed = types.iter().all(builtin) && expression.as_ref().is_some_and(Expression::is_builtin);
        let seen = (!fixed).then(Seen::now);
        let result = match &expression {
            Some(expression) => Some(class::class_of(py, expression.result())?),
            None => None,
        };
        Ok(Rc::new(Resolved { expression, result, seen }))
    }

    #[inline]
    fn is_current(&self) -> bool {
        match &self.seen {
            None => true,
            Some(seen) => *seen == Seen::now(),
        }
    }

    /// The value of the expression as an instance; NULL is None.
    ///
    /// # Safety
    /// The arguments are live values of the types.
    #[inline]
    unsafe fn evaluate<'py>(
        &self,
        py: Python<'py>,
        arguments: &[NullableDatum],
    ) -> Result<Bound<'py, PyAny>, Failure> {
        let (Some(expression), Some(result)) = (&self.expression, &self.result) else {
            return Err(Error::internal("nothing to evaluate").into());
        };
        scratch(|| {
            // SAFETY: the caller's promise; the result is copied before the memory is emptied.
            unsafe {
                let value = expression.call(arguments)?;
                if value.isnull {
                    return Ok(py.None().into_bound(py));
                }
                Ok(Bound::from_owned_ptr(py, object::wrap(result.info(), value.value)?))
            }
        })
    }
}

fn key(what: u8, left: Oid, right: Oid, typmod: i32) -> u128 {
    u128::from(left.to_u32())
        | u128::from(right.to_u32()) << 32
        | u128::from(typmod as u32) << 64
        | u128::from(what) << 96
}

fn resolved(
    py: Python<'_>,
    key: u128,
    types: &[Oid],
    resolve: impl FnOnce() -> Result<Option<Expression>, Error>,
) -> Result<Rc<Resolved>, Failure> {
    if let Some(known) = KNOWN.read(|known| known.get(&key).cloned())
        && known.is_current()
    {
        return Ok(known);
    }
    let made = Resolved::made(py, scratch(resolve)?, types)?;
    let before = KNOWN.change(|known| known.insert(key, made.clone()));
    drop(before);
    Ok(made)
}

/// The operator of two types, or the server's error that there is none.
#[inline]
fn binary_of(py: Python<'_>, op: Op, left: Oid, right: Oid) -> Result<Rc<Resolved>, Failure> {
    resolved(py, key(op as u8, left, right, 0), &[left, right], || {
        Expression::operator(op.name(), Some(left), right).map(Some)
    })
}

/// Marks that tell casts from operators.
const ASSIGNMENT: u8 = 0x80;
const EXPLICIT: u8 = 0x81;

/// The value of an instance cast to another type; `None` where there is no cast. It lies in the current
/// memory context, or is the instance's own.
///
/// # Safety
/// Called on the main thread.
pub(super) unsafe fn cast(
    native: &Object,
    source: Oid,
    target: Oid,
    typmod: i32,
    reach: Reach,
) -> Result<Option<NullableDatum>, Error> {
    let mark = if reach == Reach::Explicit { EXPLICIT } else { ASSIGNMENT };
    let found = Python::attach(|py| {
        let types = [source, target];
        resolved(py, key(mark, source, target, typmod), &types, || {
            Expression::cast(source, target, typmod, reach)
        })
        .map_err(|failure| failure.into_error(py, crate::bridge::Origin::current()))
    })?;
    match &found.expression {
        // SAFETY: the caller holds the instance.
        Some(expression) => unsafe { expression.call(&[native.argument()]).map(Some) },
        None => Ok(None),
    }
}

/// `left op right`, of which at least one is an instance.
#[inline]
pub(super) fn binary<'py>(
    py: Python<'py>,
    op: Op,
    left: *mut ffi::PyObject,
    right: *mut ffi::PyObject,
) -> Result<Outcome<'py>, Failure> {
    // SAFETY: Python holds both while it calls a slot.
    unsafe {
        if let Some(result) = fast::binary(py, op, left, right)? {
            return Ok(Outcome::Value(result));
        }
        let none = ffi::Py_None();
        if left == none || right == none {
            return Ok(Outcome::Value(py.None().into_bound(py)));
        }
        match (object::of(left), object::of(right)) {
            (Some(a), Some(b)) => apply(py, op, a, b).map(Outcome::Value),
            (Some(a), None) => match operand(py, op, a.info(), right, false)? {
                Some(b) => apply(py, op, a, object_of(&b)?).map(Outcome::Value),
                None => Ok(Outcome::NotImplemented),
            },
            (None, Some(b)) => match operand(py, op, b.info(), left, true)? {
                Some(a) => apply(py, op, object_of(&a)?, b).map(Outcome::Value),
                None => Ok(Outcome::NotImplemented),
            },
            (None, None) => Ok(Outcome::NotImplemented),
        }
    }
}

/// `left op right` as a truth value, `left` being an instance; `None` where Python shall decide.
pub(super) fn compare<'py>(
    py: Python<'py>,
    op: Op,
    left: *mut ffi::PyObject,
    right: *mut ffi::PyObject,
) -> Result<Option<Bound<'py, PyAny>>, Failure> {
    // SAFETY: Python holds both while it calls a slot.
    let (Some(a), other) = (unsafe { object::of(left) }, unsafe { object::of(right) }) else {
        return Ok(None);
    };
    let converted;
    let b = match other {
        Some(b) => b,
        None => match compared(py, a.info(), right)? {
            Some(object) => {
                converted = object;
                object_of(&converted)?
            }
            None => return Ok(None),
        },
    };
    ready()?;
    let operator = binary_of(py, op, a.info().entry.oid, b.info().entry.oid)?;
    let arguments = [a.argument(), b.argument()];
    let is_bool = operator.expression.as_ref().filter(|it| it.result() == pg_sys::BOOLOID);
    let Some(expression) = is_bool else {
        // SAFETY: the caller holds both.
        return unsafe { operator.evaluate(py, &arguments).map(Some) };
    };
    // SAFETY: as above.
    let value = scratch(|| unsafe { expression.call(&arguments) })?;
    let holds = !value.isnull && value.value.value() as u8 != 0;
    Ok(Some(holds.into_pyobject(py).map_err(PyErr::from)?.to_owned().into_any()))
}

fn object_of<'a>(object: &'a Bound<'_, PyAny>) -> Result<&'a Object, Failure> {
    // SAFETY: held for `'a`.
    unsafe { object::of(object.as_ptr()) }.ok_or_else(|| Error::internal("not an instance").into())
}

/// Whether `+` joins values of the type: strings, bit strings and bytea.
fn concatenates(info: &TypeInfo) -> bool {
    matches!(info.kind, Kind::Text | Kind::Padded | Kind::Bytea) || matches!(info.entry.category, b'S' | b'V')
}

/// What a value is compared with, as an instance of its type, or of the base of its domain.
fn compared<'py>(
    py: Python<'py>,
    info: &TypeInfo,
    object: *mut ffi::PyObject,
) -> Result<Option<Bound<'py, PyAny>>, Failure> {
    if info.entry.kind != b'd' {
        return coerced(py, info, object);
    }
    ready()?;
    coerced(py, class::class_of(py, info.base)?.info(), object)
}

/// Python's operand as an instance of the other's type, with two exceptions, each of which takes the
/// operand's own type if there is such an operator: a type that has none with itself (`jsonb - "key"`), and a
/// number or timedelta beside a type that is none (`date - 1`).
fn operand<'py>(
    py: Python<'py>,
    op: Op,
    info: &TypeInfo,
    object: *mut ffi::PyObject,
    is_left: bool,
) -> Result<Option<Bound<'py, PyAny>>, Failure> {
    ready()?;
    if info.entry.kind == b'd' {
        // A domain's operators are those of its base, and its constraints say nothing of operands.
        return operand(py, op, class::class_of(py, info.base)?.info(), object, is_left);
    }
    let own = info.entry.oid;
    let joins = op == Op::Add && concatenates(info);
    if !joins
        && let Some(natural) = natural_type(object)
        && ((natural != pg_sys::TEXTOID && info.entry.category != b'N') || !exists(py, op, own, own)?)
        && (if is_left { exists(py, op, natural, own)? } else { exists(py, op, own, natural)? })
    {
        return coerced(py, class::class_of(py, natural)?.info(), object);
    }
    coerced(py, info, object)
}

/// Whether there is an operator of two types.
fn exists(py: Python<'_>, op: Op, left: Oid, right: Oid) -> Result<bool, Failure> {
    const PROBE: u8 = 0x40;
    const UNDEFINED: [SqlState; 2] = [SqlState::UNDEFINED_FUNCTION, SqlState::new(b"42725")];
    let found = resolved(py, key(op as u8 | PROBE, left, right, 0), &[left, right], || {
        match Expression::operator(op.name(), Some(left), right) {
            Ok(expression) => Ok(Some(expression)),
            Err(error) if error.report().is_some_and(|report| UNDEFINED.contains(&report.sqlstate)) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    })?;
    Ok(found.expression.is_some())
}

/// The type that SQL gives to such a value.
fn natural_type(object: *mut ffi::PyObject) -> Option<Oid> {
    // SAFETY: the caller holds the object; no code runs.
    unsafe {
        let class = ffi::Py_TYPE(object);
        if class == &raw mut ffi::PyLong_Type {
            let mut overflow = 0;
            let value = ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow);
            return Some(match (overflow, i32::try_from(value)) {
                (0, Ok(_)) => pg_sys::INT4OID,
                (0, Err(_)) => pg_sys::INT8OID,
                _ => pg_sys::NUMERICOID,
            });
        }
        if class == &raw mut ffi::PyFloat_Type {
            return Some(pg_sys::FLOAT8OID);
        }
        if class == &raw mut ffi::PyUnicode_Type {
            return Some(pg_sys::TEXTOID);
        }
        (python::has_dates() && ffi::PyDelta_Check(object) != 0).then_some(pg_sys::INTERVALOID)
    }
}

fn apply<'py>(py: Python<'py>, op: Op, a: &Object, b: &Object) -> Result<Bound<'py, PyAny>, Failure> {
    ready()?;
    let op = match op {
        Op::Add if concatenates(a.info()) && concatenates(b.info()) => Op::Concatenate,
        Op::FloorDivide if is_number(a) && is_number(b) => return floor_divide(py, a, b),
        op => op,
    };
    let operator = binary_of(py, op, a.info().entry.oid, b.info().entry.oid)?;
    // SAFETY: the caller holds both.
    unsafe { operator.evaluate(py, &[a.argument(), b.argument()]) }
}

fn is_number(object: &Object) -> bool {
    object.info().entry.category == b'N'
}

/// SQL has no `//`. As in Python: the quotient, rounded down. `/` of integers cuts the fraction off.
fn floor_divide<'py>(py: Python<'py>, a: &Object, b: &Object) -> Result<Bound<'py, PyAny>, Failure> {
    let quotient = apply(py, Op::Divide, a, b)?;
    let found = object_of(&quotient)?;
    if !matches!(found.info().kind, Kind::Int2 | Kind::Int4 | Kind::Int8) {
        return call(py, "floor", found);
    }
    let rest = apply(py, Op::Modulo, a, b)?;
    let (rest, divisor) = (fast::integer(object_of(&rest)?), fast::integer(b));
    let (Some(rest), Some(divisor)) = (rest, divisor) else { return Ok(quotient) };
    if rest == 0 || (rest < 0) == (divisor < 0) {
        return Ok(quotient);
    }
    // SAFETY: a new reference.
    let one =
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyLong_FromLongLong(1)).map_err(Failure::Python)? };
    match binary(py, Op::Subtract, quotient.as_ptr(), one.as_ptr())? {
        Outcome::Value(value) => Ok(value),
        Outcome::NotImplemented => Ok(quotient),
    }
}

/// `op value`.
pub(super) fn unary<'py>(py: Python<'py>, op: Op, value: &Object) -> Result<Bound<'py, PyAny>, Failure> {
    ready()?;
    let type_oid = value.info().entry.oid;
    let operator = resolved(py, key(op as u8, Oid::INVALID, type_oid, 0), &[type_oid], || {
        Expression::operator(op.name(), None, type_oid).map(Some)
    })?;
    // SAFETY: the caller holds the instance.
    unsafe { operator.evaluate(py, &[value.argument()]) }
}

/// Python's object as an instance of the type; `None` for what has no value but its identity.
pub(super) fn coerced<'py>(
    py: Python<'py>,
    info: &TypeInfo,
    object: *mut ffi::PyObject,
) -> Result<Option<Bound<'py, PyAny>>, Failure> {
    // SAFETY: the caller holds the object.
    unsafe {
        if let Some(object) = fast::made(py, info, object)? {
            return Ok(Some(object));
        }
        if is_opaque(object) {
            return Ok(None);
        }
        ready()?;
        let column = info.column(-1)?;
        scratch(|| {
            let datum = pg_try(|| column.to_datum(object))??;
            match datum {
                Some(datum) => Ok(Some(Bound::from_owned_ptr(py, object::wrap(info, datum)?))),
                None => Ok(Some(py.None().into_bound(py))),
            }
        })
    }
}

/// Whether an object's only text form is that of `object` itself, or it is a class, a function or the like.
pub(super) unsafe fn is_opaque(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller holds the object.
    unsafe {
        let class = ffi::Py_TYPE(object);
        let plain = &raw const ffi::PyBaseObject_Type;
        let address = |function: Option<ffi::reprfunc>| function.map(|function| function as usize);
        let no_text = address((*class).tp_str) == address((*plain).tp_str)
            && address((*class).tp_repr) == address((*plain).tp_repr);
        no_text || ffi::PyCallable_Check(object) != 0
    }
}

/// What a call names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Named<'a> {
    /// A function, and its schema.
    Function(&'a str, &'a str),
    /// An operator of the search path.
    Operator(&'a str),
}

impl Named<'_> {
    fn key(self, types: &[Oid]) -> (String, Vec<u32>) {
        let name = match self {
            Named::Function(schema, name) => format!("{schema}.{name}"),
            Named::Operator(name) => name.to_owned(),
        };
        (name, types.iter().map(|oid| oid.to_u32()).collect())
    }

    fn resolve(self, types: &[Oid]) -> Result<Expression, Error> {
        match (self, types) {
            (Named::Function(schema, name), _) => Expression::function(schema, name, types),
            (Named::Operator(name), [right]) => Expression::operator(name, None, *right),
            (Named::Operator(name), [left, right]) => Expression::operator(name, Some(*left), *right),
            (Named::Operator(_), _) => Err(Error::internal("an operator has one or two operands")),
        }
    }
}

/// What a call is made with.
#[derive(Clone, Copy)]
pub(super) enum Argument<'a> {
    Value(&'a Object),
    /// NULL of a type.
    Null(Oid),
}

impl Argument<'_> {
    fn type_oid(self) -> Oid {
        match self {
            Argument::Value(object) => object.info().entry.oid,
            Argument::Null(type_oid) => type_oid,
        }
    }

    fn value(self) -> NullableDatum {
        match self {
            Argument::Value(object) => object.argument(),
            Argument::Null(_) => NullableDatum { value: pg_sys::Datum::null(), isnull: true },
        }
    }
}

/// A function of `pg_catalog` over one instance.
fn call<'py>(py: Python<'py>, name: &str, argument: &Object) -> Result<Bound<'py, PyAny>, Failure> {
    call_named(py, Named::Function("pg_catalog", name), &[Argument::Value(argument)])
}

/// A function or an operator over instances.
pub(super) fn call_named<'py>(
    py: Python<'py>,
    name: Named<'_>,
    arguments: &[Argument<'_>],
) -> Result<Bound<'py, PyAny>, Failure> {
    ready()?;
    let oids: Vec<Oid> = arguments.iter().map(|argument| argument.type_oid()).collect();
    let key = name.key(&oids);
    let known = FUNCTIONS.read(|known| known.get(&key).cloned()).filter(|known| known.is_current());
    let function = match known {
        Some(known) => known,
        None => {
            let expression = scratch(|| name.resolve(&oids))?;
            let made = Resolved::made(py, Some(expression), &oids)?;
            let before = FUNCTIONS.change(|known| known.insert(key, made.clone()));
            drop(before);
            made
        }
    };
    let values: Vec<NullableDatum> = arguments.iter().map(|argument| argument.value()).collect();
    // SAFETY: the caller holds the instances.
    unsafe { function.evaluate(py, &values) }
}
