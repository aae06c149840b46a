//! The real nginx in front of the issuer, with the file `deploy/nginx.conf`: header fields that clients
//! must not be able to set.

use std::path::Path;

use gatewright::pki::header::{self, Form};
use reqwest::Certificate;
use serde_json::json;
use tokio::process::Child;

use crate::application::Response;
use crate::installation::Installation;
use crate::self_signed::SelfSigned;
use crate::server::Server;
use crate::{free_port, nginx};
use kit::ca::{Ca, Identity, pem};

/// The deployed file, except for its ports, its upstream and its certificate.
fn start_front(root: &Path, port: u16, gatewright: &str, own: &SelfSigned) -> Child {
    let directory = root.join("front");
    std::fs::create_dir(&directory).unwrap();
    let here = directory.display();
    std::fs::write(directory.join("fullchain.pem"), own.certificate.pem()).unwrap();
    std::fs::write(directory.join("privkey.pem"), own.key.serialize_pem()).unwrap();
    let deployed = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/nginx.conf");
    let mut text = std::fs::read_to_string(deployed).unwrap();
    for (there, instead) in [
        ("\nhttp {\n", format!("\nhttp {{\n{}", nginx::path_directives(&directory))),
        ("server gatewright:8080;", format!("server {gatewright};")),
        ("listen 80 default_server;", format!("listen 127.0.0.1:{};", free_port())),
        ("listen [::]:80 default_server;", String::new()),
        ("listen 127.0.0.1:8081;", format!("listen 127.0.0.1:{};", free_port())),
        ("listen 443 ssl http2 default_server;", format!("listen 127.0.0.1:{port} ssl http2;")),
        ("listen [::]:443 ssl http2 default_server;", String::new()),
        ("/etc/nginx/tls/fullchain.pem", format!("{here}/fullchain.pem")),
        ("/etc/nginx/tls/privkey.pem", format!("{here}/privkey.pem")),
    ] {
        assert_eq!(text.matches(there).count(), 1, "{there}");
        text = text.replace(there, &instead);
    }
    std::fs::write(directory.join("nginx.conf"), text).unwrap();
    nginx::start(&directory)
}

/// The fields with a certificate in each format.
fn certificate_fields(form: Form, own: &Identity) -> Vec<(&'static str, String)> {
    use base64::Engine as _;
    let der = base64::engine::general_purpose::STANDARD.encode(own.certificate());
    let escaped = pem(own.certificate()).replace('\n', "%0A").replace('+', "%2B");
    let (field, chain) = header::fields(form);
    let value = match form {
        Form::Rfc9440 => format!(":{der}:"),
        Form::Nginx => escaped,
        Form::Envoy => format!("Cert=\"{escaped}\""),
        Form::Haproxy => der,
    };
    let chain = chain.map(|chain| (chain, value.clone()));
    [(field, value)].into_iter().chain(chain).collect()
}

/// Certificates are public. This proxy requests none, and it is in `http.trusted_proxies`: header
/// fields with a certificate, in whatever format, must not pass it. THREATS MT-06.
#[tokio::test]
async fn a_certificate_in_a_header_of_a_client_does_not_authenticate() {
    let mut installation = Installation::new().await;
    installation.set("HTTP__TRUSTED_PROXIES", "127.0.0.1");
    let (ca, own) = (Ca::new("Clients"), SelfSigned::new("localhost"));
    let victim = ca.issue_client("Backup");
    installation.write("clients.pem", &pem(ca.certificate()));
    let anchors = format!("name=clients;file={}/clients.pem", installation.directory.display());
    installation.set("CLIENT_CERTIFICATES__ANCHORS", &format!("{anchors};revocation=off"));
    installation.set("HTTP__CLIENT_CERTIFICATE_HEADER", "rfc9440");
    let mut server = Server::new(installation);
    let (port, gatewright) = (free_port(), server.issuer.rsplit_once("//").unwrap().1.to_owned());
    let gatewright = gatewright.replace("localhost", "127.0.0.1");
    let mut front = start_front(&server.installation.directory, port, &gatewright, &own);
    crate::install_tls();
    let ours = Certificate::from_der(own.certificate.der()).unwrap();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([ours]).build().unwrap();

    for (form, name) in [
        (Form::Rfc9440, "rfc9440"),
        (Form::Nginx, "nginx"),
        (Form::Envoy, "envoy"),
        (Form::Haproxy, "haproxy"),
    ] {
        server.installation.set("HTTP__CLIENT_CERTIFICATE_HEADER", name);
        server.launch().await;
        let client = server
            .register(json!({
                "grant_types": ["client_credentials"],
                "token_endpoint_auth_method": "tls_client_auth",
                "tls_client_auth_subject_dn": "CN=Backup",
                "gw_shared_certificate_name": true,
            }))
            .await;
        let form_of = [
            ("grant_type", "client_credentials"),
            ("client_id", client["client_id"].as_str().unwrap()),
        ];
        let token_request = |url: String| {
            let request = http.post(format!("{url}/token")).form(&form_of);
            certificate_fields(form, &victim)
                .iter()
                .fold(request, |request, (name, value)| request.header(*name, value))
        };
        let through = format!("https://localhost:{port}");

        let spoofed = Response::send(token_request(through.clone())).await.unwrap();
        assert_eq!((spoofed.status, &spoofed.body["error"]), (401, &json!("invalid_client")));
        // The field is accepted from the proxy itself.
        let proxied = Response::send(token_request(server.issuer.clone())).await.unwrap();
        assert_eq!(proxied.status, 200, "{form:?}: {proxied:?}");

        // The proxy sets the request id, not the client.
        let chosen = "chosen-by-the-client";
        let named = http.get(format!("{through}/jwks")).header("x-request-id", chosen).send().await;
        let name = named.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned();
        assert!(name != chosen && name.len() == 32, "nginx sets it: {name}");

        for path in ["/verify/invoices", "/tenant/verify/invoices", "/verify"] {
            let response = Response::send(http.get(format!("{through}{path}"))).await.unwrap();
            assert_eq!(
                (response.status, response.body),
                (404, json!(null)),
                "the response is of nginx: {path}"
            );
        }
        server.stop().await;
    }
    front.kill().await.unwrap();
}
