-- COPY into a foreign table: in batches from PostgreSQL 16 on, row by row before it.
CREATE SERVER kept FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'kept.Kept');
CREATE FOREIGN TABLE b (id int, note text) SERVER kept OPTIONS (name 'b', noisy '1', batch '2');
COPY b FROM STDIN;
1	one
2	two
3	\N
\.
SELECT * FROM b;
-- A trigger needs every row as it was stored.
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE NOTICE '% %', tg_op, to_json(new); RETURN NULL; END$$;
CREATE TRIGGER tell AFTER INSERT ON b FOR EACH ROW EXECUTE FUNCTION tell();
COPY b FROM STDIN;
6	six
7	\N
8	eight
\.
