-- The certificate by which another one was asked for (RFC 7030 §4.2.2): whoever had the key of the one may have
-- the key of the other.
ALTER TABLE certificates ADD COLUMN renewed_from TEXT;
CREATE INDEX certificates_by_renewed ON certificates (renewed_from) WHERE renewed_from IS NOT NULL;
