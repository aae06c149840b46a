//! DPoP proofs: [RFC 9449 §4.2, §4.3], all of it that can be said of one without remembering others.
//!
//! [RFC 9449 §4.2, §4.3]: https://www.rfc-editor.org/rfc/rfc9449#section-4.2

use serde_json::{Map, Value};

use super::htu;
use crate::jose::base64url;
use crate::jose::claims::{AHEAD, Claims};
use crate::jose::jws::{Jws, Typ};
use crate::types::secret::same;
use crate::types::{Algorithm, Digest, Seconds, Thumbprint, Timestamp};

/// As long as a `jti` may be.
const LONGEST_ID: usize = 256;

/// How far the clocks of those who remember proofs may be apart; as late an `exp` may be seen.
const APART: Seconds = Seconds(10);

/// What a proof has to be made for.
#[derive(Clone, Copy, Debug)]
pub struct Purpose<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The URLs under which others know what was called; a proof names one of them. They come from the
    /// configuration, never from the request (THREATS DP-02).
    pub urls: &'a [String],
    /// The access token that the request brings.
    pub access_token: Option<&'a str>,
}

/// A proof in which everything is right. Whether it was used before is another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The key that it proves.
    pub key: Thumbprint,
    /// What it is signed with.
    pub algorithm: Algorithm,
    /// `jti`: no two proofs of one key have the same.
    pub id: String,
    /// `iat`
    pub issued_at: Timestamp,
    /// `nonce`
    pub nonce: Option<String>,
}

impl Proof {
    /// What proofs may be signed with: `dpop_signing_alg_values_supported` (§5.1), `algs` (§7.1).
    pub const ALGORITHMS: &[Algorithm] = Algorithm::THEIRS;

    /// > The creation time of the JWT, as determined by either the iat claim or a server managed timestamp
    /// > via the nonce claim, is within an acceptable window (§4.3)
    pub const LIFETIME: Seconds = Seconds(60);

    /// How far ahead of ours the clock of whoever makes proofs may be.
    pub const AHEAD: Seconds = AHEAD;

    /// Reads the value of a `DPoP` header field: §4.3, but for the nonce and for what was used before.
    ///
    /// # Errors
    /// When it is not a proof for this purpose, in words for whoever sent it.
    pub fn read(text: &str, purpose: Purpose<'_>, now: Timestamp) -> Result<Self, &'static str> {
        let jws = Jws::read(text)?;
        // > The typ JOSE Header Parameter has the value dpop+jwt. […] The jwk JOSE Header Parameter does not
        // > contain a private key. (§4.3)
        let (key, verified) = jws.verify_embedded(Self::ALGORITHMS, Typ::Is("dpop+jwt"))?;
        let claims = Claims::read(&verified.claims)?;
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

    /// Until when somebody has to remember it, lest it is used twice: its life, which begins at its `iat`
    /// also where that lies ahead, and the clocks of those who remember apart from each other, either way
    /// (§11.1, THREATS DP-01).
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
        return Err("the htu of the DPoP proof is not the URL of what was called");
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

/// `iat`, when it is neither too old nor too far ahead (§11.1); `exp` and `nbf` where somebody wrote them.
fn must_be_fresh(claims: &Claims, now: Timestamp) -> Result<Timestamp, &'static str> {
    let issued_at = claims.issued_at.ok_or("the DPoP proof has no iat")?;
    if issued_at + Proof::LIFETIME < now {
        return Err("the iat of the DPoP proof is more than 60 seconds ago");
    }
    if issued_at > now + Proof::AHEAD {
        return Err("the iat of the DPoP proof is more than 60 seconds ahead");
    }
    if claims.expires_at.is_some_and(|end| end + APART <= now) {
        return Err("the DPoP proof has an exp, and it is past");
    }
    if claims.not_before.is_some_and(|start| start > now + Proof::AHEAD) {
        return Err("the DPoP proof has an nbf, and it lies ahead");
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
