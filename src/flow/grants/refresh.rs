//! `grant_type=refresh_token`: [RFC 6749 §6], with the rotation of [RFC 9700 §4.14.2].
//!
//! A refresh token is a generation of its grant (DESIGN §3). It is stored nowhere: rotating it is one
//! statement, and the successor is computed.
//!
//! [RFC 6749 §6]: https://www.rfc-editor.org/rfc/rfc6749#section-6
//! [RFC 9700 §4.14.2]: https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2

use crate::flow::Call;
use crate::flow::clients::authentication;
use crate::flow::tokens::mint::{self, Access, For, IdTokenOf, Tokens};
use crate::flow::tokens::{audience, dpop};
use crate::people::session;
use crate::record::{Event, Kind};
use crate::store::grants::{self, Grant, PresentedToken, RefreshTerms, Rotation};
use crate::store::retrying;
use crate::types::client::{GrantType, Profile};
use crate::types::{
    Client, Code, Params, Refusal, ResourceId, Result, Scope, Seconds, Secret, Timestamp,
};

/// By so much the clocks of two replicas may differ. A token that was spent further ahead than that was
/// spent by a clock that was wrong, and nobody knows how long ago that was.
const SKEW: Seconds = Seconds(2);

/// Trades a refresh token for the next one and a fresh access token.
///
/// A token presented again after its successor was used means that a copy is abroad. We cannot tell
/// the thief from the owner, so the grant dies, and that is committed although the request is refused.
///
/// All that can fail or refuse comes before the statement that decides, and nothing after it waits: no
/// fault of ours and no refusal spends the token (THREATS EX-04).
///
/// # Errors
/// `invalid_grant`, `invalid_scope`, `invalid_target`.
pub async fn rotate(call: &Call<'_>, client: &Client, params: &Params) -> Result<Tokens> {
    let text = params.need("refresh_token", "refresh_token is missing")?;
    let Some(presented) = mint::presented(call, text).await? else {
        return Err(Code::InvalidGrant.because("the refresh token is not one of ours").into());
    };
    let scope = params.one("scope")?.map(Scope::parse).transpose()?;
    let resources = audience::asked(call, client, params).await?;
    let Some(grant) = grants::find(call.store.db(), &presented.grant_id, &client.id).await? else {
        return Err(dead(&presented, "revoked, unknown, or issued to another client").into());
    };
    let made = Made::of(call, client, &grant, scope, resources).await?;
    authentication::must_bind(call, client).await?;
    dpop::spend(call, call.store.db()).await?;
    let reserved = call.recorder.reserve().await?;

    let generation = match decide(call, client, &presented, &grant, &made.access).await? {
        Rotation::Rotated(generation) => generation,
        Rotation::Spent { successor, ago } if is_answered_again(call, ago) => successor,
        Rotation::Spent { .. } | Rotation::Replayed => {
            retrying(|| replayed(call, client, &presented)).await?;
            if is_newer(&presented, &grant) {
                tracing::warn!(
                    grant_id = %grant.id,
                    "a refresh token is newer than the database, and its grant is revoked: if a standby was promoted or a backup put back, declare it (gatewright database failed-over)"
                );
            }
            return Err(Code::InvalidGrant
                .because("the refresh token was used before; everything that came of it is revoked")
                .with("grant_id", &presented.grant_id)
                .with("generation", presented.generation)
                .into());
        }
        Rotation::Unheld => {
            let reason = "bound to a certificate or a key that was not shown";
            return Err(dead(&presented, reason).into());
        }
        Rotation::Dead => {
            let reason = "expired, revoked, or offline while the client may not be";
            return Err(dead(&presented, reason).into());
        }
    };
    let Made { access, scope, id_token } = made;
    mint::note(call, reserved, access.issued);
    Ok(Tokens {
        expires_in: access.expires_in,
        access: access.token,
        confirmation: access.confirmation,
        scope,
        refresh: Some(mint::refresh(&call.keyring.keys(), &grant.id, generation)?),
        id_token,
    })
}

/// What is answered beside the next refresh token.
struct Made {
    access: Access,
    scope: Scope,
    id_token: Option<Secret>,
}

impl Made {
    /// Policy is asked again at each refresh: what a client may not have any more, it does not get.
    async fn of(
        call: &Call<'_>,
        client: &Client,
        grant: &Grant,
        scope: Option<Scope>,
        resources: Vec<ResourceId>,
    ) -> Result<Self> {
        let scope = mint::allowed(client, &grant.scope, scope)?;
        let resources = audience::narrowed(&grant.resources, resources)?;
        let known = call.cache.resources().await?;
        audience::must_be_open(call, &known, client, &resources)?;
        let shape = audience::shape(call, &known, client, &resources);
        let by = GrantType::RefreshToken;
        let access = mint::access(call, client, For::Grant(grant), by, &scope, &shape)?;
        let id_token = if scope.has("openid") {
            let about = mint::about(call.store.db(), client, grant, &scope).await?;
            let of = IdTokenOf { grant, access: &access.token, code: None, nonce: None, about };
            Some(mint::id_token(call, client, of)?)
        } else {
            None
        };
        Ok(Self { access, scope, id_token })
    }
}

/// The statement that decides; in a transaction with what else is to be written, where there is something.
async fn decide(
    call: &Call<'_>,
    client: &Client,
    presented: &PresentedToken,
    grant: &Grant,
    access: &Access,
) -> Result<Rotation> {
    // A refresh of a grant that lives with its session counts as activity there (DESIGN §8).
    let session = grant
        .session_seen_at
        .filter(|seen_at| !grant.offline && session::is_to_be_touched(*seen_at, call.now));
    if session.is_none() && !access.has_row() && !is_newer(presented, grant) {
        let now = call.clock.now();
        let terms = terms(call, client, now);
        let rotation = grants::rotate(call.store.db(), presented, &client.id, terms, now).await?;
        return Ok(rotation);
    }
    retrying(|| async {
        let mut tx = call.store.write().await?;
        let now = call.clock.now();
        let terms = terms(call, client, now);
        let rotation = grants::rotate(&mut tx, presented, &client.id, terms, now).await?;
        let is_answered = match rotation {
            Rotation::Rotated(_) => true,
            Rotation::Spent { ago, .. } => is_answered_again(call, ago),
            Rotation::Replayed | Rotation::Unheld | Rotation::Dead => false,
        };
        if is_answered {
            access.keep(&mut tx).await?;
            if let Some(seen_at) = session {
                let (config, id) = (&call.config.sessions, &grant.session_id);
                session::touch(&mut tx, config, id, seen_at, now).await?;
            }
            if is_newer(presented, grant) {
                Event::success(Kind::RefreshRecovered)
                    .client(&client.id)
                    .user(&grant.user_id)
                    .grant(&grant.id)
                    .fact("generation", presented.generation)
                    .fact("stored_generation", grant.generation)
                    .write(&mut tx, &call.trace)
                    .await?;
            }
            tx.commit().await?;
        }
        Ok(rotation)
    })
    .await
}

fn terms(call: &Call<'_>, client: &Client, now: Timestamp) -> RefreshTerms {
    RefreshTerms {
        rotates: match client.metadata.gw_profile {
            Profile::OAuth21 => true,
            // > shall not use refresh token rotation except in extraordinary circumstances
            // (FAPI 2.0 Security Profile §5.3.2.1)
            Profile::Fapi2 => false,
        },
        offline: client.scope().has("offline_access"),
        idle_at: now + call.config.tokens.refresh_idle,
        bonds: call.held.bonds(client),
    }
}

/// Whether the answer may have been lost on its way: the token was spent a moment ago, or while the store
/// did not answer. What was spent further ahead than clocks differ was spent by a clock that was wrong: how
/// long ago, nobody knows (THREATS CL-02).
fn is_answered_again(call: &Call<'_>, ago: Seconds) -> bool {
    let is_plausible = ago >= Seconds(-SKEW.0);
    is_plausible && (ago <= call.config.tokens.refresh_grace || call.store.outages().excuse(ago))
}

/// Whether the database has forgotten rotations that the token has seen: it was restored, or lags behind the
/// one that was lost (decision 0029).
const fn is_newer(presented: &PresentedToken, grant: &Grant) -> bool {
    presented.generation > grant.generation
}

async fn replayed(call: &Call<'_>, client: &Client, presented: &PresentedToken) -> Result<()> {
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

fn dead(presented: &PresentedToken, reason: &'static str) -> Refusal {
    Code::InvalidGrant
        .because("the refresh token is not valid")
        .with("reason", reason)
        .with("grant_id", &presented.grant_id)
        .with("generation", presented.generation)
}
