//! A foreign table's columns as values. The danger is attribute numbers: dropped columns keep their
//! place in every tuple and must stay in the list.

use pgrx::pg_sys;

use super::guard::pg_try;
use super::{catalog, encoding, memory, raw};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Column {
    pub(crate) attno: i16,
    pub(crate) name: String,
    pub(crate) type_oid: pg_sys::Oid,
    pub(crate) typmod: i32,
    /// As `format_type` prints it with the modifier: `character varying(10)`.
    pub(crate) type_name: String,
    /// Without the modifier.
    pub(crate) base_type_name: String,
    /// The declared collation, `InvalidOid` for types without.
    pub(crate) collation: pg_sys::Oid,
    pub(crate) options: catalog::Options,
    /// Dropped, or a virtual generated column (from 18 on), which the server computes where it is read: no
    /// class sees either.
    pub(crate) absent: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Table {
    pub(crate) oid: pg_sys::Oid,
    pub(crate) name: String,
    pub(crate) owner: pg_sys::Oid,
    /// In the order of attribute numbers, dropped ones included.
    pub(crate) columns: Vec<Column>,
}

impl Table {
    pub(crate) fn column(&self, attno: i16) -> Option<&Column> {
        usize::try_from(attno).ok()?.checked_sub(1).and_then(|i| self.columns.get(i))
    }

    pub(crate) fn live_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| !column.absent)
    }
}

/// Reads the definition of `table`, on which the caller holds a lock.
pub(crate) fn describe(table: pg_sys::Oid) -> Result<Table, Error> {
    memory::scratch(|| {
        // SAFETY: raw calls; the relation is open while its descriptor is read, and closed whether
        // that succeeded or not.
        unsafe {
            let relation = pg_try(|| raw::table_open(table, pg_sys::NoLock as i32))?;
            let name = encoding::from_server_ptr((*(*relation).rd_rel).relname.data.as_ptr());
            let owner = (*(*relation).rd_rel).relowner;
            let descriptor = (*relation).rd_att;
            let columns: Result<Vec<_>, Error> =
                (0..(*descriptor).natts as usize).map(|i| column(table, descriptor, i)).collect();
            pg_try(|| raw::table_close(relation, pg_sys::NoLock as i32))?;
            Ok(Table { oid: table, name: name.unwrap_or_default(), owner, columns: columns? })
        }
    })
}

unsafe fn column(table: pg_sys::Oid, descriptor: pg_sys::TupleDesc, index: usize) -> Result<Column, Error> {
    // SAFETY: `index` is below natts of a descriptor that the caller keeps.
    unsafe {
        let attribute = &*attribute(descriptor, index);
        let absent = attribute.attisdropped || attribute.attgenerated as u8 == b'v';
        let (typed, typmod) = (attribute.atttypid, attribute.atttypmod);
        let (type_name, base_type_name) = if absent {
            (String::new(), String::new())
        } else {
            let (full, base) =
                pg_try(|| (raw::format_type_with_typemod(typed, typmod), raw::format_type_be(typed)))?;
            let text = |p| encoding::from_server_ptr(p).unwrap_or_default();
            (text(full), text(base))
        };
        Ok(Column {
            attno: attribute.attnum,
            name: encoding::from_server_ptr(attribute.attname.data.as_ptr()).unwrap_or_default(),
            type_oid: typed,
            typmod,
            type_name,
            base_type_name,
            collation: attribute.attcollation,
            options: if absent { Vec::new() } else { catalog::column_options(table, attribute.attnum)? },
            absent,
        })
    }
}

/// # Safety
/// `index` is below the descriptor's `natts`.
pub(crate) unsafe fn attribute(
    descriptor: pg_sys::TupleDesc,
    index: usize,
) -> *const pg_sys::FormData_pg_attribute {
    // SAFETY: the caller's promise.
    #[cfg(not(feature = "pg18"))]
    unsafe {
        (*descriptor).attrs.as_ptr().add(index)
    }
    // SAFETY: from 18 on the full attributes follow the array of `natts` compact ones.
    #[cfg(feature = "pg18")]
    unsafe {
        let compact = (*descriptor).compact_attrs.as_ptr();
        compact.add((*descriptor).natts as usize).cast::<pg_sys::FormData_pg_attribute>().add(index)
    }
}

/// Schema and name of a relation, as far as they can be found out; for errors.
pub(crate) fn qualified_name(relation: pg_sys::Oid) -> (Option<String>, Option<String>) {
    // SAFETY: raw calls; the copies live in the current memory context.
    let found = unsafe {
        pg_try(|| (raw::get_namespace_name(raw::get_rel_namespace(relation)), raw::get_rel_name(relation)))
    };
    // SAFETY: null or a string of the server's.
    found.map_or((None, None), |(schema, name)| unsafe {
        (encoding::from_server_ptr(schema), encoding::from_server_ptr(name))
    })
}

/// Whether a relation of that OID still exists. The system cache would remember for good each one
/// that does not.
pub(crate) fn exists(relation: pg_sys::Oid) -> Result<bool, Error> {
    // SAFETY: raw calls; an open relation is closed at once.
    unsafe {
        pg_try(|| {
            let found = raw::RelationIdGetRelation(relation);
            if !found.is_null() {
                raw::RelationClose(found);
            }
            !found.is_null()
        })
    }
}
