-- Joins: lookups driven by get_path_keys, every kind of join, and the values that reach the class.
CREATE SERVER probe FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'plan_probe.Probe');
-- Looks up by id at once, by (grp, sub) nearly so; claims many rows, so that lookups win.
CREATE FOREIGN TABLE t (id int, grp int, sub int, name text) SERVER probe
    OPTIONS (rows '12', size '1000000', keys 'id 1; grp sub 2', lookup 'true');
CREATE FOREIGN TABLE plain (id int, grp int, name text) SERVER probe
    OPTIONS (rows '6', lookup 'true', label 'plain: ');
CREATE TABLE l (id int, grp int, note text);
INSERT INTO l VALUES (2, 1, 'two'), (3, NULL, 'three'), (3, 0, 'three again'), (99, 1, 'none'), (NULL, 2, 'null');
CREATE TABLE m (sub int, id int);
INSERT INTO m VALUES (0, 2), (1, 3), (1, NULL);
ANALYZE l, m;
-- The shape of a plan; versions of the server write an equality's sides in one order or the other.
CREATE FUNCTION plan(query text, options text = 'COSTS off') RETURNS TABLE (plan text) LANGUAGE plpgsql AS $$
BEGIN
    FOR plan IN EXECUTE format('EXPLAIN (%s) %s', options, query) LOOP
        CONTINUE WHEN plan ~ '^ *(Join )?Filter: .* = ';
        RETURN NEXT;
    END LOOP;
END $$;

-- One row of l, one lookup; NULL is equal to nothing and asks for nothing.
SELECT * FROM plan($$SELECT l.note, t.name FROM l JOIN t ON t.id = l.id$$, 'COSTS off, VERBOSE');
SELECT l.note, t.name FROM l JOIN t ON t.id = l.id;

-- The other way round, an expression, and a type that has to be converted.
SELECT l.note, t.name FROM l JOIN t ON l.id + 1 = t.id;
SELECT * FROM plan($$SELECT l.note, t.name FROM l JOIN t ON l.id::bigint = t.id$$);
SELECT l.note, t.name FROM l JOIN t ON l.id::bigint = t.id;

-- A composite key, fixed by two relations, then by one and a constant.
SELECT * FROM plan($$SELECT l.note, t.id FROM l, m, t WHERE t.grp = l.grp AND t.sub = m.sub AND m.id = 2$$);
SELECT l.note, t.id FROM l, m, t WHERE t.grp = l.grp AND t.sub = m.sub AND m.id = 2;
SELECT * FROM plan($$SELECT l.note, t.id FROM l, t WHERE t.grp = l.grp AND t.sub = 1$$);
SELECT l.note, t.id FROM l, t WHERE t.grp = l.grp AND t.sub = 1;
-- Half a key is no key.
SELECT * FROM plan($$SELECT l.note, t.id FROM l, t WHERE t.grp = l.grp$$);

-- Equal to two relations: either may drive the lookup.
SELECT * FROM plan($$SELECT l.note, t.name FROM l, m, t WHERE t.id = l.id AND l.id = m.id$$);
SELECT l.note, t.name FROM l, m, t WHERE t.id = l.id AND l.id = m.id ORDER BY 1;

-- Outer joins.
SELECT * FROM plan($$SELECT l.note, t.name FROM l LEFT JOIN t ON t.id = l.id$$);
SELECT l.note, t.name FROM l LEFT JOIN t ON t.id = l.id;
SELECT l.note, t.name FROM l LEFT JOIN t ON t.id = l.id AND t.name <> 'name 2';
SELECT l.note, t.name FROM l LEFT JOIN t ON t.id = l.id WHERE t.name IS NULL;
SELECT l.note, t.name FROM t RIGHT JOIN l ON t.id = l.id AND l.note = 'two';
-- The outer side of a lookup is itself nulled.
SELECT * FROM plan($$SELECT m.sub, l.note, t.name FROM m LEFT JOIN l ON l.id = m.id AND l.note = 'two' LEFT JOIN t ON t.id = l.id$$);
SELECT m.sub, l.note, t.name FROM m LEFT JOIN l ON l.id = m.id AND l.note = 'two' LEFT JOIN t ON t.id = l.id;
SELECT m.sub, l.note, t.name
FROM m LEFT JOIN (l JOIN t ON t.id = l.id) ON l.id = m.id ORDER BY 1, 2;
SELECT m.sub, t.name, l.note FROM m LEFT JOIN t ON t.id = m.id LEFT JOIN l ON l.id = t.id ORDER BY 1, 3;
SELECT coalesce(t.id, -1) AS found, l.note FROM m LEFT JOIN t ON t.id = m.id
    JOIN l ON l.id = coalesce(t.id, 99) ORDER BY 1, 2;
-- A FULL join has no lookups.
SELECT * FROM plan($$SELECT l.note, plain.name FROM l FULL JOIN plain ON plain.id = l.id$$);
SELECT l.note, plain.name FROM l FULL JOIN plain ON plain.id = l.id ORDER BY l.note, plain.name;

-- Semi and anti joins.
SELECT * FROM plan($$SELECT note FROM l WHERE EXISTS (SELECT FROM t WHERE t.id = l.id)$$);
SELECT note FROM l WHERE EXISTS (SELECT FROM t WHERE t.id = l.id);
SELECT * FROM plan($$SELECT note FROM l WHERE NOT EXISTS (SELECT FROM t WHERE t.id = l.id)$$);
SELECT note FROM l WHERE NOT EXISTS (SELECT FROM t WHERE t.id = l.id);
SELECT * FROM plan($$SELECT name FROM t WHERE id IN (SELECT id FROM l)$$);
SELECT name FROM t WHERE id IN (SELECT id FROM l);
SELECT name FROM plain WHERE id NOT IN (SELECT id FROM l WHERE id IS NOT NULL);
SELECT name FROM plain WHERE id NOT IN (SELECT id FROM l);
SELECT note FROM l WHERE id NOT IN (SELECT id FROM plain);
SELECT name FROM plain WHERE id = ANY (SELECT m.id FROM m) OR id = 6;

-- Hash and merge joins of whole scans.
SET enable_nestloop = off;
SELECT * FROM plan($$SELECT l.note, plain.name FROM l JOIN plain ON plain.id = l.id$$);
SELECT l.note, plain.name FROM l JOIN plain ON plain.id = l.id ORDER BY 1;
SET enable_hashjoin = off;
SELECT * FROM plan($$SELECT l.note, plain.name FROM l JOIN plain ON plain.id = l.id$$);
SELECT l.note, plain.name FROM l JOIN plain ON plain.id = l.id ORDER BY 1;
-- A merge join takes the order that the class delivers.
CREATE FOREIGN TABLE ordered (id int, name text) SERVER probe
    OPTIONS (rows '6', lookup 'true', sorts '9', label 'ordered: ');
SELECT * FROM plan($$SELECT ordered.id, l.note FROM l JOIN ordered ON ordered.id = l.id ORDER BY ordered.id$$);
SELECT ordered.id, l.note FROM l JOIN ordered ON ordered.id = l.id ORDER BY ordered.id, l.note;
SELECT ordered.id, l.note FROM l RIGHT JOIN ordered ON ordered.id = l.id ORDER BY ordered.id, l.note;
SELECT ordered.id, l.note FROM l FULL JOIN ordered ON ordered.id = l.id ORDER BY ordered.id, l.note;
SELECT ordered.id, l.note FROM l LEFT JOIN ordered ON ordered.id = l.id ORDER BY ordered.id, l.note;
RESET enable_nestloop;
RESET enable_hashjoin;

-- A table joined with itself: two scans at once, each with its own state.
SELECT a.id, b.id FROM plain a, plain b WHERE a.id + 3 = b.id ORDER BY 1;
SELECT count(*) FROM plain a, plain b;
SELECT * FROM plan($$SELECT a.name, b.name FROM t a JOIN t b ON b.id = a.id + 1 WHERE a.id = 4$$);
SELECT a.name, b.name FROM t a JOIN t b ON b.id = a.id + 1 WHERE a.id = 4;

-- LATERAL: out of the table, and into it.
SELECT l.note, s.name FROM l, LATERAL (SELECT name FROM t WHERE t.id = l.id) s;
SELECT * FROM plan($$SELECT l.note, s.* FROM l, LATERAL (SELECT t.name, l.grp FROM t WHERE t.id <= l.id ORDER BY t.id DESC LIMIT 2) s$$, 'COSTS off, VERBOSE');
SELECT l.note, s.* FROM l, LATERAL (SELECT t.name, l.grp FROM t WHERE t.id <= l.id ORDER BY t.id DESC LIMIT 2) s
WHERE l.id < 99;
SELECT plain.id, n FROM plain, LATERAL generate_series(1, plain.id) n WHERE plain.id < 4 ORDER BY 1, 2;
SELECT plain.id, s.word FROM plain, LATERAL regexp_split_to_table(plain.name, ' ') s(word) WHERE plain.id = 3;
SELECT g, s.name FROM generate_series(1, 3) g LEFT JOIN LATERAL (SELECT name FROM t WHERE t.id = g + 10) s ON true;
SELECT g, s.* FROM generate_series(5, 7) g, LATERAL (SELECT count(*), min(name) FROM plain WHERE plain.id >= g) s;

-- Subqueries that depend on the row, in the target list and in WHERE.
SELECT note, (SELECT name FROM t WHERE t.id = l.id) FROM l;
SELECT note FROM l WHERE (SELECT grp FROM t WHERE t.id = l.id) = 0;
SELECT id, (SELECT note FROM l WHERE l.id = plain.id LIMIT 1) FROM plain;
SELECT id, (SELECT count(*) FROM l WHERE l.id = plain.id) FROM plain WHERE id < 4;

-- Values that another node of the plan computes first.
SELECT name FROM t WHERE id = (SELECT max(id) - 90 FROM l);
SELECT name FROM t WHERE id = (SELECT id FROM l WHERE false);
SELECT name FROM t WHERE id = ANY ((SELECT array_agg(id) FROM m)::int[]);
SELECT name FROM t WHERE id > (SELECT max(id) + 7 FROM plain);
