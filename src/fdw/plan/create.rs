//! The chosen path becomes the plan that the executor reads. The danger is a column left out: what is
//! not listed here is NULL on every row.

use multicorn_plan::{PathPlan, PlanText, PlannedCount, ScanPlan};

use super::Planning;
use super::promise::{self, Question};
use crate::error::Error;
use crate::pg::plan_request::PlanRequest;
use crate::pg::planner::Quals;

pub(crate) fn scan_plan(request: &PlanRequest, planning: &Planning) -> Result<(ScanPlan, Quals), Error> {
    let path = match request.private() {
        Some(text) => PathPlan::from_text(&text)
            .map_err(|error| Error::internal(format!("multicorn: unreadable path: {error}")))?,
        None => PathPlan::default(),
    };
    let instance = &planning.instance;
    // With those of a path that other relations drive.
    let mut quals = request.quals()?;
    let columns = request.columns(&instance.live, instance.class.updates_part())?;
    let sort = &planning.sort[..path.sorted];
    let (limit, offset) = (path.limit, path.offset);
    let exact = promise::exact(instance, Question { quals: &quals, columns: &columns, sort, limit, offset })?;
    let limits = limit != PlannedCount::None || offset != PlannedCount::None;
    if limits && exact.len() < quals.pushed.len() {
        return Err(promise::withdrawn(instance));
    }
    let local = quals.local_without(&exact);
    let (limit, offset) = request.counts(limit, offset, &mut quals);
    let relies = !exact.is_empty() || !sort.is_empty() || limit.is_some() || offset.is_some();
    let plan = ScanPlan {
        quals: quals.pushed.clone(),
        exact,
        local,
        columns,
        sort: sort.to_vec(),
        limit,
        offset,
        promised: relies.then_some(instance.fingerprint),
    };
    Ok((plan, quals))
}
