//! An operator, a cast or a function over values at hand: resolved once, by the server's parser, and then
//! called without the executor. The danger is a function's private cache: it lies in the expression's own
//! memory, and an expression that may be in use is never called a second time with the same one.

use std::ffi::c_int;

use pgrx::pg_sys::{self, CoercionContext, Datum, FmgrInfo, NodeTag, NullableDatum, Oid};

use super::guard::pg_try;
use super::memory::OwnedContext;
use super::{encoding, list, raw};
use crate::error::Error;

/// Arguments of one call that are made without the executor.
const MOST: usize = 4;

/// An expression over so many parameters.
pub(crate) struct Expression {
    step: *const Step,
    result: Oid,
    types: Vec<Oid>,
    builtin: bool,
    // The step lives in it.
    _context: OwnedContext,
}

/// One node of the expression, in the memory of its context.
enum Step {
    Argument(usize),
    Constant(NullableDatum),
    Call(Call),
    /// By the executor: what the other kinds cannot say.
    General(*mut pg_sys::Expr),
}

struct Call {
    info: FmgrInfo,
    collation: Oid,
    count: usize,
    arguments: [*const Step; MOST],
}

/// A call's arguments, laid out as the server does.
#[repr(C)]
struct Frame {
    call: pg_sys::FunctionCallInfoBaseData,
    arguments: [NullableDatum; MOST],
}

/// How far a cast may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// As PL/pgSQL assigns: by a cast for assignments, else by the text form.
    Assignment,
    /// As `CAST`.
    Explicit,
}

impl Expression {
    /// `left name right`, or `name right`.
    pub(crate) fn operator(name: &str, left: Option<Oid>, right: Oid) -> Result<Self, Error> {
        let types: Vec<Oid> = left.into_iter().chain([right]).collect();
        let name = encoding::to_server(name);
        let operator = |state, arguments: &[*mut pg_sys::Node]| {
            // SAFETY: raw calls inside `pg_try`.
            unsafe {
                let null = std::ptr::null_mut();
                let left = if arguments.len() == 2 { arguments[0] } else { null };
                let right = arguments[arguments.len() - 1];
                raw::make_op(state, raw::string_list_of(&[name.as_ptr()]), left, right, null, -1).cast()
            }
        };
        Self::made(&types, operator)?.ok_or_else(|| Error::internal("an operator without an expression"))
    }

    /// A function of a schema.
    pub(crate) fn function(schema: &str, name: &str, types: &[Oid]) -> Result<Self, Error> {
        let (schema, name) = (encoding::to_server(schema), encoding::to_server(name));
        let function = |state, arguments: &[*mut pg_sys::Node]| {
            // SAFETY: raw calls inside `pg_try`.
            unsafe {
                let name = raw::string_list_of(&[schema.as_ptr(), name.as_ptr()]);
                let null = std::ptr::null_mut();
                // What an ordinary call looks like in the grammar.
                let mut call =
                    pg_sys::FuncCall { type_: NodeTag::T_FuncCall, location: -1, ..Default::default() };
                raw::ParseFuncOrColumn(
                    state,
                    name,
                    list::from_slice(arguments),
                    null,
                    &raw mut call,
                    false,
                    -1,
                )
            }
        };
        Self::made(types, function)?.ok_or_else(|| Error::internal("a function without an expression"))
    }

    /// A cast, or `None` where there is none.
    pub(crate) fn cast(source: Oid, target: Oid, typmod: i32, reach: Reach) -> Result<Option<Self>, Error> {
        let (context, form) = match reach {
            Reach::Assignment => (CoercionContext::COERCION_PLPGSQL, 2), // COERCE_IMPLICIT_CAST
            Reach::Explicit => (CoercionContext::COERCION_EXPLICIT, 1),  // COERCE_EXPLICIT_CAST
        };
        Self::made(&[source], |state, arguments| {
            // SAFETY: raw call inside `pg_try`.
            unsafe {
                raw::coerce_to_target_type(state, arguments[0], source, target, typmod, context, form, -1)
            }
        })
    }

    fn made(
        types: &[Oid],
        build: impl FnOnce(*mut pg_sys::ParseState, &[*mut pg_sys::Node]) -> *mut pg_sys::Node,
    ) -> Result<Option<Self>, Error> {
        const LIMIT: usize = 8;
        if types.len() > LIMIT {
            return Err(Error::internal("an expression with too many arguments"));
        }
        let context = OwnedContext::new()?;
        let made = context.within(|| {
            let compile = || {
                let mut parameters = [std::ptr::null_mut(); LIMIT];
                for (at, &type_oid) in types.iter().enumerate() {
                    // SAFETY: raw calls inside `pg_try`.
                    parameters[at] = unsafe { parameter(at, type_oid) };
                }
                // SAFETY: raw calls inside `pg_try`; the nodes are the parser's own.
                unsafe {
                    let state = raw::make_parsestate(std::ptr::null_mut());
                    let node = build(state, &parameters[..types.len()]);
                    if node.is_null() {
                        return None;
                    }
                    raw::assign_expr_collations(state, node);
                    let result = raw::exprType(node);
                    let node = raw::expression_planner(node.cast());
                    let step = compile(node.cast());
                    Some((step, result, is_builtin(step)))
                }
            };
            // SAFETY: `compile` makes raw calls only.
            unsafe { pg_try(compile) }
        })?;
        Ok(made.map(|(step, result, builtin)| Expression {
            step,
            result,
            builtin,
            types: types.to_vec(),
            _context: context,
        }))
    }

    /// Whether it consists of functions that the server is built with.
    pub(crate) fn is_builtin(&self) -> bool {
        self.builtin
    }

    /// The type of the result.
    pub(crate) fn result(&self) -> Oid {
        self.result
    }

    /// The value for these arguments, in the current memory context or inside an argument.
    ///
    /// # Safety
    /// Each argument is a live value of its type, or NULL.
    #[inline]
    pub(crate) unsafe fn call(&self, arguments: &[NullableDatum]) -> Result<NullableDatum, Error> {
        debug_assert!(arguments.len() == self.types.len());
        let (values, types) = (arguments.as_ptr(), self.types.as_slice());
        // SAFETY: the caller's promise; raw calls and pointer reads only.
        unsafe { pg_try(|| run(self.step, values, types)) }
    }
}

/// A parameter of the expression. May raise.
unsafe fn parameter(at: usize, type_oid: Oid) -> *mut pg_sys::Node {
    // SAFETY: raw calls, as the caller may make them; a fresh node.
    unsafe {
        let node = raw::palloc0(size_of::<pg_sys::Param>()).cast::<pg_sys::Param>();
        (*node).xpr.type_ = NodeTag::T_Param;
        (*node).paramkind = pg_sys::ParamKind::PARAM_EXTERN;
        (*node).paramid = at as c_int + 1;
        (*node).paramtype = type_oid;
        (*node).paramtypmod = -1;
        (*node).paramcollid = raw::get_typcollation(type_oid);
        (*node).location = -1;
        node.cast()
    }
}

/// The step of an expression. May raise.
unsafe fn compile(node: *mut pg_sys::Node) -> *const Step {
    // SAFETY: the caller's promise; the step lives in the current memory context.
    unsafe {
        let step = direct(node);
        if step.is_null() { placed(Step::General(node.cast())) } else { step }
    }
}

unsafe fn placed(step: Step) -> *const Step {
    // SAFETY: fresh memory; a step has nothing to drop.
    unsafe {
        let place = raw::palloc(size_of::<Step>()).cast::<Step>();
        place.write(step);
        place
    }
}

/// The step of an expression that needs no executor, or null.
unsafe fn direct(node: *mut pg_sys::Node) -> *const Step {
    // SAFETY: a live node, whose tag tells its struct.
    unsafe {
        match (*node).type_ {
            NodeTag::T_Param => {
                let param = node.cast::<pg_sys::Param>();
                placed(Step::Argument((*param).paramid as usize - 1))
            }
            NodeTag::T_Const => {
                let constant = node.cast::<pg_sys::Const>();
                let value = NullableDatum { value: (*constant).constvalue, isnull: (*constant).constisnull };
                placed(Step::Constant(value))
            }
            NodeTag::T_RelabelType => direct((*node.cast::<pg_sys::RelabelType>()).arg.cast()),
            NodeTag::T_CollateExpr => direct((*node.cast::<pg_sys::CollateExpr>()).arg.cast()),
            NodeTag::T_FuncExpr => {
                let call = node.cast::<pg_sys::FuncExpr>();
                function(node, (*call).funcid, (*call).inputcollid, (*call).args)
            }
            NodeTag::T_OpExpr => {
                let call = node.cast::<pg_sys::OpExpr>();
                function(node, (*call).opfuncid, (*call).inputcollid, (*call).args)
            }
            _ => std::ptr::null(),
        }
    }
}

/// The step of a call, or null.
unsafe fn function(
    node: *mut pg_sys::Node,
    function: Oid,
    collation: Oid,
    arguments: *mut pg_sys::List,
) -> *const Step {
    // SAFETY: as of `direct`.
    unsafe {
        let count = arguments.as_ref().map_or(0, |list| list.length as usize);
        if count > MOST {
            return std::ptr::null();
        }
        let mut steps = [std::ptr::null(); MOST];
        for (at, place) in steps.iter_mut().enumerate().take(count) {
            *place = direct((*(*arguments).elements.add(at)).ptr_value.cast());
            if place.is_null() {
                return std::ptr::null();
            }
        }
        let mut info = FmgrInfo::default();
        raw::fmgr_info_cxt(function, &raw mut info, pg_sys::CurrentMemoryContext);
        // A set has more than one value, and a function in SQL keeps its state where a second call finds it.
        let in_sql: pg_sys::PGFunction = Some(raw::fmgr_sql);
        if info.fn_retset || same(info.fn_addr, in_sql) {
            return std::ptr::null();
        }
        info.fn_expr = node.cast();
        placed(Step::Call(Call { info, collation, count, arguments: steps }))
    }
}

/// # Safety
/// A live step.
unsafe fn is_builtin(step: *const Step) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        match &*step {
            Step::Argument(_) | Step::Constant(_) => true,
            Step::Call(call) => {
                call.info.fn_oid.to_u32() < pg_sys::FirstNormalObjectId
                    && call.arguments[..call.count].iter().all(|&step| is_builtin(step))
            }
            Step::General(_) => false,
        }
    }
}

fn same(a: pg_sys::PGFunction, b: pg_sys::PGFunction) -> bool {
    a.map(|function| function as usize) == b.map(|function| function as usize)
}

/// The value of a step. May raise.
unsafe fn run(step: *const Step, arguments: *const NullableDatum, types: &[Oid]) -> NullableDatum {
    // SAFETY: the caller's promise; a step lives as long as its expression.
    unsafe {
        match &*step {
            Step::Argument(at) => *arguments.add(*at),
            Step::Constant(value) => *value,
            Step::Call(call) => {
                let null = NullableDatum { value: Datum::null(), isnull: true };
                let mut frame = Frame { call: Default::default(), arguments: [null; MOST] };
                frame.call.flinfo = (&raw const call.info).cast_mut();
                frame.call.fncollation = call.collation;
                frame.call.nargs = call.count as i16;
                for at in 0..call.count {
                    let value = run(call.arguments[at], arguments, types);
                    if value.isnull && call.info.fn_strict {
                        return null;
                    }
                    frame.arguments[at] = value;
                }
                let Some(function) = call.info.fn_addr else { return null };
                let frame = &raw mut frame;
                let value = function(frame.cast());
                NullableDatum { value, isnull: (*frame).call.isnull }
            }
            Step::General(node) => general(*node, arguments, types),
        }
    }
}

/// By the executor, whose state is made anew: it must not be entered twice. May raise.
unsafe fn general(node: *mut pg_sys::Expr, arguments: *const NullableDatum, types: &[Oid]) -> NullableDatum {
    // SAFETY: the caller's promise; everything lies in the current memory context.
    unsafe {
        let state = raw::ExecInitExpr(node, std::ptr::null_mut());
        let context = raw::CreateStandaloneExprContext();
        let parameters = raw::makeParamList(types.len() as c_int);
        for (at, &type_oid) in types.iter().enumerate() {
            let parameter = &mut *(*parameters).params.as_mut_ptr().add(at);
            let argument = *arguments.add(at);
            parameter.value = argument.value;
            parameter.isnull = argument.isnull;
            parameter.pflags = 0;
            parameter.ptype = type_oid;
        }
        (*context).ecxt_param_list_info = parameters;
        let mut is_null = false;
        let value = match (*state).evalfunc {
            Some(evaluate) => evaluate(state, context, &raw mut is_null),
            None => Datum::null(),
        };
        NullableDatum { value, isnull: is_null }
    }
}
