-- The name by which a certificate proves a client, in the form in which names are compared: one client alone
-- has it, or all who have it are registered as sharing it. '' where there is none; '?' where the program has
-- yet to compute it, for a subject cannot be compared in SQL: for the rows that are here already, and for those
-- that a replica of an older version adds.
ALTER TABLE clients ADD COLUMN certificate_name TEXT NOT NULL DEFAULT '?';
ALTER TABLE clients ADD COLUMN shares_certificate_name BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX clients_by_certificate_name ON clients (certificate_name);
CREATE INDEX clients_sharing ON clients (id) WHERE shares_certificate_name;
UPDATE clients SET certificate_name = '' WHERE metadata NOT LIKE '%"tls_client_auth%';
