-- Statement triggers of TRUNCATE, which foreign tables may have from PostgreSQL 16 on.
CREATE SERVER sampled FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'sampled.Whole');
CREATE FOREIGN TABLE w (id int, grp int) SERVER sampled OPTIONS (name 'w');
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE '% %', tg_when, tg_op; RETURN NULL; END$$;
CREATE TRIGGER before BEFORE TRUNCATE ON w EXECUTE FUNCTION tell();
CREATE TRIGGER after AFTER TRUNCATE ON w EXECUTE FUNCTION tell();
TRUNCATE w;
