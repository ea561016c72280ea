-- What modifies a table through a view uses the mapping of the view's owner, while it is planned as well.
CREATE ROLE regress_edges_owner;
CREATE ROLE regress_edges_user;
CREATE SERVER owned FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'edges.Owned');
CREATE FOREIGN TABLE owned (id int, note text) SERVER owned;
CREATE VIEW owned_view AS SELECT * FROM owned;
ALTER VIEW owned_view OWNER TO regress_edges_owner;
GRANT ALL ON owned TO regress_edges_owner;
GRANT ALL ON owned_view TO regress_edges_user;
CREATE USER MAPPING FOR regress_edges_owner SERVER owned OPTIONS (who 'the owner');
CREATE USER MAPPING FOR regress_edges_user SERVER owned OPTIONS (who 'the user');
SET ROLE regress_edges_user;
INSERT INTO owned_view VALUES (1, 'one');
UPDATE owned_view SET note = 'two';
DELETE FROM owned_view;
SELECT pg_relation_is_updatable('owned', false);
RESET ROLE;
SELECT pg_relation_is_updatable('owned', false);

-- A failure to store what was collected fails the statement.
CREATE SERVER flushes FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'edges.Flushes');
CREATE FOREIGN TABLE flushes (id int) SERVER flushes;
INSERT INTO flushes VALUES (1);
DO $$BEGIN INSERT INTO flushes VALUES (1); EXCEPTION WHEN fdw_error THEN RAISE NOTICE 'caught: %', sqlerrm; END$$;
COPY flushes FROM STDIN;
1
\.

-- What a class leaves as it was given stays so, also where Python's class for the type knows less.
CREATE SERVER returns FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'edges.Returns');
CREATE FOREIGN TABLE same (id int, span interval, data jsonb, list int[]) SERVER returns OPTIONS (how 'same');
CREATE FOREIGN TABLE partly (id int, gone int, span interval, data jsonb, list int[])
    SERVER returns OPTIONS (how 'partly');
ALTER FOREIGN TABLE partly DROP COLUMN gone;
CREATE FOREIGN TABLE changed (id int, span interval, data jsonb) SERVER returns OPTIONS (how 'changed');
INSERT INTO same VALUES (1, '1 month', '{"a": 1.10}', '[2:3]={1,2}') RETURNING *;
INSERT INTO partly VALUES (1, '1 month', '{"a": 1.10}', '[2:3]={1,2}') RETURNING *;
INSERT INTO changed VALUES (1, '1 month', '{"a": 1}') RETURNING *;

-- An object that ends with an aborted transaction cannot write.
CREATE TABLE told (i int);
CREATE TYPE pair AS (a text, b int);
CREATE SERVER bombs FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'edges.Bombs');
CREATE FOREIGN TABLE bombs (p pair) SERVER bombs;
-- Told after the error, and shown before or after it.
SET client_min_messages = error;
SELECT * FROM bombs;
RESET client_min_messages;
DO $$BEGIN PERFORM * FROM bombs; EXCEPTION WHEN fdw_error THEN RAISE NOTICE 'caught: %', sqlerrm; END$$;
SELECT * FROM told;

-- An error of a statement in parallel mode cannot be caught: what the statement held is released by an abort
-- only. Other plans let the class go on.
CREATE SERVER swallows FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'edges.Swallows');
CREATE FOREIGN TABLE swallows (sqlstate text) SERVER swallows;
SELECT * FROM swallows;
CREATE TABLE big AS SELECT i FROM generate_series(1, 10000) i;
ANALYZE big;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT sqlstate, n FROM swallows, (SELECT count(*) AS n FROM big) counted;
SELECT sqlstate, n FROM swallows, (SELECT count(*) AS n FROM big) counted;
SELECT sqlstate, n FROM swallows, (SELECT count(*) AS n FROM big) counted LIMIT 1;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- A time zone that timetz cannot hold.
CREATE SERVER zones FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'edges.Zones');
CREATE FOREIGN TABLE zones (t timetz) SERVER zones OPTIONS (hours '15.5');
SELECT * FROM zones;
ALTER FOREIGN TABLE zones OPTIONS (SET hours '-16');
SELECT * FROM zones;

-- A class that was taken off the list is not used any more, in sessions that have used it either.
GRANT USAGE ON FOREIGN DATA WRAPPER multicorn TO regress_edges_owner;
SET multicorn.allowed_wrappers = 'edges.Own*, edges.Owned';
ALTER SERVER owned OWNER TO regress_edges_owner;
SELECT * FROM owned;
SET multicorn.allowed_wrappers = 'edges.Flushes';
SELECT * FROM owned;
INSERT INTO owned VALUES (1);
SET ROLE regress_edges_owner;
CREATE SERVER theirs FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'edges.Owned');
ALTER SERVER owned OPTIONS (SET wrapper 'edges.Zones');
CREATE SERVER theirs FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '*');
CREATE FOREIGN TABLE pg_temp.theirs (id int) SERVER theirs OPTIONS (wrapper 'edges.Owned');
RESET ROLE;
RESET multicorn.allowed_wrappers;

-- An operator that a user made has the name of another, and is not handed over.
CREATE FUNCTION same_number(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN abs($1) = abs($2); END';
CREATE OPERATOR public.= (leftarg = int, rightarg = int, function = same_number);
CREATE SERVER plain FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'edges.Plain');
CREATE FOREIGN TABLE plain (id int) SERVER plain;
EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM plain WHERE id OPERATOR(public.=) 1;
SELECT * FROM plain WHERE id OPERATOR(public.=) 1;
SELECT * FROM plain WHERE id = 1;
