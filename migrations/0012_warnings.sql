-- Until when the chain counts that a client's certificate came with when it was last shown: the earliest
-- end of it and of all above it, the anchor's included. NULL: it leads to nobody we believe.
ALTER TABLE certificates ADD COLUMN chain_ends_at BIGINT;

-- Which clients were written to at this step, a JSON array of their identifiers: who has renewed since is
-- told that all is well. NULL: nobody is waiting for that.
ALTER TABLE certificate_warnings ADD COLUMN warned TEXT;

-- What our authority issued is swept a week after its end, not with all others: by this it is found.
CREATE INDEX certificates_issued_by_expiry ON certificates (not_after)
    WHERE origin = 'issued' AND revoked_at IS NULL;

-- The certificates that count, and those that ended no longer ago than they had lived: all that is looked at
-- each minute, of an inventory that is mostly over.
CREATE INDEX certificates_alive ON certificates ((2 * not_after - not_before), thumbprint)
    WHERE revoked_at IS NULL;
