-- The words of names, usernames and e-mail addresses, folded, by whose beginnings administrators find users. They are
-- BYTEA, because both databases compare it byte by byte, so that a beginning is a range in every locale.
CREATE TABLE user_words (
    word    BYTEA NOT NULL,
    user_id TEXT  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (word, user_id)
);
CREATE INDEX user_words_by_user ON user_words (user_id, word);

-- When the words of a user were stored. A job stores those of the users that earlier releases created.
ALTER TABLE users ADD COLUMN words_at BIGINT;
CREATE INDEX users_without_words ON users (id) WHERE words_at IS NULL;
