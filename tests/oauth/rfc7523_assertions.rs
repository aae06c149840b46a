//! RFC 7523 §2.2 and §3, JWTs for client authentication, with the audience of rfc7523bis: `client_secret_jwt`
//! and `private_key_jwt` of OIDC Core §9.

use gatewright::jose::SigningKey;
use gatewright::pki::{Certificate, Reason, inventory};
use gatewright::store::{sql, sweep};
use gatewright::types::{Algorithm, Seconds};
use serde_json::{Map, Value, json};

use kit::client_certificates::ClientCertificate;
use kit::http::{RequestBuilder, Response};
use kit::jwks_server::JwksServer;
use kit::jwt::{DpopKey, JwtSigner, hs256_jwt};
use kit::server::{Client, ISSUER, Server};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client with a key of its own, and more metadata; null removes a member.
async fn register_with_key(server: &Server, signer: &JwtSigner, more: Value) -> Client {
    let mut metadata = json!({
        "grant_types": ["client_credentials"],
        "scope": "read",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": { "keys": [signer.jwk()] },
    });
    metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    metadata.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    server.register(metadata).await
}

/// The claims of a valid assertion of this client, unique by its `jti`.
fn assertion_claims(server: &Server, client: &Client) -> Map<String, Value> {
    let now = server.trace().now().0;
    let claims = json!({
        "iss": client.id,
        "sub": client.id,
        "aud": ISSUER,
        "jti": uuid::Uuid::now_v7().to_string(),
        "iat": now,
        "exp": now + 60,
    });
    claims.as_object().unwrap().clone()
}

/// The same with some claims changed; null removes one.
fn changed_claims(server: &Server, client: &Client, change: Value) -> Value {
    let mut claims = assertion_claims(server, client);
    claims.extend(change.as_object().unwrap().clone());
    claims.retain(|_, value| !value.is_null());
    Value::Object(claims)
}

fn request_with_assertion(
    server: &Server,
    endpoint: &str,
    more: &str,
    jwt: &str,
) -> RequestBuilder {
    let form = form_urlencoded::Serializer::new(more.to_owned())
        .append_pair("client_assertion_type", TYPE)
        .append_pair("client_assertion", jwt)
        .finish();
    server.request("POST", endpoint).form(&form)
}

async fn request_token(server: &Server, jwt: &str) -> Response {
    request_with_assertion(server, "/token", "grant_type=client_credentials", jwt).send().await
}

/// > The JWT MUST be digitally signed or have a Message Authentication Code (MAC) applied by the issuer.
/// > (§3)
#[tokio::test]
async fn a_client_authenticates_with_private_key_jwt() {
    let (server, signer) = (Server::start().await, JwtSigner::new());
    let client = register_with_key(&server, &signer, json!({})).await;
    let jwt = |typ: &str| signer.sign(typ, &Value::Object(assertion_claims(&server, &client)));

    request_token(&server, &jwt("JWT")).await.ok();
    request_token(&server, &jwt("client-authentication+jwt")).await.ok();
    let beside = format!("grant_type=client_credentials&client_id={}", client.id);
    request_with_assertion(&server, "/token", &beside, &jwt("JWT")).send().await.ok();
    let token = request_token(&server, &jwt("JWT")).await.ok().token("access_token");
    let introspect =
        request_with_assertion(&server, "/introspect", &format!("token={token}"), &jwt("JWT"));
    assert_eq!(introspect.send().await.ok().body["active"], true);

    let other = "grant_type=client_credentials&client_id=somebody";
    let other = request_with_assertion(&server, "/token", other, &jwt("JWT")).send().await;
    other.refused(401, "invalid_client");
}

/// > token_endpoint_auth_signing_alg_values_supported (RFC 8414 §2): each of them is taken, and a client that is
/// Each of them is accepted, and a client that is registered for one can use no other.
#[tokio::test]
async fn every_advertised_algorithm_is_accepted() {
    let server = Server::start().await;
    let metadata = server.get("/.well-known/oauth-authorization-server").await.ok().body;
    let advertised =
        metadata["token_endpoint_auth_signing_alg_values_supported"].as_array().unwrap();
    let all = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519 HS256";
    assert_eq!(*advertised, all.split(' ').map(Value::from).collect::<Vec<_>>());

    for name in advertised.iter().filter(|name| **name != "HS256") {
        let key = DpopKey::with_algorithm(Algorithm::parse(name.as_str().unwrap()).unwrap());
        let client = async |alg: &Value| {
            let metadata = json!({
                "grant_types": ["client_credentials"],
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_signing_alg": alg,
                "jwks": { "keys": [key.jwk] },
            });
            server.register(metadata).await
        };
        let sign = |client: &Client| {
            let claims = Value::Object(assertion_claims(&server, client)).to_string();
            key.compact(&json!({ "alg": name }).to_string(), claims)
        };
        let own_client = client(name).await;
        request_token(&server, &sign(&own_client)).await.ok();
        let other = match name.as_str().unwrap() {
            "RS256" => "RS384",
            "EdDSA" => "Ed25519",
            "Ed25519" => "EdDSA",
            of_rsa if of_rsa.starts_with(['R', 'P']) => "RS256",
            _ => continue,
        };
        let other = client(&json!(other)).await;
        request_token(&server, &sign(&other)).await.refused(401, "invalid_client");
    }
}

/// > client_secret_jwt: […] a Message Authentication Code (MAC) […] using the client_secret as the shared
/// > key (OIDC Core §9)
#[tokio::test]
async fn a_client_authenticates_with_client_secret_jwt() {
    let server = Server::start().await;
    let client = register_secret_client(&server).await;
    let assertion_claims = || Value::Object(assertion_claims(&server, &client)).to_string();
    let by = |secret: &str| hs256_jwt(secret.as_bytes(), r#"{"alg":"HS256"}"#, assertion_claims());

    request_token(&server, &by(&client.secret)).await.ok();
    for wrong in ["", &client.secret[1..], "another secret of at least 32 bytes, all right?"] {
        request_token(&server, &by(wrong)).await.refused(401, "invalid_client");
    }
    let basic = server.post_as(&client, "/token", "grant_type=client_credentials").await;
    basic.refused(401, "invalid_client");
}

async fn register_secret_client(server: &Server) -> Client {
    server
        .register(json!({
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "client_secret_jwt",
        }))
        .await
}

/// THREATS TE-10: the registered algorithm and the registered keys only.
#[tokio::test]
async fn no_other_algorithm_or_key_is_accepted() {
    let (server, signer, other) = (Server::start().await, JwtSigner::new(), JwtSigner::new());
    let client = register_with_key(&server, &signer, json!({})).await;
    register_with_key(&server, &other, json!({})).await;
    let assertion_claims = || Value::Object(assertion_claims(&server, &client));
    let rsa = SigningKey::generate(Algorithm::Rs256).unwrap().0;
    let public = signer.jwk();
    let x = gatewright::jose::base64url::decode(public["x"].as_str().unwrap()).unwrap();
    let hs = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, signer.key.kid());

    let wrong = [
        (
            "none",
            format!("{}.", signer.compact(r#"{"alg":"none"}"#, "x").rsplit_once('.').unwrap().0),
        ),
        ("the public key as a secret", hs256_jwt(&x, &hs, assertion_claims().to_string())),
        (
            "the JWK as a secret",
            hs256_jwt(public.to_string().as_bytes(), &hs, assertion_claims().to_string()),
        ),
        ("RS256", rsa.sign("JWT", &assertion_claims()).unwrap()),
        ("another client's key and kid", other.sign("JWT", &assertion_claims())),
        (
            "another client's key, our kid",
            other.compact(&signer.header(r#","typ":"JWT""#), assertion_claims().to_string()),
        ),
        (
            "a key in the header",
            other.compact(
                &format!(r#"{{"alg":"ES256","jwk":{}}}"#, other.jwk()),
                assertion_claims().to_string(),
            ),
        ),
        ("an ID token's kind", signer.sign("at+jwt", &assertion_claims())),
    ];

    for (what, jwt) in wrong {
        let response = request_token(&server, &jwt).await;
        assert_eq!(response.status, 401, "{what}: {response:?}");
        response.refused(401, "invalid_client");
    }
    request_token(&server, &signer.sign("JWT", &assertion_claims())).await.ok();
}

/// THREATS TE-11, TE-15:
///
/// > The JWT MUST contain an "iss" […] a "sub" […] For client authentication, the subject MUST be the
/// > "client_id" […] MUST contain an "exp" […] The authorization server MUST reject any JWT with an
/// > expiration time that has passed […] MAY reject JWTs with an "exp" claim value that is unreasonably
/// > far in the future. (§3)
#[tokio::test]
async fn an_assertion_with_wrong_or_missing_claims_is_refused() {
    let (server, signer) = (Server::start().await, JwtSigner::new());
    let client = register_with_key(&server, &signer, json!({})).await;
    let now = server.trace().now().0;

    for wrong in [
        json!({ "iss": null }),
        json!({ "iss": "somebody" }),
        json!({ "sub": null }),
        json!({ "sub": "somebody" }),
        json!({ "sub": ISSUER }),
        json!({ "aud": null }),
        json!({ "jti": null }),
        json!({ "jti": 7 }),
        json!({ "exp": null }),
        json!({ "exp": now - 300 }),
        json!({ "exp": now - 10 }),
        json!({ "exp": now + 311 }),
        json!({ "exp": 4_070_908_800_i64 }),
        json!({ "exp": (now + 60).to_string() }),
        json!({ "exp": 1e300 }),
        json!({ "nbf": now + 61 }),
        json!({ "iat": now + 61 }),
        json!({ "nbf": "0" }),
    ] {
        let jwt = signer.sign("JWT", &changed_claims(&server, &client, wrong.clone()));
        let response = request_token(&server, &jwt).await;
        assert_eq!(response.status, 401, "{wrong}");
        response.refused(401, "invalid_client");
    }
    for right in [
        json!({ "exp": now - 9 }),
        json!({ "exp": now + 310 }),
        json!({ "nbf": now + 60, "iat": now + 60 }),
        // > non-integer values can be represented (RFC 7519 §2)
        json!({ "nbf": now as f64 + 0.25, "iat": now as f64 + 0.25, "exp": now as f64 + 60.75 }),
        json!({ "iat": null }),
        json!({ "more": { "is": "passed over" } }),
    ] {
        let jwt = signer.sign("JWT", &changed_claims(&server, &client, right.clone()));
        assert_eq!(request_token(&server, &jwt).await.status, 200, "{right}");
    }
}

/// > shall use PS256, ES256, or EdDSA (using the Ed25519 variant) algorithms (FAPI 2.0 Security Profile
/// > §5.4.1)
///
/// This applies even to keys that could be used with others. No client can be registered for the
/// profile yet.
#[tokio::test]
async fn a_client_of_the_fapi_profile_may_use_only_the_algorithms_of_fapi() {
    let server = Server::start().await;
    let mut all = Vec::new();
    for alg in Algorithm::ACCEPTED {
        let key = DpopKey::with_algorithm(*alg);
        let client = server.register(json!({
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [key.jwk] },
        }));
        all.push((*alg, key, client.await));
    }
    let profile = "UPDATE clients SET version = version + 1,
        metadata = replace(metadata, '\"gw_profile\":\"oauth21\"', '\"gw_profile\":\"fapi2\"')";
    sql(profile).execute(server.app().store.db()).await.unwrap();
    let server = server.restart().await;
    let is_allowed = |alg| {
        use Algorithm::{Ed25519, EdDsa, Es256, Ps256};
        [Ps256, Es256, EdDsa, Ed25519].contains(&alg)
    };

    for (alg, key, client) in &all {
        let header = json!({ "alg": alg, "typ": "JWT" }).to_string();
        let jwt =
            || key.compact(&header, Value::Object(assertion_claims(&server, client)).to_string());
        let response = request_token(&server, &jwt()).await;
        assert_eq!(response.status, if is_allowed(*alg) { 200 } else { 401 }, "{alg} {response:?}");
    }
    // A DPoP proof is a JWT too (RFC 9449 §4.2).
    let (_, good, client) = all.iter().find(|(alg, ..)| *alg == Algorithm::Es256).unwrap();
    let header = json!({ "alg": "ES256", "typ": "JWT" }).to_string();
    for (alg, key, _) in &all {
        let jwt =
            good.compact(&header, Value::Object(assertion_claims(&server, client)).to_string());
        let request =
            request_with_assertion(&server, "/token", "grant_type=client_credentials", &jwt);
        let response = request.dpop(&key.proof(&server)).send().await;
        match is_allowed(*alg) {
            true => drop(response.ok()),
            false => drop(response.refused(400, "invalid_dpop_proof")),
        }
    }
}

/// RFC 7517 §5: a JWK Set in the registration may contain keys of unknown types.
#[tokio::test]
async fn a_key_of_an_unknown_type_does_not_invalidate_the_set() {
    let (server, signer) = (Server::start().await, JwtSigner::new());
    let unknown = json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "pq", "pub": "AAAA" });
    let keys = json!({ "jwks": { "keys": [unknown, signer.jwk()] } });
    let client = register_with_key(&server, &signer, keys).await;

    request_token(&server, &signer.sign("JWT", &Value::Object(assertion_claims(&server, &client))))
        .await
        .ok();
}

/// > The JWT MUST contain an "aud" (audience) claim containing the issuer identifier of the authorization
/// > server as its sole value (rfc7523bis); THREATS TE-12
#[tokio::test]
async fn the_audience_of_an_assertion_must_be_the_issuer_alone() {
    let (server, signer) = (Server::start().await, JwtSigner::new());
    let strict = register_with_key(&server, &signer, json!({})).await;
    let easy = json!({ "gw_assertion_audience": "endpoints" });
    let easy = register_with_key(&server, &signer, easy).await;
    let token = format!("{ISSUER}/token");
    let status = async |client: &Client, aud: &Value| {
        let claims = changed_claims(&server, client, json!({ "aud": aud }));
        request_token(&server, &signer.sign("JWT", &claims)).await.status
    };

    for aud in [json!(token), json!([ISSUER]), json!([ISSUER, token])] {
        assert_eq!(status(&strict, &aud).await, 401, "{aud}");
        assert_eq!(status(&easy, &aud).await, 200, "{aud}");
    }
    for aud in [
        json!(format!("{ISSUER}/")),
        json!("http://id.example.org"),
        json!("https://ID.example.org"),
        json!(format!("{ISSUER}/introspect")),
        json!([ISSUER, "https://other.example"]),
        json!([]),
        json!(""),
        json!({ ISSUER: true }),
    ] {
        assert_eq!(status(&strict, &aud).await, 401, "{aud}");
        assert_eq!(status(&easy, &aud).await, 401, "{aud}");
    }
    assert_eq!(status(&strict, &json!(ISSUER)).await, 200);
}

/// > The authorization server MAY ensure that JWTs are not replayed by maintaining the set of used "jti"
/// > values (§3); THREATS TE-13: also at another endpoint, at another replica, after a restart, and
/// > until no replica's clock accepts it any more
#[tokio::test]
async fn an_assertion_is_accepted_once() {
    let (server, signer) = (Server::start().await, JwtSigner::new());
    let client = register_with_key(&server, &signer, json!({})).await;
    let replica = server.replica().await;
    let jwt = signer.sign("JWT", &Value::Object(assertion_claims(&server, &client)));
    request_token(&server, &jwt).await.ok();

    request_token(&server, &jwt).await.refused(401, "invalid_client");
    let other = request_with_assertion(&server, "/revoke", "token=x", &jwt).send().await;
    other.refused(401, "invalid_client");
    request_token(&replica, &jwt).await.refused(401, "invalid_client");
    replica.stop().await;
    let server = server.restart().await;
    request_token(&server, &jwt).await.refused(401, "invalid_client");
    server.advance_clock(69);
    let clock_ahead = server.trace().now() + Seconds::minutes(2);
    sweep::once(&server.app().store, clock_ahead).await.unwrap();
    request_token(&server, &jwt).await.refused(401, "invalid_client");
    assert_eq!(stored_replays(&server).await, 1, "a clock that is behind could still accept it");
}

async fn stored_replays(server: &Server) -> i64 {
    #[derive(sqlx_macros::FromRow)]
    struct Rows {
        rows: i64,
    }
    let count = sql("SELECT count(*) AS rows FROM replays");
    count.fetch_one::<Rows>(server.app().store.db()).await.unwrap().rows
}

/// THREATS X-19.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_racing_uses_of_an_assertion_one_succeeds() {
    let (server, signer) = (Server::start().await, JwtSigner::new());
    let client = register_with_key(&server, &signer, json!({})).await;
    let jwt = signer.sign("JWT", &Value::Object(assertion_claims(&server, &client)));
    let request = request_with_assertion(&server, "/token", "grant_type=client_credentials", &jwt);

    let requests: Vec<_> = (0..64).map(|_| tokio::spawn(request.clone().send())).collect();
    let mut succeeded = 0;
    for request in requests {
        let response = request.await.unwrap();
        if response.status == 200 {
            succeeded += 1;
        } else {
            response.refused(401, "invalid_client");
        }
    }

    assert_eq!(succeeded, 1);
}

/// > "jti" […] the issuer […] uniqueness (RFC 7519 §4.1.7); THREATS TE-14: per client. An equal `jti`
/// > of another client does not shorten the time for which a used one is stored.
#[tokio::test]
async fn two_clients_may_use_the_same_jti() {
    let (server, signer) = (Server::start().await, JwtSigner::new());
    let one = register_with_key(&server, &signer, json!({})).await;
    let other = register_with_key(&server, &signer, json!({})).await;
    let now = server.trace().now().0;
    let long = json!({ "jti": "7", "exp": now + 300 });
    let long = signer.sign("JWT", &changed_claims(&server, &one, long));
    let short =
        signer.sign("JWT", &changed_claims(&server, &other, json!({ "jti": "7", "exp": now + 1 })));

    request_token(&server, &long).await.ok();
    request_token(&server, &short).await.ok();
    server.advance_clock(200);
    sweep::once(&server.app().store, server.trace().now()).await.unwrap();

    request_token(&server, &long).await.refused(401, "invalid_client");
}

/// THREATS TE-15: a used `jti` is deleted once no clock would accept its assertion.
#[tokio::test]
async fn used_assertions_are_deleted_after_they_expired() {
    let (server, signer) = (Server::start().await, JwtSigner::new());
    let client = register_with_key(&server, &signer, json!({})).await;
    for _ in 0..10 {
        request_token(
            &server,
            &signer.sign("JWT", &Value::Object(assertion_claims(&server, &client))),
        )
        .await
        .ok();
    }
    assert_eq!(stored_replays(&server).await, 10);

    server.advance_clock(600);
    sweep::once(&server.app().store, server.trace().now()).await.unwrap();

    assert_eq!(stored_replays(&server).await, 0);
}

async fn server_with_jwks_uri(signer: &JwtSigner) -> (Server, JwksServer, Client) {
    let server = Server::with(|config| config.outbound.allow_private_networks = true).await;
    let publisher = JwksServer::start(json!({ "keys": [signer.jwk()] })).await;
    let uri = json!({ "jwks": null, "jwks_uri": format!("http://{}/jwks", publisher.address) });
    let client = register_with_key(&server, signer, uri).await;
    (server, publisher, client)
}

/// > jwks_uri: URL string referencing the client's JSON Web Key (JWK) Set document […] Use of this
/// > parameter is preferred over the "jwks" parameter, as it allows for easier key rotation. (RFC 7591 §2)
#[tokio::test]
async fn a_client_may_rotate_the_keys_at_its_jwks_uri() {
    let (old, new) = (JwtSigner::new(), JwtSigner::new());
    let (server, publisher, client) = server_with_jwks_uri(&old).await;
    let assertion_claims = || Value::Object(assertion_claims(&server, &client));
    assert_eq!(publisher.request_count(), 0, "keys are fetched on first use");

    for _ in 0..3 {
        request_token(&server, &old.sign("JWT", &assertion_claims())).await.ok();
    }
    assert_eq!(publisher.request_count(), 1, "keys are cached");
    publisher.publish(Some(json!({ "keys": [new.jwk()] }))).await;
    server.advance_clock(60);
    request_token(&server, &new.sign("JWT", &assertion_claims())).await.ok();

    assert_eq!(publisher.request_count(), 2);
    request_token(&server, &old.sign("JWT", &assertion_claims()))
        .await
        .refused(401, "invalid_client");
}

/// THREATS TE-16: one fetch per client and minute, however many unknown key ids are presented.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_key_ids_cause_one_fetch_a_minute() {
    let (known, unknown) = (JwtSigner::new(), JwtSigner::new());
    let (server, publisher, client) = server_with_jwks_uri(&known).await;
    let request = || {
        let jwt = unknown.sign("JWT", &Value::Object(assertion_claims(&server, &client)));
        request_with_assertion(&server, "/token", "grant_type=client_credentials", &jwt)
    };
    request_token(&server, &known.sign("JWT", &Value::Object(assertion_claims(&server, &client))))
        .await
        .ok();

    for round in 1..=3 {
        let requests: Vec<_> = (0..32).map(|_| tokio::spawn(request().send())).collect();
        for request in requests {
            request.await.unwrap().refused(401, "invalid_client");
        }
        assert_eq!(
            publisher.request_count(),
            round,
            "concurrent requests share one fetch, which is cached"
        );
        server.advance_clock(60);
    }
}

/// THREATS TE-16: a failed fetch is cached too, and the client gets an error.
#[tokio::test]
async fn a_failed_fetch_of_keys_is_retried_after_a_minute() {
    let signer = JwtSigner::new();
    let (server, publisher, client) = server_with_jwks_uri(&signer).await;
    publisher.publish(None).await;
    let jwt = || signer.sign("JWT", &Value::Object(assertion_claims(&server, &client)));

    for _ in 0..5 {
        request_token(&server, &jwt()).await.refused(401, "invalid_client");
    }
    assert_eq!(publisher.request_count(), 1);
    publisher.publish(Some(json!({ "keys": [signer.jwk()] }))).await;
    server.advance_clock(60);

    request_token(&server, &jwt()).await.ok();
}

/// While a client's JWKS cannot be fetched, its cached keys stay valid for an hour after the last
/// successful fetch, whatever caused the fetches. Keys that were never fetched are not accepted.
#[tokio::test]
async fn cached_keys_stay_valid_for_an_hour_while_the_jwks_uri_fails() {
    let (known, unknown) = (JwtSigner::new(), JwtSigner::new());
    let (server, publisher, client) = server_with_jwks_uri(&known).await;
    let by =
        |signer: &JwtSigner| signer.sign("JWT", &Value::Object(assertion_claims(&server, &client)));
    request_token(&server, &by(&known)).await.ok();
    publisher.publish(None).await;

    // An unknown key id causes a fetch.
    server.advance_clock(60);
    request_token(&server, &by(&unknown)).await.refused(401, "invalid_client");
    assert_eq!(publisher.request_count(), 2);
    request_token(&server, &by(&known)).await.ok();
    server.advance_clock(3600 - 60 - 1);
    request_token(&server, &by(&known)).await.ok();
    assert_eq!(publisher.request_count(), 3, "another fetch fails");
    server.advance_clock(1);
    request_token(&server, &by(&known)).await.refused(401, "invalid_client");
    assert_eq!(publisher.request_count(), 3, "once a minute");

    publisher.publish(Some(json!({ "keys": [unknown.jwk()] }))).await;
    server.advance_clock(60);
    request_token(&server, &by(&unknown)).await.ok();
    request_token(&server, &by(&known)).await.refused(401, "invalid_client");
}

/// Keys that were cached before the registration changed may be from another URL.
#[tokio::test]
async fn cached_keys_are_invalid_after_a_change_of_the_registration() {
    let signer = JwtSigner::new();
    let (server, publisher, client) = server_with_jwks_uri(&signer).await;
    let jwt = || signer.sign("JWT", &Value::Object(assertion_claims(&server, &client)));
    request_token(&server, &jwt()).await.ok();
    publisher.publish(None).await;
    server.update_client(&client, |_| {}).await;

    request_token(&server, &jwt()).await.refused(401, "invalid_client");
}

/// Keys in the registration are never fetched and do not expire.
#[tokio::test]
async fn registered_keys_do_not_expire() {
    let (server, signer) = (Server::start().await, JwtSigner::new());
    let client = register_with_key(&server, &signer, json!({})).await;
    let jwt = || signer.sign("JWT", &Value::Object(assertion_claims(&server, &client)));

    request_token(&server, &jwt()).await.ok();
    server.advance_clock(2 * 3600);
    request_token(&server, &jwt()).await.ok();
}

/// THREATS SS-08: outbound rules are checked at every fetch, not only at registration.
#[tokio::test]
async fn keys_on_a_private_network_are_fetched_only_where_allowed() {
    let signer = JwtSigner::new();
    let (server, publisher, client) = server_with_jwks_uri(&signer).await;
    let jwt = || signer.sign("JWT", &Value::Object(assertion_claims(&server, &client)));
    request_token(&server, &jwt()).await.ok();
    let strict = server.replica_with(|config| config.outbound.allow_private_networks = false).await;

    request_token(&strict, &jwt()).await.refused(401, "invalid_client");

    assert_eq!(publisher.request_count(), 1);
}

/// `gatewright cert revoke`: "it no longer authenticates clients"; docs/certificates.md: "where the
/// reason is `keyCompromise`, the key is meant". A compromised key is refused with or without its
/// certificate in the JWK.
#[tokio::test]
async fn an_assertion_signed_with_a_revoked_key_is_refused() {
    for (reason, with_certificate, proves) in [
        (Reason::KeyCompromise, false, false),
        (Reason::KeyCompromise, true, false),
        (Reason::Superseded, true, false),
        (Reason::Superseded, false, true),
    ] {
        let (server, signer) = (Server::start().await, JwtSigner::new());
        let certificate = ClientCertificate::self_signed_with(signer.key_pair(), "Billing", |_| {});
        let mut jwk = signer.jwk();
        if with_certificate {
            jwk["x5c"] = json!([certificate.base64()]);
        }
        let client =
            register_with_key(&server, &signer, json!({ "jwks": { "keys": [jwk] } })).await;
        let assertion = || signer.sign("JWT", &changed_claims(&server, &client, json!({})));
        request_token(&server, &assertion()).await.ok();

        let trace = server.trace();
        let row =
            inventory::seen_row(&Certificate::parse(&certificate.der, &[]).unwrap(), trace.now());
        server.inventory(&trace).revoke(&row, reason).await.unwrap();
        server.app().confirm().await.unwrap();

        let response = request_token(&server, &assertion()).await;
        if proves {
            response.ok();
        } else {
            response.refused(401, "invalid_client");
        }
    }
}
