//! The executor's side. The danger is a generator left suspended: every way out of a scan closes it.

pub(super) mod analyze;
mod direct;
mod modify;
mod scan;
mod stored;
pub(super) mod truncate;

pub(crate) use direct::Direct;
pub(crate) use modify::Modify;
pub(super) use modify::{batch_size, plan_of};
pub(crate) use scan::Scan;
