-- Our own authority for client certificates (docs/certificates.md). The root signs the issuing
-- certificate, and that signs those of clients; an imported issuing certificate has no root here. `chain`
-- is what stands above it, nearest first, DER after DER; `sealed` is its private key, PKCS #8 under the
-- key-encryption key, NULL once it was taken away, which happens to a root.
CREATE TABLE authorities (
    id            TEXT    NOT NULL PRIMARY KEY,
    is_root       BOOLEAN NOT NULL,
    certificate   BYTEA   NOT NULL,
    chain         BYTEA   NOT NULL,
    sealed        BYTEA,
    not_after     BIGINT  NOT NULL,
    created_at    BIGINT  NOT NULL,
    superseded_at BIGINT
);
-- One root and one issuing certificate are the present ones: two who make them at once collide here.
CREATE UNIQUE INDEX authorities_one_present ON authorities (is_root) WHERE superseded_at IS NULL;
INSERT INTO versions (name, version) VALUES ('authorities', 1);

-- What the authority issued: its part of the inventory, by the serial numbers that CRL and OCSP name.
CREATE TABLE issued (
    thumbprint   TEXT NOT NULL PRIMARY KEY REFERENCES certificates (thumbprint) ON DELETE CASCADE,
    authority_id TEXT NOT NULL REFERENCES authorities (id),
    serial       TEXT NOT NULL
);
CREATE UNIQUE INDEX issued_by_serial ON issued (authority_id, serial);

-- The latest CRL of an issuing certificate, the same one for every replica. `revoked` is how many
-- certificates were revoked when it was made: another number, and it is out of date.
CREATE TABLE crls (
    authority_id TEXT   NOT NULL PRIMARY KEY REFERENCES authorities (id),
    number       BIGINT NOT NULL,
    der          BYTEA  NOT NULL,
    revoked      BIGINT NOT NULL,
    made_at      BIGINT NOT NULL,
    next_at      BIGINT NOT NULL
);

-- Tokens with which a client enrols once (RFC 7030 §3.2.3).
CREATE TABLE enrolments (
    digest     BYTEA  NOT NULL PRIMARY KEY,
    client_id  TEXT   NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX enrolments_by_client ON enrolments (client_id);
