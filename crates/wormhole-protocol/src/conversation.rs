//! The order of a conversation, seen by the backend. The danger is a worker that answers what nobody
//! asked: a second result, or a value after the last, would be taken for that of the next call.

use crate::message::{Purpose, Reply};

/// A reply that may not come now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the worker sent \"{0}\", which may not come now")]
pub struct Forged(pub &'static str);

/// What one call has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The worker has the floor.
    Running,
    /// A value of a stream was given; the next was not asked for yet.
    Paused,
    Over,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Conversation {
    purpose: Purpose,
    state: State,
}

impl Conversation {
    /// The worker was asked to run something.
    pub fn begin(purpose: Purpose) -> Self {
        Conversation { purpose, state: State::Running }
    }

    /// The next value of a stream is asked for.
    pub fn resume(&mut self) {
        if self.state == State::Paused {
            self.state = State::Running;
        }
    }

    /// Whether the worker is free for another call.
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Takes a reply, or tells that it may not come now.
    pub fn accept(&mut self, reply: &Reply) -> Result<(), Forged> {
        let name = name(reply);
        if self.state != State::Running {
            return Err(Forged(name));
        }
        self.state = match (self.purpose, reply) {
            (
                Purpose::Call | Purpose::Stream,
                Reply::Query { .. } | Reply::Fetch { .. } | Reply::Close { .. } | Reply::Print,
            ) => State::Running,
            (_, Reply::Refused { .. } | Reply::Raised { .. })
            | (Purpose::Check, Reply::Accepted)
            | (Purpose::Call, Reply::Returned)
            | (Purpose::Stream, Reply::Ended) => State::Over,
            (Purpose::Stream, Reply::Yielded) => State::Paused,
            _ => return Err(Forged(name)),
        };
        Ok(())
    }
}

fn name(reply: &Reply) -> &'static str {
    match reply {
        Reply::Query { .. } => "Query",
        Reply::Fetch { .. } => "Fetch",
        Reply::Close { .. } => "Close",
        Reply::Print => "Print",
        Reply::Returned => "Returned",
        Reply::Yielded => "Yielded",
        Reply::Ended => "Ended",
        Reply::Accepted => "Accepted",
        Reply::Refused { .. } => "Refused",
        Reply::Raised { .. } => "Raised",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Mode;

    fn query() -> Reply {
        Reply::Query { sql: String::new(), mode: Mode::All }
    }

    #[test]
    fn a_call_has_one_result() {
        let mut call = Conversation::begin(Purpose::Call);
        assert_eq!(call.accept(&query()), Ok(()));
        assert_eq!(call.accept(&Reply::Yielded), Err(Forged("Yielded")));
        assert_eq!(call.accept(&Reply::Returned), Ok(()));
        assert!(call.is_over());
        assert_eq!(call.accept(&Reply::Returned), Err(Forged("Returned")));
        assert_eq!(call.accept(&query()), Err(Forged("Query")));
    }

    #[test]
    fn a_stream_waits_to_be_asked() {
        let mut stream = Conversation::begin(Purpose::Stream);
        assert_eq!(stream.accept(&Reply::Yielded), Ok(()));
        assert_eq!(stream.accept(&Reply::Yielded), Err(Forged("Yielded")));
        assert_eq!(stream.accept(&query()), Err(Forged("Query")));
        stream.resume();
        assert_eq!(stream.accept(&query()), Ok(()));
        assert_eq!(stream.accept(&Reply::Returned), Err(Forged("Returned")));
        assert_eq!(stream.accept(&Reply::Ended), Ok(()));
        stream.resume();
        assert_eq!(stream.accept(&Reply::Ended), Err(Forged("Ended")));
    }

    #[test]
    fn a_check_runs_nothing() {
        let mut check = Conversation::begin(Purpose::Check);
        assert_eq!(check.accept(&query()), Err(Forged("Query")));
        assert_eq!(check.accept(&Reply::Accepted), Ok(()));
    }
}
