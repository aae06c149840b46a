//! DPoP proofs: [RFC 9449 §4.2, §4.3], except for replays.
//!
//! [RFC 9449 §4.2, §4.3]: https://www.rfc-editor.org/rfc/rfc9449#section-4.2

use serde_json::{Map, Value};

use super::htu;
use crate::jose::base64url;
use crate::jose::claims::{AHEAD, Claims};
use crate::jose::jws::{Jws, Typ};
use crate::types::secret::same;
use crate::types::{Algorithm, Digest, Seconds, Thumbprint, Timestamp};

/// The longest accepted `jti`.
const LONGEST_ID: usize = 256;

/// Tolerated clock difference between replicas, and for `exp`.
const APART: Seconds = Seconds(10);

/// The request that a proof must match.
#[derive(Clone, Copy, Debug)]
pub struct Purpose<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The URLs of the called endpoint; a proof must name one of them. They come from the
    /// configuration, never from the request (THREATS DP-02).
    pub urls: &'a [String],
    /// The access token in the request.
    pub access_token: Option<&'a str>,
}

/// A valid proof. Replays are checked elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The key whose possession is proved.
    pub key: Thumbprint,
    /// The signature algorithm.
    pub algorithm: Algorithm,
    /// `jti`: unique for each key.
    pub id: String,
    /// `iat`
    pub issued_at: Timestamp,
    /// `nonce`
    pub nonce: Option<String>,
}

impl Proof {
    /// Accepted signature algorithms: `dpop_signing_alg_values_supported` (§5.1), `algs` (§7.1).
    pub const ALGORITHMS: &[Algorithm] = Algorithm::ACCEPTED;

    /// > The creation time of the JWT, as determined by either the iat claim or a server managed timestamp
    /// > via the nonce claim, is within an acceptable window (§4.3)
    pub const LIFETIME: Seconds = Seconds(60);

    /// Tolerated clock difference of clients whose clock is ahead.
    pub const AHEAD: Seconds = AHEAD;

    /// Parses and verifies the value of a `DPoP` header field: §4.3, except for the nonce and
    /// replays.
    ///
    /// # Errors
    /// Why the proof is invalid, for its sender.
    pub fn verify(text: &str, purpose: Purpose<'_>, now: Timestamp) -> Result<Self, &'static str> {
        let jws = Jws::parse(text)?;
        // > The typ JOSE Header Parameter has the value dpop+jwt. […] The jwk JOSE Header Parameter does not
        // > contain a private key. (§4.3)
        let (key, verified) = jws.verify_embedded(Self::ALGORITHMS, Typ::Is("dpop+jwt"))?;
        let claims = Claims::parse(&verified.claims)?;
        must_be_for(purpose, &verified.claims)?;
        let issued_at = must_be_fresh(&claims, now)?;
        let nonce =
            string(&verified.claims, "nonce", "the nonce of the DPoP proof is not a string")?;
        let nonce = nonce.map(str::to_owned);
        let id = match claims.id {
            None => return Err("the DPoP proof has no jti"),
            Some(id) if id.is_empty() => return Err("the jti of the DPoP proof is empty"),
            Some(id) if id.len() > LONGEST_ID => {
                return Err("the jti of the DPoP proof is longer than 256 bytes");
            }
            Some(id) => id,
        };
        Ok(Self { key, algorithm: verified.algorithm, id, issued_at, nonce })
    }

    /// How long the proof must be stored to detect replays: its lifetime, from an `iat` that
    /// may be in the future, plus the clock difference of replicas in both directions (§11.1,
    /// THREATS DP-01).
    pub fn kept_until(&self) -> Timestamp {
        self.issued_at + Self::LIFETIME + APART + APART
    }
}

/// > The htm claim matches the HTTP method of the current request. The htu claim matches the HTTP URI
/// > value for the HTTP request in which the JWT was received, ignoring any query and fragment parts.
/// > […] Ensure that the value of the ath claim equals the hash of that access token (§4.3)
fn must_be_for(purpose: Purpose<'_>, claims: &Map<String, Value>) -> Result<(), &'static str> {
    let method = string(claims, "htm", "the htm of the DPoP proof is not a string")?;
    if method != Some(purpose.method) {
        return Err("the htm of the DPoP proof is not the method of the request");
    }
    let url = string(claims, "htu", "the htu of the DPoP proof is not a string")?;
    let url = url.ok_or("the DPoP proof has no htu")?;
    if !purpose.urls.iter().any(|called| htu::is_same(url, called)) {
        return Err("the htu of the DPoP proof is not the URL of the request");
    }
    let Some(token) = purpose.access_token else {
        return Ok(());
    };
    let presented = string(claims, "ath", "the ath of the DPoP proof is not a string")?;
    let presented = presented.ok_or("the DPoP proof has no ath, and comes with an access token")?;
    let hash = base64url::encode(Digest::of(token.as_bytes()).0);
    if !same(presented.as_bytes(), hash.as_bytes()) {
        return Err("the ath of the DPoP proof is not the hash of the access token");
    }
    Ok(())
}

/// Checks that `iat` is within the window (§11.1), and `exp` and `nbf` if present.
fn must_be_fresh(claims: &Claims, now: Timestamp) -> Result<Timestamp, &'static str> {
    let issued_at = claims.issued_at.ok_or("the DPoP proof has no iat")?;
    if issued_at + Proof::LIFETIME < now {
        return Err("the iat of the DPoP proof is more than 60 seconds ago");
    }
    if issued_at > now + Proof::AHEAD {
        return Err("the iat of the DPoP proof is more than 60 seconds ahead");
    }
    if claims.expires_at.is_some_and(|end| end + APART <= now) {
        return Err("the DPoP proof has expired (exp)");
    }
    if claims.not_before.is_some_and(|start| start > now + Proof::AHEAD) {
        return Err("the DPoP proof is not yet valid (nbf)");
    }
    Ok(issued_at)
}

fn string<'a>(
    claims: &'a Map<String, Value>,
    name: &str,
    wrong: &'static str,
) -> Result<Option<&'a str>, &'static str> {
    claims.get(name).map(|value| value.as_str().ok_or(wrong)).transpose()
}
