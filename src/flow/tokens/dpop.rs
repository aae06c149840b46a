//! Proofs of possession of a key: [RFC 9449].
//!
//! [`read`] asks everything of a proof that can be asked without the database; [`spend`] asks the last
//! question, whether it was used before, when all else about the request is right. So what is kept of
//! proofs is kept of requests that would have been answered (THREATS DP-14).
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

/// How long a nonce is the present one.
const SLICE: Seconds = Seconds(60);

/// As many nonces before the present one count as well.
const SLICES_BEFORE: i64 = 2;

/// A replica whose clock is ahead of ours by less than a slice gives the next one already.
const SLICES_AHEAD: i64 = 1;

/// The URLs of an endpoint of ours: its own, and the one that clients with a certificate call (RFC 8705 §5).
pub fn urls(call: &Call<'_>, path: &str) -> Vec<String> {
    let issuer = &call.config.issuer;
    let alias = call.config.mtls.url.as_ref().map(|alias| alias.endpoint(issuer, path));
    [issuer.endpoint(path)].into_iter().chain(alias).collect()
}

/// Reads the proof of a request: §4.3, and the nonce where it needs one.
///
/// # Errors
/// `invalid_dpop_proof`; `use_dpop_nonce` where all else about it is right (§8).
pub fn read(call: &Call<'_>, text: &str, purpose: Purpose<'_>) -> Result<Proof> {
    let proof = Proof::read(text, purpose, call.now).map_err(|why| {
        let claims = Jws::read(text).and_then(|jws| jws.unverified_claims()).unwrap_or_default();
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

/// Notes that the proof of this request is used, if it has one: of many that bring the same, one goes on,
/// on whichever replica, before or after a restart (§11.1).
///
/// # Errors
/// `invalid_dpop_proof`: it was used before.
pub async fn spend(call: &Call<'_>, on: impl Into<Executor<'_>>) -> Result<()> {
    let Some(proof) = &call.held.proof else {
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

/// Reads the proof of a request that uses an access token, where there has to be one: §7. Whether the
/// token is bound to its key, [`Held::must_fit`](super::possession::Held::must_fit) says.
///
/// # Errors
/// As [`read`]; `invalid_dpop_proof` when it is missing, `invalid_token` beside a bearer token.
pub fn read_beside_token(
    call: &Call<'_>,
    scheme: Scheme,
    proof: Option<&str>,
    purpose: Purpose<'_>,
) -> Result<Option<Proof>> {
    match (scheme, proof) {
        (Scheme::Bearer, None) => Ok(None),
        (Scheme::Dpop, Some(proof)) => Ok(Some(read(call, proof, purpose)?)),
        (Scheme::Dpop, None) => Err(invalid("the access token comes without a DPoP proof").into()),
        // A proof makes nothing more of a bearer token, nor does one excuse the wrong scheme (THREATS DP-07).
        (Scheme::Bearer, Some(_)) => Err(Code::InvalidToken
            .because("a DPoP proof comes with an access token that is sent as Bearer: the scheme is DPoP")
            .into()),
    }
}

/// The nonce that proofs have to have now (§8): a slice of time under a MAC, so that every replica knows
/// it and none has to remember it. It cannot be told before its slice has begun, which is what keeps
/// somebody who may use a key for a moment from making proofs for later (§11.2).
///
/// # Errors
/// `Busy`, when nobody can say which keys hold.
fn nonce(call: &Call<'_>) -> Result<String, Failure> {
    let slice = slice(call.now).to_be_bytes();
    Ok(base64url::encode(call.keys()?.dpop.seal(&slice)))
}

/// The nonce to tell whoever sent this proof, or something that is none: where nonces are required, unless
/// they have the present one (§8.2).
///
/// # Errors
/// Those of `nonce`.
pub fn next_nonce(call: &Call<'_>, proof: Option<&Proof>) -> Result<Option<String>, Failure> {
    match call.config.dpop.nonce {
        DpopNonce::Off => Ok(None),
        DpopNonce::Required => {
            let present = nonce(call)?;
            let had = proof.and_then(|proof| proof.nonce.as_deref());
            Ok(Some(present).filter(|present| had != Some(present)))
        }
    }
}

const fn slice(now: Timestamp) -> i64 {
    now.0.div_euclid(SLICE.0)
}

/// The present nonce is taken, and the last ones, for a request may have been on its way when the slice
/// ended.
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
    let Some(given) = read_nonce(mac, nonce) else {
        return use_another(
            "the nonce of the DPoP proof is not one of ours: take that of DPoP-Nonce",
        );
    };
    let present = slice(now);
    if !(present - SLICES_BEFORE..=present + SLICES_AHEAD).contains(&given) {
        return use_another("the nonce of the DPoP proof is too old: take that of DPoP-Nonce");
    }
    Ok(())
}

fn read_nonce(mac: &VersionedMac, nonce: &str) -> Option<i64> {
    let bytes = base64url::decode(nonce)?;
    let slice = mac.open(&bytes, size_of::<i64>()).ok()?;
    Some(i64::from_be_bytes(slice.try_into().ok()?))
}
