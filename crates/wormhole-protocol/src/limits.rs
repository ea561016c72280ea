//! The limits of one call, and what it has used. The danger is counting too late: what would exceed a
//! limit is refused before it is done.

use std::time::Duration;

/// What one call may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub cpu: Duration,
    /// Bytes beyond what Python and its modules take.
    pub memory: u64,
    /// Bytes of one message.
    pub frame: usize,
    pub queries: u64,
    /// Rows of all queries together.
    pub rows: u64,
    /// Bytes of what the function returns, or yields, in all.
    pub result: u64,
    /// Calls after which a worker is replaced.
    pub calls: u64,
}

/// Which limit would be exceeded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    #[error("{} ms of processor time", .0.as_millis())]
    Cpu(Duration),
    #[error("{0} bytes of memory")]
    Memory(u64),
    #[error("{0} bytes in one message")]
    Frame(usize),
    #[error("{0} queries")]
    Queries(u64),
    #[error("{0} rows")]
    Rows(u64),
    #[error("{0} bytes of results")]
    Result(u64),
}

impl Exceeded {
    /// The setting that says how much is allowed, without its prefix.
    pub fn setting(&self) -> &'static str {
        match self {
            Exceeded::Cpu(_) => "wormhole_cpu_time",
            Exceeded::Memory(_) => "wormhole_memory",
            Exceeded::Frame(_) => "wormhole_message_size",
            Exceeded::Queries(_) => "wormhole_queries",
            Exceeded::Rows(_) => "wormhole_rows",
            Exceeded::Result(_) => "wormhole_result_size",
        }
    }
}

/// What one call has used.
#[derive(Clone, Debug)]
pub struct Meter {
    limits: Limits,
    queries: u64,
    rows: u64,
    result: u64,
}

impl Meter {
    pub fn new(limits: Limits) -> Self {
        Meter { limits, queries: 0, rows: 0, result: 0 }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// One more query is going to run.
    pub fn query(&mut self) -> Result<(), Exceeded> {
        self.queries += 1;
        if self.queries > self.limits.queries { Err(Exceeded::Queries(self.limits.queries)) } else { Ok(()) }
    }

    /// So many rows of a query.
    pub fn rows(&mut self, count: u64) -> Result<(), Exceeded> {
        self.rows = self.rows.saturating_add(count);
        if self.rows > self.limits.rows { Err(Exceeded::Rows(self.limits.rows)) } else { Ok(()) }
    }

    /// How many more rows may come.
    pub fn rows_left(&self) -> u64 {
        self.limits.rows.saturating_sub(self.rows)
    }

    /// So many bytes of the result.
    pub fn result(&mut self, bytes: usize) -> Result<(), Exceeded> {
        self.result = self.result.saturating_add(bytes as u64);
        if self.result > self.limits.result { Err(Exceeded::Result(self.limits.result)) } else { Ok(()) }
    }

    /// How much processor time is left, of which `used` went to this call.
    pub fn cpu(&self, used: Duration) -> Result<Duration, Exceeded> {
        match self.limits.cpu.checked_sub(used) {
            Some(left) if !left.is_zero() => Ok(left),
            _ => Err(Exceeded::Cpu(self.limits.cpu)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter() -> Meter {
        Meter::new(Limits {
            cpu: Duration::from_secs(1),
            memory: 1,
            frame: 1,
            queries: 2,
            rows: 10,
            result: 100,
            calls: 1,
        })
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        let mut meter = meter();
        assert_eq!(meter.rows(10), Ok(()));
        assert_eq!(meter.rows_left(), 0);
        assert_eq!(meter.rows(1), Err(Exceeded::Rows(10)));
        assert_eq!(meter.result(100), Ok(()));
        assert_eq!(meter.result(usize::MAX), Err(Exceeded::Result(100)));
    }

    #[test]
    fn the_query_after_the_last_is_refused() {
        let mut meter = meter();
        assert_eq!(
            (meter.query(), meter.query(), meter.query()),
            (Ok(()), Ok(()), Err(Exceeded::Queries(2)))
        );
    }

    #[test]
    fn time_is_up_at_the_limit() {
        let used = |ms| meter().cpu(Duration::from_millis(ms));
        assert_eq!(used(900), Ok(Duration::from_millis(100)));
        assert_eq!(used(1000), Err(Exceeded::Cpu(Duration::from_secs(1))));
        assert_eq!(used(5000).unwrap_err().to_string(), "1000 ms of processor time");
    }
}
