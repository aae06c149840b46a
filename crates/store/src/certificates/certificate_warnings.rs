//! `certificate_warnings`: which warnings of a certificate's end were given.

use crate::types::{ClientId, Seconds, Thumbprint, Timestamp};
use crate::{On, Tx, sql, to_json};

/// Notes that a threshold was crossed. `false`: somebody has noted it before.
///
/// # Errors
/// What the database says.
pub async fn cross(
    on: impl Into<On<'_>>,
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
    .run(on)
    .await?;
    Ok(crossed == 1)
}

/// Notes whom a mail goes to because of a threshold that was just crossed.
///
/// # Errors
/// What the database says.
pub async fn warn(
    tx: &mut Tx,
    thumbprint: Thumbprint,
    threshold: Seconds,
    warned: &[ClientId],
) -> sqlx::Result<()> {
    sql("UPDATE certificate_warnings SET warned = $1 WHERE thumbprint = $2 AND threshold = $3")
        .bind(to_json(&warned)?)
        .bind(thumbprint)
        .bind(threshold)
        .run(tx)
        .await
        .map(drop)
}

/// Notes that of those who were warned only `still` wait to hear that all is well. `false`: somebody has
/// changed it meanwhile.
///
/// # Errors
/// What the database says.
pub async fn relieve(
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
    .run(tx)
    .await?;
    Ok(relieved == 1)
}
