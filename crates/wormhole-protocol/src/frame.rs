//! Frames: a length, a header in JSON, and a body that is passed on unread. The danger is a length that
//! the other side made up: it is compared with the limit before room is made for it.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes before the header: the length of what follows the first four, and the length of the header.
pub const HEADER: usize = 8;

/// Why bytes are not a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a frame of {0} bytes is longer than {1}")]
    TooLong(usize, usize),
    #[error("a frame's header is longer than the frame")]
    Torn,
    #[error("a frame's header cannot be read: {0}")]
    Header(String),
    #[error("a frame's body is not UTF-8")]
    Text,
}

/// One message: its header, and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Frame {
    /// The bytes of a frame.
    pub fn encode(head: &impl Serialize, body: &str) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        // Writing plain structs of ours into memory does not fail.
        let _ = serde_json::to_writer(&mut bytes, head);
        let head_length = bytes.len() - HEADER;
        bytes.extend_from_slice(body.as_bytes());
        let length = u32::try_from(bytes.len() - 4).unwrap_or(u32::MAX);
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes[4..HEADER].copy_from_slice(&u32::try_from(head_length).unwrap_or(u32::MAX).to_le_bytes());
        bytes
    }

    /// The header.
    pub fn head<T: DeserializeOwned>(&self) -> Result<T, FrameError> {
        serde_json::from_slice(&self.head).map_err(|error| FrameError::Header(error.to_string()))
    }

    /// The body.
    pub fn into_body(self) -> Result<String, FrameError> {
        String::from_utf8(self.body).map_err(|_| FrameError::Text)
    }

    /// Bytes of header and body.
    pub fn size(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// The frame of what follows the first four bytes.
    fn parse(rest: &[u8]) -> Result<Frame, FrameError> {
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(FrameError::Torn)?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > rest.len() {
            return Err(FrameError::Torn);
        }
        let (head, body) = rest.split_at(length);
        Ok(Frame { head: head.to_vec(), body: body.to_vec() })
    }
}

/// Puts frames together from whatever pieces arrive.
#[derive(Debug)]
pub struct Decoder {
    longest: usize,
    bytes: Vec<u8>,
}

impl Decoder {
    /// Refuses frames of more than `longest` bytes.
    pub fn new(longest: usize) -> Self {
        Decoder { longest, bytes: Vec::new() }
    }

    /// From now on refuses frames of more than `longest` bytes.
    pub fn set_longest(&mut self, longest: usize) {
        self.longest = longest;
    }

    /// Whether bytes of an unfinished frame, or of another one, are there.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn length(&self) -> Option<usize> {
        let first = self.bytes.first_chunk::<4>()?;
        Some(u32::from_le_bytes(*first) as usize)
    }

    /// Takes what has arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next frame, once it is whole.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(length) = self.length() else { return Ok(None) };
        if length > self.longest {
            return Err(FrameError::TooLong(length, self.longest));
        }
        let end = 4 + length;
        if self.bytes.len() < end {
            return Ok(None);
        }
        let frame = Frame::parse(&self.bytes[4..end])?;
        if self.bytes.len() == end {
            self.bytes.clear();
            // What one large frame took is not kept for the life of the session.
            self.bytes.shrink_to(64 * 1024);
        } else {
            self.bytes.drain(..end);
        }
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(longest: usize, bytes: &[u8]) -> Result<Option<Frame>, FrameError> {
        let mut decoder = Decoder::new(longest);
        decoder.push(bytes);
        decoder.next_frame()
    }

    #[test]
    fn a_frame_comes_back_whatever_the_pieces() {
        let bytes = [Frame::encode(&vec![1, 2], "body ü"), Frame::encode(&"x", "")].concat();
        let mut decoder = Decoder::new(1000);
        let mut frames = Vec::new();
        for byte in &bytes {
            decoder.push(std::slice::from_ref(byte));
            frames.extend(decoder.next_frame().unwrap());
        }
        assert_eq!(frames.len(), 2);
        assert_eq!(frames[0].head::<Vec<i32>>().unwrap(), [1, 2]);
        assert_eq!(frames[0].clone().into_body().unwrap(), "body ü");
        assert_eq!(frames[1].head::<String>().unwrap(), "x");
        assert!(decoder.is_empty());
    }

    #[test]
    fn a_length_is_judged_before_its_bytes_are_there() {
        let long = 5_000_u32.to_le_bytes();
        assert_eq!(decode(1000, &long), Err(FrameError::TooLong(5000, 1000)));
        let mut decoder = Decoder::new(usize::MAX);
        decoder.push(&u32::MAX.to_le_bytes());
        assert_eq!(decoder.next_frame(), Ok(None));
    }

    #[test]
    fn a_header_longer_than_the_frame_is_torn() {
        let mut bytes = Frame::encode(&1, "x");
        bytes[4] = 200;
        assert_eq!(decode(1000, &bytes), Err(FrameError::Torn));
        assert_eq!(decode(1000, &[1, 0, 0, 0, 9]), Err(FrameError::Torn));
        assert_eq!(decode(1000, &[0, 0, 0, 0]), Err(FrameError::Torn));
    }

    #[test]
    fn what_is_not_json_or_text_is_an_error() {
        let mut bytes = Frame::encode(&1, "x");
        let last = bytes.len() - 1;
        bytes[last] = 0xff;
        assert_eq!(decode(1000, &bytes).unwrap().unwrap().into_body(), Err(FrameError::Text));
        bytes[HEADER] = b'{';
        assert!(matches!(decode(1000, &bytes).unwrap().unwrap().head::<i32>(), Err(FrameError::Header(_))));
    }
}
