-- Certificates of our own, from an authority that speaks ACME (RFC 8555).

-- The account at an authority: who we are there, and the key that proves it.
CREATE TABLE acme_accounts (
    directory   TEXT   NOT NULL PRIMARY KEY,
    sealed      BYTEA  NOT NULL,
    created_at  BIGINT NOT NULL
);

-- A certificate: `id` is the directory and the names, spaces between them, so that another authority or
-- another name is another certificate. Until the first order has succeeded there is no chain. `due_at` is
-- when to order next: at two thirds of the lifetime, or, after failures, when to try again.
CREATE TABLE acme_certificates (
    id          TEXT   NOT NULL PRIMARY KEY,
    chain       TEXT,
    sealed      BYTEA,
    due_at      BIGINT NOT NULL,
    failures    BIGINT NOT NULL
);

-- What the authority is answered when it looks whether a name is ours: any replica may be asked. It is
-- public, and worth nothing afterwards.
CREATE TABLE acme_challenges (
    token       TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL,
    answer      TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL
);

CREATE INDEX acme_challenges_by_name ON acme_challenges (name);
CREATE INDEX acme_challenges_by_expiry ON acme_challenges (expires_at);
