//! Verifies ID tokens, for relying parties: [OIDC Core §3.1.3.7].
//!
//! [OIDC Core §3.1.3.7]: https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation

use serde_json::{Map, Value};

use crate::jose::{Claims, Jwks, Keys, Typ, jws, sign};
use crate::types::{Algorithm, Seconds, Timestamp};

/// Tolerated difference to the issuer's clock.
const LEEWAY: Seconds = Seconds(5);

/// What an ID token must match.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// `iss`
    pub issuer: &'a str,
    /// `aud`
    pub client_id: &'a str,
    /// The algorithm that the client is registered for (`id_token_signed_response_alg`). The
    /// token's header does not decide (RFC 8725 §3.1).
    pub algorithm: Algorithm,
    /// The request that it responds to.
    pub occasion: Occasion<'a>,
    /// The access token issued with it.
    pub access_token: &'a str,
    /// The current time.
    pub now: Timestamp,
}

/// The request that an ID token responds to.
#[derive(Clone, Copy, Debug)]
pub enum Occasion<'a> {
    /// An authentication request with this `nonce`.
    SignIn(&'a str),
    /// A refresh of the tokens that this ID token was issued with.
    Refresh(&'a IdToken),
}

/// A valid ID token.
#[derive(Clone, Debug)]
pub struct IdToken {
    /// The token itself, for `id_token_hint`.
    pub compact: String,
    /// `sub`
    pub subject: String,
    /// All claims.
    pub claims: Map<String, Value>,
    /// The key that signed it.
    pub kid: Option<String>,
}

/// Verifies the signature, then the claims. `iss`, `aud`, `azp`, `exp`, `iat`, `nonce`, `at_hash` and
/// `sub` are checked; `acr` and `auth_time` are for the caller.
///
/// # Errors
/// Why the ID token is not valid.
pub fn verify(
    compact: &str,
    keys: &Jwks,
    expected: &Expected<'_>,
) -> Result<IdToken, &'static str> {
    let typ = Typ::AbsentOr(&["JWT"]);
    let verified = jws::verify(compact, Keys::Published(keys), &[expected.algorithm], typ)?;
    let claims = Claims::parse(&verified.claims)?;
    claims.must_be_valid_at(expected.now, LEEWAY)?;

    let text = |name: &str| verified.claims.get(name).and_then(Value::as_str);
    let is_only_for_client = claims
        .audience
        .as_ref()
        .is_some_and(|audience| audience.iter().all(|one| one == expected.client_id))
        && text("azp").is_none_or(|azp| azp == expected.client_id);
    must(claims.issuer.as_deref() == Some(expected.issuer), "the ID token has another issuer")?;
    must(is_only_for_client, "the ID token is for another application")?;
    must(
        has_expected_nonce(&expected.occasion, text("nonce")),
        "nonce is not that of the request",
    )?;
    let hash = sign::left_half(verified.algorithm, expected.access_token);
    must(
        text("at_hash").is_none_or(|it| it == hash),
        "at_hash is not the hash of the access token",
    )?;
    let subject = claims.subject.ok_or("the ID token has no subject")?;
    if let Occasion::Refresh(previous) = expected.occasion {
        must(previous.subject == subject, "the ID token has another subject than before")?;
    }
    Ok(IdToken { compact: compact.to_owned(), subject, claims: verified.claims, kid: verified.kid })
}

fn must(condition: bool, why: &'static str) -> Result<(), &'static str> {
    if condition { Ok(()) } else { Err(why) }
}

/// > if \[nonce\] is present [at a refresh], its value MUST be the same as in the ID Token issued at the
/// > time of the original authentication (§12.2)
fn has_expected_nonce(occasion: &Occasion<'_>, nonce: Option<&str>) -> bool {
    match occasion {
        Occasion::SignIn(sent) => nonce == Some(sent),
        Occasion::Refresh(previous) => {
            nonce.is_none() || nonce == previous.claims.get("nonce").and_then(Value::as_str)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use serde_json::json;

    use super::*;
    use crate::jose::SigningKey;

    const ALGORITHM: Algorithm = Algorithm::Rs256;

    /// Generating RSA keys takes long; all tests share two.
    static KEYS: LazyLock<[SigningKey; 2]> =
        LazyLock::new(|| [(); 2].map(|()| SigningKey::generate(ALGORITHM).unwrap().0));

    fn published() -> Jwks {
        [KEYS[0].public_key().unwrap()].into_iter().collect()
    }

    fn valid_claims() -> Value {
        json!({
            "iss": "https://id.example", "sub": "ada", "aud": "app", "nonce": "n-1",
            "iat": 100, "exp": 400, "at_hash": sign::left_half(ALGORITHM, "at"),
        })
    }

    /// A valid token with some claims replaced; `null` removes one.
    fn token(changes: Value) -> String {
        let Value::Object(mut claims) = valid_claims() else { unreachable!() };
        claims.extend(changes.as_object().unwrap().clone());
        claims.retain(|_, value| !value.is_null());
        KEYS[0].sign("JWT", &claims).unwrap()
    }

    fn verify_token(compact: &str, occasion: Occasion<'_>) -> Result<IdToken, &'static str> {
        let expected = Expected {
            issuer: "https://id.example",
            client_id: "app",
            algorithm: ALGORITHM,
            occasion,
            access_token: "at",
            now: Timestamp(200),
        };
        verify(compact, &published(), &expected)
    }

    #[test]
    fn a_token_that_matches_is_valid() {
        let valid = verify_token(&token(json!({})), Occasion::SignIn("n-1")).unwrap();

        assert_eq!(valid.subject, "ada");
        assert_eq!(Value::Object(valid.claims), valid_claims());
        assert_eq!(valid.kid.as_deref(), Some(KEYS[0].kid()));
        for fine in [json!({"at_hash": null}), json!({"aud": ["app"]}), json!({"azp": "app"})] {
            verify_token(&token(fine), Occasion::SignIn("n-1")).unwrap();
        }
    }

    /// OIDC Core §3.1.3.7, point by point.
    #[test]
    fn a_token_that_does_not_match_is_refused() {
        for (changes, why) in [
            (json!({"iss": "https://evil.example"}), "another issuer"),
            (json!({"iss": null}), "another issuer"),
            (json!({"aud": "other"}), "another application"),
            (json!({"aud": ["app", "other"]}), "another application"),
            (json!({"aud": null}), "another application"),
            (json!({"azp": "other"}), "another application"),
            (json!({"nonce": "n-2"}), "nonce is not"),
            (json!({"nonce": null}), "nonce is not"),
            (json!({"exp": 190}), "expired"),
            (json!({"exp": null}), "exp is missing"),
            (json!({"iat": 300}), "issued in the future"),
            (json!({"at_hash": sign::left_half(ALGORITHM, "other")}), "at_hash is not"),
            (json!({"sub": null}), "no subject"),
        ] {
            let refused =
                verify_token(&token(changes.clone()), Occasion::SignIn("n-1")).unwrap_err();
            assert!(refused.contains(why), "{changes}: {refused}");
        }
        let forged = KEYS[1].sign("JWT", &valid_claims()).unwrap();
        verify_token(&forged, Occasion::SignIn("n-1")).unwrap_err();
        let of_another_type = KEYS[0].sign("at+jwt", &valid_claims()).unwrap();
        verify_token(&of_another_type, Occasion::SignIn("n-1")).unwrap_err();
    }

    /// OIDC Core §12.2.
    #[test]
    fn a_refresh_keeps_the_subject_and_needs_no_nonce() {
        let previous = verify_token(&token(json!({})), Occasion::SignIn("n-1")).unwrap();
        let after = |changes| verify_token(&token(changes), Occasion::Refresh(&previous));

        after(json!({"nonce": null})).unwrap();
        after(json!({})).unwrap();

        assert!(after(json!({"sub": "lena"})).unwrap_err().contains("another subject"));
        assert!(after(json!({"nonce": "n-2"})).unwrap_err().contains("nonce is not"));
    }
}
