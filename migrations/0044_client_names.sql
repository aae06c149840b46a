-- The displayed name of a client in lower case, as UTF-8: what the console sorts and searches by. Bytes, because the order of
-- texts depends on the collation of the database. NULL where the program has yet to compute it: in the rows that are here
-- already, and in those that a replica of an older version adds.
ALTER TABLE clients ADD COLUMN name_key BYTEA;
CREATE INDEX clients_by_name ON clients (name_key, id);
