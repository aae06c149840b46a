-- Up to when what was issued to a client counts no more. It was disabled then: nothing of what it had comes
-- to life again when it is enabled. Whoever judges a grant compares the time, so that disabling a client
-- with a million of them is one row.
ALTER TABLE clients ADD COLUMN ended_at BIGINT;
UPDATE clients SET ended_at = disabled_at WHERE disabled_at IS NOT NULL;

-- Keys that somebody else has count for nothing in any certificate.
CREATE INDEX certificates_compromised ON certificates (public_key) WHERE reason = 'keyCompromise';
