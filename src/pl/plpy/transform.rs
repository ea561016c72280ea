//! The extension's own transform, for jsonb. The danger is its arguments: they are references of Python's,
//! which the type system of SQL keeps from everybody but a language's handler.

use crate::convert::transform;
use crate::error::Error;
use crate::pg::function::sql_function;

fn missing() -> Error {
    Error::internal("multicorn: a transform without a value")
}

sql_function! {
    /// jsonb to Python's objects.
    pg_finfo_multicorn_jsonb_from_sql, multicorn_jsonb_from_sql,
    |arguments: crate::pg::function::Arguments| {
        transform::jsonb_from_sql(arguments.get(0).ok_or_else(missing)?)
    }
}

sql_function! {
    /// Python's objects to jsonb.
    pg_finfo_multicorn_jsonb_to_sql, multicorn_jsonb_to_sql,
    |arguments: crate::pg::function::Arguments| {
        transform::jsonb_to_sql(arguments.get(0).ok_or_else(missing)?)
    }
}
