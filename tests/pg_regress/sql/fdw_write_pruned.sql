-- Generic plans over partitions that are changed by row, directly and locally: what is pruned at execution
-- must not shift what belongs to whom.
CREATE SERVER parts FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper '*');
CREATE TABLE p (id int, grp int, note text) PARTITION BY LIST (grp);
CREATE FOREIGN TABLE p1 PARTITION OF p FOR VALUES IN (1) SERVER parts OPTIONS (wrapper 'kept.Kept', name 'p1');
CREATE FOREIGN TABLE p2 PARTITION OF p FOR VALUES IN (2) SERVER parts OPTIONS (wrapper 'wholesale.Wholesale', name 'p2');
CREATE TABLE p3 PARTITION OF p FOR VALUES IN (3);
CREATE FOREIGN TABLE p4 PARTITION OF p FOR VALUES IN (4) SERVER parts OPTIONS (wrapper 'keyed.Changed', name 'p4', key 'id');
INSERT INTO p SELECT i, i % 4 + 1, 'n' || i FROM generate_series(1, 12) i;
SET plan_cache_mode = force_generic_plan;
PREPARE change(int, text) AS UPDATE p SET note = $2 WHERE grp = $1;
PREPARE tell(int, text) AS UPDATE p SET note = $2 WHERE grp = $1 RETURNING tableoid::regclass, *;
PREPARE move(int, int) AS UPDATE p SET grp = $2 WHERE grp = $1;
PREPARE remove(int) AS DELETE FROM p WHERE grp = $1 AND id < 5;
PREPARE empty(int) AS DELETE FROM p WHERE grp = $1 RETURNING *;
EXECUTE change(1, 'x'); EXECUTE change(2, 'x'); EXECUTE change(3, 'x'); EXECUTE change(4, 'x');
EXECUTE change(5, 'x'); EXECUTE change(NULL, 'x');
EXECUTE tell(1, 'y'); EXECUTE tell(2, 'y'); EXECUTE tell(3, 'y'); EXECUTE tell(4, 'y');
EXECUTE remove(1); EXECUTE remove(2); EXECUTE remove(3); EXECUTE remove(4);
SELECT tableoid::regclass, * FROM p ORDER BY id;
EXECUTE move(3, 1);
EXECUTE move(1, 3);
SELECT tableoid::regclass, * FROM p WHERE grp < 4 ORDER BY id;
EXECUTE empty(1); EXECUTE empty(2); EXECUTE empty(3); EXECUTE empty(4);
SELECT count(*) FROM p;
