//! `/verify/NAME`, which gateways ask about the requests that come to them: docs/gateways.md.

use gatewright::config::{
    CertificateHeader, Config, DpopNonce, Network, OriginalRequest, Protected,
};
use gatewright::jose::base64url;
use gatewright::pki::{Certificate, Reason, inventory};
use gatewright::types::{Digest, Scope};
use serde_json::json;

use kit::certificates::{Shown, behind_proxy};
use kit::holder::asking;
use kit::http::{Answer, Ask};
use kit::jwt::{Holder, Signer, claims};
use kit::server::{BEGINNING, Client, ISSUER, Server};

const API: &str = "https://api.example.org/invoices";

/// Every field that tells an API who calls it.
const IDENTITY: [&str; 7] = [
    "x-auth-subject",
    "x-auth-client",
    "x-auth-scope",
    "x-auth-token-id",
    "x-auth-expires",
    "x-auth-time",
    "x-auth-acr",
];

fn protected(name: &str, scope: &[&str]) -> Protected {
    Protected {
        name: name.to_owned(),
        audience: API.to_owned(),
        scope: Scope::of(scope.iter().copied()),
        origin: Some("https://api.example.org".to_owned()),
        original: OriginalRequest::XOriginal,
    }
}

/// The routes of an API, with the test for its gateway.
fn before_an_api(config: &mut Config) {
    behind_proxy(config, CertificateHeader::Rfc9440);
    let path = Protected { original: OriginalRequest::Path, ..protected("envoy", &["read"]) };
    let forwarded =
        Protected { original: OriginalRequest::XForwarded, ..protected("traefik", &[]) };
    config.verify.routes = vec![
        forwarded,
        Protected { origin: None, ..protected("nowhere-known", &[]) },
        protected("invoices", &["read"]),
        protected("pay", &["read", "pay"]),
        protected("any", &[]),
        Protected { audience: ISSUER.to_owned(), ..protected("ours", &[]) },
        path,
    ];
}

async fn prepared() -> (Server, Client) {
    let server = Server::with(before_an_api).await;
    let client = caller(&server, json!({})).await;
    (server, client)
}

/// A service that calls the API, with this said otherwise.
async fn caller(server: &Server, other: serde_json::Value) -> Client {
    let mut metadata = json!({
        "client_name": "Billing",
        "grant_types": ["client_credentials"],
        "scope": "read write",
        "gw_default_audience": API,
    });
    let members = metadata.as_object_mut().unwrap();
    members.extend(other.as_object().unwrap().clone());
    server.register(metadata).await
}

/// A question of the gateway about this token.
fn about(server: &Server, name: &str, token: &str) -> Ask {
    server.ask("GET", &format!("/verify/{name}")).bearer(token)
}

/// It passes, and the API is told who it is.
#[track_caller]
fn passed(answer: &Answer) {
    assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{answer:?}");
    for name in IDENTITY {
        assert_eq!(answer.headers(name).len(), 1, "{name} in {answer:?}");
    }
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// It does not pass, and nobody is told anything.
#[track_caller]
fn stopped(answer: Answer, status: u16, error: &str) {
    for name in IDENTITY {
        assert!(answer.headers(name).is_empty(), "{answer:?}");
    }
    let challenge = answer.headers("www-authenticate").join(", ");
    assert!(challenge.contains(&format!("error=\"{error}\"")), "{answer:?}");
    answer.refused(status, error);
}

#[tokio::test]
async fn a_service_passes_and_the_api_is_told_which_it_is() {
    let (server, client) = prepared().await;
    let token = server.token_of(&client).await;

    let answer = about(&server, "invoices", &token).send().await;

    passed(&answer);
    assert_eq!(answer.header("x-auth-subject"), client.id);
    assert_eq!(answer.header("x-auth-client"), client.id);
    assert_eq!(answer.header("x-auth-scope"), "read write");
    assert_eq!(answer.header("x-auth-token-id"), claims(&token)["jti"].as_str().unwrap());
    assert_eq!(answer.header("x-auth-expires"), (BEGINNING + 300).to_string());
    assert_eq!((answer.header("x-auth-time"), answer.header("x-auth-acr")), ("", ""));
}

/// Both formats of a token say the same, and neither a claim about the person (THREATS EX-18).
#[tokio::test]
async fn a_person_passes_with_a_jwt_and_with_an_opaque_token() {
    let (server, _) = prepared().await;
    server.user("wilhelmina").await;
    for format in ["jwt", "opaque"] {
        let client = server
            .register(json!({
                "redirect_uris": [Client::REDIRECT_URI],
                "grant_types": ["authorization_code"],
                "scope": "openid profile read",
                "gw_default_audience": API,
                "gw_access_token_format": format,
            }))
            .await;
        let tokens = server.granted("wilhelmina", &client, "openid profile read").await;
        let subject = claims(&tokens.token("id_token"))["sub"].clone();

        let answer = about(&server, "invoices", &tokens.token("access_token")).send().await;

        passed(&answer);
        assert_eq!(answer.header("x-auth-subject"), subject.as_str().unwrap(), "{format}");
        assert_eq!(answer.header("x-auth-scope"), "openid profile read");
        assert!(!format!("{answer:?}").contains("wilhelmina"), "{answer:?}");
        assert_eq!(answer.header("x-auth-time"), BEGINNING.to_string());
        assert_eq!(answer.header("x-auth-acr"), "pwd");
    }
}

/// > invalid_token, insufficient_scope (RFC 6750 §3.1)
#[tokio::test]
async fn audience_and_scope_are_those_of_the_route() {
    let (server, client) = prepared().await;
    let token = server.token_of(&client).await;
    let elsewhere = caller(&server, json!({ "gw_default_audience": ISSUER })).await;
    let elsewhere = server.token_of(&elsewhere).await;

    passed(&about(&server, "any", &token).send().await);
    passed(&about(&server, "ours", &elsewhere).send().await);
    stopped(about(&server, "pay", &token).send().await, 403, "insufficient_scope");
    stopped(about(&server, "ours", &token).send().await, 401, "invalid_token");
    stopped(about(&server, "invoices", &elsewhere).send().await, 401, "invalid_token");
}

/// THREATS HD-04, HD-01: which route it is, is the path that the gateway's configuration names.
#[tokio::test]
async fn nothing_in_a_request_chooses_another_route() {
    let (server, client) = prepared().await;
    let token = server.token_of(&client).await;

    for name in ["x-original-uri", "x-rewrite-url", "x-original-url", "x-forwarded-uri"] {
        for value in ["/verify/any", "/healthz", "/"] {
            let ask = about(&server, "pay", &token).header(name, value);
            stopped(ask.send().await, 403, "insufficient_scope");
        }
    }
    for (name, value) in [
        ("x-http-method-override", "OPTIONS"),
        ("x-forwarded-host", "any"),
        ("forwarded", "host=any;proto=http"),
        ("x-auth-scope", "pay"),
        ("x-auth-subject", "root"),
    ] {
        let ask = about(&server, "pay", &token).header(name, value);
        stopped(ask.send().await, 403, "insufficient_scope");
        let told = about(&server, "invoices", &token).header(name, value).send().await;
        passed(&told);
        assert_eq!(told.header("x-auth-subject"), client.id);
    }
    for query in ["?scope=pay", "?audience=x&scope=", "?route=any"] {
        let target = format!("/verify/pay{query}");
        let answer = server.ask("GET", &target).bearer(&token).send().await;
        stopped(answer, 403, "insufficient_scope");
    }
    let in_query = format!("/verify/any?access_token={token}");
    assert_eq!(server.get(&in_query).await.status, 401);
}

#[tokio::test]
async fn whoever_is_no_gateway_finds_nothing() {
    let (server, client) = prepared().await;
    let token = server.token_of(&client).await;
    let outside = server
        .replica_with(|config| {
            config.http.trusted_proxies = vec![Network::new([192, 0, 2, 1].into(), 32).unwrap()];
        })
        .await;

    for name in ["invoices", "nowhere"] {
        about(&outside, name, &token)
            .header("x-forwarded-for", "192.0.2.1")
            .send()
            .await
            .refused(404, "not_found");
    }
    for name in ["nowhere", "", "INVOICES", "invoices%2e", "%69nvoices", "..", "nowhere/invoices"] {
        about(&server, name, &token).send().await.refused(404, "not_found");
    }
    // Only where the gateway tells of the path in this way, something may stand behind the name.
    about(&server, "invoices/4711", &token).send().await.refused(404, "not_found");
    passed(&about(&server, "envoy/4711?x=y", &token).send().await);
    passed(&about(&server, "envoy", &token).send().await);
}

/// A gateway lets 401 and 403 through to the client and takes everything else for a fault: there is no other
/// refusal, and never a redirect.
#[tokio::test]
async fn without_a_token_the_answer_is_a_challenge() {
    let (server, client) = prepared().await;
    let token = server.token_of(&client).await;
    let ask = || server.ask("GET", "/verify/invoices").header("accept", "text/html");

    for answer in [
        ask().send().await,
        ask().basic("a", "b").send().await,
        ask().header("authorization", "Bearer").send().await,
        ask().bearer(&token).bearer(&token).send().await,
    ] {
        assert_eq!((answer.status, answer.text.as_str()), (401, ""), "{answer:?}");
        assert!(answer.header("www-authenticate").starts_with("Bearer realm="));
        assert!(!answer.header("www-authenticate").contains("error"));
        assert_eq!(answer.header("location"), "");
    }
    for junk in ["x", "a.b.c", "gw_at_x", &client.secret, &"x".repeat(20_000)] {
        stopped(ask().bearer(junk).send().await, 401, "invalid_token");
    }
}

/// Envoy asks with the method of the client, and with whatever comes behind.
#[tokio::test]
async fn any_method_asks_the_same() {
    let (server, client) = prepared().await;
    let token = server.token_of(&client).await;

    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        let ask = server.ask(method, "/verify/envoy/4711").bearer(&token);
        passed(&ask.header("content-type", "text/plain").body("anything").send().await);
        let none = server.ask(method, "/verify/envoy/4711").header("origin", "https://a.example");
        assert_eq!(none.send().await.status, 401, "{method}");
    }
}

/// RFC 7662 §4: what introspection sees in this moment, a gateway sees.
#[tokio::test]
async fn a_token_that_counts_no_more_does_not_pass() {
    let (server, client) = prepared().await;
    let ada = server.user("ada").await;
    let web = server
        .register(json!({
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid read",
            "gw_default_audience": API,
        }))
        .await;
    let granted = async || server.granted("ada", &web, "openid read").await.token("access_token");
    let revoked = server.token_of(&client).await;
    let form = format!("token={revoked}");
    assert_eq!(server.post_as(&client, "/revoke", &form).await.status, 200);
    stopped(about(&server, "invoices", &revoked).send().await, 401, "invalid_token");

    let disabled = granted().await;
    passed(&about(&server, "invoices", &disabled).send().await);
    server.disable(&ada).await;
    stopped(about(&server, "invoices", &disabled).send().await, 401, "invalid_token");
    server.enable(&ada).await;

    let expired = server.token_of(&client).await;
    server.wait(300);
    stopped(about(&server, "invoices", &expired).send().await, 401, "invalid_token");

    let of_the_dead = server.token_of(&client).await;
    let id = gatewright::types::ClientId::from_text(&client.id);
    server.administer(async |registrar| registrar.disable(&id).await.unwrap()).await;
    stopped(about(&server, "invoices", &of_the_dead).send().await, 401, "invalid_token");
}

/// > The resource server MUST verify that the "typ" header value is "at+jwt" (RFC 9068 §4)
#[tokio::test]
async fn another_kind_of_jwt_does_not_pass() {
    let (server, client) = prepared().await;
    let (ours, theirs) = (Signer::of_server(&server).await, Signer::new());
    let good = claims(&server.token_of(&client).await);
    let changed = |name: &str, value: serde_json::Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };

    passed(&about(&server, "invoices", &ours.sign("at+jwt", &good)).send().await);
    for token in [
        ours.sign("JWT", &good),
        theirs.sign("at+jwt", &good),
        ours.sign("at+jwt", &changed("iss", json!("https://evil.example"))),
        ours.sign("at+jwt", &changed("aud", json!([ISSUER]))),
        ours.sign("at+jwt", &changed("exp", json!(BEGINNING))),
        ours.sign("at+jwt", &changed("cnf", json!({ "x5t#S256": "A".repeat(43) }))),
        ours.sign("at+jwt", &changed("cnf", json!({ "jkt": "A".repeat(43) }))),
        ours.sign("at+jwt", &changed("cnf", json!({ "kid": "x" }))),
    ] {
        stopped(about(&server, "invoices", &token).send().await, 401, "invalid_token");
    }
}

/// The issuer may have a path: then everything lies below it, and nothing beside it.
#[tokio::test]
async fn it_lies_below_the_issuer() {
    let server = Server::with(|config| {
        before_an_api(config);
        config.issuer = gatewright::config::Issuer::parse("https://id.example.org/tenant").unwrap();
    })
    .await;

    assert_eq!(server.get("/tenant/verify/invoices").await.status, 401);
    assert_eq!(server.get("/verify/invoices").await.status, 404);
    assert_eq!(server.get("/verify/tenant/verify/invoices").await.status, 404);
}

/// RFC 8705 §3, with the certificate that the gateway tells of; THREATS MT-04.
#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_passes_with_that_one_alone() {
    let (server, _) = prepared().await;
    let (own, thief) = (Shown::self_signed("Billing"), Shown::self_signed("Thief"));
    for format in ["jwt", "opaque"] {
        let client = caller(
            &server,
            json!({
                "tls_client_certificate_bound_access_tokens": true,
                "gw_access_token_format": format,
            }),
        )
        .await;
        let ask = server.ask("POST", "/token").basic(&client.id, &client.secret).showing(&own);
        let answer = ask.form("grant_type=client_credentials").send().await.ok();
        let token = answer.token("access_token");
        let about = || about(&server, "invoices", &token);

        passed(&about().showing(&own).send().await);
        stopped(about().send().await, 401, "invalid_token");
        stopped(about().showing(&thief).send().await, 401, "invalid_token");
        // In another form than the configured one, it is no certificate at all.
        let nginx = about().header("x-ssl-client-cert", &own.pem().replace('\n', "%0A"));
        stopped(nginx.send().await, 401, "invalid_token");
    }
}

/// What was revoked here ends at the next request.
#[tokio::test]
async fn a_revoked_certificate_takes_its_tokens_along() {
    let (server, _) = prepared().await;
    let own = Shown::self_signed("Billing");
    let bound = json!({ "tls_client_certificate_bound_access_tokens": true });
    let client = caller(&server, bound).await;
    let ask = server.ask("POST", "/token").basic(&client.id, &client.secret).showing(&own);
    let token = ask.form("grant_type=client_credentials").send().await.ok().token("access_token");
    let about = || about(&server, "invoices", &token).showing(&own);
    passed(&about().send().await);

    let trace = server.trace();
    let row = inventory::seen(&Certificate::read(&own.der, &[]).unwrap(), trace.now());
    server.inventory().revoke(&row, Reason::KeyCompromise, &trace).await.unwrap();

    stopped(about().send().await, 401, "invalid_token");
}

/// So does another certificate for the same key, if that is known to somebody else; nobody has to have noted it.
#[tokio::test]
async fn a_token_that_is_bound_to_a_compromised_key_does_not_pass() {
    let (server, _) = prepared().await;
    let leaked = Shown::self_signed("Billing");
    let sibling = Shown::self_signed_by(leaked.same_key(), "Billing, renewed", |_| {});
    let bound = json!({ "tls_client_certificate_bound_access_tokens": true });
    let client = caller(&server, bound).await;
    let ask = server.ask("POST", "/token").basic(&client.id, &client.secret).showing(&sibling);
    let token = ask.form("grant_type=client_credentials").send().await.ok().token("access_token");
    let about = || about(&server, "invoices", &token).showing(&sibling);
    passed(&about().send().await);

    let trace = server.trace();
    let row = inventory::seen(&Certificate::read(&leaked.der, &[]).unwrap(), trace.now());
    server.inventory().revoke(&row, Reason::KeyCompromise, &trace).await.unwrap();
    server.app().confirm().await.unwrap();

    stopped(about().send().await, 401, "invalid_token");
}

/// A token of a service that is bound to this key.
async fn bound(server: &Server, client: &Client, holder: &Holder) -> String {
    asking(server, client, &holder.proof(server)).send().await.ok().token("access_token")
}

/// A proof for the request that is asked about.
fn proof(server: &Server, holder: &Holder, token: &str, method: &str, url: &str) -> String {
    let mut claims = holder.claims(server, method, "");
    claims["htu"] = url.into();
    claims["ath"] = base64url::encode(Digest::of(token.as_bytes()).0).into();
    holder.sign(&claims)
}

/// RFC 9449 §7.1, with the request that came to the gateway; THREATS DP-02, DP-06, DP-07.
#[tokio::test]
async fn a_token_that_is_bound_to_a_key_passes_with_a_proof_for_the_original_request() {
    const URL: &str = "https://api.example.org/invoices/4711";
    let (server, client) = prepared().await;
    let (holder, thief) = (Holder::new(), Holder::new());
    let token = bound(&server, &client, &holder).await;
    let ask = |route: &str, proof: &str| {
        let ask = server.ask("POST", &format!("/verify/{route}")).dpop(proof);
        ask.header("authorization", &format!("DPoP {token}"))
    };
    let made = |method: &str, url: &str| proof(&server, &holder, &token, method, url);
    let told = |ask: Ask| {
        ask.header("x-original-method", "GET").header("x-original-uri", "/invoices/4711?a=b")
    };

    passed(&told(ask("invoices", &made("GET", URL))).send().await);
    let forwarded = ask("traefik", &made("GET", URL)).header("x-forwarded-method", "GET");
    passed(&forwarded.header("x-forwarded-uri", "/invoices/4711").send().await);
    passed(&ask("envoy/invoices/4711?a=b", &made("POST", URL)).send().await);

    for proof in [
        made("POST", URL),
        made("GET", "https://api.example.org/invoices/4712"),
        made("GET", "https://id.example.org/invoices/4711"),
        made("GET", "https://id.example.org/verify/invoices"),
        proof(&server, &holder, "another", "GET", URL),
    ] {
        let ask = told(ask("invoices", &proof)).header("x-forwarded-host", "id.example.org");
        stopped(ask.send().await, 401, "invalid_dpop_proof");
    }
    // What the gateway did not tell, in the way that is configured, or told twice.
    let untold = ask("invoices", &made("GET", URL)).header("x-forwarded-method", "GET");
    let untold = untold.header("x-forwarded-uri", "/invoices/4711").send().await;
    stopped(untold, 401, "invalid_dpop_proof");
    let twice = told(told(ask("invoices", &made("GET", URL)))).send().await;
    stopped(twice, 401, "invalid_dpop_proof");
    let unknown = told(ask("nowhere-known", &made("GET", URL))).send().await;
    stopped(unknown, 401, "invalid_dpop_proof");

    let stolen = proof(&server, &thief, &token, "GET", URL);
    stopped(told(ask("invoices", &stolen)).send().await, 401, "invalid_token");
    stopped(told(about(&server, "invoices", &token)).send().await, 401, "invalid_token");
    let bearer = told(about(&server, "invoices", &token)).dpop(&made("GET", URL));
    stopped(bearer.send().await, 401, "invalid_token");
    // Nor does a proof make more of a token that is bound to nothing.
    let free = server.token_of(&client).await;
    for scheme in ["DPoP", "Bearer"] {
        let own = proof(&server, &holder, &free, "GET", URL);
        let upgraded = server.ask("GET", "/verify/invoices").dpop(&own);
        let upgraded = told(upgraded.header("authorization", &format!("{scheme} {free}")));
        stopped(upgraded.send().await, 401, "invalid_token");
    }
    let alone = server.ask("GET", "/verify/any").header("authorization", &format!("DPoP {free}"));
    stopped(alone.send().await, 401, "invalid_dpop_proof");
}

/// RFC 9449 §7.1: a token that says nothing of itself is bound as well.
#[tokio::test]
async fn an_opaque_token_that_is_bound_to_a_key_passes_with_its_proof_alone() {
    const URL: &str = "https://api.example.org/invoices/4711";
    let (server, _) = prepared().await;
    let client = caller(&server, json!({ "gw_access_token_format": "opaque" })).await;
    let (holder, thief) = (Holder::new(), Holder::new());
    let token = bound(&server, &client, &holder).await;
    assert!(token.starts_with("gw_at_"));
    let ask = |scheme: &str| {
        let ask = server.ask("GET", "/verify/envoy/invoices/4711");
        ask.header("authorization", &format!("{scheme} {token}"))
    };
    let own = || proof(&server, &holder, &token, "GET", URL);

    passed(&ask("DPoP").dpop(&own()).send().await);
    let stolen = ask("DPoP").dpop(&proof(&server, &thief, &token, "GET", URL)).send().await;
    stopped(stolen, 401, "invalid_token");
    stopped(ask("Bearer").send().await, 401, "invalid_token");
    stopped(ask("Bearer").dpop(&own()).send().await, 401, "invalid_token");
    stopped(ask("DPoP").send().await, 401, "invalid_dpop_proof");
    let used = own();
    passed(&ask("DPoP").dpop(&used).send().await);
    stopped(ask("DPoP").dpop(&used).send().await, 401, "invalid_dpop_proof");
}

/// > Resource servers use an HTTP 401 (Unauthorized) error code with an accompanying WWW-Authenticate: DPoP value and
/// > DPoP-Nonce value to accomplish this. (RFC 9449 §9); and the next one is told beside 200 and 403 (§8.2)
#[tokio::test]
async fn where_nonces_are_required_a_proof_for_the_original_request_has_one() {
    const URL: &str = "https://api.example.org/invoices/4711";
    let server = Server::with(|config| {
        before_an_api(config);
        config.dpop.nonce = DpopNonce::Required;
    })
    .await;
    let client = caller(&server, json!({})).await;
    let holder = Holder::new();
    let buy = async |nonce: &str| {
        let mut claims = holder.claims(&server, "POST", "/token");
        claims["nonce"] = nonce.into();
        asking(&server, &client, &holder.sign(&claims)).send().await
    };
    let begun = server.trace().now().0.rem_euclid(60);
    server.wait(60 - begun);
    let first = buy("").await.header("dpop-nonce").to_owned();
    let token = buy(&first).await.ok().token("access_token");
    let ask = async |route: &str, nonce: Option<&str>| {
        let mut claims = claims(&proof(&server, &holder, &token, "GET", URL));
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        let ask = server.ask("GET", &format!("/verify/{route}"));
        let ask = ask.header("authorization", &format!("DPoP {token}"));
        let ask = ask.header("x-original-method", "GET").header("x-original-uri", "/invoices/4711");
        ask.dpop(&holder.sign(&claims)).send().await
    };

    for (nonce, told) in [(None, &first), (Some("x"), &first)] {
        let answer = ask("invoices", nonce).await;
        assert_eq!(answer.header("dpop-nonce"), *told);
        assert!(answer.headers("www-authenticate")[0].starts_with("DPoP "), "{answer:?}");
        stopped(answer, 401, "use_dpop_nonce");
    }
    let answer = ask("invoices", Some(&first)).await;
    passed(&answer);
    assert_eq!(answer.header("dpop-nonce"), "", "it knows the present one");
    server.wait(60);
    let answer = ask("invoices", Some(&first)).await;
    passed(&answer);
    let second = answer.header("dpop-nonce").to_owned();
    assert!(!second.is_empty() && second != first);
    let narrow = ask("pay", Some(&first)).await;
    assert_eq!(narrow.header("dpop-nonce"), second);
    stopped(narrow, 403, "insufficient_scope");
    server.wait(120);
    stopped(ask("invoices", Some(&first)).await, 401, "use_dpop_nonce");
    passed(&ask("invoices", Some(&second)).await);
}

/// Decision 0015: a client may be the one who made its field unreadable, and a gateway takes 400 for a fault.
#[tokio::test]
async fn a_certificate_that_cannot_be_read_is_no_fault_of_the_gateway() {
    let (server, client) = prepared().await;
    let token = server.token_of(&client).await;
    let own = Shown::self_signed("Billing");
    let misread = |ask: Ask| {
        [
            ask.clone().header("client-cert", "x"),
            ask.clone().header("client-cert", ":AAAA:"),
            ask.clone().showing(&own).showing(&own),
            ask.clone().header("client_cert", "x"),
            ask.header("client-cert-chain", ":AAAA:"),
        ]
    };

    for ask in misread(about(&server, "invoices", &token)) {
        stopped(ask.send().await, 401, "invalid_token");
    }
    // Everywhere else it is the proxy that is told.
    for ask in misread(server.ask("GET", "/userinfo").bearer(&token)) {
        ask.send().await.refused(400, "invalid_request");
    }
    passed(&about(&server, "invoices", &token).send().await);
}

/// RFC 9449 §11.1; THREATS DP-01, DP-13.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_requests_with_the_same_proof_one_passes() {
    let (server, client) = prepared().await;
    let holder = Holder::new();
    let token = bound(&server, &client, &holder).await;
    let proof = proof(&server, &holder, &token, "GET", "https://api.example.org/invoices/1");
    let ask = server.ask("GET", "/verify/envoy/invoices/1").dpop(&proof);
    let ask = ask.header("authorization", &format!("DPoP {token}"));

    let sent: Vec<_> = (0..64).map(|_| tokio::spawn(ask.clone().send())).collect();
    let mut passing = 0;
    for answer in sent {
        let answer = answer.await.unwrap();
        if answer.status == 200 {
            passing += 1;
        } else {
            stopped(answer, 401, "invalid_dpop_proof");
        }
    }

    assert_eq!(passing, 1);
}
