//! The real nginx before an API, with the configuration of `deploy/nginx` as it stands there.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use rcgen::{CertificateParams, KeyPair};
use reqwest::Certificate;
use serde_json::{Map, Value, json};
use tokio::process::{Child, Command};

use crate::application::{Answer, Application};
use crate::holder::Holder;
use crate::own::Own;
use crate::place::Place;
use crate::server::Server;

const AUDIENCE: &str = "https://api.example.org/invoices";

/// Whoever says this from outside says it in vain.
const SPOOFED: [(&str, &str); 9] = [
    ("X-Auth-Subject", "root"),
    ("x-auth-acr", "root"),
    ("X-Auth-Time", "1"),
    ("X_Auth_Subject", "root"),
    ("X-Original-URI", "/healthz"),
    ("X-Original-Method", "OPTIONS"),
    ("X-Rewrite-URL", "/healthz"),
    ("X-SSL-Client-Cert", "root"),
    ("X-HTTP-Method-Override", "OPTIONS"),
];

/// Gatewright, the API, and nginx before both.
struct World {
    server: Server,
    nginx: Child,
    port: u16,
    certificate: rcgen::Certificate,
}

impl World {
    async fn new() -> Self {
        let mut place = Place::make().await;
        let (port, key) = (crate::free_port(), KeyPair::generate().unwrap());
        place.set("HTTP__TRUSTED_PROXIES", "127.0.0.1");
        place.set("HTTP__CLIENT_CERTIFICATE_HEADER", "nginx");
        place.set(
            "VERIFY__ROUTES",
            &format!(
                "name=invoices;audience={AUDIENCE};scope=invoices.read;origin=https://localhost:{port},\
                 name=payments;audience={AUDIENCE};scope=invoices.read payments.write"
            ),
        );
        let server = Server::at(place).await;
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = certificate.self_signed(&key).unwrap();
        let directory = server.place.directory.join("nginx");
        std::fs::create_dir(&directory).unwrap();
        for file in ["nginx.conf", "identity.conf"] {
            std::fs::copy(deployed().join(file), directory.join(file)).unwrap();
        }
        let write = |name: &str, text: &str| std::fs::write(directory.join(name), text).unwrap();
        write("certificate.pem", &certificate.pem());
        write("key.pem", &key.serialize_pem());
        write("listen.conf", &format!("listen 127.0.0.1:{port} ssl;\n"));
        let here = directory.display();
        let gatewright = server.issuer.rsplit_once(':').unwrap().1;
        let mut text = format!(
            "upstream gatewright {{ server 127.0.0.1:{gatewright}; keepalive 4; }}\n\
             upstream invoices {{ server 127.0.0.1:{}; keepalive 4; }}\n\
             ssl_certificate {here}/certificate.pem;\n\
             ssl_certificate_key {here}/key.pem;\n",
            api().await
        );
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            text.push_str(&format!("{kind}_temp_path {here}/{kind};\n"));
        }
        write("place.conf", &text);
        let global = format!("daemon off; pid {here}/pid; error_log {here}/error.log warn;");
        let nginx = Command::new("nginx")
            .args(["-p", &here.to_string(), "-c", &format!("{here}/nginx.conf"), "-g", &global])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("scripts/setup installs nginx");
        let world = Self { server, nginx, port, certificate };
        crate::until("nginx is ready", async || {
            world.http().get(world.url("/")).send().await.is_ok_and(|answer| answer.status() == 404)
        })
        .await;
        world
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    fn http(&self) -> reqwest::Client {
        self.http_of(None)
    }

    /// A client of HTTP that shows this certificate.
    fn http_of(&self, shown: Option<&Own>) -> reqwest::Client {
        crate::install_tls();
        let own = Certificate::from_der(self.certificate.der()).unwrap();
        let mut client = reqwest::Client::builder().no_proxy().tls_certs_only([own]);
        if let Some(shown) = shown {
            client = client.identity(shown.identity());
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
        Application::of(&self.server.issuer, &self.server.register(metadata).await)
    }

    async fn token(&self, client: &Application) -> String {
        let answer = client.credentials(&crate::http()).await.unwrap();
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    /// Sends a request with everything that a stranger may try.
    async fn call(&self, method: &str, path: &str, token: Option<&str>) -> Answer {
        let mut request = self.http().request(method.parse().unwrap(), self.url(path));
        for (name, value) in SPOOFED {
            request = request.header(name, value);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        Answer::to(request).await.unwrap()
    }

    async fn stop(mut self) {
        let id = self.nginx.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-QUIT", &id]).status().await.unwrap().success());
        self.nginx.wait().await.unwrap();
        self.server.stop().await;
    }
}

fn deployed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/nginx")
}

/// An API that says what it was told.
async fn api() -> u16 {
    let told = async |headers: HeaderMap| {
        let text = |value: &axum::http::HeaderValue| json!(value.to_str().unwrap());
        let told: Map<_, _> =
            headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        ([(CONTENT_TYPE, "application/json")], Value::Object(told).to_string())
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(told)).await });
    port
}

/// THREATS HD-01, HD-04.
#[tokio::test]
async fn nginx_lets_through_whom_gatewright_lets_through_and_tells_the_api_who_it_is() {
    let world = World::new().await;
    let (reader, payer) =
        (world.client("invoices.read").await, world.client("invoices.read payments.write").await);
    let (read, pay) = (world.token(&reader).await, world.token(&payer).await);

    for method in ["GET", "POST", "DELETE"] {
        let told = world.call(method, "/invoices/4711?a=b", Some(&read)).await;
        assert_eq!(told.status, 200, "{told:?}");
        assert_eq!(told.body["x-auth-subject"], *reader.id);
        assert_eq!(told.body["x-auth-client"], *reader.id);
        assert_eq!(told.body["x-auth-scope"], "invoices.read");
        assert!(
            told.body["x-auth-token-id"].is_string() && told.body["x-auth-expires"].is_string()
        );
        for name in ["x-auth-acr", "x-auth-time", "authorization", "x-ssl-client-cert", "dpop"] {
            assert_eq!(told.body[name], Value::Null, "{name} in {told:?}");
        }
        assert!(!told.text.contains("root"), "{told:?}");
    }
    assert_eq!(world.call("GET", "/invoices/payments/1", Some(&pay)).await.status, 200);

    let narrow = world.call("GET", "/invoices/payments/1", Some(&read)).await;
    assert_eq!(narrow.status, 403);
    assert!(
        narrow.header("www-authenticate").contains("error=\"insufficient_scope\""),
        "{narrow:?}"
    );
    for (token, told) in [(None, "Bearer realm="), (Some("x"), "error=\"invalid_token\"")] {
        let answer = world.call("GET", "/invoices/", token).await;
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").contains(told), "{answer:?}");
        assert!(!answer.text.contains("x-auth"));
    }
    // The question is not for clients, however it is written.
    for path in
        ["/.gatewright/verify/invoices", "/%2egatewright/verify/invoices", "/verify/invoices", "/"]
    {
        assert_eq!(world.call("GET", path, Some(&read)).await.status, 404, "{path}");
    }

    let form = [("token", read.as_str())];
    let revoke = crate::http().post(format!("{}/revoke", world.server.issuer)).form(&form);
    let revoked = Answer::to(revoke.basic_auth(&reader.id, Some(&reader.secret))).await.unwrap();
    assert_eq!(revoked.status, 200);
    assert_eq!(world.call("GET", "/invoices/", Some(&read)).await.status, 401);
    world.stop().await;
}

/// THREATS DB-03: a gateway that is not answered lets nobody through.
#[tokio::test]
async fn where_gatewright_is_gone_nobody_passes() {
    let mut world = World::new().await;
    let client = world.client("invoices.read").await;
    let token = world.token(&client).await;

    world.server.kill().await;
    let request = world.http().get(world.url("/invoices/")).bearer_auth(&token);
    let status = request.send().await.unwrap().status().as_u16();
    world.server.launch().await;

    assert_eq!(status, 500);
    crate::until("nginx asks again", async || {
        let request = world.http().get(world.url("/invoices/")).bearer_auth(&token);
        request.send().await.unwrap().status() == 200
    })
    .await;
    world.stop().await;
}

/// RFC 9449 §7.1: the proof is for the request as the client has sent it.
#[tokio::test]
async fn a_token_that_is_bound_to_a_key_passes_nginx_with_a_proof_alone() {
    let world = World::new().await;
    let client = world.client("invoices.read").await;
    let (own, thief) = (Holder::new(), Holder::new());
    let endpoint = format!("{}/token", world.server.issuer);
    let asked = crate::http().post(&endpoint).basic_auth(&client.id, Some(&client.secret));
    let asked = asked.form(&[("grant_type", "client_credentials")]);
    let asked = asked.header("dpop", own.proof("POST", &endpoint, None));
    let token = Answer::to(asked).await.unwrap();
    let token = token.body["access_token"].as_str().unwrap().to_owned();
    let url = world.url("/invoices/4711");
    let call = async |proof: &str| {
        let mut request = world.http().delete(format!("{url}?really=yes"));
        for (name, value) in SPOOFED {
            request = request.header(name, value);
        }
        let request = request.header("authorization", format!("DPoP {token}"));
        Answer::to(request.header("dpop", proof)).await.unwrap()
    };

    let proof = own.proof("DELETE", &url, Some(&token));
    let told = call(&proof).await;
    assert_eq!((told.status, told.body["x-auth-client"].as_str()), (200, Some(client.id.as_str())));
    assert_eq!(told.body["dpop"], Value::Null, "the proof ends at nginx");
    for refused in [
        proof,
        own.proof("GET", &url, Some(&token)),
        own.proof("DELETE", &world.url("/invoices/4712"), Some(&token)),
        own.proof("OPTIONS", &world.url("/healthz"), Some(&token)),
        thief.proof("DELETE", &url, Some(&token)),
    ] {
        let answer = call(&refused).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.header("www-authenticate").contains("DPoP realm="), "{answer:?}");
    }
    assert_eq!(world.call("DELETE", "/invoices/4711", Some(&token)).await.status, 401);
    world.stop().await;
}

/// RFC 8705 §3, with the certificate that was shown to nginx; THREATS MT-04, MT-06.
#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_passes_nginx_with_that_one_alone() {
    let world = World::new().await;
    let client = world.client_with("invoices.read", true).await;
    let (own, thief) = (Own::new("billing"), Own::new("thief"));
    // As the proxy before the issuer asks for it.
    let asked = crate::http().post(format!("{}/token", world.server.issuer));
    let asked = asked.basic_auth(&client.id, Some(&client.secret));
    let asked = asked.form(&[("grant_type", "client_credentials")]);
    let token = Answer::to(asked.header("x-ssl-client-cert", own.escaped())).await.unwrap();
    let token = token.body["access_token"].as_str().unwrap().to_owned();
    let call = async |shown: Option<&Own>, claimed: Option<&Own>| {
        let mut request = world.http_of(shown).get(world.url("/invoices/")).bearer_auth(&token);
        if let Some(claimed) = claimed {
            request = request.header("x-ssl-client-cert", claimed.escaped());
        }
        Answer::to(request).await.unwrap()
    };

    let told = call(Some(&own), None).await;
    assert_eq!((told.status, told.body["x-auth-client"].as_str()), (200, Some(client.id.as_str())));
    for (shown, claimed) in
        [(None, None), (None, Some(&own)), (Some(&thief), None), (Some(&thief), Some(&own))]
    {
        let answer = call(shown, claimed).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.header("www-authenticate").contains("invalid_token"), "{answer:?}");
    }
    world.stop().await;
}
