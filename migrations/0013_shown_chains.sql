-- Certificates that others issued and clients showed, with what came with them (DER after DER): whether they
-- were revoked is asked as long as a token is bound to one of them, also after a restart.
CREATE TABLE shown_chains (
    thumbprint TEXT   NOT NULL PRIMARY KEY,
    client_id  TEXT   NOT NULL,
    chain      BYTEA  NOT NULL,
    not_after  BIGINT NOT NULL
);

-- A list is out of date when anything was revoked since it was made. How many were revoked does not tell: one
-- row may be swept while another one is added.
ALTER TABLE crls RENAME COLUMN revoked TO version;
UPDATE crls SET version = 0;
