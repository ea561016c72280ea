//! What the process is to the kernel: its descriptors, its parent, its limits. The danger is order: what
//! is inherited from the server must be gone before any module is imported.

use std::io;
use std::time::Duration;

/// Why a step failed.
pub(crate) type Step = Result<(), String>;

fn told(what: &str, result: libc::c_int) -> Step {
    if result == 0 { Ok(()) } else { Err(format!("{what}: {}", io::Error::last_os_error())) }
}

/// Closes every descriptor but the first three, which are /dev/null, and `kept`.
///
/// The server's descriptors of data files and of its client lack the mark that closes them at exec, and a
/// file that is open already is not covered by Landlock.
pub(crate) fn let_go(kept: i32) -> Step {
    let first = libc::c_long::from(kept + 1);
    // SAFETY: closes descriptors that nobody in this process uses.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_long::from(u32::MAX), 0) };
    told("close_range", closed as libc::c_int)
}

/// Ends with the process `parent`, also if that has ended already.
pub(crate) fn stay_with(parent: i32) -> Step {
    // SAFETY: plain calls with numbers.
    unsafe {
        told("prctl(PR_SET_PDEATHSIG)", libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0))?;
        if libc::getppid() != parent {
            return Err("the server's process has ended".to_owned());
        }
    }
    Ok(())
}

/// A session of its own, since the server signals the process groups of its backends; and the kernel's
/// first choice when memory is short, instead of the server.
pub(crate) fn be_the_first_to_go() {
    // SAFETY: a plain call. It fails only where the process leads a group already.
    unsafe { libc::setsid() };
    // A kernel without /proc decides by itself.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// Nobody may read its memory by /proc or ptrace, and no core file is written.
pub(crate) fn hide() -> Step {
    // SAFETY: plain calls with numbers.
    unsafe {
        told("prctl(PR_SET_DUMPABLE)", libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0))?;
        told("prctl(PR_SET_NO_NEW_PRIVS)", libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    }
}

/// Bytes of address space that the process has.
pub(crate) fn size() -> Result<u64, String> {
    let text = std::fs::read_to_string("/proc/self/statm").map_err(|error| error.to_string())?;
    let pages: u64 = text.split(' ').next().and_then(|pages| pages.parse().ok()).ok_or("no size in statm")?;
    // SAFETY: asks for a constant.
    Ok(pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64)
}

/// Sets the limits of every worker: `memory` bytes of address space in all.
pub(crate) fn limit(memory: u64, cpu_seconds: u64) -> Step {
    set(&[(libc::RLIMIT_AS, memory), (libc::RLIMIT_CPU, cpu_seconds.max(1)), (libc::RLIMIT_CORE, 0)])
}

/// Sets those of a confined one.
pub(crate) fn limit_to_itself() -> Step {
    set(&[
        (libc::RLIMIT_FSIZE, 0),
        (libc::RLIMIT_NPROC, 0),
        // No descriptor can be opened any more; those below stay.
        (libc::RLIMIT_NOFILE, 0),
        (libc::RLIMIT_MEMLOCK, 0),
        (libc::RLIMIT_MSGQUEUE, 0),
        (libc::RLIMIT_SIGPENDING, 0),
    ])
}

fn set(limits: &[(libc::__rlimit_resource_t, u64)]) -> Step {
    for &(which, most) in limits {
        let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
        // SAFETY: a pointer to a local of the right type.
        told("setrlimit", unsafe { libc::setrlimit(which, &raw const limit) })?;
    }
    Ok(())
}

/// One side's ends of two pipes.
#[derive(Clone, Copy)]
pub(crate) struct Pipes {
    pub(crate) input: i32,
    pub(crate) output: i32,
}

impl Pipes {
    pub(crate) fn close(self) {
        close(self.input);
        close(self.output);
    }
}

/// Two pipes between two sides.
pub(crate) fn pipes() -> io::Result<(Pipes, Pipes)> {
    let (there, back) = (pipe()?, pipe());
    match back {
        Ok(back) => {
            Ok((Pipes { input: back[0], output: there[1] }, Pipes { input: there[0], output: back[1] }))
        }
        Err(error) => {
            there.into_iter().for_each(close);
            Err(error)
        }
    }
}

fn pipe() -> io::Result<[i32; 2]> {
    let mut ends = [0; 2];
    // SAFETY: fills the two.
    match unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } {
        0 => Ok(ends),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Closes a descriptor of ours.
pub(crate) fn close(descriptor: i32) {
    // SAFETY: the caller owns it.
    unsafe { libc::close(descriptor) };
}

/// Makes the pipes known as `input` and `output`, one more, and closes all from there on. The helper's
/// socket has the first of these numbers, so neither pipe does.
pub(crate) fn keep_only(pipes: Pipes, input: i32, output: i32) -> Step {
    for (from, to) in [(pipes.input, input), (pipes.output, output)] {
        // SAFETY: both are ours.
        if from != to && unsafe { libc::dup2(from, to) } != to {
            return Err(format!("dup2: {}", io::Error::last_os_error()));
        }
    }
    let_go(output)
}

/// A descriptor that stands for a child, which must not have been waited for.
pub(crate) fn descriptor_of(child: i32) -> io::Result<i32> {
    // SAFETY: a plain call with numbers.
    match unsafe { libc::syscall(libc::SYS_pidfd_open, libc::c_long::from(child), 0) } {
        -1 => Err(io::Error::last_os_error()),
        descriptor => Ok(descriptor as i32),
    }
}

/// How a child ended: the signal that ended it, or 0, and its status.
pub(crate) type End = (i32, i32);

fn end(status: libc::c_int) -> End {
    let signal = if libc::WIFSIGNALED(status) { libc::WTERMSIG(status) } else { 0 };
    (signal, if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 0 })
}

/// Waits for a child's end.
pub(crate) fn bury(child: i32) -> io::Result<End> {
    let mut status = 0;
    loop {
        // SAFETY: a pointer to a local.
        if unsafe { libc::waitpid(child, &raw mut status, 0) } == child {
            return Ok(end(status));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// A child that has ended, without waiting for one.
pub(crate) fn ended() -> Option<(i32, End)> {
    let mut status = 0;
    // SAFETY: a pointer to a local.
    let child = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
    (child > 0).then(|| (child, end(status)))
}

/// Calls `tick` again and again, in the middle of anything else; calls of the kernel go on where they were.
pub(crate) fn tick(every: Duration, tick: extern "C" fn(libc::c_int)) -> Step {
    let seconds = libc::time_t::try_from(every.as_secs()).unwrap_or(libc::time_t::MAX);
    // At no time at all there would be no timer.
    let micros = libc::suseconds_t::from(every.subsec_micros() as i32).max(1);
    let time = libc::timeval { tv_sec: seconds, tv_usec: micros };
    let timer = libc::itimerval { it_interval: time, it_value: time };
    // SAFETY: initialized structures, and a function that does what is allowed in a signal's.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = tick as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART;
        told("sigaction", libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()))?;
        told("setitimer", libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()))
    }
}

/// Whether there is a child that has not been waited for.
pub(crate) fn has_children() -> bool {
    // SAFETY: a plain structure of integers, which the call fills; it takes nothing of the child's end.
    unsafe {
        let mut found: libc::siginfo_t = std::mem::zeroed();
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        libc::waitid(libc::P_ALL, 0, &raw mut found, flags) == 0
    }
}

/// Ends the process without any clean-up.
pub(crate) fn leave(status: i32) -> ! {
    // SAFETY: never returns.
    unsafe { libc::_exit(status) }
}

/// Ends a process that is a child of this one.
pub(crate) fn kill(child: i32) {
    // SAFETY: a child that was not waited for keeps its number.
    unsafe { libc::kill(child, libc::SIGKILL) };
}

/// This process.
pub(crate) fn own_pid() -> i32 {
    // SAFETY: cannot fail.
    unsafe { libc::getpid() }
}
