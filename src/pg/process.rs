//! Other processes: starting one, signalling one, and how much processor time it has used. The danger is a
//! number that the kernel has given to another process meanwhile: a child is waited for by whoever started
//! it, and others are signalled through a descriptor that stands for them.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use pgrx::pg_sys;

use super::guard::pg_try;
use super::memory::{Access, ForLife};
use super::{processors, raw_more};
use crate::error::Error;

/// Where the started process finds its socket.
const SOCKET: c_int = 3;

thread_local! {
    /// Children that live, for the end of the backend.
    static CHILDREN: ForLife<Vec<libc::pid_t>> = ForLife::default();
    static AT_EXIT: Cell<bool> = const { Cell::new(false) };
}

/// A child of this backend. It is killed and waited for when it is dropped, and when the backend ends.
#[derive(Debug)]
pub(crate) struct Child {
    pid: libc::pid_t,
}

/// A file beside the library.
pub(crate) fn beside_library(name: &str) -> PathBuf {
    // SAFETY: an array of the server's, NUL-terminated before any library is loaded.
    let directory = unsafe { CStr::from_ptr((&raw const pg_sys::pkglib_path).cast()) };
    PathBuf::from(std::ffi::OsStr::from_bytes(directory.to_bytes())).join(name)
}

/// The error of a system call.
pub(super) fn failed(what: &str, error: &std::io::Error) -> Error {
    Error::internal(format!("multicorn: {what}: {error}"))
}

/// Two sockets that are connected. Neither is inherited, and neither blocks at this end.
pub(crate) fn sockets() -> Result<(OwnedFd, OwnedFd), Error> {
    let mut ends = [0; 2];
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: fills the two descriptors, which nobody else owns.
    unsafe {
        if libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) != 0 {
            return Err(failed("socketpair", &std::io::Error::last_os_error()));
        }
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

/// Starts the executable at `path` with this backend's number as its argument, an empty environment, and
/// `socket` as its third descriptor. It shares nothing else but what it closes as its first act.
pub(crate) fn start(path: &std::path::Path, socket: &OwnedFd) -> Result<Child, Error> {
    let at_exit = || -> Result<(), Error> {
        // SAFETY: raw call; the callback lives as long as the library.
        unsafe { pg_try(|| raw_more::on_proc_exit(Some(end_children), pg_sys::Datum::null())) }
    };
    if !AT_EXIT.replace(true) {
        at_exit()?;
    }
    let text =
        |bytes: &[u8]| CString::new(bytes).map_err(|_| Error::internal("multicorn: a path with a NUL"));
    let program = text(path.as_os_str().as_bytes())?;
    // SAFETY: cannot fail.
    let own = text(unsafe { libc::getpid() }.to_string().as_bytes())?;
    let arguments: [*mut c_char; 3] =
        [program.as_ptr().cast_mut(), own.as_ptr().cast_mut(), std::ptr::null_mut()];
    let environment: [*mut c_char; 1] = [std::ptr::null_mut()];
    let mut pid = 0;
    let attributes = Attributes::new()?;
    let actions = Actions::new(socket.as_raw_fd())?;
    // SAFETY: NUL-terminated arrays and initialized structures that outlive the call.
    let code = unsafe {
        libc::posix_spawn(
            &raw mut pid,
            program.as_ptr(),
            &raw const actions.0,
            &raw const attributes.0,
            arguments.as_ptr(),
            environment.as_ptr(),
        )
    };
    if code != 0 {
        let error = std::io::Error::from_raw_os_error(code);
        return Err(failed(&format!("could not start \"{}\"", path.display()), &error));
    }
    CHILDREN.change(|children| children.push(pid));
    Ok(Child { pid })
}

struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    /// No signal is blocked or ignored in the new process, and it has a session of its own from the start: the
    /// server signals the process group of a backend whose statement is cancelled, and a helper that it ends
    /// before the backend notices would be an error of another kind.
    fn new() -> Result<Self, Error> {
        let mut made = std::mem::MaybeUninit::uninit();
        // SAFETY: initializes the structures before anything reads them.
        unsafe {
            check("posix_spawnattr_init", libc::posix_spawnattr_init(made.as_mut_ptr()))?;
            let mut attributes = Attributes(made.assume_init());
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::posix_spawnattr_setsigmask(&raw mut attributes.0, &raw const set);
            libc::sigfillset(&raw mut set);
            libc::posix_spawnattr_setsigdefault(&raw mut attributes.0, &raw const set);
            let signals = libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF;
            let flags = signals as libc::c_short | libc::POSIX_SPAWN_SETSID;
            check(
                "posix_spawnattr_setflags",
                libc::posix_spawnattr_setflags(&raw mut attributes.0, flags as _),
            )?;
            Ok(attributes)
        }
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialized by `new`.
        unsafe { libc::posix_spawnattr_destroy(&raw mut self.0) };
    }
}

struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    /// The first three descriptors are /dev/null, the next is the socket.
    fn new(socket: c_int) -> Result<Self, Error> {
        let mut made = std::mem::MaybeUninit::uninit();
        // SAFETY: initializes the structure before anything reads it; the path is copied.
        unsafe {
            check("posix_spawn_file_actions_init", libc::posix_spawn_file_actions_init(made.as_mut_ptr()))?;
            let mut actions = Actions(made.assume_init());
            // First, since the socket may have one of the other numbers.
            let moved = libc::posix_spawn_file_actions_adddup2(&raw mut actions.0, socket, SOCKET);
            check("posix_spawn_file_actions_adddup2", moved)?;
            for descriptor in 0..SOCKET {
                let opened = libc::posix_spawn_file_actions_addopen(
                    &raw mut actions.0,
                    descriptor,
                    c"/dev/null".as_ptr(),
                    libc::O_RDWR,
                    0,
                );
                check("posix_spawn_file_actions_addopen", opened)?;
            }
            Ok(actions)
        }
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: initialized by `new`.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
    }
}

fn check(what: &str, code: c_int) -> Result<(), Error> {
    if code == 0 { Ok(()) } else { Err(failed(what, &std::io::Error::from_raw_os_error(code))) }
}

impl Drop for Child {
    fn drop(&mut self) {
        CHILDREN.change(|children| children.retain(|&pid| pid != self.pid));
        end(self.pid);
    }
}

/// Kills and waits for a child, which nobody has waited for.
fn end(pid: libc::pid_t) {
    // SAFETY: plain calls with a number that stays the child's until it is waited for.
    unsafe {
        libc::kill(pid, libc::SIGKILL);
        while libc::waitpid(pid, std::ptr::null_mut(), 0) == -1
            && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted
        {}
    }
}

unsafe extern "C-unwind" fn end_children(_code: c_int, _argument: pg_sys::Datum) {
    // SAFETY: cannot fail.
    let own = unsafe { libc::getpid() };
    // SAFETY: a variable of the backend.
    if own == unsafe { pg_sys::MyProcPid } {
        CHILDREN.try_change(std::mem::take).unwrap_or_default().into_iter().for_each(end);
    }
}

/// A process that is not a child, by a descriptor that stands for it.
#[derive(Debug)]
pub(crate) struct Stranger {
    pid: libc::pid_t,
    descriptor: OwnedFd,
    /// The processor to which it was bound.
    processor: Cell<Option<usize>>,
}

impl Stranger {
    /// The process with this number when `descriptor` was made.
    pub(crate) fn new(pid: i32, descriptor: OwnedFd) -> Self {
        Stranger { pid, descriptor, processor: Cell::new(None) }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Ends it at once, if it lives.
    pub(crate) fn kill(&self) {
        self.signal(libc::SIGKILL);
    }

    /// Whether the process was there to be signalled.
    fn signal(&self, signal: c_int) -> bool {
        // SAFETY: a plain call with an open descriptor.
        unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                libc::c_long::from(self.descriptor.as_raw_fd()),
                libc::c_long::from(signal),
                std::ptr::null::<libc::siginfo_t>(),
                0,
            ) == 0
        }
    }

    /// Binds it to the processor on which this backend runs now, so that the two take turns there.
    pub(crate) fn come_near(&self) {
        let here = processors::here();
        if here != self.processor.get()
            && let Some(processor) = here
        {
            self.bind(&processors::only(processor));
            self.processor.set(here);
        }
    }

    /// Lets it run wherever this backend may, for work that takes long.
    pub(crate) fn move_freely(&self) {
        if self.processor.take().is_some()
            && let Some(all) = processors::ours()
        {
            self.bind(&all);
        }
    }

    fn bind(&self, processors: &libc::cpu_set_t) {
        // A process that is there, or that nobody has waited for, keeps its number.
        if self.signal(0) {
            processors::bind(self.pid, processors);
        }
    }

    /// The processor time that it has used, zero if that cannot be told.
    pub(crate) fn cpu(&self) -> Duration {
        let mut clock = 0;
        // SAFETY: a plain structure of integers.
        let mut time: libc::timespec = unsafe { std::mem::zeroed() };
        // SAFETY: pointers to locals. A number that is another process's by now spoils a measurement only.
        let told = unsafe {
            libc::clock_getcpuclockid(self.pid, &raw mut clock) == 0
                && libc::clock_gettime(clock, &raw mut time) == 0
        };
        if !told {
            return Duration::ZERO;
        }
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
    }
}
