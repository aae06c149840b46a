//! Logout at a client's request: [OIDC RP-Initiated Logout 1.0].
//!
//! [OIDC RP-Initiated Logout 1.0]: https://openid.net/specs/openid-connect-rpinitiated-1_0.html

use std::sync::Arc;

use crate::flow::Call;
use crate::flow::authorize::id_token_hint::{self, Hint};
use crate::flow::authorize::{AuthorizationError, Home};
use crate::flow::clients::redirect_uri;
use crate::flow::clients::uri::with_parameters;
use crate::flow::tokens::{sid, subject};
use crate::store::sessions::SignedIn;
use crate::types::{Client, ClientId, Code, Error, Params, Refusal, Result};

/// A logout request that has passed its checks.
#[derive(Debug)]
pub struct Request {
    /// The client, if it is known.
    pub client: Option<Arc<Client>>,
    /// `post_logout_redirect_uri`, with `state`.
    pub return_to: Option<String>,
    /// `ui_locales`: the preferred languages of the user.
    pub ui_locales: Option<String>,
    /// `id_token_hint`
    hint: Option<Hint>,
}

impl Request {
    /// The client, if an ID token proves that the request is its own; a `client_id` proves nothing.
    pub fn verified_client(&self) -> Option<&Client> {
        self.hint.as_ref().and(self.client.as_deref())
    }
}

/// Parses and validates a request: §2, §3.
///
/// > When an id_token_hint parameter is present, the OP MUST validate that it was the issuer of the ID
/// > Token. […] the OP SHOULD accept ID Tokens when the RP identified by the ID Token's aud claim and/or
/// > sid claim has a current session or had a recent session at the OP, even when the exp time has
/// > passed. (§2)
///
/// # Errors
/// An error page: a redirect goes only to a URI that is registered for this client, byte by byte. The page links to
/// the application of a client that a hint verifies.
pub async fn parse(call: &Call<'_>, params: &Params) -> Result<Request, AuthorizationError> {
    params.must_be_unique()?;
    let named = params.one("client_id")?.map(ClientId::from_text);
    let hint = params
        .one("id_token_hint")?
        .map(|hint| id_token_hint::parse(call, hint))
        .transpose()
        .map_err(invalid_hint)?;
    // > the OP MUST verify that the Client Identifier matches the one used when issuing the ID Token (§2)
    if let (Some(named), Some(hint)) = (&named, &hint)
        && *named != hint.client_id
    {
        return Err(Code::UnprovenLogout
            .because("client_id is not the client that the id_token_hint was issued to")
            .into());
    }
    let client = match hint.as_ref().map(|hint| hint.client_id.clone()).or(named) {
        Some(id) => call.cache.client(&id).await?.filter(|client| client.disabled_at.is_none()),
        None => None,
    };
    let return_to = match params.one("post_logout_redirect_uri")? {
        Some(uri) => {
            let state = params.one("state")?;
            let validated = return_to(client.as_deref(), uri, state).map_err(|refusal| {
                let verified = hint.as_ref().and(client.as_ref());
                AuthorizationError::OnPage(refusal.into(), verified.map(Home::of))
            });
            Some(validated?)
        }
        None => None,
    };
    Ok(Request {
        return_to,
        ui_locales: params.one("ui_locales")?.map(str::to_owned),
        hint,
        client,
    })
}

/// An invalid hint, as an error of the logout page.
fn invalid_hint(error: Error) -> Error {
    match error {
        Error::Refused(refusal) => Refusal { code: Code::UnprovenLogout, ..refusal }.into(),
        failed @ Error::Failed(_) => failed,
    }
}

/// > its value MUST have been previously registered with the OP […] the OP MUST NOT perform
/// > post-logout redirection if the value […] does not exactly match one of the previously registered
/// > values. (§2, §3)
fn return_to(client: Option<&Client>, uri: &str, state: Option<&str>) -> Result<String, Refusal> {
    let Some(client) = client else {
        return Err(Code::UnprovenLogout
            .because("post_logout_redirect_uri needs an id_token_hint or a client_id beside it"));
    };
    redirect_uri::matches_after_logout(client, uri).map_err(|mismatch| {
        Code::UnprovenLogout
            .because("post_logout_redirect_uri is not registered for this client")
            .with("client_id", &client.id)
            .with("presented", uri)
            .with("comparison", mismatch)
    })?;
    Ok(match state {
        Some(state) => with_parameters(uri, [("state", state)]),
        None => uri.to_owned(),
    })
}

/// Whether the user must confirm the logout.
///
/// > the OP SHOULD ask the End-User whether to log out of the OP as well. Furthermore, the OP MUST ask
/// > the End-User this question if an id_token_hint was not provided or if the supplied ID Token does
/// > not belong to the current OP session (§2)
///
/// Only the client of this session has its ID token; other sites must not be able to sign users out (THREATS LO-01).
///
/// # Errors
/// If the keys could not be confirmed.
pub fn needs_confirmation(
    call: &Call<'_>,
    request: &Request,
    signed_in: &SignedIn,
) -> Result<bool> {
    let (Some(client), Some(hint)) = (&request.client, &request.hint) else {
        return Ok(true);
    };
    let keys = call.keys()?;
    let is_same_user = hint.subject == subject::for_client(&keys, client, &signed_in.user.id);
    Ok(!is_same_user || !sid::matches(&hint.sid, &keys, &client.id, &signed_in.session.id))
}
