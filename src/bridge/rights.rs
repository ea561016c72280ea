//! Whose rights count while a wrapper is made: bundled wrappers that read files or open connections
//! ask before they do. The danger is a role that may create tables and so could read, as the server's
//! own user, what it may not read itself.

use pyo3::prelude::*;

use crate::pg::memory::{Access, ForLife};

/// Rights of the roles that chose the options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rights {
    /// Whether the owners of server and table may read the server's files (`pg_read_server_files`).
    pub(crate) read_files: bool,
    /// The same for `pg_write_server_files`.
    pub(crate) write_files: bool,
    /// Whether the role that queries is a superuser, who needs no password of its own.
    pub(crate) superuser: bool,
    /// Names of the options that come from the user mapping.
    pub(crate) mapping: Vec<String>,
}

thread_local! {
    static CURRENT: ForLife<Option<Rights>> = ForLife::default();
}

/// Runs `make` with `rights` as those that `multicorn._native.rights()` tells.
pub(crate) fn with<T>(rights: Rights, make: impl FnOnce() -> T) -> T {
    let before = CURRENT.change(|current| current.replace(rights));
    let made = make();
    CURRENT.change(|current| *current = before);
    made
}

/// `(read_files, write_files, superuser, names of user mapping options)`, or None when no instance is
/// being made: then nothing is allowed that needs a right.
#[pyfunction]
pub(super) fn rights() -> Option<(bool, bool, bool, Vec<String>)> {
    CURRENT.read(|current| {
        let rights = current.clone()?;
        Some((rights.read_files, rights.write_files, rights.superuser, rights.mapping))
    })
}
