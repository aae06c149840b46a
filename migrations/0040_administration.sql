-- The roles of administrators. They end with the user or the client.
CREATE TABLE user_roles (
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       TEXT   NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, role)
);
CREATE TABLE client_roles (
    client_id  TEXT   NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    role       TEXT   NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, role)
);

-- A lock on the roles: every change of them, and every change of a user or a client that has one, writes this row
-- first. So of two concurrent changes, the second sees the first, and one owner always remains.
INSERT INTO versions (name, version) VALUES ('administrators', 1);

-- One-time links: an invitation to become owner (without a user), or a recovery, by which a user sets a new password.
CREATE TABLE links (
    digest     BYTEA  NOT NULL PRIMARY KEY,
    purpose    TEXT   NOT NULL,
    user_id    TEXT   REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX links_by_purpose ON links (purpose, user_id);
CREATE INDEX links_by_user ON links (user_id);
CREATE INDEX links_by_expiry ON links (expires_at);

-- Who performed an administrative action: 'operator', 'user:ID', 'client:ID'; NULL for what users and clients do for
-- themselves, and for jobs.
ALTER TABLE audit_events ADD COLUMN actor TEXT;
