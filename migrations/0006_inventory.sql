-- Every client certificate that we know of, and our own: registered, issued by us, or merely seen at
-- the door. A row stays when its client is gone, and for 90 days after its certificate has expired
-- (for ever, if its key is known to somebody else): whoever asks what a leaked certificate could do needs it.
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

-- Whom a certificate proves: more than one client, where an organisation has one certificate for all of
-- them. There is no reference to the client, for the row stays when the client goes.
CREATE TABLE certificate_clients (
    thumbprint    TEXT   NOT NULL REFERENCES certificates (thumbprint) ON DELETE CASCADE,
    client_id     TEXT   NOT NULL,
    registered_at BIGINT,
    last_used_at  BIGINT,
    PRIMARY KEY (thumbprint, client_id)
);
CREATE INDEX certificate_clients_by_client ON certificate_clients (client_id);

-- Which live tokens are bound to a certificate.
ALTER TABLE opaque_tokens ADD COLUMN certificate TEXT;
CREATE INDEX opaque_tokens_by_certificate ON opaque_tokens (certificate) WHERE certificate IS NOT NULL;
CREATE INDEX grants_by_public_key ON grants (public_key) WHERE public_key IS NOT NULL;
