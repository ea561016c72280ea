//! What a backend and the process that runs a user's Python say to each other: frames, messages, the
//! order in which they may come, and the limits of one call. The danger is trust: whatever a worker sends
//! may be forged by the code that runs in it, so everything that a backend reads is judged here first.

#![forbid(unsafe_code)]

mod access;
mod conversation;
mod frame;
mod identity;
mod limits;
mod message;
mod value;

pub use access::{Facts, Tier, choose};
pub use conversation::{Conversation, Forged};
pub use frame::{Decoder, Frame, FrameError, HEADER};
pub use identity::{hash, id_of, is_id, mention};
pub use limits::{Exceeded, Limits, Meter};
pub use message::{
    Confinement, Hello, HelperReply, HelperRequest, Mode, Purpose, QueryFailure, Reply, Request,
};
pub use value::is_one_value;
