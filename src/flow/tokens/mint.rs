//! Issues tokens: access tokens ([RFC 9068]), refresh tokens (DESIGN §3), ID tokens ([OIDC Core §2]).
//!
//! [RFC 9068]: https://www.rfc-editor.org/rfc/rfc9068
//! [OIDC Core §2]: https://openid.net/specs/openid-connect-core-1_0.html#IDToken

use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::audience::Shape;
use super::claims::{ClaimsRequest, Consented, Place};
use super::{sid, subject};
use crate::flow::Call;
use crate::flow::clients::authentication;
use crate::flow::keys::Keys;
use crate::jose::mac::OpenError;
use crate::jose::{base64url, sign};
use crate::record::{Issued, Reserved};
use crate::store::grants::{Grant, PresentedToken};
use crate::store::opaque_tokens::{self, OpaqueToken};
use crate::store::{Executor, users};
use crate::types::client::{GrantType, TokenFormat};
use crate::types::token::{OpaqueAccessToken, REFRESH_PREFIX, seal, unseal};
use crate::types::{
    Client, Confirmation, Digest, Failure, GrantId, Refusal, Result, Scope, Seconds, Secret,
    Timestamp,
};

/// The token response: RFC 6749 §5.1.
#[derive(Debug)]
pub struct Tokens {
    /// `access_token`
    pub access: Secret,
    /// `expires_in`
    pub expires_in: Seconds,
    /// `scope`
    pub scope: Scope,
    /// `refresh_token`
    pub refresh: Option<Secret>,
    /// `id_token`
    pub id_token: Option<Secret>,
    /// What the access token is bound to: `token_type`.
    pub confirmation: Confirmation,
}

/// The claims of a JWT access token: RFC 9068 §2.2.
#[derive(Serialize)]
struct AccessClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: Audience<'a>,
    exp: Timestamp,
    iat: Timestamp,
    jti: &'a str,
    client_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    /// Private claim: the grant that the token descends from and is revoked with.
    #[serde(skip_serializing_if = "Option::is_none")]
    gw_grant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "Confirmation::is_bearer")]
    cnf: Confirmation,
}

/// One audience is written as a string, several as an array (RFC 7519 §4.1.3).
#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Many(&'a [String]),
}

impl<'a> From<&'a [String]> for Audience<'a> {
    fn from(audience: &'a [String]) -> Self {
        match audience {
            [one] => Self::One(one),
            many => Self::Many(many),
        }
    }
}

/// An access token and its audit record; see [`record`].
#[derive(Debug)]
pub struct Access {
    /// The token.
    pub token: Secret,
    /// `expires_in`
    pub expires_in: Seconds,
    /// What it is bound to.
    pub confirmation: Confirmation,
    /// The audit record, to be written once the token is valid.
    pub issued: Issued,
    /// The row of an opaque token, which is valid once the row is stored.
    row: Option<Box<(Digest, OpaqueToken)>>,
}

impl Access {
    /// Whether there is a row to store.
    pub const fn has_row(&self) -> bool {
        self.row.is_some()
    }

    /// Stores the row of an opaque token; a JWT has none.
    ///
    /// # Errors
    /// `invalid_client` if the client was disabled or deleted meanwhile; database errors.
    pub async fn store(&self, on: impl Into<Executor<'_>>) -> Result<()> {
        if let Some(row) = &self.row
            && !opaque_tokens::insert(on, &row.0, &row.1).await?
        {
            return Err(authentication::failed().with("client_id", &row.1.client_id).into());
        }
        Ok(())
    }
}

/// Whose access token is issued.
#[derive(Clone, Copy, Debug)]
pub enum For<'a> {
    /// The client's own (RFC 6749 §4.4).
    Client,
    /// A user's, by a grant.
    Grant(&'a Grant),
}

/// What access tokens of both formats have.
struct Core {
    jti: String,
    expires_at: Timestamp,
    confirmation: Confirmation,
}

/// Issues an access token. An opaque token is valid once its row is stored ([`Access::store`]).
///
/// # Errors
/// Those of [`confirmation`](super::possession::Possession::confirmation); if signing fails.
pub fn access(
    call: &Call<'_>,
    client: &Client,
    whose: For<'_>,
    by: GrantType,
    scope: &Scope,
    shape: &Shape,
) -> Result<Access> {
    let grant = match whose {
        For::Client => None,
        For::Grant(grant) => Some(grant),
    };
    let confirmation = call.possession.confirmation(client, call.now)?;
    // The certificate of a confidential client was recorded when it authenticated.
    if confirmation.certificate.is_some() && !client.is_confidential() {
        call.note_certificate(&client.id);
    }
    let full = call.now + shape.lifetime;
    let expires_at =
        call.possession.certificate_expiry(&confirmation).map_or(full, |ends| full.min(ends));
    let core = Core { jti: Uuid::now_v7().to_string(), expires_at, confirmation };
    let (token, expires, row) = match shape.format {
        TokenFormat::Jwt => {
            (jwt(call, client, grant, shape, scope, &core)?, Some(expires_at), None)
        }
        TokenFormat::Opaque => {
            let token = OpaqueAccessToken::generate();
            let row = OpaqueToken {
                id: core.jti.clone(),
                client_id: client.id.clone(),
                grant_id: grant.map(|grant| grant.id.clone()),
                audience: shape.audience.clone(),
                scope: scope.clone(),
                claims: String::new(),
                created_at: call.now,
                expires_at,
                confirmation,
            };
            let row = Box::new((token.digest(), row));
            (token.0, None, Some(row))
        }
    };
    let issued = Issued {
        jti: core.jti,
        client: client.id.to_string(),
        grant: grant.map(|grant| grant.id.to_string()),
        by: by.as_str(),
        certificate: confirmation.certificate,
        expires: expires.filter(|_| confirmation.certificate.is_some()),
        request: call.trace.request_id.clone(),
        at: call.trace.at_ms,
    };
    Ok(Access { token, expires_in: expires_at - call.now, confirmation, issued, row })
}

/// Records an issued token in the audit trail, before the response is sent.
pub fn record(call: &Call<'_>, reserved: Reserved<'_>, issued: Issued) {
    call.metrics.issued(issued.by);
    reserved.issued(issued);
}

fn jwt(
    call: &Call<'_>,
    client: &Client,
    grant: Option<&Grant>,
    shape: &Shape,
    scope: &Scope,
    core: &Core,
) -> Result<Secret> {
    let keys = call.keys()?;
    let subject = grant.map(|grant| subject::for_client(&keys, client, &grant.user_id));
    let claims = AccessClaims {
        iss: call.issuer(),
        sub: subject.as_deref().unwrap_or(client.id.as_str()),
        aud: Audience::from(shape.audience.as_slice()),
        exp: core.expires_at,
        iat: call.now,
        jti: &core.jti,
        client_id: client.id.as_str(),
        scope: &scope.to_string(),
        gw_grant: grant.map(|grant| grant.id.as_str()),
        auth_time: grant.map(|grant| grant.auth_time),
        acr: grant.map(|grant| grant.acr.as_str()),
        cnf: core.confirmation,
    };
    let key = keys.signing(call.config.tokens.access_token_alg)?;
    Ok(Secret::new(key.sign("at+jwt", &claims)?))
}

/// The refresh token of a grant's generation. It is computed when needed and never stored.
///
/// # Errors
/// If the grant's identifier is not a UUID.
pub fn refresh(keys: &Keys, id: &GrantId, generation: i64) -> Result<Secret, Failure> {
    let id = id.bytes().ok_or_else(|| Failure::internal("a grant id is not a UUID"))?;
    let body = [id.as_slice(), &generation.to_be_bytes()].concat();
    Ok(seal(REFRESH_PREFIX, &base64url::encode(keys.refresh.seal(&body))))
}

/// Parses and verifies a refresh token. `None` if this server did not issue it; that needs no query, unless another
/// replica may have created the key a moment ago.
///
/// # Errors
/// If the database does not respond.
pub async fn parse_refresh(call: &Call<'_>, text: &str) -> Result<Option<PresentedToken>> {
    let Some(body) = unseal(REFRESH_PREFIX, text).and_then(base64url::decode) else {
        return Ok(None);
    };
    let read = read_refresh(&*call.keys()?, &body);
    if read != Err(OpenError::NewerVersion) {
        return Ok(read.ok());
    }
    let latest = call.keyring.latest(call.store).await?;
    Ok(read_refresh(&latest, &body).ok())
}

fn read_refresh(keys: &Keys, body: &[u8]) -> Result<PresentedToken, OpenError> {
    let message = keys.refresh.open(body, 24)?;
    let (id, generation) = message.split_first_chunk().ok_or(OpenError::Invalid)?;
    Ok(PresentedToken {
        grant_id: GrantId::from_bytes(*id),
        generation: i64::from_be_bytes(generation.try_into().map_err(|_| OpenError::Invalid)?),
    })
}

/// The claims of an ID token: OIDC Core §2.
#[derive(Serialize)]
struct IdClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: Timestamp,
    iat: Timestamp,
    auth_time: Timestamp,
    acr: &'a str,
    amr: Vec<&'a str>,
    sid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    at_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    c_hash: Option<String>,
    #[serde(flatten)]
    about: Map<String, Value>,
}

/// The input of an ID token.
#[derive(Debug)]
pub struct IdTokenInput<'a> {
    /// The grant.
    pub grant: &'a Grant,
    /// The access token of the same response: `at_hash`.
    pub access: &'a Secret,
    /// The redeemed code: `c_hash`.
    pub code: Option<&'a Secret>,
    /// The `nonce` of the authentication request. Not repeated at a refresh: OIDC Core §12.2 says
    /// "it SHOULD NOT have a nonce Claim".
    pub nonce: Option<&'a str>,
    /// The claims about the user, from [`id_token_claims`].
    pub about: Map<String, Value>,
}

/// Issues an ID token. It needs no database, so it can follow the commit.
///
/// # Errors
/// If signing fails.
pub fn id_token(
    call: &Call<'_>,
    client: &Client,
    input: IdTokenInput<'_>,
) -> Result<Secret, Failure> {
    let keys = call.keyring.keys();
    let algorithm = client.metadata.id_token_signed_response_alg;
    let claims = IdClaims {
        iss: call.issuer(),
        sub: &subject::for_client(&keys, client, &input.grant.user_id),
        aud: client.id.as_str(),
        exp: call.now + call.config.tokens.id_token_lifetime,
        iat: call.now,
        auth_time: input.grant.auth_time,
        acr: &input.grant.acr,
        amr: input.grant.amr.split(' ').collect(),
        sid: &sid::for_client(&keys, &client.id, &input.grant.session_id),
        nonce: input.nonce,
        at_hash: sign::left_half(algorithm, input.access.expose()),
        c_hash: input.code.map(|code| sign::left_half(algorithm, code.expose())),
        about: input.about,
    };
    Ok(Secret::new(keys.signing(algorithm)?.sign("JWT", &claims)?))
}

/// The claims about the user in the ID token. Most clients have none there, and then no query is made.
///
/// # Errors
/// If the database does not respond.
pub async fn id_token_claims(
    on: impl Into<Executor<'_>>,
    client: &Client,
    grant: &Grant,
    scope: &Scope,
) -> Result<Map<String, Value>> {
    let place = Place::IdToken(&client.metadata.gw_id_token_claims);
    let requested = ClaimsRequest::from_text(&grant.claims);
    let consented = Consented { scope, requested: &requested };
    if !scope.has("openid") || !consented.has_any(place) {
        return Ok(Map::new());
    }
    let row = users::with_password(on, &grant.user_id).await?;
    Ok(row.map_or_else(Map::new, |row| consented.release(&row.user, place)))
}

/// The granted scopes that the client is still registered for, narrowed to those requested.
///
/// # Errors
/// See [`Scope::narrowed`].
pub fn narrowed_scope(
    client: &Client,
    granted: &Scope,
    wanted: Option<Scope>,
) -> Result<Scope, Refusal> {
    granted.and(&client.scope()).narrowed(wanted)
}
