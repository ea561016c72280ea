//! Statements that are prepared once and run often, and the portals from which their rows are fetched. The
//! danger is a plan made for what a table was: the server checks each at every use and makes it anew, so
//! nothing that is told about one (its columns) may be kept.

use std::ffi::{CStr, CString, c_int, c_long};

use pgrx::pg_sys;

use super::guard::pg_try;
use super::planner::Constant;
use super::receiver::{self, Receiver};
use super::spi::{self, Answer, Done, How, ResultColumn, Spi};
use super::{encoding, list, raw};
use crate::error::{Error, SqlState};

/// A statement that was prepared, for as long as the backend wants it.
pub(crate) struct Statement {
    plan: pg_sys::SPIPlanPtr,
    parameters: Vec<pg_sys::Oid>,
}

/// What is known of a statement's parameters when it is prepared.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Types<'a> {
    /// One statement, whose parameters' types the server finds out; how many there are, if that is known.
    Inferred(Option<usize>),
    /// Any number of statements with parameters of these types.
    Given(&'a [pg_sys::Oid]),
}

/// Which way the rows of a statement's portals may be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scroll {
    /// Backward too where that costs nothing.
    #[default]
    AsItComes,
    /// Backward too.
    Both,
}

/// Where rows are fetched from, as of the portal's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
    /// To the row of that number; negative from the end.
    Absolute,
    Relative,
}

impl Direction {
    fn raw(self) -> pg_sys::FetchDirection::Type {
        match self {
            Direction::Forward => pg_sys::FetchDirection::FETCH_FORWARD,
            Direction::Backward => pg_sys::FetchDirection::FETCH_BACKWARD,
            Direction::Absolute => pg_sys::FetchDirection::FETCH_ABSOLUTE,
            Direction::Relative => pg_sys::FetchDirection::FETCH_RELATIVE,
        }
    }
}

/// How a portal is called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Name {
    /// As nobody can guess, and not shown in `pg_cursors`: FETCH asks for no right, and the role whose
    /// query calls Python may run statements of its own while the portal is open.
    Secret,
    /// As the server numbers them.
    Numbered,
}

impl Statement {
    /// The types of `$1`, `$2`, ….
    pub(crate) fn parameters(&self) -> &[pg_sys::Oid] {
        &self.parameters
    }

    /// The columns of its rows as of now, `None` for a statement that gives none.
    ///
    /// Looks the statement's tables up anew if they have changed: call it where errors are survived.
    pub(crate) fn columns(&self) -> Result<Option<Vec<ResultColumn>>, Error> {
        // SAFETY: raw calls on a plan that is kept; a source that was checked has its descriptor.
        unsafe {
            let descriptor = pg_try(|| {
                let source = self.source();
                if source.is_null() {
                    return std::ptr::null_mut();
                }
                raw::CachedPlanGetTargetList(source, std::ptr::null_mut());
                (*source).resultDesc
            })?;
            Ok((!descriptor.is_null()).then(|| spi::columns(descriptor)))
        }
    }

    /// The name of the command, such as `SELECT` or `CREATE TABLE`.
    pub(crate) fn command(&self) -> Result<String, Error> {
        // SAFETY: raw calls; the name is a literal.
        unsafe {
            let name = pg_try(|| {
                let source = self.source();
                if source.is_null() {
                    return std::ptr::null();
                }
                raw::GetCommandTagName((*source).commandTag)
            })?;
            Ok(encoding::from_server_ptr(name).unwrap_or_default())
        }
    }

    /// Whether a portal can be opened for it.
    pub(crate) fn gives_rows(&self) -> Result<bool, Error> {
        // SAFETY: a raw call on a plan that is kept.
        unsafe { pg_try(|| raw::SPI_is_cursor_plan(self.plan)) }
    }

    /// The one statement; null if the text was empty or had several.
    ///
    /// # Safety
    /// Runs inside `pg_try`.
    unsafe fn source(&self) -> *mut pg_sys::CachedPlanSource {
        // SAFETY: the caller's promise; the list belongs to the plan.
        unsafe {
            let sources = raw::SPI_plan_get_plan_sources(self.plan);
            match list::pointers::<pg_sys::CachedPlanSource>(sources).count() {
                1 => list::nth(sources, 0).unwrap_or(std::ptr::null_mut()),
                _ => std::ptr::null_mut(),
            }
        }
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: kept by `prepare`, freed once; freeing a plan that nobody runs does not raise.
        let _ = unsafe { pg_try(|| raw::SPI_freeplan(self.plan)) };
    }
}

impl Spi {
    /// Prepares a text.
    pub(crate) fn prepare(&self, query: &str, types: Types<'_>, scroll: Scroll) -> Result<Statement, Error> {
        let text = encoding::to_server_exactly(query)?;
        let mut parameters = match types {
            // SAFETY: raw calls with a text that outlives them.
            Types::Inferred(count) => unsafe { infer(&text, count).map_err(|error| error.in_query(query))? },
            Types::Given(types) => types.to_vec(),
        };
        let given = parameters.len() as c_int;
        let options = match scroll {
            Scroll::AsItComes => 0,
            Scroll::Both => pg_sys::CURSOR_OPT_SCROLL,
        };
        // SAFETY: as above; the plan is kept, so that it survives the connection.
        let (plan, code) = unsafe {
            pg_try(|| {
                let plan =
                    raw::SPI_prepare_cursor(text.as_ptr(), given, parameters.as_mut_ptr(), options as c_int);
                if !plan.is_null() {
                    raw::SPI_keepplan(plan);
                }
                (plan, pg_sys::SPI_result)
            })?
        };
        if plan.is_null() {
            return Err(spi::refused(code));
        }
        Ok(Statement { plan, parameters })
    }

    /// Runs the statement.
    pub(crate) fn execute(
        &self,
        statement: &Statement,
        values: &[Constant],
        how: How,
    ) -> Result<Answer, Error> {
        let (mut datums, nulls) = split(values);
        // SAFETY: raw calls with one value for each parameter.
        unsafe {
            let code = pg_try(|| {
                raw::SPI_execute_plan(
                    statement.plan,
                    datums.as_mut_ptr(),
                    nulls.as_ptr(),
                    how.read_only,
                    how.limit as c_long,
                )
            })?;
            spi::answer(code)
        }
    }

    /// As `execute`, with the rows going to `receiver`.
    pub(crate) fn execute_into<R: Receiver>(
        &self,
        statement: &Statement,
        values: &[Constant],
        how: How,
        receiver: R,
    ) -> Result<(Done, R), Error> {
        receiver::receive(receiver, |dest| {
            // SAFETY: raw calls with one value for each parameter; the list has room for as many.
            unsafe {
                let code = pg_try(|| {
                    let mut params = std::ptr::null_mut();
                    if !values.is_empty() {
                        params = raw::makeParamList(values.len() as c_int);
                        let places = (*params).params.as_mut_ptr();
                        for (at, (value, type_oid)) in values.iter().zip(&statement.parameters).enumerate() {
                            *places.add(at) = pg_sys::ParamExternData {
                                value: value.datum,
                                isnull: value.is_null,
                                pflags: pg_sys::PARAM_FLAG_CONST as u16,
                                ptype: *type_oid,
                            };
                        }
                    }
                    let options = how.options(params, dest);
                    raw::SPI_execute_plan_extended(statement.plan, &raw const options)
                })?;
                spi::done(code)
            }
        })
    }

    /// Opens a portal, and returns its name.
    pub(crate) fn open(
        &self,
        statement: &Statement,
        values: &[Constant],
        name: Name,
        how: How,
    ) -> Result<String, Error> {
        let (mut datums, nulls) = split(values);
        let text = match name {
            Name::Secret => Some(encoding::to_server(&secret_name()?)),
            Name::Numbered => None,
        };
        let text = text.as_deref().map_or(std::ptr::null(), CStr::as_ptr);
        // SAFETY: as above; name and values are copied into the portal.
        unsafe {
            let portal = pg_try(|| {
                let portal = raw::SPI_cursor_open(
                    text,
                    statement.plan,
                    datums.as_mut_ptr(),
                    nulls.as_ptr(),
                    how.read_only,
                );
                if matches!(name, Name::Secret) {
                    (*portal).visible = false;
                }
                portal
            })?;
            Ok(encoding::from_server_ptr((*portal).name).unwrap_or_default())
        }
    }

    /// The next rows of a portal; `None` if it is gone.
    pub(crate) fn fetch(
        &self,
        portal: &str,
        direction: Direction,
        count: i64,
    ) -> Result<Option<Answer>, Error> {
        let Some(portal) = find(portal)? else { return Ok(None) };
        // SAFETY: raw call on a live portal.
        unsafe {
            pg_try(|| raw::SPI_scroll_cursor_fetch(portal, direction.raw(), count as c_long))?;
            spi::answer(pg_sys::SPI_OK_FETCH as c_int).map(Some)
        }
    }

    /// Moves a portal's place, and tells over how many rows; `None` if it is gone.
    pub(crate) fn move_by(
        &self,
        portal: &str,
        direction: Direction,
        count: i64,
    ) -> Result<Option<u64>, Error> {
        let Some(portal) = find(portal)? else { return Ok(None) };
        // SAFETY: raw call on a live portal.
        unsafe {
            pg_try(|| raw::SPI_scroll_cursor_move(portal, direction.raw(), count as c_long))?;
            Ok(Some(pg_sys::SPI_processed))
        }
    }

    /// Closes a portal, unless it is gone already.
    pub(crate) fn close(&self, portal: &str) -> Result<(), Error> {
        let Some(portal) = find(portal)? else { return Ok(()) };
        // SAFETY: as above.
        unsafe { pg_try(|| raw::SPI_cursor_close(portal)) }
    }
}

/// Hands the next rows of a portal to `receiver`, and tells how many; `None` if the portal is gone.
pub(crate) fn fetch_into<R: Receiver>(
    portal: &str,
    direction: Direction,
    count: i64,
    receiver: R,
) -> Result<Option<(u64, R)>, Error> {
    let Some(portal) = find(portal)? else { return Ok(None) };
    receiver::receive(receiver, |dest| {
        // SAFETY: a raw call on a live portal.
        unsafe { pg_try(|| raw::PortalRunFetch(portal, direction.raw(), count as c_long, dest)) }
    })
    .map(Some)
}

/// Closes a portal; false if it is gone already.
pub(crate) fn close(portal: &str) -> Result<bool, Error> {
    let Some(portal) = find(portal)? else { return Ok(false) };
    // SAFETY: as above; it needs no connection.
    unsafe { pg_try(|| raw::SPI_cursor_close(portal))? };
    Ok(true)
}

/// Lets a portal survive the end of the transaction that comes next, `end_transaction`'s, by way of a pin;
/// tells whether it is there.
pub(crate) fn pin(portal: &str) -> Result<bool, Error> {
    let Some(portal) = find(portal)? else { return Ok(false) };
    // SAFETY: raw call on a live portal; pinning a pinned one would raise.
    unsafe {
        if !(*portal).portalPinned {
            pg_try(|| raw::PinPortal(portal))?;
        }
    }
    Ok(true)
}

/// Undoes `pin`: a pinned portal cannot be closed, and fails a commit that is not ours.
pub(crate) fn unpin(portal: &str) -> Result<(), Error> {
    if let Some(portal) = find(portal)? {
        // SAFETY: as above.
        unsafe {
            if (*portal).portalPinned {
                pg_try(|| raw::UnpinPortal(portal))?;
            }
        }
    }
    Ok(())
}

fn secret_name() -> Result<String, Error> {
    let mut secret = [0_u8; 16];
    // SAFETY: fills so many bytes.
    if !unsafe { raw::pg_strong_random(secret.as_mut_ptr().cast(), secret.len()) } {
        return Err(Error::internal("multicorn: no random bytes for a cursor's name"));
    }
    Ok(format!("multicorn {:032x}", u128::from_ne_bytes(secret)))
}

pub(super) fn find(portal: &str) -> Result<Option<pg_sys::Portal>, Error> {
    let name = encoding::to_server(portal);
    // SAFETY: raw call; the name is only read.
    let portal = unsafe { pg_try(|| raw::SPI_cursor_find(name.as_ptr()))? };
    Ok((!portal.is_null()).then_some(portal))
}

/// Values and the marks of those that are NULL, as the server takes them.
fn split(values: &[Constant]) -> (Vec<pg_sys::Datum>, CString) {
    let marks: Vec<u8> = values.iter().map(|value| if value.is_null { b'n' } else { b' ' }).collect();
    (values.iter().map(|value| value.datum).collect(), CString::new(marks).unwrap_or_default())
}

/// The types of the parameters, as the server's parser infers them from their use.
///
/// # Safety
/// Called with an SPI connection, whose memory takes the trees.
unsafe fn infer(query: &CStr, count: Option<usize>) -> Result<Vec<pg_sys::Oid>, Error> {
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
    if let Some(count) = count.filter(|&count| count != found) {
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
