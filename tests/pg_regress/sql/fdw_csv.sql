-- A CSV file as a table. The server's working directory is its data directory, so that the relative
-- path below keeps the cluster's own name out of the output.
CREATE SERVER files FOREIGN DATA WRAPPER multicorn OPTIONS (wrapper 'multicorn.csvfdw.CsvFdw');
CREATE FOREIGN TABLE cities (city text, country char(2), inhabitants text, founded text)
    SERVER files OPTIONS (filename '../files/data/cities.csv', skip_header '1');

SELECT * FROM cities;
SELECT city FROM cities WHERE country = 'NO' ORDER BY inhabitants::int;
