CREATE TABLE users (
    id             TEXT    NOT NULL PRIMARY KEY,
    username       TEXT    NOT NULL,
    email          TEXT,
    email_verified BOOLEAN NOT NULL,
    claims         TEXT    NOT NULL,
    created_at     BIGINT  NOT NULL,
    updated_at     BIGINT  NOT NULL,
    disabled_at    BIGINT
);

-- What people sign in with: username and e-mail in one canonical form under one key, so that nobody's
-- username is another's e-mail address (THREATS UI-24).
CREATE TABLE user_names (
    name    TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX user_names_by_user ON user_names (user_id);

-- How they prove who they are. Kind 'password': the secret is an argon2id string.
CREATE TABLE credentials (
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind       TEXT   NOT NULL,
    secret     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, kind)
);

-- A browser's sign-in. The cookie's secret is kept as a digest; `id` is the public `sid`.
CREATE TABLE sessions (
    id         TEXT    NOT NULL PRIMARY KEY,
    digest     BYTEA   NOT NULL UNIQUE,
    user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    auth_time  BIGINT  NOT NULL,
    amr        TEXT    NOT NULL,
    acr        TEXT    NOT NULL,
    remembered BOOLEAN NOT NULL,
    created_at BIGINT  NOT NULL,
    seen_at    BIGINT  NOT NULL,
    idle_at    BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    ended_at   BIGINT,
    address    TEXT    NOT NULL,
    user_agent TEXT    NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Tries at a password, reserved before the hash is computed (THREATS UI-17, X-09). The bucket names an
-- account and a network, or a network alone, as a digest.
CREATE TABLE sign_in_tries (
    bucket     BYTEA  NOT NULL PRIMARY KEY,
    tries      BIGINT NOT NULL,
    started_at BIGINT NOT NULL
);
CREATE INDEX sign_in_tries_by_start ON sign_in_tries (started_at);

-- Short-lived state of a browser that is not signed in yet: tower-sessions records, the id as a digest.
CREATE TABLE browsers (
    digest     BYTEA  NOT NULL PRIMARY KEY,
    data       TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX browsers_by_expiry ON browsers (expires_at);
