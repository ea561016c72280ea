//! `Postgres.Object`: a Python object that owns a copy of one value of the server, by value or in the bytes
//! behind its own header. The danger is a value that lies elsewhere: a pointer to a toasted one holds only
//! while the transaction does, so such objects are listed, and `settle` fetches what is left of them.

use std::cell::{Cell, UnsafeCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use pgrx::pg_sys::{Datum, NullableDatum};
use pyo3::ffi;
use pyo3::prelude::*;

use super::class::TypeInfo;
use crate::bridge::subtransaction::in_subtransaction;
use crate::bridge::{self, Failure, state};
use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::raw;
use crate::pg::varlena;

/// The layout of every instance. Its class holds the description that `info` points at.
#[repr(C)]
pub(super) struct Object {
    head: ffi::PyVarObject,
    info: *const TypeInfo,
    datum: Cell<Datum>,
}

/// Where an instance's own bytes begin: aligned for any value.
const BYTES: usize = size_of::<Object>();
const _: () = assert!(BYTES.is_multiple_of(8));

/// The class `Postgres.Object`, once made.
static BASE: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());

pub(super) fn base() -> *mut ffi::PyTypeObject {
    BASE.load(Ordering::Relaxed)
}

pub(super) fn set_base(class: *mut ffi::PyTypeObject) {
    BASE.store(class, Ordering::Relaxed);
}

/// An instance of `Postgres.Object`, or `None` for any other object.
///
/// # Safety
/// `object` is alive, and stays so for `'a`; the thread holds the GIL.
#[inline]
pub(super) unsafe fn of<'a>(object: *mut ffi::PyObject) -> Option<&'a Object> {
    // SAFETY: the caller's promise; only our classes end their instances by `dealloc`.
    unsafe {
        let class = ffi::Py_TYPE(object);
        let ours = is_ours(class)
            || ((*class).tp_flags & ffi::Py_TPFLAGS_HEAPTYPE != 0
                && !base().is_null()
                && ffi::PyType_IsSubtype(class, base()) != 0);
        ours.then(|| &*object.cast::<Object>()).filter(|object| !object.info.is_null())
    }
}

#[inline]
unsafe fn is_ours(class: *mut ffi::PyTypeObject) -> bool {
    // SAFETY: a live class.
    let end = unsafe { (*class).tp_dealloc };
    end.map(|function| function as usize) == Some(dealloc as *const () as usize)
}

impl Object {
    #[inline]
    pub(super) fn info(&self) -> &TypeInfo {
        // SAFETY: the instance holds its class, and the class its description.
        unsafe { &*self.info }
    }

    /// The value. What it points at lives as long as the object.
    #[inline]
    pub(super) fn datum(&self) -> Datum {
        self.datum.get()
    }

    pub(super) fn argument(&self) -> NullableDatum {
        NullableDatum { value: self.datum.get(), isnull: false }
    }

    /// The start of a variable-length value as the server's functions want to look into it: here, not
    /// compressed, with a header of four bytes. What is not like that is fetched once, and kept.
    pub(super) fn unpacked(&self) -> Result<*mut u8, Failure> {
        let start: *mut u8 = self.datum.get().cast_mut_ptr();
        // SAFETY: the value is alive; callers ask this of variable-length types only.
        unsafe {
            if varlena::is_unpacked(start) {
                return Ok(start);
            }
            super::ready()?;
            super::scratch::scratch(|| {
                let fetched = pg_try(|| raw::pg_detoast_datum(start.cast()))?.cast::<u8>();
                self.keep(fetched)
            })?;
        }
        Ok(self.datum.get().cast_mut_ptr())
    }

    /// Takes a copy of an unpacked value in the place of the packed one, whose bytes stay where they are.
    unsafe fn keep(&self, unpacked: *const u8) -> Result<(), Error> {
        // SAFETY: the caller's promise; the copy is freed by `dealloc`.
        unsafe {
            let total = varlena::stored_size(unpacked);
            let place = libc::malloc(total).cast::<u8>();
            if place.is_null() {
                return Err(Error::new(crate::error::SqlState::OUT_OF_MEMORY, "out of memory"));
            }
            std::ptr::copy_nonoverlapping(unpacked, place, total);
            if varlena::is_external(self.own_bytes()) {
                forget_toasted(std::ptr::from_ref(self).cast_mut());
            }
            self.datum.set(varlena::pointer(place.cast()));
        }
        Ok(())
    }

    fn own_bytes(&self) -> *mut u8 {
        std::ptr::from_ref(self).cast_mut().cast::<u8>().wrapping_add(BYTES)
    }

    /// A copy of the value in the current memory context. May raise.
    ///
    /// # Safety
    /// The caller's frames hold no destructors.
    pub(super) unsafe fn copied(&self) -> Datum {
        let layout = self.info().entry.layout;
        if layout.by_value {
            return self.datum.get();
        }
        // SAFETY: the caller's promise; the value is `size` bytes long.
        unsafe {
            let source: *const u8 = self.datum.get().cast_mut_ptr();
            let size = size(layout.length, source);
            let place = raw::palloc(size).cast::<u8>();
            std::ptr::copy_nonoverlapping(source, place, size);
            varlena::pointer(place.cast())
        }
    }
}

/// Bytes of a value that is passed by reference, a pointer to a toasted one included.
unsafe fn size(length: i16, start: *const u8) -> usize {
    // SAFETY: a live value of that length.
    unsafe {
        match length {
            -1 => varlena::stored_size(start),
            -2 => libc::strlen(start.cast()) + 1,
            fixed => fixed as usize,
        }
    }
}

/// A new instance of the type's class with a copy of the value.
///
/// # Safety
/// `datum` is a live value of the type; the thread holds the GIL.
#[inline]
pub(super) unsafe fn wrap(info: &TypeInfo, datum: Datum) -> Result<*mut ffi::PyObject, Failure> {
    // SAFETY: the caller's promise.
    unsafe { wrap_as(info.class(), info, datum) }
}

/// The same for a class below the type's own.
///
/// # Safety
/// As of `wrap`; `class` is the type's class or derived from it.
pub(super) unsafe fn wrap_as(
    class: *mut ffi::PyTypeObject,
    info: &TypeInfo,
    datum: Datum,
) -> Result<*mut ffi::PyObject, Failure> {
    let layout = info.entry.layout;
    // SAFETY: the caller's promise.
    unsafe {
        if layout.by_value {
            let object = allocate(class, 0)?;
            info.acquire();
            (*object).info = info;
            (*object).datum = Cell::new(datum);
            return Ok(object.cast());
        }
        let mut source: *const u8 = datum.cast_mut_ptr();
        let toasted = layout.length == -1 && varlena::is_external(source);
        if toasted && !varlena::is_on_disk(source) {
            source = pg_try(|| raw::pg_detoast_datum(source.cast_mut().cast()))?.cast();
        }
        let size = size(layout.length, source);
        let object = allocate(class, size)?;
        info.acquire();
        (*object).info = info;
        (*object).datum = Cell::new(varlena::pointer((*object).own_bytes().cast()));
        std::ptr::copy_nonoverlapping(source, (*object).own_bytes(), size);
        if toasted && varlena::is_external(source) {
            note_toasted(object);
        }
        Ok(object.cast())
    }
}

/// Memory for an instance with so many bytes behind its header.
#[inline]
unsafe fn allocate(class: *mut ffi::PyTypeObject, bytes: usize) -> Result<*mut Object, Failure> {
    // SAFETY: a live class whose instances are laid out as `Object`.
    unsafe {
        let object = if is_ours(class) {
            let place = ffi::PyObject_Malloc(BYTES + bytes).cast::<ffi::PyVarObject>();
            match place.is_null() {
                true => ffi::PyErr_NoMemory().cast(),
                false => ffi::PyObject_InitVar(place, class, bytes as isize),
            }
        } else {
            // A class of the user's: with a dict, and known to the garbage collector.
            match (*class).tp_alloc {
                Some(allocate) => allocate(class, bytes as isize).cast(),
                None => std::ptr::null_mut(),
            }
        };
        match object.is_null() {
            true => Err(Failure::Python(PyErr::fetch(Python::assume_attached()))),
            false => Ok(object.cast()),
        }
    }
}

/// `tp_dealloc` of every class of ours. It touches nothing of the server's, since any thread may run it.
///
/// # Safety
/// Called by Python for an instance without references.
pub(super) unsafe extern "C" fn dealloc(object: *mut ffi::PyObject) {
    // SAFETY: an instance is one of `Object`; its class, and with it the description, is still held.
    unsafe {
        let class = ffi::Py_TYPE(object);
        let this = object.cast::<Object>();
        let description = (*this).info;
        if let Some(info) = description.as_ref()
            && !info.entry.layout.by_value
        {
            let bytes = (*this).own_bytes();
            let start: *mut u8 = (*this).datum.get().cast_mut_ptr();
            if start != bytes {
                libc::free(start.cast());
            } else if info.entry.layout.length == -1 && varlena::is_external(bytes) {
                forget_toasted(this);
            }
        }
        if let Some(free) = (*class).tp_free {
            free(object.cast());
        }
        if !description.is_null() {
            TypeInfo::release(description);
        }
        ffi::Py_DECREF(class.cast());
    }
}

/// Objects whose value is a pointer to a toasted one, with the transaction of each; guarded by the GIL.
struct Toasted(UnsafeCell<Option<HashMap<usize, u64>>>);

// SAFETY: reached only by threads that hold the GIL, which nothing here lets go of.
unsafe impl Sync for Toasted {}

static TOASTED: Toasted = Toasted(UnsafeCell::new(None));
static TOASTED_COUNT: AtomicUsize = AtomicUsize::new(0);

/// # Safety
/// The thread holds the GIL.
unsafe fn toasted() -> &'static mut HashMap<usize, u64> {
    // SAFETY: the caller's promise; no reference outlives the calls below.
    unsafe { (*TOASTED.0.get()).get_or_insert_default() }
}

#[cold]
unsafe fn note_toasted(object: *mut Object) {
    // SAFETY: the caller holds the GIL.
    unsafe {
        toasted().insert(object as usize, state::transaction());
        TOASTED_COUNT.store(toasted().len(), Ordering::Relaxed);
    }
}

#[cold]
unsafe fn forget_toasted(object: *mut Object) {
    // SAFETY: the caller holds the GIL.
    unsafe {
        toasted().remove(&(object as usize));
        TOASTED_COUNT.store(toasted().len(), Ordering::Relaxed);
    }
}

/// Fetches the toasted values that Python still refers to, into memory of the session. Called when a
/// function has ended: later their table may have changed.
#[inline]
pub(crate) fn settle() -> Result<(), Error> {
    if TOASTED_COUNT.load(Ordering::Relaxed) == 0 { Ok(()) } else { super::scratch::scratch(fetch_toasted) }
}

#[cold]
fn fetch_toasted() -> Result<(), Error> {
    // SAFETY: called on the main thread, which holds the GIL.
    let listed: Vec<(usize, u64)> =
        unsafe { toasted().iter().map(|(&object, &transaction)| (object, transaction)).collect() };
    for (object, transaction) in listed {
        let object = object as *mut Object;
        // SAFETY: an object in the list is alive, since `dealloc` takes it out.
        unsafe {
            if transaction != state::transaction() || !fetch(object)? {
                // Its transaction has ended by an error, or the subtransaction that wrote it was undone: what
                // can still be had of it is the server's to say when somebody looks.
                forget_toasted(object);
            }
        }
    }
    Ok(())
}

/// Whether the value could be had.
unsafe fn fetch(object: *mut Object) -> Result<bool, Error> {
    // SAFETY: the caller holds the object. Where the server forbids subtransactions nothing can have been
    // undone, and an error goes on.
    unsafe {
        let look = || pg_try(|| raw::pg_detoast_datum((*object).datum.get().cast_mut_ptr()));
        let fetched = match raw::IsInParallelMode() {
            true => Ok(look()?),
            false => in_subtransaction(look),
        };
        match fetched {
            Ok(fetched) => (*object).keep(fetched.cast()).map(|()| true),
            Err(_) => bridge::check_interrupts().map(|()| false),
        }
    }
}
