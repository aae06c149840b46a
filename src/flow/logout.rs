//! Signing out at a client's request: [OIDC RP-Initiated Logout 1.0].
//!
//! [OIDC RP-Initiated Logout 1.0]: https://openid.net/specs/openid-connect-rpinitiated-1_0.html

use std::sync::Arc;

use crate::flow::Call;
use crate::flow::authorize::{AuthorizationError, Hint, Home, read_hint};
use crate::flow::clients::redirect_uri;
use crate::flow::clients::uri::with_parameters;
use crate::flow::tokens::{sid, subject};
use crate::store::sessions::SignedIn;
use crate::types::{Client, ClientId, Code, Error, Params, Refusal, Result};

/// A logout request that has passed its checks.
#[derive(Debug)]
pub struct Request {
    /// Who asks, if it is known.
    pub client: Option<Arc<Client>>,
    /// Where the browser goes afterwards, with its `state`.
    pub return_to: Option<String>,
    /// The languages that the user reads.
    pub ui_locales: Option<String>,
    /// What the hint says about who signed in, and when.
    hint: Option<Hint>,
}

impl Request {
    /// The client, if an ID token proves that it is the one that asks: anybody can write down a `client_id`.
    pub fn proven_client(&self) -> Option<&Client> {
        self.hint.as_ref().and(self.client.as_deref())
    }
}

/// Reads a request: §2, §3.
///
/// > When an id_token_hint parameter is present, the OP MUST validate that it was the issuer of the ID
/// > Token. […] the OP SHOULD accept ID Tokens when the RP identified by the ID Token's aud claim and/or
/// > sid claim has a current session or had a recent session at the OP, even when the exp time has
/// > passed. (§2)
///
/// # Errors
/// A page: nothing is redirected to that was not registered for this client, byte by byte. It leads back to a client
/// that a hint proves.
pub async fn read(call: &Call<'_>, params: &Params) -> Result<Request, AuthorizationError> {
    params.must_be_unique()?;
    let named = params.one("client_id")?.map(ClientId::from_text);
    let hint = params
        .one("id_token_hint")?
        .map(|hint| read_hint(call, hint))
        .transpose()
        .map_err(unproven)?;
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
            let read = return_to(client.as_deref(), uri, state).map_err(|refusal| {
                let proven = hint.as_ref().and(client.as_ref());
                AuthorizationError::OnPage(refusal.into(), proven.map(Home::of))
            });
            Some(read?)
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

/// What is wrong with a hint, said on the page of a sign-out.
fn unproven(error: Error) -> Error {
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

/// Whether the user has to be asked first.
///
/// > the OP SHOULD ask the End-User whether to log out of the OP as well. Furthermore, the OP MUST ask
/// > the End-User this question if an id_token_hint was not provided or if the supplied ID Token does
/// > not belong to the current OP session (§2)
///
/// A hint of this very sign-in is something that only its client has; any other page of the web must
/// not be able to sign people out (THREATS LO-01).
///
/// # Errors
/// When our keys cannot be had.
pub fn must_ask(call: &Call<'_>, request: &Request, signed_in: &SignedIn) -> Result<bool> {
    let (Some(client), Some(hint)) = (&request.client, &request.hint) else {
        return Ok(true);
    };
    let keys = call.keys()?;
    let is_theirs = hint.subject == subject::of(&keys, client, &signed_in.user.id);
    Ok(!is_theirs || !sid::is_of(&hint.sid, &keys, &client.id, &signed_in.session.id))
}
