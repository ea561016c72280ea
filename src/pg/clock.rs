//! How long something took. The danger is a clock that costs as much as what it measures: reading the exact one
//! twice takes a third of a small function's call, so that a loop of calls is measured by the coarse one, whose
//! ticks of some milliseconds are right on the average.

use std::time::Duration;

/// Which clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    Exact,
    Coarse,
}

/// A moment, by one of the clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(Clock, Duration);

impl Clock {
    fn now(self) -> Duration {
        let id = match self {
            Clock::Exact => libc::CLOCK_MONOTONIC,
            Clock::Coarse => libc::CLOCK_MONOTONIC_COARSE,
        };
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: fills the local; both clocks are there on every Linux.
        unsafe { libc::clock_gettime(id, &raw mut now) };
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    }
}

/// A moment by the coarse clock, for comparison: within a tick it stays the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tick(Duration);

impl Tick {
    #[inline]
    pub(crate) fn now() -> Self {
        Tick(Clock::Coarse.now())
    }
}

impl From<Tick> for Moment {
    fn from(tick: Tick) -> Self {
        Moment(Clock::Coarse, tick.0)
    }
}

impl Moment {
    #[inline]
    pub(crate) fn now(clock: Clock) -> Self {
        Moment(clock, clock.now())
    }

    #[inline]
    pub(crate) fn elapsed(self) -> Duration {
        self.0.now().saturating_sub(self.1)
    }
}
