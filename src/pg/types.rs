//! Look-ups of types and their functions, done once per plan. The danger is the life of a function's
//! private cache: it lies in the memory context that is current when the function is looked up.

use std::cell::UnsafeCell;
use std::ffi::c_char;

use pgrx::pg_sys::{self, Datum, Oid};

use super::{encoding, guard::pg_try, raw};
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
    /// As of every raw call: it may longjmp. The arguments fit the function.
    pub(crate) unsafe fn call1(&self, collation: Oid, arg: Datum) -> Datum {
        // SAFETY: the caller's promise.
        unsafe { raw::FunctionCall1Coll(self.info(), collation, arg) }
    }

    /// # Safety
    /// As of `call1`.
    pub(crate) unsafe fn call2(&self, collation: Oid, arg1: Datum, arg2: Datum) -> Datum {
        // SAFETY: the caller's promise.
        unsafe { raw::FunctionCall2Coll(self.info(), collation, arg1, arg2) }
    }

    /// # Safety
    /// As of `call1`.
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
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) length: i16,
    pub(crate) by_value: bool,
    pub(crate) align: c_char,
}

impl Layout {
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

/// The type's name as the server shows it in messages.
pub(crate) fn name(type_oid: Oid, typmod: i32) -> Result<String, Error> {
    // SAFETY: raw call; the text is palloc'd and NUL-terminated.
    unsafe {
        let text = pg_try(|| raw::format_type_with_typemod(type_oid, typmod))?;
        Ok(encoding::from_server_ptr(text).unwrap_or_default())
    }
}
