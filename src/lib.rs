//! Multicorn: Python inside PostgreSQL. This file only wires: the module magic, `_PG_init`, and the
//! list of modules. Its one danger is doing work at load time: Python starts at first use.

mod error;
mod pg;

pgrx::pg_module_magic!(name, version);
