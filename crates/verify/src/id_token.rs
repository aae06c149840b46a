//! Believing an ID token: [OIDC Core §3.1.3.7].
//!
//! [OIDC Core §3.1.3.7]: https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation

use serde_json::{Map, Value};

use super::trouble::Trouble;
use crate::jose::{Claims, Jwks, Keys, Typ, jws, sign};
use crate::types::{Algorithm, Seconds, Timestamp};

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
    claims.must_be_valid_at(expected.now, Seconds(5)).map_err(Trouble::Untrusted)?;

    let text = |name: &str| verified.claims.get(name).and_then(Value::as_str);
    let only_for_us = claims
        .audience
        .as_ref()
        .is_some_and(|audience| audience.iter().all(|one| one == expected.client_id))
        && text("azp").is_none_or(|azp| azp == expected.client_id);
    must(claims.issuer.as_deref() == Some(expected.issuer), "the ID token is of another issuer")?;
    must(only_for_us, "the ID token is for another application")?;
    must(answers(&expected.occasion, text("nonce")), "the ID token answers another request")?;
    let hash = sign::left_half(verified.algorithm, expected.access_token);
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

/// > if \[nonce\] is present [at a refresh], its value MUST be the same as in the ID Token issued at the
/// > time of the original authentication (§12.2)
fn answers(occasion: &Occasion<'_>, nonce: Option<&str>) -> bool {
    match occasion {
        Occasion::SignIn(sent) => nonce == Some(sent),
        Occasion::Refresh(before) => {
            nonce.is_none() || nonce == before.claims.get("nonce").and_then(Value::as_str)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use serde_json::json;

    use super::*;
    use crate::jose::SigningKey;

    /// Making RSA keys takes long; two are enough for all tests.
    static KEYS: LazyLock<[SigningKey; 2]> =
        LazyLock::new(|| [(); 2].map(|()| SigningKey::generate(ALGORITHM).unwrap().0));

    fn published() -> Jwks {
        [KEYS[0].public_key().unwrap()].into_iter().collect()
    }

    fn good() -> Value {
        json!({
            "iss": "https://id.example", "sub": "ada", "aud": "app", "nonce": "n-1",
            "iat": 100, "exp": 400, "at_hash": sign::left_half(ALGORITHM, "at"),
        })
    }

    /// A good one, with some claims replaced; `null` takes one away.
    fn token(changes: Value) -> String {
        let Value::Object(mut claims) = good() else { unreachable!() };
        claims.extend(changes.as_object().unwrap().clone());
        claims.retain(|_, value| !value.is_null());
        KEYS[0].sign("JWT", &claims).unwrap()
    }

    fn judge(compact: &str, occasion: Occasion<'_>) -> Result<IdToken, String> {
        let expected = Expected {
            issuer: "https://id.example",
            client_id: "app",
            occasion,
            access_token: "at",
            now: Timestamp(200),
        };
        verify(compact, &published(), &expected).map_err(|trouble| trouble.to_string())
    }

    #[test]
    fn one_that_is_as_it_must_be_is_believed() {
        let believed = judge(&token(json!({})), Occasion::SignIn("n-1")).unwrap();

        assert_eq!(believed.subject, "ada");
        assert_eq!(Value::Object(believed.claims), good());
        assert_eq!(believed.kid.as_deref(), Some(KEYS[0].kid()));
        for fine in [json!({"at_hash": null}), json!({"aud": ["app"]}), json!({"azp": "app"})] {
            judge(&token(fine), Occasion::SignIn("n-1")).unwrap();
        }
    }

    /// OIDC Core §3.1.3.7, point by point.
    #[test]
    fn one_that_is_not_is_not() {
        for (changes, why) in [
            (json!({"iss": "https://evil.example"}), "another issuer"),
            (json!({"iss": null}), "another issuer"),
            (json!({"aud": "other"}), "another application"),
            (json!({"aud": ["app", "other"]}), "another application"),
            (json!({"aud": null}), "another application"),
            (json!({"azp": "other"}), "another application"),
            (json!({"nonce": "n-2"}), "another request"),
            (json!({"nonce": null}), "another request"),
            (json!({"exp": 190}), "expired"),
            (json!({"exp": null}), "exp is missing"),
            (json!({"iat": 300}), "issued in the future"),
            (json!({"at_hash": sign::left_half(ALGORITHM, "other")}), "not the ID token's"),
            (json!({"sub": null}), "about nobody"),
        ] {
            let refused = judge(&token(changes.clone()), Occasion::SignIn("n-1")).unwrap_err();
            assert!(refused.contains(why), "{changes}: {refused}");
        }
        let forged = KEYS[1].sign("JWT", &good()).unwrap();
        judge(&forged, Occasion::SignIn("n-1")).unwrap_err();
        let of_another_kind = KEYS[0].sign("at+jwt", &good()).unwrap();
        judge(&of_another_kind, Occasion::SignIn("n-1")).unwrap_err();
    }

    /// OIDC Core §12.2.
    #[test]
    fn at_a_refresh_it_is_about_the_same_person_and_needs_no_nonce() {
        let before = judge(&token(json!({})), Occasion::SignIn("n-1")).unwrap();
        let after = |changes| judge(&token(changes), Occasion::Refresh(&before));

        after(json!({"nonce": null})).unwrap();
        after(json!({})).unwrap();

        assert!(after(json!({"sub": "lena"})).unwrap_err().contains("somebody else"));
        assert!(after(json!({"nonce": "n-2"})).unwrap_err().contains("another request"));
    }
}
