//! What a function gives back: the type that its call expects, and sets, either all at once in a tuple
//! store or one value per call. The danger is the set that nobody reads to its end: a callback of the
//! executor's and the abort of the transaction end it.

use pgrx::pg_sys::{self, Datum, Oid};

use super::call::Call;
use super::guard::pg_try;
use super::live::{self, Cell, Ends};
use super::planner::Constant;
use super::types::{self, Field, RowType};
use super::{raw, xact};
use crate::error::{Error, SqlState};

/// The type that a call expects.
pub(crate) enum Expected {
    Scalar(Oid),
    Row(RowShape),
    /// A domain over a composite type, and the columns of that.
    RowDomain(Oid, RowShape),
    /// A record without a column definition list.
    Unknown,
}

/// The columns of a row to be returned; the descriptor lives in the memory of the call site.
#[derive(Clone)]
pub(crate) struct RowShape {
    descriptor: pg_sys::TupleDesc,
    fields: Vec<Field>,
}

/// What the call expects, polymorphic types and column definition lists resolved.
pub(crate) fn expected(call: Call) -> Result<Expected, Error> {
    let (mut type_oid, mut descriptor) = (Oid::INVALID, std::ptr::null_mut());
    // SAFETY: raw calls; the copy lies in the memory of the call site.
    unsafe {
        let class = pg_try(|| {
            let old = pg_sys::CurrentMemoryContext;
            pg_sys::CurrentMemoryContext = call.site_memory();
            let class = raw::get_call_result_type(call.raw(), &raw mut type_oid, &raw mut descriptor);
            if !descriptor.is_null() {
                descriptor = raw::BlessTupleDesc(raw::CreateTupleDescCopy(descriptor));
            }
            pg_sys::CurrentMemoryContext = old;
            class
        })?;
        use pg_sys::TypeFuncClass as Class;
        Ok(match class {
            Class::TYPEFUNC_COMPOSITE => Expected::Row(RowShape::of(descriptor)),
            Class::TYPEFUNC_COMPOSITE_DOMAIN => Expected::RowDomain(type_oid, RowShape::of(descriptor)),
            Class::TYPEFUNC_RECORD if !descriptor.is_null() => Expected::Row(RowShape::of(descriptor)),
            Class::TYPEFUNC_RECORD => match given(call) {
                Some(shape) => Expected::Row(shape),
                None => Expected::Unknown,
            },
            _ => Expected::Scalar(type_oid),
        })
    }
}

/// The descriptor that the query itself gives for a set of records.
unsafe fn given(call: Call) -> Option<RowShape> {
    // SAFETY: null or a node that lives during the call; the copy is the site's.
    unsafe {
        let info = set_info(call)?;
        if (*info).expectedDesc.is_null() {
            return None;
        }
        let old = pg_sys::CurrentMemoryContext;
        pg_sys::CurrentMemoryContext = call.site_memory();
        let copy = pg_try(|| raw::BlessTupleDesc(raw::CreateTupleDescCopy((*info).expectedDesc)));
        pg_sys::CurrentMemoryContext = old;
        copy.ok().map(|copy| RowShape::of(copy))
    }
}

impl RowShape {
    /// # Safety
    /// `descriptor` is a live one.
    pub(super) unsafe fn of(descriptor: pg_sys::TupleDesc) -> Self {
        // SAFETY: the caller's promise.
        RowShape { descriptor, fields: unsafe { types::fields(descriptor) } }
    }

    /// An array of values and one of NULLs, in the current memory context. May raise.
    ///
    /// # Safety
    /// The caller's frames hold no destructors.
    pub(crate) unsafe fn room(&self) -> (*mut Datum, *mut bool) {
        let count = self.fields.len().max(1);
        // SAFETY: the caller's promise.
        unsafe { (raw::palloc0(count * size_of::<Datum>()).cast(), raw::palloc0(count).cast()) }
    }

    /// A row of such values, as triggers give it. May raise.
    ///
    /// # Safety
    /// The arrays have an element for each field; the caller's frames hold no destructors.
    pub(crate) unsafe fn form(&self, values: *mut Datum, nulls: *mut bool) -> Datum {
        // SAFETY: the caller's promise; the tuple lies in the current memory context.
        unsafe { Datum::from(raw::heap_form_tuple(self.descriptor, values, nulls)) }
    }

    /// A composite value whose fields are all NULL.
    pub(crate) fn empty(&self) -> Result<Datum, Error> {
        // SAFETY: raw calls; the arrays have an element for each field.
        unsafe {
            pg_try(|| {
                let (values, nulls) = self.room();
                std::ptr::write_bytes(nulls, 1, self.fields.len());
                let tuple = raw::heap_form_tuple(self.descriptor, values, nulls);
                raw::HeapTupleHeaderGetDatum((*tuple).t_data)
            })
        }
    }

    /// A composite value of these fields.
    pub(crate) fn row<const N: usize>(&self, fields: [Constant; N]) -> Result<Datum, Error> {
        if N != self.fields.len() {
            return Err(Error::internal("multicorn: a row of another shape is expected"));
        }
        let (mut values, mut nulls) = (fields.map(|field| field.datum), fields.map(|field| field.is_null));
        // SAFETY: raw calls; the arrays have an element for each field.
        unsafe {
            pg_try(|| {
                let tuple = raw::heap_form_tuple(self.descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
                raw::HeapTupleHeaderGetDatum((*tuple).t_data)
            })
        }
    }

    /// The fields of a composite value of this shape. May raise.
    ///
    /// # Safety
    /// As of `form`, and the value is a live one.
    pub(crate) unsafe fn deform(&self, row: Datum, values: *mut Datum, nulls: *mut bool) {
        // SAFETY: the caller's promise.
        unsafe {
            let header = raw::pg_detoast_datum(row.cast_mut_ptr()).cast();
            types::deform_into(header, self.descriptor, values, nulls);
        }
    }

    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    pub(super) fn descriptor(&self) -> pg_sys::TupleDesc {
        self.descriptor
    }

    /// The same as a row type, which must not outlive the call site.
    pub(crate) fn row_type(&self) -> RowType {
        RowType::of(self.descriptor, self.fields.clone())
    }
}

/// How the caller takes a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetMode {
    ValuePerCall,
    Materialize { random: bool },
}

fn set_info(call: Call) -> Option<*mut pg_sys::ReturnSetInfo> {
    // SAFETY: null or a node; the cast follows the tag.
    unsafe {
        let node = (*call.raw()).resultinfo;
        let is = node.as_ref()?.type_ == pg_sys::NodeTag::T_ReturnSetInfo;
        is.then_some(node.cast())
    }
}

/// The same where a set is being returned.
fn expected_set(call: Call) -> Result<*mut pg_sys::ReturnSetInfo, Error> {
    set_info(call).ok_or_else(|| Error::internal("multicorn: no set is expected"))
}

/// How the caller takes the set that the function returns.
pub(crate) fn set_mode(call: Call) -> Result<SetMode, Error> {
    let info = set_info(call).ok_or_else(|| {
        let text = "set-valued function called in context that cannot accept a set";
        Error::new(SqlState::FEATURE_NOT_SUPPORTED, text)
    })?;
    use pg_sys::SetFunctionReturnMode as Mode;
    // SAFETY: a node of the running call.
    let allowed = unsafe { (*info).allowedModes } as u32;
    let may = |mode: u32| allowed & mode != 0;
    let prefers = may(Mode::SFRM_Materialize) && may(Mode::SFRM_Materialize_Preferred);
    if may(Mode::SFRM_ValuePerCall) && !prefers {
        return Ok(SetMode::ValuePerCall);
    }
    Ok(SetMode::Materialize { random: may(Mode::SFRM_Materialize_Random) })
}

/// Fills the tuple store that the call returns. `next` writes a row's values, and says whether there was
/// one; what it allocates is freed after each row.
///
/// `scalar` is the type of the only column where the set is none of rows.
pub(crate) fn materialize(
    call: Call,
    random: bool,
    shape: Result<&RowShape, Oid>,
    next: impl FnMut(*mut Datum, *mut bool) -> Result<bool, Error>,
) -> Result<(), Error> {
    let info = expected_set(call)?;
    // SAFETY: raw calls; store and descriptor belong to the query's memory, as the server wants it.
    unsafe {
        let (store, descriptor) = pg_try(|| {
            let old = pg_sys::CurrentMemoryContext;
            pg_sys::CurrentMemoryContext = (*(*info).econtext).ecxt_per_query_memory;
            let descriptor = match shape {
                Ok(shape) => raw::CreateTupleDescCopy(shape.descriptor()),
                Err(type_oid) => {
                    let descriptor = raw::CreateTemplateTupleDesc(1);
                    raw::TupleDescInitEntry(descriptor, 1, c"result".as_ptr(), type_oid, -1, 0);
                    descriptor
                }
            };
            let store = raw::tuplestore_begin_heap(random, false, pg_sys::work_mem);
            pg_sys::CurrentMemoryContext = old;
            (store, descriptor)
        })?;
        (*info).returnMode = pg_sys::SetFunctionReturnMode::SFRM_Materialize;
        (*info).setResult = store;
        (*info).setDesc = descriptor;
        fill(store, descriptor, next)
    }
}

/// # Safety
/// The store takes rows of the descriptor.
unsafe fn fill(
    store: *mut pg_sys::Tuplestorestate,
    descriptor: pg_sys::TupleDesc,
    mut next: impl FnMut(*mut Datum, *mut bool) -> Result<bool, Error>,
) -> Result<(), Error> {
    super::memory::scratch(|| {
        // SAFETY: the arrays live in the outer scratch context, what a row needs in the inner one.
        unsafe {
            let outer = pg_sys::CurrentMemoryContext;
            let count = ((*descriptor).natts as usize).max(1);
            let (values, nulls) = pg_try(|| {
                (raw::palloc0(count * size_of::<Datum>()).cast::<Datum>(), raw::palloc0(count).cast::<bool>())
            })?;
            super::memory::scratch(|| {
                let inner = pg_sys::CurrentMemoryContext;
                debug_assert!(inner != outer);
                // Nothing on this frame has to be dropped when the server raises: the result is empty then.
                let filled = pg_try(|| {
                    loop {
                        match next(values, nulls) {
                            Ok(true) => {}
                            Ok(false) => return Ok(()),
                            Err(error) => return Err(error),
                        }
                        raw::tuplestore_putvalues(store, descriptor, values, nulls);
                        raw::MemoryContextReset(inner);
                    }
                });
                filled?
            })
        }
    })
}

/// Writes the value of a row that has only one, for `materialize`.
pub(crate) fn put(values: *mut Datum, nulls: *mut bool, value: Datum) -> Result<bool, Error> {
    // SAFETY: `materialize` passes arrays with a place for each column, of which there is at least one.
    unsafe {
        *values = value;
        *nulls = false;
    }
    Ok(true)
}

/// The tuple store of a call, for rows that are put into it as they come.
pub(crate) struct Store {
    store: *mut pg_sys::Tuplestorestate,
    descriptor: pg_sys::TupleDesc,
    memory: pg_sys::MemoryContext,
}

impl Store {
    pub(super) fn raw(&self) -> (*mut pg_sys::Tuplestorestate, pg_sys::TupleDesc) {
        (self.store, self.descriptor)
    }

    /// Where the store itself lies.
    pub(super) fn memory(&self) -> pg_sys::MemoryContext {
        self.memory
    }

    /// Room for one row's values, in the current memory context. May raise.
    pub(crate) unsafe fn room(&self) -> (*mut Datum, *mut bool) {
        // SAFETY: raw calls; the descriptor lives as long as the call.
        unsafe {
            let count = ((*self.descriptor).natts as usize).max(1);
            (raw::palloc0(count * size_of::<Datum>()).cast(), raw::palloc0(count).cast())
        }
    }

    /// Adds a row. May raise.
    ///
    /// # Safety
    /// The arrays are of `room`, filled; the caller's frames hold no destructors.
    pub(crate) unsafe fn put(&self, values: *mut Datum, nulls: *mut bool) {
        // SAFETY: the caller's promise.
        unsafe { raw::tuplestore_putvalues(self.store, self.descriptor, values, nulls) }
    }
}

/// The tuple store that the call returns, empty, for rows that the server itself writes into it.
pub(crate) fn begin_store(call: Call, random: bool, shape: Result<&RowShape, Oid>) -> Result<Store, Error> {
    materialize(call, random, shape, |_, _| Ok(false))?;
    let info = expected_set(call)?;
    // SAFETY: `materialize` has set both.
    unsafe {
        let memory = (*(*info).econtext).ecxt_per_query_memory;
        Ok(Store { store: (*info).setResult, descriptor: (*info).setDesc, memory })
    }
}

/// A set whose values are taken one per call, until its end, or the executor's or the transaction's.
pub(crate) struct Running<T: Ends>(*mut Cell<T>);

impl<T: Ends> Clone for Running<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Ends> Copy for Running<T> {}

/// The subtransaction whose abort ends a set for certain: that of the portal in which it is read. One that was
/// begun inside of it may end while the portal goes on: a cursor, after ROLLBACK TO.
fn reader() -> u32 {
    // SAFETY: null or the portal that runs.
    unsafe { pg_sys::ActivePortal.as_ref() }
        .map_or_else(xact::current_subtransaction, |portal| portal.createSubid)
}

impl<T: Ends> Running<T> {
    /// Begins a set at this call site.
    pub(crate) fn begin(call: Call, value: T) -> Result<Self, Error> {
        Self::begin_again(call, None, value)
    }

    /// The same in the place of an earlier one there, which has ended: each place costs memory of the query.
    pub(crate) fn begin_again(call: Call, earlier: Option<Self>, value: T) -> Result<Self, Error> {
        xact::listen(live::listener)?;
        let info = expected_set(call)?;
        let cell = match earlier {
            // SAFETY: a cell of this call site, whose memory lives.
            Some(Running(cell)) => unsafe {
                live::fill(cell, reader(), value);
                cell
            },
            None => live::own(call.site_memory(), reader(), value)?,
        };
        // SAFETY: raw call; the cell lives as long as the expression's memory, which ends after it.
        unsafe {
            let argument = Datum::from(cell.cast::<std::ffi::c_void>());
            let callback: pg_sys::ExprContextCallbackFunction = Some(shut_down::<T>);
            pg_try(|| raw::RegisterExprContextCallback((*info).econtext, callback, argument))?;
        }
        Ok(Running(cell))
    }

    /// # Errors
    /// The set has ended.
    pub(crate) fn get(&mut self) -> Result<&mut T, Error> {
        // SAFETY: the call site keeps its memory while it is called.
        unsafe { (*self.0).get() }
    }

    /// The last value was given.
    pub(crate) fn finish(self, call: Call) -> Result<(), Error> {
        no_more(call);
        if let Some(info) = set_info(call) {
            let argument = Datum::from(self.0.cast::<std::ffi::c_void>());
            let callback: pg_sys::ExprContextCallbackFunction = Some(shut_down::<T>);
            // SAFETY: as in `begin`.
            unsafe { pg_try(|| raw::UnregisterExprContextCallback((*info).econtext, callback, argument))? }
        }
        // SAFETY: as in `get`.
        unsafe { (*self.0).end() }
    }
}

/// No value follows.
pub(crate) fn no_more(call: Call) {
    if let Some(info) = set_info(call) {
        // SAFETY: a node of the running call.
        unsafe { (*info).isDone = pg_sys::ExprDoneCond::ExprEndResult }
    }
}

/// One more value follows.
pub(crate) fn more(call: Call) {
    if let Some(info) = set_info(call) {
        // SAFETY: a node of the running call.
        unsafe { (*info).isDone = pg_sys::ExprDoneCond::ExprMultipleResult }
    }
}

unsafe extern "C-unwind" fn shut_down<T: Ends>(cell: Datum) {
    // SAFETY: registered with a cell that lives at least as long.
    super::guard::boundary(|| unsafe { (*cell.cast_mut_ptr::<Cell<T>>()).end() });
}
