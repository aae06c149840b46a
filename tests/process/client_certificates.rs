//! Client certificates of third-party programs, `curl`, `openid-client` and Authlib, presented to
//! Gatewright itself, and to the real nginx and HAProxy with the configurations of
//! `deploy/client-certificates`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use gatewright::render::route::Reach;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::application::Application;
use crate::installation::Installation;
use crate::nginx;
use crate::server::{PASSWORD, Server};
use kit::ca::{Ca, Identity, pem};

/// A server, and the endpoint that receives client certificates.
struct Fixture {
    server: Server,
    /// The URL for clients with certificates: Gatewright's mTLS name, or the proxy.
    url: String,
    proxy: Option<Child>,
    /// Issues client certificates; the server trusts its root.
    issuing_ca: Ca,
}

/// The program that terminates TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Gatewright,
    Nginx,
    Haproxy,
}

impl Fixture {
    async fn behind(edge: Edge) -> Self {
        let mut installation = Installation::new().await;
        let port = crate::free_port();
        let url = format!("https://localhost:{port}");
        let (root, servers) = (Ca::new("Clients"), Ca::new("Servers"));
        let (issuing_ca, host) =
            (root.intermediate("Issuing"), servers.issue_server(&["localhost"]));
        let trusted_ca = if edge == Edge::Nginx { &issuing_ca } else { &root };
        installation.write("clients.pem", &pem(trusted_ca.certificate()));
        installation.write("servers.pem", &pem(servers.certificate()));
        installation.write("host.pem", &host.chain_pem());
        installation.write("host.key", &host.key.serialize_pem());
        installation
            .write("host.both.pem", &(host.chain_pem() + host.key.serialize_pem().as_str()));
        crate::hide(&installation.directory.join("host.key"));
        let file = |name: &str| installation.directory.join(name).display().to_string();
        let anchors = format!("name=clients;file={};revocation=off", file("clients.pem"));
        let (certificate, key) = (file("host.pem"), file("host.key"));
        installation.set("CLIENT_CERTIFICATES__ANCHORS", &anchors);
        match edge {
            Edge::Gatewright => {
                installation.set("MTLS__URL", &url);
                installation.set("MTLS__LISTEN", &format!("127.0.0.1:{port}"));
                installation.set("MTLS__CERTIFICATE_FILE", &certificate);
                installation.set("MTLS__KEY_FILE", &key);
            }
            Edge::Nginx | Edge::Haproxy => {
                installation.set("MTLS__URL", &url);
                installation.set("HTTP__TRUSTED_PROXIES", "127.0.0.1");
                let form = if edge == Edge::Nginx { "nginx" } else { "haproxy" };
                installation.set("HTTP__CLIENT_CERTIFICATE_HEADER", form);
            }
        }
        let server = Server::start_in(installation).await;
        let proxy = match edge {
            Edge::Gatewright => None,
            Edge::Nginx => Some(start_nginx(&server, port)),
            Edge::Haproxy => Some(start_haproxy(&server, port)),
        };
        let fixture = Self { server, url, proxy, issuing_ca };
        crate::wait_until("the TLS port listens", async || {
            fixture.curl("/jwks", None, &[]).await.0 != 0
        })
        .await;
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.server.installation.directory.join(name)
    }

    /// Writes a certificate and its key to files.
    fn write_identity(&self, name: &str, identity: &Identity) {
        self.server.installation.write(&format!("{name}.pem"), &identity.chain_pem());
        self.server.installation.write(&format!("{name}.key"), &identity.key.serialize_pem());
    }

    /// Registers a client with these flags of the command line.
    async fn client(&self, flags: &[&str]) -> String {
        let create = ["client", "create", "--grant-type", "client_credentials"];
        let created = self.server.installation.json(&[&create[..], flags].concat()).await;
        created["client_id"].as_str().unwrap().to_owned()
    }

    /// The response to `curl`, with a certificate of [`Fixture::write_identity`] and these arguments.
    async fn curl(&self, path: &str, certificate: Option<&str>, more: &[&str]) -> (u16, Value) {
        let mut command = Command::new("curl");
        command.args(["--silent", "--noproxy", "*", "--write-out", "\n%{http_code}"]);
        command.arg("--cacert").arg(self.path("servers.pem"));
        if let Some(name) = certificate {
            command.arg("--cert").arg(self.path(&format!("{name}.pem")));
            command.arg("--key").arg(self.path(&format!("{name}.key")));
        }
        let output = command.args(more).arg(format!("{}{path}", self.url)).output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, status) = text.rsplit_once('\n').unwrap_or(("", "0"));
        (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }

    /// Requests a token by client credentials.
    async fn request_token(
        &self,
        id: &str,
        certificate: Option<&str>,
        more: &[&str],
    ) -> (u16, Value) {
        let id = format!("client_id={id}");
        let form = ["--data", "grant_type=client_credentials", "--data", &id];
        self.curl("/token", certificate, &[&form[..], more].concat()).await
    }

    /// Runs a program of `tests/interop`, with a client for users and a service, both authenticated by
    /// a certificate.
    async fn interop(&self, interpreter: &str, program: &str) {
        let user = self.server.create_user("ada").await;
        self.write_identity("own", &self.issuing_ca.issue_client("Photos"));
        self.write_identity("other", &self.issuing_ca.issue_client("Thief"));
        let metadata = json!({
            "client_name": "Photos",
            "redirect_uris": [Application::REDIRECT_URI],
            "post_logout_redirect_uris": [Application::SIGNED_OUT],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": "CN=Photos",
            "tls_client_certificate_bound_access_tokens": true,
        });
        let client = self.server.register(metadata).await;
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(program);
        let id = client["client_id"].as_str().unwrap();
        let mut command = Command::new(interpreter);
        command
            .arg(program)
            .env("INTEROP_ISSUER", &self.server.issuer)
            .env("INTEROP_USERNAME", &user.username)
            .env("INTEROP_PASSWORD", PASSWORD)
            .env("INTEROP_EMAIL", format!("{}@example.org", user.username))
            .env("INTEROP_CLIENT_ID", id)
            .env("INTEROP_CLIENT_SECRET", "none")
            .env("INTEROP_REDIRECT_URI", Application::REDIRECT_URI)
            .env("INTEROP_POST_LOGOUT_REDIRECT_URI", Application::SIGNED_OUT)
            .env("INTEROP_SERVICE_ID", id)
            .env("INTEROP_CA", self.path("servers.pem"))
            .env("INTEROP_CERTIFICATE", self.path("own.pem"))
            .env("INTEROP_KEY", self.path("own.key"))
            .env("INTEROP_OTHER_CERTIFICATE", self.path("other.pem"))
            .env("INTEROP_OTHER_KEY", self.path("other.key"))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for name in
            ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
        {
            command.env_remove(name);
        }
        let output = command.output().await.expect("scripts/setup installs it");

        let printed = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{printed}\n{complained}");
        assert!(printed.lines().count() >= 6, "every step prints a line:\n{printed}");
        assert!(printed.lines().all(|line| line.starts_with("ok ")), "{printed}");
    }

    async fn stop(mut self) {
        if let Some(mut proxy) = self.proxy.take() {
            proxy.kill().await.unwrap();
        }
        self.server.stop().await;
    }
}

fn deploy_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/client-certificates").join(name)
}

/// The address of the server.
fn server_address(server: &Server) -> String {
    format!("127.0.0.1:{}", server.issuer.rsplit_once(':').unwrap().1)
}

fn start_nginx(server: &Server, port: u16) -> Child {
    let directory = server.installation.directory.join("nginx");
    std::fs::create_dir(&directory).unwrap();
    std::fs::copy(deploy_file("nginx.conf"), directory.join("nginx.conf")).unwrap();
    let installation = server.installation.directory.display();
    let mut text = format!(
        "upstream gatewright {{ server {}; keepalive 4; }}\n\
         ssl_certificate {installation}/host.pem;\n\
         ssl_certificate_key {installation}/host.key;\n",
        server_address(server)
    );
    text.push_str(&nginx::path_directives(&directory));
    std::fs::write(directory.join("place.conf"), text).unwrap();
    let listen = format!("listen 127.0.0.1:{port} ssl;\n");
    std::fs::write(directory.join("listen.conf"), listen).unwrap();
    nginx::start(&directory)
}

fn start_haproxy(server: &Server, port: u16) -> Child {
    let installation = &server.installation.directory;
    let log = std::fs::File::create(installation.join("haproxy.log")).unwrap();
    Command::new("haproxy")
        .arg("-db")
        .arg("-f")
        .arg(deploy_file("haproxy.cfg"))
        .env("LISTEN", format!("127.0.0.1:{port}"))
        .env("GATEWRIGHT", server_address(server))
        .env("CERTIFICATE", installation.join("host.both.pem"))
        .env("CLIENTS", installation.join("clients.pem"))
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .expect("scripts/setup installs haproxy")
}

fn cnf(response: &Value) -> Value {
    let token = response["access_token"].as_str().unwrap();
    let payload = gatewright::jose::base64url::decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&payload).unwrap()["cnf"]["x5t#S256"].clone()
}

/// RFC 8705, RFC 9440 §4; THREATS MT-01, MT-02, MT-06: with each program that terminates TLS, and the
/// published configuration.
async fn a_client_certificate_authenticates_its_client(edge: Edge) {
    let fixture = Fixture::behind(edge).await;
    let (own, attacker) =
        (fixture.issuing_ca.issue_client("Backup"), fixture.issuing_ca.issue_client("Thief"));
    let (lone, lookalike) = (Identity::self_signed("Lone"), Identity::self_signed("Backup"));
    let foreign = Ca::new("Issuing").issue_client("Backup");
    for (name, identity) in [
        ("own", &own),
        ("thief", &attacker),
        ("lone", &lone),
        ("lookalike", &lookalike),
        ("foreign", &foreign),
    ] {
        fixture.write_identity(name, identity);
    }
    let by_certificate = ["--auth-method", "tls_client_auth", "--tls-subject", "CN=Backup"];
    let backup = fixture.client(&[&by_certificate[..], &["--tls-bound-tokens"]].concat()).await;
    fixture.server.installation.write("jwks.json", &json!({ "keys": [jwk(&lone)] }).to_string());
    let by_itself = ["--auth-method", "self_signed_tls_client_auth", "--jwks", "jwks.json"];
    let alone = fixture.client(&by_itself).await;

    let (status, response) = fixture.request_token(&backup, Some("own"), &[]).await;
    assert_eq!((status, cnf(&response)), (200, json!(own.thumbprint())), "{edge:?}");
    assert_eq!(fixture.request_token(&alone, Some("lone"), &[]).await.0, 200, "{edge:?}");
    for (id, certificate) in [
        (&backup, None),
        (&backup, Some("thief")),
        (&backup, Some("lookalike")),
        (&backup, Some("foreign")),
        (&backup, Some("lone")),
        (&alone, None),
        (&alone, Some("own")),
    ] {
        let (status, response) = fixture.request_token(id, certificate, &[]).await;
        assert_eq!(
            (status, &response["error"]),
            (401, &json!("invalid_client")),
            "{edge:?} {certificate:?}"
        );
    }

    // Header fields of a client with a certificate are ignored.
    let escaped = own.chain_pem().replace('\n', "%0A").replace('+', "%2B");
    for spoofed in [
        format!("Client-Cert: :{}:", base64(&own)),
        format!("X-SSL-Client-Cert: {escaped}"),
        format!("X-Forwarded-Client-Cert: Cert=\"{escaped}\""),
        format!("X-SSL-Client-DER: {}", base64(&own)),
    ] {
        for certificate in [None, Some("thief")] {
            let (status, response) =
                fixture.request_token(&backup, certificate, &["--header", &spoofed]).await;
            assert_eq!(
                (status, &response["error"]),
                (401, &json!("invalid_client")),
                "{spoofed:.30}"
            );
        }
        let (status, response) =
            fixture.request_token(&backup, Some("own"), &["--header", &spoofed]).await;
        assert_eq!((status, cnf(&response)), (200, json!(own.thumbprint())));
    }
    let underscores = format!("X_SSL_Client_DER: {}", base64(&own));
    let (status, _) = fixture.request_token(&backup, None, &["--header", &underscores]).await;
    assert_eq!(status, if edge == Edge::Haproxy { 400 } else { 401 }, "{edge:?}");
    fixture.stop().await;
}

fn base64(identity: &Identity) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(identity.certificate())
}

fn jwk(identity: &Identity) -> Value {
    let point = identity.key.public_key_raw();
    let encode = |bytes: &[u8]| gatewright::jose::base64url::encode(bytes);
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": encode(&point[1..33]),
        "y": encode(&point[33..]),
        "x5c": [base64(identity)],
    })
}

/// RFC 8705 §5; THREATS MT-10: endpoints that accept client certificates exist at the mTLS name, no
/// other path does, and discovery lists them.
async fn the_mtls_name_serves_its_endpoints_and_nothing_else(edge: Edge) {
    let fixture = Fixture::behind(edge).await;
    let own = fixture.issuing_ca.issue_client("Backup");
    fixture.write_identity("own", &own);
    // EST needs a built-in CA.
    fixture.server.installation.json(&["ca", "init"]).await;
    crate::wait_until("the server has loaded the CA", async || {
        fixture.curl("/.well-known/est/cacerts", Some("own"), &[]).await.0 == 200
    })
    .await;
    let http = crate::http();
    let discovery = format!("{}/.well-known/openid-configuration", fixture.server.issuer);
    let metadata = http.get(discovery).send().await.unwrap().bytes().await.unwrap();
    let metadata: Value = serde_json::from_slice(&metadata).unwrap();
    // A `Host` field with the other name does not change that.
    let host = format!("Host: {}", fixture.server.issuer.trim_start_matches("http://"));

    let aliases = metadata["mtls_endpoint_aliases"].as_object().unwrap();
    assert_eq!(aliases.len(), 4);
    for alias in aliases.values() {
        let path = alias.as_str().unwrap().strip_prefix(&fixture.url).unwrap();
        let (status, _) = fixture.curl(path, Some("own"), &["--data", "x=y"]).await;
        assert!(matches!(status, 400 | 401), "{edge:?} {path}: {status}");
    }
    for route in gatewright::server::routes() {
        let path = route.path.replace("{*route}", "invoices").replace(['{', '}'], "");
        for more in [&[][..], &["--header", &host]] {
            let (status, response) = fixture.curl(&path, Some("own"), more).await;
            match (route.reach, edge) {
                (Reach::Everywhere, _) => assert_ne!(status, 404, "{edge:?} {path}"),
                // Gatewright's own listener compares no names; ACME challenges are public.
                (Reach::Plain, _) => {}
                (Reach::Issuer, Edge::Gatewright) if !more.is_empty() => {}
                (Reach::Issuer, Edge::Gatewright) => assert_eq!(status, 404, "{path}"),
                (Reach::Issuer, Edge::Nginx | Edge::Haproxy) => {
                    assert_eq!((status, response), (404, Value::Null), "{edge:?} {path}");
                }
            }
        }
    }
    fixture.stop().await;
}

#[tokio::test]
async fn nginx_serves_no_pages_at_the_mtls_name() {
    the_mtls_name_serves_its_endpoints_and_nothing_else(Edge::Nginx).await;
}

#[tokio::test]
async fn haproxy_serves_no_pages_at_the_mtls_name() {
    the_mtls_name_serves_its_endpoints_and_nothing_else(Edge::Haproxy).await;
}

#[tokio::test]
async fn curl_authenticates_with_a_certificate_at_the_server_itself() {
    a_client_certificate_authenticates_its_client(Edge::Gatewright).await;
}

#[tokio::test]
async fn curl_authenticates_with_a_certificate_through_nginx() {
    a_client_certificate_authenticates_its_client(Edge::Nginx).await;
}

#[tokio::test]
async fn curl_authenticates_with_a_certificate_through_haproxy() {
    a_client_certificate_authenticates_its_client(Edge::Haproxy).await;
}

/// docs/certificates.md, "Runbook: a client certificate leaked": its commands, with the smallest page
/// size.
#[tokio::test]
async fn the_runbook_finds_every_token_of_a_certificate() {
    let fixture = Fixture::behind(Edge::Gatewright).await;
    let (own, other) =
        (fixture.issuing_ca.issue_client("Backup"), fixture.issuing_ca.issue_client("Other"));
    let mut issued = Vec::new();
    for (name, identity) in [("own", &own), ("other", &other)] {
        fixture.write_identity(name, identity);
        let subject = if name == "own" { "CN=Backup" } else { "CN=Other" };
        let by_certificate = ["--auth-method", "tls_client_auth", "--tls-subject", subject];
        let id = fixture.client(&[&by_certificate[..], &["--tls-bound-tokens"]].concat()).await;
        for _ in 0..2 {
            let before = issued.len();
            issued.push(fixture.request_token(&id, Some(name), &[]).await);
            // Each in a batch of its own.
            crate::wait_until("the token is in the audit trail", async || {
                let list = ["audit", "list", "--kind", "token.issued"];
                fixture.server.installation.json(&list).await.as_array().unwrap().len() > before
            })
            .await;
        }
    }
    assert!(issued.iter().all(|(status, _)| *status == 200), "{issued:?}");
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/certificates.md");
    let book = std::fs::read_to_string(book).unwrap();
    let start = book.find("   before=\n").unwrap();
    let (commands, _) = book[start..].split_once("```").unwrap();
    assert!(commands.contains("--limit 1000") && commands.contains("THUMBPRINT"));
    let commands = commands.replace("--limit 1000", "--limit 1");
    let commands = commands.replace("THUMBPRINT", &own.thumbprint());

    let mut shell = Command::new("sh");
    let script = format!("gatewright() {{ \"$BINARY\" \"$@\"; }}\n{commands}");
    shell.args(["-c", &script]).env("BINARY", env!("CARGO_BIN_EXE_gatewright"));
    shell.envs(fixture.server.installation.settings.iter().cloned());
    let output = shell.current_dir(&fixture.server.installation.directory).output().await.unwrap();

    let lines = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let jti = |(_, response): &(u16, Value)| {
        let token = response["access_token"].as_str().unwrap();
        let payload =
            gatewright::jose::base64url::decode(token.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice::<Value>(&payload).unwrap()["jti"].clone()
    };
    // Newest first.
    let found: Vec<_> = lines.iter().map(|one| one["jti"].clone()).collect();
    assert_eq!(found, [jti(&issued[1]), jti(&issued[0])], "{lines:?}");
    fixture.stop().await;
}

/// openid-client with `TlsClientAuth` and `use_mtls_endpoint_aliases`.
#[tokio::test]
async fn openid_client_for_javascript_authenticates_with_a_certificate() {
    let fixture = Fixture::behind(Edge::Gatewright).await;
    fixture.interop("node", "node/certificates.mjs").await;
    fixture.stop().await;
}

/// Authlib over `requests` with a certificate.
#[tokio::test]
async fn authlib_for_python_authenticates_with_a_certificate() {
    let fixture = Fixture::behind(Edge::Gatewright).await;
    fixture.interop("python3", "python/certificates.py").await;
    fixture.stop().await;
}
