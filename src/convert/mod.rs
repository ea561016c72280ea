//! Values: the only place where a Datum meets a PyObject. A plan is chosen once per column or type
//! and run per value. The danger is the server's longjmp: `to_datum` may raise right through its
//! caller, so nothing here owns anything while it calls the server.

mod array;
mod bytea;
mod composite;
mod datetime;
mod decimal;
mod dialect;
mod domain;
mod enumeration;
pub(crate) mod exact;
mod fallback;
mod held;
mod hstore;
mod json;
mod json_sink;
pub(crate) mod known;
mod moments;
pub(crate) mod native;
mod numeric;
mod plain;
mod python;
mod range;
mod record;
pub(crate) mod records;
pub(crate) mod result;
mod row;
mod scalar;
mod sequence;
pub(crate) mod store;
pub(crate) mod table;
mod text;
pub(crate) mod transform;
pub(crate) mod trigger_row;
mod uuid;

use pgrx::pg_sys::{self, Datum, Oid};
use pyo3::ffi;
use pyo3::prelude::*;

use self::array::ArrayPlan;
use self::composite::CompositePlan;
use self::datetime::DateTimePlan;
use self::domain::DomainPlan;
use self::json_sink::{TextSink, Tree};
use self::native::{NativeColumn, NativeValue};
use self::numeric::NumericPlan;
use self::plain::Plain;
use self::range::{MultirangePlan, RangePlan};
use self::record::RecordPlan;
use self::sequence::SequencePlan;
use self::text::TextPlan;
use crate::error::Error;
use crate::pg::planner::Constant;
use crate::pg::types::{self, Input, Output};

pub(crate) use self::dialect::Dialect;
pub(crate) use self::row::{RowPlan, Rows};

/// One attribute of a relation; a slice of them is in attnum order without gaps.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) type_oid: Oid,
    pub(crate) typmod: i32,
    /// Whether the query looks at it.
    pub(crate) needed: bool,
    pub(crate) dropped: bool,
}

/// Python → Datum for one type and typmod, which the result obeys as after an assignment.
pub(crate) struct ColumnPlan {
    family: Family,
    input: Input,
}

enum Family {
    Bool,
    /// A bool of any object, as Python finds it true.
    Truth,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric(NumericPlan),
    Text(TextPlan),
    Bytea,
    DateTime(DateTimePlan),
    Uuid,
    Enum,
    Json,
    Jsonb,
    Hstore,
    Array(Box<ArrayPlan>),
    Composite(Box<CompositePlan>),
    Range(Box<RangePlan>),
    Multirange(Box<MultirangePlan>),
    Domain(Box<DomainPlan>),
    /// Of PL/Python.
    Plain(Plain),
    /// By a function that the running one asks for.
    Transform(types::Function),
    Fallback,
    /// For `LANGUAGE python`, which hands instances of types around.
    Native(Box<NativeColumn>),
}

impl Family {
    fn resolve(type_oid: Oid, typmod: i32, dialect: Dialect) -> Result<Self, Error> {
        if dialect == Dialect::Plpy
            && let Some(function) = transform::to_sql(type_oid)?
        {
            return Ok(Family::Transform(function));
        }
        if dialect == Dialect::Plpy
            && type_oid != pg_sys::BOOLOID
            && let Some(plain) = Plain::resolve(type_oid, typmod)?
        {
            return Ok(Family::Plain(plain));
        }
        if let Some(kind) = datetime_kind(type_oid) {
            return Ok(Family::DateTime(DateTimePlan::resolve(kind, type_oid, typmod)?));
        }
        Ok(match type_oid {
            pg_sys::BOOLOID if dialect == Dialect::Plpy => Family::Truth,
            pg_sys::BOOLOID => Family::Bool,
            pg_sys::INT2OID => Family::Int2,
            pg_sys::INT4OID => Family::Int4,
            pg_sys::INT8OID => Family::Int8,
            pg_sys::FLOAT4OID => Family::Float4,
            pg_sys::FLOAT8OID => Family::Float8,
            pg_sys::NUMERICOID => Family::Numeric(NumericPlan::resolve(typmod)?),
            pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID => {
                Family::Text(TextPlan::resolve(type_oid, typmod)?)
            }
            pg_sys::BYTEAOID => Family::Bytea,
            pg_sys::UUIDOID => Family::Uuid,
            pg_sys::JSONOID => Family::Json,
            pg_sys::JSONBOID => Family::Jsonb,
            _ => Self::resolve_other(type_oid, typmod, dialect)?,
        })
    }

    fn resolve_other(type_oid: Oid, typmod: i32, dialect: Dialect) -> Result<Self, Error> {
        if let Some(element) = types::element_type(type_oid)? {
            return Ok(Family::Array(Box::new(ArrayPlan::resolve(element, typmod, dialect)?)));
        }
        Ok(match types::kind(type_oid)? {
            b'd' => Family::Domain(Box::new(DomainPlan::resolve(type_oid, dialect)?)),
            b'e' => Family::Enum,
            b'c' => Family::Composite(Box::new(CompositePlan::resolve(type_oid, dialect)?)),
            b'r' => Family::Range(Box::new(RangePlan::resolve(type_oid, dialect)?)),
            b'm' => Family::Multirange(Box::new(MultirangePlan::resolve(type_oid, dialect)?)),
            _ if types::is_hstore(type_oid)? => Family::Hstore,
            _ => Family::Fallback,
        })
    }
}

fn datetime_kind(type_oid: Oid) -> Option<datetime::Kind> {
    Some(match type_oid {
        pg_sys::DATEOID => datetime::Kind::Date,
        pg_sys::TIMEOID => datetime::Kind::Time,
        pg_sys::TIMETZOID => datetime::Kind::TimeTz,
        pg_sys::TIMESTAMPOID => datetime::Kind::Timestamp,
        pg_sys::TIMESTAMPTZOID => datetime::Kind::TimestampTz,
        pg_sys::INTERVALOID => datetime::Kind::Interval,
        _ => return None,
    })
}

impl ColumnPlan {
    /// Looks everything up. The plan lives as long as the memory context that is current now: the
    /// functions that it calls keep their caches there.
    pub(crate) fn resolve(type_oid: Oid, typmod: i32, dialect: Dialect) -> Result<Self, Error> {
        if dialect == Dialect::Native {
            let family = Family::Native(Box::new(NativeColumn::resolve(type_oid, typmod)?));
            return Ok(ColumnPlan { family, input: Input::lookup(type_oid, typmod)? });
        }
        Self::resolve_plain(type_oid, typmod, dialect)
    }

    /// The same for what is no instance of a type; what it consists of may be.
    fn resolve_plain(type_oid: Oid, typmod: i32, dialect: Dialect) -> Result<Self, Error> {
        let input = Input::lookup(type_oid, typmod)?;
        let family = Family::resolve(type_oid, typmod, dialect)?;
        Ok(ColumnPlan { family, input })
    }

    /// Whether NULL has to be converted too, because a domain may forbid it.
    #[inline]
    pub(crate) fn has_checks(&self) -> bool {
        match &self.family {
            Family::Native(column) => column.has_checks(),
            family => matches!(family, Family::Domain(_)),
        }
    }

    /// Whether a list is one value, so that it is no dimension of an array.
    fn takes_lists(&self) -> bool {
        match &self.family {
            Family::Domain(plan) => plan.base().takes_lists(),
            Family::Native(column) => column.takes_lists(),
            family => matches!(family, Family::Json | Family::Jsonb | Family::Multirange(_)),
        }
    }

    /// The same for a tuple.
    fn takes_tuples(&self) -> bool {
        match &self.family {
            Family::Domain(plan) => plan.base().takes_tuples(),
            // Lists alone are dimensions there.
            Family::Composite(_) | Family::Range(_) | Family::Native(_) => true,
            _ => self.takes_lists(),
        }
    }

    /// The value of `object`; `None` is NULL. What it allocates lies in the current memory context.
    ///
    /// # Safety
    /// Called on the main thread with the GIL held and no exception set; `object` is alive and the
    /// caller keeps it so. The server may raise: no frame between here and the server, or the
    /// innermost `pg_try`, has anything to drop.
    #[inline]
    pub(crate) unsafe fn to_datum(&self, object: *mut ffi::PyObject) -> Result<Option<Datum>, Error> {
        let input = &self.input;
        // SAFETY: the caller's promise, handed on to each family.
        unsafe {
            match &self.family {
                Family::Native(column) => return column.to_datum(object),
                Family::Domain(plan) => return plan.to_datum(object),
                _ if object == ffi::Py_None() => return Ok(None),
                Family::Bool => scalar::bool_to_datum(object, input),
                Family::Truth => scalar::truth_to_datum(object),
                Family::Int2 => scalar::int_to_datum::<i16>(object, input, "smallint"),
                Family::Int4 => scalar::int_to_datum::<i32>(object, input, "integer"),
                Family::Int8 => scalar::int_to_datum::<i64>(object, input, "bigint"),
                Family::Float4 => scalar::float4_to_datum(object, input),
                Family::Float8 => scalar::float8_to_datum(object, input),
                Family::Numeric(plan) => plan.to_datum(object, input),
                Family::Text(plan) => plan.to_datum(object),
                Family::Bytea => bytea::to_datum(object, input),
                Family::DateTime(plan) => plan.to_datum(object, input),
                Family::Uuid => uuid::to_datum(object, input),
                Family::Enum => enumeration::to_datum(object, input),
                Family::Json => json::to_datum::<TextSink>(object, input),
                Family::Jsonb => json::to_datum::<Tree>(object, input),
                Family::Hstore => hstore::to_datum(object, input),
                Family::Array(plan) => plan.to_datum(object, input),
                Family::Composite(plan) => plan.datum_of(object),
                Family::Range(plan) => plan.to_datum(object, input),
                Family::Multirange(plan) => plan.to_datum(object, input),
                Family::Plain(plan) => plan.to_datum(object, input),
                Family::Transform(function) => Ok(transform::to_datum(function, object)),
                Family::Fallback => fallback::to_datum(input, object),
            }
            .map(Some)
        }
    }
}

/// Datum → Python for one type.
pub(crate) struct ValuePlan {
    kind: Kind,
    output: Output,
}

enum Kind {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
    Text,
    /// Without the blanks that fill it up.
    Padded,
    Bytea,
    DateTime(datetime::Kind),
    Uuid,
    Json,
    Jsonb,
    Array(Box<SequencePlan>),
    Record(Box<RecordPlan>),
    Fallback,
    /// The text that the session's settings give.
    Shown,
    /// By a function that the running one asks for.
    Transform(types::Function),
    /// An instance of the type.
    Native(NativeValue),
}

impl Kind {
    fn resolve(base: Oid, dialect: Dialect) -> Result<Self, Error> {
        if dialect == Dialect::Plpy
            && let Some(function) = transform::from_sql(base)?
        {
            return Ok(Kind::Transform(function));
        }
        let plain = dialect != Dialect::Plpy;
        if let Some(kind) = datetime_kind(base).filter(|_| plain) {
            python::prepare()?;
            return Ok(Kind::DateTime(kind));
        }
        Ok(match base {
            pg_sys::BOOLOID => Kind::Bool,
            pg_sys::INT2OID => Kind::Int2,
            pg_sys::INT4OID => Kind::Int4,
            pg_sys::INT8OID => Kind::Int8,
            pg_sys::OIDOID => Kind::Oid,
            pg_sys::FLOAT4OID => Kind::Float4,
            pg_sys::FLOAT8OID => Kind::Float8,
            pg_sys::NUMERICOID => Kind::Numeric,
            pg_sys::TEXTOID | pg_sys::VARCHAROID => Kind::Text,
            pg_sys::BPCHAROID if plain => Kind::Padded,
            pg_sys::BYTEAOID => Kind::Bytea,
            pg_sys::UUIDOID if plain => Kind::Uuid,
            pg_sys::JSONOID if plain => Kind::Json,
            pg_sys::JSONBOID if plain => Kind::Jsonb,
            _ => match types::element_type(base)? {
                Some(element) => Kind::Array(Box::new(SequencePlan::resolve(element, dialect)?)),
                None if base == pg_sys::RECORDOID || types::kind(base)? == b'c' => {
                    Kind::Record(Box::new(RecordPlan::resolve(base, dialect)?))
                }
                None if plain => Kind::Fallback,
                None => Kind::Shown,
            },
        })
    }
}

impl ValuePlan {
    /// Looks everything up; the plan lives as long as the memory context that is current now.
    pub(crate) fn resolve(type_oid: Oid, dialect: Dialect) -> Result<Self, Error> {
        let (base, _) = types::base_type(type_oid, -1)?;
        let kind = match dialect {
            Dialect::Native => Kind::Native(NativeValue::resolve(type_oid)?),
            _ => Kind::resolve(base, dialect)?,
        };
        Ok(ValuePlan { kind, output: Output::lookup(base)? })
    }

    /// Whether no two different values become the same object: JSON's null is that of SQL in Python, and
    /// an interval's days are hours there.
    pub(crate) fn is_faithful(&self) -> bool {
        match &self.kind {
            Kind::Json | Kind::Jsonb | Kind::DateTime(datetime::Kind::Interval) | Kind::Record(_) => false,
            Kind::Array(plan) => plan.is_faithful(),
            _ => true,
        }
    }

    /// Whether the conversion cannot fail, and gives objects that cannot be changed.
    fn is_simple(&self) -> bool {
        use Kind::{Bool, Bytea, Float4, Float8, Int2, Int4, Int8, Numeric, Oid, Padded, Text};
        matches!(
            self.kind,
            Bool | Int2 | Int4 | Int8 | Oid | Float4 | Float8 | Numeric | Text | Padded | Bytea
        )
    }

    /// Whether the values are lists in Python, whose index begins at 0 wherever the array's does.
    pub(crate) fn makes_lists(&self) -> bool {
        matches!(self.kind, Kind::Array(_))
    }

    /// A value that the server gave as a Python object; it is of the plan's type, as the caller knows from
    /// the expression or the column that made it.
    pub(crate) fn to_object<'py>(
        &self,
        py: Python<'py>,
        constant: Constant,
    ) -> Result<Bound<'py, PyAny>, Error> {
        // SAFETY: a `Constant` lives in the planner's or the node's memory while it is used.
        unsafe { self.to_python(py, constant.datum, constant.is_null) }
    }

    /// The value as a Python object; NULL is None. Server errors come back as values. What the server
    /// allocates meanwhile lies in the current memory context.
    ///
    /// # Safety
    /// `datum` is a live value of the plan's type, unless `is_null`.
    pub(crate) unsafe fn to_python<'py>(
        &self,
        py: Python<'py>,
        datum: Datum,
        is_null: bool,
    ) -> Result<Bound<'py, PyAny>, Error> {
        if is_null {
            return Ok(py.None().into_bound(py));
        }
        // SAFETY: the caller's promise.
        unsafe {
            match &self.kind {
                Kind::Bool => Ok(scalar::bool_to_python(py, datum)),
                Kind::Int2 => scalar::int_to_python(py, i64::from(datum.value() as i16)),
                Kind::Int4 => scalar::int_to_python(py, i64::from(datum.value() as i32)),
                Kind::Int8 => scalar::int_to_python(py, datum.value() as i64),
                Kind::Oid => scalar::int_to_python(py, i64::from(datum.value() as u32)),
                Kind::Float4 => scalar::float_to_python(py, f64::from(f32::from_bits(datum.value() as u32))),
                Kind::Float8 => scalar::float_to_python(py, f64::from_bits(datum.value() as u64)),
                Kind::Numeric => numeric::to_python(py, &self.output, datum),
                Kind::Text => text::to_python(py, datum, false),
                Kind::Padded => text::to_python(py, datum, true),
                Kind::Bytea => bytea::to_python(py, datum),
                Kind::DateTime(kind) => moments::to_python(py, *kind, &self.output, datum),
                Kind::Uuid => uuid::to_python(py, datum),
                Kind::Json => json::parse(py, &text::to_python(py, datum, false)?),
                Kind::Jsonb => json::parse(py, &fallback::to_python(py, &self.output, datum)?),
                Kind::Array(plan) => plan.to_python(py, datum),
                Kind::Record(plan) => plan.to_python(py, datum),
                Kind::Fallback => fallback::to_python(py, &self.output, datum),
                Kind::Transform(function) => transform::to_python(py, function, datum),
                Kind::Shown => fallback::shown(py, &self.output, datum),
                Kind::Native(value) => value.to_python(py, datum, false),
            }
        }
    }
}
