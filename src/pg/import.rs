//! IMPORT FOREIGN SCHEMA, as the class sees it. The danger is quoting: names are the parser's, already
//! folded and unquoted.

use pgrx::pg_sys;

use super::{catalog, encoding, list};

/// `LIMIT TO` or `EXCEPT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restriction {
    None,
    Limit,
    Except,
}

pub(crate) struct ImportRequest {
    pub(crate) server: pg_sys::Oid,
    pub(crate) remote_schema: String,
    pub(crate) local_schema: String,
    pub(crate) restriction: Restriction,
    pub(crate) tables: Vec<String>,
    pub(crate) options: catalog::Options,
}

impl ImportRequest {
    /// # Safety
    /// `statement` is what the server passed to `ImportForeignSchema`.
    pub(super) unsafe fn new(statement: &pg_sys::ImportForeignSchemaStmt, server: pg_sys::Oid) -> Self {
        use pg_sys::ImportForeignSchemaType as Kind;
        // SAFETY: the parser's strings and lists.
        unsafe {
            ImportRequest {
                server,
                remote_schema: encoding::from_server_ptr(statement.remote_schema).unwrap_or_default(),
                local_schema: encoding::from_server_ptr(statement.local_schema).unwrap_or_default(),
                restriction: match statement.list_type {
                    Kind::FDW_IMPORT_SCHEMA_LIMIT_TO => Restriction::Limit,
                    Kind::FDW_IMPORT_SCHEMA_EXCEPT => Restriction::Except,
                    _ => Restriction::None,
                },
                tables: list::pointers::<pg_sys::RangeVar>(statement.table_list)
                    .filter_map(|table| encoding::from_server_ptr((*table).relname))
                    .collect(),
                options: catalog::options(statement.options),
            }
        }
    }
}
