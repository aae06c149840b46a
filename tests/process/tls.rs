//! TLS of the real binary: as sslyze sees it, and with certificates that are replaced under it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;
use tokio::process::Command;

use crate::place::Place;
use crate::server::Server;

/// A server that speaks TLS, and who has signed its certificate.
struct Secure {
    server: Server,
    authority: CertifiedIssuer<'static, KeyPair>,
    tls: u16,
    mtls: u16,
}

impl Secure {
    async fn start() -> Self {
        let mut contents = CertificateParams::new(Vec::<String>::new()).unwrap();
        contents.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = CertifiedIssuer::self_signed(contents, key).unwrap();
        let (tls, mtls) = (crate::free_port(), crate::free_port());
        let server = Server::planned(Place::make().await);
        let mut secure = Self { server, authority, tls, mtls };
        secure.put();
        for (name, value) in [
            ("ISSUER", format!("https://localhost:{tls}")),
            ("TLS__LISTEN", format!("127.0.0.1:{tls}")),
            ("TLS__CERTIFICATE_FILE", "chain.pem".to_owned()),
            ("TLS__KEY_FILE", "key.pem".to_owned()),
            ("MTLS__URL", format!("https://localhost:{mtls}")),
            ("MTLS__LISTEN", format!("127.0.0.1:{mtls}")),
        ] {
            secure.server.place.set(name, &value);
        }
        secure.server.launch().await;
        secure
    }

    /// Puts another certificate in place, and tells what it is.
    fn put(&self) -> Vec<u8> {
        let contents = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = contents.signed_by(&key, &self.authority).unwrap();
        let place = &self.server.place;
        place.write("key.pem", &key.serialize_pem());
        let key = place.directory.join("key.pem");
        std::fs::set_permissions(key, Permissions::from_mode(0o600)).unwrap();
        place.write("chain.pem", &certificate.pem());
        certificate.der().to_vec()
    }

    /// The certificate that is shown; a request over the connection is answered.
    async fn shown(&self) -> Vec<u8> {
        crate::install_tls();
        let ca = reqwest::Certificate::from_der(self.authority.der()).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([ca]).tls_info(true);
        let url = format!("https://localhost:{}/readyz", self.tls);
        let answer = client.build().unwrap().get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let info = answer.extensions().get::<reqwest::tls::TlsInfo>().unwrap();
        info.peer_certificate().unwrap().to_vec()
    }

    /// What sslyze finds.
    async fn scan(&self, port: u16) -> Value {
        let mut command = Command::new("sslyze");
        command.current_dir(&self.server.place.directory);
        command.args(["--json_out", "scan.json", "--quiet", "--mozilla_config", "disable"]);
        command.args(["--certinfo", "--sslv2", "--sslv3"]);
        command.args(["--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--early_data", "--ems"]);
        command.args(["--compression", "--fallback", "--heartbleed", "--openssl_ccs", "--reneg"]);
        command.args(["--robot", "--resum", "--elliptic_curves", "--http_headers"]);
        command.arg(format!("localhost:{port}"));
        let output = command.output().await.expect("scripts/setup installs sslyze");
        let scan = std::fs::read_to_string(self.server.place.directory.join("scan.json"));
        let scan: Value = serde_json::from_str(&scan.unwrap()).unwrap();
        assert_eq!(scan["server_scan_results"][0]["scan_status"], "COMPLETED", "{output:?}");
        scan["server_scan_results"][0]["scan_result"].clone()
    }
}

/// Nothing below what the grade A of SSL Labs asks for, each from the scan.
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
    for curve in result("elliptic_curves")["supported_curves"].as_array().unwrap() {
        let name = curve["name"].as_str().unwrap();
        assert!(
            ["X25519", "secp256r1", "prime256v1", "secp384r1"].contains(&name),
            "{what} {name}"
        );
    }
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
}

/// THREATS MT-08: before the certificate was replaced and after.
#[tokio::test]
async fn sslyze_finds_nothing_below_an_a() {
    let mut secure = Secure::start().await;
    for what in ["before", "after"] {
        let scan = secure.scan(secure.tls).await;
        assert_grade_a(&scan, what);
        let headers = &scan["http_headers"]["result"];
        let hsts = headers["strict_transport_security_header"]["max_age"].as_i64().unwrap();
        assert!(hsts >= 31_536_000, "THREATS HD-08");
        assert_grade_a(&secure.scan(secure.mtls).await, &format!("{what}, mtls"));

        let next = secure.put();
        secure.server.signal("HUP").await;
        crate::until("it is shown", async || secure.shown().await == next).await;
    }
    secure.server.stop().await;
}

/// Without a signal, too; and what is broken is told while the old one stays.
#[tokio::test]
async fn a_file_that_changes_is_noticed() {
    let mut secure = Secure::start().await;

    let next = secure.put();
    crate::until("it is shown", async || secure.shown().await == next).await;

    secure.server.place.write("chain.pem", "nothing");
    let told = |line: &Value| line["level"] == "ERROR" && line["table"] == "tls";
    crate::until("it is told", async || secure.server.log().iter().any(told)).await;
    assert_eq!(secure.shown().await, next);
    secure.server.signal("HUP").await;
    assert_eq!(secure.shown().await, next, "a signal does not end it");
    secure.server.stop().await;
}

/// A certificate that cannot be read, a key of another, a key that everybody can read: before anything
/// listens, and all at once.
#[tokio::test]
async fn what_cannot_be_shown_is_told_before_anything_listens() {
    let mut secure = Secure::start().await;
    secure.server.stop().await;
    let place = &secure.server.place;
    place.write("key.pem", &KeyPair::generate().unwrap().serialize_pem());
    let key = place.directory.join("key.pem");
    std::fs::set_permissions(key, Permissions::from_mode(0o644)).unwrap();

    let check = place.run(&["config", "check"]).await;

    assert_eq!(check.code, 78, "{check:?}");
    assert!(check.out.contains("tls.key_file: key.pem is open to every user"), "{check:?}");
    assert!(check.out.contains("and its key do not fit each other"), "{check:?}");
}
