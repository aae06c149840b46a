//! RFC 9449, Demonstrating Proof of Possession: which proofs are valid, and that each is accepted once.
//! THREATS group H.

use gatewright::config::MtlsUrl;
use gatewright::jose::base64url;
use gatewright::store::{replays, sql, sweep};
use gatewright::types::token::AuthorizationCode;
use gatewright::types::{Algorithm, Seconds};
use serde_json::{Value, json};

use kit::dpop::{
    accepts_proof, bound_token, code_grant_form, public_token_request, register_public_client,
    request_token, stored_proofs, token_request, userinfo_with_dpop,
};
use kit::http::RequestBuilder;
use kit::jwt::{DpopKey, hs256_jwt, unverified_claims};
use kit::server::{Client, ISSUER, Server};

/// §4.2: "an identifier for a JWS asymmetric digital signature algorithm"; §5.1: every algorithm in the
/// metadata is accepted.
#[tokio::test]
async fn every_advertised_algorithm_is_accepted() {
    let server = Server::start().await;
    let client = server.service().await;

    let metadata = server.get("/.well-known/oauth-authorization-server").await.ok().body;

    let advertised = &metadata["dpop_signing_alg_values_supported"];
    let all = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519";
    assert_eq!(*advertised, json!(all.split(' ').collect::<Vec<_>>()));
    for name in advertised.as_array().unwrap() {
        let key = DpopKey::with_algorithm(Algorithm::parse(name.as_str().unwrap()).unwrap());
        assert_eq!(key.header()["alg"], *name);
        let response = request_token(&server, &client, &key.proof(&server)).await.ok();
        let token = unverified_claims(&response.token("access_token"));
        assert_eq!(token["cnf"]["jkt"], json!(key.jkt), "{name}");
    }
}

/// §4.3; decision 0023: an algorithm that is not advertised is refused, registered or not.
#[tokio::test]
async fn no_other_algorithm_is_accepted() {
    let server = Server::start().await;
    let client = server.service().await;
    let key = DpopKey::new();

    for name in ["ES256K", "Ed448", "ML-DSA-44", "RS1", "HS384", "HS512", "eddsa", "ED25519"] {
        let mut header = key.header();
        header["alg"] = json!(name);
        let payload = key.claims(&server, "POST", "/token").to_string();
        let proof = key.compact(&header.to_string(), payload);
        assert!(!accepts_proof(&server, &client, &proof).await, "{name}");
    }
}

/// > the jwk JOSE Header Parameter does not contain a private key […] the alg JOSE Header Parameter
/// > indicates a registered asymmetric digital signature algorithm, is not none (§4.3); THREATS DP-05
#[tokio::test]
async fn a_proof_with_an_invalid_header_is_refused() {
    let server = Server::start().await;
    let client = server.service().await;
    let (key, other_key) = (DpopKey::new(), DpopKey::with_algorithm(Algorithm::Es384));
    let payload = || key.claims(&server, "POST", "/token").to_string();
    let with = |name: &str, value: Value| {
        let mut header = key.header();
        header[name] = value;
        key.compact(&header.to_string(), payload())
    };
    let without = |name: &str| {
        let mut header = key.header();
        header.as_object_mut().unwrap().remove(name);
        key.compact(&header.to_string(), payload())
    };
    let key_with = |name: &str, value: Value| {
        let mut jwk = key.jwk.clone();
        jwk[name] = value;
        with("jwk", jwk)
    };
    let unsigned = |alg: &str| {
        let mut header = key.header();
        header["alg"] = json!(alg);
        [base64url::encode(header.to_string()), base64url::encode(payload()), String::new()]
            .join(".")
    };
    let secret = base64url::encode([7; 32]);
    let symmetric =
        json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": { "kty": "oct", "k": secret } });
    let mut confused = key.header();
    confused["alg"] = json!("HS256");

    for (what, proof) in [
        ("no typ", without("typ")),
        ("another typ", with("typ", json!("JWT"))),
        ("no alg", without("alg")),
        ("alg none", unsigned("none")),
        ("alg none, signed", with("alg", json!("none"))),
        ("no signature", unsigned("ES256")),
        ("another alg", with("alg", json!("RS256"))),
        ("the alg of another curve", with("alg", json!("ES384"))),
        ("the alg of a longer curve", with("alg", json!("ES512"))),
        ("the alg of another kind of curve", with("alg", json!("Ed25519"))),
        ("no jwk", without("jwk")),
        ("jwk is a text", with("jwk", json!(key.jwk.to_string()))),
        ("jwk is null", with("jwk", Value::Null)),
        ("the private part", key_with("d", json!(secret))),
        ("another use", key_with("use", json!("enc"))),
        ("another alg in the key", key_with("alg", json!("ES384"))),
        ("no point of the curve", key_with("x", key.jwk["y"].clone())),
        ("another key", with("jwk", DpopKey::new().jwk)),
        ("another key of another type", with("jwk", other_key.jwk.clone())),
        ("a key without its members", with("jwk", json!({ "kty": "EC" }))),
        ("a set of keys", with("jwk", json!({ "keys": [key.jwk] }))),
        ("the URL of a key instead of a key", {
            let header =
                json!({ "typ": "dpop+jwt", "alg": "ES256", "jku": "https://evil.example" });
            key.compact(&header.to_string(), payload())
        }),
        ("a shared secret", hs256_jwt(&[7; 32], &symmetric.to_string(), payload())),
        ("the public key as a secret", {
            hs256_jwt(key.jwk.to_string().as_bytes(), &confused.to_string(), payload())
        }),
        ("crit", with("crit", json!(["exp"]))),
        ("no JWT", "x".to_owned()),
        ("nothing", String::new()),
        ("a very long one", "x".repeat(20_000)),
    ] {
        assert!(!accepts_proof(&server, &client, &proof).await, "{what}");
    }
    assert!(accepts_proof(&server, &client, &with("kid", json!("any"))).await);
    assert!(accepts_proof(&server, &client, &with("typ", json!("application/DPoP+JWT"))).await);
    assert_eq!(stored_proofs(&server).await, 2, "invalid proofs are not stored");
}

/// > There is not more than one DPoP HTTP request header field. The DPoP HTTP request header field value
/// > is a single and well-formed JWT. (§4.3); THREATS DP-04
#[tokio::test]
async fn a_request_must_have_one_header_with_one_proof() {
    let server = Server::start().await;
    let client = server.service().await;
    let key = DpopKey::new();
    let proof = || key.proof(&server);
    let refused =
        async |request: RequestBuilder| request.send().await.refused(400, "invalid_dpop_proof");

    refused(token_request(&server, &client, &proof()).dpop(&proof())).await;
    let same = proof();
    refused(token_request(&server, &client, &same).dpop(&same)).await;
    refused(token_request(&server, &client, &format!("{},{}", proof(), proof()))).await;
    refused(token_request(&server, &client, &format!("{}, {}", proof(), proof()))).await;
    refused(token_request(&server, &client, &format!("DPoP {}", proof()))).await;
    refused(token_request(&server, &client, "é")).await;

    assert!(accepts_proof(&server, &client, &same).await, "the refusals did not consume the proof");
}

/// > The htm claim matches the HTTP method of the current request. The htu claim matches the HTTP URI
/// > value for the HTTP request in which the JWT was received, ignoring any query and fragment parts.
/// > (§4.3); THREATS DP-02
#[tokio::test]
async fn a_proof_is_valid_for_one_method_and_one_url() {
    let server = Server::start().await;
    let client = server.service().await;
    let key = DpopKey::new();
    let with = |name: &str, value: Value| {
        let mut claims = key.claims(&server, "POST", "/token");
        claims[name] = value;
        key.sign(&claims)
    };

    for htm in [json!("GET"), json!("post"), json!(""), json!(["POST"]), Value::Null] {
        assert!(!accepts_proof(&server, &client, &with("htm", htm.clone())).await, "{htm}");
    }
    for htu in [
        json!(""),
        json!("/token"),
        json!(ISSUER),
        json!("https://id.example.org/userinfo"),
        json!("https://id.example.org/token/"),
        json!("https://id.example.org/Token"),
        json!("http://id.example.org/token"),
        json!("https://id.example.org:8443/token"),
        // The address that the server listens on is not its URL.
        json!(format!("http://{}/token", server.address)),
        json!("https://proxy.example/token"),
        json!("https://id.example.org@evil.example/token"),
        json!(["https://id.example.org/token"]),
        json!(7),
        Value::Null,
    ] {
        assert!(!accepts_proof(&server, &client, &with("htu", htu.clone())).await, "{htu}");
    }
    for htu in [
        "https://id.example.org/token",
        "https://id.example.org/token?a=b#c",
        "HTTPS://ID.EXAMPLE.ORG:443/a/../%74oken",
    ] {
        assert!(accepts_proof(&server, &client, &with("htu", json!(htu))).await, "{htu}");
    }
    // Header fields of the request do not change the URL.
    let proof = with("htu", json!("https://evil.example/token"));
    let response =
        token_request(&server, &client, &proof).header("x-forwarded-host", "evil.example");
    response.send().await.refused(400, "invalid_dpop_proof");
}

/// RFC 8705 §5: an endpoint may have a second URL, for clients with certificates. A proof may contain
/// either URL.
#[tokio::test]
async fn a_proof_may_contain_the_mtls_alias_of_an_endpoint() {
    let alias = "https://mtls.id.example.org";
    let server =
        Server::with(|config| config.mtls.url = Some(MtlsUrl::parse(alias).ok().unwrap())).await;
    let client = server.service().await;
    let key = DpopKey::new();
    let with = |htu: &str| {
        let mut claims = key.claims(&server, "POST", "/token");
        claims["htu"] = json!(htu);
        key.sign(&claims)
    };

    assert!(accepts_proof(&server, &client, &with(&format!("{alias}/token"))).await);
    assert!(accepts_proof(&server, &client, &with(&format!("{ISSUER}/token"))).await);
    assert!(!accepts_proof(&server, &client, &with(&format!("{alias}/userinfo"))).await);
    assert!(!accepts_proof(&server, &client, &with("https://mtls.evil.example/token")).await);
}

/// > The creation time of the JWT […] is within an acceptable window (§4.3); THREATS DP-03, DP-12:
/// > proofs that were made in advance are refused
#[tokio::test]
async fn a_proof_is_valid_within_60_seconds_of_its_iat() {
    let server = Server::start().await;
    let client = server.service().await;
    let key = DpopKey::new();
    let now = server.trace().now().0;
    let with = |name: &str, value: Value| {
        let mut claims = key.claims(&server, "POST", "/token");
        claims[name] = value;
        key.sign(&claims)
    };

    for iat in [now - 60, now - 10, now, now + 10, now + 60] {
        assert!(accepts_proof(&server, &client, &with("iat", json!(iat))).await, "{}", iat - now);
    }
    for iat in [now - 61, now - 3600, 0, now + 61, now + 3600] {
        assert!(!accepts_proof(&server, &client, &with("iat", json!(iat))).await, "{}", iat - now);
    }
    for iat in [json!(now.to_string()), json!(1.5), json!(-1), json!([now]), Value::Null] {
        assert!(!accepts_proof(&server, &client, &with("iat", iat.clone())).await, "{iat}");
    }
    assert!(!accepts_proof(&server, &client, &with("exp", json!(now - 10))).await);
    assert!(!accepts_proof(&server, &client, &with("nbf", json!(now + 61))).await);
    // > non-integer values can be represented (RFC 7519 §2)
    for iat in [now as f64 - 59.5, now as f64 + 0.25, now as f64 + 60.5] {
        assert!(accepts_proof(&server, &client, &with("iat", json!(iat))).await, "{iat}");
    }
    for exp in [now - 9, now + 60] {
        assert!(accepts_proof(&server, &client, &with("exp", json!(exp))).await, "{}", exp - now);
    }
    assert!(accepts_proof(&server, &client, &with("nbf", json!(now + 60))).await);
}

/// > All required claims per Section 4.2 are contained in the JWT. (§4.3)
#[tokio::test]
async fn every_required_claim_must_be_present_and_of_its_type() {
    let server = Server::start().await;
    let client = server.service().await;
    let key = DpopKey::new();

    for name in ["jti", "htm", "htu", "iat"] {
        let mut claims = key.claims(&server, "POST", "/token");
        claims.as_object_mut().unwrap().remove(name);
        assert!(!accepts_proof(&server, &client, &key.sign(&claims)).await, "without {name}");
    }
    for jti in [json!(""), json!(7), json!(["x"]), Value::Null, json!("x".repeat(257))] {
        let mut claims = key.claims(&server, "POST", "/token");
        claims["jti"] = jti.clone();
        assert!(!accepts_proof(&server, &client, &key.sign(&claims)).await, "{jti}");
    }
    let mut claims = key.claims(&server, "POST", "/token");
    claims["jti"] = json!("é".repeat(128));
    assert!(accepts_proof(&server, &client, &key.sign(&claims)).await);
}

/// > To prevent multiple uses of the same DPoP proof, servers can store, in the context of the target URI,
/// > the jti value of each DPoP proof for the time window in which the respective DPoP proof JWT would be
/// > accepted. (§11.1); THREATS DP-01
#[tokio::test]
async fn a_proof_is_accepted_once_within_its_validity() {
    let server = Server::start().await;
    let client = server.service().await;
    let (key, other) = (DpopKey::new(), DpopKey::new());
    let mut claims = key.claims(&server, "POST", "/token");
    // The clock of the client is as far ahead as permitted.
    claims["iat"] = json!(server.trace().now().0 + 60);
    let proof = key.sign(&claims);

    assert!(accepts_proof(&server, &client, &proof).await);
    assert!(!accepts_proof(&server, &client, &proof).await, "immediately afterwards");
    assert!(accepts_proof(&server, &client, &other.sign(&claims)).await, "a jti is unique per key");
    assert!(!accepts_proof(&server.replica().await, &client, &proof).await, "on another replica");

    // Another JWT with the same jti is the same proof.
    let mut again = claims.clone();
    again["iat"] = json!(server.trace().now().0);
    assert!(!accepts_proof(&server, &client, &key.sign(&again)).await);

    server.advance_clock(120);
    sweep::once(&server.app().store, server.trace().now()).await.unwrap();
    assert!(!accepts_proof(&server, &client, &proof).await, "in the last second of its validity");
    let behind = server.replica_ahead(-10).await;
    assert!(!accepts_proof(&behind, &client, &proof).await, "by a clock that is behind");
    let server = server.restart().await;
    assert!(!accepts_proof(&server, &client, &proof).await, "after a restart");
}

/// The number of successful responses to 64 concurrent requests, alternating between the two replicas;
/// the others are refused for their proof, with this status.
async fn count_successes(both: &[RequestBuilder; 2], refused: u16) -> usize {
    let sent: Vec<_> = (0..64).map(|n| tokio::spawn(both[n % 2].clone().send())).collect();
    let mut answered = 0;
    for response in sent {
        let response = response.await.unwrap();
        if response.status == 200 {
            answered += 1;
        } else {
            response.refused(refused, "invalid_dpop_proof");
        }
    }
    answered
}

/// THREATS DP-13: of concurrent requests with the same proof at two replicas, one gets a token.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_racing_token_requests_with_one_proof_one_succeeds() {
    let server = Server::start().await;
    let replica = server.replica().await;
    let client = server.service().await;
    replica.app().confirm().await.unwrap();
    let key = DpopKey::new();
    let proof = key.proof(&server);
    let both = [&server, &replica].map(|one| token_request(one, &client, &proof));

    assert_eq!(count_successes(&both, 400).await, 1);
}

/// THREATS DP-13, where a token is used.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_racing_uses_of_one_proof_at_userinfo_one_succeeds() {
    let server = Server::start().await;
    let replica = server.replica().await;
    let key = DpopKey::new();
    let (_, token) = bound_token(&server, &key).await;
    replica.app().confirm().await.unwrap();
    let proof = key.proof_with_token(&server, "GET", &token);
    let both = [&server, &replica].map(|one| {
        let request =
            one.request("GET", "/userinfo").header("authorization", &format!("DPoP {token}"));
        request.dpop(&proof)
    });

    assert_eq!(count_successes(&both, 401).await, 1);
}

/// THREATS DP-01, where a token is used: a proof is accepted once, on all replicas together.
#[tokio::test]
async fn a_proof_at_userinfo_is_accepted_once() {
    let server = Server::start().await;
    let replica = server.replica().await;
    let key = DpopKey::new();
    let (_, token) = bound_token(&server, &key).await;
    let proof = key.proof_with_token(&server, "GET", &token);

    userinfo_with_dpop(&server, &token, &proof).await.ok();

    for one in [&server, &replica] {
        userinfo_with_dpop(one, &token, &proof).await.refused(401, "invalid_dpop_proof");
    }
}

/// THREATS DP-14: a stored proof has a fixed size, only proofs of successful requests are stored, and
/// they are deleted when they have expired.
#[tokio::test]
async fn stored_proofs_are_small_and_deleted_after_they_expired() {
    let server = Server::start().await;
    server.user("ada").await;
    let service = server.service().await;
    let app = register_public_client(&server).await;
    let key = DpopKey::new();
    let mut unanswered = 0;
    for n in 0..20 {
        // Anyone can use the id of a public client; without a valid code nothing is stored.
        let junk = AuthorizationCode::generate();
        let form = code_grant_form(junk.0.expose());
        let proof = key.proof(&server);
        let response = public_token_request(&server, &app, &form, Some(&proof)).send().await;
        response.refused(400, "invalid_grant");
        let form = [("grant_type", "refresh_token"), ("refresh_token", "gw_rt_junk")];
        let response = public_token_request(&server, &app, &form, Some(&proof)).send().await;
        response.refused(400, "invalid_grant");
        let wrong = Client { secret: format!("wrong{n}"), ..service.clone() };
        request_token(&server, &wrong, &proof).await.refused(401, "invalid_client");
        let proof = key.proof_with_token(&server, "GET", "junk");
        userinfo_with_dpop(&server, "junk", &proof).await.refused(401, "invalid_token");
        unanswered += 4;
    }
    assert_eq!((stored_proofs(&server).await, unanswered), (0, 80));

    for _ in 0..40 {
        let mut claims = key.claims(&server, "POST", "/token");
        claims["jti"] = json!(format!("{:0>256}", claims["jti"].as_str().unwrap()));
        request_token(&server, &service, &key.sign(&claims)).await.ok();
    }
    // And enough more for the job `sweep` to need several batches.
    let (kind, until) = (replays::Kind::DpopProof, server.trace().now() + Seconds(80));
    for n in 0..1_160 {
        let (on, id) = (server.app().store.db(), format!("{n:0>256}"));
        assert!(replays::first_use(on, kind, &key.jkt, &id, until).await.unwrap());
    }
    assert_eq!((stored_proofs(&server).await, longest_identifier(&server).await), (1_200, 32));
    // The lifetime of a proof, the tolerance for clocks, and the margin of `sweep` (THREATS CL-01).
    server.advance_clock(60 + 10 + 10 + 120 - 1);
    sweep::once(&server.app().store, server.trace().now()).await.unwrap();
    assert_eq!(stored_proofs(&server).await, 1_200);
    server.advance_clock(1);
    let living = key.proof(&server);
    assert!(accepts_proof(&server, &service, &living).await);
    let swept = sweep::once(&server.app().store, server.trace().now()).await.unwrap();
    let batches = swept.iter().filter(|(table, _)| *table == "replays").map(|(_, rows)| *rows);
    assert_eq!(batches.collect::<Vec<_>>(), [200, 200, 200, 200, 200, 200, 0]);
    assert_eq!(stored_proofs(&server).await, 1);
    assert!(
        !accepts_proof(&server, &service, &living).await,
        "a proof that may still be valid is not deleted"
    );
}

/// The length of the longest stored proof identifier, in bytes.
async fn longest_identifier(server: &Server) -> i64 {
    #[derive(sqlx_macros::FromRow)]
    struct Row {
        bytes: i64,
    }
    let row: Row = sql("SELECT CAST(MAX(LENGTH(jti)) AS BIGINT) AS bytes FROM replays")
        .fetch_one(server.app().store.db())
        .await
        .unwrap();
    row.bytes
}

/// THREATS DB-03: a database failure is reported as the server's, not as an invalid proof.
#[tokio::test]
async fn a_database_failure_is_not_reported_as_an_invalid_proof() {
    let server = Server::start().await;
    let client = server.service().await;
    let key = DpopKey::new();
    request_token(&server, &client, &key.proof(&server)).await.ok();
    server.app().store.close().await;

    let response = request_token(&server, &client, &key.proof(&server)).await;

    response.refused(503, "temporarily_unavailable");
}
