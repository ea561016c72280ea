//! Ends Python code when the server asks. The server's signal handlers are chained; if Python is on
//! top of the stack, a real-time signal makes Python call `acknowledge`, which raises
//! `QueryCancelled`. The danger is the signal handler: it may run between any two instructions, so
//! it makes only async-signal-safe calls and touches only atomics that were set before.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicPtr, Ordering};

use pyo3::prelude::*;

use super::{WithoutSql, errors};
use crate::error::{Error, SqlState};
use crate::gucs;
use crate::interpreter::{lifecycle, signals};
use crate::pg::interrupts::{self as server, IN_PYTHON, Pending};

/// How often a pending interrupt is repeated until Python has noticed it: the server's handlers
/// restart system calls, so only a signal that does not restart them ends a blocked `recv`.
const REPEAT: i64 = 10_000_000;
/// The gap between two of them grows by this factor …
const GROWTH: i64 = 4;
/// … up to this: some libraries (psycopg) begin their wait of 100 ms anew at every signal and look
/// for Python's only when it is over.
const LONGEST_GAP: i64 = 500_000_000;
/// How long `finally` blocks run undisturbed after `QueryCancelled` was raised, before it is raised
/// again; for code that swallows it.
const GRACE: i64 = 1_000_000_000;

static MAIN_THREAD: AtomicI32 = AtomicI32::new(0);
/// The real-time signal that Python's handler listens to; 0 before the start.
static SIGNAL: AtomicI32 = AtomicI32::new(0);
static TIMER: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());
/// The last gap between two repeated signals.
static GAP: AtomicI64 = AtomicI64::new(REPEAT);
static TIMER_ARMED: AtomicBool = AtomicBool::new(false);
/// When the innermost hook must end, in nanoseconds of the monotonic clock; 0 outside hooks.
static HOOK_DEADLINE: AtomicI64 = AtomicI64::new(0);
/// Whether the innermost hook runs where a cancel may still end the statement.
static HOOK_OBEYS: AtomicBool = AtomicBool::new(false);
/// `QueryCancelled` was raised for what is pending: `finally` blocks run, which may call the library
/// and so pass here again, and must not be disturbed before `GRACE` is over.
static RAISED: AtomicBool = AtomicBool::new(false);
/// Python's own C handler for `SIGNAL`.
static PYTHONS: OnceLock<libc::sigaction> = OnceLock::new();

struct Chained {
    signal: c_int,
    servers: OnceLock<libc::sigaction>,
}

/// Cancel; terminate; timeouts; recovery conflicts and barriers.
static CHAIN: [Chained; 4] = [
    Chained { signal: libc::SIGINT, servers: OnceLock::new() },
    Chained { signal: libc::SIGTERM, servers: OnceLock::new() },
    Chained { signal: libc::SIGALRM, servers: OnceLock::new() },
    Chained { signal: libc::SIGUSR1, servers: OnceLock::new() },
];

type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// Installs everything; the second call does nothing.
pub(super) fn install(py: Python<'_>, acknowledge: Bound<'_, PyAny>) -> Result<(), super::Failure> {
    if SIGNAL.load(Ordering::Relaxed) != 0 {
        return Ok(());
    }
    MAIN_THREAD.store(lifecycle::thread_id(), Ordering::Relaxed);
    IS_MAIN.set(true);
    let signal = unused_signal()
        .ok_or_else(|| Error::internal("no real-time signal is left for interrupting Python"))?;
    TIMER.store(create_timer(signal)?, Ordering::Relaxed);
    signals::install(py, signal, acknowledge)?;
    // Python installs its handler without SA_RESTART, which is what ends a blocked system call.
    replace(signal, &PYTHONS, on_repeat)?;
    SIGNAL.store(signal, Ordering::Relaxed);
    server::set_wake(wake);
    for chained in &CHAIN {
        replace(chained.signal, &chained.servers, on_server_signal)?;
    }
    Ok(())
}

/// The highest real-time signal that nobody uses; libraries that pick one start from below.
fn unused_signal() -> Option<c_int> {
    (libc::SIGRTMIN()..=libc::SIGRTMAX()).rev().find(|&signal| {
        // SAFETY: only reads the present disposition into zeroed memory of the right type.
        unsafe {
            let mut present: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &raw mut present) == 0
                && present.sa_sigaction == libc::SIG_DFL
        }
    })
}

/// A timer that sends `signal` to this thread and to no other.
fn create_timer(signal: c_int) -> Result<*mut c_void, Error> {
    // SAFETY: a plain C structure of integers and pointers, all of which may be zero.
    let mut event: libc::sigevent = unsafe { std::mem::zeroed() };
    event.sigev_notify = libc::SIGEV_THREAD_ID;
    event.sigev_signo = signal;
    event.sigev_notify_thread_id = MAIN_THREAD.load(Ordering::Relaxed);
    let mut timer: libc::timer_t = std::ptr::null_mut();
    // SAFETY: both pointers are to locals of the right types.
    match unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer) } {
        0 => Ok(timer.cast()),
        _ => Err(Error::internal(format!("timer_create failed: {}", std::io::Error::last_os_error()))),
    }
}

/// Puts `handler` before the present one, with the present one's flags and mask.
fn replace(signal: c_int, present: &OnceLock<libc::sigaction>, handler: Handler) -> Result<(), Error> {
    // SAFETY: structures of the right type; the old action is stored before the new handler, which
    // reads it, can run.
    let replaced = unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut old) == 0 && {
            let old = present.get_or_init(|| old);
            let mut new = *old;
            new.sa_sigaction = handler as libc::sighandler_t;
            new.sa_flags |= libc::SA_SIGINFO;
            libc::sigaction(signal, &raw const new, std::ptr::null_mut()) == 0
        }
    };
    if replaced {
        return Ok(());
    }
    Err(Error::internal(format!("sigaction failed: {}", std::io::Error::last_os_error())))
}

/// Calls the handler that was there before ours.
fn forward(old: &libc::sigaction, signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    match old.sa_sigaction {
        libc::SIG_DFL | libc::SIG_IGN => {}
        // SAFETY: the kernel was given these addresses as handlers of exactly these types.
        address if old.sa_flags & libc::SA_SIGINFO != 0 => unsafe {
            std::mem::transmute::<usize, Handler>(address)(signal, info, context);
        },
        // SAFETY: as above.
        address => unsafe { std::mem::transmute::<usize, extern "C" fn(c_int)>(address)(signal) },
    }
}

extern "C" fn on_server_signal(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: async-signal-safe calls and atomics only; errno is put back.
    unsafe {
        let errno = *libc::__errno_location();
        if super::in_child() {
            // A child between fork and exec: the server's handler would act on shared memory.
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        } else if !on_main_thread() {
            // The server's handlers know of one thread only.
            libc::syscall(libc::SYS_tgkill, libc::getpid(), MAIN_THREAD.load(Ordering::Relaxed), signal);
        } else {
            let chained = CHAIN.iter().find(|chained| chained.signal == signal);
            if let Some(servers) = chained.and_then(|chained| chained.servers.get()) {
                forward(servers, signal, info, context);
            }
            if signal == libc::SIGTERM {
                // More than the cancel that was raised perhaps.
                RAISED.store(false, Ordering::Relaxed);
            }
            if IN_PYTHON.load(Ordering::Relaxed) && server::any_pending() {
                wake();
            }
        }
        *libc::__errno_location() = errno;
    }
}

/// The timer has fired. Only if Python has something to notice does its handler see the signal:
/// otherwise the mark would stay until some later, unrelated call of Python.
extern "C" fn on_repeat(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: as in `on_server_signal`.
    unsafe {
        let errno = *libc::__errno_location();
        if !super::in_child() && on_main_thread() {
            let due = server::any_pending() || hook_expired();
            match PYTHONS.get() {
                Some(pythons) if due && IN_PYTHON.load(Ordering::Relaxed) => {
                    forward(pythons, signal, info, context);
                    if !RAISED.load(Ordering::Relaxed) {
                        let gap = (GAP.load(Ordering::Relaxed) * GROWTH).min(LONGEST_GAP);
                        GAP.store(gap, Ordering::Relaxed);
                        arm(gap, gap);
                    }
                }
                _ => rest(),
            }
        }
        *libc::__errno_location() = errno;
    }
}

/// Makes Python notice: between two instructions by the mark, in a system call by the timer.
fn wake() {
    let signal = SIGNAL.load(Ordering::Relaxed);
    if signal != 0 && !RAISED.load(Ordering::Relaxed) {
        signals::request(signal);
        GAP.store(REPEAT, Ordering::Relaxed);
        arm(REPEAT, REPEAT);
    }
}

/// Whether Python code that we have called is on top of the stack.
pub(super) fn is_inside() -> bool {
    IN_PYTHON.load(Ordering::Relaxed)
}

/// By the kernel's number, so that a signal handler may ask.
pub(super) fn on_main_thread() -> bool {
    lifecycle::thread_id() == MAIN_THREAD.load(Ordering::Relaxed)
}

thread_local! {
    static IS_MAIN: Cell<bool> = const { Cell::new(false) };
}

/// The same without a system call, which costs as much as a small statement; not for signal handlers.
#[inline]
pub(super) fn is_main_thread() -> bool {
    IS_MAIN.get()
}

/// Nanoseconds until the timer fires first, and between later times; `first` 0 stops it.
fn arm(first: i64, interval: i64) {
    // Not the timer itself: the kernel's first has the number 0, which looks like a null pointer.
    if SIGNAL.load(Ordering::Relaxed) == 0 {
        return;
    }
    let timer = TIMER.load(Ordering::Relaxed);
    let time = |nanoseconds: i64| libc::timespec {
        tv_sec: nanoseconds / 1_000_000_000,
        tv_nsec: nanoseconds % 1_000_000_000,
    };
    let setting = libc::itimerspec { it_value: time(first), it_interval: time(interval) };
    TIMER_ARMED.store(first != 0, Ordering::Relaxed);
    // SAFETY: the timer lives as long as the process; async-signal-safe.
    unsafe {
        libc::timer_settime(timer.cast(), 0, &raw const setting, std::ptr::null_mut());
    }
}

/// The transaction was aborted: what was raised for it is over, also where Python swallowed it.
pub(super) fn forget() {
    server::leave_python();
    if TIMER_ARMED.load(Ordering::Relaxed) {
        rest();
    }
}

/// Whether a `finally` block may be running after a `QueryCancelled` that is still pending.
pub(super) fn in_grace() -> bool {
    RAISED.load(Ordering::Relaxed)
}

/// What was raised is lost: Python raised it inside a destructor or a callback.
pub(super) fn raise_again() {
    if RAISED.swap(false, Ordering::Relaxed) {
        // By the timer alone: the mark would be noticed inside the same destructor's frame.
        GAP.store(REPEAT, Ordering::Relaxed);
        arm(REPEAT, REPEAT);
    }
}

/// `QueryCancelled` is being raised now.
fn grant_grace() {
    RAISED.store(true, Ordering::Relaxed);
    arm(GRACE, GRACE);
}

/// Nothing to notice now: the timer waits for the hook's deadline, or stops.
fn rest() {
    RAISED.store(false, Ordering::Relaxed);
    GAP.store(REPEAT, Ordering::Relaxed);
    match HOOK_DEADLINE.load(Ordering::Relaxed) {
        0 => arm(0, 0),
        deadline => arm((deadline - now()).max(REPEAT), REPEAT),
    }
}

fn now() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: async-signal-safe; this clock always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Whether a hook or clean-up runs.
pub(super) fn in_hook() -> bool {
    HOOK_DEADLINE.load(Ordering::Relaxed) != 0
}

/// Whether one runs where interrupts are its own affair, and not the server's.
pub(super) fn in_late_hook() -> bool {
    in_hook() && !HOOK_OBEYS.load(Ordering::Relaxed)
}

fn hook_expired() -> bool {
    match HOOK_DEADLINE.load(Ordering::Relaxed) {
        0 => false,
        deadline => now() >= deadline,
    }
}

/// Python calls this, on the main thread, at a point where an exception may be raised.
pub(super) fn acknowledge(py: Python<'_>) -> PyResult<()> {
    if super::in_child() || !IN_PYTHON.load(Ordering::Relaxed) {
        // PL/Python's code, or a mark left over from a call that has ended.
        return Ok(());
    }
    if in_hook() && (hook_expired() || server::die_pending()) {
        grant_grace();
        return Err(errors::cancelled(py, None));
    }
    if in_late_hook() {
        rest();
        return Ok(());
    }
    match server::pending() {
        Pending::Nothing | Pending::Held => {
            rest();
            Ok(())
        }
        Pending::Stop => {
            grant_grace();
            Err(errors::cancelled(py, None))
        }
        Pending::Serve => {
            rest();
            server::serve().map_err(|error| errors::cancelled(py, Some(error)))
        }
    }
}

/// Marks Python as the top of the stack for its lifetime.
pub(super) struct Inside {
    before: bool,
}

impl Inside {
    pub(super) fn enter() -> Self {
        let before = IN_PYTHON.load(Ordering::Relaxed);
        server::enter_python();
        Inside { before }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if !self.before {
            server::leave_python();
            if TIMER_ARMED.load(Ordering::Relaxed) {
                rest();
            }
        }
    }
}

/// A hook or clean-up runs for its lifetime.
pub(super) struct Hook {
    outer: (i64, bool),
    deadline: i64,
    _without: WithoutSql,
}

impl Hook {
    /// With `obeys` a cancel ends it, too.
    pub(super) fn enter(obeys: bool) -> Self {
        let timeout = i64::try_from(gucs::hook_timeout().as_nanos()).unwrap_or(i64::MAX / 2);
        let outer = (HOOK_DEADLINE.load(Ordering::Relaxed), HOOK_OBEYS.load(Ordering::Relaxed));
        let deadline = now().saturating_add(timeout);
        // A hook inside a hook (a savepoint's within a clean-up) does not lengthen the outer one.
        let deadline = if outer.0 == 0 { deadline } else { deadline.min(outer.0) };
        HOOK_DEADLINE.store(deadline, Ordering::Relaxed);
        HOOK_OBEYS.store(obeys, Ordering::Relaxed);
        rest();
        Hook { outer, deadline, _without: WithoutSql::enter() }
    }

    /// Words a cancel inside the hook, which the server itself could not raise here.
    pub(super) fn name_timeout(&self, error: Error, name: &str) -> Error {
        let servers = !in_late_hook() && server::pending() == Pending::Stop;
        if servers || !matches!(error, Error::Interrupted) {
            return error;
        }
        if now() >= self.deadline {
            return Error::new(
                SqlState::QUERY_CANCELED,
                format!("{name} was ended: it ran longer than multicorn.hook_timeout"),
            );
        }
        Error::new(SqlState::QUERY_CANCELED, format!("{name} was ended: the session is being terminated"))
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        HOOK_DEADLINE.store(self.outer.0, Ordering::Relaxed);
        HOOK_OBEYS.store(self.outer.1, Ordering::Relaxed);
        rest();
    }
}

/// For the row loop, where every frame is free of destructors: Python is on top from here …
#[inline(always)]
pub(crate) fn enter_row() {
    server::enter_python();
}

/// … to here.
#[inline(always)]
pub(crate) fn leave_row() {
    server::leave_python();
}
