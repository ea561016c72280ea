//! The query's order as sort keys of one table. The danger is an order that only looks like the
//! column's: another operator family, a column taken for another type, or one that an outer join has
//! filled with NULLs.

use pgrx::pg_sys;

use multicorn_plan::{Direction, SortKey};

use super::clause::{self, Scope};
use super::guard::pg_try;
use super::planner::BaseRel;
use super::{encoding, list, raw};
use crate::error::Error;

impl BaseRel {
    /// The longest prefix of the query's order that names columns of this table.
    pub(crate) fn sort_keys(&self) -> Result<Vec<SortKey>, Error> {
        let mut keys = Vec::new();
        if self.is_nullable()? {
            return Ok(keys);
        }
        // SAFETY: a list of PathKey, kept by the planner.
        let pathkeys: Vec<*mut pg_sys::PathKey> =
            unsafe { list::pointers((*self.root).query_pathkeys).collect() };
        for pathkey in pathkeys {
            match self.sort_key(pathkey)? {
                Some(key) => keys.push(key),
                None => break,
            }
        }
        Ok(keys)
    }

    /// Whether an outer join fills this table's columns with NULLs: its order ends there.
    #[cfg(feature = "pg15")]
    fn is_nullable(&self) -> Result<bool, Error> {
        // SAFETY: raw call on a bitmap of the planner.
        unsafe { pg_try(|| raw::bms_is_member(self.scope().relid as i32, (*self.root).nullable_baserels)) }
    }

    /// From 16 on each column says so itself.
    #[cfg(not(feature = "pg15"))]
    fn is_nullable(&self) -> Result<bool, Error> {
        Ok(false)
    }

    /// How many keys a result in the order of the query's ORDER BY is sorted by.
    ///
    /// Less than [`Self::sort_keys`] may give: below a UNION the server also likes, from 17 on, an order
    /// that the query does not name.
    pub(crate) fn ordered_by(&self) -> usize {
        // SAFETY: a list or null.
        unsafe { list::pointers::<pg_sys::PathKey>((*self.root).sort_pathkeys).count() }
    }

    fn sort_key(&self, pathkey: *mut pg_sys::PathKey) -> Result<Option<SortKey>, Error> {
        let scope = self.scope();
        // SAFETY: nodes of the planner; raw calls only.
        let (found, direction, nulls_first, collation) = unsafe {
            let key = &*pathkey;
            let class = &*key.pk_eclass;
            if class.ec_has_volatile {
                return Ok(None);
            }
            let found = pg_try(|| {
                list::pointers::<pg_sys::EquivalenceMember>(members(class, scope.relid))
                    .find_map(|member| sortable_column(scope, &*member, key.pk_opfamily))
            })?;
            (found, direction(key), key.pk_nulls_first, class.ec_collation)
        };
        let Some(Sortable { attno, declared }) = found else { return Ok(None) };
        Ok(Some(SortKey {
            column: clause::column_name(self.table, attno)?,
            attno,
            direction,
            nulls_first,
            collation: collation_name(collation, declared)?,
        }))
    }
}

struct Sortable {
    attno: i16,
    /// The column's own collation.
    declared: pg_sys::Oid,
}

/// The column that `member` is, if the class's idea of its order is `family`'s.
///
/// Runs inside `pg_try`.
unsafe fn sortable_column(
    scope: Scope,
    member: &pg_sys::EquivalenceMember,
    family: pg_sys::Oid,
) -> Option<Sortable> {
    // SAFETY: the caller's promise; `column_of` says that there is a Var below the relabelling.
    unsafe {
        let mut node: *mut pg_sys::Node = member.em_expr.cast();
        let attno = clause::column_of(scope, node)?;
        while (*node).type_ == pg_sys::NodeTag::T_RelabelType {
            node = (*node.cast::<pg_sys::RelabelType>()).arg.cast();
        }
        let var = &*node.cast::<pg_sys::Var>();
        #[cfg(not(feature = "pg15"))]
        if !var.varnullingrels.is_null() {
            return None;
        }
        let entry = raw::lookup_type_cache(var.vartype, pg_sys::TYPECACHE_BTREE_OPFAMILY as i32);
        // citext has an order of its own, which a class that sorts texts does not know.
        let plain = !clause::is_own((*entry).btree_opf, var.vartype);
        (plain && (*entry).btree_opf == family).then_some(Sortable { attno, declared: var.varcollid })
    }
}

/// The expressions that are equal, those of inheritance children included.
#[cfg(not(feature = "pg18"))]
unsafe fn members(class: &pg_sys::EquivalenceClass, _relid: pg_sys::Index) -> *mut pg_sys::List {
    class.ec_members
}

/// From 18 on children have lists of their own.
#[cfg(feature = "pg18")]
unsafe fn members(class: &pg_sys::EquivalenceClass, relid: pg_sys::Index) -> *mut pg_sys::List {
    if class.ec_childmembers.is_null() || relid as i32 >= class.ec_childmembers_size {
        return class.ec_members;
    }
    // SAFETY: the array has `ec_childmembers_size` elements.
    let children = unsafe { *class.ec_childmembers.add(relid as usize) };
    if children.is_null() { class.ec_members } else { children }
}

#[cfg(not(feature = "pg18"))]
fn direction(key: &pg_sys::PathKey) -> Direction {
    if key.pk_strategy == pg_sys::BTGreaterStrategyNumber as i32 {
        Direction::Descending
    } else {
        Direction::Ascending
    }
}

#[cfg(feature = "pg18")]
fn direction(key: &pg_sys::PathKey) -> Direction {
    if key.pk_cmptype == pg_sys::CompareType::COMPARE_GT {
        Direction::Descending
    } else {
        Direction::Ascending
    }
}

/// The name of a collation, unless both it and the column's are the database's own.
fn collation_name(collation: pg_sys::Oid, declared: pg_sys::Oid) -> Result<Option<String>, Error> {
    let plain = |oid| oid == pg_sys::InvalidOid || oid == pg_sys::DEFAULT_COLLATION_OID;
    if collation == pg_sys::InvalidOid || (plain(collation) && plain(declared)) {
        return Ok(None);
    }
    // SAFETY: raw call; null when the collation is gone.
    unsafe {
        let name = pg_try(|| raw::get_collation_name(collation))?;
        Ok(encoding::from_server_ptr(name))
    }
}
