//! `grant_type=authorization_code`: [RFC 6749 §4.1.3], with PKCE ([RFC 7636 §4.6]).
//!
//! [RFC 6749 §4.1.3]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
//! [RFC 7636 §4.6]: https://www.rfc-editor.org/rfc/rfc7636#section-4.6

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::flow::Call;
use crate::flow::clients::authentication;
use crate::flow::tokens::audience::Shape;
use crate::flow::tokens::mint::{self, For, IdTokenInput, Tokens};
use crate::flow::tokens::possession::Possession;
use crate::flow::tokens::{audience, dpop};
use crate::jose::base64url;
use crate::record::{Event, Kind};
use crate::store::cache::Resources;
use crate::store::codes::{self, Authorization, Spent, UnusedCode};
use crate::store::grants::{self, Grant, GrantLifetime};
use crate::store::retrying;
use crate::types::client::{GrantType, TokenFormat};
use crate::types::secret::same;
use crate::types::token::AuthorizationCode;
use crate::types::{
    Client, Code, Digest, Params, Refusal, ResourceId, Result, Scope, Seconds, Timestamp,
};

/// The request, and what it is checked against.
struct Redemption<'a> {
    code: AuthorizationCode,
    redirect_uri: Option<&'a str>,
    code_verifier: Option<&'a str>,
    /// The `resource` parameters (RFC 8707).
    resources: Vec<ResourceId>,
    /// The registered resources.
    known: Arc<Resources>,
}

/// The result of the transaction. A refusal that must be committed is a value, not an error.
enum Redeemed {
    Granted(Box<Granted>),
    Refused(Refusal),
}

struct Granted {
    grant: Grant,
    scope: Scope,
    access: mint::Access,
    about: Map<String, Value>,
}

/// Redeems a code for tokens, once. A second use revokes the tokens of the first.
///
/// # Errors
/// `invalid_grant`, `invalid_request`, `invalid_target`.
pub async fn redeem(call: &Call<'_>, client: &Client, params: &Params) -> Result<Tokens> {
    let text = params.need("code", "code is missing")?;
    let Some(code) = AuthorizationCode::parse(text) else {
        return Err(Code::InvalidGrant.because("the code was not issued by this server").into());
    };
    let (redirect_uri, code_verifier) = (params.one("redirect_uri")?, params.one("code_verifier")?);
    let resources = audience::requested(call, client, params).await?;
    // A client that cannot be bound is refused here and can present the same code again.
    authentication::must_bind(call, client).await?;
    // Before the transaction, which must not wait for a second connection.
    let known = call.cache.resources().await?;
    let keys = call.keys()?;
    if client.scope().has("openid") {
        keys.signing(client.metadata.id_token_signed_response_alg)?;
    }
    let redemption = Redemption { code, redirect_uri, code_verifier, resources, known };
    let reserved = call.recorder.reserve().await?;

    let granted = match at_once(call, client, &redemption).await? {
        Some(granted) => granted,
        None => match retrying(|| spend(call, client, &redemption)).await? {
            Redeemed::Refused(refusal) => return Err(refusal.into()),
            Redeemed::Granted(granted) => *granted,
        },
    };
    // The commit has consumed the code. A client that loses the response must start again (§4.1.2: a code is never
    // accepted twice), so nothing from here on depends on the database or waits (THREATS X-02, EX-04).
    let Granted { grant, scope, access, about } = granted;
    let refresh = if client.may_use(GrantType::RefreshToken) {
        Some(mint::refresh(&keys, &grant.id, grant.generation)?)
    } else {
        None
    };
    let id_token = if scope.has("openid") {
        let of = IdTokenInput {
            grant: &grant,
            access: &access.token,
            code: Some(&redemption.code.0),
            nonce: grant.nonce.as_deref(),
            about,
        };
        Some(mint::id_token(call, client, of)?)
    } else {
        None
    };
    mint::record(call, reserved, access.issued);
    let (expires_in, confirmation) = (access.expires_in, access.confirmation);
    Ok(Tokens { access: access.token, expires_in, scope, refresh, id_token, confirmation })
}

/// Redeems a code that is valid in every respect, in one round trip: everything is prepared, and the statement
/// checks once more what may have changed. `None`: [`spend`] decides, as it does where more is written.
async fn at_once(
    call: &Call<'_>,
    client: &Client,
    redemption: &Redemption<'_>,
) -> Result<Option<Granted>> {
    if call.possession.proof.is_some() {
        return Ok(None);
    }
    let (db, digest) = (call.store.db(), redemption.code.digest());
    let Some(unused) = codes::unused(db, &digest).await? else {
        return Ok(None);
    };
    let UnusedCode { authorization, expires_at, auth_time, amr, acr, seen_at } = unused;
    let Ok((scope, shape)) = validate(call, client, redemption, (&authorization, true, expires_at))
    else {
        return Ok(None);
    };
    // An opaque token has a row.
    if shape.format == TokenFormat::Opaque {
        return Ok(None);
    }
    let (life, bonds) = (life(call, client, &scope), call.possession.bonds(client));
    let grant = Grant {
        id: authorization.grant_id,
        client_id: authorization.client_id,
        user_id: authorization.user_id,
        session_id: authorization.session_id,
        offline: life.offline,
        scope: authorization.scope,
        resources: authorization.resources,
        claims: authorization.claims,
        nonce: authorization.nonce,
        auth_time,
        amr,
        acr,
        generation: 1,
        expires_at: life.expires_at,
        session_seen_at: Some(seen_at),
    };
    let by = GrantType::AuthorizationCode;
    let access = mint::access(call, client, For::Grant(&grant), by, &scope, &shape)?;
    let about = mint::id_token_claims(db, client, &grant, &scope).await?;
    let (trusted, event) = (client.metadata.gw_skip_consent, created(client, &grant, &scope));
    let (terms, event) = ((life, bonds), event.row(call.trace));
    let redeemed = retrying(|| async {
        Ok(codes::redeem(db, &digest, &grant, trusted, terms, &event, call.now).await?)
    });
    Ok(redeemed.await?.then_some(Granted { grant, scope, access, about }))
}

fn created(client: &Client, grant: &Grant, scope: &Scope) -> Event {
    Event::success(Kind::GrantCreated)
        .client(&client.id)
        .user(&grant.user_id)
        .session(&grant.session_id)
        .grant(&grant.id)
        .fact("scope", scope.to_string())
}

/// The transaction: consumes the code, checks it and creates the grant.
async fn spend(call: &Call<'_>, client: &Client, redemption: &Redemption<'_>) -> Result<Redeemed> {
    let trusted = client.metadata.gw_skip_consent;
    let mut tx = call.store.write().await?;
    let (authorization, alive, expires_at) =
        match codes::spend(&mut tx, &redemption.code.digest(), trusted, call.now).await? {
            Spent::Now { authorization, alive, expires_at } => (authorization, alive, expires_at),
            // > If an authorization code is used more than once, the authorization server MUST deny
            // > the request and SHOULD revoke (when possible) all tokens previously issued based on
            // > that authorization code. (§4.1.2)
            Spent::Before { grant_id, client_id } => {
                grants::revoke(&mut tx, &grant_id, call.now).await?;
                Event::of(Kind::CodeReplayed, "invalid_grant")
                    .client(&client_id)
                    .grant(&grant_id)
                    .fact("presented_by", client.id.as_str())
                    .write(&mut tx, call.trace)
                    .await?;
                tx.commit().await?;
                return Ok(Redeemed::Refused(
                    Code::InvalidGrant
                        .because("the code was used before")
                        .with("grant_id", &grant_id),
                ));
            }
            Spent::Unknown => {
                return Ok(Redeemed::Refused(invalid("unknown")));
            }
        };
    let validated = validate(call, client, redemption, (&authorization, alive, expires_at));
    let (scope, shape) = match validated {
        Ok(validated) => validated,
        // A code that is presented by the wrong client is consumed too (THREATS CO-03).
        Err(refusal) => {
            tx.commit().await?;
            return Ok(Redeemed::Refused(refusal));
        }
    };

    dpop::spend(call, &mut tx).await?;
    let (life, bonds) = (life(call, client, &scope), call.possession.bonds(client));
    let grant = grants::insert(&mut tx, &authorization, life, bonds, call.now).await?;
    let by = GrantType::AuthorizationCode;
    let access = mint::access(call, client, For::Grant(&grant), by, &scope, &shape)?;
    access.store(&mut tx).await?;
    let about = mint::id_token_claims(&mut tx, client, &grant, &scope).await?;
    created(client, &grant, &scope).write(&mut tx, call.trace).await?;
    tx.commit().await?;
    Ok(Redeemed::Granted(Box::new(Granted { grant, scope, access, about })))
}

/// Validates the code, and decides the scope and the shape of the access token.
fn validate(
    call: &Call<'_>,
    client: &Client,
    redemption: &Redemption<'_>,
    (authorization, alive, expires_at): (&Authorization, bool, Timestamp),
) -> Result<(Scope, Shape), Refusal> {
    must_match(client, &call.possession, redemption, authorization)?;
    if expires_at <= call.now {
        return Err(invalid("expired").with("expired_at", expires_at));
    }
    if !alive {
        return Err(invalid("the session, the user, the client or the consent is no longer valid"));
    }
    let Redemption { resources, known, .. } = redemption;
    let scope = mint::narrowed_scope(client, &authorization.scope, None)?;
    let resources = audience::narrowed(&authorization.resources, resources.clone())?;
    audience::must_be_allowed(call, known, client, &resources)?;
    Ok((scope, audience::shape(call, known, client, &resources)))
}

/// > ensure that the authorization code was issued to the authenticated confidential client, or if the
/// > client is public, ensure that the code was issued to "client_id" in the request, […] ensure that
/// > the "redirect_uri" parameter is present if \[it\] was included in the initial authorization request
/// > […], and if included ensure that their values are identical. (§4.1.3)
fn must_match(
    client: &Client,
    possession: &Possession,
    redemption: &Redemption<'_>,
    authorization: &Authorization,
) -> Result<(), Refusal> {
    if authorization.client_id != client.id {
        return Err(invalid("issued to another client")
            .with("issued_to", &authorization.client_id)
            .with("presented_by", &client.id));
    }
    // OAuth 2.1 has no redirect_uri here, since PKCE protects the code. A code without PKCE is protected by this
    // comparison alone (decision 0040).
    let is_left_out = redemption.redirect_uri.is_none() && authorization.code_challenge.is_some();
    if !is_left_out && redemption.redirect_uri != Some(authorization.redirect_uri.as_str()) {
        return Err(Code::InvalidGrant
            .because("redirect_uri is missing or is not the one of the authorization request")
            .with("expected", &authorization.redirect_uri));
    }
    // > the authorization server MUST verify that the key in the DPoP proof matches the one in the
    // > dpop_jkt parameter (RFC 9449 §10, in substance)
    if authorization.dpop_jkt.is_some_and(|jkt| possession.key() != Some(jkt)) {
        return Err(invalid("bound to another DPoP key by dpop_jkt"));
    }
    match (&authorization.code_challenge, redemption.code_verifier) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) => {
            if is_verifier_of(challenge, verifier) {
                Ok(())
            } else {
                Err(Code::InvalidGrant.because("code_verifier does not match the code_challenge"))
            }
        }
        (Some(_), None) => {
            Err(Code::InvalidGrant.because("code_verifier is missing (RFC 7636 section 4.5)"))
        }
        // > The authorization server MUST ensure that if there was no code_challenge in the
        // > authorization request, a request to the token endpoint containing a code_verifier is
        // > rejected. (RFC 9700 §4.8.2)
        (None, Some(_)) => Err(Code::InvalidGrant.because(
            "code_verifier is present, but the authorization request had no code_challenge",
        )),
    }
}

/// Only the log contains the reason, not the response.
fn invalid(reason: &'static str) -> Refusal {
    Code::InvalidGrant.because("the code is not valid").with("reason", reason)
}

/// > code-verifier = 43*128unreserved (RFC 7636 §4.1);
/// > BASE64URL-ENCODE(SHA256(ASCII(code_verifier))) == code_challenge (§4.6)
fn is_verifier_of(challenge: &str, verifier: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    let legal = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
    let computed = base64url::encode(Digest::of(verifier.as_bytes()).0);
    legal && same(computed.as_bytes(), challenge.as_bytes())
}

/// The lifetime of the grant: that of its refresh tokens, or without any, that of its access token.
fn life(call: &Call<'_>, client: &Client, scope: &Scope) -> GrantLifetime {
    let tokens = &call.config.tokens;
    let offline = scope.has("offline_access");
    let (idle, absolute) = if client.may_use(GrantType::RefreshToken) {
        (tokens.refresh_idle, tokens.refresh_absolute)
    } else {
        let alone = Seconds::days(1);
        (alone, alone)
    };
    GrantLifetime {
        offline,
        idle_at: call.now + idle.min(absolute),
        expires_at: call.now + absolute,
    }
}
