//! What the helper imports for its workers, who cannot read a file any more. The danger is what the
//! standard library loads only when it is first needed: that is in `wormhole._preload`.

use pyo3::prelude::*;

/// Imports everything, and returns the allowed modules that cannot be imported, with the reason.
pub(crate) fn load(allowed: &[String]) -> Result<Vec<(String, String)>, String> {
    Python::attach(|py| {
        crate::native::create(py)?;
        py.import("wormhole._preload")?.call_method1("load", (allowed.to_vec(),))?.extract()
    })
    .map_err(|error: PyErr| {
        Python::attach(|py| format!("the package wormhole cannot be imported: {}", text(py, &error)))
    })
}

/// An exception in one line.
pub(crate) fn text(py: Python<'_>, error: &PyErr) -> String {
    let class = error.get_type(py).name().map(|name| name.to_string()).unwrap_or_default();
    format!("{class}: {}", error.value(py).str().map(|text| text.to_string()).unwrap_or_default())
}
