//! Access tokens that are presented to this server: [RFC 9068 §4], [RFC 7662 §2.2].
//!
//! [`accept`] is the rule for every resource of this server and for gateways. A JWT is verified
//! without the database, then one statement checks that its grant, user, client and session are valid and
//! that the token was not revoked; one statement reads and checks an opaque token.
//!
//! [RFC 9068 §4]: https://www.rfc-editor.org/rfc/rfc9068#section-4
//! [RFC 7662 §2.2]: https://www.rfc-editor.org/rfc/rfc7662#section-2.2

use std::sync::Arc;

use super::{dpop, subject};
use crate::flow::{Call, keys};
use crate::jose::jws::{Jws, Keys, Typ};
use crate::store::grants::{self, LiveGrant};
use crate::store::{certificates, revoked_tokens};
use crate::types::token::OpaqueAccessToken;
use crate::types::{
    Algorithm, Client, ClientId, Code, Confirmation, Digest, GrantId, Refusal, Result, Scope,
    Timestamp,
};
use crate::verify::Caller;

/// What a resource demands of an access token.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// What `aud` must contain: an API must not use the token that it received at another one (DESIGN §3).
    pub audience: &'a str,
    /// What `scope` must contain.
    pub scope: &'a Scope,
    /// Whether the token must be a user's.
    pub user: bool,
}

/// An access token that is valid at this moment, for this resource and this sender.
#[derive(Debug)]
pub struct Accepted {
    /// The token.
    pub token: AccessToken,
    /// Its client.
    pub client: Arc<Client>,
    /// The user's grant, or the client itself.
    pub behind: Behind,
}

/// Accepts an access token: it is valid, its audience is this resource, its sender has proved possession of what
/// it is bound to, and its scope suffices. Its DPoP proof is consumed when everything else is right.
///
/// # Errors
/// `invalid_token`, `insufficient_scope`, `invalid_dpop_proof`; 503 if the database does not respond, so that a
/// fault neither accepts nor refuses a token (THREATS DB-03).
pub async fn accept(call: &Call<'_>, text: &str, demand: Demand<'_>) -> Result<Accepted> {
    let mut token = match parse(call, text).await? {
        Ok(token) => token,
        Err(Invalid::Expired(_)) => return Err(invalid("expired").into()),
        Err(Invalid::Unknown(why)) => return Err(invalid(why).into()),
    };
    if !token.audience.iter().any(|audience| audience == demand.audience) {
        return Err(invalid("the token is for another resource")
            .with("audience", token.audience.join(" "))
            .with("expected", demand.audience)
            .into());
    }
    call.possession.must_match(&token.confirmation, call.now)?;
    if !demand.scope.within(&token.scope) {
        return Err(Code::InsufficientScope
            .because("the access token lacks a required scope")
            .with("scope", &token.scope)
            .with("expected", demand.scope)
            .into());
    }
    let Some(client) = call.cache.client(&token.client_id).await? else {
        return Err(invalid("the client was deleted").into());
    };
    call.possession.must_meet_profile(&client)?;
    let Some(behind) = token.behind(call).await? else {
        return Err(invalid("the token, its grant, user, client or session was revoked").into());
    };
    if demand.user && matches!(behind, Behind::Client) {
        return Err(invalid("the token has no user").into());
    }
    dpop::spend(call, call.store.db()).await?;
    if token.confirmation.certificate.is_some() {
        call.note_certificate(&token.client_id);
    }
    Ok(Accepted { token, client, behind })
}

impl Accepted {
    /// `sub`: the subject identifier of the user for this client, or the client.
    ///
    /// # Errors
    /// If the signing keys could not be confirmed.
    pub fn subject(&self, call: &Call<'_>) -> Result<String> {
        self.token.subject_for(call, &self.client, &self.behind)
    }
}

/// `invalid_token`; `reason` is for the log and the audit trail.
fn invalid(reason: &'static str) -> Refusal {
    Code::InvalidToken
        .because("the access token is expired, revoked, or not valid for this resource")
        .with("reason", reason)
}

/// An access token that this server issued and that has not expired. [`AccessToken::behind`] checks whether it
/// was revoked.
#[derive(Debug)]
pub struct AccessToken {
    /// `jti`
    pub jti: String,
    /// `sub`; `None` for an opaque token, which has none of its own.
    pub subject: Option<String>,
    /// `client_id`
    pub client_id: ClientId,
    /// `aud`
    pub audience: Vec<String>,
    /// `scope`
    pub scope: Scope,
    /// The grant that it descends from; `None` for a token of the client itself.
    pub grant_id: Option<GrantId>,
    /// `iat`
    pub issued_at: Timestamp,
    /// `exp`
    pub expires_at: Timestamp,
    /// `cnf`
    pub confirmation: Confirmation,
    /// Its format.
    pub format: Format,
}

/// The format of an access token.
#[derive(Debug)]
pub enum Format {
    /// Signed. Whether it was revoked is a query of its own.
    Jwt,
    /// A row.
    Opaque {
        /// The digest under which it is stored.
        digest: Digest,
        /// Its grant, if that was valid when the row was read.
        live: Option<Box<LiveGrant>>,
    },
}

/// Why a text is not a valid access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// It is not an access token of this server.
    Unknown(&'static str),
    /// It was issued to this client and has expired.
    Expired(ClientId),
}

/// Parses and verifies a token of either format.
///
/// # Errors
/// If the database does not respond; an invalid token is `Ok(Err(_))`.
pub async fn parse(call: &Call<'_>, text: &str) -> Result<Result<AccessToken, Invalid>> {
    if text.starts_with(OpaqueAccessToken::PREFIX) {
        return opaque(call, text).await;
    }
    jwt(call, text)
}

/// The client that a token was issued to, even if the token is expired or revoked. It decides only which
/// origins may read the response.
///
/// # Errors
/// If the database does not respond.
pub async fn client(call: &Call<'_>, text: &str) -> Result<Option<Arc<Client>>> {
    match parse(call, text).await? {
        Ok(AccessToken { client_id, .. }) | Err(Invalid::Expired(client_id)) => {
            call.cache.client(&client_id).await
        }
        Err(Invalid::Unknown(_)) => Ok(None),
    }
}

async fn opaque(call: &Call<'_>, text: &str) -> Result<Result<AccessToken, Invalid>> {
    let Some(token) = OpaqueAccessToken::parse(text) else {
        return Ok(Err(Invalid::Unknown("its checksum is wrong")));
    };
    let digest = token.digest();
    let row = grants::behind_opaque_token(call.store.db(), &digest, call.now).await?;
    let Some((row, live)) = row else {
        return Ok(Err(Invalid::Unknown("unknown, expired or revoked")));
    };
    Ok(Ok(AccessToken {
        jti: row.id,
        subject: None,
        client_id: row.client_id,
        audience: row.audience,
        scope: row.scope,
        grant_id: row.grant_id,
        issued_at: row.created_at,
        expires_at: row.expires_at,
        confirmation: row.confirmation,
        format: Format::Opaque { digest, live: live.map(Box::new) },
    }))
}

fn jwt(call: &Call<'_>, text: &str) -> Result<Result<AccessToken, Invalid>> {
    let keys = call.keys()?;
    Ok(verified(call, text, &keys))
}

fn verified(call: &Call<'_>, text: &str, keys: &keys::Keys) -> Result<AccessToken, Invalid> {
    let jws = Jws::parse(text).map_err(Invalid::Unknown)?;
    let Digest(digest) = Digest::of(text.as_bytes());
    let checked = keys.verified.get(&digest);
    let by = match checked {
        Some(()) => Keys::CheckedBefore,
        None => Keys::Published(&keys.published),
    };
    // > The resource server MUST verify that the "typ" header value is "at+jwt" (§4)
    let verified =
        jws.verify(by, Algorithm::SIGNING, Typ::Is("at+jwt")).map_err(Invalid::Unknown)?;
    if checked.is_none() {
        keys.verified.insert(digest, ());
    }
    let caller = Caller::from_claims(&verified.claims, call.issuer()).map_err(Invalid::Unknown)?;
    let token = AccessToken {
        jti: caller.token_id,
        subject: Some(caller.subject),
        client_id: caller.client_id,
        audience: caller.audience,
        scope: caller.scope,
        grant_id: caller.grant,
        issued_at: caller.issued_at,
        expires_at: caller.expires_at,
        confirmation: caller.confirmation,
        format: Format::Jwt,
    };
    if token.expires_at <= call.now {
        return Err(Invalid::Expired(token.client_id));
    }
    Ok(token)
}

/// The owner of a valid token.
#[derive(Debug)]
pub enum Behind {
    /// A user's, by this grant.
    User(Box<LiveGrant>),
    /// The client's own.
    Client,
}

impl AccessToken {
    /// Checks that the token and what it descends from are valid; `None` if they are not.
    ///
    /// # Errors
    /// If the database does not respond (THREATS DB-03).
    pub async fn behind(&mut self, call: &Call<'_>) -> Result<Option<Behind>> {
        // A clock that was wrong issued it; its `exp` may be years ahead.
        if self.issued_at.is_ahead_of(call.now) {
            return Ok(None);
        }
        let store = call.store.db();
        if let Some(certificate) = self.confirmation.certificate {
            if certificates::is_revoked(store, certificate).await? {
                return Ok(None);
            }
            // If the certificate is presented with the token, its chain is known too.
            let presented = call.possession.certificate.as_ref();
            if let Some(presented) = presented.filter(|one| one.thumbprint == certificate)
                && call.is_revoked(presented).await?
            {
                return Ok(None);
            }
        }
        let Some(grant_id) = &self.grant_id else {
            let client = call.cache.client(&self.client_id).await?;
            if client.is_none_or(|client| !client.was_enabled_since(self.issued_at)) {
                return Ok(None);
            }
            let revoked = match &self.format {
                Format::Jwt => revoked_tokens::contains(store, &self.jti).await?,
                // Its row was read a moment ago.
                Format::Opaque { .. } => false,
            };
            return Ok((!revoked).then_some(Behind::Client));
        };
        let live = match &mut self.format {
            Format::Jwt => {
                let (client, jti) = (&self.client_id, &self.jti);
                let live = grants::behind_token(store, grant_id, client, jti, call.now).await?;
                live.map(Box::new)
            }
            Format::Opaque { live, .. } => live.take(),
        };
        Ok(live.map(Behind::User))
    }

    /// `sub`: the subject identifier of the user for this client, or the client.
    ///
    /// # Errors
    /// If the signing keys could not be confirmed.
    pub fn subject_for(&self, call: &Call<'_>, client: &Client, behind: &Behind) -> Result<String> {
        Ok(match (behind, &self.subject) {
            (Behind::Client, _) => client.id.to_string(),
            (Behind::User(_), Some(subject)) => subject.clone(),
            (Behind::User(live), None) => {
                subject::for_client(&*call.keys()?, client, &live.user.id)
            }
        })
    }
}
