//! Token introspection: [RFC 7662].
//!
//! [RFC 7662]: https://www.rfc-editor.org/rfc/rfc7662

use serde::Serialize;

use super::access_token::{self, Behind};
use super::claims::{ClaimsRequest, Consented, Place};
use super::{mint, subject};
use crate::flow::Call;
use crate::store::grants;
use crate::types::{Client, Code, Confirmation, Params, Result, Timestamp};

/// The response: §2.2. Unknown members are omitted.
#[derive(Debug, Default, Serialize)]
pub struct Introspection {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    #[serde(skip_serializing_if = "Confirmation::is_bearer")]
    cnf: Confirmation,
}

/// Introspects a token for a confidential client: one that was issued to it, or whose audience is one of its own
/// resources. For any other token the response is exactly `{"active":false}`, whatever the reason (THREATS JO-17).
///
/// # Errors
/// `invalid_request` without a token; `invalid_client` for a public client (§2.1: "the authorization
/// server MUST require some form of authorization"); 503 if the database does not respond.
pub async fn introspect(
    call: &Call<'_>,
    caller: &Client,
    params: &Params,
) -> Result<Introspection> {
    if !caller.is_confidential() {
        return Err(Code::InvalidClient
            .because("a public client cannot introspect tokens")
            .with("client_id", &caller.id)
            .into());
    }
    let text = params.need("token", "token is missing")?;
    // token_type_hint is ignored: each kind of token has its own form, and a wrong hint must not hide a token (§2.1).
    if let Some(presented) = mint::parse_refresh(call, text).await? {
        let grant = grants::behind_refresh_token(call.store.db(), &presented, call.now).await?;
        let Some(grant) = grant.filter(|grant| grant.client_id == caller.id) else {
            return Ok(Introspection::default());
        };
        return Ok(Introspection {
            active: true,
            scope: Some(grant.scope.to_string()),
            client_id: Some(grant.client_id.to_string()),
            exp: Some(grant.expires_at),
            sub: Some(subject::for_client(&*call.keys()?, caller, &grant.user_id)),
            iss: Some(call.issuer().to_owned()),
            auth_time: Some(grant.auth_time),
            acr: Some(grant.acr),
            ..Introspection::default()
        });
    }
    let Ok(mut token) = access_token::parse(call, text).await? else {
        return Ok(Introspection::default());
    };
    let own = caller.metadata.gw_resources.iter();
    let is_its_own = token.client_id == caller.id
        || own.clone().any(|resource| token.audience.iter().any(|aud| aud == resource.as_str()));
    if !is_its_own {
        return Ok(Introspection::default());
    }
    let Some(behind) = token.behind(call).await? else {
        return Ok(Introspection::default());
    };
    let client = call.cache.client(&token.client_id).await?;
    let subject = client.map(|client| token.subject_for(call, &client, &behind)).transpose()?;
    let scope = token.scope;
    let mut response = Introspection {
        active: true,
        scope: Some(scope.to_string()).filter(|scope| !scope.is_empty()),
        client_id: Some(token.client_id.to_string()),
        token_type: Some(token.confirmation.token_type()),
        cnf: token.confirmation,
        exp: Some(token.expires_at),
        iat: Some(token.issued_at),
        aud: Some(match token.audience.as_slice() {
            [one] => one.as_str().into(),
            many => many.into(),
        }),
        iss: Some(call.issuer().to_owned()),
        jti: Some(token.jti),
        sub: subject,
        ..Introspection::default()
    };
    if let Behind::User(live) = behind {
        response.auth_time = Some(live.auth_time);
        response.acr = Some(live.acr.clone());
        let requested = ClaimsRequest::from_text(&live.claims);
        let consented = Consented { scope: &scope, requested: &requested };
        // preferred_username of OIDC Core §5.1 is username in RFC 7662 §2.2.
        if consented.covers("preferred_username", Place::Introspection) {
            response.username = Some(live.user.username);
        }
    }
    Ok(response)
}
