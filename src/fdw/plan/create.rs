//! The chosen path becomes the plan that the executor reads. The danger is a column left out: what is
//! not listed here is NULL on every row.

use multicorn_plan::{PathPlan, ScanPlan};

use super::Planning;
use crate::error::Error;
use crate::pg::planner::{PlanRequest, Quals};

pub(crate) fn scan_plan(request: &PlanRequest, planning: &Planning) -> Result<(ScanPlan, Quals), Error> {
    let path = match request.private() {
        Some(text) => PathPlan::from_text(&text)
            .map_err(|error| Error::internal(format!("multicorn: unreadable path: {error}")))?,
        None => PathPlan::default(),
    };
    let quals = request.quals()?;
    let plan = ScanPlan {
        quals: quals.pushed.clone(),
        local: quals.local.clone(),
        columns: request.columns(&planning.instance.live)?,
        sort: planning.sort[..path.sorted].to_vec(),
        limit: path.limit,
        offset: path.offset,
    };
    Ok((plan, quals))
}
