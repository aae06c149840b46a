//! Access tokens that come back to us: [RFC 9068 §4], [RFC 7662 §2.2].
//!
//! A JWT is verified, and one statement asks whether the grant, its user, its client and its sign-in live
//! and whether the token itself was revoked; for an opaque token one statement looks it up and asks that.
//!
//! [RFC 9068 §4]: https://www.rfc-editor.org/rfc/rfc9068#section-4
//! [RFC 7662 §2.2]: https://www.rfc-editor.org/rfc/rfc7662#section-2.2

use std::sync::Arc;

use super::subject;
use crate::flow::{Call, keys};
use crate::jose::jws::{Jws, Keys, Typ};
use crate::store::grants::{self, Live};
use crate::store::{certificates, revoked_tokens};
use crate::types::token::OpaqueAccessToken;
use crate::types::{
    Algorithm, Client, ClientId, Confirmation, Digest, GrantId, Result, Scope, Timestamp,
};
use crate::verify::Caller;

/// An access token that we issued and that has not expired. Whether it still counts is another
/// question: [`Read::live`].
#[derive(Debug)]
pub struct Read {
    /// `jti`
    pub jti: String,
    /// `sub`; an opaque token has none of its own.
    pub subject: Option<String>,
    /// `client_id`
    pub client_id: ClientId,
    /// `aud`
    pub audience: Vec<String>,
    /// `scope`
    pub scope: Scope,
    /// The grant it descends from; `None`: it is the client's own.
    pub grant_id: Option<GrantId>,
    /// `iat`
    pub issued_at: Timestamp,
    /// `exp`
    pub expires_at: Timestamp,
    /// `cnf`
    pub confirmation: Confirmation,
    /// Which kind it is.
    pub kind: Kind,
}

/// A kind of access token.
#[derive(Debug)]
pub enum Kind {
    /// Signed: whether it still counts has to be asked.
    Jwt,
    /// Looked up.
    Opaque {
        /// What the store keeps of it.
        digest: Digest,
        /// What stood behind it when it was looked up.
        live: Option<Box<Live>>,
    },
}

/// Why a token counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Not {
    /// Not an access token of ours.
    Ours(&'static str),
    /// It was one, of this client; its time is over.
    Expired(ClientId),
}

/// Reads a token of either format.
///
/// # Errors
/// When the database does not answer; a token that counts for nothing is `Ok(Err(_))`.
pub async fn read(call: &Call<'_>, text: &str) -> Result<Result<Read, Not>> {
    if text.starts_with(OpaqueAccessToken::PREFIX) {
        return opaque(call, text).await;
    }
    jwt(call, text)
}

/// The client that a token was issued to, be the token alive or dead: only to tell whose scripts may
/// read why it is refused.
///
/// # Errors
/// When the database does not answer.
pub async fn client(call: &Call<'_>, text: &str) -> Result<Option<Arc<Client>>> {
    match read(call, text).await? {
        Ok(Read { client_id, .. }) | Err(Not::Expired(client_id)) => {
            call.cache.client(&client_id).await
        }
        Err(Not::Ours(_)) => Ok(None),
    }
}

async fn opaque(call: &Call<'_>, text: &str) -> Result<Result<Read, Not>> {
    let Some(token) = OpaqueAccessToken::read(text) else {
        return Ok(Err(Not::Ours("its checksum is wrong")));
    };
    let digest = token.digest();
    let found = grants::behind_opaque_token(call.store.db(), &digest, call.now).await?;
    let Some((row, live)) = found else {
        return Ok(Err(Not::Ours("unknown, expired or revoked")));
    };
    Ok(Ok(Read {
        jti: row.id,
        subject: None,
        client_id: row.client_id,
        audience: row.audience,
        scope: row.scope,
        grant_id: row.grant_id,
        issued_at: row.created_at,
        expires_at: row.expires_at,
        confirmation: row.confirmation,
        kind: Kind::Opaque { digest, live: live.map(Box::new) },
    }))
}

fn jwt(call: &Call<'_>, text: &str) -> Result<Result<Read, Not>> {
    let keys = call.keys()?;
    Ok(verified(call, text, &keys))
}

fn verified(call: &Call<'_>, text: &str, keys: &keys::Keys) -> Result<Read, Not> {
    let jws = Jws::read(text).map_err(Not::Ours)?;
    let Digest(digest) = Digest::of(text.as_bytes());
    let checked = keys.verified.get(&digest);
    let by = match checked {
        Some(()) => Keys::CheckedBefore,
        None => Keys::Published(&keys.published),
    };
    // > The resource server MUST verify that the "typ" header value is "at+jwt" (§4)
    let verified = jws.verify(by, Algorithm::OURS, Typ::Is("at+jwt")).map_err(Not::Ours)?;
    if checked.is_none() {
        keys.verified.insert(digest, ());
    }
    let said = Caller::of(&verified.claims, call.issuer()).map_err(Not::Ours)?;
    let read = Read {
        jti: said.token_id,
        subject: Some(said.subject),
        client_id: said.client_id,
        audience: said.audience,
        scope: said.scope,
        grant_id: said.grant,
        issued_at: said.issued_at,
        expires_at: said.expires_at,
        confirmation: said.confirmation,
        kind: Kind::Jwt,
    };
    if read.expires_at <= call.now {
        return Err(Not::Expired(read.client_id));
    }
    Ok(read)
}

/// What stands behind a token that counts.
#[derive(Debug)]
pub enum Behind {
    /// A user's grant.
    User(Box<Live>),
    /// The client itself.
    Client,
}

impl Read {
    /// Asks whether the token still counts; `None`: it does not.
    ///
    /// # Errors
    /// When the database does not answer: never a yes, never a no (THREATS DB-03).
    pub async fn live(&mut self, call: &Call<'_>) -> Result<Option<Behind>> {
        // By a clock that was wrong: years ahead, it would count for years.
        if self.issued_at.is_ahead_of(call.now) {
            return Ok(None);
        }
        let store = call.store.db();
        if let Some(certificate) = self.confirmation.certificate {
            if certificates::is_revoked(store, certificate).await? {
                return Ok(None);
            }
            // Where it is shown with the token, we know what stands above it, too.
            let shown = call.held.certificate.as_ref();
            if let Some(shown) = shown.filter(|shown| shown.thumbprint == certificate)
                && call.is_revoked(shown).await?
            {
                return Ok(None);
            }
        }
        let Some(grant_id) = &self.grant_id else {
            let client = call.cache.client(&self.client_id).await?;
            if client.is_none_or(|client| !client.stands_by(self.issued_at)) {
                return Ok(None);
            }
            let revoked = match &self.kind {
                Kind::Jwt => revoked_tokens::contains(store, &self.jti).await?,
                // Its own row was just read.
                Kind::Opaque { .. } => false,
            };
            return Ok((!revoked).then_some(Behind::Client));
        };
        let live = match &mut self.kind {
            Kind::Jwt => {
                let (client, jti) = (&self.client_id, &self.jti);
                let live = grants::behind_token(store, grant_id, client, jti, call.now).await?;
                live.map(Box::new)
            }
            Kind::Opaque { live, .. } => live.take(),
        };
        Ok(live.map(Behind::User))
    }

    /// `sub`, for whoever is told about the token; `None`: the client is gone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn subject(&self, call: &Call<'_>, behind: &Behind) -> Result<Option<String>> {
        match (behind, &self.subject) {
            (Behind::Client, _) => Ok(Some(self.client_id.to_string())),
            (Behind::User(_), Some(subject)) => Ok(Some(subject.clone())),
            (Behind::User(live), None) => {
                let client = call.cache.client(&self.client_id).await?;
                let keys = call.keys()?;
                Ok(client.map(|client| subject::of(&keys, &client, &live.user.id)))
            }
        }
    }
}
