//! The tokens that are bound to certificates.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::Inventory;
use crate::store::certificates::{CertificateRow, Range};
use crate::store::opaque_tokens::Bound;
use crate::store::{audit_events, clients, grants, opaque_tokens, resources, revoked_tokens};
use crate::types::{Client, Seconds, Thumbprint, Timestamp};

/// The number of rows that one statement reads: of clients, and of events with up to 500 tokens each.
const CLIENTS: i64 = 500;
const EVENTS: i64 = 50;

/// Valid tokens bound to a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// JWT access tokens that have not expired and were not revoked individually.
    pub jwt: i64,
    /// Opaque access tokens.
    pub opaque: i64,
    /// Grants of public clients whose refresh tokens are bound to the certificate's key, in this or
    /// a renewed certificate.
    pub grants: i64,
}

impl Tokens {
    /// The total.
    pub const fn total(&self) -> i64 {
        self.jwt + self.opaque + self.grants
    }
}

/// The number of valid JWTs by certificate.
pub(super) type Jwts = HashMap<Thumbprint, i64>;

/// Numbers of tokens with a row: opaque ones by certificate, grants by public key.
pub(super) struct StoredTokens {
    opaque: HashMap<Thumbprint, i64>,
    grants: HashMap<Thumbprint, i64>,
}

impl StoredTokens {
    pub(super) fn for_certificate(&self, row: &CertificateRow, jwts: &Jwts) -> Tokens {
        let of = |counts: &HashMap<Thumbprint, i64>, key| counts.get(key).copied().unwrap_or(0);
        Tokens {
            jwt: of(jwts, &row.thumbprint),
            opaque: of(&self.opaque, &row.thumbprint),
            grants: of(&self.grants, &row.public_key),
        }
    }
}

/// A token in an audit event.
#[derive(Deserialize)]
struct IssuedToken {
    jti: String,
    #[serde(default)]
    certificate: Option<Thumbprint>,
    #[serde(default)]
    expires: Option<Timestamp>,
}

impl Inventory<'_> {
    /// The certificates that valid access tokens are bound to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn with_bound_access_tokens(&self) -> sqlx::Result<HashSet<Thumbprint>> {
        let mut bound: HashSet<_> = self.count_jwts().await?.into_keys().collect();
        bound.extend(opaque_tokens::bound_certificates(self.store.db(), self.now).await?);
        Ok(bound)
    }

    /// Counts the stored tokens that are bound to the certificates of a range.
    pub(super) async fn count_stored(&self, range: &Range) -> sqlx::Result<StoredTokens> {
        let on = self.store.db();
        let counts = |bound: Vec<Bound>| {
            bound.into_iter().map(|one| (one.thumbprint, one.tokens)).collect::<HashMap<_, _>>()
        };
        Ok(StoredTokens {
            opaque: counts(opaque_tokens::count_bound(on, range, self.now).await?),
            grants: counts(grants::count_bound(on, range, self.now).await?),
        })
    }

    /// Counts the JWTs. They are not stored; the audit trail lists them for as long as they can be
    /// valid.
    pub(super) async fn count_jwts(&self) -> sqlx::Result<Jwts> {
        let on = self.store.db();
        let since = self.now - self.longest_access_token().await?;
        let revoked: HashSet<String> = revoked_tokens::all(on).await?.into_iter().collect();
        let mut jwts = Jwts::new();
        let mut after = audit_events::id_at(since.0.saturating_mul(1000));
        loop {
            let events = audit_events::bound_tokens(on, &after, EVENTS).await?;
            let Some(last) = events.last() else {
                return Ok(jwts);
            };
            after.clone_from(&last.id);
            for event in &events {
                let tokens: Vec<IssuedToken> =
                    serde_json::from_str(&event.facts).unwrap_or_default();
                for token in tokens {
                    if let (Some(certificate), Some(expires)) = (token.certificate, token.expires)
                        && expires > self.now
                        && !revoked.contains(&token.jti)
                    {
                        *jwts.entry(certificate).or_default() += 1;
                    }
                }
            }
        }
    }

    /// The longest lifetime of an access token that is configured anywhere.
    async fn longest_access_token(&self) -> sqlx::Result<Seconds> {
        let on = self.store.db();
        let mut longest = self.config.tokens.access_token_lifetime;
        for resource in resources::all(on).await? {
            longest = longest.max(resource.access_token_lifetime.unwrap_or(longest));
        }
        let mut page: Vec<Client> = Vec::new();
        loop {
            page = clients::page(on, page.last().map(|client| &client.id), CLIENTS).await?;
            if page.is_empty() {
                return Ok(longest);
            }
            for client in &page {
                longest = longest.max(client.metadata.gw_access_token_lifetime.unwrap_or(longest));
            }
        }
    }
}
