//! The settings of remote functions: how they are confined, and what one call may use. The danger is a
//! limit that a role could raise for itself: all of these are superusers', and a role's own limits, which are
//! settings of their own, only ever count where they are lower.

use std::ffi::{CStr, c_int};
use std::time::Duration;

use wormhole_protocol::{Exceeded, Limits};

use crate::error::{Error, SqlState};
use crate::pg::settings::{self, About, Choice, Number, Unit};

/// Required: a function of a role that is no superuser runs where it can reach nothing, or not at all. A
/// weaker default would be a hole on the kernels that most need the attention of their administrator.
static CONFINEMENT: Choice<4> = Choice::new([Some(c"required"), Some(c"optional"), Some(c"off"), None]);

/// Longer than what belongs into a transaction, shorter than what an administrator would notice.
static CPU_TIME: Number = Number::new(10_000);

/// Room for a few hundred thousand rows as Python objects, with eight sessions on a small server.
static MEMORY: Number = Number::new(256);

/// What a reply may be at once: more than anybody reads, and far from what the server refuses (1 GB).
static MESSAGE_SIZE: Number = Number::new(16 * 1024);

/// Enough for a loop over a page of rows; a loop over a table should be one query.
static QUERIES: Number = Number::new(10_000);

/// As objects they have to fit into the memory above.
static ROWS: Number = Number::new(1_000_000);

/// A stream may be longer than one message.
static RESULT_SIZE: Number = Number::new(64 * 1024);

/// Often enough that what one call leaves in a worker is gone soon, seldom enough that a new worker (a
/// millisecond) does not matter.
static CALLS: Number = Number::new(1_000);

/// Longer than the pause of somebody who works with a session, shorter than a pool keeps one that it does not
/// need: a helper and its workers are some 25 MB.
static IDLE_TIMEOUT: Number = Number::new(5 * 60 * 1000);

/// Some two hundred functions of ordinary size.
static CODE_CACHE: Number = Number::new(4 * 1024);

/// What a role allows its calls, if that is less: none.
static OWN_CPU_TIME: Number = Number::new(NO_LIMIT);
static OWN_MEMORY: Number = Number::new(NO_LIMIT);
static OWN_QUERIES: Number = Number::new(NO_LIMIT);
static OWN_ROWS: Number = Number::new(NO_LIMIT);
static OWN_RESULT_SIZE: Number = Number::new(NO_LIMIT);

const NO_LIMIT: c_int = -1;

/// A role's own limits beside those of superusers.
static OWN: [(&Number, &CStr, &CStr, Unit); 5] = [
    (
        &OWN_CPU_TIME,
        c"multicorn.wormhole_own_cpu_time",
        c"As multicorn.wormhole_cpu_time, if this is less; -1 is no limit of one's own.",
        Unit::Milliseconds,
    ),
    (
        &OWN_MEMORY,
        c"multicorn.wormhole_own_memory",
        c"As multicorn.wormhole_memory, if this is less; -1 is no limit of one's own.",
        Unit::Megabytes,
    ),
    (
        &OWN_QUERIES,
        c"multicorn.wormhole_own_queries",
        c"As multicorn.wormhole_queries, if this is less; -1 is no limit of one's own.",
        Unit::None,
    ),
    (
        &OWN_ROWS,
        c"multicorn.wormhole_own_rows",
        c"As multicorn.wormhole_rows, if this is less; -1 is no limit of one's own.",
        Unit::None,
    ),
    (
        &OWN_RESULT_SIZE,
        c"multicorn.wormhole_own_result_size",
        c"As multicorn.wormhole_result_size, if this is less; -1 is no limit of one's own.",
        Unit::Kilobytes,
    ),
];

type Row = (&'static Number, &'static CStr, &'static CStr, Unit, c_int, c_int);

const MOST: c_int = c_int::MAX;

/// Each number with its description, its unit and its bounds.
static NUMBERS: [Row; 9] = [
    (
        &CPU_TIME,
        c"multicorn.wormhole_cpu_time",
        c"Processor time of one call of a confined remote function.",
        Unit::Milliseconds,
        1,
        MOST,
    ),
    (
        &MEMORY,
        c"multicorn.wormhole_memory",
        c"Memory of a confined remote function, beyond that of Python.",
        Unit::Megabytes,
        16,
        MOST,
    ),
    (
        &MESSAGE_SIZE,
        c"multicorn.wormhole_message_size",
        c"Size of one message of a confined remote function: its source, a query, a value.",
        Unit::Kilobytes,
        64,
        1_000_000,
    ),
    (
        &QUERIES,
        c"multicorn.wormhole_queries",
        c"Number of queries of one call of a confined remote function.",
        Unit::None,
        0,
        MOST,
    ),
    (
        &ROWS,
        c"multicorn.wormhole_rows",
        c"Number of rows that the queries of one call of a confined remote function give.",
        Unit::None,
        0,
        MOST,
    ),
    (
        &RESULT_SIZE,
        c"multicorn.wormhole_result_size",
        c"Size of what one call of a confined remote function returns or yields.",
        Unit::Kilobytes,
        1,
        MOST,
    ),
    (
        &CALLS,
        c"multicorn.wormhole_calls_per_worker",
        c"Number of calls after which a worker is replaced.",
        Unit::None,
        1,
        MOST,
    ),
    (
        &IDLE_TIMEOUT,
        c"multicorn.wormhole_idle_timeout",
        c"Time after which the worker processes of a session end that makes no remote call; 0 is never.",
        Unit::Milliseconds,
        0,
        MOST,
    ),
    (
        &CODE_CACHE,
        c"multicorn.wormhole_code_cache",
        c"Memory of compiled remote functions in the server's own process.",
        Unit::Kilobytes,
        64,
        MOST,
    ),
];

/// Defines the settings, while the library is loaded.
pub(super) fn define() {
    CONFINEMENT.define(&About {
        name: c"multicorn.wormhole_confinement",
        short: c"Whether remote functions that no superuser vouches for must run confined.",
        long: c"\"optional\" runs them unconfined where the kernel cannot confine them, \"off\" always.",
    });
    for &(setting, name, short, unit, least, most) in &NUMBERS {
        setting.define(&About { name, short, long: c"" }, unit, least, most);
    }
    for &(setting, name, short, unit) in &OWN {
        setting.define_for_all(&About { name, short, long: c"" }, unit, NO_LIMIT, MOST);
    }
}

/// How functions are confined that no superuser vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confine {
    Required,
    Optional,
    Off,
}

pub(crate) fn confinement() -> Confine {
    [Confine::Required, Confine::Optional, Confine::Off]
        .into_iter()
        .nth(CONFINEMENT.get())
        .unwrap_or(Confine::Required)
}

const KB: u64 = 1024;

/// The limits of a call of a confined function, as superusers have set them.
pub(crate) fn allowed() -> Limits {
    Limits {
        cpu: Duration::from_millis(CPU_TIME.get()),
        memory: MEMORY.get() * KB * KB,
        frame: usize::try_from(MESSAGE_SIZE.get() * KB).unwrap_or(usize::MAX),
        queries: QUERIES.get(),
        rows: ROWS.get(),
        result: RESULT_SIZE.get() * KB,
        calls: CALLS.get(),
    }
}

/// Fails where a client has made the session lose what was set for it.
pub(crate) fn are_whole() -> Result<(), Error> {
    let Some(name) = settings::lost() else { return Ok(()) };
    let text = format!("permission denied to set parameter \"{name}\"");
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text)
        .detail("It was given when the session began, in the place of what was set for the role.")
        .hint("Connect without it."))
}

/// Those that hold: the role's own where they are lower.
pub(crate) fn limits() -> Limits {
    let allowed = allowed();
    let least = |allowed: u64, own: &Number, unit: u64| {
        own.get_if_any().map_or(allowed, |own| allowed.min(own.saturating_mul(unit)))
    };
    Limits {
        cpu: OWN_CPU_TIME.get_if_any().map_or(allowed.cpu, |own| allowed.cpu.min(Duration::from_millis(own))),
        memory: least(allowed.memory, &OWN_MEMORY, KB * KB).max(LEAST_MEMORY),
        queries: least(allowed.queries, &OWN_QUERIES, 1),
        rows: least(allowed.rows, &OWN_ROWS, 1),
        result: least(allowed.result, &OWN_RESULT_SIZE, KB),
        ..allowed
    }
}

/// Python does not work with less.
const LEAST_MEMORY: u64 = 16 * KB * KB;

/// The setting that a limit which holds came from, without the extension's prefix: the role's own, or that of
/// superusers.
pub(crate) fn origin(exceeded: &Exceeded) -> (String, Whose) {
    let (limits, allowed, name) = (limits(), allowed(), exceeded.setting());
    let is_own = match exceeded {
        Exceeded::Cpu(_) => limits.cpu < allowed.cpu,
        Exceeded::Memory(_) => limits.memory < allowed.memory,
        Exceeded::Queries(_) => limits.queries < allowed.queries,
        Exceeded::Rows(_) => limits.rows < allowed.rows,
        Exceeded::Result(_) => limits.result < allowed.result,
        Exceeded::Frame(_) => false,
    };
    if is_own {
        (name.replace("wormhole_", "wormhole_own_"), Whose::Own)
    } else {
        (name.to_owned(), Whose::Superusers)
    }
}

/// Who may change a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Own,
    Superusers,
}

/// Milliseconds after which workers and helpers without work end; 0 is never.
pub(crate) fn idle_timeout() -> u64 {
    IDLE_TIMEOUT.get()
}

/// Bytes that compiled functions may take.
pub(crate) fn code_cache() -> u64 {
    CODE_CACHE.get() * 1024
}
