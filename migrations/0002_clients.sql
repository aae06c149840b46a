-- Applications, by the metadata names of RFC 7591 and OIDC Registration, kept as one JSON text: it is
-- written whole, read whole and never queried inside.
CREATE TABLE clients (
    id          TEXT   NOT NULL PRIMARY KEY,
    metadata    TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    disabled_at BIGINT,
    version     BIGINT NOT NULL
);

-- Two live at once, so that a secret is rotated without downtime. `sealed` only for client_secret_jwt:
-- an HMAC needs the clear text.
CREATE TABLE client_secrets (
    id         TEXT   NOT NULL PRIMARY KEY,
    client_id  TEXT   NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    digest     BYTEA  NOT NULL,
    sealed     BYTEA,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX client_secrets_by_client ON client_secrets (client_id);

-- Logos are fetched once, at registration, and served by us.
CREATE TABLE client_logos (
    client_id  TEXT   NOT NULL PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    media_type TEXT   NOT NULL,
    bytes      BYTEA  NOT NULL,
    fetched_at BIGINT NOT NULL
);

-- APIs (RFC 8707): identifier, name, scopes with their texts, how their tokens look.
CREATE TABLE resources (
    id                    TEXT   NOT NULL PRIMARY KEY,
    name                  TEXT   NOT NULL,
    scopes                TEXT   NOT NULL,
    access_token_format   TEXT,
    access_token_lifetime BIGINT,
    created_at            BIGINT NOT NULL,
    updated_at            BIGINT NOT NULL
);
