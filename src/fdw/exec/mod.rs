//! The executor's side. The danger is a generator left suspended: every way out of a scan closes it.

mod modify;
mod scan;

pub(crate) use modify::Modify;
pub(crate) use scan::Scan;
