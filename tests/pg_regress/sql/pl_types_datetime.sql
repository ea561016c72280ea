-- Dates and times in LANGUAGE python.
\set SHOW_CONTEXT never
SET TimeZone TO 'Europe/Berlin';
SET DateStyle TO 'ISO, YMD';
DO LANGUAGE python $$
from Postgres import types
FIELDS = ("millennium century decade year quarter month week day dayofweek dayofyear hour minute second"
          " millisecond microsecond timezone epoch").split()
t = types.timestamptz("2021-03-04 05:06:07.890123+00")
print({name: str(getattr(t, name)) for name in FIELDS})
print({name: str(getattr(types.timestamp("2000-12-31 23:59:59"), name)) for name in FIELDS if name != "timezone"})
print({name: str(getattr(types.date("0044-03-15 BC"), name)) for name in ("year", "century", "dayofweek", "epoch")})
print({name: str(getattr(types.time("12:34:56.5"), name)) for name in ("hour", "minute", "second", "millisecond", "epoch")})
print({name: str(getattr(types.timetz("12:34:56+02"), name)) for name in ("hour", "timezone")})
print({name: str(getattr(types.interval("1 year 2 months 3 days 04:05:06.7"), name)) for name in
       ("year", "month", "day", "hour", "minute", "second", "epoch", "quarter", "century")})
print(repr(t.year), t.year == 2021, t.second > 7)
$$;
DO LANGUAGE python 'from Postgres import types; types.time("12:00").year';
DO LANGUAGE python $$
import datetime
from Postgres import types
d, ts, tz = types.date("2020-01-31"), types.timestamp("2020-01-31 12:00"), types.timestamptz("2020-01-31 12:00+01")
month = types.interval("1 month")
print(d + 1, 1 + d, d - 1, d + types.int4(1), ts + datetime.timedelta(hours=1), month * 2, 2 * month, month / 2.5, d - types.date("2020-01-01"), d + month, ts + month, tz - month, ts - types.timestamp("2020-01-01"))
print(month * types.float8(2), -month, month + types.interval("1 day"), types.time("10:00") + types.interval("30 min"), bool(month), bool(types.interval("0")))
print(d == datetime.date(2020, 1, 31), d < datetime.date(2020, 2, 1), ts == datetime.datetime(2020, 1, 31, 12), d == ts.__class__("2020-01-31"))
print(tz == datetime.datetime(2020, 1, 31, 11, tzinfo=datetime.timezone.utc), hash(d) == hash(datetime.date(2020, 1, 31)))
print(repr(d.to_python()), repr(ts.to_python()), repr(tz.to_python()), repr(types.time("01:02:03").to_python()))
print(repr(types.interval("1 day 02:00").to_python()), repr(types.timetz("01:02+03").to_python()))
print(types.date(datetime.date(2020, 2, 29)), types.timestamp(datetime.datetime(2020, 2, 29, 1, 2, 3, 4)), types.interval(datetime.timedelta(days=1, hours=2)))
print(types.timestamptz(datetime.datetime(2020, 2, 29, tzinfo=datetime.timezone.utc)), types.timestamp("2020-01-01 00:00:00.123456", mod=(3,)))
print(types.date("infinity"), types.timestamp("-infinity"), types.date("infinity") > d)
print(types.timestamp(d), types.date(ts), types.timestamptz(ts), f"{d:%d.%m.%y}", f"{d}")
$$;
DO LANGUAGE python 'from Postgres import types; types.date("2020-02-30")';
DO LANGUAGE python 'from Postgres import types; types.date("2020-01-01") + types.date("2020-01-01")';
DO LANGUAGE python 'from Postgres import types; types.date("2020-01-01") * 2';
CREATE FUNCTION next_month(d date) RETURNS date LANGUAGE python AS $$
from Postgres import types
def main(d):
    return d + types.interval("1 month")
$$;
SELECT next_month('2020-01-31');
CREATE FUNCTION tomorrow(d date) RETURNS date LANGUAGE python AS $$
import datetime
def main(d):
    return d.to_python() + datetime.timedelta(days=1)
$$;
SELECT tomorrow('2020-02-28');
