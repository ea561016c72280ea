-- hstore from mappings. The extension is not installed everywhere.
SELECT count(*) = 0 AS absent FROM pg_available_extensions WHERE name = 'hstore' \gset
\if :absent
\quit
\endif
CREATE EXTENSION hstore;
CREATE SERVER s FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'values_fdw.Values');
CREATE FOREIGN TABLE v (py text, got text, h hstore) SERVER s;
SELECT h FROM v WHERE py = $$dict(h={'a': 1, 'b,"': None, 'c': 'x\\y"', 'NULL': 'NULL'})$$;
SELECT h FROM v WHERE py = $$dict(h=Reading(k='v'))$$;
SELECT h FROM v WHERE py = $$dict(h={})$$;
SELECT h FROM v WHERE py = $$dict(h='a=>1')$$;
SELECT h FROM v WHERE py = $$dict(h=[1])$$;
SELECT got, h FROM v WHERE h = 'a=>1';
