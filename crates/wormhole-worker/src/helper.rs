//! The helper: imports what functions may use, confines itself, and forks workers on demand. It runs no
//! code of users. The danger is forking a process with threads: modules are kept from starting any.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use wormhole_protocol::{Confinement, Frame, Hello, HelperReply, HelperRequest};

use crate::channel::Channel;
use crate::{confine, modules, process, python, worker};

/// What a worker is made of.
pub(crate) struct Mould {
    hello: Hello,
    filter: Option<seccompiler::BpfProgram>,
    /// Bytes of address space that the helper has itself.
    size: u64,
}

impl Mould {
    /// After how much time without a call a worker ends.
    pub(crate) fn idle(&self) -> Option<Duration> {
        (self.hello.idle > 0).then(|| Duration::from_millis(self.hello.idle))
    }

    /// Limits and walls, in the forked process.
    pub(crate) fn confine(&self) -> Result<(), String> {
        process::limit(self.size.saturating_add(self.hello.memory), self.hello.cpu_seconds)?;
        match &self.filter {
            Some(filter) => process::limit_to_itself().and_then(|()| confine::seccomp(filter)),
            None => Ok(()),
        }
    }
}

/// Serves a backend until it closes the socket.
pub(crate) fn serve(mut channel: Channel) -> ! {
    let Some(HelperRequest::Hello(hello)) = next(&mut channel) else { process::leave(1) };
    let made = python::start(&hello).and_then(|()| prepare(hello));
    let (mould, ready) = match made {
        Ok(made) => made,
        Err(why) => {
            say(&channel, &HelperReply::Failed { why });
            process::leave(1)
        }
    };
    say(&channel, &ready);
    let mut ends = Ends::default();
    let mut idle = Idle::new(mould.idle());
    while idle.ends_with_a_request(&channel, &mut ends) {
        let Some(request) = next(&mut channel) else { break };
        match request {
            HelperRequest::Spawn => {
                spawn(&channel, &mould);
                ends.collect();
            }
            HelperRequest::Bury { pid } => match ends.of(pid) {
                Ok((signal, status)) => say(&channel, &HelperReply::Buried { pid, signal, status }),
                Err(error) => say(&channel, &HelperReply::Failed { why: format!("waitpid: {error}") }),
            },
            HelperRequest::Hello(_) => process::leave(1),
        }
    }
    process::leave(0)
}

/// For how long nobody has asked for anything.
struct Idle {
    most: Option<Duration>,
    since: Instant,
}

impl Idle {
    fn new(most: Option<Duration>) -> Self {
        Idle { most, since: Instant::now() }
    }

    /// Waits for a request, or for the time to be up while no worker lives: those that do may be at work.
    fn ends_with_a_request(&mut self, channel: &Channel, workers: &mut Ends) -> bool {
        // Workers end by themselves, and their helper soon after them.
        while !channel.comes_within(self.most.map(|most| most / 4)) {
            workers.collect();
            if self.most.is_some_and(|most| self.since.elapsed() >= most) && !process::has_children() {
                return false;
            }
        }
        self.since = Instant::now();
        true
    }
}

/// How the latest workers ended: they are waited for while others are at work, and asked about later.
#[derive(Default)]
struct Ends(VecDeque<(i32, process::End)>);

impl Ends {
    const MOST: usize = 64;

    fn collect(&mut self) {
        while let Some(end) = process::ended() {
            if self.0.len() >= Self::MOST {
                self.0.pop_front();
            }
            self.0.push_back(end);
        }
    }

    fn of(&self, pid: i32) -> std::io::Result<process::End> {
        match self.0.iter().rev().find(|(child, _)| *child == pid) {
            Some((_, end)) => Ok(*end),
            None => process::bury(pid),
        }
    }
}

fn next(channel: &mut Channel) -> Option<HelperRequest> {
    channel.receive().ok().flatten()?.head().ok()
}

fn say(channel: &Channel, reply: &HelperReply) {
    if channel.send(&Frame::encode(reply, "")).is_err() {
        process::leave(1);
    }
}

/// Imports, and confines as asked for.
fn prepare(hello: Hello) -> Result<(Mould, HelperReply), String> {
    let missing = modules::load(&hello)?;
    let size = process::size()?;
    let mut filter = None;
    let confinement = if hello.unconfined {
        Confinement::Off
    } else {
        match walls() {
            Ok(made) => {
                filter = Some(made);
                Confinement::Complete
            }
            Err(why) => Confinement::Impossible { why },
        }
    };
    let mould = Mould { hello, filter, size };
    Ok((mould, HelperReply::Ready { confinement, missing }))
}

/// Landlock for this process and all that it forks; the filter is for those alone, since forking is
/// among what it forbids.
fn walls() -> Result<seccompiler::BpfProgram, String> {
    if !confine::has_seccomp() {
        return Err("the kernel lacks seccomp filters".to_owned());
    }
    let filter = confine::filter()?;
    confine::landlock()?;
    Ok(filter)
}

fn spawn(channel: &Channel, mould: &Mould) {
    let (ours, theirs) = match process::pipes() {
        Ok(pipes) => pipes,
        Err(error) => return say(channel, &HelperReply::Failed { why: format!("pipe: {error}") }),
    };
    let helper = process::own_pid();
    match python::fork() {
        Ok(0) => worker::live(theirs, helper, mould),
        Ok(pid) => {
            theirs.close();
            let sent = process::descriptor_of(pid).and_then(|descriptor| {
                let reply = Frame::encode(&HelperReply::Spawned { pid }, "");
                let sent = channel.send_with(&reply, [ours.input, ours.output, descriptor]);
                process::close(descriptor);
                sent
            });
            ours.close();
            if let Err(error) = sent {
                process::kill(pid);
                let _ = process::bury(pid);
                say(channel, &HelperReply::Failed { why: format!("pidfd: {error}") });
            }
        }
        Err(why) => {
            ours.close();
            theirs.close();
            say(channel, &HelperReply::Failed { why });
        }
    }
}
