//! `replays`: assertions and proofs that were used (RFC 7523 §3, RFC 9449 §11.1).

use crate::types::{Digest, Timestamp};
use crate::{Executor, sql};

/// The kind: part of the key, so that one kind cannot use up the identifiers of another (THREATS CO-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A client assertion (RFC 7523 §2.2).
    ClientAssertion,
    /// A DPoP proof (RFC 9449 §11.1); its issuer is the thumbprint of its key.
    DpopProof,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ClientAssertion => "client_assertion",
            Self::DpopProof => "dpop_proof",
        }
    }
}

/// Records the first use. `false`: it was used before, on any replica, also before a restart.
///
/// # Errors
/// When the database fails.
pub async fn first_use(
    on: impl Into<Executor<'_>>,
    kind: Kind,
    issuer: &str,
    jti: &str,
    expires_at: Timestamp,
) -> sqlx::Result<bool> {
    let inserted =
        sql("INSERT INTO replays (kind, issuer, jti, expires_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (kind, issuer, jti) DO NOTHING")
        .bind(kind.as_str())
        .bind(issuer)
        .bind(Digest::of(jti.as_bytes()))
        .bind(expires_at)
        .execute(on)
        .await?;
    Ok(inserted == 1)
}
