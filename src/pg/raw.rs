//! The server's functions as plain externs. pgrx wraps each of its own declarations in a sigsetjmp,
//! which loses parts of an error and crashes inside another jump buffer; these do neither, so they
//! may longjmp, and are called only inside `guard::pg_try` or below a frame without destructors.
//! The danger is a signature that differs between versions: each is compared with pgrx's binding.

use std::ffi::{c_char, c_int, c_void};

use pgrx::pg_sys::*;

/// Declares externs and makes the compiler compare each with the generated binding.
macro_rules! raw {
    ($($(#[$cfg:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)?;)*) => {
        unsafe extern "C-unwind" {
            $($(#[$cfg])* pub(crate) fn $name($($arg: $ty),*) $(-> $ret)?;)*
        }
        $($(#[$cfg])* const _: unsafe fn($($ty),*) $(-> $ret)? = pgrx::pg_sys::$name;)*
    };
}

pub(super) use raw;

raw! {
    // memory
    fn palloc(size: Size) -> *mut c_void;
    fn palloc0(size: Size) -> *mut c_void;
    fn pfree(pointer: *mut c_void);
    fn pstrdup(text: *const c_char) -> *mut c_char;

    // errors
    fn CopyErrorData() -> *mut ErrorData;
    fn FreeErrorData(data: *mut ErrorData);
    fn FlushErrorState();
    #[cfg(any(feature = "pg15", feature = "pg16", feature = "pg17"))]
    fn ReThrowError(data: *mut ErrorData) -> !;
    #[cfg(feature = "pg18")] // bindgen misses how version 18 says that it does not return
    fn ReThrowError(data: *mut ErrorData);
    fn ThrowErrorData(data: *mut ErrorData);
    fn ProcessInterrupts();

    // text
    fn GetDatabaseEncoding() -> c_int;

    // memory contexts
    fn AllocSetContextCreateInternal(
        parent: MemoryContext, name: *const c_char, min: Size, initial: Size, max: Size,
    ) -> MemoryContext;
    fn MemoryContextAlloc(context: MemoryContext, size: Size) -> *mut c_void;
    fn MemoryContextDelete(context: MemoryContext);
    fn MemoryContextReset(context: MemoryContext);
    fn MemoryContextRegisterResetCallback(context: MemoryContext, callback: *mut MemoryContextCallback);

    // lists and sets
    fn lappend(list: *mut List, datum: *mut c_void) -> *mut List;
    fn list_copy_head(list: *const List, length: c_int) -> *mut List;
    fn makeString(text: *mut c_char) -> *mut String;
    fn bms_add_member(set: *mut Bitmapset, member: c_int) -> *mut Bitmapset;
    fn bms_equal(a: *const Bitmapset, b: *const Bitmapset) -> bool;
    fn bms_get_singleton_member(set: *const Bitmapset, member: *mut c_int) -> bool;
    fn bms_copy(set: *const Bitmapset) -> *mut Bitmapset;
    fn bms_free(set: *mut Bitmapset);
    fn bms_is_member(member: c_int, set: *const Bitmapset) -> bool;
    fn bms_next_member(set: *const Bitmapset, previous: c_int) -> c_int;

    // the catalogue
    fn CacheRegisterRelcacheCallback(callback: RelcacheCallbackFunction, argument: Datum);
    fn CacheRegisterSyscacheCallback(cache: c_int, callback: SyscacheCallbackFunction, argument: Datum);
    fn GetForeignColumnOptions(table: Oid, attno: AttrNumber) -> *mut List;
    fn GetForeignServer(server: Oid) -> *mut ForeignServer;
    fn GetForeignTable(table: Oid) -> *mut ForeignTable;
    fn GetUserId() -> Oid;
    fn GetUserNameFromId(role: Oid, no_error: bool) -> *mut c_char;
    fn RangeVarGetRelidExtended(
        name: *const RangeVar, lock: LOCKMODE, flags: uint32, callback: RangeVarGetRelidCallback, argument: *mut c_void,
    ) -> Oid;
    fn ReleaseSysCache(tuple: HeapTuple);
    fn ResetPlanCache();
    fn SearchSysCacheExists(cache: c_int, key1: Datum, key2: Datum, key3: Datum, key4: Datum) -> bool;
    fn SearchSysCache2(cache: c_int, key1: Datum, key2: Datum) -> HeapTuple;
    fn RelationIdGetRelation(relation: Oid) -> Relation;
    fn RelationClose(relation: Relation);
    fn SysCacheGetAttr(cache: c_int, tuple: HeapTuple, attribute: AttrNumber, is_null: *mut bool) -> Datum;
    fn format_type_be(type_oid: Oid) -> *mut c_char;
    fn format_type_with_typemod(type_oid: Oid, typmod: int32) -> *mut c_char;
    fn get_database_name(database: Oid) -> *mut c_char;
    fn get_attname(relation: Oid, attno: AttrNumber, missing_ok: bool) -> *mut c_char;
    fn get_collation_isdeterministic(collation: Oid) -> bool;
    fn get_collation_name(collation: Oid) -> *mut c_char;
    fn get_commutator(operator: Oid) -> Oid;
    fn get_foreign_server_oid(name: *const c_char, missing_ok: bool) -> Oid;
    fn get_opname(operator: Oid) -> *mut c_char;
    fn get_namespace_name(schema: Oid) -> *mut c_char;
    fn get_rel_name(relation: Oid) -> *mut c_char;
    fn get_rel_namespace(relation: Oid) -> Oid;
    fn get_role_oid(name: *const c_char, missing_ok: bool) -> Oid;
    fn has_privs_of_role(member: Oid, role: Oid) -> bool;
    fn op_strict(operator: Oid) -> bool;
    fn op_volatile(operator: Oid) -> c_char;
    fn superuser_arg(role: Oid) -> bool;
    fn table_close(relation: Relation, lock: LOCKMODE);
    fn table_open(relation: Oid, lock: LOCKMODE) -> Relation;
    fn untransformRelOptions(options: Datum) -> *mut List;

    // the planner
    #[cfg(feature = "pg15")]
    fn ExecCheckRTPerms(range_table: *mut List, raise: bool) -> bool;
    #[cfg(not(feature = "pg15"))]
    fn ExecCheckPermissions(range_table: *mut List, permissions: *mut List, raise: bool) -> bool;
    fn add_row_identity_var(root: *mut PlannerInfo, var: *mut Var, index: Index, name: *const c_char);
    fn makeVar(
        varno: c_int, attno: AttrNumber, type_oid: Oid, typmod: int32, collation: Oid, levels_up: Index,
    ) -> *mut Var;
    fn add_path(rel: *mut RelOptInfo, path: *mut Path);
    fn contain_subplans(clause: *mut Node) -> bool;
    fn contain_volatile_functions(clause: *mut Node) -> bool;
    fn exprType(expression: *const Node) -> Oid;
    fn generate_implied_equalities_for_column(
        root: *mut PlannerInfo, rel: *mut RelOptInfo, callback: ec_matches_callback_type,
        argument: *mut c_void, prohibited: Relids,
    ) -> *mut List;
    fn copy_pathtarget(target: *mut PathTarget) -> *mut PathTarget;
    fn get_baserel_parampathinfo(root: *mut PlannerInfo, rel: *mut RelOptInfo, outer: Relids) -> *mut ParamPathInfo;
    fn get_translated_update_targetlist(
        root: *mut PlannerInfo, relid: Index, targets: *mut *mut List, numbers: *mut *mut List,
    );
    fn join_clause_is_movable_to(info: *mut RestrictInfo, rel: *mut RelOptInfo) -> bool;
    fn make_foreignscan(
        target_list: *mut List, quals: *mut List, scanrelid: Index, exprs: *mut List, private: *mut List,
        scan_target_list: *mut List, recheck_quals: *mut List, outer_plan: *mut Plan,
    ) -> *mut ForeignScan;
    fn set_baserel_size_estimates(root: *mut PlannerInfo, rel: *mut RelOptInfo);
    fn pull_varattnos(node: *mut Node, varno: Index, attributes: *mut *mut Bitmapset);
    fn pull_varnos(root: *mut PlannerInfo, node: *mut Node) -> *mut Bitmapset;

    // the executor
    fn ExecInitExprList(nodes: *mut List, parent: *mut PlanState) -> *mut List;
    fn ExecFindJunkAttributeInTlist(target_list: *mut List, name: *const c_char) -> AttrNumber;
    #[cfg(not(feature = "pg15"))]
    fn ExecGetResultRelCheckAsUser(relation: *mut ResultRelInfo, estate: *mut EState) -> Oid;
    fn ExecPartitionCheck(
        relation: *mut ResultRelInfo,
        slot: *mut TupleTableSlot,
        estate: *mut EState,
        raise: bool,
    ) -> bool;
    fn MakePerTupleExprContext(estate: *mut EState) -> *mut ExprContext;
    fn heap_deform_tuple(tuple: HeapTuple, descriptor: TupleDesc, values: *mut Datum, nulls: *mut bool);
    fn slot_getsomeattrs_int(slot: *mut TupleTableSlot, attno: c_int);
    fn ExecStoreVirtualTuple(slot: *mut TupleTableSlot) -> *mut TupleTableSlot;

    // ANALYZE
    fn heap_freetuple(tuple: HeapTuple);
    fn reservoir_get_next_S(state: ReservoirState, seen: f64, count: c_int) -> f64;
    fn reservoir_init_selection_state(state: ReservoirState, count: c_int);
    fn sampler_random_fract(state: *mut pg_prng_state) -> f64;

    // EXPLAIN
    fn ExplainPropertyFloat(label: *const c_char, unit: *const c_char, value: f64, digits: c_int, es: *mut ExplainState);
    fn ExplainPropertyInteger(label: *const c_char, unit: *const c_char, value: int64, es: *mut ExplainState);
    fn ExplainPropertyList(label: *const c_char, data: *mut List, es: *mut ExplainState);
    fn ExplainPropertyText(label: *const c_char, value: *const c_char, es: *mut ExplainState);
    fn deparse_expression(node: *mut Node, context: *mut List, prefix: bool, implicit: bool) -> *mut c_char;
    fn set_deparse_context_plan(context: *mut List, plan: *mut Plan, ancestors: *mut List) -> *mut List;

    // statements
    fn standard_ProcessUtility(
        statement: *mut PlannedStmt, text: *const c_char, read_only: bool, context: ProcessUtilityContext::Type,
        params: ParamListInfo, environment: *mut QueryEnvironment, dest: *mut DestReceiver, qc: *mut QueryCompletion,
    );

    // transactions
    fn GetCurrentTransactionNestLevel() -> c_int;
    fn GetCurrentSubTransactionId() -> SubTransactionId;
    fn RegisterSubXactCallback(callback: SubXactCallback, argument: *mut c_void);
    fn RegisterXactCallback(callback: XactCallback, argument: *mut c_void);
}

// the languages
raw! {
    #[cfg(any(feature = "pg15", feature = "pg16"))]
    fn heap_modify_tuple(
        tuple: HeapTuple, descriptor: TupleDesc, values: *mut Datum, nulls: *mut bool, replaced: *mut bool,
    ) -> HeapTuple;
    #[cfg(any(feature = "pg17", feature = "pg18"))]
    fn heap_modify_tuple(
        tuple: HeapTuple, descriptor: TupleDesc, values: *const Datum, nulls: *const bool, replaced: *const bool,
    ) -> HeapTuple;
    fn MakeSingleTupleTableSlot(descriptor: TupleDesc, kind: *const TupleTableSlotOps) -> *mut TupleTableSlot;
    fn ExecDropSingleTupleTableSlot(slot: *mut TupleTableSlot);
    fn ExecFetchSlotHeapTuple(slot: *mut TupleTableSlot, materialize: bool, owned: *mut bool) -> HeapTuple;
    fn tuplestore_alloc_read_pointer(store: *mut Tuplestorestate, flags: c_int) -> c_int;
    fn tuplestore_select_read_pointer(store: *mut Tuplestorestate, pointer: c_int);
    fn tuplestore_rescan(store: *mut Tuplestorestate);
    fn tuplestore_gettupleslot(
        store: *mut Tuplestorestate, forward: bool, copy: bool, slot: *mut TupleTableSlot,
    ) -> bool;

    fn CheckFunctionValidatorAccess(validator: Oid, function: Oid) -> bool;
    fn SearchSysCache1(cache: c_int, key1: Datum) -> HeapTuple;
    fn get_fn_expr_argtype(info: *mut FmgrInfo, number: c_int) -> Oid;
    fn get_fn_expr_variadic(info: *mut FmgrInfo) -> bool;
    fn get_call_result_type(call: FunctionCallInfo, type_oid: *mut Oid, descriptor: *mut TupleDesc) -> TypeFuncClass::Type;
    fn get_func_arg_info(
        row: HeapTuple, types: *mut *mut Oid, names: *mut *mut *mut c_char, modes: *mut *mut c_char,
    ) -> c_int;
    fn oid_array_to_list(array: Datum) -> *mut List;
    fn text_to_cstring(text: *const text) -> *mut c_char;
    fn format_procedure(function: Oid) -> *mut c_char;
    fn BlessTupleDesc(descriptor: TupleDesc) -> TupleDesc;
    fn CreateTupleDescCopy(descriptor: TupleDesc) -> TupleDesc;
    fn CreateTemplateTupleDesc(attributes: c_int) -> TupleDesc;
    fn TupleDescInitEntry(
        descriptor: TupleDesc, number: AttrNumber, name: *const c_char, type_oid: Oid, typmod: int32, dimensions: c_int,
    );
    fn tuplestore_begin_heap(random: bool, across_transactions: bool, kilobytes: c_int) -> *mut Tuplestorestate;
    fn RegisterExprContextCallback(context: *mut ExprContext, callback: ExprContextCallbackFunction, argument: Datum);
    fn UnregisterExprContextCallback(context: *mut ExprContext, callback: ExprContextCallbackFunction, argument: Datum);
}

raw! {
    #[cfg(any(feature = "pg15", feature = "pg16"))]
    fn tuplestore_putvalues(store: *mut Tuplestorestate, descriptor: TupleDesc, values: *mut Datum, nulls: *mut bool);
    #[cfg(any(feature = "pg17", feature = "pg18"))]
    fn tuplestore_putvalues(
        store: *mut Tuplestorestate, descriptor: TupleDesc, values: *const Datum, nulls: *const bool,
    );
}

/// The callback of `expression_tree_walker`: true ends the walk.
type Walker = unsafe extern "C-unwind" fn(*mut Node, *mut c_void) -> bool;
/// The callback of `planstate_tree_walker`.
type PlanWalker = unsafe extern "C-unwind" fn(*mut PlanState, *mut c_void) -> bool;

// Bound for no version that has it as a function and a macro at once; the C signature is stable.
unsafe extern "C-unwind" {
    #[cfg_attr(not(feature = "pg15"), link_name = "expression_tree_walker_impl")]
    pub(crate) fn expression_tree_walker(node: *mut Node, walker: Walker, context: *mut c_void) -> bool;
    #[cfg_attr(not(feature = "pg15"), link_name = "planstate_tree_walker_impl")]
    pub(crate) fn planstate_tree_walker(
        node: *mut PlanState,
        walker: PlanWalker,
        context: *mut c_void,
    ) -> bool;
    // Bound for no version, for want of a use in C without its macro.
    pub(crate) fn pg_re_throw() -> !;
    // Bound for no version (executor/tstoreReceiver.h); the same in each.
    pub(crate) fn CreateTuplestoreDestReceiver() -> *mut DestReceiver;
    pub(crate) fn SetTuplestoreDestReceiverParams(
        receiver: *mut DestReceiver,
        store: *mut Tuplestorestate,
        memory: MemoryContext,
        detoast: bool,
        descriptor: TupleDesc,
        failure: *const c_char,
    );
    // In a header that the bindings lack (multirangetypes.h).
    pub(crate) fn multirange_deserialize(
        range_type: *mut TypeCacheEntry,
        multirange: *const c_void,
        count: *mut int32,
        ranges: *mut *mut *mut RangeType,
    );
    // In a header that the bindings lack (datum.h).
    pub(crate) fn datumCopy(value: Datum, by_value: bool, length: c_int) -> Datum;
    // The handler of functions in SQL, bound for no version.
    pub(crate) fn fmgr_sql(call: FunctionCallInfo) -> Datum;
}

/// `create_foreignscan_path`, whose parameters grew with the versions.
///
/// # Safety
/// Runs inside `pg_try`, with nodes of the query being planned.
#[expect(clippy::too_many_arguments, reason = "the server's own interface, less what we never set")]
pub(crate) unsafe fn foreign_path(
    root: *mut PlannerInfo,
    rel: *mut RelOptInfo,
    target: *mut PathTarget,
    rows: f64,
    cost: multicorn_plan::Cost,
    keys: *mut List,
    outer: Relids,
    private: &Option<std::ffi::CString>,
) -> *mut ForeignPath {
    unsafe extern "C-unwind" {
        fn create_foreignscan_path(
            root: *mut PlannerInfo,
            rel: *mut RelOptInfo,
            target: *mut PathTarget,
            rows: f64,
            #[cfg(feature = "pg18")] disabled_nodes: c_int,
            startup_cost: Cost,
            total_cost: Cost,
            pathkeys: *mut List,
            required_outer: Relids,
            outer_path: *mut Path,
            #[cfg(any(feature = "pg17", feature = "pg18"))] restrict_info: *mut List,
            private: *mut List,
        ) -> *mut ForeignPath;
    }
    // SAFETY: the caller's promise.
    unsafe {
        create_foreignscan_path(
            root,
            rel,
            target,
            rows,
            #[cfg(feature = "pg18")]
            0,
            cost.startup,
            cost.total,
            keys,
            outer,
            std::ptr::null_mut(),
            #[cfg(any(feature = "pg17", feature = "pg18"))]
            std::ptr::null_mut(),
            string_list(private),
        )
    }
}

/// A list of one String node with a copy of `text`, or no list.
///
/// # Safety
/// Runs inside `pg_try`.
pub(crate) unsafe fn string_list(text: &Option<std::ffi::CString>) -> *mut List {
    match text {
        None => std::ptr::null_mut(),
        // SAFETY: the caller's promise.
        Some(text) => unsafe { lappend(std::ptr::null_mut(), makeString(pstrdup(text.as_ptr())).cast()) },
    }
}

// values (src/convert)
raw! {
    fn palloc_extended(size: Size, flags: c_int) -> *mut c_void;
    fn repalloc(pointer: *mut c_void, size: Size) -> *mut c_void;
    fn check_stack_depth();
    fn set_errcontext_domain(domain: *const c_char) -> c_int;

    fn fmgr_info_cxt(function: Oid, info: *mut FmgrInfo, context: MemoryContext);
    fn InputFunctionCall(info: *mut FmgrInfo, text: *mut c_char, ioparam: Oid, typmod: int32) -> Datum;
    fn OutputFunctionCall(info: *mut FmgrInfo, value: Datum) -> *mut c_char;
    fn FunctionCall3Coll(info: *mut FmgrInfo, collation: Oid, arg1: Datum, arg2: Datum, arg3: Datum) -> Datum;
    fn find_typmod_coercion_function(type_oid: Oid, function: *mut Oid) -> CoercionPathType::Type;
    fn domain_check(value: Datum, is_null: bool, domain: Oid, extra: *mut *mut c_void, context: MemoryContext);

    fn getBaseTypeAndTypmod(type_oid: Oid, typmod: *mut int32) -> Oid;
    fn getTypeInputInfo(type_oid: Oid, function: *mut Oid, ioparam: *mut Oid);
    fn getTypeOutputInfo(type_oid: Oid, function: *mut Oid, is_varlena: *mut bool);
    fn get_element_type(type_oid: Oid) -> Oid;
    fn get_typtype(type_oid: Oid) -> c_char;
    fn get_type_category_preferred(type_oid: Oid, category: *mut c_char, preferred: *mut bool);
    fn get_typlenbyvalalign(type_oid: Oid, length: *mut int16, by_value: *mut bool, align: *mut c_char);

    fn pg_detoast_datum(datum: *mut varlena) -> *mut varlena;
    fn pg_detoast_datum_packed(datum: *mut varlena) -> *mut varlena;
    fn pg_any_to_server(text: *const c_char, length: c_int, encoding: c_int) -> *mut c_char;
    fn pg_server_to_any(text: *const c_char, length: c_int, encoding: c_int) -> *mut c_char;
    fn repalloc_huge(pointer: *mut c_void, size: Size) -> *mut c_void;
    fn numeric_in(call: FunctionCallInfo) -> Datum;
    fn DirectFunctionCall3Coll(function: PGFunction, collation: Oid, arg1: Datum, arg2: Datum, arg3: Datum) -> Datum;
    fn construct_md_array(
        elements: *mut Datum, nulls: *mut bool, dimensions: c_int, lengths: *mut c_int, lower_bounds: *mut c_int,
        element_type: Oid, length: c_int, by_value: bool, align: c_char,
    ) -> *mut ArrayType;
    fn deconstruct_array(
        array: *mut ArrayType, element_type: Oid, length: c_int, by_value: bool, align: c_char,
        elements: *mut *mut Datum, nulls: *mut *mut bool, count: *mut c_int,
    );
    fn lookup_rowtype_tupdesc_copy(type_oid: Oid, typmod: int32) -> TupleDesc;
    #[cfg(any(feature = "pg15", feature = "pg16"))]
    fn heap_form_tuple(descriptor: TupleDesc, values: *mut Datum, nulls: *mut bool) -> HeapTuple;
    #[cfg(any(feature = "pg17", feature = "pg18"))]
    fn heap_form_tuple(descriptor: TupleDesc, values: *const Datum, nulls: *const bool) -> HeapTuple;
    fn HeapTupleHeaderGetDatum(header: HeapTupleHeader) -> Datum;
    fn lookup_type_cache(type_oid: Oid, what: c_int) -> *mut TypeCacheEntry;
    fn get_multirange_range(type_oid: Oid) -> Oid;
    #[cfg(feature = "pg15")]
    fn make_range(
        cache: *mut TypeCacheEntry, lower: *mut RangeBound, upper: *mut RangeBound, empty: bool,
    ) -> *mut RangeType;
    #[cfg(not(feature = "pg15"))]
    fn make_range(
        cache: *mut TypeCacheEntry, lower: *mut RangeBound, upper: *mut RangeBound, empty: bool,
        soft_errors: *mut Node,
    ) -> *mut RangeType;
    fn JsonbValueToJsonb(value: *mut JsonbValue) -> *mut Jsonb;
    fn pushJsonbValue(
        state: *mut *mut JsonbParseState, token: JsonbIteratorToken::Type, value: *mut JsonbValue,
    ) -> *mut JsonbValue;
    fn DetermineTimeZoneOffset(time: *mut pg_tm, zone: *mut pg_tz) -> c_int;
    fn timestamp2tm(
        moment: Timestamp, west: *mut c_int, fields: *mut pg_tm, fraction: *mut fsec_t,
        name: *mut *const c_char, zone: *mut pg_tz,
    ) -> c_int;
    fn pg_verifymbstr(text: *const c_char, length: c_int, no_error: bool) -> bool;
}

unsafe extern "C-unwind" {
    /// Variadic, so that the bindings lack it: adds a line to the CONTEXT of the error being raised.
    pub(crate) fn errcontext_msg(format: *const c_char, ...) -> c_int;
}

// For the settings and the start of Python.
raw! {
    fn DefineCustomStringVariable(
        name: *const c_char, short: *const c_char, long: *const c_char, value: *mut *mut c_char,
        boot: *const c_char, context: GucContext::Type, flags: c_int, check: GucStringCheckHook,
        assign: GucStringAssignHook, show: GucShowHook,
    );
    fn DefineCustomEnumVariable(
        name: *const c_char, short: *const c_char, long: *const c_char, value: *mut c_int,
        boot: c_int, options: *const config_enum_entry, context: GucContext::Type, flags: c_int,
        check: GucEnumCheckHook, assign: GucEnumAssignHook, show: GucShowHook,
    );
    fn DefineCustomIntVariable(
        name: *const c_char, short: *const c_char, long: *const c_char, value: *mut c_int,
        boot: c_int, min: c_int, max: c_int, context: GucContext::Type, flags: c_int,
        check: GucIntCheckHook, assign: GucIntAssignHook, show: GucShowHook,
    );
    fn MarkGUCPrefixReserved(prefix: *const c_char);
    fn GUC_check_errcode(sqlstate: c_int);
    fn MemoryContextStrdup(context: MemoryContext, text: *const c_char) -> *mut c_char;
    fn IsTransactionState() -> bool;
    fn IsInParallelMode() -> bool;
    fn BeginInternalSubTransaction(name: *const c_char);
    fn ReleaseCurrentSubTransaction();
    fn RollbackAndReleaseCurrentSubTransaction();
    fn load_external_function(
        file: *const c_char, name: *const c_char, must_exist: bool, handle: *mut *mut c_void,
    ) -> *mut c_void;
    fn get_share_path(executable: *const c_char, path: *mut c_char);
    fn pg_strong_random(place: *mut c_void, length: usize) -> bool;
    fn heap_copy_tuple_as_datum(tuple: HeapTuple, descriptor: TupleDesc) -> Datum;
    fn SPI_connect() -> c_int;
    fn SPI_connect_ext(options: c_int) -> c_int;
    fn SPI_finish() -> c_int;
    fn SPI_commit();
    fn SPI_rollback();
    fn SPI_execute_extended(query: *const c_char, options: *const SPIExecuteOptions) -> c_int;
    fn SPI_execute_plan_extended(plan: SPIPlanPtr, options: *const SPIExecuteOptions) -> c_int;
    fn PortalRunFetch(
        portal: Portal, direction: FetchDirection::Type, count: std::ffi::c_long, dest: *mut DestReceiver,
    ) -> uint64;
    fn SPI_execute(query: *const c_char, read_only: bool, limit: std::ffi::c_long) -> c_int;
    fn SPI_prepare_cursor(query: *const c_char, count: c_int, types: *mut Oid, options: c_int) -> SPIPlanPtr;
    fn SPI_plan_get_plan_sources(plan: SPIPlanPtr) -> *mut List;
    fn SPI_is_cursor_plan(plan: SPIPlanPtr) -> bool;
    fn SPI_register_trigger_data(trigger: *mut TriggerData) -> c_int;
    fn CachedPlanGetTargetList(source: *mut CachedPlanSource, environment: *mut QueryEnvironment) -> *mut List;
    fn GetCommandTagName(tag: CommandTag::Type) -> *const c_char;
    fn EnsurePortalSnapshotExists();
    fn get_transform_fromsql(type_oid: Oid, language: Oid, types: *mut List) -> Oid;
    fn get_transform_tosql(type_oid: Oid, language: Oid, types: *mut List) -> Oid;
    fn lappend_oid(list: *mut List, oid: Oid) -> *mut List;
    #[cfg(feature = "pg15")]
    fn parseTypeString(text: *const c_char, type_oid: *mut Oid, typmod: *mut int32, missing_ok: bool);
    #[cfg(not(feature = "pg15"))]
    fn parseTypeString(
        text: *const c_char, type_oid: *mut Oid, typmod: *mut int32, soft_errors: *mut Node,
    ) -> bool;
    fn quote_identifier(name: *const c_char) -> *const c_char;
    fn quote_literal_cstr(text: *const c_char) -> *mut c_char;
    fn PinPortal(portal: Portal);
    fn UnpinPortal(portal: Portal);
    fn SPI_keepplan(plan: SPIPlanPtr) -> c_int;
    fn SPI_freeplan(plan: SPIPlanPtr) -> c_int;
    fn SPI_execute_plan(
        plan: SPIPlanPtr, values: *mut Datum, nulls: *const c_char, read_only: bool, limit: std::ffi::c_long,
    ) -> c_int;
    fn SPI_cursor_open(
        name: *const c_char, plan: SPIPlanPtr, values: *mut Datum, nulls: *const c_char, read_only: bool,
    ) -> Portal;
    fn SPI_cursor_find(name: *const c_char) -> Portal;
    fn SPI_scroll_cursor_fetch(portal: Portal, direction: FetchDirection::Type, count: std::ffi::c_long);
    fn SPI_scroll_cursor_move(portal: Portal, direction: FetchDirection::Type, count: std::ffi::c_long);
    fn SPI_cursor_close(portal: Portal);
    fn SPI_result_code_string(code: c_int) -> *const c_char;
    fn ActiveSnapshotSet() -> bool;
    fn GetTransactionSnapshot() -> Snapshot;
    fn PushActiveSnapshot(snapshot: Snapshot);
    fn PopActiveSnapshot();
    fn raw_parser(query: *const c_char, mode: RawParseMode::Type) -> *mut List;
    fn parse_analyze_varparams(
        statement: *mut RawStmt, query: *const c_char, types: *mut *mut Oid, count: *mut c_int,
        environment: *mut QueryEnvironment,
    ) -> *mut Query;
    fn GetUserIdAndSecContext(role: *mut Oid, context: *mut c_int);
    fn SetUserIdAndSecContext(role: Oid, context: c_int);
    fn NewGUCNestLevel() -> c_int;
    fn AtEOXact_GUC(commit: bool, level: c_int);
    fn set_config_option(
        name: *const c_char, value: *const c_char, context: GucContext::Type, source: GucSource::Type,
        action: GucAction::Type, change: bool, level: c_int, reload: bool,
    ) -> c_int;
}

// native values (src/pg/expression.rs, src/pg/type_entry.rs)
raw! {
    fn GetSysCacheOid(
        cache: c_int, column: AttrNumber, key1: Datum, key2: Datum, key3: Datum, key4: Datum,
    ) -> Oid;
    fn DirectFunctionCall1Coll(function: PGFunction, collation: Oid, arg1: Datum) -> Datum;
    fn OidFunctionCall1Coll(function: Oid, collation: Oid, arg1: Datum) -> Datum;
    fn FunctionCall1Coll(info: *mut FmgrInfo, collation: Oid, arg1: Datum) -> Datum;
    fn regtypein(call: FunctionCallInfo) -> Datum;
    fn make_parsestate(parent: *mut ParseState) -> *mut ParseState;
    fn make_op(
        state: *mut ParseState, name: *mut List, left: *mut Node, right: *mut Node, last_set: *mut Node,
        location: c_int,
    ) -> *mut Expr;
    fn ParseFuncOrColumn(
        state: *mut ParseState, name: *mut List, arguments: *mut List, last_set: *mut Node,
        call: *mut FuncCall, is_procedure: bool, location: c_int,
    ) -> *mut Node;
    fn coerce_to_target_type(
        state: *mut ParseState, expression: *mut Node, source: Oid, target: Oid, typmod: int32,
        context: CoercionContext::Type, form: CoercionForm::Type, location: c_int,
    ) -> *mut Node;
    fn assign_expr_collations(state: *mut ParseState, expression: *mut Node);
    fn expression_planner(expression: *mut Expr) -> *mut Expr;
    fn get_typcollation(type_oid: Oid) -> Oid;
    fn get_rel_type_id(relation: Oid) -> Oid;
    fn array_get_element(
        array: Datum, count: c_int, indexes: *mut c_int, array_length: c_int, length: c_int, by_value: bool,
        align: c_char, is_null: *mut bool,
    ) -> Datum;
    fn array_contains_nulls(array: *mut ArrayType) -> bool;
    fn GetTopTransactionId() -> TransactionId;
    fn GetCurrentTransactionId() -> TransactionId;
    fn ExecInitExpr(expression: *mut Expr, parent: *mut PlanState) -> *mut ExprState;
    fn CreateStandaloneExprContext() -> *mut ExprContext;
    fn makeParamList(count: c_int) -> ParamListInfo;
}

/// A list of String nodes, a name qualified by the first of them. May raise.
///
/// # Safety
/// Runs inside `pg_try`; the texts are NUL-terminated.
pub(crate) unsafe fn string_list_of(texts: &[*const c_char]) -> *mut List {
    let mut list = std::ptr::null_mut();
    for &text in texts {
        // SAFETY: the caller's promise.
        list = unsafe { lappend(list, makeString(pstrdup(text)).cast()) };
    }
    list
}
