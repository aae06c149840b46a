-- A request that waits for a page, and what binds it to its browser, is sealed in the browser: only a decision
-- is a row. Nothing that somebody could spend stands here.
DROP TABLE requests;
DROP TABLE browsers;

-- What somebody has decided of an authorization request, once: `digest` is that of the request's id. `codes`
-- numbers the last code that was issued for it; 0: it was denied.
CREATE TABLE decisions (
    digest     BYTEA  NOT NULL PRIMARY KEY,
    browser    BYTEA  NOT NULL,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    codes      BIGINT NOT NULL,
    decided_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX decisions_by_expiry ON decisions (expires_at);
CREATE INDEX decisions_by_user ON decisions (user_id);
