//! Stands in for `bridge::errors` until that is merged.

use pyo3::prelude::*;

use crate::error::{Error, SqlState};

pub(super) enum Origin {
    Wrapper,
}

pub(super) fn to_error(py: Python<'_>, raised: PyErr, _origin: Origin) -> Error {
    let name = raised.get_type(py).name().map(|n| n.to_string()).unwrap_or_default();
    Error::new(SqlState::FDW_ERROR, format!("Error in python: {name}")).detail(raised.value(py).to_string())
}

pub(super) mod interrupts {
    use std::sync::atomic::AtomicBool;
    pub(crate) static IN_PYTHON: AtomicBool = AtomicBool::new(false);
}
