//! The socket or the pipes: whole frames, read and written with the two plainest calls, which a worker may
//! still make. The danger is a call that waits for ever; the other side ends it by closing, or by SIGKILL.

use std::io;
use std::time::Duration;

use wormhole_protocol::{Decoder, Frame};

/// Frames to and from a backend, which is trusted: it may send as much as it likes.
pub(crate) struct Channel {
    input: i32,
    output: i32,
    decoder: Decoder,
}

impl Channel {
    /// A socket is both input and output.
    pub(crate) fn new(input: i32, output: i32) -> Self {
        Channel { input, output, decoder: Decoder::new(usize::MAX) }
    }

    /// The next frame; `None` when the other side has closed.
    pub(crate) fn receive(&mut self) -> io::Result<Option<Frame>> {
        let mut buffer = [0_u8; 16 * 1024];
        loop {
            match self.decoder.next_frame() {
                Ok(Some(frame)) => return Ok(Some(frame)),
                Ok(None) => {}
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
            // SAFETY: fills at most the buffer.
            let got = unsafe { libc::read(self.input, buffer.as_mut_ptr().cast(), buffer.len()) };
            match usize::try_from(got) {
                Ok(0) => return Ok(None),
                Ok(got) => self.decoder.push(&buffer[..got]),
                Err(_) => retry()?,
            }
        }
    }

    /// Whether something comes within this time, or the other side closes. No time is for ever.
    pub(crate) fn comes_within(&self, patience: Option<Duration>) -> bool {
        let Some(patience) = patience else { return true };
        if !self.decoder.is_empty() {
            return true;
        }
        let seconds = libc::time_t::try_from(patience.as_secs()).unwrap_or(libc::time_t::MAX);
        let mut time = libc::timespec { tv_sec: seconds, tv_nsec: patience.subsec_nanos().into() };
        // SAFETY: pointers to locals; the descriptor is one of the first few.
        let found = unsafe {
            let mut set: libc::fd_set = std::mem::zeroed();
            libc::FD_SET(self.input, &raw mut set);
            let none = std::ptr::null_mut::<libc::fd_set>();
            libc::syscall(
                libc::SYS_pselect6,
                libc::c_long::from(self.input + 1),
                &raw mut set,
                none,
                none,
                &raw mut time,
                std::ptr::null::<libc::sigset_t>(),
            )
        };
        // After a signal, or where it cannot be asked, reading waits.
        found != 0
    }

    /// Sends all of a frame.
    pub(crate) fn send(&self, frame: &[u8]) -> io::Result<()> {
        let mut rest = frame;
        while !rest.is_empty() {
            // SAFETY: reads at most what is left.
            let sent = unsafe { libc::write(self.output, rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(sent) {
                Ok(sent) => rest = &rest[sent..],
                Err(_) => retry()?,
            }
        }
        Ok(())
    }

    /// Sends a frame together with descriptors.
    pub(crate) fn send_with(&self, frame: &[u8], descriptors: [i32; 3]) -> io::Result<()> {
        const BYTES: u32 = (3 * size_of::<i32>()) as u32;
        let mut room = [0_u64; 8];
        let mut part = libc::iovec { iov_base: frame.as_ptr().cast_mut().cast(), iov_len: frame.len() };
        // SAFETY: one control message, whose size the macros compute, in a buffer that is large enough.
        let sent = unsafe {
            let mut message: libc::msghdr = std::mem::zeroed();
            message.msg_iov = &raw mut part;
            message.msg_iovlen = 1;
            message.msg_control = room.as_mut_ptr().cast();
            message.msg_controllen = libc::CMSG_SPACE(BYTES) as _;
            let control = libc::CMSG_FIRSTHDR(&raw const message);
            (*control).cmsg_level = libc::SOL_SOCKET;
            (*control).cmsg_type = libc::SCM_RIGHTS;
            (*control).cmsg_len = libc::CMSG_LEN(BYTES) as _;
            libc::CMSG_DATA(control).cast::<[i32; 3]>().write_unaligned(descriptors);
            libc::sendmsg(self.output, &raw const message, libc::MSG_NOSIGNAL)
        };
        match usize::try_from(sent) {
            Ok(sent) => self.send(&frame[sent..]),
            Err(_) => Err(io::Error::last_os_error()),
        }
    }
}

/// Fails, unless a signal was the reason.
fn retry() -> io::Result<()> {
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) }
}
