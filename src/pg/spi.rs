//! Statements that the server runs for us (SPI). The danger is what a failed one leaves behind: only a
//! subtransaction around the connection releases it, so an error closes nothing here.

use std::ffi::{CStr, CString, c_int, c_long};

use pgrx::pg_sys;

use super::guard::pg_try;
use super::planner::Constant;
use super::{encoding, list, raw};
use crate::error::{Error, SqlState};

/// A statement that was prepared, for as long as the backend wants it.
pub(crate) struct Prepared {
    plan: pg_sys::SPIPlanPtr,
    parameters: Vec<pg_sys::Oid>,
}

impl Prepared {
    /// The types of `$1`, `$2`, ….
    pub(crate) fn parameters(&self) -> &[pg_sys::Oid] {
        &self.parameters
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        // SAFETY: kept by `prepare`, freed once; freeing a plan that nobody runs does not raise.
        let _ = unsafe { pg_try(|| raw::SPI_freeplan(self.plan)) };
    }
}

/// An open connection; what it gives lives as long as it.
pub(crate) struct Spi(());

/// Runs `work` with a connection. If `work` fails, the subtransaction's abort closes it.
pub(crate) fn connected<T>(work: impl FnOnce(&Spi) -> Result<T, Error>) -> Result<T, Error> {
    // SAFETY: raw calls, in the order that the server wants.
    unsafe {
        pg_try(|| raw::SPI_connect())?;
        let result = work(&Spi(()))?;
        pg_try(|| raw::SPI_finish())?;
        Ok(result)
    }
}

/// What a statement did.
pub(crate) struct Answer {
    /// Rows that it gave or touched.
    pub(crate) count: u64,
    pub(crate) rows: Option<ResultRows>,
}

impl Spi {
    /// Prepares one statement with so many parameters, whose types the server finds out.
    pub(crate) fn prepare(&self, query: &str, count: usize) -> Result<Prepared, Error> {
        let text = encoding::to_server_exactly(query)?;
        // SAFETY: raw calls with a text that outlives them.
        let mut parameters = unsafe { infer(&text, count).map_err(|error| in_query(error, query))? };
        let given = parameters.len() as c_int;
        // SAFETY: as above; the plan is kept, so that it survives the connection.
        let plan = unsafe {
            pg_try(|| {
                let plan = raw::SPI_prepare(text.as_ptr(), given, parameters.as_mut_ptr());
                if !plan.is_null() {
                    raw::SPI_keepplan(plan);
                }
                plan
            })?
        };
        if plan.is_null() {
            return Err(refused("it cannot be prepared"));
        }
        Ok(Prepared { plan, parameters })
    }

    /// Runs the statement.
    pub(crate) fn execute(&self, prepared: &Prepared, values: &[Constant]) -> Result<Answer, Error> {
        let (mut datums, nulls) = split(values);
        // SAFETY: raw calls with one value for each parameter.
        unsafe {
            let code = pg_try(|| {
                raw::SPI_execute_plan(prepared.plan, datums.as_mut_ptr(), nulls.as_ptr(), false, 0 as c_long)
            })?;
            if code < 0 {
                let name = encoding::from_server_ptr(raw::SPI_result_code_string(code));
                return Err(refused(&name.unwrap_or_default()));
            }
            answer()
        }
    }

    /// Opens a cursor, and returns its name.
    pub(crate) fn open(&self, prepared: &Prepared, values: &[Constant]) -> Result<String, Error> {
        let (mut datums, nulls) = split(values);
        let name = secret_name()?;
        let text = encoding::to_server(&name);
        // SAFETY: as above; name and values are copied into the portal.
        unsafe {
            pg_try(|| {
                let portal = raw::SPI_cursor_open(
                    text.as_ptr(),
                    prepared.plan,
                    datums.as_mut_ptr(),
                    nulls.as_ptr(),
                    false,
                );
                (*portal).visible = false;
            })?;
        }
        Ok(name)
    }

    /// The next rows of a cursor; `None` if it is gone.
    pub(crate) fn fetch(&self, cursor: &str, count: i64) -> Result<Option<Answer>, Error> {
        let Some(portal) = find(cursor)? else { return Ok(None) };
        // SAFETY: raw call on a live portal.
        unsafe {
            pg_try(|| raw::SPI_cursor_fetch(portal, true, count as c_long))?;
            answer().map(Some)
        }
    }

    /// Closes a cursor, unless it is gone already.
    pub(crate) fn close(&self, cursor: &str) -> Result<(), Error> {
        let Some(portal) = find(cursor)? else { return Ok(()) };
        // SAFETY: as above.
        unsafe { pg_try(|| raw::SPI_cursor_close(portal)) }
    }
}

/// A name for a cursor that nobody can guess: FETCH asks for no right, and the role whose query calls the
/// class may run statements of its own while the cursor is open.
fn secret_name() -> Result<String, Error> {
    let mut secret = [0_u8; 16];
    // SAFETY: fills so many bytes.
    if !unsafe { raw::pg_strong_random(secret.as_mut_ptr().cast(), secret.len()) } {
        return Err(Error::internal("multicorn: no random bytes for a cursor's name"));
    }
    Ok(format!("multicorn {:032x}", u128::from_ne_bytes(secret)))
}

fn refused(why: &str) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("this statement cannot be run from Python: {why}"))
}

fn find(cursor: &str) -> Result<Option<pg_sys::Portal>, Error> {
    let name = encoding::to_server(cursor);
    // SAFETY: raw call; the name is only read.
    let portal = unsafe { pg_try(|| raw::SPI_cursor_find(name.as_ptr()))? };
    Ok((!portal.is_null()).then_some(portal))
}

/// Values and the marks of those that are NULL, as the server takes them.
fn split(values: &[Constant]) -> (Vec<pg_sys::Datum>, CString) {
    let marks: Vec<u8> = values.iter().map(|value| if value.is_null { b'n' } else { b' ' }).collect();
    (values.iter().map(|value| value.datum).collect(), CString::new(marks).unwrap_or_default())
}

/// The types of `count` parameters, as the server's parser infers them from their use.
///
/// # Safety
/// Called with an SPI connection, whose memory takes the trees.
unsafe fn infer(query: &CStr, count: usize) -> Result<Vec<pg_sys::Oid>, Error> {
    let (mut types, mut found) = (std::ptr::null_mut::<pg_sys::Oid>(), 0);
    // SAFETY: raw calls; the snapshot is taken off again, by the abort if the parser raises.
    let statements = unsafe {
        pg_try(|| {
            let alone = !raw::ActiveSnapshotSet();
            if alone {
                raw::PushActiveSnapshot(raw::GetTransactionSnapshot());
            }
            let trees = raw::raw_parser(query.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_DEFAULT);
            let statements = list::pointers::<pg_sys::RawStmt>(trees).count();
            if let (1, Some(tree)) = (statements, list::nth::<pg_sys::RawStmt>(trees, 0)) {
                raw::parse_analyze_varparams(
                    tree,
                    query.as_ptr(),
                    &raw mut types,
                    &raw mut found,
                    std::ptr::null_mut(),
                );
            }
            if alone {
                raw::PopActiveSnapshot();
            }
            statements
        })?
    };
    if statements != 1 {
        return Err(Error::new(SqlState::SYNTAX_ERROR, "one statement is run at a time")
            .detail(format!("The text has {statements}.")));
    }
    let found = found as usize;
    if found != count {
        return Err(Error::new(
            SqlState::UNDEFINED_PARAMETER,
            format!("the statement has {found} parameters, and {count} values were given"),
        ));
    }
    // SAFETY: the parser filled so many.
    let types = unsafe { if found == 0 { &[] } else { std::slice::from_raw_parts(types, found) } };
    let unknown = |oid: &pg_sys::Oid| [pg_sys::InvalidOid, pg_sys::UNKNOWNOID].contains(oid);
    match types.iter().position(unknown) {
        Some(at) => Err(Error::new(
            SqlState::INDETERMINATE_DATATYPE,
            format!("could not determine data type of parameter ${}", at + 1),
        )
        .hint("Add a cast, as in $1::int.")),
        None => Ok(types.to_vec()),
    }
}

/// An error of the parser points into our statement, not into that of the client.
fn in_query(mut error: Error, query: &str) -> Error {
    if let Some(report) = error.report_mut()
        && report.cursor_position > 0
    {
        report.internal_position = std::mem::take(&mut report.cursor_position);
        report.internal_query = Some(query.to_owned());
    }
    error
}

/// What the last call left.
///
/// # Safety
/// Right after a call that succeeded.
unsafe fn answer() -> Result<Answer, Error> {
    // SAFETY: the variables are those of the call; the caller's promise.
    unsafe {
        let (count, table) = (pg_sys::SPI_processed, pg_sys::SPI_tuptable);
        let rows = if table.is_null() { None } else { Some(ResultRows::of(table)?) };
        Ok(Answer { count, rows })
    }
}

/// A column of a result.
#[derive(Clone, Debug)]
pub(crate) struct ResultColumn {
    pub(crate) name: String,
    pub(crate) type_oid: pg_sys::Oid,
}

/// Rows that live until the connection is closed.
pub(crate) struct ResultRows {
    table: *mut pg_sys::SPITupleTable,
    columns: Vec<ResultColumn>,
    values: *mut pg_sys::Datum,
    nulls: *mut bool,
}

impl ResultRows {
    /// # Safety
    /// A table of the connection that is open.
    unsafe fn of(table: *mut pg_sys::SPITupleTable) -> Result<Self, Error> {
        // SAFETY: the caller's promise; names are copied at once.
        unsafe {
            let descriptor = (*table).tupdesc;
            let count = (*descriptor).natts;
            let mut columns = Vec::with_capacity(count as usize);
            for number in 1..=count {
                let name = pg_try(|| raw::SPI_fname(descriptor, number))?;
                let type_oid = pg_try(|| raw::SPI_gettypeid(descriptor, number))?;
                columns.push(ResultColumn {
                    name: encoding::from_server_ptr(name).unwrap_or_default(),
                    type_oid,
                });
            }
            let room = (count as usize).max(1);
            let (values, nulls) = pg_try(|| {
                (raw::palloc0(room * size_of::<pg_sys::Datum>()).cast(), raw::palloc0(room).cast())
            })?;
            Ok(ResultRows { table, columns, values, nulls })
        }
    }

    pub(crate) fn columns(&self) -> &[ResultColumn] {
        &self.columns
    }

    pub(crate) fn len(&self) -> usize {
        // SAFETY: the connection is open.
        unsafe { (*self.table).numvals as usize }
    }

    /// The values of row `index`, below `len`, until the next row is asked for.
    pub(crate) fn row(&mut self, index: usize) -> Result<impl Iterator<Item = Constant>, Error> {
        // SAFETY: as above; the arrays have an element for each column.
        unsafe {
            let tuple = *(*self.table).vals.add(index);
            pg_try(|| raw::heap_deform_tuple(tuple, (*self.table).tupdesc, self.values, self.nulls))?;
        }
        let (values, nulls) = (self.values, self.nulls);
        // SAFETY: as above.
        Ok((0..self.columns.len())
            .map(move |at| unsafe { Constant { datum: *values.add(at), is_null: *nulls.add(at) } }))
    }
}
