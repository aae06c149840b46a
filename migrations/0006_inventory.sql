-- Every client certificate that we know of, and our own: registered, issued by us, or merely seen at
-- the door. A row stays when its certificate has expired or its client is gone: whoever asks what a
-- leaked certificate could do needs it.
CREATE TABLE certificates (
    thumbprint    TEXT   NOT NULL PRIMARY KEY,
    public_key    TEXT   NOT NULL,
    origin        TEXT   NOT NULL,
    client_id     TEXT,
    subject       TEXT   NOT NULL,
    names         TEXT   NOT NULL,
    issuer        TEXT   NOT NULL,
    serial        TEXT   NOT NULL,
    key_type      TEXT   NOT NULL,
    key_bits      BIGINT NOT NULL,
    not_before    BIGINT NOT NULL,
    not_after     BIGINT NOT NULL,
    der           BYTEA  NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_used_at  BIGINT,
    revoked_at    BIGINT,
    reason        TEXT
);
CREATE INDEX certificates_by_client ON certificates (client_id);
CREATE INDEX certificates_by_expiry ON certificates (not_after);
CREATE INDEX certificates_by_serial ON certificates (serial);
