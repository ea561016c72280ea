//! Reads a WHERE clause of the planner as `column operator value`. The danger is pushing something
//! whose meaning differs outside the server: whatever is not plainly of that form stays local.

use pgrx::pg_sys;

use multicorn_plan::{LocalReason, Qual, Quantifier, Value};

use super::guard::pg_try;
use super::{encoding, list, raw, types};
use crate::error::Error;

/// The relation whose columns a clause may name.
#[derive(Clone, Copy)]
pub(crate) struct Scope {
    pub(super) root: *mut pg_sys::PlannerInfo,
    pub(super) relid: pg_sys::Index,
    pub(super) table: pg_sys::Oid,
}

/// Expressions that quals refer to by position; they become the node's `fdw_exprs`.
pub(crate) type Expressions = Vec<*mut pg_sys::Expr>;

type Classified = Result<Result<Qual, LocalReason>, Error>;

/// # Safety
/// `clause` is an expression tree of the query being planned.
pub(super) unsafe fn classify(
    scope: Scope,
    clause: *mut pg_sys::Node,
    exprs: &mut Expressions,
) -> Classified {
    // SAFETY: node types are checked by tag before each cast; the planner keeps the tree alive.
    unsafe {
        match (*clause).type_ {
            pg_sys::NodeTag::T_OpExpr => operator(scope, &*clause.cast(), exprs),
            pg_sys::NodeTag::T_ScalarArrayOpExpr => array_operator(scope, &*clause.cast(), exprs),
            pg_sys::NodeTag::T_NullTest => null_test(scope, &*clause.cast()),
            pg_sys::NodeTag::T_BooleanTest => boolean_test(scope, &*clause.cast()),
            pg_sys::NodeTag::T_BoolExpr => negated_column(scope, &*clause.cast()),
            _ => match column(scope, clause)? {
                Side::Column(attno) => named(scope, attno, "=", Value::Flag(true)),
                Side::System => Ok(Err(LocalReason::SystemColumn)),
                Side::Other => Ok(Err(LocalReason::Shape)),
            },
        }
    }
}

enum Side {
    Column(i16),
    System,
    Other,
}

/// A column of the relation, seen through the relabelling of varchar to text.
unsafe fn column(scope: Scope, mut node: *mut pg_sys::Node) -> Result<Side, Error> {
    // SAFETY: casts follow the tags.
    unsafe {
        let mut relabelled = None;
        while !node.is_null() && (*node).type_ == pg_sys::NodeTag::T_RelabelType {
            let relabel = &*node.cast::<pg_sys::RelabelType>();
            relabelled.get_or_insert(relabel.resulttype);
            node = relabel.arg.cast();
        }
        if node.is_null() || (*node).type_ != pg_sys::NodeTag::T_Var {
            return Ok(Side::Other);
        }
        let var = &*node.cast::<pg_sys::Var>();
        if var.varno as pg_sys::Index != scope.relid || var.varlevelsup != 0 {
            return Ok(Side::Other);
        }
        if var.varattno <= 0 {
            return Ok(Side::System);
        }
        match relabelled {
            Some(to) if !same_values(var.vartype, to)? => Ok(Side::Other),
            _ => Ok(Side::Column(var.varattno)),
        }
    }
}

/// Whether a value of type `from` means the same, outside the server too, when it is taken for a `to`.
/// A regclass shows a name and as an oid is a number, a bpchar compares without its blanks.
fn same_values(from: pg_sys::Oid, to: pg_sys::Oid) -> Result<bool, Error> {
    const SAME: [(pg_sys::Oid, pg_sys::Oid); 3] = [
        (pg_sys::VARCHAROID, pg_sys::TEXTOID),
        (pg_sys::VARCHARARRAYOID, pg_sys::TEXTARRAYOID),
        (pg_sys::CIDROID, pg_sys::INETOID),
    ];
    let same = |from| from == to || SAME.contains(&(from, to));
    Ok(same(from) || same(types::base_type(from, -1)?.0))
}

unsafe fn operator(scope: Scope, op: &pg_sys::OpExpr, exprs: &mut Expressions) -> Classified {
    // SAFETY: `args` of an operator expression are expression nodes.
    unsafe {
        let args: Vec<*mut pg_sys::Node> = list::pointers(op.args).collect();
        let [left, right] = args[..] else { return Ok(Err(LocalReason::Shape)) };
        let (attno, other, opno) = match (column(scope, left)?, column(scope, right)?) {
            (Side::Column(_), Side::Column(_)) => return Ok(Err(LocalReason::TwoColumns)),
            (Side::Column(attno), _) => (attno, right, op.opno),
            (_, Side::Column(attno)) => {
                let commutator = pg_try(|| raw::get_commutator(op.opno))?;
                if commutator == pg_sys::InvalidOid {
                    return Ok(Err(LocalReason::NoCommutator));
                }
                (attno, left, commutator)
            }
            (Side::System, _) | (_, Side::System) => return Ok(Err(LocalReason::SystemColumn)),
            _ => return Ok(Err(LocalReason::Shape)),
        };
        with_value(scope, attno, (opno, op.inputcollid), None, other, exprs)
    }
}

unsafe fn array_operator(
    scope: Scope,
    op: &pg_sys::ScalarArrayOpExpr,
    exprs: &mut Expressions,
) -> Classified {
    // SAFETY: as `operator`.
    unsafe {
        let args: Vec<*mut pg_sys::Node> = list::pointers(op.args).collect();
        let [left, array] = args[..] else { return Ok(Err(LocalReason::Shape)) };
        let quantifier = if op.useOr { Quantifier::Any } else { Quantifier::All };
        match column(scope, left)? {
            Side::Column(attno) => {
                with_value(scope, attno, (op.opno, op.inputcollid), Some(quantifier), array, exprs)
            }
            Side::System => Ok(Err(LocalReason::SystemColumn)),
            Side::Other => Ok(Err(LocalReason::Shape)),
        }
    }
}

unsafe fn with_value(
    scope: Scope,
    attno: i16,
    (opno, collation): (pg_sys::Oid, pg_sys::Oid),
    quantifier: Option<Quantifier>,
    value: *mut pg_sys::Node,
    exprs: &mut Expressions,
) -> Classified {
    // SAFETY: raw calls on trees of the planner; names are copied out at once.
    unsafe {
        let relid = scope.relid as i32;
        let (own_columns, volatile, subplans, exact) = pg_try(|| {
            let members = raw::pull_varnos(scope.root, value);
            let own = raw::bms_is_member(relid, members);
            raw::bms_free(members);
            let exact = collation == pg_sys::InvalidOid || raw::get_collation_isdeterministic(collation);
            (own, raw::contain_volatile_functions(value), raw::contain_subplans(value), exact)
        })?;
        if own_columns {
            return Ok(Err(LocalReason::TwoColumns));
        }
        if volatile {
            return Ok(Err(LocalReason::Volatile));
        }
        if subplans {
            return Ok(Err(LocalReason::Subquery));
        }
        if !exact {
            return Ok(Err(LocalReason::Collation));
        }
        let (name, strict, type_oid, runtime) = pg_try(|| {
            (raw::get_opname(opno), raw::op_strict(opno), raw::exprType(value), is_runtime(value))
        })?;
        let name = encoding::from_server_ptr(name).unwrap_or_default();
        exprs.push(value.cast());
        let value = Value::Expression {
            index: exprs.len() - 1,
            type_oid: type_oid.to_u32(),
            runtime,
            // A NULL array gives NULL for ANY and for ALL, whatever the operator.
            strict: strict || quantifier.is_some(),
        };
        named(scope, attno, &name, value).map(|qual| qual.map(|qual| Qual { quantifier, ..qual }))
    }
}

/// Whether the value depends on another node of the plan: a column of an outer relation, or a
/// parameter that the executor sets.
///
/// Runs inside `pg_try`.
unsafe fn is_runtime(value: *mut pg_sys::Node) -> bool {
    unsafe extern "C-unwind" fn walk(node: *mut pg_sys::Node, context: *mut std::ffi::c_void) -> bool {
        if node.is_null() {
            return false;
        }
        // SAFETY: a node of the tree; the cast follows the tag.
        unsafe {
            match (*node).type_ {
                pg_sys::NodeTag::T_Var | pg_sys::NodeTag::T_PlaceHolderVar => true,
                pg_sys::NodeTag::T_Param => {
                    (*node.cast::<pg_sys::Param>()).paramkind != pg_sys::ParamKind::PARAM_EXTERN
                }
                _ => raw::expression_tree_walker(node, walk, context),
            }
        }
    }
    // SAFETY: the caller's promise.
    unsafe { walk(value, std::ptr::null_mut()) }
}

unsafe fn null_test(scope: Scope, test: &pg_sys::NullTest) -> Classified {
    if test.argisrow {
        return Ok(Err(LocalReason::Shape));
    }
    let is_null = test.nulltesttype == pg_sys::NullTestType::IS_NULL;
    // SAFETY: the argument is an expression node.
    match unsafe { column(scope, test.arg.cast()) }? {
        Side::Column(attno) => named(scope, attno, if is_null { "=" } else { "<>" }, Value::Null),
        Side::System => Ok(Err(LocalReason::SystemColumn)),
        Side::Other => Ok(Err(LocalReason::Shape)),
    }
}

unsafe fn boolean_test(scope: Scope, test: &pg_sys::BooleanTest) -> Classified {
    use pg_sys::BoolTestType::*;
    let (operator, truth) = match test.booltesttype {
        IS_TRUE => ("IS", Some(true)),
        IS_NOT_TRUE => ("IS NOT", Some(true)),
        IS_FALSE => ("IS", Some(false)),
        IS_NOT_FALSE => ("IS NOT", Some(false)),
        IS_UNKNOWN => ("IS", None),
        IS_NOT_UNKNOWN => ("IS NOT", None),
        _ => return Ok(Err(LocalReason::Shape)),
    };
    // SAFETY: the argument is an expression node.
    match unsafe { column(scope, test.arg.cast()) }? {
        Side::Column(attno) => named(scope, attno, operator, Value::Truth(truth)),
        Side::System => Ok(Err(LocalReason::SystemColumn)),
        Side::Other => Ok(Err(LocalReason::Shape)),
    }
}

unsafe fn negated_column(scope: Scope, not: &pg_sys::BoolExpr) -> Classified {
    if not.boolop != pg_sys::BoolExprType::NOT_EXPR {
        return Ok(Err(LocalReason::Shape));
    }
    // SAFETY: NOT has one argument.
    let argument = unsafe { list::nth::<pg_sys::Node>(not.args, 0) };
    // SAFETY: an expression node.
    match argument.map(|node| unsafe { column(scope, node) }).transpose()? {
        Some(Side::Column(attno)) => named(scope, attno, "=", Value::Flag(false)),
        Some(Side::System) => Ok(Err(LocalReason::SystemColumn)),
        _ => Ok(Err(LocalReason::Shape)),
    }
}

fn named(scope: Scope, attno: i16, operator: &str, value: Value) -> Classified {
    let column = column_name(scope.table, attno)?;
    Ok(Ok(Qual { column, attno, operator: operator.to_owned(), quantifier: None, value }))
}

pub(super) fn column_name(table: pg_sys::Oid, attno: i16) -> Result<String, Error> {
    // SAFETY: raw call; the copy is freed after it was read.
    unsafe {
        let name = pg_try(|| raw::get_attname(table, attno, false))?;
        let text = encoding::from_server_ptr(name).unwrap_or_default();
        raw::pfree(name.cast());
        Ok(text)
    }
}

/// The attribute number when `node` is a column of the relation.
///
/// # Safety
/// `node` is an expression of the query being planned.
pub(super) unsafe fn column_of(scope: Scope, node: *mut pg_sys::Node) -> Option<i16> {
    // SAFETY: the caller's promise.
    match unsafe { column(scope, node) } {
        Ok(Side::Column(attno)) => Some(attno),
        Ok(Side::System | Side::Other) | Err(_) => None,
    }
}
