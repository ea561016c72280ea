//! What the catalogue caches tell us about changes. The danger is timing: a callback may run inside
//! any catalogue look-up, so it only counts, and those who cache compare counts at their next use.

use std::cell::Cell;
use std::collections::HashSet;
use std::ffi::c_int;

use pgrx::pg_sys;

use super::guard::pg_try;
use super::memory::{Access, ForLife};
use super::{raw, raw_more};
use crate::error::Error;

thread_local! {
    static CHANGES: Cell<u64> = const { Cell::new(0) };
    static GENERATION: Cell<u64> = const { Cell::new(1) };
    static PROCEDURES: Cell<u64> = const { Cell::new(1) };
    /// Composite types whose fields somebody keeps.
    static ROW_TYPES: ForLife<HashSet<u32>> = ForLife::default();
    static RELATIONS: ForLife<Vec<u32>> = ForLife::default();
    /// Relations whose rows somebody keeps, and how often one of them was said to have changed.
    static WATCHED: ForLife<Vec<u32>> = ForLife::default();
    static WATCHED_CHANGES: Cell<u64> = const { Cell::new(1) };
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
}

/// More changed relations than this are one change of everything.
const MOST_RELATIONS: usize = 64;

/// Counts up whenever a foreign table, server, user mapping, wrapper or type changed.
pub(crate) fn generation() -> u64 {
    GENERATION.get()
}

/// Counts up whenever a function, procedure or operator changed.
pub(crate) fn procedures() -> u64 {
    PROCEDURES.get()
}

/// Takes the messages that have come. The server does so when it locks a table, and a call that needs none
/// would go by what was granted before.
pub(crate) fn accept() -> Result<(), Error> {
    // SAFETY: raw call.
    unsafe { pg_try(|| raw_more::AcceptInvalidationMessages()) }
}

/// Counts up at every message of the caches, also those that are noted by relation.
pub(crate) fn changes() -> u64 {
    CHANGES.get()
}

/// Relations whose definition changed since the last call.
pub(crate) fn take_relations() -> Vec<u32> {
    RELATIONS.change(std::mem::take)
}

/// Counts a change of this composite type's own relation as a change of a type: adding or altering a
/// field does not touch the type's entry.
pub(crate) fn watch_row_type(relation: pg_sys::Oid) {
    ROW_TYPES.change(|watched| watched.insert(relation.to_u32()));
}

/// Counts messages about these relations from now on, instead of those that were named before.
pub(crate) fn watch_relations(relations: &[u32]) {
    WATCHED.change(|watched| *watched = relations.to_vec());
}

/// Counts up at each message about a relation that is watched.
pub(crate) fn watched_changes() -> u64 {
    WATCHED_CHANGES.get()
}

/// Registers the callbacks once per backend. There are few places for them, and none can be given back.
pub(crate) fn register() -> Result<(), Error> {
    if REGISTERED.get() {
        return Ok(());
    }
    use pg_sys::SysCacheIdentifier as Cache;
    let caches = [
        Cache::FOREIGNTABLEREL,
        Cache::FOREIGNSERVEROID,
        Cache::FOREIGNDATAWRAPPEROID,
        Cache::USERMAPPINGUSERSERVER,
        Cache::TYPEOID,
        Cache::AUTHOID,
        Cache::AUTHMEMROLEMEM,
    ];
    // SAFETY: raw calls with callbacks that live as long as the library, which is never unloaded.
    unsafe {
        pg_try(|| {
            for cache in caches {
                raw::CacheRegisterSyscacheCallback(
                    cache as c_int,
                    Some(catalog_changed),
                    pg_sys::Datum::null(),
                );
            }
            for cache in [Cache::PROCOID, Cache::OPEROID] {
                let callback = Some(procedure_changed as unsafe extern "C-unwind" fn(_, _, _));
                raw::CacheRegisterSyscacheCallback(cache as c_int, callback, pg_sys::Datum::null());
            }
            raw::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::null());
        })?;
    }
    REGISTERED.set(true);
    Ok(())
}

unsafe extern "C-unwind" fn catalog_changed(_arg: pg_sys::Datum, cache: c_int, _hash: u32) {
    if cache == pg_sys::SysCacheIdentifier::USERMAPPINGUSERSERVER as c_int {
        // As the server itself does for servers and wrappers: cached plans rely on what an object has
        // promised that was made of other options.
        // SAFETY: raw call, which only marks the plans.
        unsafe { raw::ResetPlanCache() }
    }
    CHANGES.set(CHANGES.get() + 1);
    GENERATION.set(GENERATION.get() + 1);
}

unsafe extern "C-unwind" fn procedure_changed(_arg: pg_sys::Datum, _cache: c_int, _hash: u32) {
    CHANGES.set(CHANGES.get() + 1);
    PROCEDURES.set(PROCEDURES.get() + 1);
}

unsafe extern "C-unwind" fn relation_changed(_arg: pg_sys::Datum, relation: pg_sys::Oid) {
    CHANGES.set(CHANGES.get() + 1);
    let relation = relation.to_u32();
    if relation == 0 || WATCHED.try_change(|watched| watched.contains(&relation)) != Some(false) {
        WATCHED_CHANGES.set(WATCHED_CHANGES.get() + 1);
    }
    if ROW_TYPES.try_change(|watched| watched.contains(&relation)) != Some(false) {
        GENERATION.set(GENERATION.get() + 1);
    }
    let noted = RELATIONS.try_change(|list| {
        let room = relation != 0 && list.len() < MOST_RELATIONS;
        if room && !list.contains(&relation) {
            list.push(relation);
        }
        room
    });
    if noted != Some(true) {
        GENERATION.set(GENERATION.get() + 1);
    }
}
