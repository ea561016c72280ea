//! A call in a worker: what it asks for is done, within the limits, until it has a result. The danger is that
//! every reply may be forged: its place in the conversation is checked, its size was, and what it says is
//! data.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use pgrx::pg_sys::Oid;
use wormhole_protocol::{
    Conversation, Exceeded, Frame, FrameError, Meter, Mode, Purpose, QueryFailure, Reply, Request,
    is_one_value,
};

use super::failure;
use super::queries::{self, Given};
use super::registry::Function;
use super::workers::{self, Lease};
use crate::error::{Error, Report, SqlState};
use crate::gucs;
use crate::pg::channel::{Received, Sent};
use crate::pg::{catalog, guard, statement};

/// Failed queries whose errors are kept in case nobody catches them.
const FAILURES: usize = 16;
/// Cursors that are open at a time.
const CURSORS: usize = 64;
/// How often the processor time is looked at.
const SLICE: Duration = Duration::from_millis(500);

/// One call.
pub(super) struct Talk {
    /// The function's, for errors.
    name: String,
    lease: Lease,
    conversation: Conversation,
    meter: Meter,
    /// The worker's processor time when the call began.
    began: Duration,
    started: Instant,
    cursors: HashMap<u32, String>,
    next_cursor: u32,
    failures: VecDeque<(u32, Error)>,
    next_failure: u32,
    /// What was asked for, of a worker that has served before and has not answered yet: if it has ended
    /// meanwhile (the kernel was short of memory), another one is asked.
    again: Option<(Request, String)>,
}

/// What a worker has come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A value in tagged JSON: the result, or one that was yielded.
    Value(String),
    /// No value follows.
    End,
}

/// Looks at a source in a worker.
pub(super) fn check(id: &str, name: &str, source: &str) -> Result<(), Error> {
    let role = catalog::current_user();
    let mut talk = Talk::begin(name, role, role, Purpose::Check)?;
    let whole = run(id, name, Purpose::Check, Some(source));
    talk.remember(&whole, "");
    talk.ask(&whole, "")?;
    talk.advance()?;
    talk.end()
}

/// Calls a function in a worker: its value in tagged JSON.
pub(super) fn call(function: &Function, role: Oid, args: &str) -> Result<String, Error> {
    let mut talk = Talk::start(function, role, args, Purpose::Call)?;
    let Event::Value(value) = talk.advance()? else {
        return Err(failure::died("it has ended without a result"));
    };
    talk.end()?;
    Ok(value)
}

fn run(id: &str, name: &str, purpose: Purpose, source: Option<&str>) -> Request {
    Request::Run { id: id.to_owned(), name: name.to_owned(), purpose, source: source.map(str::to_owned) }
}

impl Talk {
    fn begin(name: &str, role: Oid, owner: Oid, purpose: Purpose) -> Result<Self, Error> {
        gucs::wormhole::are_whole()?;
        let limits = gucs::wormhole::limits();
        let mut lease = workers::lease(role, owner, &limits)?;
        let mut began = lease.worker()?.process.cpu();
        // The kernel ends it soon, perhaps in the middle of this call.
        if began >= gucs::wormhole::allowed().cpu {
            lease.renew(&limits)?;
            began = lease.worker()?.process.cpu();
        }
        Ok(Talk {
            name: name.to_owned(),
            lease,
            conversation: Conversation::begin(purpose),
            meter: Meter::new(limits),
            began,
            started: Instant::now(),
            cursors: HashMap::new(),
            next_cursor: 0,
            failures: VecDeque::new(),
            next_failure: 0,
            again: None,
        })
    }

    /// Begins a call of a function.
    pub(super) fn start(function: &Function, role: Oid, args: &str, purpose: Purpose) -> Result<Self, Error> {
        let mut talk = Talk::begin(&function.name, role, function.owner, purpose)?;
        let most = talk.meter.limits().frame;
        if args.len() > most {
            return Err(failure::exceeded(&Exceeded::Frame(most)));
        }
        talk.remember(&run(&function.key, &function.name, purpose, Some(&function.source)), args);
        let is_new = talk.lease.worker()?.known.insert(function.key.clone());
        let source = is_new.then_some(function.source.as_str());
        talk.ask(&run(&function.key, &function.name, purpose, source), args)?;
        Ok(talk)
    }

    /// Keeps what is asked for, if the worker may have ended since it last served.
    fn remember(&mut self, whole: &Request, args: &str) {
        if self.lease.is_used() {
            self.again = Some((whole.clone(), args.to_owned()));
        }
    }

    /// Asks for the next value of a stream.
    pub(super) fn more(&mut self) -> Result<(), Error> {
        self.conversation.resume();
        self.ask(&Request::More, "")
    }

    /// The worker is free for the next call, or killed where it is in the middle of one.
    pub(super) fn end(self) -> Result<(), Error> {
        if self.conversation.is_over() {
            self.lease.give_back(self.meter.limits());
            return Ok(());
        }
        drop(self.lease);
        self.cursors.into_values().try_for_each(|portal| statement::close(&portal).map(|_| ()))
    }

    fn ask(&mut self, request: &Request, body: &str) -> Result<(), Error> {
        let worker = self.lease.worker()?;
        worker.process.come_near();
        match worker.channel.send(&Frame::encode(request, body))? {
            Sent::All => Ok(()),
            Sent::Interrupted => Err(failure::died("it does not keep to the protocol")),
            Sent::Closed => self.ended(),
        }
    }

    /// The worker has ended: asks another one if the first has done nothing yet.
    fn ended(&mut self) -> Result<(), Error> {
        let Some((request, body)) = self.again.take() else {
            return Err(failure::died(&self.lease.worker()?.cause()?));
        };
        self.lease.renew(self.meter.limits())?;
        let worker = self.lease.worker()?;
        if let Request::Run { id, purpose: Purpose::Call | Purpose::Stream, .. } = &request {
            worker.known.insert(id.clone());
        }
        self.began = worker.process.cpu();
        self.started = Instant::now();
        self.ask(&request, &body)
    }

    /// The next frame, unless the call takes too long.
    fn receive(&mut self) -> Result<Frame, Error> {
        loop {
            let worker = self.lease.worker()?;
            // One thread cannot have used more than what has passed, and asking the kernel costs more.
            let mut used = self.started.elapsed();
            if used >= self.meter.limits().cpu {
                used = worker.process.cpu().saturating_sub(self.began);
            }
            let left = self.meter.cpu(used).map_err(|limit| failure::exceeded(&limit))?;
            let received = match worker.channel.receive_soon() {
                Received::Late => {
                    worker.process.move_freely();
                    worker.channel.receive(left.min(SLICE))?
                }
                received => received,
            };
            match received {
                Received::Frame(frame) => {
                    self.again = None;
                    return Ok(frame);
                }
                Received::Late => {}
                Received::Garbage(FrameError::TooLong(_, most)) => {
                    return Err(failure::exceeded(&Exceeded::Frame(most)));
                }
                Received::Garbage(error) => return Err(failure::died(&error.to_string())),
                Received::Closed => self.ended()?,
            }
        }
    }

    /// Does what the worker asks for until it gives a value, or ends.
    pub(super) fn advance(&mut self) -> Result<Event, Error> {
        loop {
            let frame = self.receive()?;
            let reply: Reply = frame.head().map_err(|error| failure::died(&error.to_string()))?;
            self.conversation.accept(&reply).map_err(|forged| failure::died(&forged.to_string()))?;
            let body = frame.into_body().map_err(|error| failure::died(&error.to_string()))?;
            match reply {
                Reply::Query { sql, mode } => self.query(&sql, &body, mode)?,
                Reply::Fetch { cursor, count } => self.fetch(cursor, count)?,
                Reply::Close { cursor } => self.close(cursor)?,
                Reply::Print => self.print(&body)?,
                Reply::Returned | Reply::Yielded => {
                    self.meter.result(body.len()).map_err(|limit| failure::exceeded(&limit))?;
                    if !is_one_value(&body) {
                        return Err(failure::died("what it gave is no JSON"));
                    }
                    self.close_all()?;
                    return Ok(Event::Value(body));
                }
                Reply::Ended | Reply::Accepted => {
                    self.close_all()?;
                    return Ok(Event::End);
                }
                Reply::Refused { sqlstate, message, hint, detail } => {
                    return Err(failure::refused(&sqlstate, message, hint, detail));
                }
                Reply::Raised { message, number, memory } => {
                    return Err(self.raised(message, number, memory, body));
                }
            }
        }
    }

    fn raised(&mut self, message: String, number: Option<u32>, memory: bool, detail: String) -> Error {
        if memory {
            return failure::exceeded(&Exceeded::Memory(self.meter.limits().memory));
        }
        // An error of the server's goes on as it was; its CONTEXT says where in the function.
        let at = self.failures.iter().position(|(known, _)| Some(*known) == number);
        match at.and_then(|at| self.failures.remove(at)) {
            Some((_, error)) => failure::at(error, &self.name, &detail),
            None => failure::raised(message, detail),
        }
    }

    fn query(&mut self, sql: &str, args: &str, mode: Mode) -> Result<(), Error> {
        self.meter.query().map_err(|limit| failure::exceeded(&limit))?;
        match mode {
            Mode::All => {
                let given = queries::run_for_worker(sql, args, self.meter.rows_left().saturating_add(1))?;
                self.give(given)
            }
            Mode::Cursor if self.cursors.len() >= CURSORS => {
                let text = format!("a remote function can have {CURSORS} cursors open");
                self.fail(Error::new(SqlState::FEATURE_NOT_SUPPORTED, text))
            }
            Mode::Cursor => match queries::open_for_worker(sql, args)? {
                Ok(portal) => {
                    self.next_cursor += 1;
                    self.cursors.insert(self.next_cursor, portal);
                    self.ask(&Request::Done { cursor: self.next_cursor }, "")
                }
                Err(error) => self.fail(error),
            },
        }
    }

    fn fetch(&mut self, cursor: u32, count: u32) -> Result<(), Error> {
        let Some(portal) = self.cursors.get(&cursor) else {
            return self.fail(Error::new(SqlState::INVALID_CURSOR_NAME, "the cursor is closed"));
        };
        let most = self.meter.rows_left().saturating_add(1).min(u64::from(count).max(1));
        let given = queries::fetch_for_worker(portal, most)?;
        self.give(given)
    }

    fn close(&mut self, cursor: u32) -> Result<(), Error> {
        let closed = match self.cursors.remove(&cursor) {
            Some(portal) => queries::close_for_worker(&portal)?,
            None => Ok(()),
        };
        match closed {
            Ok(()) => self.ask(&Request::Done { cursor }, ""),
            Err(error) => self.fail(error),
        }
    }

    /// A function that is over has no cursors; one that streams keeps them.
    fn close_all(&mut self) -> Result<(), Error> {
        if self.conversation.is_over() {
            for (_, portal) in std::mem::take(&mut self.cursors) {
                queries::close_for_worker(&portal)??;
            }
        }
        Ok(())
    }

    fn give(&mut self, given: Given) -> Result<(), Error> {
        match given {
            Given::Rows(text, count) => {
                self.meter.rows(count).map_err(|limit| failure::exceeded(&limit))?;
                // As objects it would be larger than as text.
                let most = self.meter.limits().memory;
                if text.len() as u64 > most {
                    return Err(failure::exceeded(&Exceeded::Memory(most)));
                }
                self.ask(&Request::Rows, &text)
            }
            Given::Failed(error) => self.fail(error),
        }
    }

    /// Tells the worker that a query failed, and keeps the error in case that ends the call.
    fn fail(&mut self, mut error: Error) -> Result<(), Error> {
        failure::shorten(&mut error);
        self.next_failure += 1;
        let Some(report) = error.report() else { return Err(error) };
        let request = Request::Failed(told(report, self.next_failure));
        if self.failures.len() >= FAILURES {
            self.failures.pop_front();
        }
        self.failures.push_back((self.next_failure, error));
        self.ask(&request, "")
    }

    fn print(&mut self, text: &str) -> Result<(), Error> {
        self.meter.result(text.len().max(64)).map_err(|limit| failure::exceeded(&limit))?;
        let report = Report::new(SqlState::SUCCESS, text.replace('\0', ""));
        guard::emit(gucs::print_level(), report)
    }
}

fn told(report: &Report, number: u32) -> QueryFailure {
    QueryFailure {
        number,
        sqlstate: report.sqlstate.text(),
        message: report.message.clone(),
        detail: report.detail.clone(),
        hint: report.hint.clone(),
        context: report.context.clone(),
        schema_name: report.schema_name.clone(),
        table_name: report.table_name.clone(),
        column_name: report.column_name.clone(),
        constraint_name: report.constraint_name.clone(),
    }
}
