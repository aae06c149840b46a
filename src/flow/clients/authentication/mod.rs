//! Client authentication: [RFC 6749 §2.3], [OIDC Core §9], [RFC 7523 §3], [RFC 8705 §2].
//!
//! Each client is registered for exactly one method, and no other is accepted (RFC 9700 §2.5).
//!
//! [RFC 6749 §2.3]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3
//! [OIDC Core §9]: https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication
//! [RFC 7523 §3]: https://www.rfc-editor.org/rfc/rfc7523#section-3
//! [RFC 8705 §2]: https://www.rfc-editor.org/rfc/rfc8705#section-2

mod certificate;

use std::sync::Arc;

pub(in crate::flow) use self::certificate::must_bind;
use super::registration::LONGEST_OVERLAP;
use crate::flow::Call;
use crate::jose::claims::{Audience, Claims};
use crate::jose::jws::{Jws, Keys, Typ, Verified};
use crate::jose::seal::{self, Owner};
use crate::store::replays;
use crate::types::client::{AssertionAudience, AuthMethod, Profile, StoredSecret};
use crate::types::time::AHEAD;
use crate::types::token::ClientSecret;
use crate::types::{
    Algorithm, Client, ClientId, Code, Failure, Refusal, Result, Seconds, Secret, Timestamp,
};

/// How far a client's clock may be off.
const LEEWAY: Seconds = Seconds(10);

/// The longest lifetime of an assertion: longer ones would fill the replay store (THREATS TE-15).
const LONGEST: Seconds = Seconds::minutes(5);

/// The credentials that a client presents.
#[derive(Debug)]
pub enum Presented {
    /// In the `Authorization` header.
    Basic {
        /// `client_id`
        id: ClientId,
        /// `client_secret`
        secret: Secret,
    },
    /// In the body.
    Post {
        /// `client_id`
        id: ClientId,
        /// `client_secret`
        secret: Secret,
    },
    /// `client_assertion` of the type `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    Assertion {
        /// `client_id`, which is optional.
        id: Option<ClientId>,
        /// `client_assertion`
        jwt: Secret,
    },
    /// `client_id` alone: the certificate of the connection authenticates the client, or nothing does (RFC 8705 §2).
    Named {
        /// `client_id`
        id: ClientId,
    },
}

/// Authenticates a client. `path` is that of the endpoint.
///
/// # Errors
/// `invalid_client`, with the same text for unknown and disabled clients and wrong credentials.
pub async fn authenticate(
    call: &Call<'_>,
    presented: &Presented,
    path: &str,
) -> Result<Arc<Client>> {
    let id = match presented {
        Presented::Basic { id, .. } | Presented::Post { id, .. } | Presented::Named { id } => {
            id.clone()
        }
        Presented::Assertion { id, jwt } => claimed_client(id.as_ref(), jwt)?,
    };
    let Some(client) = call.cache.client(&id).await? else {
        return Err(failed().with("client_id", &id).with("reason", "unknown client").into());
    };
    if client.disabled_at.is_some() {
        return Err(failed().with("client_id", &id).with("reason", "disabled client").into());
    }
    certificate::must_not_be_revoked(call, &client).await?;
    let registered = client.metadata.token_endpoint_auth_method;
    let is_authenticated = match (registered, presented) {
        (AuthMethod::ClientSecretBasic, Presented::Basic { secret, .. })
        | (AuthMethod::ClientSecretPost, Presented::Post { secret, .. }) => {
            is_secret_of(&client, secret, call.now)
        }
        (
            AuthMethod::ClientSecretJwt | AuthMethod::PrivateKeyJwt,
            Presented::Assertion { jwt, .. },
        ) => {
            // Boxed: most clients have a secret and do not need this large future.
            Box::pin(assertion(call, &client, jwt, path)).await?;
            true
        }
        (
            AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth,
            Presented::Named { .. },
        ) => {
            Box::pin(certificate::authenticate(call, &client)).await?;
            true
        }
        (AuthMethod::None, Presented::Named { .. }) => true,
        (
            AuthMethod::ClientSecretBasic
            | AuthMethod::ClientSecretPost
            | AuthMethod::ClientSecretJwt
            | AuthMethod::PrivateKeyJwt
            | AuthMethod::TlsClientAuth
            | AuthMethod::SelfSignedTlsClientAuth
            | AuthMethod::None,
            _,
        ) => {
            return Err(failed()
                .with("client_id", &id)
                .with("reason", "another method than the registered one")
                .with("registered", registered.as_str())
                .into());
        }
    };
    if !is_authenticated {
        return Err(failed().with("client_id", &id).with("reason", "wrong secret").into());
    }
    Ok(client)
}

/// The one error for a client that is not authenticated.
pub(in crate::flow) const fn failed() -> Refusal {
    Code::InvalidClient.because("the client is unknown, disabled or not authenticated")
}

/// Compares the digest with those of the valid secrets, in constant time.
fn is_secret_of(client: &Client, secret: &Secret, now: Timestamp) -> bool {
    let Some(secret) = ClientSecret::parse(secret.expose()) else {
        return false;
    };
    let digest = secret.digest();
    live(client, now).fold(false, |matches, stored| matches | stored.digest.matches(&digest))
}

fn live(client: &Client, now: Timestamp) -> impl Iterator<Item = &StoredSecret> {
    // A wrong clock may have set an expiry that is years ahead.
    let latest = now + LONGEST_OVERLAP + AHEAD;
    let is_live = move |at: Timestamp| at > now && at <= latest;
    client.secrets.iter().filter(move |stored| stored.expires_at.is_none_or(is_live))
}

/// The client that an assertion claims to be of, to find the keys that verify it.
fn claimed_client(beside: Option<&ClientId>, jwt: &Secret) -> Result<ClientId> {
    let wrong = |why| failed().with("reason", why);
    let claims = Jws::parse(jwt.expose()).and_then(|jws| jws.unverified_claims()).map_err(wrong)?;
    let issuer = claims.get("iss").and_then(serde_json::Value::as_str).unwrap_or_default();
    let id = ClientId::from_text(issuer);
    if beside.is_some_and(|beside| *beside != id) {
        return Err(wrong("client_id differs from the iss of the assertion").into());
    }
    Ok(id)
}

/// RFC 7523 §3, with the audience of rfc7523bis: the issuer alone, as a single string.
async fn assertion(call: &Call<'_>, client: &Client, jwt: &Secret, path: &str) -> Result<()> {
    let wrong = |why: &'static str| failed().with("client_id", &client.id).with("reason", why);
    let verified = match client.metadata.token_endpoint_auth_method {
        AuthMethod::ClientSecretJwt => shared(call, client, jwt).map_err(|why| match why {
            Unverified::Wrong(why) => wrong(why).into(),
            Unverified::Failed(failure) => crate::types::Error::Failed(failure),
        })?,
        AuthMethod::PrivateKeyJwt => {
            let jws = Jws::parse(jwt.expose()).map_err(wrong)?;
            let keys =
                call.client_keys.with(call, client, |keys| jws.may_be_signed_by(keys)).await?;
            let mut allowed = match client.metadata.token_endpoint_auth_signing_alg {
                Some(algorithm) => vec![algorithm],
                None => Algorithm::ACCEPTED.to_vec(),
            };
            allowed.retain(|algorithm| client.metadata.gw_profile.allows(*algorithm));
            let (key, verified) = jws.verify_by(&keys, &allowed, TYP).map_err(wrong)?;
            certificate::key_must_not_be_revoked(call, client, key).await?;
            verified
        }
        AuthMethod::ClientSecretBasic
        | AuthMethod::ClientSecretPost
        | AuthMethod::TlsClientAuth
        | AuthMethod::SelfSignedTlsClientAuth
        | AuthMethod::None => {
            return Err(wrong("another method than the registered one").into());
        }
    };
    let claims = Claims::parse(&verified.claims).map_err(wrong)?;
    claims.must_be_valid_at(call.now, LEEWAY).map_err(wrong)?;
    // > For client authentication, the subject MUST be the "client_id" of the OAuth client. (§3)
    if claims.issuer.as_deref() != Some(client.id.as_str()) || claims.subject != claims.issuer {
        return Err(wrong("iss and sub of the assertion are not both the client_id").into());
    }
    let Some(expires_at) = claims.expires_at else {
        return Err(wrong("the assertion has no exp").into());
    };
    if expires_at > call.now + LONGEST + LEEWAY {
        return Err(wrong("the assertion expires more than five minutes from now").into());
    }
    if !claims.audience.as_ref().is_some_and(|audience| is_audience(call, client, audience, path)) {
        return Err(wrong("aud of the assertion is not what is accepted for this client").into());
    }
    let Some(jti) = claims.id.as_deref() else {
        return Err(wrong("the assertion has no jti").into());
    };
    // Stored as long as it may be valid by the clock of any replica.
    let kept_until = expires_at + LEEWAY + LEEWAY;
    let kind = replays::Kind::ClientAssertion;
    let first =
        replays::first_use(call.store.db(), kind, client.id.as_str(), jti, kept_until).await?;
    if !first {
        return Err(wrong("the assertion was used before").into());
    }
    Ok(())
}

/// The `typ` of an assertion: none, or one of the names in use.
const TYP: Typ<'static> = Typ::AbsentOr(&["JWT", "client-authentication+jwt"]);

enum Unverified {
    Wrong(&'static str),
    Failed(Failure),
}

/// Verifies an assertion with the shared secrets, which are stored sealed.
fn shared(call: &Call<'_>, client: &Client, jwt: &Secret) -> Result<Verified, Unverified> {
    let mut last = "the client has no valid secret";
    for stored in live(client, call.now) {
        let Some(sealed) = &stored.sealed else {
            continue;
        };
        let clear =
            call.keyring.kek().open(Owner(seal::Kind::ClientSecret, client.id.as_str()), sealed);
        let clear = clear.map_err(|error| Unverified::Failed(Failure::internal(error)))?;
        let secret = std::str::from_utf8(&clear)
            .map(Secret::new)
            .map_err(|error| Unverified::Failed(Failure::internal(error)))?;
        let jws = Jws::parse(jwt.expose()).map_err(Unverified::Wrong)?;
        match jws.verify(Keys::Shared(&secret), &[Algorithm::Hs256], TYP) {
            Ok(verified) => return Ok(verified),
            Err(why) => last = why,
        }
    }
    Err(Unverified::Wrong(last))
}

/// DESIGN §8: `aud` is the issuer as a single string. `endpoints` also accepts the token endpoint and the called endpoint,
/// as a string or in an array of nothing else; never for the `fapi2` profile.
fn is_audience(call: &Call<'_>, client: &Client, audience: &Audience, path: &str) -> bool {
    let rule = match (client.metadata.gw_profile, client.metadata.gw_assertion_audience) {
        (Profile::Fapi2, _) => AssertionAudience::Issuer,
        (Profile::OAuth21, Some(rule)) => rule,
        (Profile::OAuth21, None) => call.config.clients.assertion_audience,
    };
    match rule {
        AssertionAudience::Issuer => audience.is_exactly(call.issuer()),
        AssertionAudience::Endpoints => {
            let token = call.config.issuer.endpoint("/token");
            let called = format!("{}{path}", call.config.issuer.origin());
            let is_accepted = |one: &str| one == call.issuer() || one == token || one == called;
            audience.iter().next().is_some() && audience.iter().all(is_accepted)
        }
    }
}
