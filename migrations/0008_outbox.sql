-- What is to be sent because of what happened: a row in the transaction of what it tells of. Whoever
-- sends takes a row by one conditional statement, for a while, and then says how it went. A row whose
-- sender died is due again, and is sent again under the same id.
CREATE TABLE outbox (
    id         TEXT   NOT NULL PRIMARY KEY,
    kind       TEXT   NOT NULL,
    target     TEXT   NOT NULL,
    payload    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    holder     TEXT,
    done_at    BIGINT,
    failed_at  BIGINT,
    error      TEXT
);
CREATE INDEX outbox_by_due ON outbox (due_at) WHERE done_at IS NULL AND failed_at IS NULL;
CREATE INDEX outbox_by_end ON outbox (done_at, failed_at);

-- Which warnings of a certificate's end were given: each once. `threshold` is in seconds before it; 0 is
-- the end itself.
CREATE TABLE certificate_warnings (
    thumbprint TEXT   NOT NULL,
    threshold  BIGINT NOT NULL,
    crossed_at BIGINT NOT NULL,
    PRIMARY KEY (thumbprint, threshold)
);
CREATE INDEX certificate_warnings_by_time ON certificate_warnings (crossed_at);
