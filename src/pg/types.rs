//! Look-ups of types and their functions, done once per plan. The danger is the life of a function's
//! private cache: it lies in the memory context that is current when the function is looked up.

use std::cell::UnsafeCell;
use std::ffi::c_char;

use pgrx::pg_sys::{self, Datum, Oid};

use super::{encoding, guard::pg_try, inval, raw, relation};
use crate::error::Error;

/// A function of the server, ready to be called.
pub(crate) struct Function {
    info: Box<UnsafeCell<pg_sys::FmgrInfo>>,
}

impl Function {
    /// Its caches go with the memory context that is current now, and it must not be called later.
    pub(crate) fn lookup(oid: Oid) -> Result<Self, Error> {
        let info = Box::new(UnsafeCell::new(pg_sys::FmgrInfo::default()));
        let place = info.get();
        // SAFETY: raw calls; the box does not move while it is filled.
        unsafe { pg_try(|| raw::fmgr_info_cxt(oid, place, pg_sys::CurrentMemoryContext))? };
        Ok(Function { info })
    }

    fn info(&self) -> *mut pg_sys::FmgrInfo {
        self.info.get()
    }

    /// # Safety
    /// As of `call3`.
    pub(crate) unsafe fn call1(&self, collation: Oid, argument: Datum) -> Datum {
        // SAFETY: the caller's promise.
        unsafe { raw::FunctionCall1Coll(self.info(), collation, argument) }
    }

    /// # Safety
    /// As of every raw call: it may longjmp. The arguments fit the function.
    pub(crate) unsafe fn call3(&self, collation: Oid, arg1: Datum, arg2: Datum, arg3: Datum) -> Datum {
        // SAFETY: the caller's promise.
        unsafe { raw::FunctionCall3Coll(self.info(), collation, arg1, arg2, arg3) }
    }
}

/// A type's input function with what it has to be told.
pub(crate) struct Input {
    function: Function,
    ioparam: Oid,
    typmod: i32,
}

impl Input {
    pub(crate) fn lookup(type_oid: Oid, typmod: i32) -> Result<Self, Error> {
        let (mut function, mut ioparam) = (Oid::INVALID, Oid::INVALID);
        // SAFETY: raw call that fills the two locals.
        unsafe { pg_try(|| raw::getTypeInputInfo(type_oid, &raw mut function, &raw mut ioparam))? };
        Ok(Input { function: Function::lookup(function)?, ioparam, typmod })
    }

    /// The value that `text`, in the database's encoding, stands for. May raise.
    ///
    /// # Safety
    /// `text` is NUL-terminated; the caller's frames hold no destructors.
    pub(crate) unsafe fn call(&self, text: *const c_char) -> Datum {
        // SAFETY: the caller's promise; input functions only read the text.
        unsafe { raw::InputFunctionCall(self.function.info(), text.cast_mut(), self.ioparam, self.typmod) }
    }
}

/// A type's output function.
pub(crate) struct Output {
    function: Function,
}

impl Output {
    pub(crate) fn lookup(type_oid: Oid) -> Result<Self, Error> {
        let (mut function, mut is_varlena) = (Oid::INVALID, false);
        // SAFETY: raw call that fills the two locals.
        unsafe { pg_try(|| raw::getTypeOutputInfo(type_oid, &raw mut function, &raw mut is_varlena))? };
        Ok(Output { function: Function::lookup(function)? })
    }

    /// The value as NUL-terminated text in the database's encoding. May raise.
    ///
    /// # Safety
    /// `value` is of this type; the caller's frames hold no destructors.
    pub(crate) unsafe fn call(&self, value: Datum) -> *mut c_char {
        // SAFETY: the caller's promise.
        unsafe { raw::OutputFunctionCall(self.function.info(), value) }
    }
}

impl Output {
    /// The same in a form that depends on no setting of the session, so that another one reads the same
    /// value: ISO dates, and every digit. The server's errors come back as values.
    ///
    /// # Safety
    /// `value` is of this type.
    pub(crate) unsafe fn portable(&self, value: Datum) -> Result<*mut c_char, Error> {
        // SAFETY: plain variables of the backend, put back whatever happens; the caller's promise.
        unsafe {
            let styles = (pg_sys::DateStyle, pg_sys::IntervalStyle, pg_sys::extra_float_digits);
            pg_sys::DateStyle = pg_sys::USE_ISO_DATES as i32;
            pg_sys::IntervalStyle = pg_sys::INTSTYLE_POSTGRES as i32;
            pg_sys::extra_float_digits = styles.2.max(1);
            let text = pg_try(|| self.call(value));
            (pg_sys::DateStyle, pg_sys::IntervalStyle, pg_sys::extra_float_digits) = styles;
            text
        }
    }
}

/// The function that fits a value to its column's typmod as an assignment does.
pub(crate) struct Coercion {
    function: Function,
    typmod: i32,
}

impl Coercion {
    /// `None` where there is no typmod, or no function for it.
    pub(crate) fn lookup(type_oid: Oid, typmod: i32) -> Result<Option<Self>, Error> {
        if typmod < 0 {
            return Ok(None);
        }
        let mut function = Oid::INVALID;
        // SAFETY: raw call that fills the local.
        let path = unsafe { pg_try(|| raw::find_typmod_coercion_function(type_oid, &raw mut function))? };
        if path != pg_sys::CoercionPathType::COERCION_PATH_FUNC || function == Oid::INVALID {
            return Ok(None);
        }
        Ok(Some(Coercion { function: Function::lookup(function)?, typmod }))
    }

    /// # Safety
    /// `value` is of this type; may raise.
    pub(crate) unsafe fn call(&self, value: Datum) -> Datum {
        // The third argument, "explicit", is ignored by functions of two: they read only their own.
        // SAFETY: the caller's promise.
        unsafe { self.function.call3(Oid::INVALID, value, Datum::from(self.typmod), Datum::from(false)) }
    }
}

/// How values of a type lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) length: i16,
    pub(crate) by_value: bool,
    pub(crate) align: c_char,
}

impl Layout {
    /// A copy of a value in the current memory context. May raise.
    ///
    /// # Safety
    /// `value` is a live value of the type; the caller's frames hold no destructors.
    pub(crate) unsafe fn copy(&self, value: Datum) -> Datum {
        // SAFETY: the caller's promise.
        unsafe { raw::datumCopy(value, self.by_value, std::ffi::c_int::from(self.length)) }
    }

    pub(crate) fn lookup(type_oid: Oid) -> Result<Self, Error> {
        let mut layout = Layout { length: 0, by_value: false, align: 0 };
        // SAFETY: raw call that fills the local's fields.
        unsafe {
            pg_try(|| {
                raw::get_typlenbyvalalign(
                    type_oid,
                    &raw mut layout.length,
                    &raw mut layout.by_value,
                    &raw mut layout.align,
                )
            })?
        };
        Ok(layout)
    }
}

/// The type below all domains, and the typmod that the innermost of them sets.
pub(crate) fn base_type(type_oid: Oid, typmod: i32) -> Result<(Oid, i32), Error> {
    let mut typmod = typmod;
    // SAFETY: raw call that reads and fills the local.
    let base = unsafe { pg_try(|| raw::getBaseTypeAndTypmod(type_oid, &raw mut typmod))? };
    Ok((base, typmod))
}

/// The element type of a true array type.
pub(crate) fn element_type(type_oid: Oid) -> Result<Option<Oid>, Error> {
    // SAFETY: raw call.
    let element = unsafe { pg_try(|| raw::get_element_type(type_oid))? };
    Ok((element != Oid::INVALID).then_some(element))
}

/// `pg_type.typtype`: b(ase), c(omposite), d(omain), e(num), p(seudo), r(ange), m(ultirange).
pub(crate) fn kind(type_oid: Oid) -> Result<u8, Error> {
    // SAFETY: raw call.
    Ok(unsafe { pg_try(|| raw::get_typtype(type_oid))? } as u8)
}

/// Whether the type is the extension hstore's, wherever that was installed: by name, since an
/// extension's types have no fixed OID.
pub(crate) fn is_hstore(type_oid: Oid) -> Result<bool, Error> {
    let name = name(type_oid, -1)?;
    Ok(name.rsplit('.').next() == Some("hstore"))
}

/// The type that a name as in a cast stands for: `int`, `public.mood[]`.
pub(crate) fn parse(name: &str) -> Result<Oid, Error> {
    let text = encoding::to_server_exactly(name)?;
    let (mut type_oid, mut typmod) = (Oid::INVALID, -1);
    // SAFETY: raw call with a text that outlives it; it fills the two locals, or raises.
    unsafe {
        pg_try(|| {
            #[cfg(feature = "pg15")]
            raw::parseTypeString(text.as_ptr(), &raw mut type_oid, &raw mut typmod, false);
            #[cfg(not(feature = "pg15"))]
            raw::parseTypeString(text.as_ptr(), &raw mut type_oid, &raw mut typmod, std::ptr::null_mut());
        })?;
    }
    Ok(type_oid)
}

/// The hash function that agrees with the type's own `=`.
pub(crate) fn hash_function(type_oid: Oid) -> Result<Option<Oid>, Error> {
    let what = pg_sys::TYPECACHE_HASH_PROC as i32;
    // SAFETY: raw call; entries of the type cache live as long as the backend.
    let function = unsafe { pg_try(|| (*raw::lookup_type_cache(type_oid, what)).hash_proc)? };
    Ok((function != Oid::INVALID).then_some(function))
}

/// The type's name as the server shows it in messages.
pub(crate) fn name(type_oid: Oid, typmod: i32) -> Result<String, Error> {
    // SAFETY: raw call; the text is palloc'd and NUL-terminated.
    unsafe {
        let text = pg_try(|| raw::format_type_with_typemod(type_oid, typmod))?;
        Ok(encoding::from_server_ptr(text).unwrap_or_default())
    }
}

/// One attribute of a composite type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) type_oid: Oid,
    pub(crate) typmod: i32,
    pub(crate) dropped: bool,
}

/// A composite type's descriptor, a copy of the current memory context.
pub(crate) struct RowType {
    descriptor: pg_sys::TupleDesc,
    fields: Vec<Field>,
}

/// The relation that defines a row type, which `ALTER TYPE` changes.
///
/// # Safety
/// `descriptor` is a live one.
unsafe fn relation_of(descriptor: pg_sys::TupleDesc) -> Option<Oid> {
    // SAFETY: the caller's promise.
    let first = unsafe { ((*descriptor).natts > 0).then(|| (*relation::attribute(descriptor, 0)).attrelid)? };
    (first != Oid::INVALID).then_some(first)
}

/// The attributes of a descriptor, dropped ones included.
///
/// # Safety
/// A live one.
pub(super) unsafe fn fields(descriptor: pg_sys::TupleDesc) -> Vec<Field> {
    // SAFETY: a descriptor has `natts` attributes; a name is NUL-terminated within its fixed length.
    unsafe {
        (0..(*descriptor).natts as usize)
            .map(|index| {
                let attribute = &*relation::attribute(descriptor, index);
                Field {
                    name: encoding::from_server_ptr(attribute.attname.data.as_ptr()).unwrap_or_default(),
                    type_oid: attribute.atttypid,
                    typmod: attribute.atttypmod,
                    dropped: attribute.attisdropped,
                }
            })
            .collect()
    }
}

impl RowType {
    /// `typmod` tells anonymous records apart, otherwise it is -1.
    pub(crate) fn lookup(type_oid: Oid, typmod: i32) -> Result<Self, Error> {
        // SAFETY: raw call; the copy is ours.
        let descriptor = unsafe { pg_try(|| raw::lookup_rowtype_tupdesc_copy(type_oid, typmod))? };
        // SAFETY: as below; an anonymous record's attributes name no relation.
        if let Some(relation) = unsafe { relation_of(descriptor) } {
            inval::watch_row_type(relation);
        }
        // SAFETY: just made.
        Ok(RowType { descriptor, fields: unsafe { fields(descriptor) } })
    }

    /// Of a descriptor that lives elsewhere.
    pub(super) fn of(descriptor: pg_sys::TupleDesc, fields: Vec<Field>) -> Self {
        RowType { descriptor, fields }
    }

    pub(crate) fn type_oid(&self) -> Oid {
        // SAFETY: a live descriptor.
        unsafe { (*self.descriptor).tdtypeid }
    }

    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    pub(crate) fn descriptor(&self) -> pg_sys::TupleDesc {
        self.descriptor
    }

    /// The fields of a value, one element for each attribute. May raise.
    ///
    /// # Safety
    /// `header` is a live, detoasted value of this type; the caller's frames hold no destructors.
    pub(crate) unsafe fn deform(&self, header: pg_sys::HeapTupleHeader) -> (*const Datum, *const bool) {
        // SAFETY: the caller's promise; the tuple only lends its header to the callee.
        unsafe {
            let count = self.fields.len().max(1);
            let values = raw::palloc(count * size_of::<Datum>()).cast::<Datum>();
            let nulls = raw::palloc(count).cast::<bool>();
            deform_into(header, self.descriptor, values, nulls);
            (values, nulls)
        }
    }
}

/// The fields of a composite, one element for each attribute of `descriptor`. May raise.
///
/// # Safety
/// `header` is a live, detoasted value of the descriptor's type; the arrays have an element for each
/// attribute; the caller's frames hold no destructors.
pub(crate) unsafe fn deform_into(
    header: pg_sys::HeapTupleHeader,
    descriptor: pg_sys::TupleDesc,
    values: *mut Datum,
    nulls: *mut bool,
) {
    // SAFETY: the caller's promise; the tuple only lends its header to the callee.
    unsafe {
        let mut tuple = pg_sys::HeapTupleData {
            t_len: (*header).t_choice.t_datum.datum_len_ as u32 >> LENGTH_SHIFT,
            t_data: header,
            ..Default::default()
        };
        raw::heap_deform_tuple(&raw mut tuple, descriptor, values, nulls);
    }
}

/// The length word of a four-byte header keeps two flag bits below the length on small-endian machines.
const LENGTH_SHIFT: u32 = if cfg!(target_endian = "little") { 2 } else { 0 };

/// A range type and its bounds' type.
pub(crate) struct RangeType {
    cache: *mut pg_sys::TypeCacheEntry,
}

impl RangeType {
    pub(crate) fn lookup(type_oid: Oid) -> Result<Self, Error> {
        let what = pg_sys::TYPECACHE_RANGE_INFO as i32;
        // SAFETY: raw call; entries of the type cache live as long as the backend.
        let cache = unsafe { pg_try(|| raw::lookup_type_cache(type_oid, what))? };
        // SAFETY: as above.
        match unsafe { (*cache).rngelemtype.is_null() } {
            true => Err(Error::internal(format!("type {} is not a range type", type_oid.to_u32()))),
            false => Ok(RangeType { cache }),
        }
    }

    /// The range type below a multirange type.
    pub(crate) fn of_multirange(type_oid: Oid) -> Result<Oid, Error> {
        // SAFETY: raw call.
        unsafe { pg_try(|| raw::get_multirange_range(type_oid)) }
    }

    pub(crate) fn bound_type(&self) -> Oid {
        // SAFETY: checked by `lookup`.
        unsafe { (*(*self.cache).rngelemtype).type_id }
    }

    /// The ranges of a multirange. May raise.
    ///
    /// # Safety
    /// `multirange` is a live, detoasted value over this type; the caller's frames hold no destructors.
    pub(crate) unsafe fn parts(&self, multirange: *const u8) -> (*const *mut pg_sys::RangeType, usize) {
        let (mut count, mut ranges) = (0, std::ptr::null_mut());
        // SAFETY: the caller's promise.
        unsafe {
            raw::multirange_deserialize(self.cache, multirange.cast(), &raw mut count, &raw mut ranges);
        }
        (ranges, count as usize)
    }

    /// The range between two bounds, each with whether it belongs to the range; `None` is infinite. May
    /// raise.
    ///
    /// # Safety
    /// The bounds are of `bound_type`; the caller's frames hold no destructors.
    pub(crate) unsafe fn make(
        &self,
        lower: (Option<Datum>, bool),
        upper: (Option<Datum>, bool),
        empty: bool,
    ) -> Datum {
        let bound = |(value, inclusive): (Option<Datum>, bool), lower| pg_sys::RangeBound {
            val: value.unwrap_or(Datum::null()),
            infinite: value.is_none(),
            inclusive: inclusive && value.is_some(),
            lower,
        };
        let (mut lower, mut upper) = (bound(lower, true), bound(upper, false));
        // SAFETY: the caller's promise.
        unsafe {
            #[cfg(feature = "pg15")]
            let range = raw::make_range(self.cache, &raw mut lower, &raw mut upper, empty);
            #[cfg(not(feature = "pg15"))]
            let range =
                raw::make_range(self.cache, &raw mut lower, &raw mut upper, empty, std::ptr::null_mut());
            Datum::from(range.cast::<std::ffi::c_void>())
        }
    }
}
