//! The server's `List`. The danger is its flavours: a list of pointers is none of integers.

use pgrx::pg_sys;

use super::raw;

/// The elements, as pointers to `T`.
///
/// # Safety
/// `list` is null or a valid list of pointers to `T` that stays unchanged meanwhile.
pub(crate) unsafe fn pointers<T>(list: *mut pg_sys::List) -> impl Iterator<Item = *mut T> {
    // SAFETY: the caller's promise; `elements` holds `length` cells.
    let cells = unsafe {
        list.as_ref().map_or(&[][..], |l| std::slice::from_raw_parts(l.elements, l.length as usize))
    };
    // SAFETY: as above: a list of pointers.
    cells.iter().map(|cell| unsafe { cell.ptr_value }.cast())
}

/// The element at `index`.
///
/// # Safety
/// As `pointers`.
pub(crate) unsafe fn nth<T>(list: *mut pg_sys::List, index: usize) -> Option<*mut T> {
    // SAFETY: the caller's promise.
    unsafe { pointers(list).nth(index) }
}

/// The elements of a list of integers.
///
/// # Safety
/// `list` is null or a valid list of integers.
pub(crate) unsafe fn integers(list: *mut pg_sys::List) -> Vec<i32> {
    // SAFETY: the caller's promise; `elements` holds `length` cells.
    let cells = unsafe {
        list.as_ref().map_or(&[][..], |l| std::slice::from_raw_parts(l.elements, l.length as usize))
    };
    // SAFETY: as above: a list of integers.
    cells.iter().map(|cell| unsafe { cell.int_value }).collect()
}

/// A new list in `CurrentMemoryContext`.
///
/// # Safety
/// Runs inside `pg_try`, or below a frame without destructors; `T` is a node type.
pub(crate) unsafe fn from_slice<T>(elements: &[*mut T]) -> *mut pg_sys::List {
    let mut list = std::ptr::null_mut();
    for element in elements {
        // SAFETY: the caller's promise.
        list = unsafe { raw::lappend(list, element.cast()) };
    }
    list
}

/// The elements of a list of OIDs.
///
/// # Safety
/// `list` is null or a valid list of OIDs.
pub(crate) unsafe fn oids(list: *mut pg_sys::List) -> Vec<pg_sys::Oid> {
    // SAFETY: the caller's promise; `elements` holds `length` cells.
    let cells = unsafe {
        list.as_ref().map_or(&[][..], |l| std::slice::from_raw_parts(l.elements, l.length as usize))
    };
    // SAFETY: as above: a list of OIDs.
    cells.iter().map(|cell| unsafe { cell.oid_value }).collect()
}
