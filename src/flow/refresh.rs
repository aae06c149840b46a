//! `grant_type=refresh_token`: [RFC 6749 §6], with the rotation of [RFC 9700 §4.14.2].
//!
//! A refresh token is a generation of its grant (DESIGN §3). It is stored nowhere: rotating it is one
//! statement, and the successor is computed.
//!
//! [RFC 6749 §6]: https://www.rfc-editor.org/rfc/rfc6749#section-6
//! [RFC 9700 §4.14.2]: https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2

use super::mint::{self, For, IdTokenOf, Tokens};
use super::{Call, audience, client_auth, dpop};
use crate::people::session;
use crate::record::{Event, Kind};
use crate::store::grants::{self, Grant, Presented, Rotation, Terms};
use crate::store::retrying;
use crate::types::client::{GrantType, Profile};
use crate::types::{Client, Code, Params, Refusal, ResourceId, Result, Scope};

/// Trades a refresh token for the next one and a fresh access token.
///
/// A token presented again after its successor was used means that a copy is abroad. We cannot tell
/// the thief from the owner, so the grant dies, and that is committed although the request is refused.
///
/// # Errors
/// `invalid_grant`, `invalid_scope`, `invalid_target`.
pub async fn rotate(call: &Call<'_>, client: &Client, params: &Params) -> Result<Tokens> {
    let text = params.need("refresh_token", "refresh_token is missing")?;
    let Some(presented) = mint::presented(call, text).await? else {
        return Err(Code::InvalidGrant.because("the refresh token is not one of ours").into());
    };
    let wanted = Wanted {
        scope: params.one("scope")?.map(Scope::parse).transpose()?,
        resources: audience::asked(call, client, params).await?,
    };
    must_be_granted(call, client, &presented, &wanted).await?;
    // A refusal must not spend the token.
    client_auth::must_bind(call, client).await?;
    dpop::spend(call, call.store.db()).await?;

    let tokens = &call.config.tokens;
    let terms = Terms {
        rotates: match client.metadata.gw_profile {
            Profile::OAuth21 => true,
            // > shall not use refresh token rotation except in extraordinary circumstances
            // (FAPI 2.0 Security Profile §5.3.2.1)
            Profile::Fapi2 => false,
        },
        offline: client.scope().has("offline_access"),
        idle_at: call.now + tokens.refresh_idle,
        grace: tokens.refresh_grace,
        bonds: call.held.bonds(client),
    };
    let rotation = grants::rotate(call.store.db(), &presented, &client.id, terms, call.now).await?;
    let grant = match rotation {
        Rotation::Rotated(grant) | Rotation::Repeated(grant) => grant,
        Rotation::Replayed => {
            retrying(|| replayed(call, client, &presented)).await?;
            return Err(Code::InvalidGrant
                .because("the refresh token was used before; everything that came of it is revoked")
                .with("grant_id", &presented.grant_id)
                .with("generation", presented.generation)
                .into());
        }
        Rotation::Foreign => return Err(dead(&presented, "issued to another client").into()),
        Rotation::Unheld => {
            let reason = "bound to a certificate or a key that was not shown";
            return Err(dead(&presented, reason).into());
        }
        Rotation::Dead => {
            let reason = "expired, revoked, unknown, or offline while the client may not be";
            return Err(dead(&presented, reason).into());
        }
    };
    answer(call, client, &grant, wanted).await
}

struct Wanted {
    scope: Option<Scope>,
    resources: Vec<ResourceId>,
}

/// A refusal must not spend the token. What was granted never changes, so it is read before the grant
/// is touched, and only when less than all of it is asked for.
async fn must_be_granted(
    call: &Call<'_>,
    client: &Client,
    presented: &Presented,
    wanted: &Wanted,
) -> Result<()> {
    if wanted.scope.is_none() && wanted.resources.is_empty() {
        return Ok(());
    }
    let id = &presented.grant_id;
    let Some(granted) = grants::granted(call.store.db(), id, &client.id).await? else {
        return Err(dead(presented, "unknown, or issued to another client").into());
    };
    mint::allowed(client, &granted.scope, wanted.scope.clone())?;
    audience::narrowed(&granted.resources, wanted.resources.clone())?;
    Ok(())
}

async fn replayed(call: &Call<'_>, client: &Client, presented: &Presented) -> Result<()> {
    let mut tx = call.store.write().await?;
    grants::revoke(&mut tx, &presented.grant_id, call.now).await?;
    Event::of(Kind::RefreshReplayed, "invalid_grant")
        .client(&client.id)
        .grant(&presented.grant_id)
        .fact("generation", presented.generation)
        .write(&mut tx, &call.trace)
        .await?;
    tx.commit().await?;
    Ok(())
}

fn dead(presented: &Presented, reason: &'static str) -> Refusal {
    Code::InvalidGrant
        .because("the refresh token is not valid")
        .with("reason", reason)
        .with("grant_id", &presented.grant_id)
        .with("generation", presented.generation)
}

async fn answer(call: &Call<'_>, client: &Client, grant: &Grant, wanted: Wanted) -> Result<Tokens> {
    // Policy is asked again at each refresh: what a client may not have any more, it does not get.
    let scope = mint::allowed(client, &grant.scope, wanted.scope)?;
    let resources = audience::narrowed(&grant.resources, wanted.resources)?;
    let known = call.cache.resources().await?;
    audience::must_be_open(call, &known, client, &resources)?;
    let shape = audience::shape(call, &known, client, &resources);
    let (by, on) = (GrantType::RefreshToken, call.store.db());
    let access = mint::access(call, on, client, For::Grant(grant), by, &scope, &shape).await?;
    let id_token = if scope.has("openid") {
        let about = mint::about(on, client, grant, &scope).await?;
        let of = IdTokenOf { grant, access: &access.token, code: None, nonce: None, about };
        Some(mint::id_token(call, client, of)?)
    } else {
        None
    };
    keep_session(call, grant).await;
    mint::note(call, access.issued).await?;
    Ok(Tokens {
        expires_in: access.expires_in,
        access: access.token,
        confirmation: access.confirmation,
        scope,
        refresh: Some(mint::refresh(&*call.keys()?, &grant.id, grant.generation)?),
        id_token,
    })
}

/// A refresh of a grant that lives with its session counts as activity there (DESIGN §8), written at
/// most once a minute. The token is spent already: for a note that could not be taken, its owner must
/// not be sent away without the next one.
async fn keep_session(call: &Call<'_>, grant: &Grant) {
    let (false, Some(seen_at)) = (grant.offline, grant.session_seen_at) else {
        return;
    };
    let (config, id) = (&call.config.sessions, &grant.session_id);
    if let Err(error) = session::touch(call.store, config, id, seen_at, call.now).await {
        tracing::warn!(%error, request_id = %call.trace.request_id, "a session's use was not noted");
    }
}
