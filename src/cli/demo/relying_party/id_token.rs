//! Believing an ID token: [OIDC Core §3.1.3.7].
//!
//! [OIDC Core §3.1.3.7]: https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation

use serde_json::{Map, Value};

use super::trouble::Trouble;
use crate::jose::{Claims, Jwks, Keys, Typ, base64url, jws};
use crate::types::{Algorithm, Digest, Seconds, Timestamp};

/// What the application was registered for; whatever else a header says is refused.
pub(super) const ALGORITHM: Algorithm = Algorithm::Rs256;

/// What an ID token must say.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    /// `iss`
    pub(super) issuer: &'a str,
    /// `aud`
    pub(super) client_id: &'a str,
    /// What it came of.
    pub(super) occasion: Occasion<'a>,
    /// The access token that came with it.
    pub(super) access_token: &'a str,
    /// When it is looked at.
    pub(super) now: Timestamp,
}

/// What an ID token came of.
#[derive(Debug)]
pub(super) enum Occasion<'a> {
    /// A sign-in, whose request had this `nonce`.
    SignIn(&'a str),
    /// A refresh of what this one had come with.
    Refresh(&'a IdToken),
}

/// An ID token whose every claim was checked.
#[derive(Clone, Debug)]
pub(super) struct IdToken {
    /// As it came: the `id_token_hint` of a sign-out.
    pub(super) compact: String,
    /// `sub`
    pub(super) subject: String,
    /// Everything it says.
    pub(super) claims: Map<String, Value>,
    /// The key that signed it.
    pub(super) kid: Option<String>,
}

/// Checks the signature, then what was signed.
///
/// # Errors
/// The first thing that is not as it must be.
pub(super) fn verify(
    compact: &str,
    keys: &Jwks,
    expected: &Expected<'_>,
) -> Result<IdToken, Trouble> {
    let typ = Typ::AbsentOr(&["JWT"]);
    let verified = jws::verify(compact, Keys::Published(keys), &[ALGORITHM], typ)
        .map_err(Trouble::Untrusted)?;
    let claims = Claims::read(&verified.claims).map_err(Trouble::Untrusted)?;
    claims.in_force(expected.now, Seconds(5)).map_err(Trouble::Untrusted)?;

    let text = |name: &str| verified.claims.get(name).and_then(Value::as_str);
    let only_for_us = claims
        .audience
        .as_ref()
        .is_some_and(|audience| audience.iter().all(|one| one == expected.client_id))
        && text("azp").is_none_or(|azp| azp == expected.client_id);
    must(claims.issuer.as_deref() == Some(expected.issuer), "the ID token is of another issuer")?;
    must(only_for_us, "the ID token is for another application")?;
    must(answers(&expected.occasion, text("nonce")), "the ID token answers another request")?;
    let hash = at_hash(expected.access_token);
    must(text("at_hash").is_none_or(|it| it == hash), "the access token is not the ID token's")?;
    let subject = claims.subject.ok_or(Trouble::Untrusted("the ID token is about nobody"))?;
    if let Occasion::Refresh(before) = expected.occasion {
        must(before.subject == subject, "the ID token is about somebody else than before")?;
    }
    Ok(IdToken { compact: compact.to_owned(), subject, claims: verified.claims, kid: verified.kid })
}

fn must(so: bool, why: &'static str) -> Result<(), Trouble> {
    if so { Ok(()) } else { Err(Trouble::Untrusted(why)) }
}

/// > if [nonce] is present [at a refresh], its value MUST be the same as in the ID Token issued at the
/// > time of the original authentication (§12.2)
fn answers(occasion: &Occasion<'_>, nonce: Option<&str>) -> bool {
    match occasion {
        Occasion::SignIn(sent) => nonce == Some(sent),
        Occasion::Refresh(before) => {
            nonce.is_none() || nonce == before.claims.get("nonce").and_then(Value::as_str)
        }
    }
}

/// > the base64url encoding of the left-most half of the hash of the octets of the ASCII
/// > representation of the access_token value (§3.1.3.6)
fn at_hash(access_token: &str) -> String {
    let Digest(hash) = Digest::of(access_token.as_bytes());
    let (half, _) = hash.split_at(hash.len() / 2);
    base64url::encode(half)
}
