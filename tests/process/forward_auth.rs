//! Real gateways in front of an API, with the configurations of `deploy/nginx` and `deploy/caddy`,
//! unchanged.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode, Uri};
use rcgen::{CertificateParams, KeyPair};
use reqwest::Certificate;
use serde_json::{Map, Value, json};
use tokio::process::{Child, Command};

use crate::application::{Application, Response};
use crate::dpop_key::DpopKey;
use crate::installation::Installation;
use crate::nginx;
use crate::self_signed::SelfSigned;
use crate::server::Server;

const AUDIENCE: &str = "https://api.example.org/invoices";

/// Header fields that clients must not be able to set.
const SPOOFED: [(&str, &str); 12] = [
    ("X-Auth-Subject", "root"),
    ("x-auth-acr", "root"),
    ("X-Auth-Time", "1"),
    ("X_Auth_Subject", "root"),
    ("X-Original-URI", "/healthz"),
    ("X-Original-Method", "OPTIONS"),
    ("X-Rewrite-URL", "/healthz"),
    ("X-SSL-Client-Cert", "root"),
    ("Client-Cert", ":cm9vdA==:"),
    ("X-Forwarded-Uri", "/healthz"),
    ("X-Forwarded-Method", "OPTIONS"),
    ("X-HTTP-Method-Override", "OPTIONS"),
];

/// A gateway that calls Gatewright for each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gateway {
    Nginx,
    Caddy,
}

impl Gateway {
    const ALL: [Self; 2] = [Self::Nginx, Self::Caddy];

    /// The format in which it passes a client certificate on: `http.client_certificate_header`.
    fn certificate_form(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "rfc9440",
        }
    }

    /// The field of that format for this certificate.
    fn certificate_field(self, key: &SelfSigned) -> (&'static str, String) {
        match self {
            Self::Nginx => ("x-ssl-client-cert", key.escaped()),
            Self::Caddy => ("client-cert", key.structured()),
        }
    }

    /// The way in which it passes method and URL on: `original` of a route.
    fn original(self) -> &'static str {
        match self {
            Self::Nginx => "x-original",
            Self::Caddy => "x-forwarded",
        }
    }

    fn start(
        self,
        directory: &Path,
        key: (&rcgen::Certificate, &KeyPair),
        port: u16,
        gatewright: u16,
        api: u16,
    ) -> Child {
        match self {
            Self::Nginx => start_nginx(directory, key, port, gatewright, api),
            Self::Caddy => start_caddy(directory, key, port, gatewright, api),
        }
    }
}

/// Gatewright, the API, and a gateway in front of both.
struct Fixture {
    server: Server,
    process: Child,
    port: u16,
    certificate: rcgen::Certificate,
}

impl Fixture {
    async fn new(gateway: Gateway) -> Self {
        Self::with(gateway, |_| {}).await
    }

    async fn with(gateway: Gateway, change: impl FnOnce(&mut Installation)) -> Self {
        let mut installation = Installation::new().await;
        change(&mut installation);
        let (port, key) = (crate::free_port(), KeyPair::generate().unwrap());
        installation.set("HTTP__TRUSTED_PROXIES", "127.0.0.1");
        installation.set("HTTP__CLIENT_CERTIFICATE_HEADER", gateway.certificate_form());
        let original = gateway.original();
        installation.set(
            "VERIFY__ROUTES",
            &format!(
                "name=invoices;audience={AUDIENCE};scope=invoices.read;origin=https://localhost:{port};\
                 original={original},\
                 name=payments;audience={AUDIENCE};scope=invoices.read payments.write"
            ),
        );
        let server = Server::start_in(installation).await;
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = certificate.self_signed(&key).unwrap();
        let process = gateway.start(
            &server.installation.directory,
            (&certificate, &key),
            port,
            server_port(&server),
            start_api().await,
        );
        let fixture = Self { server, process, port, certificate };
        crate::wait_until("the gateway is ready", async || {
            fixture
                .http()
                .get(fixture.url("/"))
                .send()
                .await
                .is_ok_and(|response| response.status() == 404)
        })
        .await;
        fixture
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    fn http(&self) -> reqwest::Client {
        self.http_with(None)
    }

    /// An HTTP client with this client certificate.
    fn http_with(&self, certificate: Option<&SelfSigned>) -> reqwest::Client {
        crate::install_tls();
        let key = Certificate::from_der(self.certificate.der()).unwrap();
        let mut client = reqwest::Client::builder().no_proxy().tls_certs_only([key]);
        if let Some(certificate) = certificate {
            client = client.identity(certificate.identity());
        }
        client.timeout(Duration::from_secs(60)).build().unwrap()
    }

    async fn client(&self, scope: &str) -> Application {
        self.client_with(scope, false).await
    }

    async fn client_with(&self, scope: &str, is_bound: bool) -> Application {
        let metadata = json!({
            "client_name": "Billing",
            "grant_types": ["client_credentials"],
            "scope": scope,
            "gw_default_audience": AUDIENCE,
            "tls_client_certificate_bound_access_tokens": is_bound,
        });
        Application::from_registration(&self.server.issuer, &self.server.register(metadata).await)
    }

    async fn token(&self, client: &Application) -> String {
        let response = client.client_credentials(&crate::http()).await.unwrap();
        response.body["access_token"].as_str().unwrap().to_owned()
    }

    /// Sends a request with all fields that an attacker may try.
    async fn call(&self, method: &str, path: &str, token: Option<&str>) -> Response {
        let mut request = self.http().request(method.parse().unwrap(), self.url(path));
        for (name, value) in SPOOFED {
            request = request.header(name, value);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        Response::send(request).await.unwrap()
    }

    async fn stop(mut self) {
        let id = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-QUIT", &id]).status().await.unwrap().success());
        self.process.wait().await.unwrap();
        self.server.stop().await;
    }
}

fn deploy_file(what: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(what)
}

/// The port of the server.
fn server_port(server: &Server) -> u16 {
    server.issuer.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// nginx with the files of `deploy/nginx`, and the addresses of this Gatewright and this API.
fn start_nginx(
    root: &Path,
    (certificate, key): (&rcgen::Certificate, &KeyPair),
    port: u16,
    gatewright: u16,
    api: u16,
) -> Child {
    let directory = root.join("nginx");
    std::fs::create_dir_all(&directory).unwrap();
    for file in ["nginx.conf", "identity.conf"] {
        std::fs::copy(deploy_file("nginx").join(file), directory.join(file)).unwrap();
    }
    let write = |name: &str, text: &str| std::fs::write(directory.join(name), text).unwrap();
    write("certificate.pem", &certificate.pem());
    write("key.pem", &key.serialize_pem());
    write("listen.conf", &format!("listen 127.0.0.1:{port} ssl;\n"));
    let here = directory.display();
    let mut text = format!(
        "upstream gatewright {{ server 127.0.0.1:{gatewright}; keepalive 4; }}\n\
         upstream invoices {{ server 127.0.0.1:{api}; keepalive 4; }}\n\
         ssl_certificate {here}/certificate.pem;\n\
         ssl_certificate_key {here}/key.pem;\n",
    );
    text.push_str(&nginx::path_directives(&directory));
    write("place.conf", &text);
    nginx::start(&directory)
}

/// Caddy with `deploy/caddy/Caddyfile`, and the addresses of this Gatewright and this API.
fn start_caddy(
    root: &Path,
    (certificate, key): (&rcgen::Certificate, &KeyPair),
    port: u16,
    gatewright: u16,
    api: u16,
) -> Child {
    let directory = root.join("caddy");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("certificate.pem"), certificate.pem()).unwrap();
    std::fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
    let here = directory.display();
    Command::new("caddy")
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(deploy_file("caddy/Caddyfile"))
        .env("SITE", format!("https://localhost:{port}"))
        .env("TLS_FILES", format!("{here}/certificate.pem {here}/key.pem"))
        .env("GATEWRIGHT", format!("127.0.0.1:{gatewright}"))
        .env("API", format!("127.0.0.1:{api}"))
        .env("XDG_DATA_HOME", &directory)
        .env("XDG_CONFIG_HOME", &directory)
        .stdout(Stdio::null())
        .stderr(File::create(directory.join("log")).unwrap())
        .kill_on_drop(true)
        .spawn()
        .expect("scripts/setup installs caddy")
}

/// An API that responds with the URL and the header fields that it received.
async fn start_api() -> u16 {
    let response = async |uri: Uri, headers: HeaderMap| {
        let text = |value: &axum::http::HeaderValue| json!(value.to_str().unwrap());
        let mut response: Map<_, _> =
            headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        response.insert("uri".to_owned(), json!(uri.to_string()));
        ([(CONTENT_TYPE, "application/json")], Value::Object(response).to_string())
    };
    serve(Router::new().fallback(response)).await
}

async fn serve(router: Router) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

/// THREATS HD-01, HD-04.
#[tokio::test]
async fn a_gateway_passes_authorized_requests_on_with_the_identity() {
    for gateway in Gateway::ALL {
        let fixture = Fixture::new(gateway).await;
        let (reader, payer) = (
            fixture.client("invoices.read").await,
            fixture.client("invoices.read payments.write").await,
        );
        let (read, pay) = (fixture.token(&reader).await, fixture.token(&payer).await);

        for method in ["GET", "POST", "DELETE"] {
            let expected = fixture.call(method, "/invoices/4711?a=b", Some(&read)).await;
            assert_eq!(expected.status, 200, "{expected:?}");
            assert_eq!(expected.body["x-auth-subject"], *reader.id);
            assert_eq!(expected.body["x-auth-client"], *reader.id);
            assert_eq!(expected.body["x-auth-scope"], "invoices.read");
            assert!(
                expected.body["x-auth-token-id"].is_string()
                    && expected.body["x-auth-expires"].is_string()
            );
            for name in ["x-auth-acr", "x-auth-time", "authorization", "x-ssl-client-cert", "dpop"]
            {
                // nginx omits an empty field, Caddy sends it.
                let value = expected.body[name].as_str().unwrap_or_default();
                assert_eq!(value, "", "{name} in {expected:?}");
            }
            assert!(!expected.text.contains("root"), "{expected:?}");
        }
        assert_eq!(fixture.call("GET", "/invoices/payments/1", Some(&pay)).await.status, 200);

        let narrow = fixture.call("GET", "/invoices/payments/1", Some(&read)).await;
        assert_eq!(narrow.status, 403);
        assert!(
            narrow.header("www-authenticate").contains("error=\"insufficient_scope\""),
            "{narrow:?}"
        );
        for (token, expected) in [(None, "Bearer realm="), (Some("x"), "error=\"invalid_token\"")] {
            let response = fixture.call("GET", "/invoices/", token).await;
            assert_eq!(response.status, 401);
            assert!(response.header("www-authenticate").contains(expected), "{response:?}");
            assert!(!response.text.contains("x-auth"));
        }
        // Clients cannot reach the verification endpoint, in whatever notation.
        for path in [
            "/.gatewright/verify/invoices",
            "/.gatew%72ight/verify/invoices",
            "/verify/invoices",
            "/",
        ] {
            assert_eq!(fixture.call("GET", path, Some(&read)).await.status, 404, "{path}");
        }

        let form = [("token", read.as_str())];
        let revoke = crate::http().post(format!("{}/revoke", fixture.server.issuer)).form(&form);
        let revoked =
            Response::send(revoke.basic_auth(&reader.id, Some(&reader.secret))).await.unwrap();
        assert_eq!(revoked.status, 200);
        assert_eq!(fixture.call("GET", "/invoices/", Some(&read)).await.status, 401);
        fixture.stop().await;
    }
}

/// Paths that an API might interpret differently from the gateway; none of them is passed on.
const AMBIGUOUS: [&str; 19] = [
    "/invoices/payments/x/%2e%2e/%2e%2e/4711",
    "/invoices/payments/x/%2E%2e/.%2E/4711",
    "/invoices/payments/../4711",
    "/invoices/payments/..",
    "/invoices/./payments/1",
    "/invoices/.",
    "/invoices/x/..;/payments/1",
    "/invoices/x/..;a=b/payments/1",
    "/invoices/.;/payments/1",
    "/invoices/..?a=b",
    "/invoices//payments/1",
    "//invoices/payments/1",
    "/invoices/x%2fpayments/1",
    "/invoices/payments%2F..%2f4711",
    "/invoices/x\\..\\payments/1",
    "/invoices/x%5c..%5Cpayments/1",
    "/invoices/#/../payments/1",
    "/other/../invoices/4711",
    "/%2e%2e/invoices/4711",
];

/// THREATS HD-06, EX-23: a request is verified for the path that the API sees, or refused.
#[tokio::test]
async fn an_ambiguous_path_is_refused() {
    for gateway in Gateway::ALL {
        let fixture = Fixture::new(gateway).await;
        let (reader, payer) = (
            fixture.client("invoices.read").await,
            fixture.client("invoices.read payments.write").await,
        );
        let (read, pay) = (fixture.token(&reader).await, fixture.token(&payer).await);
        fixture.server.installation.write("nginx.pem", &fixture.certificate.pem());
        // Sent as written: HTTP clients normalize some of them.
        let call = async |path: &str, token: &str| {
            let mut command = Command::new("curl");
            command.args(["--silent", "--noproxy", "*", "--write-out", "\n%{http_code}"]);
            command.arg("--cacert").arg(fixture.server.installation.directory.join("nginx.pem"));
            command.args(["--header", &format!("Authorization: Bearer {token}")]);
            command.args(["--request-target", path, &fixture.url("/")]);
            let output = String::from_utf8(command.output().await.unwrap().stdout).unwrap();
            let (body, status) = output.rsplit_once('\n').unwrap();
            (status.to_owned(), body.to_owned())
        };

        for path in AMBIGUOUS {
            for token in [&read, &pay, "x"] {
                let (status, body) = call(path, token).await;
                assert_eq!(status, "400", "{path}: {body}");
                assert!(!body.contains("uri"), "{path} reached the API: {body}");
            }
        }
        for path in [
            "/invoices/4711?next=https://a.example/../b%2fc%5c\\//%2e%2e",
            "/invoices/a.b/.../..c/c../.d/e.;f",
            "/invoices/%70aper%20clips",
            "/invoices/",
        ] {
            let (status, body) = call(path, &read).await;
            assert_eq!(status, "200", "{path}: {body}");
            let response: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(response["uri"], path, "the path is passed on unchanged");
        }
        // Other escapes are decoded before the location is chosen.
        assert_eq!(call("/invoices/%70ayments/1", &read).await.0, "403");
        assert_eq!(call("/invoices/%70ayments/1", &pay).await.0, "200");
        fixture.stop().await;
    }
}

/// THREATS DB-03: without a response of Gatewright a gateway refuses all requests.
#[tokio::test]
async fn a_gateway_refuses_requests_while_gatewright_is_unreachable() {
    for gateway in Gateway::ALL {
        let mut fixture = Fixture::new(gateway).await;
        let client = fixture.client("invoices.read").await;
        let token = fixture.token(&client).await;

        fixture.server.kill().await;
        let request = fixture.http().get(fixture.url("/invoices/")).bearer_auth(&token);
        let status = request.send().await.unwrap().status().as_u16();
        fixture.server.launch().await;

        let refused = match gateway {
            Gateway::Nginx => 500,
            Gateway::Caddy => 502,
        };
        assert_eq!(status, refused);
        crate::wait_until("the gateway asks again", async || {
            let request = fixture.http().get(fixture.url("/invoices/")).bearer_auth(&token);
            request.send().await.unwrap().status() == 200
        })
        .await;
        fixture.stop().await;
    }
}

/// RFC 9449 §7.1: the proof is for the request as the client sent it.
#[tokio::test]
async fn a_dpop_bound_token_requires_a_proof_at_a_gateway() {
    for gateway in Gateway::ALL {
        let fixture = Fixture::new(gateway).await;
        let client = fixture.client("invoices.read").await;
        let (key, attacker) = (DpopKey::new(), DpopKey::new());
        let endpoint = format!("{}/token", fixture.server.issuer);
        let token_request =
            crate::http().post(&endpoint).basic_auth(&client.id, Some(&client.secret));
        let token_request = token_request.form(&[("grant_type", "client_credentials")]);
        let token_request = token_request.header("dpop", key.proof("POST", &endpoint, None));
        let token = Response::send(token_request).await.unwrap();
        let token = token.body["access_token"].as_str().unwrap().to_owned();
        let url = fixture.url("/invoices/4711");
        let call = async |proof: &str| {
            let mut request = fixture.http().delete(format!("{url}?really=yes"));
            for (name, value) in SPOOFED {
                request = request.header(name, value);
            }
            let request = request.header("authorization", format!("DPoP {token}"));
            Response::send(request.header("dpop", proof)).await.unwrap()
        };

        let proof = key.proof("DELETE", &url, Some(&token));
        let expected = call(&proof).await;
        assert_eq!(
            (expected.status, expected.body["x-auth-client"].as_str()),
            (200, Some(client.id.as_str()))
        );
        assert_eq!(expected.body["dpop"], Value::Null, "the gateway does not pass the proof on");
        for refused in [
            proof,
            key.proof("GET", &url, Some(&token)),
            key.proof("DELETE", &fixture.url("/invoices/4712"), Some(&token)),
            key.proof("OPTIONS", &fixture.url("/healthz"), Some(&token)),
            attacker.proof("DELETE", &url, Some(&token)),
        ] {
            let response = call(&refused).await;
            assert_eq!(response.status, 401, "{response:?}");
            assert!(response.header("www-authenticate").contains("DPoP realm="), "{response:?}");
        }
        assert_eq!(fixture.call("DELETE", "/invoices/4711", Some(&token)).await.status, 401);
        fixture.stop().await;
    }
}

/// RFC 8705 §3, with the certificate that was presented to the gateway; THREATS MT-04, MT-06.
#[tokio::test]
async fn a_certificate_bound_token_requires_its_certificate_at_a_gateway() {
    for gateway in Gateway::ALL {
        let fixture = Fixture::new(gateway).await;
        let client = fixture.client_with("invoices.read", true).await;
        let (key, attacker) = (SelfSigned::new("billing"), SelfSigned::new("thief"));
        // The request as the proxy in front of the issuer passes it on.
        let token_request = crate::http().post(format!("{}/token", fixture.server.issuer));
        let token_request = token_request.basic_auth(&client.id, Some(&client.secret));
        let token_request = token_request.form(&[("grant_type", "client_credentials")]);
        let token = {
            let (name, value) = gateway.certificate_field(&key);
            Response::send(token_request.header(name, value)).await
        }
        .unwrap();
        let token = token.body["access_token"].as_str().unwrap().to_owned();
        let call = async |certificate: Option<&SelfSigned>, claimed: Option<&SelfSigned>| {
            let mut request =
                fixture.http_with(certificate).get(fixture.url("/invoices/")).bearer_auth(&token);
            if let Some(claimed) = claimed {
                let (name, value) = gateway.certificate_field(claimed);
                request = request.header(name, value);
            }
            Response::send(request).await.unwrap()
        };

        let expected = call(Some(&key), None).await;
        assert_eq!(
            (expected.status, expected.body["x-auth-client"].as_str()),
            (200, Some(client.id.as_str()))
        );
        for (certificate, claimed) in [
            (None, None),
            (None, Some(&key)),
            (Some(&attacker), None),
            (Some(&attacker), Some(&key)),
        ] {
            let response = call(certificate, claimed).await;
            assert_eq!(response.status, 401, "{response:?}");
            assert!(response.header("www-authenticate").contains("invalid_token"), "{response:?}");
        }
        fixture.stop().await;
    }
}

/// RFC 9449 §9: the nonce reaches the client through the gateway, and a proof with it is accepted.
#[tokio::test]
async fn the_dpop_nonce_reaches_the_client_through_a_gateway() {
    for gateway in Gateway::ALL {
        let fixture =
            Fixture::with(gateway, |installation| installation.set("DPOP__NONCE", "required"))
                .await;
        let client = fixture.client("invoices.read").await;
        let key = DpopKey::new();
        let endpoint = format!("{}/token", fixture.server.issuer);
        let request_token = async |nonce: Option<&str>| {
            let token_request =
                crate::http().post(&endpoint).basic_auth(&client.id, Some(&client.secret));
            let token_request = token_request.form(&[("grant_type", "client_credentials")]);
            let proof = key.proof_with("POST", &endpoint, None, nonce);
            Response::send(token_request.header("dpop", proof)).await.unwrap()
        };
        let response = request_token(None).await;
        let token = request_token(Some(response.header("dpop-nonce"))).await;
        let token = token.body["access_token"].as_str().unwrap().to_owned();
        let url = fixture.url("/invoices/4711");
        let call = async |nonce: Option<&str>| {
            let proof = key.proof_with("GET", &url, Some(&token), nonce);
            let request = fixture.http().get(&url).header("authorization", format!("DPoP {token}"));
            Response::send(request.header("dpop", proof)).await.unwrap()
        };

        let response = call(None).await;
        assert_eq!(response.status, 401);
        assert!(
            response.header("www-authenticate").contains("error=\"use_dpop_nonce\""),
            "{response:?}"
        );
        let nonce = response.header("dpop-nonce");
        let passed = call(Some(nonce)).await;

        assert_eq!((passed.status, &passed.body["x-auth-client"]), (200, &json!(client.id)));
        fixture.stop().await;
    }
}

/// RFC 9449 §8.2: the nonce is sent with every response that has one, 403 included. A stub plays
/// Gatewright, which sends a nonce with 403 only in the last second of a minute.
#[tokio::test]
async fn the_dpop_nonce_of_a_403_reaches_the_client_through_a_gateway() {
    for gateway in Gateway::ALL {
        let response = async || {
            let fields =
                [("www-authenticate", "DPoP error=\"insufficient_scope\""), ("dpop-nonce", "n-1")];
            (StatusCode::FORBIDDEN, fields)
        };
        let gatewright = serve(Router::new().fallback(response)).await;
        let (installation, key, port) =
            (Installation::new().await, KeyPair::generate().unwrap(), crate::free_port());
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = certificate.self_signed(&key).unwrap();
        let mut process = gateway.start(
            &installation.directory,
            (&certificate, &key),
            port,
            gatewright,
            start_api().await,
        );
        crate::install_tls();
        let own_certificate = Certificate::from_der(certificate.der()).unwrap();
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([own_certificate])
            .build()
            .unwrap();
        let url = format!("https://localhost:{port}/invoices/1");
        crate::wait_until("the gateway is ready", async || http.get(&url).send().await.is_ok())
            .await;

        let response = Response::send(http.get(&url)).await.unwrap();

        assert_eq!((response.status, response.header("dpop-nonce")), (403, "n-1"));
        assert_eq!(response.header("www-authenticate"), "DPoP error=\"insufficient_scope\"");
        process.kill().await.unwrap();
    }
}

/// Decision 0015: a malformed certificate is refused with 401, because the client may have caused it.
#[tokio::test]
async fn a_certificate_that_gatewright_cannot_parse_is_a_401() {
    for gateway in Gateway::ALL {
        let fixture = Fixture::new(gateway).await;
        let client = fixture.client("invoices.read").await;
        let token = fixture.token(&client).await;
        // Larger than Gatewright permits, but valid for nginx, which does not check the size.
        let mut parameters = CertificateParams::new(["large".to_owned()]).unwrap();
        let names = (0..290).map(|n| {
            rcgen::SanType::DnsName(
                format!("name-{n}.{}.example", "x".repeat(40)).try_into().unwrap(),
            )
        });
        parameters.subject_alt_names.extend(names);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let large = SelfSigned { certificate, key };

        let request =
            fixture.http_with(Some(&large)).get(fixture.url("/invoices/")).bearer_auth(&token);
        let response = Response::send(request).await.unwrap();

        assert_eq!(response.status, 401, "{response:?}");
        fixture.stop().await;
    }
}
