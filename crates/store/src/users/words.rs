//! `user_words`: the folded words by whose beginnings users are found.

use sqlx_macros::FromRow;

use crate::types::{Timestamp, User, UserId};
use crate::{Executor, Tx, sql};

/// The maximum number of words of a search. More do not narrow it.
const MOST: usize = 4;

/// The number of words up to which [`search`] compares how rare they are.
const COUNTED: i64 = 10_000;

/// A byte that UTF-8 does not use: the end of the range of a beginning.
const BEYOND: u8 = 0xff;

/// Where a page of a search continues: the matched word and the user of the last row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The word.
    pub word: Vec<u8>,
    /// The user.
    pub user: UserId,
}

/// A user whom a search has found.
#[derive(Debug, FromRow)]
pub struct FoundUser {
    /// The first word with which the driving word of the search begins.
    pub word: Vec<u8>,
    /// The user.
    #[sqlx(flatten)]
    pub user: User,
}

/// Replaces the words of a user, whose row the transaction has locked.
///
/// # Errors
/// When the database fails.
pub(super) async fn replace(
    tx: &mut Tx,
    user: &UserId,
    words: &[String],
    now: Timestamp,
) -> sqlx::Result<()> {
    sql("DELETE FROM user_words WHERE user_id = $1").bind(user).execute(&mut *tx).await?;
    insert(tx, user, words).await?;
    sql("UPDATE users SET words_at = $1 WHERE id = $2")
        .bind(now)
        .bind(user)
        .execute(tx)
        .await
        .map(drop)
}

/// Adds the words of a new user.
///
/// # Errors
/// When the database fails.
pub(super) async fn insert(tx: &mut Tx, user: &UserId, words: &[String]) -> sqlx::Result<()> {
    for word in words {
        sql("INSERT INTO user_words (word, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(word.as_bytes())
            .bind(user)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// At most `most` users whose words were never stored.
///
/// # Errors
/// When the database fails.
pub async fn missing(on: impl Into<Executor<'_>>, most: i64) -> sqlx::Result<Vec<User>> {
    sql("SELECT id AS user_id, username, email, email_verified, claims AS user_claims,
                created_at AS user_created_at, updated_at AS user_updated_at, disabled_at
           FROM users
          WHERE words_at IS NULL
          ORDER BY id
          LIMIT $1")
    .bind(most)
    .fetch_all(on)
    .await
}

/// Stores the words of a user of an earlier release, unless a change of the user has stored them in the meantime.
///
/// # Errors
/// When the database fails.
pub async fn fill(
    tx: &mut Tx,
    user: &User,
    words: &[String],
    now: Timestamp,
) -> sqlx::Result<bool> {
    let filled = sql("UPDATE users SET words_at = $1
          WHERE id = $2 AND words_at IS NULL AND updated_at = $3")
    .bind(now)
    .bind(&user.id)
    .bind(user.updated_at)
    .execute(&mut *tx)
    .await?;
    if filled == 1 {
        insert(tx, &user.id, words).await?;
    }
    Ok(filled == 1)
}

/// At most `most` users who have, for each of these beginnings, a word with it: in the order of the words with the
/// rarest beginning, from a position on. A search without words finds no users.
///
/// # Errors
/// When the database fails.
pub async fn search(
    on: &crate::Db,
    beginnings: &[String],
    after: Option<&Position>,
    most: i64,
) -> sqlx::Result<Vec<FoundUser>> {
    let mut ranges = Vec::new();
    for beginning in beginnings.iter().take(MOST) {
        ranges.push((count(on, beginning).await?, range(beginning)));
    }
    // Stable: of equally frequent ones, the first typed leads, which is more likely a name than a domain.
    ranges.sort_by_key(|(count, _)| *count);
    let mut ranges = ranges.into_iter().map(|(_, range)| range);
    let Some((first, end)) = ranges.next() else {
        return Ok(Vec::new());
    };
    let (word, user) = match after {
        Some(after) => (after.word.clone(), after.user.as_str()),
        None => (first.clone(), ""),
    };
    // Every user has a word in the range of all words.
    let mut other = || ranges.next().unwrap_or((Vec::new(), vec![BEYOND]));
    let ((b, b_end), (c, c_end), (d, d_end)) = (other(), other(), other());
    sql("SELECT found.word, users.id AS user_id, username, email, email_verified, claims AS user_claims,
                created_at AS user_created_at, updated_at AS user_updated_at, disabled_at
           FROM user_words AS found
           JOIN users ON users.id = found.user_id
          WHERE (found.word, found.user_id) > ($1, $2) AND found.word >= $3 AND found.word < $4
            AND NOT EXISTS (SELECT 1 FROM user_words AS earlier
                             WHERE earlier.user_id = found.user_id AND earlier.word >= $3
                               AND earlier.word < found.word)
            AND EXISTS (SELECT 1 FROM user_words AS other
                         WHERE other.user_id = found.user_id AND other.word >= $5 AND other.word < $6)
            AND EXISTS (SELECT 1 FROM user_words AS other
                         WHERE other.user_id = found.user_id AND other.word >= $7 AND other.word < $8)
            AND EXISTS (SELECT 1 FROM user_words AS other
                         WHERE other.user_id = found.user_id AND other.word >= $9 AND other.word < $10)
          ORDER BY found.word, found.user_id
          LIMIT $11")
        .bind(word)
        .bind(user)
        .bind(first)
        .bind(end)
        .bind(b)
        .bind(b_end)
        .bind(c)
        .bind(c_end)
        .bind(d)
        .bind(d_end)
        .bind(most)
        .fetch_all(on)
        .await
}

/// The number of words with a beginning, up to [`COUNTED`].
async fn count(on: &crate::Db, beginning: &str) -> sqlx::Result<i64> {
    let (first, end) = range(beginning);
    let (count,): (i64,) = sql("SELECT COUNT(*) FROM
            (SELECT 1 AS one FROM user_words WHERE word >= $1 AND word < $2 LIMIT $3) AS counted")
    .bind(first)
    .bind(end)
    .bind(COUNTED)
    .fetch_one(on)
    .await?;
    Ok(count)
}

/// The words with a beginning: from it to before the end.
fn range(beginning: &str) -> (Vec<u8>, Vec<u8>) {
    let first = beginning.as_bytes().to_vec();
    let mut end = first.clone();
    end.push(BEYOND);
    (first, end)
}
