//! Fence 2: the calls into CPython's C interface. It knows nothing of the server. Its danger is the
//! interpreter lock: the backend's main thread takes it at the start and keeps it for life.

pub(crate) mod lifecycle;
pub(crate) mod objects;
pub(crate) mod signals;
pub(crate) mod site;
