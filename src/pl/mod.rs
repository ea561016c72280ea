//! x
pub(crate) mod python;
