//! The planner's view of one foreign table: its clauses, the columns needed, the orders wanted, and
//! the paths offered. The danger is the planner's memory: everything taken from it is a value, but for
//! expressions, which stay inside one planning.

use pgrx::pg_sys;

use multicorn_plan::{Cost, KeyClause, LimitFacts, LocalReason, Qual, ScanPlan, Value};

use super::clause::{self, Expressions, Scope};
use super::guard::pg_try;
use super::{list, raw};
use crate::error::Error;

/// One base relation (or inheritance child) while it is planned.
#[derive(Clone, Copy)]
pub(crate) struct BaseRel {
    pub(super) root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    pub(super) table: pg_sys::Oid,
}

/// A constant of the query, valid while it is planned.
#[derive(Clone, Copy)]
pub(crate) struct Constant {
    pub(crate) datum: pg_sys::Datum,
    pub(crate) is_null: bool,
}

/// A path to offer.
pub(crate) struct PathSpec<'a> {
    pub(crate) rows: f64,
    pub(crate) cost: Cost,
    /// How many of the query's pathkeys the scan delivers.
    pub(crate) sorted: usize,
    /// Outer relations that drive it.
    pub(crate) outer: &'a [u32],
    pub(crate) private: Option<String>,
}

/// Clauses read as quals, with the expressions that they refer to.
pub(crate) struct Quals {
    pub(crate) pushed: Vec<Qual>,
    /// Position among the clauses given, and the reason.
    pub(crate) local: Vec<(usize, LocalReason)>,
    expressions: Expressions,
}

impl BaseRel {
    /// # Safety
    /// Called inside a planner callback with the pointers that the server passed.
    pub(super) unsafe fn new(
        root: *mut pg_sys::PlannerInfo,
        rel: *mut pg_sys::RelOptInfo,
        table: pg_sys::Oid,
    ) -> Self {
        BaseRel { root, rel, table }
    }

    pub(crate) fn table(&self) -> pg_sys::Oid {
        self.table
    }

    fn rel(&self) -> &pg_sys::RelOptInfo {
        // SAFETY: the server's promise to the callback; nothing else changes it meanwhile.
        unsafe { &*self.rel }
    }

    pub(super) fn scope(&self) -> Scope {
        Scope { root: self.root, relid: self.rel().relid, table: self.table }
    }

    /// The role whose user mapping counts: a view's owner for a table under a view.
    pub(crate) fn user(&self) -> pg_sys::Oid {
        match self.rel().userid {
            pg_sys::InvalidOid => super::catalog::current_user(),
            user => user,
        }
    }

    /// Raises the server's own error unless the query may be run. The executor asks too late: the
    /// class would be imported, and its `__init__` run, for whoever can merely name the table.
    pub(crate) fn check_permissions(&self) -> Result<(), Error> {
        // SAFETY: raw call on the query being planned.
        unsafe {
            let query = (*self.root).parse;
            #[cfg(feature = "pg15")]
            pg_try(|| raw::ExecCheckRTPerms((*query).rtable, true))?;
            #[cfg(not(feature = "pg15"))]
            pg_try(|| raw::ExecCheckPermissions((*query).rtable, (*query).rteperminfos, true))?;
        }
        Ok(())
    }

    /// The clauses on this relation alone.
    pub(crate) fn restrictions(&self) -> Result<Quals, Error> {
        // SAFETY: a list of RestrictInfo, kept by the planner.
        let clauses: Vec<_> = unsafe {
            list::pointers::<pg_sys::RestrictInfo>(self.rel().baserestrictinfo)
                .filter(|info| !(**info).pseudoconstant)
                .map(|info| (*info).clause.cast())
                .collect()
        };
        self.classify(&clauses)
    }

    fn classify(&self, clauses: &[*mut pg_sys::Node]) -> Result<Quals, Error> {
        let mut quals = Quals { pushed: Vec::new(), local: Vec::new(), expressions: Vec::new() };
        for (position, node) in clauses.iter().enumerate() {
            // SAFETY: an expression of the query being planned.
            match unsafe { clause::classify(self.scope(), *node, &mut quals.expressions)? } {
                Ok(qual) => quals.pushed.push(qual),
                Err(reason) => quals.local.push((position, reason)),
            }
        }
        Ok(quals)
    }

    /// Attribute numbers that the query needs, ascending; a whole-row reference needs them all.
    pub(crate) fn columns(&self, live: &[i16]) -> Result<Vec<i16>, Error> {
        let mut needed = self.attributes()?;
        if needed.contains(&0) {
            return Ok(live.to_vec());
        }
        needed.retain(|attno| live.contains(attno));
        Ok(needed)
    }

    /// Every attribute number that the query names, 0 for the whole row, negative for system columns.
    fn attributes(&self) -> Result<Vec<i16>, Error> {
        let rel = self.rel();
        // SAFETY: raw calls on trees of the planner.
        unsafe {
            let members = pg_try(|| {
                let mut members = std::ptr::null_mut();
                raw::pull_varattnos((*rel.reltarget).exprs.cast(), rel.relid, &raw mut members);
                for info in list::pointers::<pg_sys::RestrictInfo>(rel.baserestrictinfo) {
                    raw::pull_varattnos((*info).clause.cast(), rel.relid, &raw mut members);
                }
                members
            })?;
            attribute_numbers(members)
        }
    }

    /// A system column that the query names although no foreign row has it: all but tableoid.
    ///
    /// A locked inheritance parent names its rows by ctid, which its children have to go along with.
    pub(crate) fn system_column(&self) -> Result<Option<&'static str>, Error> {
        const NAMES: [(i16, &str); 5] =
            [(-1, "ctid"), (-2, "xmin"), (-3, "cmin"), (-4, "xmax"), (-5, "cmax")];
        // SAFETY: the query being planned.
        let locked = unsafe { !(*self.root).rowMarks.is_null() };
        if locked && self.rel().reloptkind == pg_sys::RelOptKind::RELOPT_OTHER_MEMBER_REL {
            return Ok(None);
        }
        let named = self.attributes()?;
        Ok(NAMES.iter().find(|(attno, _)| named.contains(attno)).map(|(_, name)| *name))
    }

    /// Sets the estimate that joins are planned with.
    pub(crate) fn set_size(&self, rows: f64, width: i32) {
        // SAFETY: the callback's own relation.
        unsafe {
            (*self.rel).rows = rows;
            (*self.rel).tuples = rows;
            (*(*self.rel).reltarget).width = width;
        }
    }

    pub(crate) fn rows(&self) -> f64 {
        self.rel().rows
    }

    pub(crate) fn width(&self) -> i32 {
        // SAFETY: every base relation has a target.
        unsafe { (*self.rel().reltarget).width }
    }

    /// Join clauses that fix one of `attnos` by `=` with an expression of other relations.
    pub(crate) fn key_clauses(&self, attnos: &[i16]) -> Result<Vec<KeyClause>, Error> {
        let mut found = Vec::new();
        // SAFETY: a list of RestrictInfo, kept by the planner.
        let joins: Vec<_> = unsafe { list::pointers::<pg_sys::RestrictInfo>(self.rel().joininfo).collect() };
        for info in joins {
            // SAFETY: raw call.
            if unsafe { pg_try(|| raw::join_clause_is_movable_to(info, self.rel))? } {
                self.key_clause(info, attnos, &mut found)?;
            }
        }
        if self.rel().has_eclass_joins {
            for attno in attnos {
                for info in self.implied_equalities(*attno)? {
                    self.key_clause(info, &[*attno], &mut found)?;
                }
            }
        }
        Ok(found)
    }

    fn implied_equalities(&self, attno: i16) -> Result<Vec<*mut pg_sys::RestrictInfo>, Error> {
        unsafe extern "C-unwind" fn is_column(
            _root: *mut pg_sys::PlannerInfo,
            rel: *mut pg_sys::RelOptInfo,
            _class: *mut pg_sys::EquivalenceClass,
            member: *mut pg_sys::EquivalenceMember,
            scope: *mut std::ffi::c_void,
        ) -> bool {
            // SAFETY: the server passes live nodes; `scope` is the pair below.
            unsafe {
                let (mut scope, attno) = *scope.cast::<(Scope, i16)>();
                scope.relid = (*rel).relid;
                clause::column_of(scope, (*member).em_expr.cast()) == Some(attno)
            }
        }
        let mut wanted = (self.scope(), attno);
        // SAFETY: raw call; `wanted` outlives it.
        unsafe {
            let clauses = pg_try(|| {
                raw::generate_implied_equalities_for_column(
                    self.root,
                    self.rel,
                    Some(is_column),
                    (&raw mut wanted).cast(),
                    (*self.rel).lateral_referencers,
                )
            })?;
            Ok(list::pointers(clauses).collect())
        }
    }

    fn key_clause(
        &self,
        info: *mut pg_sys::RestrictInfo,
        attnos: &[i16],
        found: &mut Vec<KeyClause>,
    ) -> Result<(), Error> {
        // SAFETY: a RestrictInfo of the query being planned.
        let (node, relids) = unsafe { ((*info).clause.cast(), (*info).clause_relids) };
        let mut expressions = Vec::new();
        // SAFETY: as above.
        let Ok(qual) = (unsafe { clause::classify(self.scope(), node, &mut expressions)? }) else {
            return Ok(());
        };
        let equality = qual.operator == "=" && qual.quantifier.is_none();
        if equality && attnos.contains(&qual.attno) && matches!(qual.value, Value::Expression { .. }) {
            let own = self.rel().relid;
            // SAFETY: a bitmap of the planner.
            let outer = unsafe { bits(relids)? }.into_iter().filter(|relid| *relid != own).collect();
            let clause = KeyClause { attno: qual.attno, outer };
            if !clause.outer.is_empty() && !found.contains(&clause) {
                found.push(clause);
            }
        }
        Ok(())
    }

    /// Offers a path.
    pub(crate) fn add_path(&self, spec: PathSpec<'_>) -> Result<(), Error> {
        let private = private_text(spec.private);
        let rel = self.rel;
        // SAFETY: raw calls with the callback's own relation.
        unsafe {
            pg_try(|| {
                let mut outer = raw::bms_copy((*rel).lateral_relids);
                for relid in spec.outer {
                    outer = raw::bms_add_member(outer, *relid as i32);
                }
                let mut rows = spec.rows;
                if !outer.is_null() && !spec.outer.is_empty() {
                    let info = raw::get_baserel_parampathinfo(self.root, rel, outer);
                    (*info).ppi_rows = rows;
                } else {
                    rows = (*rel).rows;
                }
                let keys = raw::list_copy_head((*self.root).query_pathkeys, spec.sorted as i32);
                let target = std::ptr::null_mut();
                let path = raw::foreign_path(self.root, rel, target, rows, spec.cost, keys, outer, &private);
                raw::add_path(rel, path.cast());
            })
        }
    }

    /// Offers, for the whole query, a scan that applies LIMIT and OFFSET itself.
    pub(crate) fn add_final_path(
        &self,
        upper: &UpperRel,
        spec: PathSpec<'_>,
        width: i32,
    ) -> Result<(), Error> {
        let private = private_text(spec.private);
        // SAFETY: raw calls; the path's parent stays the base relation, so that it is planned as a
        // scan of the table, which projects the query's own target.
        unsafe {
            pg_try(|| {
                let last = pg_sys::UpperRelationKind::UPPERREL_FINAL as usize;
                let target = raw::copy_pathtarget((*self.root).upper_targets[last]);
                // As the class says; the server only knows the types.
                (*target).width = width;
                let keys = raw::list_copy_head((*self.root).query_pathkeys, spec.sorted as i32);
                let outer = (*self.rel).lateral_relids;
                let (rows, cost) = (spec.rows, spec.cost);
                let path = raw::foreign_path(self.root, self.rel, target, rows, cost, keys, outer, &private);
                raw::add_path(upper.output, path.cast());
            })
        }
    }
}

/// A list holding one string, which the server can copy with the plan.
fn private_text(text: Option<String>) -> Option<std::ffi::CString> {
    text.and_then(|text| std::ffi::CString::new(text).ok())
}

unsafe fn bits(set: *mut pg_sys::Bitmapset) -> Result<Vec<u32>, Error> {
    let mut members = Vec::new();
    let mut last = -1;
    loop {
        // SAFETY: raw call on a bitmap of the planner.
        last = unsafe { pg_try(|| raw::bms_next_member(set, last))? };
        match u32::try_from(last) {
            Ok(member) => members.push(member),
            Err(_) => return Ok(members),
        }
    }
}

/// What `pull_varattnos` found, ascending: 0 is the whole row, below it are the system columns.
unsafe fn attribute_numbers(set: *mut pg_sys::Bitmapset) -> Result<Vec<i16>, Error> {
    // SAFETY: the caller's promise.
    let members = unsafe { bits(set)? };
    let attno = |member: u32| member as i32 + pg_sys::FirstLowInvalidHeapAttributeNumber;
    Ok(members.into_iter().filter_map(|member| i16::try_from(attno(member)).ok()).collect())
}

/// The relation of the final planning step above a base relation.
pub(crate) struct UpperRel {
    root: *mut pg_sys::PlannerInfo,
    output: *mut pg_sys::RelOptInfo,
}

impl UpperRel {
    /// # Safety
    /// Called inside `GetForeignUpperPaths` with the pointers that the server passed.
    pub(super) unsafe fn new(root: *mut pg_sys::PlannerInfo, output: *mut pg_sys::RelOptInfo) -> Self {
        UpperRel { root, output }
    }

    /// The facts that decide about LIMIT, but for what only the class knows.
    pub(crate) fn limit_facts(&self, base: &BaseRel, sorted: bool) -> LimitFacts {
        // SAFETY: the query and the relation being planned.
        unsafe {
            let query = &*(*self.root).parse;
            let plain_scan = query.commandType == pg_sys::CmdType::CMD_SELECT
                && !query.hasAggs
                && !query.hasWindowFuncs
                && !query.hasTargetSRFs
                && query.groupClause.is_null()
                && query.groupingSets.is_null()
                && query.distinctClause.is_null()
                // Not the query's own: `HAVING true` is gone by now, and still makes one row of any.
                && !(*self.root).hasHavingQual
                && query.setOperations.is_null()
                && query.rowMarks.is_null();
            let limit = constant_count(query.limitCount);
            let offset = constant_count(query.limitOffset);
            LimitFacts {
                plain_scan,
                unchecked_quals: list::pointers::<u8>(base.rel().baserestrictinfo).count(),
                sorted,
                with_ties: query.limitOption == pg_sys::LimitOption::LIMIT_OPTION_WITH_TIES,
                limit: limit.unwrap_or(None),
                offset: offset.unwrap_or(None),
                constant: limit.is_some() && offset.is_some(),
            }
        }
    }
}

/// `Some(None)` for no clause or NULL, `Some(Some(n))` for a constant, `None` for anything else.
unsafe fn constant_count(node: *mut pg_sys::Node) -> Option<Option<i64>> {
    // SAFETY: null or an expression of type int8; the cast follows the tag.
    unsafe {
        match node.as_ref() {
            None => Some(None),
            Some(found) if found.type_ == pg_sys::NodeTag::T_Const => {
                let constant = &*node.cast::<pg_sys::Const>();
                Some((!constant.constisnull).then(|| constant.constvalue.value() as i64))
            }
            Some(_) => None,
        }
    }
}

impl Quals {
    /// The value of a qual that is constant now.
    pub(crate) fn constant(&self, value: &Value) -> Option<Constant> {
        let Value::Expression { index, .. } = value else { return None };
        // SAFETY: the expression belongs to the query being planned; the cast follows the tag.
        unsafe {
            let node = *self.expressions.get(*index)?;
            if (*node.cast::<pg_sys::Node>()).type_ != pg_sys::NodeTag::T_Const {
                return None;
            }
            let constant = &*node.cast::<pg_sys::Const>();
            Some(Constant { datum: constant.constvalue, is_null: constant.constisnull })
        }
    }
}

/// The last step: from the chosen path to the plan node.
pub(crate) struct PlanRequest {
    pub(super) rel: BaseRel,
    pub(super) path: *mut pg_sys::ForeignPath,
    pub(super) target_list: *mut pg_sys::List,
    pub(super) clauses: *mut pg_sys::List,
    pub(super) outer_plan: *mut pg_sys::Plan,
}

impl PlanRequest {
    /// What `add_path` stored.
    pub(crate) fn private(&self) -> Option<String> {
        // SAFETY: the path that one of our callbacks made.
        unsafe { private_string((*self.path).fdw_private) }
    }

    /// The clauses that the scan has to check, those of a parameterised path included.
    pub(crate) fn quals(&self) -> Result<Quals, Error> {
        self.rel.classify(&self.checked())
    }

    fn checked(&self) -> Vec<*mut pg_sys::Node> {
        // SAFETY: a list of RestrictInfo; constants without columns are checked above the scan.
        unsafe {
            list::pointers::<pg_sys::RestrictInfo>(self.clauses)
                .filter(|info| !(**info).pseudoconstant)
                .map(|info| (*info).clause.cast())
                .collect()
        }
    }

    /// Columns that the query needs from this scan, those of a parameterised path's clauses included.
    ///
    /// Not read off the target list: with a physical one it names every column of the table.
    pub(crate) fn columns(&self, live: &[i16]) -> Result<Vec<i16>, Error> {
        let relid = self.rel.rel().relid;
        let checked = self.checked();
        // SAFETY: raw calls on trees of the planner.
        let clauses = unsafe {
            let members = pg_try(|| {
                let mut members = std::ptr::null_mut();
                for clause in &checked {
                    raw::pull_varattnos(*clause, relid, &raw mut members);
                }
                members
            })?;
            attribute_numbers(members)?
        };
        if clauses.contains(&0) {
            return Ok(live.to_vec());
        }
        let needed = self.rel.columns(live)?;
        Ok(live.iter().copied().filter(|a| needed.contains(a) || clauses.contains(a)).collect())
    }

    pub(super) fn finish(self, plan: &ScanPlan, quals: Quals) -> Result<*mut pg_sys::ForeignScan, Error> {
        let text = private_text(Some(plan.to_text()));
        let checked = self.checked();
        let relid = self.rel.rel().relid;
        // SAFETY: raw calls; `checked` and `quals` outlive them.
        unsafe {
            pg_try(|| {
                raw::make_foreignscan(
                    self.target_list,
                    list::from_slice(&checked),
                    relid,
                    list::from_slice(&quals.expressions),
                    raw::string_list(&text),
                    std::ptr::null_mut(),
                    std::ptr::null_mut(),
                    self.outer_plan,
                )
            })
        }
    }
}

/// The text of a one-string list.
///
/// # Safety
/// `list` is null or a list that `raw::string_list` made, or a copy of one.
unsafe fn private_string(list: *mut pg_sys::List) -> Option<String> {
    // SAFETY: the caller's promise.
    unsafe { private_bytes(list).map(|text| String::from_utf8_lossy(text).into_owned()) }
}

/// The same without a copy.
///
/// # Safety
/// As above; the list lives as long as the result.
pub(super) unsafe fn private_bytes<'a>(list: *mut pg_sys::List) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    unsafe {
        let node = list::nth::<pg_sys::String>(list, 0)?;
        Some(std::ffi::CStr::from_ptr((*node).sval).to_bytes())
    }
}
