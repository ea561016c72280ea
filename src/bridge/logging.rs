//! Messages from Python to the client and the log. The danger is a thread of a wrapper's library:
//! the server's reporting belongs to the main thread, so what other threads say is kept, up to a
//! bound, until the main thread next comes by.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Level, Report, SqlState};
use crate::pg::call::without_places;
use crate::pg::guard;
use crate::pg::interrupts::held;

use super::{errors::bounded, interrupts};

/// Messages kept for the main thread. A thread that logs in a loop while the session idles must not
/// fill the memory.
const MOST: usize = 1000;
/// Bytes of one message or detail, as Python's own streams cut their lines.
const LONGEST: usize = 64 * 1024;

struct Queue {
    messages: VecDeque<Message>,
    dropped: u64,
}

pub(super) struct Message {
    pub(super) level: Level,
    pub(super) text: String,
    pub(super) hint: Option<String>,
    pub(super) detail: Option<String>,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue { messages: VecDeque::new(), dropped: 0 });
/// Whether the queue holds anything: the boundary asks at each call.
static QUEUED: AtomicBool = AtomicBool::new(false);

/// The server's level for a number of Python's `logging` module, below ERROR.
pub(super) fn level(number: i64) -> Level {
    match number {
        ..20 => Level::Debug1,
        20..30 => Level::Notice,
        _ => Level::Warning,
    }
}

/// Sends the message, or keeps it if this is not the main thread.
pub(super) fn send(message: Message) -> Result<(), Error> {
    if interrupts::on_main_thread() {
        flush()?;
        return emit(message);
    }
    let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
    if queue.messages.len() < MOST {
        queue.messages.push_back(message);
    } else {
        queue.dropped += 1;
    }
    QUEUED.store(true, Ordering::Release);
    Ok(())
}

/// Sends a message with all its parts, at one of the server's own levels below ERROR; off the main thread
/// only what is kept for it.
pub(crate) fn send_report(level: i32, mut report: Report) -> Result<(), Error> {
    if super::in_child() {
        return Ok(());
    }
    if !interrupts::on_main_thread() {
        let (text, hint, detail) = (report.message, report.hint, report.detail);
        let level = if level < Level::Notice as i32 { Level::Debug1 } else { Level::Notice };
        return send(Message { level, text, hint, detail });
    }
    flush()?;
    let bare = report.bare;
    report.message = bounded(report.message, LONGEST);
    report.hint = report.hint.map(|hint| bounded(hint, LONGEST));
    report.detail = report.detail.map(|detail| bounded(detail, LONGEST));
    let send = || {
        if interrupts::in_grace() {
            return held(|| guard::emit_at(level, report));
        }
        guard::emit_at(level, report)
    };
    if bare { without_places(send) } else { send() }
}

/// Sends what other threads have left. Main thread only.
#[inline]
pub(crate) fn flush() -> Result<(), Error> {
    if QUEUED.load(Ordering::Acquire) { flush_queue() } else { Ok(()) }
}

#[cold]
fn flush_queue() -> Result<(), Error> {
    let (messages, dropped) = {
        let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
        QUEUED.store(false, Ordering::Release);
        (std::mem::take(&mut queue.messages), std::mem::take(&mut queue.dropped))
    };
    for message in messages {
        emit(message)?;
    }
    if dropped == 0 {
        return Ok(());
    }
    emit(Message {
        level: Level::Warning,
        text: format!("{dropped} messages of Python threads were dropped"),
        hint: None,
        detail: Some(format!("At most {MOST} are kept until the session's own thread can send them.")),
    })
}

fn emit(message: Message) -> Result<(), Error> {
    let sqlstate = if message.level == Level::Warning { SqlState::WARNING } else { SqlState::SUCCESS };
    let mut report = Report::new(sqlstate, bounded(message.text, LONGEST));
    report.hint = message.hint.map(|hint| bounded(hint, LONGEST));
    report.detail = message.detail.map(|detail| bounded(detail, LONGEST));
    emit_report(message.level, report)
}

/// Sends a message with everything that a report has, below ERROR. From another thread than the main one
/// its text alone is kept.
pub(crate) fn say(level: Level, report: Report) -> Result<(), Error> {
    if interrupts::on_main_thread() {
        flush()?;
        return emit_report(level, report);
    }
    send(Message { level, text: report.message, hint: report.hint, detail: report.detail })
}

fn emit_report(level: Level, report: Report) -> Result<(), Error> {
    if interrupts::in_grace() {
        // The server serves interrupts after each message, which would end the `finally` block that
        // sends it, and a terminate would end the process below it.
        return held(|| guard::emit(level, report));
    }
    guard::emit(level, report)
}
