-- ORDER BY handed to the class: which keys it is asked about, and what is done with its answer.
CREATE SERVER probe FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'plan_probe.Probe');
CREATE FOREIGN TABLE t (id int, grp int, maybe int, word text COLLATE "C") SERVER probe
    OPTIONS (rows '6', sorts '9', tell 'execute sort');
CREATE FOREIGN TABLE first_key (id int, grp int, maybe int) SERVER probe
    OPTIONS (rows '6', sorts '1', tell 'execute sort', size '100000');
CREATE TABLE l (id int, note text);
INSERT INTO l VALUES (1, 'one'), (4, 'four');

-- Direction and the place of NULL.
EXPLAIN (COSTS off, VERBOSE) SELECT id FROM t ORDER BY grp, id DESC;
SELECT grp, id FROM t ORDER BY grp, id DESC;
SELECT maybe FROM t ORDER BY maybe;
SELECT maybe FROM t ORDER BY maybe DESC;
SELECT maybe FROM t ORDER BY maybe NULLS FIRST;
SELECT maybe FROM t ORDER BY maybe DESC NULLS LAST;
EXPLAIN (COSTS off, VERBOSE) SELECT id FROM t ORDER BY maybe NULLS FIRST, grp DESC NULLS LAST, id DESC NULLS FIRST;
SELECT id FROM t ORDER BY id USING >;
SELECT id AS x FROM t ORDER BY x DESC LIMIT 1;
SELECT id, grp FROM t ORDER BY 2, 1 LIMIT 1;

-- A constant is no key, and what is equal to another key is none either.
SELECT grp, id FROM t WHERE grp = 1 ORDER BY grp, id;
SELECT id FROM t WHERE id = grp ORDER BY grp, id;
SELECT id FROM t ORDER BY 'a'::text, id LIMIT 1;

-- The class sorts by the first key only: the rest is an incremental sort.
EXPLAIN (COSTS off) SELECT grp, id FROM first_key ORDER BY grp, id DESC;
SELECT grp, id FROM first_key ORDER BY grp, id DESC;
SELECT grp, maybe, id FROM first_key ORDER BY grp DESC, maybe DESC NULLS LAST, id;

-- A key that is no column ends what can be handed over.
EXPLAIN (COSTS off, VERBOSE) SELECT id FROM t ORDER BY grp, id % 2, id;
SELECT id, grp FROM t ORDER BY grp, -id;
SELECT id FROM t ORDER BY -id LIMIT 2;

-- Collations: the name is given unless it is the database's own for both the column and the query.
CREATE FOREIGN TABLE words (word text, name varchar(10), named name, plain text, id int) SERVER probe
    OPTIONS (rows '6', tell 'sort execute', sorts '9');
SELECT word FROM t ORDER BY word;
SELECT name FROM words ORDER BY name;
SELECT name FROM words ORDER BY name COLLATE "C";
SELECT named FROM words ORDER BY named;
EXPLAIN (COSTS off, VERBOSE) SELECT word FROM t ORDER BY word COLLATE "POSIX";
EXPLAIN (COSTS off, VERBOSE) SELECT word FROM t ORDER BY word COLLATE "default";
EXPLAIN (COSTS off, VERBOSE) SELECT name::text FROM words ORDER BY name::text;
-- Another operator family is another order.
EXPLAIN (COSTS off, VERBOSE) SELECT plain FROM words ORDER BY plain USING ~<~;
-- Another type's order is not the column's: an oid above 2147483647 is a negative integer.
CREATE FOREIGN TABLE oids (id oid) SERVER probe OPTIONS (rows '2', tell 'sort execute', sorts '9');
EXPLAIN (COSTS off, VERBOSE) SELECT id FROM oids ORDER BY id::int;
EXPLAIN (COSTS off, VERBOSE) SELECT id FROM oids WHERE id::int < 1 ORDER BY id;

-- Whole rows and system columns.
SELECT t FROM t ORDER BY t LIMIT 1;
SELECT tableoid::regclass, id FROM t ORDER BY tableoid, id LIMIT 1;
SELECT DISTINCT t FROM t ORDER BY t LIMIT 1;

-- Orders that grouping, DISTINCT, windows and set operations ask for.
SET enable_hashagg = off;
EXPLAIN (COSTS off) SELECT grp, count(*) FROM t GROUP BY grp;
SELECT grp, count(*) FROM t GROUP BY grp;
SELECT DISTINCT grp FROM t;
SELECT DISTINCT ON (grp) grp, id FROM t ORDER BY grp, id DESC;
SELECT id, rank() OVER (PARTITION BY grp ORDER BY id DESC) FROM t ORDER BY id;
SELECT grp, id, sum(id) OVER (PARTITION BY grp ORDER BY id) FROM t;
(SELECT grp FROM t ORDER BY id LIMIT 2) UNION SELECT 9 ORDER BY 1;
RESET enable_hashagg;

-- Under joins: the order of the outer side survives, that of a side filled with NULLs counts for nothing.
EXPLAIN (COSTS off) SELECT t.id, l.note FROM t LEFT JOIN l ON l.id = t.id ORDER BY t.id;
SELECT t.id, l.note FROM t LEFT JOIN l ON l.id = t.id ORDER BY t.id;
EXPLAIN (COSTS off) SELECT t.id, l.note FROM l LEFT JOIN t ON l.id + 2 = t.id ORDER BY t.id NULLS FIRST;
SELECT t.id, l.note FROM l LEFT JOIN t ON l.id + 2 = t.id ORDER BY t.id NULLS FIRST;
SELECT t.id, l.note FROM l FULL JOIN t ON l.id + 2 = t.id ORDER BY t.id DESC, l.note;
SELECT s.id FROM (SELECT id FROM t ORDER BY id DESC) s;

-- Answers that are not a prefix of the question, and no answers at all.
CREATE SERVER answers FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'plan_probe.Sorts');
CREATE FOREIGN TABLE answer (id int, grp int) SERVER answers OPTIONS (answers 'none');
EXPLAIN (COSTS off) SELECT id FROM answer ORDER BY grp, id;
ALTER FOREIGN TABLE answer OPTIONS (SET answers 'second');
EXPLAIN (COSTS off) SELECT id FROM answer ORDER BY grp, id;
ALTER FOREIGN TABLE answer OPTIONS (SET answers 'reversed');
EXPLAIN (COSTS off) SELECT id FROM answer ORDER BY grp, id;
ALTER FOREIGN TABLE answer OPTIONS (SET answers 'tuple');
EXPLAIN (COSTS off) SELECT id FROM answer ORDER BY grp, id;
ALTER FOREIGN TABLE answer OPTIONS (SET answers 'more');
EXPLAIN (COSTS off) SELECT id FROM answer ORDER BY grp, id;
ALTER FOREIGN TABLE answer OPTIONS (SET answers 'true');
EXPLAIN (COSTS off) SELECT id FROM answer ORDER BY grp, id;
ALTER FOREIGN TABLE answer OPTIONS (SET answers 'names');
EXPLAIN (COSTS off) SELECT id FROM answer ORDER BY grp, id;
ALTER FOREIGN TABLE answer OPTIONS (SET answers 'raises');
EXPLAIN (COSTS off) SELECT id FROM answer ORDER BY grp, id;
SELECT id FROM answer;
