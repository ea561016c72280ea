//! Multicorn: Python inside PostgreSQL. This file only wires: the module magic, `_PG_init`, and the
//! list of modules. Its one danger is doing work at load time: Python starts at first use.

mod bridge;
mod convert;
mod error;
mod fdw;
mod gucs;
mod interpreter;
mod pg;
mod pl;
mod sql;
mod wormhole;

pgrx::pg_module_magic!(name, version);

/// The server calls this when it loads the library.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn _PG_init() {
    gucs::init();
    pg::ddl::watch();
    wormhole::watch();
    bridge::native::extend(sql::extend);
    bridge::native::extend(wormhole::extend);
    bridge::native::extend(pl::extend);
    bridge::native::extend(convert::native::extend);
}
