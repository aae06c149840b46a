//! Refresh: one statement moves a grant to its next generation.

use sqlx_macros::FromRow;

use super::{grant_is_live, grant_is_valid, user_is_enabled};
use crate::ahead::not_ahead;
use crate::clients::client_allows;
use crate::types::{Bonds, ClientId, GrantId, Thumbprint, Timestamp};
use crate::users::sessions::{Use, session_is_live, touch_session};
use crate::{Executor, sql};

/// A refresh token whose MAC was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedToken {
    /// Its grant.
    pub grant_id: GrantId,
    /// Its generation.
    pub generation: i64,
}

/// The result of presenting a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It was valid; this is the new generation.
    Rotated(i64),
    /// It did not move the grant, which is as follows; `None` if this client has no such grant.
    Unchanged(Option<Unchanged>),
}

/// A grant that a refresh token did not move.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Unchanged {
    /// Whether it outlives its session.
    pub offline: bool,
    /// The current generation.
    pub generation: i64,
    /// When the statement that made this generation current was sent.
    pub rotated_at: Timestamp,
    /// The public key of the certificate that its refresh tokens are bound to.
    pub public_key: Option<Thumbprint>,
    /// The DPoP key that they are bound to.
    pub proof_key: Option<Thumbprint>,
    /// Whether the grant, its user, its client and its session are live.
    pub is_live: bool,
}

/// The terms of a refresh.
#[derive(Clone, Copy, Debug)]
pub struct RefreshTerms {
    /// Whether the refresh token is rotated; otherwise the same one stays valid.
    pub rotates: bool,
    /// Whether the client may still have grants for offline access.
    pub offline: bool,
    /// When the grant expires if it is not used again.
    pub idle_at: Timestamp,
    /// The certificate and the key that the client presents; a bound token requires them.
    pub bonds: Bonds,
}

/// The statement that moves a grant to its next generation.
macro_rules! rotate_grant {
    () => {
        concat!(
            "UPDATE grants SET generation = $4 + $6, rotated_at = $1, idle_at = $2
          WHERE grants.id = $3 AND client_id = $5 AND ($7 OR NOT grants.offline)
            AND (generation = $4
                 OR (generation < $4 AND generation >= $4 - 3
                     AND EXISTS (SELECT 1 FROM failovers
                                  WHERE failovers.ends_at > $1 AND ",
            not_ahead!("failovers.declared_at"),
            "
                                    AND failovers.failed_over_at >= grants.rotated_at)))
            AND (public_key IS NULL OR public_key = $8) AND (proof_key IS NULL OR proof_key = $9)
            AND ",
            grant_is_live!(),
            "
      RETURNING generation"
        )
    };
}

/// Moves a grant to its next generation: compare and set in one statement, so one of many concurrent requests
/// succeeds. `now` is when the statement is sent. What an unsuccessful one means is for the caller to decide.
/// A successful one records the use of the session as well, in the same transaction.
///
/// After a declared failover, the token may be up to three generations newer than the grant, if the grant was not
/// rotated since: the database has lost those rotations (decision 0029). This rotation is the first since the
/// failover, so the exception applies once, and every older token is a replay from then on.
///
/// # Errors
/// When the database fails.
pub async fn rotate(
    on: impl Into<Executor<'_>>,
    presented: &PresentedToken,
    client: &ClientId,
    terms: RefreshTerms,
    session: Option<Use<'_>>,
    now: Timestamp,
) -> sqlx::Result<Rotation> {
    const TOUCH: &str = touch_session!("$10", "$11", "$12", "$13", "");
    const WHOLE: &str = concat!(
        "WITH rotated AS (",
        rotate_grant!(),
        "), touched AS (",
        touch_session!("$10", "$11", "$12", "$13", " AND EXISTS (SELECT 1 FROM rotated)"),
        ") SELECT generation FROM rotated"
    );
    let mut on = on.into();
    let rotate = sql(rotate_grant!())
        .bind(now)
        .bind(terms.idle_at)
        .bind(&presented.grant_id)
        .bind(presented.generation)
        .bind(client)
        .bind(i64::from(terms.rotates))
        .bind(terms.offline)
        .bind(terms.bonds.public_key)
        .bind(terms.bonds.proof_key);
    let rotated: Option<(i64,)> = match session {
        None => rotate.fetch_optional(&mut on).await?,
        Some(used) => {
            let both = rotate.bind_all(used.values()).then(&[TOUCH], WHOLE);
            both.fetch_optional(&mut on).await?
        }
    };
    if let Some((generation,)) = rotated {
        return Ok(Rotation::Rotated(generation));
    }

    let unchanged = sql(concat!(
        "SELECT offline, generation, rotated_at, public_key, proof_key, (",
        grant_is_live!(),
        ") AS is_live
           FROM grants
          WHERE grants.id = $2 AND grants.client_id = $3"
    ))
    .bind(now)
    .bind(&presented.grant_id)
    .bind(client)
    .fetch_optional(&mut on)
    .await?;
    Ok(Rotation::Unchanged(unchanged))
}
