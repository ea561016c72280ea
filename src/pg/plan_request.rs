//! The last step of planning a scan: from the chosen path to the plan node. The danger is a clause that
//! nobody checks: each is either checked by the node or promised by the class, never neither.

use pgrx::pg_sys;

use multicorn_plan::{Count, PlanText, PlannedCount, ScanPlan};

use super::guard::pg_try;
use super::planner::{BaseRel, Quals, attribute_numbers, private_text};
use super::{list, raw};
use crate::error::Error;

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
    pub(crate) fn columns(&self, live: &[i16], partial: bool) -> Result<Vec<i16>, Error> {
        let relid = self.rel.info().relid;
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
        let needed = self.rel.columns(live, partial)?;
        Ok(live.iter().copied().filter(|a| needed.contains(a) || clauses.contains(a)).collect())
    }

    /// The query's LIMIT and OFFSET as expressions of the node, where the path applies them.
    pub(crate) fn counts(
        &self,
        limit: PlannedCount,
        offset: PlannedCount,
        quals: &mut Quals,
    ) -> (Option<Count>, Option<Count>) {
        // SAFETY: the query being planned, whose final path this is.
        let (limit_node, offset_node) = unsafe {
            let query = (*self.rel.root).parse;
            ((*query).limitCount, (*query).limitOffset)
        };
        let mut count = |bound, node: *mut pg_sys::Node| match bound {
            PlannedCount::None => None,
            PlannedCount::Fixed(number) => Some(Count::Fixed(number)),
            PlannedCount::Unknown => {
                quals.expressions.push(node.cast());
                Some(Count::Expression(quals.expressions.len() - 1))
            }
        };
        (count(limit, limit_node), count(offset, offset_node))
    }

    /// The node. What the class applies exactly is checked only for a row that somebody else changed.
    pub(super) fn finish(self, plan: &ScanPlan, quals: Quals) -> Result<*mut pg_sys::ForeignScan, Error> {
        let text = private_text(Some(plan.to_text()));
        let exact = quals.places_of(&plan.exact);
        let clauses: Vec<(usize, *mut pg_sys::Node)> = self.checked().into_iter().enumerate().collect();
        let (rechecked, checked): (Vec<_>, Vec<_>) =
            clauses.into_iter().partition(|(place, _)| exact.contains(place));
        let nodes = |clauses: Vec<(usize, _)>| clauses.into_iter().map(|(_, node)| node).collect::<Vec<_>>();
        let (rechecked, checked) = (nodes(rechecked), nodes(checked));
        let relid = self.rel.info().relid;
        // SAFETY: raw calls; the clauses and `quals` outlive them.
        unsafe {
            pg_try(|| {
                raw::make_foreignscan(
                    self.target_list,
                    list::from_slice(&checked),
                    relid,
                    list::from_slice(&quals.expressions),
                    raw::string_list(&text),
                    std::ptr::null_mut(),
                    list::from_slice(&rechecked),
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
