//! `sys.path`: the package beside the extension, the directories of a setting, a virtual
//! environment. The danger is a module of the wrong origin: an older `multicorn` somewhere on the
//! system must not hide ours, and compiled modules of another Python version crash on import.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::PyList;

/// Why a virtual environment cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum VenvProblem {
    /// No directory, or nothing in it that looks like an environment.
    NotAVenv { directory: String },
    /// Made for another Python.
    Version { directory: String, theirs: String, ours: String },
}

/// Puts `package` first, then `directories`, before what is there; adds the virtual environment's
/// packages (its `.pth` files included) before the system's. What is on the path already moves.
///
/// `sys.prefix` stays: the standard library is the system's.
pub(crate) fn assemble(
    py: Python<'_>,
    package: &str,
    directories: &[String],
    venv: Option<&Path>,
) -> PyResult<()> {
    let path = path_list(py)?;
    if let Some(site_packages) = venv {
        add_site_directory(py, &path, site_packages)?;
    }
    let first = std::iter::once(package).chain(directories.iter().map(String::as_str));
    for (place, directory) in first.enumerate() {
        if let Some(old) = path.iter().position(|entry| is(&entry, directory)).filter(|&old| old >= place) {
            path.del_item(old)?;
        }
        path.insert(place, directory)?;
    }
    Ok(())
}

fn path_list(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    Ok(py.import("sys")?.getattr("path")?.cast_into::<PyList>()?)
}

fn is(entry: &Bound<'_, PyAny>, directory: &str) -> bool {
    entry.extract::<std::borrow::Cow<'_, str>>().is_ok_and(|entry| entry == directory)
}

/// `site.addsitedir`, then what it appended is moved before the system's own site directories: the
/// environment's version of a library wins, as it does in the environment's own Python.
fn add_site_directory(py: Python<'_>, path: &Bound<'_, PyList>, directory: &Path) -> PyResult<()> {
    let site = py.import("site")?;
    let system: Vec<String> = site.call_method0("getsitepackages")?.extract()?;
    let before = path.len();
    site.call_method1("addsitedir", (directory.to_string_lossy(),))?;
    let added: Vec<Py<PyAny>> = path.iter().skip(before).map(Bound::unbind).collect();
    let place = path.iter().position(|entry| system.iter().any(|own| is(&entry, own))).unwrap_or(before);
    if place < before {
        for _ in &added {
            path.del_item(before)?;
        }
        for (offset, entry) in added.into_iter().enumerate() {
            path.insert(place + offset, entry)?;
        }
    }
    Ok(())
}

/// The running Python's version, as `3.11`.
pub(crate) fn version(py: Python<'_>) -> String {
    let version = py.version_info();
    format!("{}.{}", version.major, version.minor)
}

/// The directory of the environment's packages, if the environment is for Python `ours`.
pub(crate) fn venv_packages(directory: &str, ours: &str) -> Result<PathBuf, VenvProblem> {
    let root = Path::new(directory);
    let packages = root.join(format!("lib/python{ours}/site-packages"));
    let theirs = std::fs::read_to_string(root.join("pyvenv.cfg"))
        .ok()
        .and_then(|text| configured_version(&text))
        .or_else(|| installed_version(root));
    match theirs {
        Some(theirs) if theirs != ours => {
            Err(VenvProblem::Version { directory: directory.to_owned(), theirs, ours: ours.to_owned() })
        }
        _ if packages.is_dir() => Ok(packages),
        _ => Err(VenvProblem::NotAVenv { directory: directory.to_owned() }),
    }
}

/// `3.9` from a pyvenv.cfg: `version = 3.9.2` is venv's form, `version_info = 3.9.2.final.0` that
/// of virtualenv and uv.
fn configured_version(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        matches!(key.trim(), "version" | "version_info").then(|| value.trim())
    })?;
    let mut parts = value.split('.');
    let (major, minor) = (parts.next()?, parts.next()?);
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (number(major) && number(minor)).then(|| format!("{major}.{minor}"))
}

/// The version in the name of `lib/pythonX.Y`, for an environment without a readable pyvenv.cfg.
fn installed_version(root: &Path) -> Option<String> {
    std::fs::read_dir(root.join("lib")).ok()?.find_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.strip_prefix("python3.").map(|minor| format!("3.{minor}"))
    })
}
