//! RFC 6749 §2.3, Client Authentication; RFC 7523 §3, JWT assertions; RFC 8705 §2, certificates; THREATS M2, TE-01 to TE-15.

use gatewright::jose::sign::SigningKey;
use gatewright::render::Kind;
use gatewright::types::{Algorithm, Seconds};
use serde_json::{Map, Value, json};

use kit::client_certificates::{self, ClientCa, ClientCertificate};
use kit::http::Response;
use kit::server::{Client, ISSUER, START_TIME, Server};

/// The endpoints at which clients authenticate, each with an otherwise valid request.
const ENDPOINTS: [(&str, &str); 3] = [
    ("/token", "grant_type=client_credentials"),
    ("/introspect", "token=unknown"),
    ("/revoke", "token=unknown"),
];

const METHODS: [&str; 6] = [
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
];

/// A new endpoint must be added here.
#[test]
fn the_matrix_covers_every_endpoint_at_which_clients_authenticate() {
    let routes = gatewright::web::routes();
    let machines = routes.iter().filter(|route| route.kind == Kind::Machine);
    let mut paths: Vec<_> = machines.map(|route| route.path).collect();
    // Userinfo accepts access tokens, the OCSP responder is unauthenticated, and EST has methods of its
    // own (rfc7030_est.rs).
    let is_exempt = |path: &str| {
        ["/userinfo", "/ca/ocsp"].contains(&path) || path.starts_with("/.well-known/est/")
    };
    paths.retain(|path| !is_exempt(path));

    assert_eq!(paths, ENDPOINTS.map(|(path, _)| path));
}

/// A client for each method, and the key of those that sign with one.
struct Clients {
    clients: Vec<(&'static str, Client)>,
    key: SigningKey,
    /// Issued by a CA, and self-signed.
    certificates: [ClientCertificate; 2],
    _ca: ClientCa,
}

impl Clients {
    /// A server that accepts client certificates, and the clients.
    async fn start() -> (Server, Self) {
        let (server, ca) = client_certificates::server_behind_proxy().await;
        let clients = Self::register(&server, ca).await;
        (server, clients)
    }

    async fn register(server: &Server, ca: ClientCa) -> Self {
        let (key, _) = SigningKey::generate(Algorithm::Es256).unwrap();
        let certificates = [ca.issue("Backup", |_| {}), ClientCertificate::self_signed("Backup")];
        let mut clients = Vec::new();
        for method in METHODS {
            let mut metadata = json!({
                "grant_types": ["client_credentials"],
                "scope": "read",
                "token_endpoint_auth_method": method,
            });
            if method == "private_key_jwt" {
                metadata["jwks"] = json!({ "keys": [key.public_jwk()] });
            }
            if method == "tls_client_auth" {
                metadata["tls_client_auth_subject_dn"] = json!("CN=Backup,O=Example");
            }
            if method == "self_signed_tls_client_auth" {
                metadata["jwks"] = json!({ "keys": [certificates[1].jwk()] });
            }
            clients.push((method, server.register(metadata).await));
        }
        Self { clients, key, certificates, _ca: ca }
    }

    fn for_method(&self, method: &str) -> &Client {
        &self.clients.iter().find(|(other, _)| *other == method).unwrap().1
    }

    /// A valid assertion with these claims changed; null removes a claim.
    fn assertion(&self, client: &Client, change: &Value) -> String {
        let mut claims = json!({
            "iss": client.id,
            "sub": client.id,
            "aud": ISSUER,
            "exp": START_TIME + 60,
            "jti": uuid::Uuid::now_v7().to_string(),
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims: Map<String, Value> =
            claims.as_object().unwrap().clone().into_iter().filter(|(_, v)| !v.is_null()).collect();
        if client.secret.is_empty() {
            self.key.sign("JWT", &claims).unwrap()
        } else {
            hs256(&client.secret, &claims)
        }
    }

    fn assertion_params(&self, client: &Client, change: &Value) -> String {
        params_of_assertion(&self.assertion(client, change))
    }
}

/// A MAC that requires the client secret.
fn hs256(secret: &str, claims: &impl serde::Serialize) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key).unwrap()
}

fn params_of_assertion(jwt: &str) -> String {
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    format!("&client_assertion_type={kind}&client_assertion={jwt}")
}

/// A request of a client that authenticates with a method, registered for it or not.
async fn authenticate(
    server: &Server,
    clients: &Clients,
    client: &Client,
    method: &str,
    (path, form): (&str, &str),
) -> Response {
    let (id, secret) = (&client.id, &client.secret);
    match method {
        "client_secret_basic" => server.post_as(client, path, form).await,
        "client_secret_post" => {
            server.post(path, &format!("{form}&client_id={id}&client_secret={secret}")).await
        }
        "client_secret_jwt" => {
            let secret = if secret.is_empty() { "somebody's" } else { secret };
            let client = Client { id: id.clone(), secret: secret.to_owned() };
            server
                .post(path, &format!("{form}{}", clients.assertion_params(&client, &json!({}))))
                .await
        }
        "private_key_jwt" => {
            let client = Client { id: id.clone(), secret: String::new() };
            server
                .post(path, &format!("{form}{}", clients.assertion_params(&client, &json!({}))))
                .await
        }
        "tls_client_auth" | "self_signed_tls_client_auth" => {
            let certificate = &clients.certificates[usize::from(method != "tls_client_auth")];
            let request = server.request("POST", path).form(&format!("{form}&client_id={id}"));
            request.client_cert(certificate).send().await
        }
        "none" => server.post(path, &format!("{form}&client_id={id}")).await,
        other => panic!("{other}"),
    }
}

/// M2: every endpoint, every registered method, every presented one (TE-02, TE-03; RFC 9700 §2.5).
#[tokio::test]
async fn only_the_registered_method_authenticates_a_client_at_any_endpoint() {
    let (server, clients) = Clients::start().await;

    for endpoint in ENDPOINTS {
        for (registered, client) in &clients.clients {
            for presented in METHODS.into_iter().chain(["none"]) {
                let response = authenticate(&server, &clients, client, presented, endpoint).await;

                let wanted = if presented == *registered { 200 } else { 401 };
                assert_eq!(response.status, wanted, "{endpoint:?}: {registered} by {presented}");
                if wanted == 401 {
                    let response = response.refused(401, "invalid_client");
                    let challenge = response.header("www-authenticate");
                    assert_eq!(challenge.is_empty(), presented != "client_secret_basic");
                }
            }
        }
    }
}

/// M2: wrong, missing and other clients' secrets.
#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let (server, clients) = Clients::start().await;
    let (basic, post) =
        (clients.for_method("client_secret_basic"), clients.for_method("client_secret_post"));
    let with = |secret: &str| Client { id: basic.id.clone(), secret: secret.to_owned() };

    for (path, form) in ENDPOINTS {
        for wrong in [
            with(""),
            with("wrong"),
            with(&post.secret),
            with(&format!("{}A", basic.secret)),
            with(&basic.secret.to_uppercase()),
            Client { id: "unknown".to_owned(), secret: basic.secret.clone() },
            Client { id: basic.id.to_uppercase(), secret: basic.secret.clone() },
        ] {
            let response = server.post_as(&wrong, path, form).await.refused(401, "invalid_client");
            assert!(response.header("www-authenticate").starts_with("Basic "), "{wrong:?}");
        }
        server.post(path, form).await.refused(401, "invalid_client");
    }
}

/// AZ-01 for clients: a response does not reveal whether a client exists.
#[tokio::test]
async fn unknown_clients_disabled_clients_and_wrong_secrets_get_the_same_response() {
    let server = Server::start().await;
    let (known, disabled) = (server.service().await, server.service().await);
    server
        .administer_clients(async |registrar| {
            let id = gatewright::types::ClientId::from_text(&disabled.id);
            registrar.disable(&id).await.unwrap();
        })
        .await;
    let unknown = Client { id: "unknown".to_owned(), secret: known.secret.clone() };
    let wrong = Client { id: known.id.clone(), secret: disabled.secret.clone() };

    let mut texts = Vec::new();
    for client in [unknown, wrong, disabled] {
        let response = server.post_as(&client, "/token", "grant_type=client_credentials").await;
        texts.push(response.refused(401, "invalid_client").text);
    }

    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

/// > The client MUST NOT use more than one authentication method in each request. (§2.3); TE-01
#[tokio::test]
async fn a_request_with_two_authentication_methods_is_refused() {
    let (server, clients) = Clients::start().await;
    let (basic, post) =
        (clients.for_method("client_secret_basic"), clients.for_method("client_secret_post"));
    let asserted = clients.assertion_params(clients.for_method("private_key_jwt"), &json!({}));

    for (path, form) in ENDPOINTS {
        let in_body = format!("{form}&client_id={}&client_secret={}", post.id, post.secret);
        let own_in_body = format!("{form}&client_id={}&client_secret={}", basic.id, basic.secret);
        for (header, body) in [
            (true, format!("{form}&client_secret={}", basic.secret)),
            (true, own_in_body),
            (true, format!("{form}{asserted}")),
            (false, format!("{in_body}{asserted}")),
        ] {
            let response = if header {
                server.post_as(basic, path, &body).await
            } else {
                server.post(path, &body).await
            };
            response.refused(400, "invalid_request");
        }
    }
}

/// TE-04: a `client_id` beside the credentials must name the same client.
#[tokio::test]
async fn a_client_id_beside_the_credentials_must_match_them() {
    let (server, clients) = Clients::start().await;
    let (basic, other) =
        (clients.for_method("client_secret_basic"), clients.for_method("client_secret_post"));
    let signer = clients.for_method("private_key_jwt");

    for (path, form) in ENDPOINTS {
        let same = format!("{form}&client_id={}", basic.id);
        let foreign = format!("{form}&client_id={}", other.id);
        let asserted = clients.assertion_params(signer, &json!({}));

        server.post_as(basic, path, &same).await.ok();
        server.post_as(basic, path, &foreign).await.refused(400, "invalid_request");
        let response = server.post(path, &format!("{foreign}{asserted}")).await;
        response.refused(401, "invalid_client");
    }
}

/// TE-05.
#[tokio::test]
async fn malformed_credentials_are_refused_as_invalid_client() {
    use base64::Engine as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let server = Server::start().await;
    let client = server.service().await;
    let (id, secret) = (&client.id, &client.secret);

    for header in [
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !!!".to_owned(),
        format!("Basic {}", encode(id.as_bytes())),
        format!("Basic {}=", encode(format!("{id}:{secret}").as_bytes())),
        format!("Basic {}", encode(format!("{id}:%zz").as_bytes())),
        format!("Basic {}", encode(format!("{id}:{secret}\0").as_bytes())),
        format!("Basic {}", encode(format!("{id}:{secret}:").as_bytes())),
        format!("Basic {}", encode(format!("{id}:{secret} ").as_bytes())),
        format!("Basic {}", encode(b"\xff\xfe:\xff")),
        format!("Basic {}", encode(b"%ff:%ff")),
        format!("Bearer {secret}"),
        "Negotiate abc".to_owned(),
    ] {
        let request = server.request("POST", "/token").header("authorization", &header);
        let response = request.form("grant_type=client_credentials").send().await;
        let response = response.refused(401, "invalid_client");
        assert!(response.header("www-authenticate").starts_with("Basic "), "{header}");
    }
}

/// > The client identifier is encoded using the "application/x-www-form-urlencoded" encoding algorithm
/// > per Appendix B (§2.3.1)
#[tokio::test]
async fn credentials_in_a_basic_header_are_form_decoded() {
    let server = Server::start().await;
    let client = server.service().await;
    let encoded = Client {
        id: client.id.replace('-', "%2D"),
        secret: client.secret.replace('_', "%5f").replace('-', "%2d"),
    };

    server.post_as(&encoded, "/token", "grant_type=client_credentials").await.ok();
}

/// > The parameters can only be transmitted in the request-body and MUST NOT be included in the request
/// > URI. (§2.3.1); TE-06
#[tokio::test]
async fn parameters_in_the_query_are_refused() {
    let server = Server::start().await;
    let client = server.service().await;

    for (path, form) in ENDPOINTS {
        for query in
            [format!("client_id={}&client_secret=x", client.id), form.to_owned(), "a".into()]
        {
            let response = server.post_as(&client, &format!("{path}?{query}"), form).await;
            response.refused(400, "invalid_request");
        }
    }
}

/// TE-07.
#[tokio::test]
async fn requests_other_than_a_posted_form_are_refused() {
    let server = Server::start().await;
    let client = server.service().await;

    for (path, form) in ENDPOINTS {
        for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "post"] {
            let response = server.request(method, path).send().await;
            assert_eq!(
                (response.status, response.header("allow")),
                (405, "POST"),
                "{method} {path}"
            );
        }
        for kind in [
            "application/json",
            "multipart/form-data; boundary=x",
            "text/plain",
            "application/x-www-form-urlencoded; charset=iso-8859-1",
            "application/x-www-form-urlencoded; boundary=x; charset=utf-16",
            "application/x-www-form-urlencoded; charset=utf-8; charset=latin1",
            "application/x-www-form-urlencoded-x",
            "application/x-www-form-urlencoded, application/json",
            "",
        ] {
            let request = server.request("POST", path).basic(&client.id, &client.secret);
            let response = request.header("content-type", kind).body(form).send().await;
            response.refused(415, "invalid_request");
        }
        let request = server.request("POST", path).basic(&client.id, &client.secret);
        request.clone().body(form).send().await.refused(415, "invalid_request");
        let zipped = request.clone().header("content-encoding", "gzip").form(form).send().await;
        zipped.refused(415, "invalid_request");
        // The media type has no parameters, but some clients add them.
        for more in [
            "; charset=UTF-8",
            ";charset=utf8",
            "; charset=\"utf-8\"",
            ";",
            "; ",
            ";;charset=utf-8;",
            "; boundary=----x",
            "; boundary=x; charset=UTF-8",
        ] {
            let kind = format!("Application/X-WWW-Form-URLEncoded{more}");
            request.clone().header("content-type", &kind).body(form).send().await.ok();
        }
    }
}

/// > Request and response parameters MUST NOT be included more than once. (§3.2); TE-08
#[tokio::test]
async fn a_duplicate_parameter_is_refused() {
    let server = Server::start().await;
    let client = server.service().await;

    for (path, form) in ENDPOINTS {
        for doubled in
            [format!("{form}&{form}"), format!("{form}&x=1&x=1"), format!("{form}&%78=1&x=")]
        {
            server.post_as(&client, path, &doubled).await.refused(400, "invalid_request");
        }
        let two = server.request("POST", path).basic(&client.id, &client.secret);
        let two = two.basic(&client.id, &client.secret).form(form).send().await;
        two.refused(400, "invalid_request");
    }
}

/// TE-10 to TE-12: the claims of an assertion. RFC 7523 §3; rfc7523bis: "the aud value MUST be the
/// issuer identifier […] as its sole value".
#[tokio::test]
async fn an_assertion_with_wrong_or_missing_claims_is_refused() {
    let (server, clients) = Clients::start().await;

    for method in ["private_key_jwt", "client_secret_jwt"] {
        let client = clients.for_method(method);
        for wrong in [
            json!({ "iss": "somebody" }),
            json!({ "sub": "somebody" }),
            json!({ "iss": null }),
            json!({ "sub": null }),
            json!({ "aud": null }),
            json!({ "exp": null }),
            json!({ "jti": null }),
            json!({ "exp": START_TIME - 11 }),
            json!({ "exp": START_TIME + 311 }),
            json!({ "exp": 4_070_908_800_i64 }),
            json!({ "exp": (START_TIME + 60).to_string() }),
            json!({ "nbf": START_TIME + 61 }),
            json!({ "iat": START_TIME + 61 }),
            json!({ "aud": format!("{ISSUER}/") }),
            json!({ "aud": format!("{ISSUER}/token") }),
            json!({ "aud": [ISSUER] }),
            json!({ "aud": [ISSUER, "https://other.example"] }),
            json!({ "aud": "https://other.example" }),
        ] {
            let form = format!(
                "grant_type=client_credentials{}",
                clients.assertion_params(client, &wrong)
            );
            let response = server.post("/token", &form).await;
            assert_eq!(response.status, 401, "{method}: {wrong} {response:?}");
            response.refused(401, "invalid_client");
        }
        for fine in [json!({ "nbf": START_TIME + 8 }), json!({ "exp": START_TIME - 9 })] {
            let form =
                format!("grant_type=client_credentials{}", clients.assertion_params(client, &fine));
            server.post("/token", &form).await.ok();
        }
    }
}

/// TE-13, TE-14: one use, at any endpoint; equal `jti` values of different clients do not collide.
#[tokio::test]
async fn an_assertion_is_valid_once() {
    let (server, clients) = Clients::start().await;
    let (client, other) =
        (clients.for_method("private_key_jwt"), clients.for_method("client_secret_jwt"));
    let jti = json!({ "jti": "the same" });
    let asserted = clients.assertion_params(client, &jti);

    server.post("/token", &format!("grant_type=client_credentials{asserted}")).await.ok();

    for (path, form) in ENDPOINTS {
        let again = server.post(path, &format!("{form}{asserted}")).await;
        again.refused(401, "invalid_client");
    }
    let others = clients.assertion_params(other, &jti);
    server.post("/token", &format!("grant_type=client_credentials{others}")).await.ok();
    let server = server.restart().await;
    let again = server.post("/token", &format!("grant_type=client_credentials{asserted}")).await;
    again.refused(401, "invalid_client");
}

/// TE-13, X-19.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_racing_uses_of_an_assertion_one_succeeds() {
    let (server, clients) = Clients::start().await;
    let asserted = clients.assertion_params(clients.for_method("private_key_jwt"), &json!({}));
    let form = format!("grant_type=client_credentials{asserted}");

    let requests: Vec<_> = (0..64)
        .map(|_| tokio::spawn(server.request("POST", "/token").form(&form).send()))
        .collect();
    let mut statuses = Vec::new();
    for request in requests {
        statuses.push(request.await.unwrap().status);
    }

    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 63, "{statuses:?}");
}

/// TE-10: another key, another algorithm, no signature.
#[tokio::test]
async fn an_assertion_must_be_signed_with_the_key_of_the_client() {
    let (server, clients) = Clients::start().await;
    let client = clients.for_method("private_key_jwt");
    let (others, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    let valid = clients.assertion(client, &json!({}));
    let parts: Vec<&str> = valid.split('.').collect();
    let certificates = ["a", "b"].map(ClientCertificate::self_signed);
    let _ca = ClientCa::new("Nobody's CA");
    let others = Clients { clients: Vec::new(), key: others, certificates, _ca };
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", parts[1]);
    let public_key = Client { id: client.id.clone(), secret: clients.key.public_jwk().to_string() };

    for wrong in [
        others.assertion(client, &json!({})),
        unsigned,
        clients.assertion(&public_key, &json!({})),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        "x".to_owned(),
    ] {
        let form = format!("grant_type=client_credentials{}", params_of_assertion(&wrong));
        server.post("/token", &form).await.refused(401, "invalid_client");
    }
    let form = "grant_type=client_credentials&client_assertion_type=urn%3Ax&client_assertion=x";
    server.post("/token", form).await.refused(401, "invalid_client");
    let alone = format!("grant_type=client_credentials&client_assertion={valid}");
    server.post("/token", &alone).await.refused(400, "invalid_request");
}

/// TE-19: while a secret is replaced both are valid; then the old one expires.
#[tokio::test]
async fn a_rotated_secret_stays_valid_for_its_overlap() {
    let server = Server::start().await;
    let old = server.service().await;
    let client = server.find_client(&old).await;
    let mut new = old.clone();
    server
        .administer_clients(async |registrar| {
            let rotated = registrar.rotate_secret(&client, Seconds::hours(1)).await.unwrap();
            new.secret = rotated.secret.unwrap().0.expose().to_owned();
        })
        .await;

    server.client_credentials_token(&old).await;
    server.client_credentials_token(&new).await;
    server.advance_clock(3600);

    server.client_credentials_token(&new).await;
    let response = server.post_as(&old, "/token", "grant_type=client_credentials").await;
    response.refused(401, "invalid_client");
}

/// TE-25: an error response contains no value of the request.
#[tokio::test]
async fn an_error_response_repeats_no_value_of_the_request() {
    let server = Server::start().await;
    let client = server.service().await;

    for form in [
        "grant_type=canary&scope=canary",
        "grant_type=refresh_token&refresh_token=canary",
        "grant_type=client_credentials&scope=canary&resource=https%3A%2F%2Fcanary",
    ] {
        let response = server.post_as(&client, "/token", form).await;
        assert_eq!(response.status, 400);
        assert!(!response.text.contains("canary"), "{response:?}");
    }
}
