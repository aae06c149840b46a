//! `grant_type=refresh_token`: [RFC 6749 §6], with the rotation of [RFC 9700 §4.14.2].
//!
//! A refresh token is a generation of its grant (DESIGN §3). It is not stored: one statement rotates it, and the
//! successor is computed.
//!
//! [RFC 6749 §6]: https://www.rfc-editor.org/rfc/rfc6749#section-6
//! [RFC 9700 §4.14.2]: https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2

use crate::flow::Call;
use crate::flow::clients::authentication;
use crate::flow::tokens::mint::{self, Access, For, IdTokenInput, Tokens};
use crate::flow::tokens::{audience, dpop};
use crate::people::session;
use crate::record::{Event, Kind};
use crate::store::grants::{self, Grant, PresentedToken, RefreshTerms, Rotation, Unchanged};
use crate::store::retrying;
use crate::store::sessions::Use;
use crate::types::client::{GrantType, Profile};
use crate::types::{
    Bonds, Client, Code, Params, Refusal, ResourceId, Result, Scope, Seconds, Secret, Thumbprint,
    Timestamp,
};

/// How far the clocks of two replicas may differ. A rotation further in the future was recorded by a wrong
/// clock, and its age is unknown.
const SKEW: Seconds = Seconds(2);

/// Exchanges a refresh token for the next one and a new access token.
///
/// A token that is presented after its successor was used has been copied. The server cannot tell the thief
/// from the owner, so the grant is revoked, and the revocation is committed although the request is refused.
///
/// Everything that can fail or be refused precedes the deciding statement, and nothing after it waits: neither a
/// fault nor a refusal consumes the token (THREATS EX-04).
///
/// # Errors
/// `invalid_grant`, `invalid_scope`, `invalid_target`.
pub async fn rotate(call: &Call<'_>, client: &Client, params: &Params) -> Result<Tokens> {
    let text = params.need("refresh_token", "refresh_token is missing")?;
    let Some(presented) = mint::parse_refresh(call, text).await? else {
        return Err(Code::InvalidGrant
            .because("the refresh token was not issued by this server")
            .into());
    };
    let scope = params.one("scope")?.map(Scope::parse).transpose()?;
    let resources = audience::requested(call, client, params).await?;
    let Some(grant) = grants::find(call.store.db(), &presented.grant_id, &client.id).await? else {
        return Err(invalid(&presented, "revoked, unknown, or issued to another client").into());
    };
    let prepared = Prepared::new(call, client, &grant, scope, resources).await?;
    authentication::must_bind(call, client).await?;
    dpop::spend(call, call.store.db()).await?;
    let reserved = call.recorder.reserve().await?;

    let generation = match decide(call, client, &presented, &grant, &prepared.access).await? {
        Decision::Rotated(generation) | Decision::Repeated(generation) => generation,
        Decision::Replay => {
            retrying(|| revoke_replayed(call, client, &presented)).await?;
            if is_newer(&presented, &grant) {
                tracing::warn!(
                    grant_id = %grant.id,
                    "a refresh token is newer than the database, and its grant is revoked: if a standby was promoted or a backup restored, declare it (gatewright database failed-over)"
                );
            }
            return Err(Code::InvalidGrant
                .because(
                    "the refresh token was used before; its grant and all tokens of it are revoked",
                )
                .with("grant_id", &presented.grant_id)
                .with("generation", presented.generation)
                .into());
        }
        Decision::Invalid(reason) => return Err(invalid(&presented, reason).into()),
    };
    let Prepared { access, scope, id_token } = prepared;
    mint::record(call, reserved, access.issued);
    Ok(Tokens {
        expires_in: access.expires_in,
        access: access.token,
        confirmation: access.confirmation,
        scope,
        refresh: Some(mint::refresh(&call.keyring.keys(), &grant.id, generation)?),
        id_token,
    })
}

/// The tokens beside the next refresh token.
struct Prepared {
    access: Access,
    scope: Scope,
    id_token: Option<Secret>,
}

impl Prepared {
    /// Evaluates the policy again at each refresh: what the client is no longer registered for is not issued.
    async fn new(
        call: &Call<'_>,
        client: &Client,
        grant: &Grant,
        scope: Option<Scope>,
        resources: Vec<ResourceId>,
    ) -> Result<Self> {
        let scope = mint::narrowed_scope(client, &grant.scope, scope)?;
        let resources = audience::narrowed(&grant.resources, resources)?;
        let known = call.cache.resources().await?;
        audience::must_be_allowed(call, &known, client, &resources)?;
        let shape = audience::shape(call, &known, client, &resources);
        let by = GrantType::RefreshToken;
        let access = mint::access(call, client, For::Grant(grant), by, &scope, &shape)?;
        let id_token = if scope.has("openid") {
            let about = mint::id_token_claims(call.store.db(), client, grant, &scope).await?;
            let of = IdTokenInput { grant, access: &access.token, code: None, nonce: None, about };
            Some(mint::id_token(call, client, of)?)
        } else {
            None
        };
        Ok(Self { access, scope, id_token })
    }
}

/// What a presented refresh token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    /// The current one; the grant has this generation now.
    Rotated(i64),
    /// The previous one, within the grace period or an outage. The response is repeated: this generation is current.
    Repeated(i64),
    /// A used one: the grant is revoked.
    Replay,
    /// Not valid, for this reason.
    Invalid(&'static str),
}

/// The deciding statement, in a transaction if anything else is written.
async fn decide(
    call: &Call<'_>,
    client: &Client,
    presented: &PresentedToken,
    grant: &Grant,
    access: &Access,
) -> Result<Decision> {
    if !access.has_row() && !is_newer(presented, grant) {
        // The grant and the session are two rows: on PostgreSQL the statement may lose a deadlock.
        return retrying(|| async {
            let now = call.clock.now();
            let (terms, session) = (terms(call, client, now), session_use(call, grant, now));
            let on = call.store.db();
            let rotation = grants::rotate(on, presented, &client.id, terms, session, now).await?;
            Ok(classify(call, presented, terms, rotation, now))
        })
        .await;
    }
    retrying(|| async {
        let mut tx = call.store.write().await?;
        let now = call.clock.now();
        let (terms, session) = (terms(call, client, now), session_use(call, grant, now));
        let rotation = grants::rotate(&mut tx, presented, &client.id, terms, session, now).await?;
        let decision = classify(call, presented, terms, rotation, now);
        if matches!(decision, Decision::Rotated(_) | Decision::Repeated(_)) {
            access.store(&mut tx).await?;
            if is_newer(presented, grant) {
                Event::success(Kind::RefreshRecovered)
                    .client(&client.id)
                    .user(&grant.user_id)
                    .grant(&grant.id)
                    .fact("generation", presented.generation)
                    .fact("stored_generation", grant.generation)
                    .write(&mut tx, call.trace)
                    .await?;
            }
            tx.commit().await?;
        }
        Ok(decision)
    })
    .await
}

/// A refresh of a grant that ends with its session counts as activity of the session (DESIGN §8).
fn session_use<'a>(call: &Call<'_>, grant: &'a Grant, now: Timestamp) -> Option<Use<'a>> {
    let seen_at = grant.session_seen_at.filter(|_| !grant.offline)?;
    session::due_use(&call.config.sessions, &grant.session_id, seen_at, now)
}

/// Classifies a refresh token that did not rotate its grant. `now` is when the statement was sent.
fn classify(
    call: &Call<'_>,
    presented: &PresentedToken,
    terms: RefreshTerms,
    rotation: Rotation,
    now: Timestamp,
) -> Decision {
    let grant = match rotation {
        Rotation::Rotated(generation) => return Decision::Rotated(generation),
        Rotation::Unchanged(None) => return Decision::Invalid(NOT_LIVE),
        Rotation::Unchanged(Some(grant)) => grant,
    };
    if !is_bound_to(&grant, terms.bonds) {
        return Decision::Invalid("bound to a certificate or a key that was not presented");
    }
    if !grant.is_live || (grant.offline && !terms.offline) {
        return Decision::Invalid(NOT_LIVE);
    }
    // Its successor is unused only if it is the previous generation. Every older one is a replay, and so is one
    // newer than the grant: it follows a restored backup, or a failover that was not declared.
    let is_previous = grant.generation == presented.generation + 1;
    if is_previous && may_be_lost(call, now - grant.rotated_at) {
        Decision::Repeated(grant.generation)
    } else {
        Decision::Replay
    }
}

const NOT_LIVE: &str = "expired, revoked, or offline while the client may not be";

/// Whether the certificate and the key that the client presents are those that its refresh tokens are bound to.
fn is_bound_to(grant: &Unchanged, presented: Bonds) -> bool {
    let fits = |bound: Option<Thumbprint>, presented| bound.is_none() || bound == presented;
    fits(grant.public_key, presented.public_key) && fits(grant.proof_key, presented.proof_key)
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
        bonds: call.possession.bonds(client),
    }
}

/// Whether the response to the first use may have been lost: it was this long ago, within the grace period or an
/// outage of the database. If the first use is further in the future than clocks differ, a wrong clock recorded it,
/// and its age is unknown (THREATS CL-02).
fn may_be_lost(call: &Call<'_>, ago: Seconds) -> bool {
    let is_plausible = ago >= Seconds(-SKEW.0);
    is_plausible && (ago <= call.config.tokens.refresh_grace || call.store.outages().excuse(ago))
}

/// Whether the database has lost rotations that the token has seen: it was restored, or lags behind the one that
/// failed (decision 0029).
const fn is_newer(presented: &PresentedToken, grant: &Grant) -> bool {
    presented.generation > grant.generation
}

async fn revoke_replayed(
    call: &Call<'_>,
    client: &Client,
    presented: &PresentedToken,
) -> Result<()> {
    let mut tx = call.store.write().await?;
    grants::revoke(&mut tx, &presented.grant_id, call.now).await?;
    Event::of(Kind::RefreshReplayed, "invalid_grant")
        .client(&client.id)
        .grant(&presented.grant_id)
        .fact("generation", presented.generation)
        .write(&mut tx, call.trace)
        .await?;
    tx.commit().await?;
    Ok(())
}

fn invalid(presented: &PresentedToken, reason: &'static str) -> Refusal {
    Code::InvalidGrant
        .because("the refresh token is not valid")
        .with("reason", reason)
        .with("grant_id", &presented.grant_id)
        .with("generation", presented.generation)
}
