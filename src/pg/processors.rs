//! Which processors run what. Two processes of which one always waits while the other runs pass the turn on
//! one processor at once; left to itself the kernel puts each on a processor of its own, and every turn
//! wakes one from its sleep, which takes longer than a short call. The danger is a process that stays bound
//! to a processor that others use: it is freed where its work takes long. Nothing here fails, since where
//! something runs is a matter of speed.

/// The processor that runs this code, if a set can name it.
pub(crate) fn here() -> Option<usize> {
    // SAFETY: cannot fail but by a negative number.
    let processor = usize::try_from(unsafe { libc::sched_getcpu() }).ok()?;
    (processor < libc::CPU_SETSIZE as usize).then_some(processor)
}

/// A set of one processor, which `here` has named.
pub(crate) fn only(processor: usize) -> libc::cpu_set_t {
    // SAFETY: a plain structure, of which a bit within its size is set.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processor, &mut set);
        set
    }
}

/// The processors that this backend may use.
pub(crate) fn ours() -> Option<libc::cpu_set_t> {
    // SAFETY: fills the local.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        (libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) == 0).then_some(set)
    }
}

/// Lets a process run on these processors only.
pub(crate) fn bind(pid: libc::pid_t, set: &libc::cpu_set_t) {
    // SAFETY: reads the structure.
    unsafe { libc::sched_setaffinity(pid, size_of_val(set), set) };
}
