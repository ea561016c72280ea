//! Workers and the helper that forks them: one helper a session, a few workers, each for one role and one
//! owner of functions. The danger is what stays: a worker that has served another role, or another list of
//! modules, is never used again.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use pgrx::pg_sys::Oid;
use wormhole_protocol::{Confinement, Frame, Hello, HelperReply, HelperRequest, Limits};

use super::failure;
use super::registry::{self, Modules};
use crate::bridge;
use crate::error::Error;
use crate::gucs::{self, wormhole::Confine};
use crate::pg::channel::{Channel, Received, Sent};
use crate::pg::memory::{Access, ForLife};
use crate::pg::process::{self, Child, Stranger};

/// The executable, beside the library.
const EXECUTABLE: &str = "multicorn-worker";
/// Workers that wait for another call.
const IDLE: usize = 3;
/// Workers that run, each inside a query of the one before.
const DEEP: usize = 8;
/// The helper imports what functions may use; a cold disk takes its time.
const PATIENCE: Duration = Duration::from_secs(60);
/// Answers of a helper are short.
const LONGEST: usize = 1 << 20;

/// What a helper was made for; another one is needed if any of it changes.
#[derive(Clone, Debug, PartialEq)]
struct Pattern {
    modules: Rc<Modules>,
    path: Vec<String>,
    confine: Confine,
    memory: u64,
    cpu_seconds: u64,
    idle: u64,
}

struct Helper {
    pattern: Pattern,
    // Dropped before the child: the helper ends by itself when it closes.
    channel: Channel,
    _child: Child,
}

/// A worker. It is killed when it is dropped.
pub(super) struct Worker {
    pub(super) channel: Channel,
    pub(super) process: Stranger,
    helper: Rc<RefCell<Helper>>,
    role: Oid,
    owner: Oid,
    /// Functions whose source it has.
    pub(super) known: HashSet<String>,
    calls: u64,
}

#[derive(Default)]
struct Pool {
    helper: Option<Rc<RefCell<Helper>>>,
    idle: Vec<Worker>,
    running: usize,
}

thread_local! {
    static POOL: ForLife<Pool> = ForLife::default();
}

/// A worker during a call. Unless it is given back it is killed.
pub(super) struct Lease(Option<Worker>);

impl Lease {
    pub(super) fn worker(&mut self) -> Result<&mut Worker, Error> {
        self.0.as_mut().ok_or_else(|| Error::internal("multicorn: a worker is used after its call"))
    }

    /// Whether the worker has served before.
    pub(super) fn is_used(&self) -> bool {
        self.0.as_ref().is_some_and(|worker| worker.calls > 0)
    }

    /// Another worker in the place of one that has ended, which has never served.
    pub(super) fn renew(&mut self, limits: &Limits) -> Result<(), Error> {
        let Some(old) = self.0.take() else { return Ok(()) };
        let (role, owner) = (old.role, old.owner);
        drop(old);
        // Counted as running by `drop`, too, if this fails.
        let made = pattern(limits).and_then(|pattern| fork(pattern, role, owner, limits));
        match made {
            Ok(worker) => {
                self.0 = Some(worker);
                Ok(())
            }
            Err(error) => {
                POOL.change(|pool| pool.running -= 1);
                Err(error)
            }
        }
    }

    /// The call is over, and the worker has done nothing it should not.
    pub(super) fn give_back(mut self, limits: &Limits) {
        let Some(mut worker) = self.0.take() else { return };
        worker.calls += 1;
        let surplus = POOL.change(|pool| {
            pool.running -= 1;
            // Whether it keeps quiet is looked at before it serves again.
            if worker.calls >= limits.calls {
                return Some(worker);
            }
            pool.idle.push(worker);
            (pool.idle.len() > IDLE).then(|| pool.idle.remove(0))
        });
        drop(surplus);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(worker) = self.0.take() {
            POOL.change(|pool| pool.running -= 1);
            drop(worker);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The helper waits for it, when it forks another one.
        self.process.kill();
    }
}

/// A worker for functions of `owner`, called by `role`; one that has served them before if there is one.
pub(super) fn lease(role: Oid, owner: Oid, limits: &Limits) -> Result<Lease, Error> {
    let pattern = pattern(limits)?;
    let (found, others) = POOL.change(|pool| {
        let mut others = Vec::new();
        let mut found = None;
        for worker in std::mem::take(&mut pool.idle) {
            let fits = worker.role == role
                && worker.calls < limits.calls
                && worker.helper.try_borrow().is_ok_and(|helper| helper.pattern == pattern);
            if fits && found.is_none() && worker.owner == owner {
                found = Some(worker);
            } else if fits {
                pool.idle.push(worker);
            } else {
                others.push(worker);
            }
        }
        (found, others)
    });
    drop(others);
    if POOL.read(|pool| pool.running) >= DEEP {
        return Err(failure::too_deep(DEEP));
    }
    let worker = match found {
        Some(worker) if worker.channel.is_quiet() => worker,
        _ => fork(pattern, role, owner, limits)?,
    };
    POOL.change(|pool| pool.running += 1);
    let mut lease = Lease(Some(worker));
    lease.worker()?.channel.set_longest(limits.frame);
    Ok(lease)
}

fn pattern(limits: &Limits) -> Result<Pattern, Error> {
    // Not the role's own, which is only measured: another one would want another helper. What a call may use,
    // for that of a worker that `Talk::begin` takes once more, and a little: whoever has given a result and
    // works on has nobody who watches.
    let seconds = gucs::wormhole::allowed().cpu.as_secs().saturating_add(1).saturating_mul(2);
    Ok(Pattern {
        modules: registry::modules()?,
        path: bridge::python_directories()?,
        confine: gucs::wormhole::confinement(),
        memory: limits.memory,
        cpu_seconds: seconds,
        idle: gucs::wormhole::idle_timeout(),
    })
}

fn fork(pattern: Pattern, role: Oid, owner: Oid, limits: &Limits) -> Result<Worker, Error> {
    let made = |helper: Rc<RefCell<Helper>>, (mut channel, process): (Channel, Stranger)| {
        channel.set_longest(limits.frame);
        Worker { channel, process, helper, role, owner, known: HashSet::new(), calls: 0 }
    };
    let known = POOL.read(|pool| pool.helper.clone());
    if let Some(helper) = known
        && helper.try_borrow().is_ok_and(|helper| helper.pattern == pattern)
    {
        match spawn(&helper) {
            Ok(parts) => return Ok(made(helper, parts)),
            Err(error) => {
                // It has been killed, perhaps, or its answer is still to come: another one is needed.
                let broken = POOL.change(|pool| pool.helper.take());
                drop(broken);
                if error.is_intervention() {
                    return Err(error);
                }
            }
        }
    }
    let helper = Rc::new(RefCell::new(start(pattern)?));
    let old = POOL.change(|pool| pool.helper.replace(helper.clone()));
    // Workers that still run keep it alive.
    drop(old);
    match spawn(&helper) {
        Ok(parts) => Ok(made(helper, parts)),
        Err(error) => {
            let broken = POOL.change(|pool| pool.helper.take());
            drop(broken);
            Err(error)
        }
    }
}

/// Starts a helper, and makes sure of its walls.
fn start(pattern: Pattern) -> Result<Helper, Error> {
    let helper = start_as(&pattern, pattern.confine == Confine::Off)?;
    match helper {
        (helper, Confinement::Complete | Confinement::Off) => Ok(helper),
        (_, Confinement::Impossible { why }) if pattern.confine == Confine::Required => {
            Err(failure::no_confinement(&why))
        }
        (_, Confinement::Impossible { .. }) => Ok(start_as(&pattern, true)?.0),
    }
}

fn start_as(pattern: &Pattern, unconfined: bool) -> Result<(Helper, Confinement), Error> {
    let (ours, theirs) = process::sockets()?;
    let child = process::start(&process::beside_library(EXECUTABLE), &theirs)?;
    drop(theirs);
    let channel = Channel::over(ours, LONGEST)?;
    let mut helper = Helper { pattern: pattern.clone(), channel, _child: child };
    let hello = HelperRequest::Hello(Hello {
        path: pattern.path.clone(),
        modules: pattern.modules.allowed.clone(),
        refused: pattern.modules.refused.clone(),
        unconfined,
        memory: pattern.memory,
        cpu_seconds: pattern.cpu_seconds,
        idle: pattern.idle,
    });
    match helper.ask(&hello)? {
        HelperReply::Ready { confinement, .. } => Ok((helper, confinement)),
        HelperReply::Failed { why } => Err(failure::died(&why)),
        _ => Err(failure::died("the helper is confused")),
    }
}

impl Helper {
    fn send(&mut self, request: &HelperRequest) -> Result<(), Error> {
        match self.channel.send(&Frame::encode(request, ""))? {
            Sent::All => Ok(()),
            Sent::Interrupted | Sent::Closed => Err(failure::died("the helper has ended")),
        }
    }

    fn ask(&mut self, request: &HelperRequest) -> Result<HelperReply, Error> {
        self.send(request)?;
        let received = self.channel.receive(PATIENCE)?;
        reply(received)
    }
}

fn reply(received: Received) -> Result<HelperReply, Error> {
    match received {
        Received::Frame(frame) => frame.head().map_err(|error| failure::died(&error.to_string())),
        Received::Garbage(error) => Err(failure::died(&error.to_string())),
        Received::Closed => Err(failure::died("the helper has ended")),
        Received::Late => Err(failure::died("the helper does not answer")),
    }
}

fn spawn(helper: &Rc<RefCell<Helper>>) -> Result<(Channel, Stranger), Error> {
    let busy = |_| Error::internal("multicorn: the helper is busy");
    let mut helper = helper.try_borrow_mut().map_err(busy)?;
    helper.send(&HelperRequest::Spawn)?;
    let (received, descriptors) = helper.channel.receive_with(PATIENCE)?;
    let pid = match reply(received)? {
        HelperReply::Spawned { pid } => pid,
        HelperReply::Failed { why } => return Err(failure::died(&why)),
        _ => return Err(failure::died("the helper is confused")),
    };
    let mut descriptors = descriptors.into_iter();
    let (Some(input), Some(output), Some(process)) =
        (descriptors.next(), descriptors.next(), descriptors.next())
    else {
        return Err(failure::died("the helper has sent no descriptors"));
    };
    Ok((Channel::new(input, output, LONGEST)?, Stranger::new(pid, process)))
}

impl Worker {
    /// Why it has ended, as far as can be told.
    pub(super) fn cause(&self) -> Result<String, Error> {
        self.process.kill();
        let pid = self.process.pid();
        let Ok(mut helper) = self.helper.try_borrow_mut() else { return Ok("it has ended".to_owned()) };
        match helper.ask(&HelperRequest::Bury { pid })? {
            HelperReply::Buried { signal, .. } if signal != 0 => Ok(format!("signal {signal}")),
            HelperReply::Buried { status, .. } => Ok(format!("exit status {status}")),
            _ => Ok("it has ended".to_owned()),
        }
    }
}
