//! What the helper imports for its workers, who cannot read a file any more. The danger is what the
//! standard library loads only when it is first needed: that is in `wormhole._preload`.

use pyo3::prelude::*;
use wormhole_protocol::Hello;

/// Imports everything, and returns the allowed modules that cannot be imported, with the reason.
pub(crate) fn load(hello: &Hello) -> Result<Vec<(String, String)>, String> {
    Python::attach(|py| {
        let lists = (hello.modules.clone(), hello.refused.clone());
        let loaded = package(py, hello)
            .and_then(|()| py.import("wormhole._preload")?.call_method1("load", lists)?.extract());
        loaded.map_err(|error| format!("the package wormhole cannot be imported: {}", text(py, &error)))
    })
}

/// The package without its `__init__`, which is the client's.
fn package(py: Python<'_>, hello: &Hello) -> PyResult<()> {
    let package = PyModule::new(py, "wormhole")?;
    let places: Vec<String> = hello.path.iter().map(|directory| format!("{directory}/wormhole")).collect();
    package.setattr("__path__", places)?;
    py.import("sys")?.getattr("modules")?.set_item("wormhole", &package)?;
    let native = crate::native::create(py)?;
    package.setattr("_backend", native)
}

/// An exception in one line.
pub(crate) fn text(py: Python<'_>, error: &PyErr) -> String {
    let class = error.get_type(py).name().map(|name| name.to_string()).unwrap_or_default();
    format!("{class}: {}", error.value(py).str().map(|text| text.to_string()).unwrap_or_default())
}
