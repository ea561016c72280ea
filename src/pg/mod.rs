//! Fence 1: the only code that dereferences the server's pointers and calls its functions. What
//! leaves it is a Rust type. Its danger is the longjmp: everything that may raise runs inside
//! `guard::pg_try`, or in a frame without destructors directly below the server.

pub(crate) mod encoding;
pub(crate) mod guard;
pub(crate) mod raw;
pub(crate) mod types;
pub(crate) mod varlena;
