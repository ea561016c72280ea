//! The messages. Values travel in the bodies of frames as tagged JSON, which nobody here reads. The danger
//! is a field that a worker fills in and a backend believes: what a reply says is a wish or a text.

use serde::{Deserialize, Serialize};

/// What a helper needs before it can fork workers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Directories for `sys.path`, the first first.
    pub path: Vec<String>,
    /// Modules that user code may import; they are imported before anything is confined.
    pub modules: Vec<String>,
    /// Parts of those that it may not import.
    pub refused: Vec<String>,
    /// Whether to go without confinement: a superuser has said so.
    pub unconfined: bool,
    /// Bytes that a worker may take beyond what the helper has.
    pub memory: u64,
    /// Seconds of processor time after which the kernel ends a worker, whoever is watching.
    pub cpu_seconds: u64,
    /// Milliseconds after which a worker without a call, and a helper without a worker, ends; 0 is never.
    #[serde(default)]
    pub idle: u64,
}

/// A backend to a helper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t")]
pub enum HelperRequest {
    Hello(Hello),
    /// Fork a worker.
    Spawn,
    /// Tell how a worker that has ended, or is about to, ended.
    Bury {
        pid: i32,
    },
}

/// Whether, and if not why not, workers are confined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "c")]
pub enum Confinement {
    Complete,
    /// As somebody asked for.
    Off,
    Impossible {
        why: String,
    },
}

/// A helper to a backend. With `Spawned` come three descriptors: the pipe
/// from the worker, the pipe to it, and its pidfd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t")]
pub enum HelperReply {
    Ready {
        confinement: Confinement,
        /// Allowed modules that could not be imported, each with its error.
        missing: Vec<(String, String)>,
    },
    Spawned {
        pid: i32,
    },
    Buried {
        pid: i32,
        /// The signal that ended it, or 0.
        signal: i32,
        status: i32,
    },
    Failed {
        why: String,
    },
}

/// What a worker shall do with a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// Only look whether the source is acceptable.
    Check,
    /// Call it, and give back what it returns.
    Call,
    /// Call it, and give back what it yields, one value for each `More`.
    Stream,
}

/// Why a query failed, for the exception that the worker raises.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryFailure {
    /// By which the backend finds the error again if nobody catches it.
    pub number: u32,
    pub sqlstate: String,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    pub context: Option<String>,
    pub schema_name: Option<String>,
    pub table_name: Option<String>,
    pub column_name: Option<String>,
    pub constraint_name: Option<String>,
}

/// A backend to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t")]
pub enum Request {
    /// The body: the arguments.
    Run {
        id: String,
        name: String,
        purpose: Purpose,
        /// The first time that this worker is asked for it.
        source: Option<String>,
    },
    /// The next value of a stream.
    More,
    /// The answer to a query. The body: names of columns, rows, and how many were touched.
    Rows,
    /// A cursor was opened, or closed.
    Done {
        cursor: u32,
    },
    Failed(QueryFailure),
}

/// How a worker wants a query's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    All,
    Cursor,
}

/// A worker to a backend. Any of it may be forged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t")]
pub enum Reply {
    /// The body: the arguments.
    Query { sql: String, mode: Mode },
    /// The next rows of a cursor.
    Fetch { cursor: u32, count: u32 },
    /// Closes a cursor.
    Close { cursor: u32 },
    /// A text that was printed, in the body.
    Print,
    /// The body: what the function returned.
    Returned,
    /// The body: what it yielded.
    Yielded,
    /// It yields nothing more.
    Ended,
    /// The source is acceptable.
    Accepted,
    /// The source is not, or a module is not allowed.
    Refused { sqlstate: String, message: String, hint: Option<String>, detail: Option<String> },
    /// An exception nobody caught. The body: more of it, in JSON.
    Raised {
        message: String,
        /// The number of the query's failure that it is.
        number: Option<u32>,
        /// Whether it was for want of memory.
        memory: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, Frame};

    #[test]
    fn messages_come_back() {
        let replies = [
            Reply::Query { sql: "SELECT $1".into(), mode: Mode::All },
            Reply::Ended,
            Reply::Raised { message: "ValueError: x".into(), number: Some(3), memory: false },
        ];
        for reply in replies {
            let mut decoder = Decoder::new(10_000);
            decoder.push(&Frame::encode(&reply, ""));
            assert_eq!(decoder.next_frame().unwrap().unwrap().head::<Reply>().unwrap(), reply);
        }
        let hello = HelperRequest::Hello(Hello { modules: vec!["json".into()], ..Hello::default() });
        let text = serde_json::to_string(&hello).unwrap();
        assert_eq!(serde_json::from_str::<HelperRequest>(&text).unwrap(), hello);
    }

    #[test]
    fn an_unknown_message_is_an_error() {
        assert!(serde_json::from_str::<Reply>(r#"{"t":"Superuser"}"#).is_err());
        assert!(serde_json::from_str::<Reply>(r#"{"t":"Fetch","cursor":-1,"count":1}"#).is_err());
    }
}
