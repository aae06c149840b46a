//! `certificate_warnings`: the warnings that were sent about expiring certificates.

use crate::types::{ClientId, Seconds, Thumbprint, Timestamp};
use crate::{Executor, Tx, sql, to_json};

/// Records that a threshold was crossed. `false`: it was recorded before.
///
/// # Errors
/// When the database fails.
pub async fn record_crossing(
    on: impl Into<Executor<'_>>,
    thumbprint: Thumbprint,
    threshold: Seconds,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let crossed = sql(
        "INSERT INTO certificate_warnings (thumbprint, threshold, crossed_at) VALUES ($1, $2, $3)
         ON CONFLICT (thumbprint, threshold) DO NOTHING",
    )
    .bind(thumbprint)
    .bind(threshold)
    .bind(now)
    .execute(on)
    .await?;
    Ok(crossed == 1)
}

/// Records the clients that are sent a mail about a threshold.
///
/// # Errors
/// When the database fails.
pub async fn record_recipients(
    tx: &mut Tx,
    thumbprint: Thumbprint,
    threshold: Seconds,
    warned: &[ClientId],
) -> sqlx::Result<()> {
    sql("UPDATE certificate_warnings SET warned = $1 WHERE thumbprint = $2 AND threshold = $3")
        .bind(to_json(&warned)?)
        .bind(thumbprint)
        .bind(threshold)
        .execute(tx)
        .await
        .map(drop)
}

/// Records that of the warned clients only `still` are to be sent an all-clear. `false`: the row was changed in the
/// meantime.
///
/// # Errors
/// When the database fails.
pub async fn record_relief(
    tx: &mut Tx,
    thumbprint: Thumbprint,
    threshold: Seconds,
    warned: &[ClientId],
    still: &[ClientId],
) -> sqlx::Result<bool> {
    let still = if still.is_empty() { None } else { Some(to_json(&still)?) };
    let relieved = sql("UPDATE certificate_warnings SET warned = $1
          WHERE thumbprint = $2 AND threshold = $3 AND warned = $4")
    .bind(still)
    .bind(thumbprint)
    .bind(threshold)
    .bind(to_json(&warned)?)
    .execute(tx)
    .await?;
    Ok(relieved == 1)
}
