-- What was said of certificates that others issued: OCSP responses and CRLs as they came. They are
-- signed, and are checked anew by whoever takes them from here. A replica need not fetch what another
-- one has, and a restart does not depend on whether a responder can be reached.
CREATE TABLE revocation_answers (
    id         TEXT   NOT NULL PRIMARY KEY,
    body       BYTEA  NOT NULL,
    fetched_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Which certificates are revoked is held in memory: every client that shows one asks for it.
INSERT INTO versions (name, version) VALUES ('revocations', 1);
CREATE INDEX certificates_revoked ON certificates (thumbprint) WHERE revoked_at IS NOT NULL;
