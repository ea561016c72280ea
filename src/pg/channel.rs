//! A channel to another process: whole frames, waited for as the server waits, so that a cancel, a time-out
//! and the end of the postmaster are served meanwhile. The danger is the other side: it may send anything,
//! or nothing at all, and neither may hold the backend for ever.

use std::ffi::{c_int, c_long};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use pgrx::pg_sys;
use wormhole_protocol::{Decoder, Frame, FrameError};

use super::guard::pg_try;
use super::process::failed;
use super::{interrupts, raw, raw_more};
use crate::error::Error;

/// The server's class of waits for extensions (wait_event.h).
const WAIT_EXTENSION: u32 = 0x0700_0000;

/// An answer that comes within this time costs two system calls; to wait as the server does costs six more.
/// It is also how late a signal may be noticed that comes just before the call, and how long a process that
/// was called near may hold up others there. In milliseconds.
const SOON: c_int = 2;
/// How often the other side is looked at while it takes nothing.
const FULL: Duration = Duration::from_millis(100);
/// Bytes that are read at once.
const BUFFER: usize = 16 * 1024;

/// What came of waiting.
#[derive(Debug)]
pub(crate) enum Received {
    Frame(Frame),
    /// What was sent is no frame, or one that is too long.
    Garbage(FrameError),
    /// The other side has closed.
    Closed,
    /// Nothing came in time.
    Late,
}

/// What came of sending.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    All,
    /// The other side talks instead of listening.
    Interrupted,
    Closed,
}

/// Two pipes, or a socket. Pipes wake the other side on the spot, and it alone: a socket also wakes whoever
/// sent, as soon as that was read.
#[derive(Debug)]
pub(crate) struct Channel {
    input: OwnedFd,
    output: OwnedFd,
    decoder: Decoder,
}

enum Read {
    Some,
    End,
    Nothing,
}

impl Channel {
    /// Refuses frames of more than `longest` bytes.
    pub(crate) fn new(input: OwnedFd, output: OwnedFd, longest: usize) -> Result<Self, Error> {
        // SAFETY: plain calls with a descriptor that is ours.
        let set = unsafe {
            let flags = libc::fcntl(output.as_raw_fd(), libc::F_GETFL);
            flags != -1 && libc::fcntl(output.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) != -1
        };
        if !set {
            return Err(failed("fcntl", &std::io::Error::last_os_error()));
        }
        Ok(Channel { input, output, decoder: Decoder::new(longest) })
    }

    /// A channel over one socket.
    pub(crate) fn over(socket: OwnedFd, longest: usize) -> Result<Self, Error> {
        let output = socket.try_clone().map_err(|error| failed("dup", &error))?;
        Channel::new(socket, output, longest)
    }

    pub(crate) fn set_longest(&mut self, longest: usize) {
        self.decoder.set_longest(longest);
    }

    /// Whether the other side has sent nothing that was not asked for, and has not closed.
    pub(crate) fn is_quiet(&self) -> bool {
        self.decoder.is_empty() && !self.has_input()
    }

    fn has_input(&self) -> bool {
        is_readable(self.input.as_raw_fd(), 0)
    }

    /// The next frame, if it comes soon. Serves no interrupts, but ends by one.
    pub(crate) fn receive_soon(&mut self) -> Received {
        loop {
            match self.decoder.next_frame() {
                Ok(Some(frame)) => return Received::Frame(frame),
                Ok(None) => {}
                Err(error) => return Received::Garbage(error),
            }
            if interrupts::any_pending() || !is_readable(self.input.as_raw_fd(), SOON) {
                return Received::Late;
            }
            match self.read() {
                Read::Some => {}
                Read::End => return Received::Closed,
                Read::Nothing => return Received::Late,
            }
        }
    }

    /// The next frame, waiting no longer than `patience`; serves interrupts, and fails by theirs.
    pub(crate) fn receive(&mut self, patience: Duration) -> Result<Received, Error> {
        loop {
            match self.receive_soon() {
                Received::Late => {
                    if !wait(self.input.as_raw_fd(), pg_sys::WL_SOCKET_READABLE, patience)? {
                        return Ok(Received::Late);
                    }
                }
                received => return Ok(received),
            }
        }
    }

    /// As `receive`, with the descriptors that came with the frame.
    pub(crate) fn receive_with(&mut self, patience: Duration) -> Result<(Received, Vec<OwnedFd>), Error> {
        let mut descriptors = Vec::new();
        loop {
            match self.decoder.next_frame() {
                Ok(Some(frame)) => return Ok((Received::Frame(frame), descriptors)),
                Ok(None) => {}
                Err(error) => return Ok((Received::Garbage(error), descriptors)),
            }
            match self.read_with(&mut descriptors) {
                Read::Some => {}
                Read::End => return Ok((Received::Closed, descriptors)),
                Read::Nothing => {
                    let input = self.input.as_raw_fd();
                    if !is_readable(input, SOON) && !wait(input, pg_sys::WL_SOCKET_READABLE, patience)? {
                        return Ok((Received::Late, descriptors));
                    }
                }
            }
        }
    }

    /// Takes what is there.
    fn read(&mut self) -> Read {
        let mut buffer = [0_u8; BUFFER];
        // SAFETY: fills at most the buffer. Something is there, or the other side has closed, so that the
        // call does not wait.
        let got = unsafe { libc::read(self.input.as_raw_fd(), buffer.as_mut_ptr().cast(), BUFFER) };
        self.take(got, &buffer)
    }

    /// Takes what is there.
    fn read_with(&mut self, descriptors: &mut Vec<OwnedFd>) -> Read {
        let mut buffer = [0_u8; BUFFER];
        let got = receive_message(self.input.as_raw_fd(), &mut buffer, descriptors);
        self.take(got, &buffer)
    }

    fn take(&mut self, got: isize, buffer: &[u8]) -> Read {
        match usize::try_from(got) {
            Ok(0) => Read::End,
            Ok(got) => {
                self.decoder.push(&buffer[..got]);
                Read::Some
            }
            Err(_) => match std::io::Error::last_os_error().kind() {
                std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted => Read::Nothing,
                _ => Read::End,
            },
        }
    }

    /// Sends a frame, waiting for the other side to take it.
    pub(crate) fn send(&mut self, frame: &[u8]) -> Result<Sent, Error> {
        let output = self.output.as_raw_fd();
        let mut rest = frame;
        while !rest.is_empty() {
            // SAFETY: reads at most what is left. Backends ignore the signal of a closed pipe (postgres.c).
            let sent = unsafe { libc::write(output, rest.as_ptr().cast(), rest.len()) };
            if let Ok(sent) = usize::try_from(sent) {
                rest = &rest[sent..];
                continue;
            }
            match std::io::Error::last_os_error().kind() {
                std::io::ErrorKind::Interrupted => {}
                std::io::ErrorKind::WouldBlock => {
                    // Both sides would wait for each other.
                    if self.has_input() {
                        return Ok(Sent::Interrupted);
                    }
                    wait(output, pg_sys::WL_SOCKET_WRITEABLE, FULL)?;
                }
                _ => return Ok(Sent::Closed),
            }
        }
        Ok(Sent::All)
    }
}

/// Bytes, and the descriptors that came with them.
fn receive_message(socket: RawFd, buffer: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> isize {
    let mut room = [0_u64; 16];
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: the structures are as the system call wants them; control messages are walked by its macros,
    // and each descriptor in them is new and nobody else's.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = room.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&room) as _;
        let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
        let got = libc::recvmsg(socket, &raw mut message, flags);
        if got < 0 {
            return got;
        }
        let mut control = libc::CMSG_FIRSTHDR(&raw const message);
        while !control.is_null() {
            if (*control).cmsg_level == libc::SOL_SOCKET && (*control).cmsg_type == libc::SCM_RIGHTS {
                let data = libc::CMSG_DATA(control);
                let length = (*control).cmsg_len as usize - (data as usize - control as usize);
                for index in 0..length / size_of::<c_int>() {
                    let descriptor = data.cast::<c_int>().add(index).read_unaligned();
                    descriptors.push(OwnedFd::from_raw_fd(descriptor));
                }
            }
            control = libc::CMSG_NXTHDR(&raw const message, control);
        }
        got
    }
}

/// Whether something is to be read, or is within so many milliseconds. A signal ends the waiting, since
/// `poll` is never begun anew.
fn is_readable(input: RawFd, timeout: c_int) -> bool {
    let mut place = libc::pollfd { fd: input, events: libc::POLLIN, revents: 0 };
    // SAFETY: a pointer to a local.
    unsafe { libc::poll(&raw mut place, 1, timeout) == 1 }
}

/// Waits for a descriptor, and serves what is pending for the backend. Whether it is ready.
fn wait(descriptor: RawFd, events: u32, patience: Duration) -> Result<bool, Error> {
    let wanted = events | pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    let timeout = c_long::try_from(patience.as_millis()).unwrap_or(c_long::MAX).max(1);
    // SAFETY: raw calls; the latch is the backend's own.
    let happened = unsafe {
        pg_try(|| {
            let happened = raw_more::WaitLatchOrSocket(
                pg_sys::MyLatch,
                wanted as c_int,
                descriptor,
                timeout,
                WAIT_EXTENSION,
            );
            if happened as u32 & pg_sys::WL_LATCH_SET != 0 {
                raw_more::ResetLatch(pg_sys::MyLatch);
            }
            if interrupts::any_pending() {
                raw::ProcessInterrupts();
            }
            happened as u32
        })?
    };
    // Anything but the time being up is worth another look.
    Ok(happened & (events | pg_sys::WL_LATCH_SET) != 0)
}
