//! Refresh: one statement moves a grant to its next generation.

use sqlx_macros::FromRow;

use super::{grant_is_live, grant_is_valid, user_is_enabled};
use crate::ahead::not_ahead;
use crate::clients::client_allows;
use crate::types::{Bonds, ClientId, GrantId, Seconds, Thumbprint, Timestamp};
use crate::users::sessions::session_is_live;
use crate::{On, sql};

/// A refresh token that was read and whose MAC is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// Which grant it belongs to.
    pub grant_id: GrantId,
    /// Which generation it is.
    pub generation: i64,
}

/// What came of presenting a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It was the live one; this generation is the live one now.
    Rotated(i64),
    /// It was spent so long ago, and its successor is unused.
    Spent {
        /// The generation that is live.
        successor: i64,
        /// From when the statement that spent it was sent to now. Two clocks may have told that: it can be
        /// negative.
        ago: Seconds,
    },
    /// It was spent before, or comes from a future that a restored backup has forgotten.
    Replayed,
    /// It is bound to a certificate or a key, and another one was shown, or none.
    Unheld,
    /// Expired, revoked, unknown or issued to another client. Which one is nobody's business.
    Dead,
}

/// How a refresh token is traded.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Whether the next one is another; where it is not, the same is answered again and again.
    pub rotates: bool,
    /// Whether the client may still have grants that outlive their sign-in.
    pub offline: bool,
    /// When the grant ends if it is not used again.
    pub idle_at: Timestamp,
    /// What the client shows: a token that is bound is not traded without.
    pub bonds: Bonds,
}

/// Moves a grant to its next generation: compare and set in one statement, so of many racing requests
/// one wins. `now` is when the statement is sent.
///
/// Within a failover that was declared, the token may be up to three generations newer than the grant, if
/// the grant was not rotated since: the database has lost those rotations (decision 0029). The rotation
/// itself is one since the failover, so a grant passes once, and everything older is a replay from then on.
///
/// # Errors
/// What the database says.
pub async fn rotate(
    on: impl Into<On<'_>>,
    presented: &Presented,
    client: &ClientId,
    terms: Terms,
    now: Timestamp,
) -> sqlx::Result<Rotation> {
    let mut on = on.into();
    let rotated: Option<(i64,)> = sql(concat!(
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
    ))
    .bind(now)
    .bind(terms.idle_at)
    .bind(&presented.grant_id)
    .bind(presented.generation)
    .bind(client)
    .bind(i64::from(terms.rotates))
    .bind(terms.offline)
    .bind(terms.bonds.public_key)
    .bind(terms.bonds.proof_key)
    .opt(&mut on)
    .await?;
    if let Some((generation,)) = rotated {
        return Ok(Rotation::Rotated(generation));
    }

    #[derive(FromRow)]
    struct Standing {
        offline: bool,
        generation: i64,
        rotated_at: Timestamp,
        public_key: Option<Thumbprint>,
        proof_key: Option<Thumbprint>,
        alive: bool,
    }
    let standing: Option<Standing> = sql(concat!(
        "SELECT offline, generation, rotated_at, public_key, proof_key, (",
        grant_is_live!(),
        ") AS alive
           FROM grants
          WHERE grants.id = $2 AND grants.client_id = $3"
    ))
    .bind(now)
    .bind(&presented.grant_id)
    .bind(client)
    .opt(&mut on)
    .await?;
    let Some(standing) = standing else {
        return Ok(Rotation::Dead);
    };
    let is_held = |bound: Option<Thumbprint>, shown| bound.is_none() || bound == shown;
    if !is_held(standing.public_key, terms.bonds.public_key)
        || !is_held(standing.proof_key, terms.bonds.proof_key)
    {
        return Ok(Rotation::Unheld);
    }
    if !standing.alive || (standing.offline && !terms.offline) {
        return Ok(Rotation::Dead);
    }
    let successor = standing.generation;
    if successor == presented.generation + 1 {
        return Ok(Rotation::Spent { successor, ago: now - standing.rotated_at });
    }
    Ok(Rotation::Replayed)
}
