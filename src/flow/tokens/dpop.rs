//! DPoP: [RFC 9449].
//!
//! [`verify`] makes every check that needs no database. [`spend`] checks and records that the proof was not used
//! before, when everything else about the request is valid: only requests that would succeed fill the replay
//! store (THREATS DP-14).
//!
//! [RFC 9449]: https://www.rfc-editor.org/rfc/rfc9449

use crate::config::DpopNonce;
use crate::flow::Call;
use crate::jose::base64url;
use crate::jose::jws::Jws;
use crate::jose::mac::VersionedMac;
use crate::store::{Executor, replays};
pub use crate::types::Scheme;
use crate::types::{Code, Failure, Refusal, Result, Seconds, Timestamp};
pub use crate::verify::{Proof, Purpose};

/// How long a nonce is the current one.
const SLICE: Seconds = Seconds(60);

/// How many previous nonces are accepted.
const SLICES_BEFORE: i64 = 2;

/// How many future nonces are accepted: the clock of another replica may be ahead by less than a slice.
const SLICES_AHEAD: i64 = 1;

/// The URLs of an endpoint: its own, and its alias for clients with a certificate (RFC 8705 §5).
pub fn urls(call: &Call<'_>, path: &str) -> Vec<String> {
    let issuer = &call.config.issuer;
    let alias = call.config.mtls.url.as_ref().map(|alias| alias.endpoint(issuer, path));
    [issuer.endpoint(path)].into_iter().chain(alias).collect()
}

/// Verifies the proof of a request: §4.3, and the nonce if one is required.
///
/// # Errors
/// `invalid_dpop_proof`; `use_dpop_nonce` if everything else is valid (§8).
pub fn verify(call: &Call<'_>, text: &str, purpose: Purpose<'_>) -> Result<Proof> {
    let proof = Proof::verify(text, purpose, call.now).map_err(|why| {
        let claims = Jws::parse(text).and_then(|jws| jws.unverified_claims()).unwrap_or_default();
        let mut refusal = invalid(why).with("now", call.now).with("urls", purpose.urls.join(" "));
        for name in ["htm", "htu", "iat"] {
            if let Some(claim) = claims.get(name) {
                refusal = refusal.with(name, claim);
            }
        }
        refusal
    })?;
    match call.config.dpop.nonce {
        DpopNonce::Off => {}
        DpopNonce::Required => {
            must_be_nonce(&call.keys()?.dpop, proof.nonce.as_deref(), call.now)?;
        }
    }
    Ok(proof)
}

const fn invalid(why: &'static str) -> Refusal {
    Code::InvalidDpopProof.because(why)
}

/// Consumes the proof of this request, if there is one. Of concurrent requests with the same proof one succeeds, on
/// any replica and across restarts (§11.1).
///
/// # Errors
/// `invalid_dpop_proof` if it was used before.
pub async fn spend(call: &Call<'_>, on: impl Into<Executor<'_>>) -> Result<()> {
    let Some(proof) = &call.possession.proof else {
        return Ok(());
    };
    let (kind, key) = (replays::Kind::DpopProof, proof.key.to_string());
    if replays::first_use(on, kind, &key, &proof.id, proof.kept_until()).await? {
        return Ok(());
    }
    Err(invalid("the DPoP proof was used before: each request needs one of its own")
        .with("jkt", key)
        .into())
}

/// Verifies the proof of a request with an access token: §7.
/// [`Possession::must_match`](super::possession::Possession::must_match) compares its key with the token.
///
/// # Errors
/// Those of [`verify`]; `invalid_dpop_proof` if it is missing, `invalid_token` if it comes with a bearer token.
pub fn verify_with_token(
    call: &Call<'_>,
    scheme: Scheme,
    proof: Option<&str>,
    purpose: Purpose<'_>,
) -> Result<Option<Proof>> {
    match (scheme, proof) {
        (Scheme::Bearer, None) => Ok(None),
        (Scheme::Dpop, Some(proof)) => Ok(Some(verify(call, proof, purpose)?)),
        (Scheme::Dpop, None) => Err(invalid("the access token comes without a DPoP proof").into()),
        // A proof does not bind a bearer token, and the scheme must be DPoP (THREATS DP-07).
        (Scheme::Bearer, Some(_)) => Err(Code::InvalidToken
            .because("a DPoP proof comes with an access token that is sent as Bearer: the scheme is DPoP")
            .into()),
    }
}

/// The current nonce (§8): a slice of time under a MAC, so that every replica can compute it. It is unpredictable
/// before its slice begins: an attacker who can use a key for a moment cannot sign
/// proofs for later (§11.2).
///
/// # Errors
/// `Busy` if the keys could not be confirmed.
fn current_nonce(call: &Call<'_>) -> Result<String, Failure> {
    let slice = slice(call.now).to_be_bytes();
    Ok(base64url::encode(call.keys()?.dpop.seal(&slice)))
}

/// The nonce for the next proof of this client: if nonces are required, and the proof does not have the current one
/// already (§8.2).
///
/// # Errors
/// `Busy` if the keys could not be confirmed.
pub fn next_nonce(call: &Call<'_>, proof: Option<&Proof>) -> Result<Option<String>, Failure> {
    match call.config.dpop.nonce {
        DpopNonce::Off => Ok(None),
        DpopNonce::Required => {
            let current = current_nonce(call)?;
            let used = proof.and_then(|proof| proof.nonce.as_deref());
            Ok(Some(current).filter(|current| used != Some(current)))
        }
    }
}

const fn slice(now: Timestamp) -> i64 {
    now.0.div_euclid(SLICE.0)
}

/// Accepts the current nonce and recent ones, since the slice may have ended while the request was sent.
///
/// > If the nonce claim in the DPoP proof does not exactly match a nonce recently supplied by the
/// > authorization server to the client, the authorization server MUST reject the request. (§8)
///
/// > A server MUST NOT accept any DPoP proofs without the nonce claim when a DPoP nonce has been provided
/// > to the client. (§11.3)
fn must_be_nonce(mac: &VersionedMac, nonce: Option<&str>, now: Timestamp) -> Result<(), Refusal> {
    let use_another = |why| Err(Code::UseDpopNonce.because(why));
    let Some(nonce) = nonce else {
        return use_another("the DPoP proof needs the nonce of DPoP-Nonce");
    };
    let Some(used) = parse_nonce(mac, nonce) else {
        return use_another(
            "the nonce of the DPoP proof was not issued by this server: use that of DPoP-Nonce",
        );
    };
    let current = slice(now);
    if !(current - SLICES_BEFORE..=current + SLICES_AHEAD).contains(&used) {
        return use_another("the nonce of the DPoP proof is too old: use that of DPoP-Nonce");
    }
    Ok(())
}

fn parse_nonce(mac: &VersionedMac, nonce: &str) -> Option<i64> {
    let bytes = base64url::decode(nonce)?;
    let slice = mac.open(&bytes, size_of::<i64>()).ok()?;
    Some(i64::from_be_bytes(slice.try_into().ok()?))
}
