-- Triggers in plpy: TD and the words that a function returns.
CREATE TABLE item (id int, name text, twice int GENERATED ALWAYS AS (id * 2) STORED, at timestamptz, n numeric(8,2));
CREATE FUNCTION show() RETURNS trigger LANGUAGE plpy AS $$
for key in sorted(TD):
    print(key, "=", "(oid)" if key == "relid" else TD[key])
$$;
CREATE TRIGGER show_row BEFORE INSERT OR UPDATE OR DELETE ON item FOR EACH ROW EXECUTE FUNCTION show('a', 'b');
CREATE TRIGGER show_statement AFTER INSERT OR TRUNCATE ON item EXECUTE FUNCTION show();
CREATE TRIGGER show_after AFTER UPDATE ON item FOR EACH ROW EXECUTE FUNCTION show();
INSERT INTO item (id, name, n) VALUES (1, 'x', 1.5);
UPDATE item SET name = 'y';
DELETE FROM item;
TRUNCATE item;
DROP TRIGGER show_row ON item;
DROP TRIGGER show_statement ON item;
DROP TRIGGER show_after ON item;

-- what a function makes of the event
CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpy AS $$
name = TD["new"]["name"] if TD["new"] else TD["old"]["name"]
if name == "skip":
    return "SKIP"
if name == "ok":
    return "ok"
if name == "number":
    return 1
if name == "word":
    return "BOGUS"
if name == "deleted":
    del TD["new"]
    return "MODIFY"
if name == "list":
    TD["new"] = []
    return "MODIFY"
if name == "key":
    TD["new"][1] = 2
    return "MODIFY"
if name == "column":
    TD["new"]["nocolumn"] = 2
    return "MODIFY"
if name == "generated":
    TD["new"]["twice"] = 2
    return "MODIFY"
if name == "bad":
    TD["new"]["id"] = "x"
    return "MODIFY"
if name == "raise":
    raise ValueError("no")
if name == "forget":
    TD["new"]["id"] = 77
    return
TD["new"]["name"] = TD["new"]["name"].upper()
TD["new"]["n"] = 2.345
return "Modify"
$$;
CREATE TRIGGER judge BEFORE INSERT OR UPDATE ON item FOR EACH ROW EXECUTE FUNCTION judge();
INSERT INTO item (id, name, at) VALUES (1, 'skip', NULL), (2, 'ok', NULL), (3, 'forget', NULL), (4, 'change', '2020-01-01 00:00:00.123456+00');
SET timezone = 'UTC';
SELECT * FROM item ORDER BY id;
INSERT INTO item (id, name) VALUES (1, 'number');
INSERT INTO item (id, name) VALUES (1, 'word');
INSERT INTO item (id, name) VALUES (1, 'deleted');
INSERT INTO item (id, name) VALUES (1, 'list');
INSERT INTO item (id, name) VALUES (1, 'key');
INSERT INTO item (id, name) VALUES (1, 'column');
INSERT INTO item (id, name) VALUES (1, 'generated');
INSERT INTO item (id, name) VALUES (1, 'bad');
INSERT INTO item (id, name) VALUES (1, 'raise');
UPDATE item SET name = 'again' WHERE id = 2;
SELECT * FROM item ORDER BY id;

-- a column that is added, dropped, renamed
ALTER TABLE item DROP COLUMN at;
ALTER TABLE item ADD COLUMN more int DEFAULT 5;
ALTER TABLE item RENAME COLUMN n TO number;
INSERT INTO item (id, name) VALUES (9, 'forget');
INSERT INTO item (id, name) VALUES (10, 'x');
ALTER TABLE item RENAME COLUMN number TO n;
INSERT INTO item (id, name) VALUES (10, 'x') RETURNING *;
DROP TRIGGER judge ON item;

-- DELETE, and MODIFY where nothing can be changed
CREATE FUNCTION deny() RETURNS trigger LANGUAGE plpy AS $$
return "SKIP" if TD["old"]["id"] == 2 else "MODIFY"
$$;
CREATE TRIGGER deny BEFORE DELETE ON item FOR EACH ROW EXECUTE FUNCTION deny();
DELETE FROM item WHERE id IN (2, 3);
SELECT id FROM item ORDER BY id;

-- views
CREATE VIEW named AS SELECT id, name FROM item;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpy AS $$
print(TD["when"], TD["event"], TD["old"], TD["new"])
if TD["event"] == "INSERT":
    TD["new"]["name"] = "instead"
    return "MODIFY"
$$;
CREATE TRIGGER instead INSTEAD OF INSERT OR UPDATE OR DELETE ON named FOR EACH ROW EXECUTE FUNCTION instead();
INSERT INTO named VALUES (1, 'x') RETURNING *;
UPDATE named SET name = 'y' WHERE id = 9;
DELETE FROM named WHERE id = 9;

-- event triggers; a trigger function is called as nothing else
CREATE FUNCTION ddl() RETURNS event_trigger LANGUAGE plpy AS 'print(TD["event"], TD["tag"])';
CREATE EVENT TRIGGER pl_plpy_trigger_ddl ON ddl_command_start EXECUTE FUNCTION ddl();
CREATE TABLE watched ();
DROP EVENT TRIGGER pl_plpy_trigger_ddl;
SELECT judge();
