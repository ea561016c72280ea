//! Reads a WHERE clause of the planner as `column operator value`. The danger is pushing something
//! whose meaning differs outside the server: whatever is not plainly of that form stays local.

use pgrx::pg_sys;

use multicorn_plan::{LocalReason, Qual, Quantifier, Value};

use super::guard::pg_try;
use super::{encoding, list, raw};
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
        let classified = match (*clause).type_ {
            pg_sys::NodeTag::T_OpExpr => operator(scope, &*clause.cast(), exprs)?,
            pg_sys::NodeTag::T_ScalarArrayOpExpr => array_operator(scope, &*clause.cast(), exprs)?,
            pg_sys::NodeTag::T_NullTest => null_test(scope, &*clause.cast())?,
            pg_sys::NodeTag::T_BooleanTest => boolean_test(scope, &*clause.cast())?,
            pg_sys::NodeTag::T_BoolExpr => negated_column(scope, &*clause.cast())?,
            _ => match column(scope, clause)? {
                Side::Column(column) => named(scope, column.attno, "=", Value::Flag(true))?,
                other => Err(other.reason()),
            },
        };
        match classified {
            Err(LocalReason::Shape) if pg_try(|| raw::contain_subplans(clause))? => {
                Ok(Err(LocalReason::Subquery))
            }
            known => Ok(known),
        }
    }
}

enum Side {
    Column(Column),
    System,
    /// A column taken for another type, whose operators compare it differently.
    Recast,
    Other,
}

#[derive(Clone, Copy)]
struct Column {
    attno: i16,
    type_oid: pg_sys::Oid,
    /// As declared, `InvalidOid` for types without.
    collation: pg_sys::Oid,
}

impl Side {
    /// Why this is no side of a qual.
    fn reason(&self) -> LocalReason {
        match self {
            Side::System => LocalReason::SystemColumn,
            Side::Recast => LocalReason::Recast,
            Side::Column(_) | Side::Other => LocalReason::Shape,
        }
    }
}

/// A column of the relation, seen through the relabelling of varchar to text and the like.
///
/// Runs inside `pg_try`.
unsafe fn seen_column(scope: Scope, mut node: *mut pg_sys::Node) -> Side {
    // SAFETY: casts follow the tags.
    unsafe {
        let mut seen = None;
        while !node.is_null() && (*node).type_ == pg_sys::NodeTag::T_RelabelType {
            let relabel = &*node.cast::<pg_sys::RelabelType>();
            seen.get_or_insert(relabel.resulttype);
            node = relabel.arg.cast();
        }
        if node.is_null() || (*node).type_ != pg_sys::NodeTag::T_Var {
            return Side::Other;
        }
        let var = &*node.cast::<pg_sys::Var>();
        if var.varno as pg_sys::Index != scope.relid || var.varlevelsup != 0 {
            return Side::Other;
        }
        if var.varattno <= 0 {
            return Side::System;
        }
        match seen {
            Some(seen) if !is_same_kind(var.vartype, seen) => Side::Recast,
            _ => {
                let (type_oid, collation) = (var.vartype, var.varcollid);
                Side::Column(Column { attno: var.varattno, type_oid, collation })
            }
        }
    }
}

unsafe fn column(scope: Scope, node: *mut pg_sys::Node) -> Result<Side, Error> {
    // SAFETY: raw calls only, on an expression of the planner.
    unsafe { pg_try(|| seen_column(scope, node)) }
}

/// Whether values of a column of type `declared` keep their order and equality when an operator takes
/// them for `seen`. An oid taken for an integer, which is the same bits, turns negative above 2³¹.
///
/// Runs inside `pg_try`.
unsafe fn is_same_kind(declared: pg_sys::Oid, seen: pg_sys::Oid) -> bool {
    let text = |oid| matches!(oid, pg_sys::TEXTOID | pg_sys::VARCHAROID);
    let mut typmod = -1;
    // SAFETY: the caller's promise.
    unsafe {
        let declared = raw::getBaseTypeAndTypmod(declared, &raw mut typmod);
        let seen = raw::getBaseTypeAndTypmod(seen, &raw mut typmod);
        let (element, seen_element) = (raw::get_element_type(declared), raw::get_element_type(seen));
        declared == seen
            || (text(declared) && text(seen))
            || (declared == pg_sys::CIDROID && seen == pg_sys::INETOID)
            || raw::get_typtype(seen) as u8 == pg_sys::TYPTYPE_PSEUDO
            || (element != pg_sys::InvalidOid
                && seen_element != pg_sys::InvalidOid
                && is_same_kind(element, seen_element))
    }
}

/// Operators that a class knows the meaning of by their name.
const COMPARISONS: [&str; 14] =
    ["=", "<>", "<", "<=", ">", ">=", "~~", "!~~", "~~*", "!~~*", "~", "!~", "~*", "!~*"];

/// Whether an extension or a user made this operator, or family of them, for a text of their own, as citext,
/// or for a type of the server's. What they made for any other type is that type's only meaning.
///
/// Runs inside `pg_try`.
pub(super) unsafe fn is_own(operator: pg_sys::Oid, column: pg_sys::Oid) -> bool {
    let made_later = |oid: pg_sys::Oid| oid.to_u32() >= pg_sys::FirstNormalObjectId;
    if !made_later(operator) {
        return false;
    }
    let (mut typmod, mut category, mut preferred) = (-1, 0, false);
    // SAFETY: the caller's promise; the calls fill the locals.
    unsafe {
        let base = raw::getBaseTypeAndTypmod(column, &raw mut typmod);
        raw::get_type_category_preferred(base, &raw mut category, &raw mut preferred);
        !made_later(base) || category as u8 == pg_sys::TYPCATEGORY_STRING
    }
}

unsafe fn operator(scope: Scope, op: &pg_sys::OpExpr, exprs: &mut Expressions) -> Classified {
    // SAFETY: `args` of an operator expression are expression nodes.
    unsafe {
        let args: Vec<*mut pg_sys::Node> = list::pointers(op.args).collect();
        let [left, right] = args[..] else { return Ok(Err(LocalReason::Shape)) };
        let (column, value, opno) = match (column(scope, left)?, column(scope, right)?) {
            (Side::Column(_), Side::Column(_)) => return Ok(Err(LocalReason::TwoColumns)),
            (Side::Column(column), _) => (column, right, op.opno),
            (_, Side::Column(column)) => {
                let commutator = pg_try(|| raw::get_commutator(op.opno))?;
                if commutator == pg_sys::InvalidOid {
                    return Ok(Err(LocalReason::NoCommutator));
                }
                (column, left, commutator)
            }
            (Side::Other, side) | (side, _) => return Ok(Err(side.reason())),
        };
        with_value(
            scope,
            column,
            Comparison { opno, collation: op.inputcollid, quantifier: None },
            value,
            exprs,
        )
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
        let comparison =
            Comparison { opno: op.opno, collation: op.inputcollid, quantifier: Some(quantifier) };
        match column(scope, left)? {
            Side::Column(column) => with_value(scope, column, comparison, array, exprs),
            other => Ok(Err(other.reason())),
        }
    }
}

/// How the column on the left is compared.
#[derive(Clone, Copy)]
struct Comparison {
    opno: pg_sys::Oid,
    collation: pg_sys::Oid,
    quantifier: Option<Quantifier>,
}

impl Comparison {
    /// Why a class, which knows nothing of collations, might find other rows than the server does.
    /// Deterministic ones agree on what is equal.
    ///
    /// Runs inside `pg_try`.
    unsafe fn objection(&self, column: Column, is_equality: bool) -> Option<LocalReason> {
        // A comparison of jsonb with text has the text's collation, which is nothing to the column.
        if self.collation == pg_sys::InvalidOid || column.collation == pg_sys::InvalidOid {
            return None;
        }
        // SAFETY: the caller's promise.
        if !unsafe { raw::get_collation_isdeterministic(self.collation) } {
            return Some(LocalReason::Collation);
        }
        (!is_equality && self.collation != column.collation).then_some(LocalReason::OtherCollation)
    }
}

unsafe fn with_value(
    scope: Scope,
    column: Column,
    comparison: Comparison,
    value: *mut pg_sys::Node,
    exprs: &mut Expressions,
) -> Classified {
    let Comparison { opno, quantifier, .. } = comparison;
    // SAFETY: raw calls on trees of the planner; names are copied out at once.
    unsafe {
        let relid = scope.relid as i32;
        let (own_columns, volatile, subplans) = pg_try(|| {
            let members = raw::pull_varnos(scope.root, value);
            let own = raw::bms_is_member(relid, members);
            raw::bms_free(members);
            (own, raw::contain_volatile_functions(value), raw::contain_subplans(value))
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
        let (name, strict, volatility, type_oid) = pg_try(|| {
            (raw::get_opname(opno), raw::op_strict(opno), raw::op_volatile(opno), raw::exprType(value))
        })?;
        let name = encoding::from_server_ptr(name).unwrap_or_default();
        if COMPARISONS.contains(&name.as_str()) && pg_try(|| is_own(opno, column.type_oid))? {
            return Ok(Err(LocalReason::OwnOperator));
        }
        let is_equality = name == "=" || name == "<>";
        if let Some(reason) = pg_try(|| comparison.objection(column, is_equality))? {
            return Ok(Err(reason));
        }
        exprs.push(value.cast());
        let value = Value::Expression {
            index: exprs.len() - 1,
            type_oid: type_oid.to_u32(),
            // Compared with a NULL array the answer is NULL whatever the operator is.
            strict: strict || quantifier.is_some(),
            immutable: volatility as u8 == pg_sys::PROVOLATILE_IMMUTABLE,
        };
        named(scope, column.attno, &name, value).map(|qual| qual.map(|qual| Qual { quantifier, ..qual }))
    }
}

/// Whether the value depends on another node of the plan: a column of an outer relation, or a
/// parameter that the executor sets.
///
/// # Safety
/// Runs inside `pg_try`; `value` is an expression of a query or a plan.
pub(super) unsafe fn is_runtime(value: *mut pg_sys::Node) -> bool {
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

/// Whether a parameter of the statement (`$1`) is in the expression.
///
/// # Safety
/// Runs inside `pg_try`; `expression` is one of a plan.
pub(super) unsafe fn has_parameter(expression: *mut pg_sys::Node) -> bool {
    unsafe extern "C-unwind" fn walk(node: *mut pg_sys::Node, context: *mut std::ffi::c_void) -> bool {
        if node.is_null() {
            return false;
        }
        // SAFETY: a node of the tree; the cast follows the tag.
        unsafe {
            match (*node).type_ {
                pg_sys::NodeTag::T_Param => {
                    (*node.cast::<pg_sys::Param>()).paramkind == pg_sys::ParamKind::PARAM_EXTERN
                }
                _ => raw::expression_tree_walker(node, walk, context),
            }
        }
    }
    // SAFETY: the caller's promise.
    unsafe { walk(expression, std::ptr::null_mut()) }
}

unsafe fn null_test(scope: Scope, test: &pg_sys::NullTest) -> Classified {
    let is_null = test.nulltesttype == pg_sys::NullTestType::IS_NULL;
    // SAFETY: the argument is an expression node.
    match unsafe { column(scope, test.arg.cast())? } {
        // A composite IS NULL if all of its fields are, which is another question.
        Side::Column(_) if test.argisrow => Ok(Err(LocalReason::Shape)),
        Side::Column(column) => named(scope, column.attno, if is_null { "=" } else { "<>" }, Value::Null),
        other => Ok(Err(other.reason())),
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
    match unsafe { column(scope, test.arg.cast())? } {
        Side::Column(column) => named(scope, column.attno, operator, Value::Truth(truth)),
        other => Ok(Err(other.reason())),
    }
}

unsafe fn negated_column(scope: Scope, not: &pg_sys::BoolExpr) -> Classified {
    if not.boolop != pg_sys::BoolExprType::NOT_EXPR {
        return Ok(Err(LocalReason::Shape));
    }
    // SAFETY: NOT has one argument, an expression node.
    let argument = unsafe {
        match list::nth::<pg_sys::Node>(not.args, 0) {
            Some(node) => column(scope, node)?,
            None => Side::Other,
        }
    };
    match argument {
        Side::Column(column) => named(scope, column.attno, "=", Value::Flag(false)),
        other => Ok(Err(other.reason())),
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
/// Runs inside `pg_try`; `node` is an expression of the query being planned.
pub(super) unsafe fn column_of(scope: Scope, node: *mut pg_sys::Node) -> Option<i16> {
    // SAFETY: the caller's promise.
    match unsafe { seen_column(scope, node) } {
        Side::Column(column) => Some(column.attno),
        Side::System | Side::Recast | Side::Other => None,
    }
}
