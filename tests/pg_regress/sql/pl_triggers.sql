-- Triggers in LANGUAGE python: an entry for each event.
CREATE TABLE item (id int, name text);
CREATE FUNCTION told() RETURNS trigger LANGUAGE python AS $$
def tell(name, td, rows):
    shown = [None if row is None else [str(value) for value in (row.values() if hasattr(row, "values") else row)] for row in rows]
    print(name, td.timing, td.manipulation, td.orientation, td.args, td.columns, shown)

def before_insert(td, new):
    tell("before_insert", td, [new])

def before_update(td, old, new):
    tell("before_update", td, [old, new])

def before_delete(td, old):
    tell("before_delete", td, [old])

def after_insert(td, new):
    tell("after_insert", td, [new])

def after_update(td, old, new):
    tell("after_update", td, [old, new])

def after_delete(td, old):
    tell("after_delete", td, [old])

def before_insert_statement(td):
    tell("before_insert_statement", td, [])

def before_update_statement(td):
    tell("before_update_statement", td, [])

def before_delete_statement(td):
    tell("before_delete_statement", td, [])

def before_truncate_statement(td):
    tell("before_truncate_statement", td, [])

def after_truncate_statement(td):
    tell("after_truncate_statement", td, [])

def after_insert_statement(td, news):
    print("after_insert_statement", news and [str(row["name"]) for row in news])

def after_update_statement(td, olds, news):
    print("after_update_statement", [[str(row["name"]) for row in rows] for rows in (olds, news) if rows])

def after_delete_statement(td, olds):
    print("after_delete_statement", olds and [str(row["name"]) for row in olds])
$$;
CREATE TRIGGER b BEFORE INSERT OR UPDATE OF name OR DELETE ON item FOR EACH ROW EXECUTE FUNCTION told('x');
CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE ON item FOR EACH ROW EXECUTE FUNCTION told();
CREATE TRIGGER bs BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON item EXECUTE FUNCTION told();
CREATE TRIGGER ats AFTER TRUNCATE ON item EXECUTE FUNCTION told();
CREATE TRIGGER ai AFTER INSERT ON item REFERENCING NEW TABLE AS news EXECUTE FUNCTION told();
CREATE TRIGGER au AFTER UPDATE ON item REFERENCING OLD TABLE AS olds NEW TABLE AS news EXECUTE FUNCTION told();
CREATE TRIGGER ad AFTER DELETE ON item EXECUTE FUNCTION told();
INSERT INTO item VALUES (1, 'a'), (2, 'b');
UPDATE item SET name = name || '!';
DELETE FROM item WHERE id = 1;
TRUNCATE item;

-- what an entry returns
CREATE TABLE judged (id int, name varchar(5), extra int DEFAULT 7);
CREATE FUNCTION judge() RETURNS trigger LANGUAGE python AS $$
from Postgres import StopEvent

def before_insert(td, new):
    name = str(new["name"])
    if name == "stop":
        raise StopEvent
    if name == "tuple":
        return (10, "t", 11)
    if name == "map":
        return {"id": 12, "name": "m"}
    if name == "short":
        return (1,)
    if name == "long":
        return {"name": "longer than five"}
    if name == "int":
        return 5
    if name == "raise":
        raise KeyError("x")

def before_delete(td, old):
    if str(old["name"]) == "t":
        return old
    raise StopEvent

def after_insert(td, new):
    if new["id"] == 20:
        raise StopEvent
    if new["id"] == 21:
        return new
$$;
CREATE TRIGGER judge BEFORE INSERT OR UPDATE OR DELETE ON judged FOR EACH ROW EXECUTE FUNCTION judge();
CREATE TRIGGER judge_after AFTER INSERT ON judged FOR EACH ROW EXECUTE FUNCTION judge();
INSERT INTO judged VALUES (1, 'stop'), (2, 'keep'), (3, 'tuple'), (4, 'map') RETURNING *;
INSERT INTO judged VALUES (1, 'short');
INSERT INTO judged VALUES (1, 'long');
INSERT INTO judged VALUES (1, 'int');
INSERT INTO judged VALUES (1, 'raise');
INSERT INTO judged VALUES (20, 'x');
INSERT INTO judged VALUES (21, 'x');
UPDATE judged SET id = 5;
DELETE FROM judged WHERE name = 't';
DELETE FROM judged;
SELECT count(*) FROM judged;

-- event triggers
CREATE FUNCTION ddl() RETURNS event_trigger LANGUAGE python AS $$
def on_ddl_command_start(td):
    print(td.event, td.tag)

def on_ddl_command_end(td):
    print(td.event, td.tag)
$$;
CREATE EVENT TRIGGER pl_triggers_start ON ddl_command_start EXECUTE FUNCTION ddl();
CREATE EVENT TRIGGER pl_triggers_end ON ddl_command_end EXECUTE FUNCTION ddl();
CREATE EVENT TRIGGER pl_triggers_drop ON sql_drop EXECUTE FUNCTION ddl();
CREATE TABLE watched ();
DROP TABLE watched;
DROP EVENT TRIGGER pl_triggers_start;
DROP EVENT TRIGGER pl_triggers_end;
DROP EVENT TRIGGER pl_triggers_drop;
