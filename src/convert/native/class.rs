//! The class of each type: made once, in Python, and the same until the type changes. The danger is a
//! description that goes before its instances: the class owns it, and each instance holds its class.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use pgrx::pg_sys::{self, Datum, Oid};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::column::NativeColumn;
use super::object;
use super::record::Shape;
use crate::bridge::Failure;
use crate::convert::known::Held;
use crate::convert::python::{Import, running};
use crate::error::Error;
use crate::pg::guard::pg_try;
use crate::pg::inval;
use crate::pg::memory::{Access, ForLife, OwnedContext};
use crate::pg::type_entry::TypeEntry;
use crate::pg::types::{self, Field, Function, Output, RowType};

static MAKE_CLASS: Import = Import::new("Postgres._families", "make_class");

/// Types whose values Rust looks into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int2,
    Int4,
    Int8,
    /// `oid` and the types that are one: an unsigned 32 bit number.
    Oid,
    Float4,
    Float8,
    Numeric,
    Text,
    /// bpchar: trailing blanks do not count.
    Padded,
    Bytea,
    Array,
    Record,
    Multirange,
    Other,
}

impl Kind {
    fn of(entry: &TypeEntry, base: Oid) -> Result<Self, Error> {
        Ok(match base {
            pg_sys::BOOLOID => Kind::Bool,
            pg_sys::INT2OID => Kind::Int2,
            pg_sys::INT4OID => Kind::Int4,
            pg_sys::INT8OID => Kind::Int8,
            pg_sys::FLOAT4OID => Kind::Float4,
            pg_sys::FLOAT8OID => Kind::Float8,
            pg_sys::NUMERICOID => Kind::Numeric,
            pg_sys::TEXTOID | pg_sys::VARCHAROID => Kind::Text,
            pg_sys::BPCHAROID => Kind::Padded,
            pg_sys::BYTEAOID => Kind::Bytea,
            pg_sys::RECORDOID => Kind::Record,
            _ if is_oid_type(base) => Kind::Oid,
            _ if base == entry.oid && entry.element.is_some() => Kind::Array,
            _ if base == entry.oid && entry.kind == b'c' => Kind::Record,
            _ if base == entry.oid && entry.kind == b'm' => Kind::Multirange,
            _ if base == entry.oid => Kind::Other,
            _ => Kind::of(&TypeEntry::lookup(base)?, base)?,
        })
    }
}

/// Types of `pg_catalog` whose value is an OID.
fn is_oid_type(type_oid: Oid) -> bool {
    const KNOWN: &[Oid] = &[
        pg_sys::OIDOID,
        pg_sys::REGPROCOID,
        pg_sys::REGPROCEDUREOID,
        pg_sys::REGOPEROID,
        pg_sys::REGOPERATOROID,
        pg_sys::REGCLASSOID,
        pg_sys::REGTYPEOID,
        pg_sys::REGCONFIGOID,
        pg_sys::REGDICTIONARYOID,
        pg_sys::REGNAMESPACEOID,
        pg_sys::REGROLEOID,
        pg_sys::REGCOLLATIONOID,
        pg_sys::XIDOID,
        pg_sys::CIDOID,
    ];
    KNOWN.contains(&type_oid)
}

/// All that is known of a type, looked up when it is first needed.
pub(crate) struct TypeInfo {
    pub(super) entry: TypeEntry,
    pub(super) kind: Kind,
    /// The type below all domains.
    pub(super) base: Oid,
    /// Fields of a composite type, to see that it has changed.
    fields: Option<Vec<Field>>,
    /// Borrowed: the class owns this.
    class: Cell<*mut ffi::PyTypeObject>,
    /// The class and the instances; the garbage collector may end the class first.
    references: Cell<usize>,
    output: OnceCell<Output>,
    hash: OnceCell<Option<Function>>,
    /// Of a composite type.
    pub(super) shape: OnceCell<Rc<Held<Shape>>>,
    columns: RefCell<HashMap<i32, Rc<Held<NativeColumn>>>>,
    // Dropped last: the others point into it.
    context: OwnedContext,
}

impl TypeInfo {
    fn lookup(type_oid: Oid) -> Result<Self, Error> {
        let entry = TypeEntry::lookup(type_oid)?;
        let (base, _) = types::base_type(type_oid, -1)?;
        let context = OwnedContext::new()?;
        Ok(TypeInfo {
            kind: Kind::of(&entry, base)?,
            base,
            fields: fields(&entry)?,
            class: Cell::new(std::ptr::null_mut()),
            references: Cell::new(0),
            output: OnceCell::new(),
            hash: OnceCell::new(),
            shape: OnceCell::new(),
            columns: RefCell::default(),
            context,
            entry,
        })
    }

    /// Whether the catalogue says the same as when this was looked up.
    fn is_current(&self) -> Result<bool, Error> {
        // The types that the server is built with do not change, except rows of catalogues and views.
        if self.entry.oid.to_u32() < pg_sys::FirstNormalObjectId && self.entry.kind == b'b' {
            return Ok(true);
        }
        let now = TypeEntry::lookup(self.entry.oid)?;
        Ok(now == self.entry && fields(&now)? == self.fields)
    }

    #[inline]
    pub(super) fn class(&self) -> *mut ffi::PyTypeObject {
        self.class.get()
    }

    pub(super) fn output(&self) -> Result<&Output, Error> {
        if let Some(output) = self.output.get() {
            return Ok(output);
        }
        let output = self.context.within(|| Output::lookup(self.entry.oid))?;
        Ok(self.output.get_or_init(|| output))
    }

    /// The hash function that agrees with the type's `=`, if there is one.
    pub(super) fn hash(&self) -> Result<Option<&Function>, Error> {
        if self.hash.get().is_none() {
            let oid = types::hash_function(self.entry.oid)?;
            let function = self.context.within(|| oid.map(Function::lookup).transpose())?;
            let _ = self.hash.set(function);
        }
        Ok(self.hash.get().and_then(Option::as_ref))
    }

    /// Python → Datum for this type and typmod.
    pub(super) fn column(&self, typmod: i32) -> Result<Rc<Held<NativeColumn>>, Error> {
        if let Some(known) = self.columns.borrow().get(&typmod) {
            return Ok(known.clone());
        }
        let made = Rc::new(Held::made(|| NativeColumn::resolve(self.entry.oid, typmod))?);
        self.columns.borrow_mut().insert(typmod, made.clone());
        Ok(made)
    }
}

/// The fields of a composite type, whose change is one of the type.
fn fields(entry: &TypeEntry) -> Result<Option<Vec<Field>>, Error> {
    if entry.kind != b'c' {
        return Ok(None);
    }
    super::scratch::scratch(|| Ok(Some(RowType::lookup(entry.oid, -1)?.fields().to_vec())))
}

impl TypeInfo {
    /// Counts one more that refers to it.
    #[inline]
    pub(super) fn acquire(&self) {
        self.references.set(self.references.get() + 1);
    }

    /// Counts one less, and frees it after the last.
    ///
    /// # Safety
    /// `info` came from `Box::into_raw`, and the caller gives up a reference that was counted.
    #[inline]
    pub(super) unsafe fn release(info: *const TypeInfo) {
        // SAFETY: the caller's promise; the count is guarded by the GIL.
        unsafe {
            let left = (*info).references.get() - 1;
            (*info).references.set(left);
            // Freeing the server's memory from another thread would race with the main one.
            if left == 0 && super::on_main_thread() {
                drop(Box::from_raw(info.cast_mut()));
            }
        }
    }
}

/// A reference to a `TypeInfo`, as the attribute `_info` of its class.
#[pyclass(frozen, module = "multicorn._values", name = "TypeInfo")]
pub(super) struct InfoHolder(*const TypeInfo);

// SAFETY: used only by threads that hold the GIL, which nothing here lets go of; what reaches the server
// looks first that it is the main thread.
unsafe impl Send for InfoHolder {}
// SAFETY: as above.
unsafe impl Sync for InfoHolder {}

impl InfoHolder {
    fn new(info: TypeInfo) -> Self {
        info.acquire();
        InfoHolder(Box::into_raw(Box::new(info)))
    }

    pub(super) fn info(&self) -> &TypeInfo {
        // SAFETY: counted by `new`.
        unsafe { &*self.0 }
    }
}

impl Drop for InfoHolder {
    fn drop(&mut self) {
        // SAFETY: counted by `new`.
        unsafe { TypeInfo::release(self.0) }
    }
}

struct Known {
    class: Py<PyType>,
    info: *const TypeInfo,
    generation: u64,
}

thread_local! {
    static CLASSES: ForLife<HashMap<u32, Known>> = ForLife::default();
    /// So many classes are worth a look for those of types that are gone.
    static SWEEP: Cell<usize> = const { Cell::new(256) };
}

/// A type's class, with what is known of the type.
pub(super) struct Class {
    // Keeps the description.
    class: Py<PyType>,
    info: *const TypeInfo,
}

impl Class {
    #[inline]
    pub(super) fn info(&self) -> &TypeInfo {
        // SAFETY: the class, which is held, owns the description.
        unsafe { &*self.info }
    }

    pub(super) fn bind<'py>(&self, py: Python<'py>) -> &Bound<'py, PyType> {
        self.class.bind(py)
    }
}

/// The class of a type, made if need be, or made anew if the type has changed.
pub(super) fn class_of(py: Python<'_>, type_oid: Oid) -> Result<Class, Failure> {
    let generation = inval::generation();
    let key = type_oid.to_u32();
    let known = CLASSES.read(|classes| {
        classes.get(&key).map(|known| (known.class.clone_ref(py), known.info, known.generation))
    });
    if let Some((class, info, seen)) = known {
        // SAFETY: the class, which is held, owns the description.
        if seen == generation || unsafe { (*info).is_current()? } {
            CLASSES.change(|classes| {
                if let Some(known) = classes.get_mut(&key) {
                    known.generation = generation;
                }
            });
            return Ok(Class { class, info });
        }
    }
    make(py, type_oid, generation)
}

fn make(py: Python<'_>, type_oid: Oid, generation: u64) -> Result<Class, Failure> {
    inval::register()?;
    if CLASSES.read(HashMap::len) >= SWEEP.get() {
        sweep();
    }
    let holder = Bound::new(py, InfoHolder::new(TypeInfo::lookup(type_oid)?))?;
    let info: *const TypeInfo = holder.get().0;
    let factory = MAKE_CLASS.get(py)?;
    // SAFETY: no server call inside that is not guarded.
    let class =
        unsafe { running(|| factory.call1((holder,))) }?.cast_into::<PyType>().map_err(PyErr::from)?;
    let pointer = class.as_type_ptr();
    // SAFETY: a class without instances, derived from `Object` without any field of its own, so that
    // `dealloc` does all that the general function would.
    unsafe {
        (*info).class.set(pointer);
        (*pointer).tp_dealloc = Some(object::dealloc);
        // A value refers to no other object.
        (*pointer).tp_flags &= !ffi::Py_TPFLAGS_HAVE_GC;
        (*pointer).tp_free = Some(ffi::PyObject_Free);
        (*pointer).tp_traverse = None;
        (*pointer).tp_clear = None;
        super::lend::fill(pointer, (*info).kind);
        ffi::PyType_Modified(pointer);
    }
    let known = Known { class: class.clone().unbind(), info, generation };
    let before = CLASSES.change(|classes| classes.insert(type_oid.to_u32(), known));
    drop(before);
    Ok(Class { class: class.unbind(), info })
}

/// Forgets the classes of types that are gone or have changed, and the operators that refer to them.
#[cold]
fn sweep() {
    let infos: Vec<(u32, *const TypeInfo)> =
        CLASSES.read(|classes| classes.iter().map(|(&key, known)| (key, known.info)).collect());
    // SAFETY: nobody takes a class out of the table meanwhile, and each owns its description.
    let stale = |info: *const TypeInfo| !unsafe { (*info).is_current() }.unwrap_or(false);
    let gone: Vec<u32> = infos.into_iter().filter(|&(_, info)| stale(info)).map(|(key, _)| key).collect();
    super::operator::forget();
    let dropped: Vec<_> =
        CLASSES.change(|classes| gone.iter().filter_map(|key| classes.remove(key)).collect());
    drop(dropped);
    SWEEP.set((CLASSES.read(HashMap::len) * 2).max(256));
}

/// Forgets all classes; each is made anew at its next use.
pub(super) fn forget() {
    let classes = CLASSES.change(std::mem::take);
    drop(classes);
}

/// Datum → an instance of its type's class.
pub(crate) struct NativeValue(Class);

impl NativeValue {
    pub(crate) fn resolve(type_oid: Oid) -> Result<Self, Error> {
        Python::attach(|py| {
            class_of(py, type_oid)
                .map(NativeValue)
                .map_err(|failure| failure.into_error(py, crate::bridge::Origin::current()))
        })
    }

    /// The value as an instance, which has a copy of it; NULL is None.
    ///
    /// # Safety
    /// `datum` is a live value of the type, unless `is_null`.
    #[inline]
    pub(crate) unsafe fn to_python<'py>(
        &self,
        py: Python<'py>,
        datum: Datum,
        is_null: bool,
    ) -> Result<Bound<'py, PyAny>, Error> {
        if is_null {
            return Ok(py.None().into_bound(py));
        }
        // SAFETY: the caller's promise; a new reference.
        unsafe {
            object::wrap(self.0.info(), datum)
                .map(|object| Bound::from_owned_ptr(py, object))
                .map_err(|failure| failure.into_error(py, crate::bridge::Origin::current()))
        }
    }
}

/// The hash of a value by the server. Server errors come back as values.
///
/// # Safety
/// `datum` is a live value of the type of `function`.
pub(super) unsafe fn hashed(function: &Function, collation: Oid, datum: Datum) -> Result<u32, Error> {
    // SAFETY: the caller's promise; one raw call.
    unsafe { pg_try(|| function.call1(collation, datum)).map(|hash| hash.value() as u32) }
}
