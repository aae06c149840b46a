-- Secrets of the server have versions: the newest one makes, older ones are read until `read_until`. Version 1
-- keeps the name and the sealed form that it has had, so that a binary that knows no versions reads it.
ALTER TABLE server_secrets RENAME TO server_secrets_without_versions;
CREATE TABLE server_secrets (
    name       TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    read_until BIGINT,
    PRIMARY KEY (name, version)
);
INSERT INTO server_secrets (name, version, sealed, created_at)
SELECT name, 1, sealed, created_at FROM server_secrets_without_versions;
DROP TABLE server_secrets_without_versions;

-- The newest version that there has been of each: no number is used twice, and a secret whose row is lost is
-- missed instead of made anew.
CREATE TABLE server_secret_versions (
    name   TEXT   NOT NULL PRIMARY KEY,
    newest BIGINT NOT NULL
);
INSERT INTO server_secret_versions (name, newest)
SELECT name, version FROM server_secrets;
