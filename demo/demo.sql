-- What `make demo` runs. It needs the psql variable `data`: the directory of lots.csv and shop.sqlite.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\set lots_csv :data '/lots.csv'
\set shop_url 'sqlite:///' :data '/shop.sqlite'

\echo
\echo === A CSV file is a table ===
CREATE EXTENSION multicorn;

CREATE SERVER files FOREIGN DATA WRAPPER multicorn
    OPTIONS (wrapper 'multicorn.csvfdw.CsvFdw');

CREATE FOREIGN TABLE lots (
    lot text, country text, region text, process text, kilos int, cost numeric(8, 2), arrived date
) SERVER files OPTIONS (filename :'lots_csv', skip_header '1', delimiter ',');

SELECT country, count(*) AS lots, sum(kilos) AS kilos, round(avg(cost), 2) AS cost
FROM lots GROUP BY country ORDER BY kilos DESC;

\echo
\echo === So is a table in a SQLite database ===
CREATE SERVER shop FOREIGN DATA WRAPPER multicorn
    OPTIONS (wrapper 'multicorn.sqlalchemyfdw.SqlAlchemyFdw', db_url :'shop_url');

CREATE FOREIGN TABLE orders (
    id int, customer_id int, lot text, kilos numeric(8, 2), price numeric(8, 2), ordered_on date, note text
) SERVER shop OPTIONS (tablename 'orders', primary_key 'id');

SELECT * FROM orders WHERE ordered_on >= '2026-05-01' AND price > 20 ORDER BY ordered_on, id;

\echo
\echo === Filters, sort and limit run in SQLite: see Remote SQL ===
\pset format unaligned
EXPLAIN (VERBOSE, COSTS OFF)
SELECT lot, price FROM orders WHERE customer_id = 2 AND id > 20 AND note = 'gift' ORDER BY id;

\echo
EXPLAIN (VERBOSE, COSTS OFF)
SELECT * FROM orders ORDER BY id DESC LIMIT 3;
\pset format aligned

\echo
\echo === Both joined with a local table ===
CREATE TABLE tasting (lot text PRIMARY KEY, score numeric(4, 1), notes text);

INSERT INTO tasting
SELECT lot, 80 + (kilos % 90) / 10.0, process || ' ' || lower(region) FROM lots;

SELECT o.ordered_on, o.lot, l.region, t.score, o.kilos, o.price - l.cost AS margin
FROM orders o
JOIN lots l USING (lot)
JOIN tasting t USING (lot)
WHERE o.ordered_on >= '2026-05-01' AND t.score >= 83
ORDER BY o.ordered_on, o.id;

\echo
\echo === A whole SQLite schema, views too, in one statement ===
CREATE SCHEMA shop;

IMPORT FOREIGN SCHEMA main FROM SERVER shop INTO shop;

SELECT table_name, string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position) AS columns
FROM information_schema.columns WHERE table_schema = 'shop' GROUP BY table_name ORDER BY table_name;

SELECT c.name, c.city, count(*) AS orders, sum(o.kilos * o.price) AS turnover
FROM shop.customers c JOIN shop.orders o ON o.customer_id = c.id
GROUP BY c.name, c.city ORDER BY turnover DESC LIMIT 5;

SELECT ordered_on, customer, lot, kilos FROM shop.order_list
WHERE country = 'NO' AND kilos >= 100 ORDER BY ordered_on;
