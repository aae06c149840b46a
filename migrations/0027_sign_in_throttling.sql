-- Tries that failed are told apart from those that are still being compared, which are no failures yet;
-- what was counted until now had failed. `subject` names the account or the name that a bucket is about, as
-- a digest, so that an administrator can unlock it over all networks.
ALTER TABLE sign_in_tries ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sign_in_tries ADD COLUMN reserved_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sign_in_tries ADD COLUMN subject BYTEA;
UPDATE sign_in_tries SET failures = tries;
CREATE INDEX sign_in_tries_by_subject ON sign_in_tries (subject);

-- Browsers that have signed in to an account before (OWASP device cookies): the cookie's secret as a digest,
-- and the failures since its last success.
CREATE TABLE device_cookies (
    digest     BYTEA  NOT NULL,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tries      BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (digest, user_id)
);
CREATE INDEX device_cookies_by_user ON device_cookies (user_id);
CREATE INDEX device_cookies_by_expiry ON device_cookies (expires_at);

-- The algorithm and its cost, the PHC string before salt (22 characters) and output (43): as long as there
-- are hashes of several costs, a try pays for each, whatever the name (THREATS EX-15).
ALTER TABLE credentials ADD COLUMN cost TEXT NOT NULL DEFAULT '';
UPDATE credentials SET cost = substr(secret, 1, length(secret) - 67) WHERE kind = 'password';
CREATE INDEX credentials_by_cost ON credentials (cost);
