-- Dates, times and intervals. The session's zone matters to what is naive, and only to that.
CREATE SERVER s FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'values_fdw.Values');
CREATE FOREIGN TABLE v (
    py text, got text, d date, t time, tz timetz, ts timestamp, tstz timestamptz, iv interval,
    t2 time(2), ts0 timestamp(0), days interval day
) SERVER s;
SET timezone = 'Europe/Paris';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';

SELECT d, t, ts, tstz FROM v WHERE py = $$dict(d=date(2020, 2, 29), t=time(1, 2, 3, 4), ts=datetime(2020, 2, 29, 1, 2, 3, 456789), tstz=datetime(2020, 2, 29, 1, 2, 3, 456789, UTC))$$;
-- Naive: in the session's zone, summer and winter. Aware: the moment that it is.
SELECT tstz FROM v WHERE py = $$dict(tstz=datetime(2020, 1, 1))$$;
SELECT tstz FROM v WHERE py = $$dict(tstz=datetime(2020, 7, 1))$$;
SELECT tstz FROM v WHERE py = $$dict(tstz=datetime(2020, 7, 1, tzinfo=timezone(timedelta(hours=-5, minutes=-30))))$$;
SELECT tstz FROM v WHERE py = $$dict(tstz=date(2020, 7, 1))$$;
-- A column without a zone keeps the clock's reading.
SELECT ts, t, d FROM v WHERE py = $$dict(ts=datetime(2020, 7, 1, 12, tzinfo=UTC), t=datetime(2020, 7, 1, 12, tzinfo=UTC), d=datetime(2020, 7, 1, 23, 30, tzinfo=UTC))$$;
SELECT ts FROM v WHERE py = $$dict(ts=date(2020, 7, 1))$$;
SELECT tz FROM v WHERE py = $$dict(tz=time(1, 2, 3, tzinfo=timezone(timedelta(hours=5, minutes=45))))$$;
SELECT tz FROM v WHERE py = $$dict(tz=datetime(2020, 1, 1, 1, 2, 3, tzinfo=UTC))$$;
-- The ends of Python's calendar, and what lies beyond them by text.
SELECT d, ts FROM v WHERE py = $$dict(d=date.min, ts=datetime.max)$$;
SELECT d, ts, tstz FROM v WHERE py = $$dict(d='infinity', ts='-infinity', tstz='infinity')$$;
SELECT d, ts FROM v WHERE py = $$dict(d='0044-03-15 BC', ts='12000-01-01 00:00')$$;
SELECT t FROM v WHERE py = $$dict(t='24:00')$$;
-- Intervals keep their sign in both parts.
SELECT iv FROM v WHERE py = $$dict(iv=timedelta(days=400, seconds=5, microseconds=6))$$;
SELECT iv FROM v WHERE py = $$dict(iv=timedelta(seconds=-1))$$;
SELECT iv FROM v WHERE py = $$dict(iv=timedelta(days=-2, hours=-3))$$;
SELECT iv = '-999999999 days' AS least FROM v WHERE py = $$dict(iv=timedelta.min)$$;
SELECT iv FROM v WHERE py = $$dict(iv='1 year 2 mons')$$;
-- The column's precision.
SELECT t2, ts0, days FROM v WHERE py = $$dict(t2=time(1, 2, 3, 456789), ts0=datetime(2020, 1, 1, 0, 0, 0, 999999), days=timedelta(days=3, hours=5))$$;

-- Errors.
SELECT d FROM v WHERE py = $$dict(d='2020-02-30')$$;
SELECT d FROM v WHERE py = $$dict(d='6000000-01-01')$$;
SELECT d FROM v WHERE py = $$dict(d=time(1))$$;
SELECT d FROM v WHERE py = $$dict(d=5)$$;
SELECT tstz FROM v WHERE py = $$dict(tstz=datetime(2020, 1, 1, tzinfo=Zone()))$$;
SELECT iv FROM v WHERE py = $$dict(iv='soon')$$;
\set VERBOSITY sqlstate
SELECT d FROM v WHERE py = $$dict(d='6000000-01-01')$$;
\set VERBOSITY default

-- To Python: what its classes cannot hold is text.
SELECT got, d, ts FROM v WHERE d = '2020-02-29' AND ts = '2020-02-29 01:02:03.456789';
SELECT got, tstz FROM v WHERE tstz = '2020-07-01 12:00+00';
SELECT got, tstz FROM v WHERE tstz = '1880-01-01 12:00+00';
SELECT got, t, tz FROM v WHERE t = '01:02:03.4' AND tz = '01:02:03+05:45';
SELECT got, iv FROM v WHERE iv = '1 day -00:00:01'::interval;
-- Months are of no fixed length, and Python has none: they stay text.
SELECT got FROM v WHERE iv >= '1 year 2 mons 3 days 04:05:06.7'::interval;
SELECT got FROM v WHERE iv <= '-2 mons -1 day'::interval;
SELECT got, d FROM v WHERE d = 'infinity';
SELECT got, d FROM v WHERE d = '0044-03-15 BC';
SELECT got, ts FROM v WHERE ts = '12000-01-01';
SELECT got, tstz FROM v WHERE tstz = '-infinity';
SELECT got, t FROM v WHERE t = '24:00';
