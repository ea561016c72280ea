//! Where JSON goes: text for json, the server's tree for jsonb. The danger is bytes that Python owns:
//! the tree keeps addresses until it is finished, so each string is copied into the server's memory.

use std::ffi::c_int;
use std::fmt::{Arguments, Write};

use pgrx::pg_sys::{self, Datum, JsonbIteratorToken, JsonbValue, jbvType};

use super::numeric;
use super::text::Text;
use crate::error::{Error, SqlState};
use crate::pg::{raw, varlena};

/// What a JSON value is made of, in order. Every method may raise.
pub(super) trait Sink: Sized {
    /// # Safety
    /// May raise: the caller's frames hold no destructors.
    unsafe fn new() -> Self;
    /// What was written, as a value.
    ///
    /// # Safety
    /// A complete value was written, in the memory context of `new`; may raise.
    unsafe fn finish(self) -> Datum;
    unsafe fn null(&mut self);
    unsafe fn boolean(&mut self, value: bool);
    unsafe fn integer(&mut self, value: i64);
    /// A finite number's decimal text.
    unsafe fn number(&mut self, digits: Text);
    unsafe fn string(&mut self, text: Text) -> Result<(), Error>;
    unsafe fn key(&mut self, text: Text) -> Result<(), Error>;
    unsafe fn begin_array(&mut self);
    unsafe fn end_array(&mut self);
    unsafe fn begin_object(&mut self);
    unsafe fn end_object(&mut self);
}

/// A short text on the stack, NUL-terminated.
pub(super) struct Buffer<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Default for Buffer<N> {
    fn default() -> Self {
        Buffer { bytes: [0; N], length: 0 }
    }
}

impl<const N: usize> Buffer<N> {
    /// What does not fit is a mistake of the caller's and left out.
    pub(super) fn write(&mut self, text: Arguments<'_>) {
        let _ = self.write_fmt(text);
    }

    pub(super) fn text(&self) -> Text {
        Text { data: self.bytes.as_ptr(), length: self.length, characters: Some(self.length) }
    }
}

impl<const N: usize> Write for Buffer<N> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        if end >= N {
            return Err(std::fmt::Error);
        }
        self.bytes[self.length..end].copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// JSON text, written behind the header of the value that it becomes.
pub(super) struct TextSink {
    start: *mut u8,
    length: usize,
    capacity: usize,
    /// Whether the next value needs a comma before it.
    comma: bool,
}

impl TextSink {
    unsafe fn put(&mut self, data: *const u8, length: usize) {
        // SAFETY: as many bytes are readable, and there is room for them after `repalloc`.
        unsafe {
            if self.capacity - self.length < length {
                self.capacity = (self.length + length).max(self.capacity * 2);
                self.start = raw::repalloc(self.start.cast(), self.capacity).cast();
            }
            std::ptr::copy_nonoverlapping(data, self.start.add(self.length), length);
        }
        self.length += length;
    }

    /// What was written so far.
    pub(super) fn written(&self) -> *const u8 {
        self.start.wrapping_add(varlena::HEADER)
    }

    /// Adds text as it is.
    ///
    /// # Safety
    /// As of `new`.
    pub(super) unsafe fn literal(&mut self, text: &[u8]) {
        // SAFETY: a slice.
        unsafe { self.put(text.as_ptr(), text.len()) }
    }

    unsafe fn separate(&mut self) {
        if self.comma {
            // SAFETY: as of `put`.
            unsafe { self.literal(b", ") }
        }
        self.comma = true;
    }

    unsafe fn open(&mut self, bracket: &[u8]) {
        // SAFETY: as of `put`.
        unsafe {
            self.separate();
            self.literal(bracket);
        }
        self.comma = false;
    }

    unsafe fn close(&mut self, bracket: &[u8]) {
        // SAFETY: as of `put`.
        unsafe { self.literal(bracket) }
        self.comma = true;
    }

    unsafe fn quoted(&mut self, text: Text) {
        // SAFETY: the text is alive; every server encoding keeps ASCII's bytes to ASCII.
        unsafe {
            self.literal(b"\"");
            let bytes = text.bytes();
            let mut done = 0;
            for (at, &byte) in bytes.iter().enumerate() {
                if byte >= b' ' && byte != b'"' && byte != b'\\' {
                    continue;
                }
                self.put(bytes.as_ptr().add(done), at - done);
                done = at + 1;
                match byte {
                    b'"' => self.literal(b"\\\""),
                    b'\\' => self.literal(b"\\\\"),
                    b'\n' => self.literal(b"\\n"),
                    b'\r' => self.literal(b"\\r"),
                    b'\t' => self.literal(b"\\t"),
                    _ => {
                        let mut escape = Buffer::<8>::default();
                        escape.write(format_args!("\\u{byte:04x}"));
                        self.literal(escape.text().bytes());
                    }
                }
            }
            self.put(bytes.as_ptr().add(done), bytes.len() - done);
            self.literal(b"\"");
        }
    }
}

// SAFETY of the blocks below: all call `put` or `quoted` with live text.
#[allow(clippy::undocumented_unsafe_blocks)] // said once, above
impl Sink for TextSink {
    unsafe fn new() -> Self {
        const CAPACITY: usize = 256;
        // SAFETY: the caller's promise.
        let start = unsafe { raw::palloc(CAPACITY) }.cast();
        TextSink { start, length: varlena::HEADER, capacity: CAPACITY, comma: false }
    }
    unsafe fn finish(self) -> Datum {
        // SAFETY: the header's place was left free.
        unsafe { varlena::set_length(self.start, self.length) };
        varlena::pointer(self.start.cast())
    }
    unsafe fn null(&mut self) {
        unsafe {
            self.separate();
            self.literal(b"null");
        }
    }
    unsafe fn boolean(&mut self, value: bool) {
        unsafe {
            self.separate();
            self.literal(if value { b"true" } else { b"false" });
        }
    }
    unsafe fn integer(&mut self, value: i64) {
        let mut digits = Buffer::<24>::default();
        digits.write(format_args!("{value}"));
        unsafe { self.number(digits.text()) }
    }
    unsafe fn number(&mut self, digits: Text) {
        unsafe {
            self.separate();
            self.put(digits.data, digits.length);
        }
    }
    unsafe fn string(&mut self, text: Text) -> Result<(), Error> {
        unsafe {
            self.separate();
            self.quoted(text);
        }
        Ok(())
    }
    unsafe fn key(&mut self, text: Text) -> Result<(), Error> {
        unsafe {
            self.separate();
            self.quoted(text);
            self.literal(b": ");
        }
        self.comma = false;
        Ok(())
    }
    unsafe fn begin_array(&mut self) {
        unsafe { self.open(b"[") }
    }
    unsafe fn end_array(&mut self) {
        unsafe { self.close(b"]") }
    }
    unsafe fn begin_object(&mut self) {
        unsafe { self.open(b"{") }
    }
    unsafe fn end_object(&mut self) {
        unsafe { self.close(b"}") }
    }
}

/// The tree that the server turns into a jsonb.
pub(super) struct Tree {
    state: *mut pg_sys::JsonbParseState,
    /// The whole, once it is complete.
    root: Option<JsonbValue>,
}

impl Tree {
    unsafe fn scalar(&mut self, mut value: JsonbValue) {
        if self.state.is_null() {
            self.root = Some(value);
            return;
        }
        // SAFETY: inside a container, which the state describes.
        unsafe {
            let in_object = (*self.state).contVal.type_ == jbvType::jbvObject;
            let token = if in_object { JsonbIteratorToken::WJB_VALUE } else { JsonbIteratorToken::WJB_ELEM };
            raw::pushJsonbValue(&raw mut self.state, token, &raw mut value);
        }
    }

    unsafe fn mark(&mut self, token: JsonbIteratorToken::Type) {
        // SAFETY: the tokens come in a valid order from the writer.
        unsafe {
            let whole = raw::pushJsonbValue(&raw mut self.state, token, std::ptr::null_mut());
            if self.state.is_null() && !whole.is_null() {
                self.root = Some(*whole);
            }
        }
    }

    unsafe fn text(&mut self, text: Text) -> Result<JsonbValue, Error> {
        const LONGEST: usize = 0x0fff_ffff; // JENTRY_OFFLENMASK (jsonb.h)
        if text.length > LONGEST {
            return Err(Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                "string too long to represent as jsonb string",
            )
            .detail(format!("It has {} bytes; {LONGEST} are the most.", text.length)));
        }
        let mut value = JsonbValue { type_: jbvType::jbvString, ..Default::default() };
        // SAFETY: a fresh copy of as many bytes.
        unsafe {
            let copy = raw::palloc(text.length.max(1)).cast::<u8>();
            std::ptr::copy_nonoverlapping(text.data, copy, text.length);
            value.val.string.len = text.length as c_int;
            value.val.string.val = copy.cast();
        }
        Ok(value)
    }

    fn numeric(datum: Datum) -> JsonbValue {
        let mut value = JsonbValue { type_: jbvType::jbvNumeric, ..Default::default() };
        value.val.numeric = datum.cast_mut_ptr();
        value
    }
}

// SAFETY of the blocks below: all hand on values that live in the current memory context.
#[allow(clippy::undocumented_unsafe_blocks)] // said once, above
impl Sink for Tree {
    unsafe fn new() -> Self {
        Tree { state: std::ptr::null_mut(), root: None }
    }
    unsafe fn finish(self) -> Datum {
        let mut root = self.root.unwrap_or_default();
        // SAFETY: the caller's promise.
        unsafe { varlena::pointer(raw::JsonbValueToJsonb(&raw mut root).cast()) }
    }
    unsafe fn null(&mut self) {
        unsafe { self.scalar(JsonbValue { type_: jbvType::jbvNull, ..Default::default() }) }
    }
    unsafe fn boolean(&mut self, value: bool) {
        let mut item = JsonbValue { type_: jbvType::jbvBool, ..Default::default() };
        item.val.boolean = value;
        unsafe { self.scalar(item) }
    }
    unsafe fn integer(&mut self, value: i64) {
        unsafe { self.scalar(Self::numeric(numeric::of_i64(value))) }
    }
    unsafe fn number(&mut self, digits: Text) {
        unsafe { self.scalar(Self::numeric(numeric::of_text(digits))) }
    }
    unsafe fn string(&mut self, text: Text) -> Result<(), Error> {
        unsafe {
            let value = self.text(text)?;
            self.scalar(value);
        }
        Ok(())
    }
    unsafe fn key(&mut self, text: Text) -> Result<(), Error> {
        unsafe {
            let mut value = self.text(text)?;
            raw::pushJsonbValue(&raw mut self.state, JsonbIteratorToken::WJB_KEY, &raw mut value);
        }
        Ok(())
    }
    unsafe fn begin_array(&mut self) {
        unsafe { self.mark(JsonbIteratorToken::WJB_BEGIN_ARRAY) }
    }
    unsafe fn end_array(&mut self) {
        unsafe { self.mark(JsonbIteratorToken::WJB_END_ARRAY) }
    }
    unsafe fn begin_object(&mut self) {
        unsafe { self.mark(JsonbIteratorToken::WJB_BEGIN_OBJECT) }
    }
    unsafe fn end_object(&mut self) {
        unsafe { self.mark(JsonbIteratorToken::WJB_END_OBJECT) }
    }
}
