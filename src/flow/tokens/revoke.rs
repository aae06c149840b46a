//! Token revocation: [RFC 7009].
//!
//! [RFC 7009]: https://www.rfc-editor.org/rfc/rfc7009

use super::access_token::{self, AccessToken, Format};
use super::mint;
use crate::flow::Call;
use crate::record::{Event, Kind};
use crate::store::grants::{self, PresentedToken};
use crate::store::{opaque_tokens, retrying, revoked_tokens};
use crate::types::{Client, Code, Params, Refusal, Result};

/// Revokes a token: a refresh token together with its grant and all tokens of the grant, an access token alone.
///
/// > Note: invalid tokens do not cause an error response (§2.2)
///
/// # Errors
/// `invalid_request` without a token, or for a token of another client; 503 if the revocation could not be
/// written (THREATS DB-02).
pub async fn revoke(call: &Call<'_>, client: &Client, params: &Params) -> Result<()> {
    let text = params.need("token", "token is missing")?;
    // token_type_hint is ignored (§2.1): each kind of token has its own form.
    if let Some(presented) = mint::parse_refresh(call, text).await? {
        return refresh(call, client, &presented).await;
    }
    match access_token::parse(call, text).await? {
        Ok(token) => access(call, client, &token).await,
        Err(_) => Ok(()),
    }
}

/// > the authorization server […] verifies whether the token was issued to the client making the
/// > revocation request. If this validation fails, the request is refused (§2.1)
fn other_client() -> Refusal {
    Code::InvalidRequest.because("the token was issued to another client")
}

async fn refresh(call: &Call<'_>, client: &Client, presented: &PresentedToken) -> Result<()> {
    let id = &presented.grant_id;
    let Some(owner) = grants::client_of(call.store.db(), id).await? else {
        return Ok(());
    };
    if owner != client.id {
        return Err(other_client()
            .with("issued_to", &owner)
            .with("presented_by", &client.id)
            .into());
    }
    retrying(|| async {
        let mut tx = call.store.write().await?;
        if grants::revoke(&mut tx, id, call.now).await? {
            let event = Event::success(Kind::GrantRevoked).client(&client.id).grant(id);
            event.fact("by", "client").write(&mut tx, call.trace).await?;
        }
        tx.commit().await?;
        Ok(())
    })
    .await
}

async fn access(call: &Call<'_>, client: &Client, token: &AccessToken) -> Result<()> {
    if token.client_id != client.id {
        return Err(other_client()
            .with("issued_to", &token.client_id)
            .with("presented_by", &client.id)
            .into());
    }
    retrying(|| async {
        let mut tx = call.store.write().await?;
        match &token.format {
            Format::Opaque { digest, .. } => {
                opaque_tokens::revoke(&mut tx, digest, &client.id, call.now).await?;
            }
            Format::Jwt => {
                revoked_tokens::insert(&mut tx, &token.jti, token.expires_at, call.now).await?;
            }
        }
        let event = Event::success(Kind::TokenRevoked).client(&client.id);
        event.fact("jti", token.jti.as_str()).write(&mut tx, call.trace).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
