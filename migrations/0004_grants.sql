-- What a user has agreed to for a client; a grant is what came of it once.
CREATE TABLE consents (
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id  TEXT   NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scope      TEXT   NOT NULL,
    resources  TEXT   NOT NULL,
    claims     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, client_id)
);
CREATE INDEX consents_by_client ON consents (client_id);

-- An authorization request that waits for a page, bound to the browser that brought it.
CREATE TABLE requests (
    digest     BYTEA  NOT NULL PRIMARY KEY,
    browser    BYTEA  NOT NULL,
    client_id  TEXT   NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    parameters TEXT   NOT NULL,
    session_id TEXT,
    address    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX requests_by_address ON requests (address);
CREATE INDEX requests_by_client ON requests (client_id);
CREATE INDEX requests_by_expiry ON requests (expires_at);

-- RFC 6749 §4.1.2: short-lived, used once. A used row is kept a while, so that a second use is seen
-- and takes with it the grant that came of the first; that grant's id is known from the beginning.
CREATE TABLE codes (
    digest         BYTEA   NOT NULL PRIMARY KEY,
    grant_id       TEXT    NOT NULL,
    client_id      TEXT    NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_id        TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id     TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    redirect_uri   TEXT    NOT NULL,
    code_challenge TEXT,
    nonce          TEXT,
    scope          TEXT    NOT NULL,
    resources      TEXT    NOT NULL,
    claims         TEXT    NOT NULL,
    created_at     BIGINT  NOT NULL,
    expires_at     BIGINT  NOT NULL,
    used_at        BIGINT
);
CREATE INDEX codes_by_expiry ON codes (expires_at);
CREATE INDEX codes_by_user ON codes (user_id, client_id);
CREATE INDEX codes_by_session ON codes (session_id);
CREATE INDEX codes_by_client ON codes (client_id);

-- One authorization. Every token descends from one, so revoking the grant revokes them all (RFC 9700
-- §4.14.2). Refresh tokens are not stored: they are MACs over the grant's id and its generation.
-- `offline` grants outlive the browser session (OIDC Core §11); the others live and die with it.
CREATE TABLE grants (
    id         TEXT    NOT NULL PRIMARY KEY,
    client_id  TEXT    NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id TEXT    NOT NULL,
    offline    BOOLEAN NOT NULL,
    scope      TEXT    NOT NULL,
    resources  TEXT    NOT NULL,
    claims     TEXT    NOT NULL,
    nonce      TEXT,
    auth_time  BIGINT  NOT NULL,
    amr        TEXT    NOT NULL,
    acr        TEXT    NOT NULL,
    generation BIGINT  NOT NULL,
    rotated_at BIGINT  NOT NULL,
    created_at BIGINT  NOT NULL,
    idle_at    BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX grants_by_user ON grants (user_id, client_id);
CREATE INDEX grants_by_session ON grants (session_id);
CREATE INDEX grants_by_client ON grants (client_id);

-- Opaque access tokens; without a grant they are a client's own (RFC 6749 §4.4).
CREATE TABLE opaque_tokens (
    digest     BYTEA  NOT NULL PRIMARY KEY,
    id         TEXT   NOT NULL UNIQUE,
    client_id  TEXT   NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    grant_id   TEXT   REFERENCES grants (id) ON DELETE CASCADE,
    audience   TEXT   NOT NULL,
    scope      TEXT   NOT NULL,
    claims     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX opaque_tokens_by_expiry ON opaque_tokens (expires_at);
CREATE INDEX opaque_tokens_by_grant ON opaque_tokens (grant_id);
CREATE INDEX opaque_tokens_by_client ON opaque_tokens (client_id);

-- RFC 7009: JWT access tokens that were revoked before their time.
CREATE TABLE revoked_tokens (
    jti        TEXT   NOT NULL PRIMARY KEY,
    revoked_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);

-- Assertions that were used (RFC 7523 §3, `jti`). Kind and issuer are part of the key.
CREATE TABLE replays (
    kind       TEXT   NOT NULL,
    issuer     TEXT   NOT NULL,
    jti        BYTEA  NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (kind, issuer, jti)
);
CREATE INDEX replays_by_expiry ON replays (expires_at);
