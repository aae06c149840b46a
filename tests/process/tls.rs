//! TLS of the real binary: scanned by sslyze, and with certificates that are replaced while it runs.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use serde_json::Value;
use tokio::process::Command;

use crate::installation::Installation;
use crate::server::Server;

/// A server with TLS, and the CA of its certificate.
struct TlsServer {
    server: Server,
    ca: CertifiedIssuer<'static, KeyPair>,
    tls: u16,
    mtls: u16,
}

/// The port of the mTLS name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mtls {
    /// At a port of its own.
    Apart,
    /// At the port of the issuer, distinguished by SNI.
    Shared,
}

/// The mTLS name, where both names share a port.
const OTHER: &str = "mtls.localhost";

impl TlsServer {
    async fn start() -> Self {
        Self::with(Mtls::Apart).await
    }

    async fn with(port: Mtls) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Servers");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let ca = CertifiedIssuer::self_signed(params, key).unwrap();
        let (tls, mtls) = (crate::free_port(), crate::free_port());
        let server = Server::new(Installation::new().await);
        let mut tls_server = Self { server, ca, tls, mtls };
        tls_server.replace_certificate();
        for (name, value) in [
            ("ISSUER", format!("https://localhost:{tls}")),
            ("TLS__LISTEN", format!("127.0.0.1:{tls}")),
            ("TLS__CERTIFICATE_FILE", "chain.pem".to_owned()),
            ("TLS__KEY_FILE", "key.pem".to_owned()),
        ] {
            tls_server.server.installation.set(name, &value);
        }
        match port {
            Mtls::Apart => {
                tls_server
                    .server
                    .installation
                    .set("MTLS__URL", &format!("https://localhost:{mtls}"));
                tls_server.server.installation.set("MTLS__LISTEN", &format!("127.0.0.1:{mtls}"));
            }
            Mtls::Shared => {
                tls_server.server.installation.set("MTLS__URL", &format!("https://{OTHER}:{tls}"));
            }
        }
        tls_server.server.installation.write("ca.pem", &tls_server.ca.pem());
        tls_server.server.launch().await;
        tls_server
    }

    /// Installs another certificate, and returns it.
    fn replace_certificate(&self) -> Vec<u8> {
        let names = ["localhost".to_owned(), OTHER.to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        let installation = &self.server.installation;
        installation.write("key.pem", &key.serialize_pem());
        let key = installation.directory.join("key.pem");
        std::fs::set_permissions(key, Permissions::from_mode(0o600)).unwrap();
        installation.write("chain.pem", &certificate.pem());
        certificate.der().to_vec()
    }

    /// The certificate that the server presents on a connection with a successful request.
    async fn presented_certificate(&self) -> Vec<u8> {
        crate::install_tls();
        let ca = reqwest::Certificate::from_der(self.ca.der()).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([ca]).tls_info(true);
        let url = format!("https://localhost:{}/readyz", self.tls);
        let response = client.build().unwrap().get(url).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let info = response.extensions().get::<reqwest::tls::TlsInfo>().unwrap();
        info.peer_certificate().unwrap().to_vec()
    }

    /// The result of sslyze for this port and name.
    async fn scan(&self, name: &str, port: u16) -> Value {
        let mut command = Command::new("sslyze");
        command.current_dir(&self.server.installation.directory);
        command.args(["--json_out", "scan.json", "--quiet", "--mozilla_config", "disable"]);
        command.args(["--certinfo", "--certinfo_ca_file", "ca.pem", "--sslv2", "--sslv3"]);
        command.args(["--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--early_data", "--ems"]);
        command.args(["--compression", "--fallback", "--heartbleed", "--openssl_ccs", "--reneg"]);
        command.args(["--robot", "--resum", "--elliptic_curves", "--http_headers"]);
        command.arg(format!("{name}:{port}{{127.0.0.1}}"));
        let output = command.output().await.expect("scripts/setup installs sslyze");
        let scan = std::fs::read_to_string(self.server.installation.directory.join("scan.json"));
        let scan: Value = serde_json::from_str(&scan.unwrap()).unwrap();
        assert_eq!(scan["server_scan_results"][0]["scan_status"], "COMPLETED", "{output:?}");
        scan["server_scan_results"][0]["scan_result"].clone()
    }
}

/// Asserts the requirements of grade A of SSL Labs, by the scan.
fn assert_grade_a(scan: &Value, what: &str) {
    let result = |name: &str| {
        assert_eq!(scan[name]["status"], "COMPLETED", "{what} {name}: {}", scan[name]);
        &scan[name]["result"]
    };
    let suites = |version: &str| -> Vec<String> {
        let accepted = result(version)["accepted_cipher_suites"].as_array().unwrap();
        let name = |one: &Value| one["cipher_suite"]["name"].as_str().unwrap().to_owned();
        accepted.iter().map(name).collect()
    };
    for old in ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"] {
        assert_eq!(suites(&format!("{old}_cipher_suites")), [""; 0], "{what} {old}");
    }
    let second = suites("tls_1_2_cipher_suites");
    assert!(!second.is_empty() && !suites("tls_1_3_cipher_suites").is_empty(), "{what}");
    for suite in second {
        let is_strong = suite.contains("_GCM_") || suite.contains("CHACHA20");
        assert!(suite.starts_with("TLS_ECDHE_") && is_strong, "{what} {suite}");
    }
    let curves = result("elliptic_curves")["supported_curves"].as_array().unwrap();
    let mut curves: Vec<_> = curves.iter().map(|curve| curve["name"].as_str().unwrap()).collect();
    curves.sort_unstable();
    assert_eq!(curves, ["X25519", "secp256r1", "secp384r1"], "{what}");
    for (name, finding, expected) in [
        ("heartbleed", "is_vulnerable_to_heartbleed", false),
        ("openssl_ccs_injection", "is_vulnerable_to_ccs_injection", false),
        ("session_renegotiation", "is_vulnerable_to_client_renegotiation_dos", false),
        ("session_renegotiation", "supports_secure_renegotiation", true),
        ("tls_1_3_early_data", "supports_early_data", false),
        ("tls_compression", "supports_compression", false),
        ("tls_fallback_scsv", "supports_fallback_scsv", true),
        ("tls_extended_master_secret", "supports_ems_extension", true),
    ] {
        assert_eq!(result(name)[finding], expected, "{what} {name} {finding}");
    }
    let robot = result("robot")["robot_result"].as_str().unwrap();
    assert!(robot.starts_with("NOT_VULNERABLE"), "{what} {robot}");
    let certificate = &result("certificate_info")["certificate_deployments"][0];
    assert_eq!(certificate["received_chain_has_valid_order"], true, "{what}");
    let validations = certificate["path_validation_results"].as_array().unwrap();
    let mut ours = validations.iter().filter(|one| {
        one["trust_store"]["path"].as_str().is_some_and(|path| path.ends_with("ca.pem"))
    });
    let validation = ours.next().expect("a validation with our CA");
    assert_eq!(validation["was_validation_successful"], true, "{what} {validation}");
}

/// THREATS MT-08: before and after the certificate is replaced; with each name at a port of its own,
/// and with both at one.
#[tokio::test]
async fn sslyze_grades_every_listener_a() {
    for port in [Mtls::Apart, Mtls::Shared] {
        let mut tls_server = TlsServer::with(port).await;
        let (tls, mtls) = match port {
            Mtls::Apart => (("localhost", tls_server.tls), ("localhost", tls_server.mtls)),
            Mtls::Shared => (("localhost", tls_server.tls), (OTHER, tls_server.tls)),
        };
        for what in ["before", "after"] {
            let scan = tls_server.scan(tls.0, tls.1).await;
            assert_grade_a(&scan, what);
            let headers = &scan["http_headers"]["result"];
            let hsts = headers["strict_transport_security_header"]["max_age"].as_i64().unwrap();
            assert!(hsts >= 31_536_000, "THREATS HD-08");
            assert_grade_a(&tls_server.scan(mtls.0, mtls.1).await, &format!("{what}, mtls"));

            let next = tls_server.replace_certificate();
            tls_server.server.signal("HUP").await;
            crate::wait_until("it is shown", async || {
                tls_server.presented_certificate().await == next
            })
            .await;
        }
        tls_server.server.stop().await;
    }
}

/// The server reloads without a signal too; a broken file is logged, and the old certificate stays.
#[tokio::test]
async fn a_changed_certificate_file_is_reloaded() {
    let mut tls_server = TlsServer::start().await;

    let next = tls_server.replace_certificate();
    crate::wait_until("it is shown", async || tls_server.presented_certificate().await == next)
        .await;

    tls_server.server.installation.write("chain.pem", "nothing");
    let is_reported = |line: &Value| line["level"] == "ERROR" && line["table"] == "tls";
    crate::wait_until("it is told", async || tls_server.server.log().iter().any(is_reported)).await;
    assert_eq!(tls_server.presented_certificate().await, next);
    tls_server.server.signal("HUP").await;
    assert_eq!(tls_server.presented_certificate().await, next, "a signal does not end it");
    tls_server.server.stop().await;
}

/// A malformed certificate, a key that does not match, a key that others can read: all are reported at
/// once, before anything listens.
#[tokio::test]
async fn an_unusable_certificate_is_reported_before_anything_listens() {
    let mut tls_server = TlsServer::start().await;
    tls_server.server.stop().await;
    let installation = &tls_server.server.installation;
    installation.write("key.pem", &KeyPair::generate().unwrap().serialize_pem());
    let key = installation.directory.join("key.pem");
    std::fs::set_permissions(key, Permissions::from_mode(0o644)).unwrap();

    let check = installation.run(&["config", "check"]).await;

    assert_eq!(check.code, 78, "{check:?}");
    assert!(check.stdout.contains("tls.key_file: key.pem is open to every user"), "{check:?}");
    assert!(check.stdout.contains("and its key do not match"), "{check:?}");
}
