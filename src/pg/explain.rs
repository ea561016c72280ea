//! The fence around EXPLAIN. The danger is its text form, which existing suites compare: what is shown
//! there and where is decided by the callers, not here.

use std::ffi::CString;

use pgrx::pg_sys;

use super::guard::pg_try;
use super::scan_node::ScanNode;
use super::{encoding, list, raw};
use crate::error::Error;

pub(crate) struct Explain {
    state: *mut pg_sys::ExplainState,
    ancestors: *mut pg_sys::List,
}

impl Explain {
    /// # Safety
    /// Called inside an EXPLAIN callback with the pointer that the server passed.
    pub(super) unsafe fn new(state: *mut pg_sys::ExplainState) -> Self {
        Explain { state, ancestors: std::ptr::null_mut() }
    }

    fn state(&self) -> &pg_sys::ExplainState {
        // SAFETY: valid for the callback.
        unsafe { &*self.state }
    }

    pub(crate) fn is_text(&self) -> bool {
        self.state().format == pg_sys::ExplainFormat::EXPLAIN_FORMAT_TEXT
    }

    pub(crate) fn is_verbose(&self) -> bool {
        self.state().verbose
    }

    pub(crate) fn is_analyze(&self) -> bool {
        self.state().analyze
    }

    /// Whether times may be shown (`TIMING off` keeps them out).
    pub(crate) fn with_timing(&self) -> bool {
        self.state().timing
    }

    pub(crate) fn text(&self, label: &str, value: &str) -> Result<(), Error> {
        let (label, value) = (encoding::to_server(label), encoding::to_server(value));
        // SAFETY: raw call with NUL-terminated strings, copied by the callee.
        unsafe { pg_try(|| raw::ExplainPropertyText(label.as_ptr(), value.as_ptr(), self.state)) }
    }

    pub(crate) fn list(&self, label: &str, values: &[String]) -> Result<(), Error> {
        let label = encoding::to_server(label);
        let values: Vec<CString> = values.iter().map(|value| encoding::to_server(value)).collect();
        let pointers: Vec<*mut std::ffi::c_char> = values.iter().map(|v| v.as_ptr().cast_mut()).collect();
        // SAFETY: as above; the list of strings is only read.
        unsafe {
            pg_try(|| raw::ExplainPropertyList(label.as_ptr(), list::from_slice(&pointers), self.state))
        }
    }

    pub(crate) fn integer(&self, label: &str, value: i64) -> Result<(), Error> {
        let label = encoding::to_server(label);
        // SAFETY: as above.
        unsafe {
            pg_try(|| {
                raw::ExplainPropertyInteger(label.as_ptr(), std::ptr::null(), value, self.state);
            })
        }
    }

    pub(crate) fn milliseconds(&self, label: &str, value: f64) -> Result<(), Error> {
        let label = encoding::to_server(label);
        // SAFETY: as above.
        unsafe {
            pg_try(|| {
                raw::ExplainPropertyFloat(label.as_ptr(), c"ms".as_ptr(), value, 3, self.state);
            })
        }
    }

    /// The clause at `position` of those that the node checks, as SQL.
    pub(crate) fn clause(&self, node: &ScanNode, position: usize) -> Result<String, Error> {
        // SAFETY: a list of expressions.
        match unsafe { list::nth(node.checked_clauses(), position) } {
            Some(clause) => self.deparse(node, clause),
            None => Ok(String::new()),
        }
    }

    /// Expression `index` of the node, as SQL.
    pub(crate) fn expression(&self, node: &ScanNode, index: usize) -> Result<String, Error> {
        node.expression(index).map_or_else(|| Ok(String::new()), |found| self.deparse(node, found))
    }

    fn deparse(&self, node: &ScanNode, expression: *mut pg_sys::Node) -> Result<String, Error> {
        // SAFETY: raw calls on the plan that is being explained.
        unsafe {
            let text = pg_try(|| {
                let context = raw::set_deparse_context_plan(
                    (*self.state).deparse_cxt,
                    node.plan_pointer(),
                    self.ancestors,
                );
                raw::deparse_expression(expression, context, false, false)
            })?;
            Ok(encoding::from_server_ptr(text).unwrap_or_default())
        }
    }
}
