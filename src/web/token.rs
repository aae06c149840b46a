//! `POST /token`: [RFC 6749 §3.2].
//!
//! [RFC 6749 §3.2]: https://www.rfc-editor.org/rfc/rfc6749#section-3.2

use serde::Serialize;

use super::client;
use crate::flow::grants::{client_credentials, code, refresh};
use crate::flow::metadata::path;
use crate::flow::tokens::mint::Tokens;
use crate::render::{Json, Request, Response, dpop, json};
use crate::types::client::GrantType;
use crate::types::{Code, Seconds};

/// Authenticates the client, applies the rule of the grant type, and returns the tokens.
pub(super) async fn token(mut request: Request) -> Result<Response, Json> {
    let form = request.form().await?;
    let mut call = request.call();
    let client = client::authenticate(&call, &request.head, &form).await?;
    dpop::prove(&mut call, &request.head, path::TOKEN)?;
    let grant_type = form.need("grant_type", "grant_type is missing")?;
    let Some(grant_type) = GrantType::parse(grant_type) else {
        return Err(Code::UnsupportedGrantType
            .because("this grant_type is not supported")
            .with("grant_type", grant_type)
            .with("client_id", &client.id)
            .into());
    };
    if !client.may_use(grant_type) {
        return Err(Code::UnauthorizedClient
            .because("the client is not registered for this grant_type")
            .with("grant_type", grant_type.as_str())
            .with("client_id", &client.id)
            .into());
    }
    let tokens = match grant_type {
        GrantType::AuthorizationCode => code::redeem(&call, &client, &form).await?,
        GrantType::RefreshToken => refresh::rotate(&call, &client, &form).await?,
        GrantType::ClientCredentials => client_credentials::grant(&call, &client, &form).await?,
    };
    Ok(success(&tokens))
}

/// RFC 6749 §5.1.
#[derive(Serialize)]
struct Success<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: Seconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

/// The only place that writes tokens into a response.
fn success(tokens: &Tokens) -> Response {
    json::ok(&Success {
        access_token: tokens.access.expose(),
        token_type: tokens.confirmation.token_type(),
        expires_in: tokens.expires_in,
        refresh_token: tokens.refresh.as_ref().map(|token| token.expose()),
        id_token: tokens.id_token.as_ref().map(|token| token.expose()),
        scope: tokens.scope.to_string(),
    })
}
