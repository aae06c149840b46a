-- Authorization codes live for minutes, and every statement that decides joins the session, the user and the client
-- of a code: foreign keys would check the same rows once more, and three indexes would be written for commands that
-- are rare. A code of a deleted user, client or session is invalid, and is deleted when its time is over.
CREATE TABLE codes_0038 (
    digest         BYTEA   NOT NULL PRIMARY KEY,
    grant_id       TEXT    NOT NULL,
    client_id      TEXT    NOT NULL,
    user_id        TEXT    NOT NULL,
    session_id     TEXT    NOT NULL,
    redirect_uri   TEXT    NOT NULL,
    code_challenge TEXT,
    nonce          TEXT,
    scope          TEXT    NOT NULL,
    resources      TEXT    NOT NULL,
    claims         TEXT    NOT NULL,
    created_at     BIGINT  NOT NULL,
    expires_at     BIGINT  NOT NULL,
    used_at        BIGINT,
    dpop_jkt       TEXT
);
INSERT INTO codes_0038 (digest, grant_id, client_id, user_id, session_id, redirect_uri, code_challenge, nonce, scope,
                        resources, claims, created_at, expires_at, used_at, dpop_jkt)
    SELECT digest, grant_id, client_id, user_id, session_id, redirect_uri, code_challenge, nonce, scope,
           resources, claims, created_at, expires_at, used_at, dpop_jkt
      FROM codes;
DROP TABLE codes;
ALTER TABLE codes_0038 RENAME TO codes;
CREATE INDEX codes_by_expiry ON codes (expires_at);
