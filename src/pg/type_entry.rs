//! A type's row in `pg_type` as a value. The danger is the cache entry, which the next look-up may free:
//! everything is copied out before it is released.

use pgrx::pg_sys::{self, Datum, Oid};

use super::guard::pg_try;
use super::types::Layout;
use super::{encoding, memory, raw};
use crate::error::{Error, SqlState};

/// What the catalogue says of a type; two equal entries are the same type unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypeEntry {
    pub(crate) oid: Oid,
    pub(crate) name: String,
    pub(crate) namespace: Oid,
    pub(crate) namespace_name: String,
    pub(crate) layout: Layout,
    /// `typtype`: b, c, d, e, m, p or r.
    pub(crate) kind: u8,
    pub(crate) category: u8,
    pub(crate) relation: Oid,
    /// Of a true array.
    pub(crate) element: Option<Oid>,
    pub(crate) array: Option<Oid>,
    /// The type below a domain, which may be a domain itself.
    pub(crate) base: Option<Oid>,
    pub(crate) base_typmod: i32,
    pub(crate) collation: Oid,
    pub(crate) functions: Functions,
}

/// `pg_type`'s columns of functions, by their names there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Functions {
    pub(crate) input: Oid,
    pub(crate) output: Oid,
    pub(crate) receive: Oid,
    pub(crate) send: Oid,
    pub(crate) modin: Oid,
    pub(crate) modout: Oid,
}

impl TypeEntry {
    pub(crate) fn lookup(type_oid: Oid) -> Result<Self, Error> {
        // SAFETY: as `find` says.
        let found = memory::scratch(|| unsafe { find(type_oid) })?;
        found.ok_or_else(|| {
            let message = format!("type with OID {} does not exist", type_oid.to_u32());
            Error::new(SqlState::new(b"42704"), message)
        })
    }
}

/// Reads the entry, if there is one.
unsafe fn find(type_oid: Oid) -> Result<Option<TypeEntry>, Error> {
    let cache = pg_sys::SysCacheIdentifier::TYPEOID as i32;
    // SAFETY: raw calls; the row is read before it is released, and neither reading nor copying raises.
    unsafe {
        let tuple = pg_try(|| raw::SearchSysCache1(cache, Datum::from(type_oid)))?;
        if tuple.is_null() {
            return Ok(None);
        }
        let header = (*tuple).t_data;
        let row = header.cast::<u8>().add(usize::from((*header).t_hoff)).cast::<pg_sys::FormData_pg_type>();
        let mut entry = of_row(&*row);
        pg_try(|| raw::ReleaseSysCache(tuple))?;
        let schema = pg_try(|| raw::get_namespace_name(entry.namespace))?;
        entry.namespace_name = encoding::from_server_ptr(schema).unwrap_or_default();
        entry.element = super::types::element_type(type_oid)?;
        Ok(Some(entry))
    }
}

/// # Safety
/// `row` is a live row of `pg_type`.
unsafe fn of_row(row: &pg_sys::FormData_pg_type) -> TypeEntry {
    let some = |oid: Oid| (oid != Oid::INVALID).then_some(oid);
    TypeEntry {
        oid: row.oid,
        // SAFETY: a name is NUL-terminated within its fixed length.
        name: unsafe { encoding::from_server_ptr(row.typname.data.as_ptr()) }.unwrap_or_default(),
        namespace: row.typnamespace,
        namespace_name: String::new(),
        layout: Layout { length: row.typlen, by_value: row.typbyval, align: row.typalign },
        kind: row.typtype as u8,
        category: row.typcategory as u8,
        relation: row.typrelid,
        element: None,
        array: some(row.typarray),
        base: some(row.typbasetype),
        base_typmod: row.typtypmod,
        collation: row.typcollation,
        functions: Functions {
            input: row.typinput,
            output: row.typoutput,
            receive: row.typreceive,
            send: row.typsend,
            modin: row.typmodin,
            modout: row.typmodout,
        },
    }
}

/// The type of that name in `pg_catalog`, if there is one.
pub(crate) fn in_catalog(name: &str) -> Result<Option<Oid>, Error> {
    const OID_COLUMN: i16 = 1; // Anum_pg_type_oid
    let cache = pg_sys::SysCacheIdentifier::TYPENAMENSP as i32;
    let name = encoding::to_server(name);
    let schema = Datum::from(pg_sys::PG_CATALOG_NAMESPACE);
    // SAFETY: raw call; the name outlives it.
    let oid = unsafe {
        pg_try(|| {
            let none = Datum::null();
            raw::GetSysCacheOid(cache, OID_COLUMN, Datum::from(name.as_ptr()), schema, none, none)
        })?
    };
    Ok((oid != Oid::INVALID).then_some(oid))
}

/// The type of a relation's rows; an error if it has none.
pub(crate) fn of_relation(relation: Oid) -> Result<Oid, Error> {
    // SAFETY: raw call.
    let oid = unsafe { pg_try(|| raw::get_rel_type_id(relation))? };
    if oid == Oid::INVALID {
        let message = format!("relation with OID {} has no row type", relation.to_u32());
        return Err(Error::new(SqlState::new(b"42809"), message));
    }
    Ok(oid)
}

/// The type that SQL text names, as a cast to `regtype` reads it.
pub(crate) fn named(name: &str) -> Result<Oid, Error> {
    let name = encoding::to_server_exactly(name)?;
    // SAFETY: raw call; the name outlives it.
    let oid = unsafe {
        pg_try(|| {
            raw::DirectFunctionCall1Coll(Some(raw::regtypein), Oid::INVALID, Datum::from(name.as_ptr()))
        })?
    };
    Ok(Oid::from(oid.value() as u32))
}

/// The typmod that a type's modifiers make, as in `numeric(5,2)`.
pub(crate) fn typmod(entry: &TypeEntry, modifiers: &[String]) -> Result<i32, Error> {
    if entry.functions.modin == Oid::INVALID {
        let message = format!("type modifier is not allowed for type \"{}\"", entry.name);
        return Err(Error::new(SqlState::SYNTAX_ERROR, message));
    }
    let texts: Vec<_> = modifiers.iter().map(|text| encoding::to_server(text)).collect();
    let mut items: Vec<Datum> = texts.iter().map(|text| Datum::from(text.as_ptr())).collect();
    let count = items.len() as i32;
    let items = items.as_mut_ptr();
    // SAFETY: raw calls that copy the texts, which outlive them.
    let typmod = unsafe {
        pg_try(|| {
            let (mut lengths, mut bounds) = ([count], [1]);
            let array = raw::construct_md_array(
                items,
                std::ptr::null_mut(),
                1,
                lengths.as_mut_ptr(),
                bounds.as_mut_ptr(),
                pg_sys::CSTRINGOID,
                -2,
                false,
                b'c' as std::ffi::c_char,
            );
            raw::OidFunctionCall1Coll(entry.functions.modin, Oid::INVALID, Datum::from(array))
        })?
    };
    Ok(typmod.value() as i32)
}
