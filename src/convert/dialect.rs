//! Whose Python code sees the values. The danger is a value converted for one that reaches the other: each
//! plan is made for one dialect, and kept by it.

/// What a value looks like in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    /// A class of a foreign table: Python's own types, as many as there are.
    Wrapper,
    /// `LANGUAGE plpy`: PL/Python's choice, where a value without a counterpart is its text.
    Plpy,
    /// `LANGUAGE python`: instances of the server's types.
    Native,
}
