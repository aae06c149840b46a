//! Sweeping what has expired, in small batches: the database grows only with what is alive.

use super::{Store, sql};
use crate::types::{Seconds, Timestamp};

/// As many rows as one statement deletes, so that nobody waits for it (THREATS DO-16).
const BATCH: i64 = 500;

/// How long a spent or expired code is kept, so that a second use is noticed and takes the grant with
/// it.
const CODES_KEPT: Seconds = Seconds::hours(1);

/// How long what is dead is kept besides, so that clocks of replicas may differ (THREATS CL-01).
const MARGIN: Seconds = Seconds::minutes(2);

/// What is dead is asked of the row that goes as well: a key column may stand for several rows, as the
/// `jti` of a replay does, which two clients may both have used.
macro_rules! batch {
    ($table:literal, $key:literal, $dead:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE (",
            $dead,
            ") AND ",
            $key,
            " IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $dead,
            " LIMIT $2)"
        )
    };
}

/// One statement per table. `$1` is a time before which everything is dead.
const STATEMENTS: &[(&str, &str, Seconds)] = &[
    ("codes", batch!("codes", "digest", "expires_at <= $1"), CODES_KEPT),
    ("requests", batch!("requests", "digest", "expires_at <= $1"), MARGIN),
    ("opaque_tokens", batch!("opaque_tokens", "digest", "expires_at <= $1"), MARGIN),
    ("revoked_tokens", batch!("revoked_tokens", "jti", "expires_at <= $1"), MARGIN),
    ("replays", batch!("replays", "jti", "expires_at <= $1"), MARGIN),
    ("revocation_answers", batch!("revocation_answers", "id", "expires_at <= $1"), Seconds::hours(1)),
    ("sessions", batch!("sessions", "id", "expires_at <= $1 OR idle_at <= $1 OR ended_at <= $1"), Seconds::hours(1)),
    ("browsers", batch!("browsers", "digest", "expires_at <= $1"), MARGIN),
    // The longest window is that of failures in a row: seven days.
    ("sign_in_tries", batch!("sign_in_tries", "bucket", "started_at <= $1"), Seconds::days(7)),
    ("device_cookies", batch!("device_cookies", "digest", "expires_at <= $1"), MARGIN),
    ("grants", batch!("grants", "id", "expires_at <= $1 OR idle_at <= $1 OR revoked_at <= $1
        OR (NOT offline AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = grants.session_id))"), Seconds::hours(1)),
    // Of what our authority issued day by day the last one stays: when a client stopped is known by it.
    ("certificates", batch!("certificates", "thumbprint", "not_after <= $1 AND origin = 'issued' AND revoked_at IS NULL
        AND EXISTS (SELECT 1 FROM certificates later
                     WHERE later.client_id = certificates.client_id AND later.origin = 'issued'
                       AND later.not_after > certificates.not_after
                       AND (certificates.last_used_at IS NULL OR later.last_used_at IS NOT NULL))"), Seconds::days(7)),
    // A key that somebody else has may come back in another certificate, however late.
    ("certificates", batch!("certificates", "thumbprint", "not_after <= $1 AND (reason IS NULL OR reason <> 'keyCompromise')"), Seconds::days(90)),
    ("shown_chains", batch!("shown_chains", "thumbprint", "not_after <= $1"), Seconds::hours(1)),
    ("enrolments", batch!("enrolments", "digest", "expires_at <= $1"), MARGIN),
    ("certificate_warnings", batch!("certificate_warnings", "thumbprint", "crossed_at <= $1"), Seconds::days(500)),
    ("outbox", batch!("outbox", "id", "done_at <= $1 OR failed_at <= $1"), Seconds::days(30)),
    ("acme_challenges", batch!("acme_challenges", "token", "expires_at <= $1"), MARGIN),
    ("client_secrets", batch!("client_secrets", "id", "expires_at <= $1"), MARGIN),
];

/// Deletes a batch of what has expired from every table; says how many rows went, per table.
///
/// # Errors
/// What the database says.
pub async fn once(store: &Store, now: Timestamp) -> sqlx::Result<Vec<(&'static str, u64)>> {
    let mut swept = Vec::with_capacity(STATEMENTS.len());
    for (table, statement, kept) in STATEMENTS {
        let rows = sql(statement).bind(now - *kept).bind(BATCH).run(store.db()).await?;
        swept.push((*table, rows));
    }
    Ok(swept)
}

/// Whether a batch was full, so that more may be waiting.
pub fn is_full(swept: &[(&'static str, u64)]) -> bool {
    swept.iter().any(|(_, rows)| i64::try_from(*rows).is_ok_and(|rows| rows >= BATCH))
}
