//! Foreign tables: which file answers which callback of the server, and the two functions that SQL
//! names. The danger is logic creeping in here: this is a table of contents.

mod class;
mod exec;
mod explain;
mod import_schema;
mod instance;
mod items;
mod plan;
mod quals;
mod reading;
mod size;
mod transaction;
mod validate;

use multicorn_plan::{ModifyPlan, ScanPlan};
use pgrx::pg_sys;

use crate::error::Error;
use crate::pg::analyze::Sampler;
use crate::pg::direct::ForeignDirect;
use crate::pg::explain::Explain;
use crate::pg::function::{Arguments, sql_function};
use crate::pg::import::ImportRequest;
use crate::pg::modify::{Command, Target, Updatable};
use crate::pg::modify_plan::{IdentityRequest, ModifyRequest};
use crate::pg::modify_routine::{ForeignModify, Truncate};
use crate::pg::modify_row::Row;
use crate::pg::plan_request::PlanRequest;
use crate::pg::planner::{BaseRel, Quals};
use crate::pg::relation;
use crate::pg::routine::{self, ForeignDataWrapper};
use crate::pg::scan_node::ScanNode;
use crate::pg::upper::UpperRel;

/// callback → file
struct Multicorn;

impl ForeignDataWrapper for Multicorn {
    type Planning = plan::Planning;
    type Scan = exec::Scan;

    fn rel_size(rel: &BaseRel) -> Result<plan::Planning, Error> {
        plan::rel_size::estimate(rel).map_err(|error| of_table(error, rel.table()))
    }

    fn paths(rel: &BaseRel, planning: &mut plan::Planning) -> Result<(), Error> {
        plan::paths::offer(rel, planning).map_err(|error| of_table(error, rel.table()))
    }

    fn final_paths(rel: &BaseRel, planning: &plan::Planning, upper: &UpperRel) -> Result<(), Error> {
        plan::limit::offer(rel, planning, upper).map_err(|error| of_table(error, rel.table()))
    }

    fn plan(request: &PlanRequest, planning: &plan::Planning) -> Result<(ScanPlan, Quals), Error> {
        plan::create::scan_plan(request, planning)
    }

    fn begin_scan(node: &ScanNode, explain_only: bool) -> Result<exec::Scan, Error> {
        exec::Scan::begin(node, explain_only).map_err(|error| of_table(error, node.table()))
    }

    #[inline]
    fn next_row(scan: &mut exec::Scan, node: &ScanNode) -> Result<bool, Error> {
        scan.next_row(node).map_err(|error| of_table(error, node.table()))
    }

    fn rescan(scan: &mut exec::Scan) -> Result<(), Error> {
        scan.rescan()
    }

    fn is_over(scan: &exec::Scan) -> bool {
        scan.is_over()
    }

    fn explain(scan: &mut exec::Scan, node: &ScanNode, explain: &Explain) -> Result<(), Error> {
        explain::scan(scan, node, explain).map_err(|error| of_table(error, node.table()))
    }

    fn import_schema(request: &ImportRequest) -> Result<Vec<String>, Error> {
        import_schema::statements(request)
    }

    fn analyzed_size(table: pg_sys::Oid, owner: pg_sys::Oid) -> Result<Option<f64>, Error> {
        exec::analyze::size(table, owner).map_err(|error| of_table(error, table))
    }

    fn sample(sampler: &mut Sampler) -> Result<f64, Error> {
        exec::analyze::sample(sampler).map_err(|error| of_table(error, sampler.table()))
    }
}

impl ForeignModify for Multicorn {
    type Modify = exec::Modify;

    fn updatable(table: pg_sys::Oid) -> Result<Updatable, Error> {
        plan::modify::updatable(table)
    }

    fn identity(request: &IdentityRequest) -> Result<(), Error> {
        plan::modify::identity(request)
    }

    fn plan_modify(request: &ModifyRequest) -> Result<Option<ModifyPlan>, Error> {
        plan::modify::plan(request)
    }

    fn begin_modify(target: Target, command: Command) -> Result<exec::Modify, Error> {
        exec::Modify::begin(target, command)
    }

    fn batch_size(modify: &mut exec::Modify) -> Result<i32, Error> {
        modify.batch_size()
    }

    fn insert(modify: &mut exec::Modify, rows: &[Row]) -> Result<usize, Error> {
        modify.insert(rows)
    }

    fn update(modify: &mut exec::Modify, new: Row, input: Row) -> Result<bool, Error> {
        modify.update(new, input)
    }

    fn delete(modify: &mut exec::Modify, returned: Row, input: Row) -> Result<bool, Error> {
        modify.delete(returned, input)
    }

    fn explain_modify(target: Target, explain: &Explain) -> Result<(), Error> {
        explain::modify(target, explain)
    }

    fn truncate(tables: &[pg_sys::Oid], options: Truncate) -> Result<(), Error> {
        exec::truncate::truncate(tables, options)
    }
}

impl ForeignDirect for Multicorn {
    type Direct = exec::Direct;

    fn does_direct(request: &ModifyRequest) -> Result<bool, Error> {
        plan::modify::does_direct(request)
    }

    fn begin_direct(node: &ScanNode, command: Command) -> Result<exec::Direct, Error> {
        exec::Direct::begin(node, command)
    }

    fn run_direct(direct: &mut exec::Direct, node: &ScanNode) -> Result<(u64, bool), Error> {
        direct.run(node).map_err(|error| of_table(error, node.table()))
    }

    fn explain_direct(node: &ScanNode, explain: &Explain) -> Result<(), Error> {
        explain::direct(node, explain)
    }
}

/// Names the table in the fields of an error that is ours; the words stay the contract's.
#[cold]
fn of_table(mut error: Error, table: pg_sys::Oid) -> Error {
    if let Error::Ours(report) = &mut error
        && report.table_name.is_none()
    {
        (report.schema_name, report.table_name) = relation::qualified_name(table);
    }
    error
}

sql_function!(
    /// `multicorn_handler() RETURNS fdw_handler`.
    pg_finfo_multicorn_handler,
    multicorn_handler,
    |_arguments: Arguments| Ok(pg_sys::Datum::from(routine::make::<Multicorn>()?))
);

sql_function!(
    /// `multicorn_validator(text[], oid) RETURNS void`.
    pg_finfo_multicorn_validator,
    multicorn_validator,
    |arguments: Arguments| validate::options(arguments).map(|()| pg_sys::Datum::null())
);
