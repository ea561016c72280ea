//! A worker: confined, it runs functions of one owner for one role. The danger is anything it does before
//! the walls are up: nothing of a user's is read until then.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use wormhole_protocol::{Purpose, Reply, Request};

use crate::channel::Channel;
use crate::helper::Mould;
use crate::{SOCKET, modules, native, process};

/// Where a worker has its pipes, in the place of its helper's socket.
const INPUT: i32 = SOCKET;
const OUTPUT: i32 = SOCKET + 1;

/// Whether it waits for a call, and how often the timer has fired since the last one.
static IDLE: AtomicBool = AtomicBool::new(false);
static TICKS: AtomicU32 = AtomicU32::new(0);

/// Ends the process at the third tick without a call, each half of the time-out after the one before. A timer,
/// since to wait with a time-out would cost each call another system call.
///
/// A request that comes just then is lost, with nothing of it begun: the session asks another worker.
extern "C" fn tick(_signal: libc::c_int) {
    if IDLE.load(Ordering::Relaxed) && TICKS.fetch_add(1, Ordering::Relaxed) >= 2 {
        process::leave(0);
    }
}

/// Lives until the backend closes its pipes.
pub(crate) fn live(pipes: process::Pipes, helper: i32, mould: &Mould) -> ! {
    let walls = process::keep_only(pipes, INPUT, OUTPUT)
        .and_then(|()| process::stay_with(helper))
        .and_then(|()| process::hide())
        .and_then(|()| mould.idle().map_or(Ok(()), |idle| process::tick(idle / 2, tick)))
        .and_then(|()| mould.confine());
    native::use_channel(Channel::new(INPUT, OUTPUT));
    if let Err(why) = walls {
        let raised = Reply::Raised { message: why, number: None, memory: false };
        let _ = native::send(&raised, "{}");
        process::leave(1);
    }
    loop {
        IDLE.store(true, Ordering::Relaxed);
        let request = native::receive();
        IDLE.store(false, Ordering::Relaxed);
        TICKS.store(0, Ordering::Relaxed);
        match request {
            Ok(Some(frame)) => {
                let request = frame.head::<Request>();
                let body = frame.into_body();
                let (Ok(Request::Run { id, name, purpose, source }), Ok(args)) = (request, body) else {
                    process::leave(1)
                };
                run(&Call { id, name, purpose, source, args });
            }
            _ => process::leave(0),
        }
    }
}

struct Call {
    id: String,
    name: String,
    purpose: Purpose,
    source: Option<String>,
    args: String,
}

fn run(call: &Call) {
    let (reply, body) = Python::attach(|py| {
        outcome(py, call).unwrap_or_else(|error| {
            let memory = error.is_instance_of::<pyo3::exceptions::PyMemoryError>(py);
            (Reply::Raised { message: modules::text(py, &error), number: None, memory }, "{}".to_owned())
        })
    });
    if native::send(&reply, &body).is_err() {
        process::leave(1);
    }
}

/// Calls the Python side, whose answer is a tuple that begins with its kind.
fn outcome(py: Python<'_>, call: &Call) -> PyResult<(Reply, String)> {
    let purpose = match call.purpose {
        Purpose::Check => "check",
        Purpose::Call => "call",
        Purpose::Stream => "stream",
    };
    let arguments = (&call.id, &call.name, purpose, call.source.as_deref(), &call.args);
    let answer = py.import("wormhole._worker")?.call_method1("run", arguments)?.cast_into::<PyTuple>()?;
    let text = |at: usize| answer.get_item(at)?.extract::<String>();
    let optional = |at: usize| answer.get_item(at)?.extract::<Option<String>>();
    Ok(match text(0)?.as_str() {
        "returned" => (Reply::Returned, text(1)?),
        "ended" => (Reply::Ended, String::new()),
        "accepted" => (Reply::Accepted, String::new()),
        "refused" => {
            let (sqlstate, message) = (text(1)?, text(2)?);
            (Reply::Refused { sqlstate, message, hint: optional(3)?, detail: optional(4)? }, String::new())
        }
        _ => {
            let (number, memory) = (answer.get_item(2)?.extract()?, answer.get_item(3)?.extract()?);
            (Reply::Raised { message: text(1)?, number, memory }, text(4)?)
        }
    })
}
