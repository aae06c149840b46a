-- The keys under which administrators create objects: a repeated request returns the object that the first one
-- created, not a second one. `target` is its identifier; the rows hold neither secrets nor personal data.
CREATE TABLE idempotency_keys (
    actor          TEXT   NOT NULL,
    key_digest     BYTEA  NOT NULL,
    request_digest BYTEA  NOT NULL,
    target         TEXT,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    PRIMARY KEY (actor, key_digest)
);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
