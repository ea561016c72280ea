//! The planner's view of one foreign table: its clauses, the columns needed, the orders wanted, and
//! the paths offered. The danger is the planner's memory: everything taken from it is a value, but for
//! expressions, which stay inside one planning.

use pgrx::pg_sys;

use multicorn_plan::{Cost, KeyClause, LocalReason, PlanText, Qual, Value};

use super::clause::{self, Expressions, Scope};
use super::guard::pg_try;
use super::modify_plan::UpdateShape;
use super::{list, raw};
use crate::error::Error;

/// One base relation (or inheritance child) while it is planned.
#[derive(Clone, Copy)]
pub(crate) struct BaseRel {
    pub(super) root: *mut pg_sys::PlannerInfo,
    pub(super) rel: *mut pg_sys::RelOptInfo,
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
#[derive(Default)]
pub(crate) struct Quals {
    pub(crate) pushed: Vec<Qual>,
    /// Positions of the pushed ones among the clauses given.
    pub(super) places: Vec<usize>,
    /// Position among the clauses given, and the reason.
    pub(crate) local: Vec<(usize, LocalReason)>,
    pub(super) expressions: Expressions,
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

    pub(super) fn info(&self) -> &pg_sys::RelOptInfo {
        // SAFETY: the server's promise to the callback; nothing else changes it meanwhile.
        unsafe { &*self.rel }
    }

    pub(super) fn scope(&self) -> Scope {
        Scope { root: self.root, relid: self.info().relid, table: self.table }
    }

    /// The role whose user mapping counts: a view's owner for a table under a view.
    pub(crate) fn user(&self) -> pg_sys::Oid {
        match self.info().userid {
            pg_sys::InvalidOid => super::catalog::current_user(),
            user => user,
        }
    }

    /// As the function of that name.
    pub(crate) fn check_permissions(&self) -> Result<(), Error> {
        // SAFETY: the query being planned.
        unsafe { check_permissions(self.root) }
    }

    /// Says that the plan is right only for the role that it is made for, whose instance has promised what
    /// the plan relies on: a cached one is made anew for another role.
    pub(crate) fn bind_to_role(&self) {
        if self.info().userid == pg_sys::InvalidOid {
            // SAFETY: the query being planned.
            unsafe { (*(*self.root).glob).dependsOnRole = true }
        }
    }

    /// The clauses on this relation alone.
    pub(crate) fn restrictions(&self) -> Result<Quals, Error> {
        // SAFETY: a list of RestrictInfo, kept by the planner.
        let clauses: Vec<_> = unsafe {
            list::pointers::<pg_sys::RestrictInfo>(self.info().baserestrictinfo)
                .filter(|info| !(**info).pseudoconstant)
                .map(|info| (*info).clause.cast())
                .collect()
        };
        self.classify(&clauses)
    }

    pub(super) fn classify(&self, clauses: &[*mut pg_sys::Node]) -> Result<Quals, Error> {
        let mut quals = Quals::default();
        for (position, node) in clauses.iter().enumerate() {
            // SAFETY: an expression of the query being planned.
            match unsafe { clause::classify(self.scope(), *node, &mut quals.expressions)? } {
                Ok(qual) => {
                    quals.pushed.push(qual);
                    quals.places.push(position);
                }
                Err(reason) => quals.local.push((position, reason)),
            }
        }
        Ok(quals)
    }

    /// Attribute numbers that the query needs, ascending; a whole-row reference needs them all.
    ///
    /// For a class that changes only what an UPDATE sets (`partial`), the whole old row that the server asks
    /// for is no such reference, if nothing looks at it.
    pub(crate) fn columns(&self, live: &[i16], partial: bool) -> Result<Vec<i16>, Error> {
        let mut needed =
            if partial && self.is_unseen_update()? { self.updated()? } else { self.attributes()? };
        if needed.contains(&0) {
            return Ok(live.to_vec());
        }
        needed.retain(|attno| live.contains(attno));
        Ok(needed)
    }

    /// Whether this is the table of an UPDATE whose rows nobody sees but RETURNING of the table itself.
    fn is_unseen_update(&self) -> Result<bool, Error> {
        // SAFETY: the query being planned.
        let unseen = unsafe {
            let query = &*(*self.root).parse;
            let relid = self.info().relid as i32;
            let itself = query.resultRelation == relid;
            query.commandType == pg_sys::CmdType::CMD_UPDATE
                && query.withCheckOptions.is_null()
                && (itself || (query.returningList.is_null() && self.is_result()?))
        };
        if !unseen {
            return Ok(false);
        }
        let shape = UpdateShape::of(self.table)?;
        // A partition's constraint and generated columns are computed from the whole row.
        Ok(!shape.before_row && !shape.after_row && !shape.is_partition && shape.generated.is_empty())
    }

    /// Whether the statement changes this table, by name or as a child of the one that it names.
    fn is_result(&self) -> Result<bool, Error> {
        let relid = self.info().relid as i32;
        // SAFETY: a set of the planner's, which is null where nothing is changed.
        unsafe { pg_try(|| raw::bms_is_member(relid, (*self.root).all_result_relids)) }
    }

    /// Whether this is a table that a MERGE would change: the executor refuses it, but only after planning.
    pub(crate) fn is_merged(&self) -> Result<bool, Error> {
        // SAFETY: the query being planned.
        let merge = unsafe { (*(*self.root).parse).commandType == pg_sys::CmdType::CMD_MERGE };
        Ok(merge && self.is_result()?)
    }

    /// As `attributes`, without the whole row that identifies the one to be changed.
    fn updated(&self) -> Result<Vec<i16>, Error> {
        let rel = self.info();
        // SAFETY: raw calls on trees of the planner; the cast follows the tag.
        unsafe {
            let whole_row = |node: *mut pg_sys::Node| {
                let var = node.cast::<pg_sys::Var>();
                (*node).type_ == pg_sys::NodeTag::T_Var
                    && (*var).varattno == 0
                    // Named in the query it has the table's row type.
                    && (*var).vartype == pg_sys::RECORDOID
            };
            let read: Vec<*mut pg_sys::Node> =
                list::pointers((*rel.reltarget).exprs).filter(|node| !whole_row(*node)).collect();
            let returning = (*(*self.root).parse).returningList;
            let members = pg_try(|| {
                let mut members = self.of_restrictions();
                for node in &read {
                    raw::pull_varattnos(*node, rel.relid, &raw mut members);
                }
                raw::pull_varattnos(returning.cast(), rel.relid, &raw mut members);
                members
            })?;
            attribute_numbers(members)
        }
    }

    /// What the clauses on this relation name.
    ///
    /// # Safety
    /// Runs inside `pg_try`.
    unsafe fn of_restrictions(&self) -> *mut pg_sys::Bitmapset {
        let rel = self.info();
        let mut members = std::ptr::null_mut();
        // SAFETY: the caller's promise; trees of the planner.
        unsafe {
            for info in list::pointers::<pg_sys::RestrictInfo>(rel.baserestrictinfo) {
                raw::pull_varattnos((*info).clause.cast(), rel.relid, &raw mut members);
            }
        }
        members
    }

    /// Every attribute number that the query names, 0 for the whole row, negative for system columns.
    fn attributes(&self) -> Result<Vec<i16>, Error> {
        let rel = self.info();
        // SAFETY: raw calls on trees of the planner.
        unsafe {
            let members = pg_try(|| {
                let mut members = self.of_restrictions();
                raw::pull_varattnos((*rel.reltarget).exprs.cast(), rel.relid, &raw mut members);
                members
            })?;
            attribute_numbers(members)
        }
    }

    /// A system column that the query names although no foreign row has it: all but tableoid.
    ///
    /// A locked inheritance parent names its rows by ctid, which its children have to go along with.
    pub(crate) fn system_column(&self) -> Result<Option<&'static str>, Error> {
        // SAFETY: the query being planned.
        let locked = unsafe { !(*self.root).rowMarks.is_null() };
        if locked && self.info().reloptkind == pg_sys::RelOptKind::RELOPT_OTHER_MEMBER_REL {
            return Ok(None);
        }
        Ok(system_name(&self.attributes()?))
    }

    /// Rows that pass the table's own clauses and their width, by what ANALYZE found; `None` before the
    /// first ANALYZE.
    pub(crate) fn analyzed_size(&self) -> Result<Option<(f64, i32)>, Error> {
        if self.info().tuples < 0.0 {
            return Ok(None);
        }
        // SAFETY: raw call on the callback's own relation.
        unsafe { pg_try(|| raw::set_baserel_size_estimates(self.root, self.rel))? };
        Ok(Some((self.rows(), self.width())))
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
        self.info().rows
    }

    pub(crate) fn width(&self) -> i32 {
        // SAFETY: every base relation has a target.
        unsafe { (*self.info().reltarget).width }
    }

    /// Join clauses that fix one of `attnos` by `=` with an expression of other relations.
    pub(crate) fn key_clauses(&self, attnos: &[i16]) -> Result<Vec<KeyClause>, Error> {
        let mut found = Vec::new();
        // SAFETY: a list of RestrictInfo, kept by the planner.
        let joins: Vec<_> = unsafe { list::pointers::<pg_sys::RestrictInfo>(self.info().joininfo).collect() };
        for info in joins {
            // SAFETY: raw call.
            if unsafe { pg_try(|| raw::join_clause_is_movable_to(info, self.rel))? } {
                self.key_clause(info, attnos, &mut found)?;
            }
        }
        if self.info().has_eclass_joins {
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
            let own = self.info().relid;
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
}

/// Raises the server's own error unless the query may be run. The executor asks too late: the class would
/// be imported, and its `__init__` run, for whoever can merely name the table.
///
/// # Safety
/// A query that is being planned.
pub(super) unsafe fn check_permissions(root: *mut pg_sys::PlannerInfo) -> Result<(), Error> {
    // SAFETY: raw call; the caller's promise.
    unsafe {
        let query = (*root).parse;
        #[cfg(feature = "pg15")]
        pg_try(|| raw::ExecCheckRTPerms((*query).rtable, true))?;
        #[cfg(not(feature = "pg15"))]
        pg_try(|| raw::ExecCheckPermissions((*query).rtable, (*query).rteperminfos, true))?;
    }
    Ok(())
}

/// The plan that `private_text` made a text of.
pub(crate) fn read_plan<T: PlanText>(text: &[u8]) -> Result<T, Error> {
    T::from_text(&String::from_utf8_lossy(text))
        .map_err(|error| Error::internal(format!("multicorn: unreadable plan: {error}")))
}

/// A list holding one string, which the server can copy with the plan.
pub(super) fn private_text(text: Option<String>) -> Option<std::ffi::CString> {
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
pub(super) unsafe fn attribute_numbers(set: *mut pg_sys::Bitmapset) -> Result<Vec<i16>, Error> {
    // SAFETY: the caller's promise.
    let members = unsafe { bits(set)? };
    let attno = |member: u32| member as i32 + pg_sys::FirstLowInvalidHeapAttributeNumber;
    Ok(members.into_iter().filter_map(|member| i16::try_from(attno(member)).ok()).collect())
}

/// The first system column among attribute numbers; all tables have `tableoid`.
pub(super) fn system_name(attnos: &[i16]) -> Option<&'static str> {
    const NAMES: [(i16, &str); 5] = [(-1, "ctid"), (-2, "xmin"), (-3, "cmin"), (-4, "xmax"), (-5, "cmax")];
    NAMES.iter().find(|(attno, _)| attnos.contains(attno)).map(|(_, name)| *name)
}

impl Quals {
    /// Where the pushed quals at `positions` stand among the clauses given.
    pub(super) fn places_of(&self, positions: &[usize]) -> Vec<usize> {
        positions.iter().filter_map(|position| self.places.get(*position).copied()).collect()
    }

    /// `local`, with the positions that its clauses have when those of the pushed quals at `exact` are
    /// taken out.
    pub(crate) fn local_without(&self, exact: &[usize]) -> Vec<(usize, LocalReason)> {
        let gone = self.places_of(exact);
        let moved = |place: usize| place - gone.iter().filter(|taken| **taken < place).count();
        self.local.iter().map(|(place, reason)| (moved(*place), *reason)).collect()
    }

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
