//! `certificate_warnings`: which warnings of a certificate's end were given.

use sqlx::FromRow;

use super::{On, sql, to_thumbprint};
use crate::types::{Seconds, Thumbprint, Timestamp};

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

/// What was crossed by certificates that end between these times.
///
/// # Errors
/// What the database says.
pub async fn crossed(
    on: impl Into<On<'_>>,
    from: Timestamp,
    to: Timestamp,
) -> sqlx::Result<Vec<(Thumbprint, Seconds)>> {
    #[derive(FromRow)]
    struct Row {
        thumbprint: String,
        threshold: Seconds,
    }
    let rows: Vec<Row> = sql("SELECT thumbprint, threshold FROM certificate_warnings
          WHERE thumbprint IN (SELECT thumbprint FROM certificates
                                WHERE not_after >= $1 AND not_after <= $2)")
    .bind(from)
    .bind(to)
    .all(on)
    .await?;
    rows.into_iter().map(|row| Ok((to_thumbprint(&row.thumbprint)?, row.threshold))).collect()
}
