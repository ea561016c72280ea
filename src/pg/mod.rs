//! Fence 1: the only code that dereferences the server's pointers and calls its functions. What
//! leaves it is a Rust type. Its danger is the longjmp: everything that may raise runs inside
//! `guard::pg_try`, or in a frame without destructors directly below the server.

pub(crate) mod analyze;
pub(crate) mod call;
pub(crate) mod caller;
pub(crate) mod catalog;
pub(crate) mod channel;
pub(crate) mod clause;
pub(crate) mod ddl;
pub(crate) mod direct;
pub(crate) mod drain;
pub(crate) mod encoding;
pub(crate) mod explain;
pub(crate) mod expression;
pub(crate) mod function;
pub(crate) mod guard;
pub(crate) mod import;
pub(crate) mod interrupts;
pub(crate) mod inval;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod memory;
pub(crate) mod modify;
pub(crate) mod modify_plan;
pub(crate) mod modify_routine;
pub(crate) mod modify_row;
mod ordering;
pub(crate) mod plan_request;
pub(crate) mod planner;
#[allow(dead_code)] // as in lib.rs
pub(crate) mod procedure;
pub(crate) mod process;
pub(crate) mod raw;
mod raw_more;
pub(crate) mod receiver;
pub(crate) mod record_type;
pub(crate) mod relation;
#[allow(dead_code)] // as in lib.rs
pub(crate) mod result_set;
mod rivals;
pub(crate) mod role;
pub(crate) mod routine;
pub(crate) mod scan_node;
pub(crate) mod settings;
pub(crate) mod spi;
pub(crate) mod statement;
pub(crate) mod texts;
pub(crate) mod trigger;
pub(crate) mod type_entry;
pub(crate) mod types;
pub(crate) mod upper;
pub(crate) mod varlena;
pub(crate) mod xact;
