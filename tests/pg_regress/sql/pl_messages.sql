-- Messages: levels, parts, what Python prints and warns, and the small functions of the session.
\set VERBOSITY verbose
SET client_min_messages = debug1;
DO LANGUAGE python $$
import Postgres
Postgres.DEBUG("a debugging message")
Postgres.INFO("an information", detail="its detail", hint="its hint")
Postgres.NOTICE("a notice", code="00000")
Postgres.WARNING("a warning", code="01PPY", detail="its detail", hint="its hint", context="its context")
Postgres.WARNING("another warning")
Postgres.LOG("a line for the log")
Postgres.ereport("NOTICE", "by name")
Postgres.ereport("notice", "by small name")
Postgres.ereport(Postgres.severities["WARNING"], "by number", Postgres.make_sqlstate("01004"))
Postgres.NOTICE(12)
$$;
RESET client_min_messages;
DO LANGUAGE python $$
import Postgres
Postgres.NOTICE("without the place", inhibit_pl_context=True)
$$;
\set SHOW_CONTEXT always
DO LANGUAGE python $$
import Postgres
Postgres.NOTICE("with the place")
Postgres.NOTICE("without the place", inhibit_pl_context=True, context="a context of its own")
$$;
-- Errors.
DO LANGUAGE python $$
import Postgres
Postgres.ERROR("an error")
$$;
DO LANGUAGE python $$
import Postgres
Postgres.ERROR("a full error", code="22012", detail="its detail", hint="its hint", context="its context")
$$;
DO LANGUAGE python $$
import Postgres
Postgres.ERROR("an error without context", "22012", inhibit_pl_context=True)
$$;
DO LANGUAGE python $$
import Postgres
Postgres.ereport("ERROR", "about a column", "23502", schema_name="s", table_name="t", column_name="c",
                 datatype_name="d", constraint_name="n")
$$;
DO LANGUAGE python $$
import Postgres
try:
    with xact():
        Postgres.ERROR("caught", code="22012")
except Postgres.exceptions.DivisionByZero as error:
    print(error.code, error.message, error.errno == Postgres.make_sqlstate("22012"))
$$;
-- What cannot be sent.
DO LANGUAGE python $$
import Postgres
for bad in (
    lambda: Postgres.ereport("SHOUT", "no such level"),
    lambda: Postgres.ereport("PANIC", "refused"),
    lambda: Postgres.ereport(16, "no such number"),
    lambda: Postgres.NOTICE("bad code", code="12"),
    lambda: Postgres.make_sqlstate("abc"),
    lambda: Postgres.unpack_sqlstate(-1),
):
    try:
        bad()
    except ValueError as error:
        print(error)
print(Postgres.make_sqlstate("PY001"), Postgres.unpack_sqlstate(Postgres.make_sqlstate("PY001")))
print(Postgres.severities)
$$;
-- FATAL ends the session, whatever catches it; the next line is another session's.
\set SHOW_CONTEXT errors
\set VERBOSITY default
-- print, sys.stdout, sys.stderr, warnings, standard input.
CREATE FUNCTION prints() RETURNS void LANGUAGE python AS $$
import sys, warnings
def main():
    print("one line")
    print("two\nlines")
    print("in pieces, ", end="")
    print("joined")
    sys.stderr.write("to stderr\n")
    sys.stdout.write("without an end")
    warnings.warn("careful")
    warnings.warn("old", DeprecationWarning)
    for read in (sys.stdin.read, sys.stdin.readline, input, lambda: next(sys.stdin)):
        try:
            read()
        except RuntimeError as error:
            print(error)
$$;
SELECT prints();
\set VERBOSITY verbose
DO LANGUAGE python $$
import warnings
warnings.warn("with its SQLSTATE", UserWarning)
$$;
\set VERBOSITY default
-- Quoting.
DO LANGUAGE python $$
import Postgres
for name in ("plain", "Two Words", 'a"b', "select", "é", ""):
    print(Postgres.quote_ident(name), proc("quote_ident(text)")(name))
for text in ("plain", "it's", "back\\slash", "", 12):
    assert Postgres.quote_literal(text) == str(proc("quote_literal(text)")(str(text))), text
    print(Postgres.quote_literal(text))
print(Postgres.quote_nullable(None), Postgres.quote_nullable("it's"))
try:
    Postgres.quote_literal(None)
except TypeError as error:
    print(error)
$$;
