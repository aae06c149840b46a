//! RFC 9440, Client-Cert HTTP Header Field, and the formats of nginx, Envoy and HAProxy. THREATS MT-06,
//! MT-07.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright::config::{CertificateHeader as Form, Network};
use serde_json::json;

use kit::client_certificates::{ClientCa, ClientCertificate, trust_proxy};
use kit::http::{RequestBuilder, Response};
use kit::server::{Client, Server};

const FORMS: [Form; 4] = [Form::Rfc9440, Form::Nginx, Form::Envoy, Form::Haproxy];

struct Fixture {
    server: Server,
    client: Client,
    certificate: ClientCertificate,
    _ca: ClientCa,
}

impl Fixture {
    /// A server behind a proxy with this format, or with none. Every certificate has an intermediate
    /// where the format can include it.
    async fn with_format(form: Form, change: impl FnOnce(&mut gatewright::config::Config)) -> Self {
        let root = ClientCa::new("Clients CA");
        let issuing = root.intermediate("Issuing CA", |_| {});
        let certificate = issuing.issue("Backup", |_| {});
        let trusted_ca = if form == Form::Nginx { issuing } else { root };
        let server = Server::with(|config| {
            trust_proxy(config, form);
            config.client_certificates.anchors = vec![trusted_ca.trust_anchor("clients")];
            change(config);
        })
        .await;
        let client = server
            .register(json!({
                "grant_types": ["client_credentials"],
                "scope": "read",
                "token_endpoint_auth_method": "tls_client_auth",
                "tls_client_auth_subject_dn": "CN=Backup,O=Example",
            }))
            .await;
        Self { server, client, certificate, _ca: trusted_ca }
    }

    fn token_request(&self) -> RequestBuilder {
        let form = format!("grant_type=client_credentials&client_id={}", self.client.id);
        self.server.request("POST", "/token").form(&form)
    }

    async fn send_with(&self, fields: &[(&str, String)]) -> Response {
        let request = fields
            .iter()
            .fold(self.token_request(), |request, (name, value)| request.header(name, value));
        request.send().await
    }
}

/// The fields as each proxy writes them.
fn fields(form: Form, certificate: &ClientCertificate) -> Vec<(&'static str, String)> {
    let rest = |separator: &str, one: &dyn Fn(&Vec<u8>) -> String| {
        certificate.chain.iter().map(one).collect::<Vec<_>>().join(separator)
    };
    match form {
        Form::None => Vec::new(),
        Form::Rfc9440 => vec![
            ("Client-Cert", format!(":{}:", certificate.base64())),
            ("Client-Cert-Chain", rest(", ", &|der| format!(":{}:", STANDARD.encode(der)))),
        ],
        Form::Nginx => vec![("X-SSL-Client-Cert", percent_encode(&certificate.pem()))],
        Form::Envoy => {
            let chain = [certificate.pem(), rest("", &|der| pem(der))].concat();
            let value = format!(
                "By=spiffe://example.org/proxy;Hash={};Subject=\"CN=\\\"Backup\\\",O=Example\";URI=;Cert=\"{}\";Chain=\"{}\"",
                "0".repeat(64),
                percent_encode(&certificate.pem()),
                percent_encode(&chain)
            );
            vec![("X-Forwarded-Client-Cert", value)]
        }
        Form::Haproxy => vec![
            ("X-SSL-Client-DER", certificate.base64()),
            ("X-SSL-Client-Chain-DER", STANDARD.encode(certificate.chain.concat())),
        ],
    }
}

fn pem(der: &[u8]) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    ClientCertificate { der: der.to_vec(), chain: Vec::new(), key }.pem()
}

/// Percent-encodes everything that nginx and Envoy encode.
fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// RFC 9440 §2.2: "The Client-Cert header field contains the end-entity client certificate".
#[tokio::test]
async fn the_certificate_in_the_field_of_a_trusted_proxy_authenticates() {
    for form in FORMS {
        let fixture = Fixture::with_format(form, |_| {}).await;
        fixture.send_with(&fields(form, &fixture.certificate)).await.ok();
        fixture.send_with(&[]).await.refused(401, "invalid_client");
        let other = ClientCa::new("Clients CA").issue("Backup", |_| {});
        let other = fixture.send_with(&fields(form, &other)).await;
        other.refused(401, "invalid_client");
    }
}

/// THREATS MT-06: fields in another format, or from an untrusted peer, are ignored.
#[tokio::test]
async fn fields_of_untrusted_peers_and_other_formats_are_ignored() {
    for form in FORMS {
        let other_proxies = [Network::new([10, 0, 0, 0].into(), 8).unwrap()].to_vec();
        let fixture =
            Fixture::with_format(form, |config| config.http.trusted_proxies = other_proxies).await;
        fixture.send_with(&fields(form, &fixture.certificate)).await.refused(401, "invalid_client");
        // The value is not even parsed.
        let junk = fields(form, &fixture.certificate)[0].0;
        fixture.send_with(&[(junk, "junk".to_owned())]).await.refused(401, "invalid_client");

        let fixture = Fixture::with_format(Form::None, |_| {}).await;
        fixture.send_with(&fields(form, &fixture.certificate)).await.refused(401, "invalid_client");

        let fixture = Fixture::with_format(form, |_| {}).await;
        for other in FORMS.into_iter().filter(|other| *other != form) {
            let response = fixture.send_with(&fields(other, &fixture.certificate)).await;
            response.refused(401, "invalid_client");
        }
        let mut also = fields(form, &fixture.certificate);
        also.push(("X-Forwarded-Tls-Client-Cert", "junk".to_owned()));
        also.push(("SSL_CLIENT_CERT", "junk".to_owned()));
        fixture.send_with(&also).await.ok();
    }
}

/// THREATS MT-07: 400 for every malformed value.
#[tokio::test]
async fn malformed_fields_are_refused() {
    for form in FORMS {
        let fixture = Fixture::with_format(form, |_| {}).await;
        let good = fields(form, &fixture.certificate);
        let (name, value) = (good[0].0, good[0].1.clone());
        let another = fields(form, &ClientCertificate::self_signed("Backup"))[0].1.clone();
        let mut longer = fixture.certificate.der.clone();
        longer.push(0);
        let with = |der: Vec<u8>| {
            let key = rcgen::KeyPair::generate().unwrap();
            fields(form, &ClientCertificate { der, chain: Vec::new(), key })[0].1.clone()
        };
        let mut wrong = vec![
            vec![(name, value.clone()), (name, value.clone())],
            vec![(name, value.clone()), (name, another.clone())],
            vec![(name, format!("{value}, {another}"))],
            vec![(name, format!("{value},{value}"))],
            vec![(name, "x".to_owned())],
            vec![(name, "%00".to_owned())],
            vec![(name, "\u{e9}".to_owned())],
            vec![(name, format!("{value}%00"))],
            vec![(name, value[..value.len() / 2].to_owned())],
            vec![(name, with(longer))],
            vec![(name, with(vec![0x30, 0]))],
            vec![
                (name, value.clone()),
                (Box::leak(name.replace('-', "_").into_boxed_str()), value.clone()),
            ],
            vec![(
                Box::leak(name.replace('-', "_").to_lowercase().into_boxed_str()),
                value.clone(),
            )],
        ];
        if let Some((chain, rest)) = good.get(1) {
            let many = if form == Form::Rfc9440 {
                [rest.as_str(); 9].join(",")
            } else {
                STANDARD.encode(fixture.certificate.chain.concat().repeat(9))
            };
            wrong.push(vec![(*chain, rest.clone())]);
            wrong.push(vec![(name, value.clone()), (*chain, "x".to_owned())]);
            wrong.push(vec![(name, value.clone()), (*chain, many)]);
        }
        for fields in wrong {
            let response = fixture.send_with(&fields).await;
            let (name, value) = fields.last().unwrap();
            assert_eq!(response.status, 400, "{form:?} {name}: {value:.100}");
            response.refused(400, "invalid_request");
        }
        // Envoy sends the certificate twice.
        let large = fixture.send_with(&[(name, with(vec![0x30; 17 * 1024]))]).await;
        assert_eq!(large.status, if form == Form::Envoy { 431 } else { 400 });
        let large = fixture.send_with(&[(name, "x".repeat(100 * 1024))]).await;
        assert_eq!(large.status, 431, "more than the limit for all fields");
    }
}

/// The audit event names the expected format and the proxy, and contains nothing of the field's value.
#[tokio::test]
async fn a_malformed_field_is_recorded_with_the_format_and_the_proxy() {
    for form in FORMS {
        let fixture = Fixture::with_format(form, |_| {}).await;
        let name = fields(form, &fixture.certificate)[0].0;

        let request =
            fixture.token_request().header(name, "canary").header("x-forwarded-for", "192.0.2.7");
        request.send().await.refused(400, "invalid_request");

        let events = fixture.server.audit_events("request.refused").await;
        let [event] = &events[..] else { panic!("{events:?}") };
        let event_text = format!("{event:?}");
        for fact in ["client_certificate_header", form.as_str(), "peer", "127.0.0.1", "192.0.2.7"] {
            assert!(event_text.contains(fact), "{fact}: {event_text}");
        }
        assert!(!event_text.contains("canary"), "{event_text}");
    }
}

/// Variants that the formats permit.
#[tokio::test]
async fn a_field_may_be_empty_or_repeated_where_its_format_permits() {
    for form in [Form::Nginx, Form::Haproxy] {
        let fixture = Fixture::with_format(form, |_| {}).await;
        let empty: Vec<_> = fields(form, &fixture.certificate)
            .into_iter()
            .map(|(name, _)| (name, String::new()))
            .collect();
        fixture.send_with(&empty).await.refused(401, "invalid_client");
    }
    let fixture = Fixture::with_format(Form::Rfc9440, |_| {}).await;
    let good = fields(Form::Rfc9440, &fixture.certificate);
    let again = (good[1].0, good[1].1.clone());
    fixture.send_with(&[good[0].clone(), again.clone(), again]).await.ok();

    let fixture = Fixture::with_format(Form::Envoy, |_| {}).await;
    let pems = [fixture.certificate.pem(), pem(&fixture.certificate.chain[0])].concat();
    let alone = [("X-Forwarded-Client-Cert", format!("Chain=\"{}\"", percent_encode(&pems)))];
    fixture.send_with(&alone).await.ok();
    for wrong in [
        format!("Hash={}", "0".repeat(64)),
        format!(
            "Cert=\"{}\";Chain=\"{}\"",
            percent_encode(&ClientCertificate::self_signed("x").pem()),
            percent_encode(&pems)
        ),
        format!("Cert=\"{0}\";Cert=\"{0}\"", percent_encode(&fixture.certificate.pem())),
        format!("Cert=\"{}", percent_encode(&fixture.certificate.pem())),
        format!("Cert=\"{}\"x", percent_encode(&fixture.certificate.pem())),
        format!("Cert=\"{}\";", percent_encode(&fixture.certificate.pem())),
        format!("Cert=\"{}\"", percent_encode(&pems)),
        "Cert".to_owned(),
        "=".to_owned(),
    ] {
        let response = fixture.send_with(&[("X-Forwarded-Client-Cert", wrong.clone())]).await;
        assert_eq!(response.status, 400, "{wrong}");
    }
}
