-- A collation that takes different texts for equal: a class could not know that and would lose rows.
SELECT NOT EXISTS (SELECT FROM pg_collation WHERE collname = 'und-x-icu') AS without_icu \gset
\if :without_icu
\echo This PostgreSQL was built without ICU.
\quit
\endif
CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE SERVER exact FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'contract.Exact');
CREATE FOREIGN TABLE t (a text, b text COLLATE blind) SERVER exact;
SELECT * FROM t WHERE a = 'one';
SELECT * FROM t WHERE b = 'one';
SELECT * FROM t WHERE a = 'one' COLLATE blind;
SELECT * FROM t WHERE b IN ('one', 'two');
SELECT * FROM t WHERE b = 'one' COLLATE "C";
EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM t WHERE b = 'one' AND a = 'ONE';
