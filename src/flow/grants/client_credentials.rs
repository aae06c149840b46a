//! `grant_type=client_credentials`: [RFC 6749 §4.4].
//!
//! [RFC 6749 §4.4]: https://www.rfc-editor.org/rfc/rfc6749#section-4.4

use crate::flow::Call;
use crate::flow::clients::authentication;
use crate::flow::tokens::mint::{self, For, Tokens};
use crate::flow::tokens::{audience, dpop};
use crate::store::retrying;
use crate::types::client::GrantType;
use crate::types::scope::PERSONAL;
use crate::types::{Client, Code, Params, Result, Scope};

/// Issues a token to the client itself. A JWT writes nothing to the database; the client was checked in the cache,
/// which is at most a second old.
///
/// # Errors
/// `unauthorized_client`, `invalid_scope`, `invalid_target`.
pub async fn grant(call: &Call<'_>, client: &Client, params: &Params) -> Result<Tokens> {
    // > The client credentials grant type MUST only be used by confidential clients. (§4.4)
    if !client.is_confidential() {
        return Err(Code::UnauthorizedClient
            .because("a public client cannot use the client_credentials grant")
            .into());
    }
    let registered = client.scope();
    // A client has no claims about a user (THREATS TE-21).
    let own = Scope::from_tokens(registered.iter().filter(|token| !PERSONAL.contains(token)));
    let requested = params.one("scope")?.map(Scope::parse).transpose()?;
    let scope = own.narrowed(requested)?;
    let resources = audience::requested(call, client, params).await?;

    // A refusal must not consume the proof.
    authentication::must_bind(call, client).await?;
    dpop::spend(call, call.store.db()).await?;

    let known = call.cache.resources().await?;
    let shape = audience::shape(call, &known, client, &resources);
    let by = GrantType::ClientCredentials;
    let access = mint::access(call, client, For::Client, by, &scope, &shape)?;
    let reserved = call.recorder.reserve().await?;
    retrying(|| access.store(call.store.db())).await?;
    mint::record(call, reserved, access.issued);
    // > A refresh token SHOULD NOT be included. (§4.4.3)
    Ok(Tokens {
        expires_in: access.expires_in,
        access: access.token,
        scope,
        refresh: None,
        id_token: None,
        confirmation: access.confirmation,
    })
}
