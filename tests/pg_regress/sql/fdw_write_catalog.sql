-- What the catalog says about tables of classes that write, and transition tables above foreign partitions.
CREATE SERVER kept FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'kept.Kept');
CREATE SERVER wholesale FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'wholesale.Wholesale');
CREATE SERVER readonly FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'sampled.Sampled');
CREATE FOREIGN TABLE t (id int, note text) SERVER kept OPTIONS (name 't');
CREATE FOREIGN TABLE w (id int, note text) SERVER wholesale OPTIONS (name 'w');
CREATE FOREIGN TABLE r (id int, note text) SERVER readonly;
CREATE VIEW vt AS SELECT id, note, id + 1 AS more FROM t;
SELECT table_name, is_insertable_into FROM information_schema.tables
    WHERE table_name IN ('t', 'w', 'r', 'vt') ORDER BY 1;
SELECT table_name, column_name, is_updatable FROM information_schema.columns
    WHERE table_name IN ('t', 'w', 'r', 'vt') ORDER BY 1, ordinal_position;
SELECT table_name, is_updatable, is_insertable_into FROM information_schema.views WHERE table_name = 'vt';

CREATE TABLE p (id int, note text) PARTITION BY RANGE (id);
CREATE FOREIGN TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10) SERVER kept OPTIONS (name 'p1');
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    rows text;
BEGIN
    IF tg_op = 'DELETE' THEN
        SELECT string_agg(o::text, ' ' ORDER BY o.id) FROM o INTO rows;
    ELSE
        SELECT string_agg(n::text, ' ' ORDER BY n.id) FROM n INTO rows;
    END IF;
    RAISE NOTICE '% %', tg_op, rows;
    RETURN NULL;
END $$;
CREATE TRIGGER inserted AFTER INSERT ON p REFERENCING NEW TABLE AS n EXECUTE FUNCTION seen();
CREATE TRIGGER updated AFTER UPDATE ON p REFERENCING OLD TABLE AS o NEW TABLE AS n EXECUTE FUNCTION seen();
CREATE TRIGGER deleted AFTER DELETE ON p REFERENCING OLD TABLE AS o EXECUTE FUNCTION seen();
INSERT INTO p VALUES (11, 'local'), (12, 'local');
UPDATE p SET note = 'new' WHERE id = 11;
DELETE FROM p WHERE id = 12;
-- The server collects no rows of foreign partitions, and says so after this class without transactions wrote.
INSERT INTO p VALUES (13, 'local'), (1, 'foreign');
SELECT * FROM p ORDER BY id;
-- The partition itself has no such trigger.
INSERT INTO p1 VALUES (1, 'foreign');
UPDATE p SET note = 'new';
DELETE FROM p;
SELECT * FROM p ORDER BY id;
