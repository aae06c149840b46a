//! The public API, with tokens of a simulated issuer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::HeaderMap;
use axum::response::IntoResponse as _;
use jsonwebtoken::{Algorithm as Alg, EncodingKey, crypto};
use serde_json::{Value, json};

use super::*;
use crate::jose::{SigningKey, base64url};
use crate::types::Code;

const ISSUER: &str = "https://id.example.org";
const API: &str = "https://api.example.org/invoices";
const NOW: i64 = 1_795_000_000;

/// An issuer, its JWKS, and the number of fetches.
struct Issuer {
    key: SigningKey,
    response: Arc<Mutex<Result<Fetched, String>>>,
    fetches: Arc<AtomicUsize>,
    with: Arc<Mutex<Option<String>>>,
}

fn published(keys: &[&SigningKey], max_age: i64) -> Fetched {
    let keys: Vec<_> = keys.iter().map(|key| key.public_jwk()).collect();
    Fetched::Document {
        body: json!({ "keys": keys }).to_string().into_bytes(),
        etag: Some("\"1\"".to_owned()),
        max_age: Some(Seconds(max_age)),
    }
}

impl Issuer {
    fn new() -> Self {
        let (key, _) = SigningKey::generate(Algorithm::Es256).unwrap();
        let response = Arc::new(Mutex::new(Ok(published(&[&key], 900))));
        Self { key, response, fetches: Arc::default(), with: Arc::default() }
    }

    fn respond_with(&self, response: Result<Fetched, String>) {
        *self.response.lock().unwrap() = response;
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn verifier(&self) -> Verifier {
        let (response, fetches, with) =
            (self.response.clone(), self.fetches.clone(), self.with.clone());
        let keys = IssuerKeys::new(move |etag| {
            fetches.fetch_add(1, Ordering::SeqCst);
            *with.lock().unwrap() = etag;
            let response = response.lock().unwrap().clone();
            async move { response }
        });
        Verifier::new(ISSUER, API, keys).with_leeway(Seconds(5))
    }

    fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = json!({
            "iss": ISSUER, "sub": "ada", "aud": API, "client_id": "photos", "jti": "1",
            "iat": NOW, "exp": NOW + 300, "scope": "invoices.read invoices.write", "gw_grant": "g",
        });
        change(&mut claims);
        self.key.sign("at+jwt", &claims).unwrap()
    }
}

/// A request with this token, at this time.
async fn at(verifier: &Verifier, token: &str, seconds: i64) -> Result<Caller, Error> {
    with(verifier, &format!("Bearer {token}"), None, seconds).await
}

async fn with(
    verifier: &Verifier,
    authorization: &str,
    certificate: Option<&[u8]>,
    seconds: i64,
) -> Result<Caller, Error> {
    let mut headers = HeaderMap::new();
    headers.append(AUTHORIZATION, authorization.parse().unwrap());
    let request =
        ResourceRequest { method: &Method::GET, url: API, headers: &headers, certificate };
    verifier.verify_at(&request, &["invoices.read"], Timestamp(NOW + seconds)).await
}

#[track_caller]
fn refused(result: Result<Caller, Error>, status: u16, code: Option<Code>) -> Refusal {
    let Err(Error::Refused(refusal)) = result else { panic!("{result:?}") };
    assert_eq!((refusal.status(), refusal.code), (status, code), "{refusal}");
    refusal
}

#[tokio::test]
async fn a_valid_token_identifies_the_caller() {
    let issuer = Issuer::new();

    let caller = at(&issuer.verifier(), &issuer.token(|_| {}), 0).await.unwrap();

    assert_eq!((caller.subject.as_str(), caller.client_id.as_str()), ("ada", "photos"));
    assert_eq!(caller.scope, Scope::from_tokens(["invoices.read", "invoices.write"]));
    assert!(!caller.is_client() && caller.confirmation.is_bearer());
}

/// RFC 9068 §4; THREATS JO-08, JO-11.
#[tokio::test]
async fn an_invalid_claim_makes_the_token_invalid() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let changes: [(&str, Value); 15] = [
        ("iss", json!("https://id.example.org/")),
        ("iss", json!(null)),
        ("aud", json!("https://api.example.org")),
        ("aud", json!([ISSUER, "https://api.example.org/invoices/"])),
        ("aud", json!(1)),
        ("exp", json!(NOW - 5)),
        ("exp", json!("never")),
        ("iat", json!(null)),
        ("sub", json!(1)),
        ("jti", json!(["1"])),
        ("client_id", json!(1)),
        ("scope", json!(["invoices.read"])),
        ("cnf", json!("x")),
        ("cnf", json!({ "x5t#S256": "AAAA" })),
        ("cnf", json!({ "kid": "something else" })),
    ];

    for (name, value) in changes {
        let token = issuer.token(|claims| claims[name] = value.clone());
        refused(at(&verifier, &token, 0).await, 401, Some(Code::InvalidToken));
    }
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"] {
        let token = issuer.token(|claims| drop(claims.as_object_mut().unwrap().remove(name)));
        refused(at(&verifier, &token, 0).await, 401, Some(Code::InvalidToken));
    }
    // Issued by a wrong clock, so `exp` is meaningless.
    let ahead = |by: i64| {
        let claims = move |claims: &mut Value| {
            (claims["iat"], claims["exp"]) = (json!(NOW + by), json!(NOW + by + 300));
        };
        issuer.token(claims)
    };
    refused(at(&verifier, &ahead(301), 0).await, 401, Some(Code::InvalidToken));
    at(&verifier, &ahead(300), 0).await.unwrap();
    let several = issuer.token(|claims| claims["aud"] = json!([ISSUER, API]));
    at(&verifier, &several, 0).await.unwrap();
}

/// > The "typ" header parameter […] reject tokens carrying any other value (RFC 9068 §4); THREATS JO-01,
/// > JO-07
#[tokio::test]
async fn another_typ_algorithm_or_key_is_refused() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let claims = json!({
        "iss": ISSUER, "sub": "ada", "aud": API, "client_id": "photos", "jti": "1",
        "iat": NOW, "exp": NOW + 300, "scope": "invoices.read",
    });
    let id_token = issuer.key.sign("JWT", &claims).unwrap();
    let (other, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    let (edwards, _) = SigningKey::generate(Algorithm::EdDsa).unwrap();
    issuer.respond_with(Ok(published(&[&issuer.key, &edwards], 900)));
    let of = |key: &SigningKey| key.sign("at+jwt", &claims).unwrap();
    let unsigned = {
        let good = of(&issuer.key);
        let payload = good.split('.').nth(1).unwrap().to_owned();
        format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{payload}.")
    };

    for token in [&id_token, &of(&other), &of(&edwards), &unsigned, "x", ""] {
        refused(at(&verifier, token, 0).await, 401, Some(Code::InvalidToken));
    }
    let extended = issuer.verifier().with_algorithms(&[Algorithm::EdDsa, Algorithm::Hs256]);
    at(&extended, &of(&edwards), 0).await.unwrap();
    refused(at(&extended, &of(&issuer.key), 0).await, 401, Some(Code::InvalidToken));
}

/// > usually no more than a few minutes, to account for clock skew (RFC 9068 §4)
#[tokio::test]
async fn a_token_expires_after_exp_and_the_leeway() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let token = issuer.token(|_| {});

    at(&verifier, &token, 304).await.unwrap();
    refused(at(&verifier, &token, 305).await, 401, Some(Code::InvalidToken));
    let lax = issuer.verifier().with_leeway(Seconds::days(1));
    at(&lax, &token, 359).await.unwrap();
    refused(at(&lax, &token, 360).await, 401, Some(Code::InvalidToken));
}

/// RFC 6750 §3 and §3.1.
#[tokio::test]
async fn a_refusal_has_a_status_and_a_challenge() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let narrow = issuer.token(|claims| claims["scope"] = json!("invoices.write"));

    let missing = refused(with(&verifier, "Basic YTpi", None, 0).await, 401, None);
    let scope = refused(at(&verifier, &narrow, 0).await, 403, Some(Code::InsufficientScope));
    let token = refused(at(&verifier, "x", 0).await, 401, Some(Code::InvalidToken));

    let realm = "Bearer realm=\"https://api.example.org/invoices\"";
    let algorithms = "algs=\"RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519\"";
    let both = format!("{realm}, DPoP realm=\"https://api.example.org/invoices\", {algorithms}");
    assert_eq!(missing.challenge(), both);
    assert_eq!(
        scope.challenge(),
        format!(
            "{realm}, error=\"insufficient_scope\", \
             error_description=\"the access token lacks a scope\", scope=\"invoices.read\""
        )
    );
    assert!(token.challenge().starts_with(&format!("{realm}, error=\"invalid_token\", ")));
    let response = Error::from(scope).into_response();
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(response.headers().contains_key("www-authenticate"));
}

/// THREATS JO-21.
#[tokio::test]
async fn two_authorization_fields_are_refused() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let mut headers = HeaderMap::new();
    let field = format!("Bearer {}", issuer.token(|_| {}));
    headers.append(AUTHORIZATION, field.parse().unwrap());
    headers.append(AUTHORIZATION, field.parse().unwrap());
    let request =
        ResourceRequest { method: &Method::GET, url: API, headers: &headers, certificate: None };

    let result = verifier.verify_at(&request, &[], Timestamp(NOW)).await;

    refused(result, 400, Some(Code::InvalidRequest));
}

/// RFC 8705 §3; THREATS MT-04.
#[tokio::test]
async fn a_certificate_bound_token_requires_its_certificate() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let certificate = |until: i64| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(["photos.example".to_owned()]).unwrap();
        let time = |at| ::time::OffsetDateTime::from_unix_timestamp(at).unwrap();
        (parameters.not_before, parameters.not_after) = (time(NOW - 60), time(until));
        parameters.self_signed(&key).unwrap().der().to_vec()
    };
    let (own, others, old) = (certificate(NOW + 60), certificate(NOW + 60), certificate(NOW - 1));
    let bound = |der: &[u8]| {
        let thumbprint = Thumbprint::of(der).to_string();
        let token = issuer.token(|claims| claims["cnf"] = json!({ "x5t#S256": thumbprint }));
        format!("Bearer {token}")
    };

    with(&verifier, &bound(&own), Some(&own), 0).await.unwrap();
    for (token, presented) in
        [(&own, None), (&own, Some(&others)), (&old, Some(&old)), (&own, Some(&b"x".to_vec()))]
    {
        let result = with(&verifier, &bound(token), presented.map(Vec::as_slice), 0).await;
        refused(result, 401, Some(Code::InvalidToken));
    }
    // A certificate beside an unbound token is ignored.
    let free = format!("Bearer {}", issuer.token(|_| {}));
    with(&verifier, &free, Some(&others), 0).await.unwrap();
}

/// RFC 9111 §4.2: fresh keys are not fetched again.
#[tokio::test]
async fn keys_are_cached_for_max_age_and_revalidated_by_etag() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let token = issuer.token(|claims| claims["exp"] = json!(NOW + 10_000));

    for seconds in [0, 1, 674] {
        at(&verifier, &token, seconds).await.unwrap();
    }
    // A fetch in a task of its own would be counted by now.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(issuer.fetches(), 1);
    assert_eq!(*issuer.with.lock().unwrap(), None);

    // In the last quarter of their lifetime keys are renewed without delaying requests.
    issuer.respond_with(Ok(Fetched::Unchanged { max_age: Some(Seconds(900)) }));
    at(&verifier, &token, 675).await.unwrap();
    while issuer.fetches() < 2 || issuer.with.lock().unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(issuer.with.lock().unwrap().as_deref(), Some("\"1\""));
    while at(&verifier, &token, 1000).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(issuer.fetches(), 2, "unchanged keys are cached again");
}

#[tokio::test]
async fn expired_keys_verify_nothing() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let token = issuer.token(|claims| claims["exp"] = json!(NOW + 10_000));
    at(&verifier, &token, 0).await.unwrap();
    issuer.respond_with(Err("the issuer is unreachable".to_owned()));

    at(&verifier, &token, 899).await.unwrap();
    let error = at(&verifier, &token, 910).await.unwrap_err();

    assert!(matches!(error, Error::Unavailable(_)), "{error}");
    assert_eq!((error.status(), error.challenge()), (503, None));
    assert_eq!(error.into_response().headers()["retry-after"], "5");
    issuer.respond_with(Ok(published(&[&issuer.key], 900)));
    assert!(at(&verifier, &token, 915).await.is_err(), "the last fetch was a moment ago");
    at(&verifier, &token, 920).await.unwrap();
}

/// THREATS TE-16.
#[tokio::test]
async fn an_unknown_key_causes_one_fetch_per_interval() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    at(&verifier, &issuer.token(|_| {}), 0).await.unwrap();
    let (next, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    let unknown = Issuer::new().token(|_| {});
    issuer.respond_with(Ok(published(&[&issuer.key, &next], 900)));

    for _ in 0..20 {
        refused(at(&verifier, &unknown, 20).await, 401, Some(Code::InvalidToken));
    }
    assert_eq!(issuer.fetches(), 2);

    let issuer = Issuer { key: next, ..issuer };
    at(&verifier, &issuer.token(|_| {}), 21).await.unwrap();
    assert_eq!(issuer.fetches(), 2, "the fetch for the unknown key returned the new one");
}

/// [`Error::Unavailable`] if the issuer's keys cannot be fetched: the unknown key may be its
/// newest.
#[tokio::test]
async fn without_reachable_keys_an_unknown_key_is_unavailable() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let known = issuer.token(|_| {});
    at(&verifier, &known, 0).await.unwrap();
    let newest = Issuer::new().token(|_| {});
    issuer.respond_with(Err("the issuer is unreachable".to_owned()));

    for seconds in [20, 20, 21, 29] {
        let error = at(&verifier, &newest, seconds).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{seconds}: {error}");
        at(&verifier, &known, seconds).await.unwrap();
    }
    assert_eq!(issuer.fetches(), 2, "a failed fetch counts too");
    issuer.respond_with(Ok(published(&[&issuer.key], 900)));
    for seconds in [30, 31] {
        refused(at(&verifier, &newest, seconds).await, 401, Some(Code::InvalidToken));
    }
    assert_eq!(issuer.fetches(), 3);
}

#[tokio::test]
async fn of_many_first_requests_one_fetches() {
    let issuer = Issuer::new();
    let verifier = Arc::new(issuer.verifier());
    let token = issuer.token(|_| {});

    let all = (0..64).map(|_| {
        let (verifier, token) = (verifier.clone(), token.clone());
        tokio::spawn(async move { at(&verifier, &token, 0).await })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }

    assert_eq!(issuer.fetches(), 1);
}

/// A key, and proofs signed with it.
struct Holder {
    private: EncodingKey,
    jwk: Value,
    jkt: String,
}

impl Holder {
    fn new() -> Self {
        let (key, pkcs8) = SigningKey::generate(Algorithm::Es256).unwrap();
        let mut jwk = key.public_jwk();
        jwk.as_object_mut().unwrap().retain(|name, _| ["kty", "crv", "x", "y"].contains(&&**name));
        Self { private: EncodingKey::from_ec_der(&pkcs8), jwk, jkt: key.kid().to_owned() }
    }

    /// A proof for `GET` of the API with this token, with one change.
    fn proof(&self, token: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = json!({
            "jti": uuid::Uuid::now_v7().to_string(), "htm": "GET", "htu": API, "iat": NOW,
            "ath": base64url::encode(Thumbprint::of(token.as_bytes()).0),
        });
        change(&mut claims);
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk });
        let parts = [header, claims].map(|part| base64url::encode(part.to_string()));
        let message = parts.join(".");
        let signature = crypto::sign(message.as_bytes(), &self.private, Alg::ES256).unwrap();
        [message, signature].join(".")
    }
}

async fn with_proof(
    verifier: &Verifier,
    authorization: &str,
    proofs: &[&str],
    seconds: i64,
) -> Result<Caller, Error> {
    let mut headers = HeaderMap::new();
    headers.append(AUTHORIZATION, authorization.parse().unwrap());
    for proof in proofs {
        headers.append("dpop", proof.parse().unwrap());
    }
    let url = "https://api.example.org/invoices?page=2";
    let request =
        ResourceRequest { method: &Method::GET, url, headers: &headers, certificate: None };
    verifier.verify_at(&request, &["invoices.read"], Timestamp(NOW + seconds)).await
}

/// RFC 9449 §7.1; THREATS DP-02, DP-04, DP-06, DP-07.
#[tokio::test]
async fn a_dpop_bound_token_requires_a_proof_for_this_request() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let (holder, thief) = (Holder::new(), Holder::new());
    let token = issuer.token(|claims| claims["cnf"] = json!({ "jkt": holder.jkt }));
    let (dpop, bearer) = (format!("DPoP {token}"), format!("Bearer {token}"));
    let proof = || holder.proof(&token, |_| {});
    let changed = |name: &str, value: Value| holder.proof(&token, |claims| claims[name] = value);

    with_proof(&verifier, &dpop, &[&proof()], 0).await.unwrap();
    with_proof(&verifier, &dpop, &[&proof()], 60).await.unwrap();
    for right in [
        changed("jti", json!("x".repeat(256))),
        changed("exp", json!(NOW - 9)),
        changed("nbf", json!(NOW + 60)),
    ] {
        with_proof(&verifier, &dpop, &[&right], 0).await.unwrap();
    }

    let wrong = Some(Code::InvalidDpopProof);
    for proofs in [
        vec![],
        vec![proof(), proof()],
        vec!["x".to_owned()],
        vec![changed("htm", json!("POST"))],
        vec![changed("htu", json!("https://api.example.org/invoices/"))],
        vec![changed("htu", json!("https://evil.example/invoices"))],
        vec![changed("ath", json!(null))],
        vec![changed("ath", json!(base64url::encode([0; 32])))],
        vec![changed("iat", json!(NOW - 61))],
        vec![changed("iat", json!(NOW + 61))],
        vec![changed("jti", json!(""))],
        vec![changed("jti", json!("x".repeat(257)))],
        vec![changed("exp", json!(NOW - 10))],
        vec![changed("nbf", json!(NOW + 61))],
    ] {
        let proofs: Vec<_> = proofs.iter().map(String::as_str).collect();
        let refusal = refused(with_proof(&verifier, &dpop, &proofs, 0).await, 401, wrong);
        assert!(refusal.challenge().starts_with("DPoP realm="), "{refusal}");
        assert!(refusal.challenge().contains("error=\"invalid_dpop_proof\""));
    }
    let (stolen, invalid) = (thief.proof(&token, |_| {}), Some(Code::InvalidToken));
    refused(with_proof(&verifier, &dpop, &[&stolen], 0).await, 401, invalid);
    refused(with_proof(&verifier, &bearer, &[], 0).await, 401, invalid);
    refused(with_proof(&verifier, &bearer, &[&proof()], 0).await, 401, invalid);
    let free = issuer.token(|_| {});
    let upgraded = holder.proof(&free, |_| {});
    for scheme in ["DPoP", "Bearer"] {
        let result = with_proof(&verifier, &format!("{scheme} {free}"), &[&upgraded], 0).await;
        refused(result, 401, invalid);
    }
    with_proof(&verifier, &format!("Bearer {free}"), &[], 0).await.unwrap();
}

/// RFC 9449 §11.1; THREATS DP-01, DP-13, DP-14.
#[tokio::test]
async fn a_proof_is_spent_once_and_only_by_an_accepted_request() {
    let issuer = Issuer::new();
    let verifier = Arc::new(issuer.verifier());
    let holder = Holder::new();
    let bound = |scope: &str| {
        let token = issuer.token(|claims| {
            claims["cnf"] = json!({ "jkt": holder.jkt });
            claims["scope"] = json!(scope);
        });
        (holder.proof(&token, |claims| claims["jti"] = json!("the same")), format!("DPoP {token}"))
    };
    let (narrow_proof, narrow) = bound("invoices.write");
    let result = with_proof(&verifier, &narrow, &[&narrow_proof], 0).await;
    refused(result, 403, Some(Code::InsufficientScope));

    let (proof, token) = bound("invoices.read");
    let all = (0..64).map(|_| {
        let (verifier, token, proof) = (verifier.clone(), token.clone(), proof.clone());
        tokio::spawn(async move { with_proof(&verifier, &token, &[&proof], 0).await.is_ok() })
    });
    let mut passed = 0;
    for one in all.collect::<Vec<_>>() {
        passed += usize::from(one.await.unwrap());
    }
    assert_eq!(passed, 1);

    let full = issuer.verifier().with_replays(Replays::in_memory(0));
    let error = with_proof(&full, &token, &[&proof], 0).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
}

/// THREATS DP-01: a proof is stored for its lifetime and the clock difference of replicas in both directions.
#[tokio::test]
async fn a_used_proof_is_stored_until_no_replica_accepts_it() {
    let issuer = Issuer::new();
    let until = Arc::new(Mutex::new(None));
    let recorded = until.clone();
    let replays = Replays::external(move |used| {
        *recorded.lock().unwrap() = Some(used.until);
        async { Ok(true) }
    });
    let (verifier, holder) = (issuer.verifier().with_replays(replays), Holder::new());
    let token = issuer.token(|claims| claims["cnf"] = json!({ "jkt": holder.jkt }));
    let proof = holder.proof(&token, |_| {});

    with_proof(&verifier, &format!("DPoP {token}"), &[&proof], 30).await.unwrap();

    assert_eq!(*until.lock().unwrap(), Some(Timestamp(NOW + 60 + 10 + 10)));
}
