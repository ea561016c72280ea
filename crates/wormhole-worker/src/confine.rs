//! The walls: Landlock without any path or port, and a list of the system calls that Python needs to
//! compute. The danger is a call that looks harmless: `stat` tells whether a file exists and is not
//! covered by Landlock, and memory that can be written and run makes a library of any bytes.

use std::collections::BTreeMap;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

/// Takes every right to files, ports, abstract sockets and others' processes, as far as the kernel knows
/// of them; without a right to files it fails.
pub(crate) fn landlock() -> Result<(), String> {
    let rights = || -> Result<landlock::RestrictionStatus, landlock::RulesetError> {
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V5))?
            .handle_access(AccessNet::from_all(ABI::V4))?
            .scope(Scope::from_all(ABI::V6))?
            .create()?
            .restrict_self()
    };
    let status = rights().map_err(|error| format!("Landlock: {error}"))?;
    match status.ruleset {
        RulesetStatus::NotEnforced => Err("the kernel lacks Landlock".to_owned()),
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
    }
}

/// What a worker may ask of the kernel. Everything else fails with "Operation not permitted".
const FREE: &[libc::c_long] = &[
    // the pipes; descriptors cannot be opened
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_close,
    // memory; mapping is below
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_madvise,
    // time
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    // its own thread
    libc::SYS_futex,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_sched_yield,
    libc::SYS_restart_syscall,
    libc::SYS_getrusage,
    libc::SYS_getpid,
    libc::SYS_gettid,
    // chance
    libc::SYS_getrandom,
    // the end
    libc::SYS_exit,
    libc::SYS_exit_group,
];

#[cfg(target_arch = "x86_64")]
const FREE_HERE: &[libc::c_long] = &[libc::SYS_time];
#[cfg(not(target_arch = "x86_64"))]
const FREE_HERE: &[libc::c_long] = &[];

/// Argument `index` has none of `bits`.
fn without(index: u8, bits: u64) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(bits), 0)
}

fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        FREE.iter().chain(FREE_HERE).map(|&call| (call, Vec::new())).collect();
    // Memory of its own, that never becomes code.
    let never_code = || without(2, libc::PROT_EXEC as u64);
    let own = SeccompCondition::new(
        3,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::MaskedEq((libc::MAP_ANONYMOUS | libc::MAP_SHARED) as u64),
        libc::MAP_ANONYMOUS as u64,
    )?;
    rules.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![never_code()?, own])?]);
    rules.insert(libc::SYS_mprotect, vec![SeccompRule::new(vec![never_code()?])?]);
    rules.insert(libc::SYS_mremap, Vec::new());
    Ok(rules)
}

/// The filter, made once by the helper.
pub(crate) fn filter() -> Result<BpfProgram, String> {
    let text = |error: seccompiler::BackendError| format!("seccomp: {error}");
    let architecture =
        std::env::consts::ARCH.try_into().map_err(|_| "seccomp: unknown architecture".to_owned())?;
    SeccompFilter::new(
        rules().map_err(text)?,
        SeccompAction::Errno(libc::EPERM as u32),
        SeccompAction::Allow,
        architecture,
    )
    .map_err(text)?
    .try_into()
    .map_err(text)
}

/// Whether the kernel has such filters, asked without installing one.
pub(crate) fn has_seccomp() -> bool {
    let action: u32 = libc::SECCOMP_RET_ERRNO;
    // SAFETY: the kernel reads the number.
    let known = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::c_long::from(libc::SECCOMP_GET_ACTION_AVAIL),
            0,
            &raw const action,
        )
    };
    known == 0
}

/// From now on the filter holds.
pub(crate) fn seccomp(filter: &BpfProgram) -> Result<(), String> {
    seccompiler::apply_filter(filter).map_err(|error| format!("seccomp: {error}"))
}
