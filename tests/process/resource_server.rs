//! `examples/resource-server`, against the real binary: an API that verifies tokens locally.

#[path = "../../examples/resource-server/api.rs"]
mod api;
#[path = "../../examples/resource-server/listener.rs"]
mod listener;

use std::net::SocketAddr;
use std::time::Duration;

use gatewright::verify::IssuerKeys;
use reqwest::Certificate;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};

use crate::application::{Application, Response};
use crate::dpop_key::DpopKey;
use crate::installation::Installation;
use crate::self_signed::SelfSigned;
use crate::server::Server;

const AUDIENCE: &str = "https://api.example.org/invoices";

/// The API, and a Gatewright that also issues certificate-bound tokens.
struct Fixture {
    server: Server,
    /// The URL for clients with certificates.
    mtls: String,
    api: SocketAddr,
    /// The server certificate of both.
    own: SelfSigned,
}

impl Fixture {
    async fn new() -> Self {
        let own = SelfSigned::new("localhost");
        let mut installation = Installation::new().await;
        installation.write("certificate.pem", &own.certificate.pem());
        installation.write("key.pem", &own.key.serialize_pem());
        let port = crate::free_port();
        let mtls = format!("https://localhost:{port}");
        installation.set("MTLS__URL", &mtls);
        installation.set("MTLS__LISTEN", &format!("127.0.0.1:{port}"));
        for (name, file) in [("CERTIFICATE", "certificate.pem"), ("KEY", "key.pem")] {
            let path = installation.directory.join(file);
            installation.set(&format!("MTLS__{name}_FILE"), &path.display().to_string());
        }
        make_private(&installation.directory.join("key.pem"));
        let server = Server::start_in(installation).await;

        crate::install_tls();
        let key = PrivatePkcs8KeyDer::from(own.key.serialize_der());
        let chain = vec![own.certificate.der().clone()];
        let listener = listener::Tls::bind("127.0.0.1:0", chain, key.into()).await.unwrap();
        let api = axum::serve::Listener::local_addr(&listener).unwrap();
        let keys = IssuerKeys::over_http(&server.issuer, crate::http());
        let origin = format!("https://localhost:{}", api.port());
        let routes = api::routes(&server.issuer, AUDIENCE, &origin, keys);
        let service = routes.into_make_service_with_connect_info::<listener::Peer>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { server, mtls, api, own }
    }

    /// An HTTP client, with a client certificate or without.
    fn http(&self, certificate: Option<&SelfSigned>) -> reqwest::Client {
        let own_certificate = Certificate::from_der(self.own.certificate.der()).unwrap();
        let mut client = reqwest::Client::builder().no_proxy().tls_certs_only([own_certificate]);
        if let Some(certificate) = certificate {
            client = client.identity(certificate.identity());
        }
        client.timeout(Duration::from_secs(60)).build().unwrap()
    }

    async fn client(&self, other: Value) -> Application {
        let mut metadata = json!({
            "client_name": "Billing",
            "grant_types": ["client_credentials"],
            "scope": "invoices.read invoices.write",
            "gw_default_audience": AUDIENCE,
        });
        metadata.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        Application::from_registration(&self.server.issuer, &self.server.register(metadata).await)
    }

    /// A token of a client, requested with this certificate.
    async fn token(&self, client: &Application, certificate: Option<&SelfSigned>) -> String {
        let request = self.http(certificate).post(format!("{}/token", self.mtls));
        let form = [("grant_type", "client_credentials")];
        let request = request.basic_auth(&client.id, Some(&client.secret)).form(&form);
        let response = Response::send(request).await.unwrap();
        assert_eq!(response.status, 200, "{response:?}");
        response.body["access_token"].as_str().unwrap().to_owned()
    }

    async fn call(&self, method: &str, token: &str, certificate: Option<&SelfSigned>) -> Response {
        let url = format!("https://localhost:{}/invoices", self.api.port());
        let request =
            self.http(certificate).request(method.parse().unwrap(), url).bearer_auth(token);
        Response::send(request).await.unwrap()
    }
}

#[track_caller]
fn assert_refused(response: &Response, status: u16, error: &str) {
    assert_eq!(
        (response.status, response.body["error"].as_str()),
        (status, Some(error)),
        "{response:?}"
    );
    assert!(response.header("www-authenticate").contains(&format!("error=\"{error}\"")));
}

#[cfg(unix)]
fn make_private(file: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// RFC 9068 §4, RFC 6750 §3.1.
#[tokio::test]
async fn an_api_verifies_tokens_locally() {
    let mut fixture = Fixture::new().await;
    let (both, reader) = (
        fixture.client(json!({})).await,
        fixture.client(json!({ "scope": "invoices.read" })).await,
    );
    let other_client =
        fixture.client(json!({ "gw_default_audience": "https://api.example.org" })).await;
    let brief = fixture.client(json!({ "gw_access_token_lifetime": 10 })).await;
    let brief_token = fixture.token(&brief, None).await;

    let token = fixture.token(&both, None).await;
    let granted = fixture.call("GET", &token, None).await;
    assert_eq!(
        (granted.status, granted.body["by"].as_str()),
        (200, Some(both.id.as_str())),
        "{granted:?}"
    );
    assert_eq!(fixture.call("POST", &token, None).await.status, 200);

    let narrow = fixture.token(&reader, None).await;
    assert_eq!(fixture.call("GET", &narrow, None).await.status, 200);
    let response = fixture.call("POST", &narrow, None).await;
    assert_refused(&response, 403, "insufficient_scope");
    assert!(response.header("www-authenticate").contains("scope=\"invoices.read invoices.write\""));

    let wrong = fixture.token(&other_client, None).await;
    assert_refused(&fixture.call("GET", &wrong, None).await, 401, "invalid_token");
    // Not the last character, several values of which decode to the same bytes.
    let (message, signature) = token.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let changed = format!("{message}.{other}{}", &signature[1..]);
    assert_refused(&fixture.call("GET", &changed, None).await, 401, "invalid_token");
    let url = format!("https://localhost:{}/invoices", fixture.api.port());
    let nothing = Response::send(fixture.http(None).get(url)).await.unwrap();
    assert_eq!(nothing.status, 401);
    let challenge = nothing.header("www-authenticate");
    assert!(challenge.starts_with(&format!("Bearer realm=\"{AUDIENCE}\", DPoP realm=")));

    // Verification needs no connection to the server.
    fixture.server.kill().await;
    assert_eq!(fixture.call("GET", &token, None).await.status, 200);
    crate::wait_until("the token expires", async || {
        fixture.call("GET", &brief_token, None).await.body["error"] == "invalid_token"
    })
    .await;
    assert_eq!(fixture.call("GET", &token, None).await.status, 200, "other tokens stay valid");
}

/// > The protected resource MUST obtain, from its TLS implementation layer, the client certificate used for
/// > mutual TLS and MUST verify that the certificate matches the certificate associated with the access
/// > token. (RFC 8705 §3); THREATS MT-04
#[tokio::test]
async fn a_certificate_bound_token_is_refused_without_its_certificate() {
    let mut fixture = Fixture::new().await;
    let bound = json!({ "tls_client_certificate_bound_access_tokens": true });
    let client = fixture.client(bound).await;
    let (certificate, attacker) = (SelfSigned::new("billing"), SelfSigned::new("thief"));

    let token = fixture.token(&client, Some(&certificate)).await;

    assert_eq!(fixture.call("GET", &token, Some(&certificate)).await.status, 200);
    assert_refused(&fixture.call("GET", &token, None).await, 401, "invalid_token");
    assert_refused(&fixture.call("GET", &token, Some(&attacker)).await, 401, "invalid_token");
    fixture.server.stop().await;
}

/// > the resource server MUST check that a DPoP proof was also received […], check the DPoP proof according
/// > to the rules in Section 4.3, and check that the public key of the DPoP proof matches the public key to
/// > which the access token is bound (RFC 9449 §7.1); THREATS DP-01, DP-06
#[tokio::test]
async fn a_dpop_bound_token_is_refused_without_a_proof_by_its_key() {
    let mut fixture = Fixture::new().await;
    let client = fixture.client(json!({ "dpop_bound_access_tokens": true })).await;
    let (key, attacker) = (DpopKey::new(), DpopKey::new());
    let endpoint = format!("{}/token", fixture.server.issuer);
    let form = [("grant_type", "client_credentials")];
    let token_request = crate::http().post(&endpoint).basic_auth(&client.id, Some(&client.secret));
    let token_request =
        token_request.form(&form).header("dpop", key.proof("POST", &endpoint, None));
    let response = Response::send(token_request).await.unwrap();
    assert_eq!((response.status, response.body["token_type"].as_str()), (200, Some("DPoP")));
    let token = response.body["access_token"].as_str().unwrap().to_owned();
    let url = format!("https://localhost:{}/invoices", fixture.api.port());
    let call = async |scheme: &str, proof: Option<&str>| {
        let mut request = fixture.http(None).get(&url);
        request = request.header("authorization", format!("{scheme} {token}"));
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        Response::send(request).await.unwrap()
    };

    let proof = key.proof("GET", &url, Some(&token));
    let accepted = call("DPoP", Some(&proof)).await;
    assert_eq!(
        (accepted.status, accepted.body["by"].as_str()),
        (200, Some(client.id.as_str())),
        "{accepted:?}"
    );
    assert_refused(&call("DPoP", Some(&proof)).await, 401, "invalid_dpop_proof");
    assert_refused(&call("DPoP", None).await, 401, "invalid_dpop_proof");
    let other_url = key.proof("GET", &endpoint, Some(&token));
    assert_refused(&call("DPoP", Some(&other_url)).await, 401, "invalid_dpop_proof");
    assert_refused(&call("Bearer", None).await, 401, "invalid_token");
    let stolen = attacker.proof("GET", &url, Some(&token));
    assert_refused(&call("DPoP", Some(&stolen)).await, 401, "invalid_token");
    fixture.server.stop().await;
}
