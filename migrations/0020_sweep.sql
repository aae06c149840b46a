-- When the sweep has to look at a row: it is not over before. Whoever ends a sign-in or a grant sets it to
-- that time; whoever prolongs one leaves it alone, so that a refresh changes no index, and the sweep sets
-- it anew when it finds the row alive. Rows of before are looked at once.
ALTER TABLE sessions ADD COLUMN sweep_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN sweep_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX sessions_by_sweep ON sessions (sweep_at);
CREATE INDEX grants_by_sweep ON grants (sweep_at);
DROP INDEX sessions_by_expiry;

-- What else the sweep asks for.
CREATE INDEX outbox_by_failure ON outbox (failed_at) WHERE failed_at IS NOT NULL;
CREATE INDEX shown_chains_by_expiry ON shown_chains (not_after);
CREATE INDEX enrolments_by_expiry ON enrolments (expires_at);
CREATE INDEX client_secrets_by_expiry ON client_secrets (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX revocation_answers_by_expiry ON revocation_answers (expires_at);
