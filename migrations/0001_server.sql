-- One text for SQLite and PostgreSQL. The rules that make that possible:
--   four column types only: TEXT, BIGINT (Unix seconds, counts), BOOLEAN, BYTEA;
--   secrets appear only as SHA-256 digests, sealed, or not at all;
--   a state is the presence of a time (used_at, revoked_at), never a status word;
--   identifiers are made by the program, times are bound by the program.

-- What the caches are held against: every change to clients, resources or keys adds one to its row in
-- its own transaction, and every replica looks at these rows twice a second.
CREATE TABLE versions (
    name    TEXT   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO versions (name, version) VALUES ('clients', 1), ('resources', 1), ('keys', 1);

-- Secrets of the server itself (the key of the refresh tokens' MAC, the salt of pairwise subjects),
-- sealed under the key-encryption key.
CREATE TABLE server_secrets (
    name       TEXT   NOT NULL PRIMARY KEY,
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL
);

-- pending (published_at) -> active (activated_at) -> retiring (retiring_at) -> retired (retired_at).
CREATE TABLE signing_keys (
    id             TEXT   NOT NULL PRIMARY KEY,
    alg            TEXT   NOT NULL,
    public_jwk     TEXT   NOT NULL,
    sealed         BYTEA  NOT NULL,
    published_at   BIGINT NOT NULL,
    activated_at   BIGINT,
    retiring_at    BIGINT,
    retired_at     BIGINT,
    compromised_at BIGINT
);
-- One key of an algorithm signs, and one waits: two replicas that rotate at once collide here.
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (alg)
    WHERE activated_at IS NOT NULL AND retiring_at IS NULL AND retired_at IS NULL;
CREATE UNIQUE INDEX signing_keys_one_pending ON signing_keys (alg)
    WHERE activated_at IS NULL AND retired_at IS NULL;

-- Work that one replica does at a time.
CREATE TABLE jobs (
    name         TEXT   NOT NULL PRIMARY KEY,
    holder       TEXT   NOT NULL,
    leased_until BIGINT NOT NULL,
    ran_at       BIGINT
);

-- Who did what to whom, from where, and what came of it.
CREATE TABLE audit_events (
    id         TEXT   NOT NULL PRIMARY KEY,
    at_ms      BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    outcome    TEXT   NOT NULL,
    client_id  TEXT,
    user_id    TEXT,
    session_id TEXT,
    grant_id   TEXT,
    address    TEXT,
    request_id TEXT,
    facts      TEXT   NOT NULL,
    count      BIGINT NOT NULL
);
CREATE INDEX audit_events_by_request ON audit_events (request_id);
