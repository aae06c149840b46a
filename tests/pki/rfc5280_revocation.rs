//! Certificates that their CAs revoke: RFC 5280 §6.3 (CRLs), RFC 6960 (OCSP), over real TLS, with a
//! responder whose responses the tests choose. THREATS MT-03.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright::config::{Bytes, ClientCertificates, Config, Revocation, TrustAnchorSet};
use gatewright::pki::anchors::{self, Trust};
use gatewright::pki::ocsp::{CertId, CertificateStatus, Hash, Request, Status};
use gatewright::pki::{Certificate, Issuer, Reason, inventory};
use gatewright::store::certificates;
use gatewright::types::{Seconds, Thumbprint, Timestamp};
use rcgen::{
    CertificateParams, CrlDistributionPoint, CustomExtension, ExtendedKeyUsagePurpose, KeyPair,
    SerialNumber,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use kit::browser::{Browser, VERIFIER};
use kit::built_in_ca::TempDir;
use kit::ca::{Ca, Identity, certificate_params, pem};
use kit::client_certificates::TempFile;
use kit::http::Response;
use kit::responder::{
    RequestCounts, Responder, add_ocsp_url, crl, crl_until, ocsp_response, revoked_status,
    sign_response, single_response,
};
use kit::server::{Client, START_TIME, Server};

const SERIAL: u64 = 0x00c0_ffee;

/// A server with a trust anchor, the responder of that CA, and a client with a certificate from it.
struct Fixture {
    server: Server,
    ca: Arc<Ca>,
    responder: Responder,
    client: Client,
    _anchor: TempFile,
}

impl Fixture {
    async fn new(revocation: Revocation) -> Self {
        Self::with(revocation, |_| {}).await
    }

    async fn with(revocation: Revocation, change: impl FnOnce(&mut TrustAnchorSet)) -> Self {
        // The smallest permitted limit.
        Self::with_max_crl_bytes(Bytes(64 << 10), revocation, change).await
    }

    async fn with_max_crl_bytes(
        max_bytes: Bytes,
        revocation: Revocation,
        change: impl FnOnce(&mut TrustAnchorSet),
    ) -> Self {
        Self::start_with(revocation, change, |config| {
            config.client_certificates.max_crl_bytes = max_bytes
        })
        .await
    }

    async fn start_with(
        revocation: Revocation,
        change: impl FnOnce(&mut TrustAnchorSet),
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        Self::start_with_ca(Arc::new(Ca::new("Clients")), revocation, change, configure).await
    }

    /// A fixture whose anchor has this CRL file.
    async fn with_file(ca: &Arc<Ca>, revocation: Revocation, file: &TempFile) -> Self {
        let path = file.0.clone();
        Self::start_with_ca(ca.clone(), revocation, |anchor| anchor.crl_files = vec![path], |_| {})
            .await
    }

    async fn start_with_ca(
        ca: Arc<Ca>,
        revocation: Revocation,
        change: impl FnOnce(&mut TrustAnchorSet),
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let file = TempFile::new(&pem(ca.certificate()));
        let mut anchor = TrustAnchorSet {
            name: "clients".to_owned(),
            file: file.0.clone(),
            revocation,
            crl_files: Vec::new(),
        };
        change(&mut anchor);
        let server = Server::with_tls(|config| {
            config.client_certificates.anchors = vec![anchor];
            config.outbound.allow_private_networks = true;
            configure(config);
        })
        .await;
        let client = register_client(&server, json!({})).await;
        Self { server, ca, responder: Responder::start().await, client, _anchor: file }
    }

    /// A certificate of the client, with changes.
    fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        self.issue_by(&self.ca, change)
    }

    fn issue_by(&self, issuer: &Ca, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = certificate_params("Backup", &[]);
        params.serial_number = Some(SerialNumber::from(SERIAL));
        change(&mut params);
        issuer.issue(params)
    }

    /// A certificate with the URL of the responder.
    fn issue_with_ocsp_url(&self) -> Identity {
        self.issue(|params| add_ocsp_url(params, &self.responder.url("/ocsp")))
    }

    /// A certificate with the URL of the CRL.
    fn issue_with_crl_url(&self) -> Identity {
        self.issue(|params| add_crl_url(params, &self.responder.url("/list")))
    }

    /// Serves OCSP responses that the CA signs itself.
    fn serve_ocsp(&self, status: impl Fn(Timestamp) -> Status + Send + 'static) {
        let ca = self.ca.clone();
        self.responder.respond_with(move |_, body, now| {
            Some(ocsp_response(body, single_response(status(now), now), ca.ocsp_signer(), &[]))
        });
    }

    /// Serves a CRL with these serial numbers.
    fn serve_crl(&self, serials: &'static [u64]) {
        let ca = self.ca.clone();
        self.responder.respond_with(move |_, _, now| Some(crl(&ca, serials, now)));
    }

    async fn request_token(&self, certificate: &Identity) -> Response {
        self.request_token_at(&self.server, certificate).await
    }

    async fn request_token_at(&self, server: &Server, certificate: &Identity) -> Response {
        let form = format!("grant_type=client_credentials&client_id={}", self.client.id);
        server.mtls_request(Some(certificate), "POST", "/token").form(&form).send().await
    }

    /// Advances the clocks of the server and the responder.
    fn advance_clocks(&self, seconds: i64) {
        self.server.advance_clock(seconds);
        self.responder.advance_clock(seconds);
    }

    /// What the background job does; returns the number of chains that were due.
    async fn run_refresh_job(&self) -> usize {
        let app = self.server.app();
        let due = app.revocations.due(self.server.trace().now()).len();
        app.refresh_revocation().await.unwrap();
        app.confirm().await.unwrap();
        due
    }

    /// The same, concurrently with the test.
    fn spawn_refresh_job(&self) -> JoinHandle<()> {
        let app = self.server.app().clone();
        tokio::spawn(async move { app.refresh_revocation().await.unwrap() })
    }

    /// Serves OCSP responses and a CRL, both valid for six hours.
    fn serve_six_hours(&self) {
        let ca = self.ca.clone();
        self.responder.respond_with(move |path, body, now| {
            let next = now + Seconds::hours(6);
            Some(if path == "/list" {
                crl_until(&ca, &[], now, next)
            } else {
                let response = CertificateStatus {
                    status: Status::Good,
                    this_update: now,
                    next_update: Some(next),
                };
                ocsp_response(body, response, ca.ocsp_signer(), &[])
            })
        });
    }

    /// The reason of its revocation in the inventory, if it is revoked.
    async fn revocation_reason(&self, certificate: &Identity) -> Option<String> {
        let store = self.server.app().store.db();
        let thumbprint = Thumbprint::of(certificate.certificate());
        certificates::find(store, thumbprint).await.unwrap()?.reason
    }

    /// Like `gatewright cert revoke --file` for a CA certificate; returns the number of certificates
    /// that were revoked with it.
    async fn revoke(&self, ca: &Ca, reason: Reason) -> usize {
        let trace = self.server.trace();
        let certificate = Certificate::parse(ca.certificate(), &[]).unwrap();
        let row = inventory::seen_row(&certificate, trace.now());
        let revoked = self.server.inventory(&trace).revoke(&row, reason).await.unwrap();
        self.server.app().confirm().await.unwrap();
        revoked
    }

    async fn is_active(&self, token: &str) -> bool {
        let api = self.server.register(json!({
            "grant_types": ["client_credentials"],
            "gw_resources": ["https://api.example"],
        }));
        let api = api.await;
        let introspected =
            self.server.post_as(&api, "/introspect", &format!("token={token}")).await.ok();
        introspected.body["active"] == true
    }
}

/// A client that authenticates by its subject, with more metadata.
async fn register_client(server: &Server, added: Value) -> Client {
    let mut metadata = json!({
        "client_name": "Backup",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_subject_dn": "CN=Backup",
        "tls_client_certificate_bound_access_tokens": true,
        "gw_default_audience": "https://api.example",
    });
    metadata.as_object_mut().unwrap().extend(added.as_object().unwrap().clone());
    server.register(metadata).await
}

fn add_crl_url(params: &mut CertificateParams, url: &str) {
    params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec![url.to_owned()] }];
}

/// RFC 5280 §6.3.3, §4.2.2.1; issue 3, §4: a revoked certificate no longer authenticates, and the
/// tokens bound to it are invalid.
#[tokio::test]
async fn a_certificate_in_a_crl_is_refused_and_its_tokens_are_invalid() {
    let fixture = Fixture::new(Revocation::HardFail).await;
    let certificate = fixture.issue_with_crl_url();
    fixture.serve_crl(&[1, 2]);
    fixture.request_token(&certificate).await.ok();
    fixture.advance_clocks(3600 - 60);
    let token = fixture.request_token(&certificate).await.ok().token("access_token");

    fixture.serve_crl(&[1, 2, SERIAL]);
    fixture.request_token(&certificate).await.ok();
    assert!(fixture.is_active(&token).await, "the previous CRL is valid for another minute");
    fixture.advance_clocks(60);
    let fresh = fixture.request_token(&certificate).await;

    fresh.refused(401, "invalid_client");
    assert!(!fixture.is_active(&token).await, "revoked before it expired");
    assert_eq!(fixture.revocation_reason(&certificate).await.as_deref(), Some("keyCompromise"));
    fixture.request_token(&certificate).await.refused(401, "invalid_client");
}

/// The job detects a revocation without a request with the certificate; unexpired tokens are invalid
/// then.
#[tokio::test]
async fn a_revocation_during_the_life_of_a_token_is_detected() {
    for by_list in [false, true] {
        let fixture = Fixture::new(Revocation::SoftFail).await;
        let certificate =
            if by_list { fixture.issue_with_crl_url() } else { fixture.issue_with_ocsp_url() };
        if by_list {
            fixture.serve_crl(&[])
        } else {
            fixture.serve_ocsp(|_| Status::Good)
        }
        fixture.request_token(&certificate).await.ok();
        fixture.advance_clocks(44 * 60);
        let token = fixture.request_token(&certificate).await.ok().token("access_token");
        assert!(fixture.is_active(&token).await);

        if by_list {
            fixture.serve_crl(&[SERIAL])
        } else {
            fixture.serve_ocsp(revoked_status)
        }
        fixture.advance_clocks(60);
        fixture.run_refresh_job().await;

        assert!(!fixture.is_active(&token).await, "by a list: {by_list}");
        assert_eq!(fixture.revocation_reason(&certificate).await.as_deref(), Some("keyCompromise"));
        fixture.request_token(&certificate).await.refused(401, "invalid_client");
        let requests_before = fixture.responder.request_count();
        fixture.request_token(&certificate).await.refused(401, "invalid_client");
        assert_eq!(fixture.responder.request_count(), requests_before, "the revocation is stored");
        let events = fixture.server.audit_events("certificate.revoked").await;
        assert_eq!(events.len(), 1, "{events:?}");
    }
}

/// RFC 6960 §2.2.
#[tokio::test]
async fn a_certificate_revoked_by_ocsp_is_refused() {
    for delegated in [false, true] {
        let fixture = Fixture::new(Revocation::SoftFail).await;
        let certificate = fixture.issue_with_ocsp_url();
        let ca = fixture.ca.clone();
        let mut of_responder = certificate_params("OCSP", &[]);
        of_responder.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        let delegate = ca.issue(of_responder);
        fixture.responder.respond_with(move |_, body, now| {
            let response = single_response(revoked_status(now), now);
            let included = [delegate.certificate().clone()];
            Some(if delegated {
                ocsp_response(body, response, delegate.ocsp_signer(), &included)
            } else {
                ocsp_response(body, response, ca.ocsp_signer(), &[])
            })
        });

        fixture.request_token(&certificate).await.refused(401, "invalid_client");

        assert_eq!(fixture.revocation_reason(&certificate).await.as_deref(), Some("keyCompromise"));
        assert_eq!(fixture.responder.request_count(), 1);
    }
}

/// THREATS MT-03: a revocation by an administrator applies whatever the revocation setting is and
/// whatever its CA reports.
#[tokio::test]
async fn a_certificate_revoked_by_an_administrator_is_refused_at_once() {
    for revocation in [Revocation::Off, Revocation::SoftFail, Revocation::HardFail] {
        let fixture = Fixture::new(revocation).await;
        let client_certificate = fixture.issue_with_ocsp_url();
        fixture.serve_ocsp(|_| Status::Good);
        let token = fixture.request_token(&client_certificate).await.ok().token("access_token");

        let trace = fixture.server.trace();
        let certificate = Certificate::parse(client_certificate.certificate(), &[]).unwrap();
        let row = inventory::seen_row(&certificate, trace.now());
        fixture.server.inventory(&trace).revoke(&row, Reason::Superseded).await.unwrap();
        assert!(!fixture.is_active(&token).await, "introspection is consistent at once");
        // The background job does this twice a second.
        fixture.server.app().confirm().await.unwrap();

        fixture.request_token(&client_certificate).await.refused(401, "invalid_client");
        assert_eq!(
            fixture.revocation_reason(&client_certificate).await.as_deref(),
            Some("superseded")
        );
    }
}

/// Issue 3, §4: refresh refused. A public client may present any certificate with the key that its
/// grant is bound to (RFC 8705 §7.1), so a compromised key is refused in every certificate.
#[tokio::test]
async fn a_refresh_with_a_revoked_certificate_is_refused() {
    for reason in [Reason::KeyCompromise, Reason::Superseded] {
        let server = Server::with_tls(|_| {}).await;
        let client = server.register(json!({
            "client_name": "Phone",
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid",
            "token_endpoint_auth_method": "none",
            "tls_client_certificate_bound_access_tokens": true,
        }));
        let client = client.await;
        server.user("ada").await;
        let client_certificate = Identity::self_signed("Phone");
        let post = async |form: &str, client_certificate: &Identity| {
            let form = format!("{form}&client_id={}", client.id);
            server.mtls_request(Some(client_certificate), "POST", "/token").form(&form).send().await
        };
        let page = Browser::new(&server).authorize("ada", &client, "openid", "").await;
        let code = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", &page.parameter("code"))
            .append_pair("redirect_uri", Client::REDIRECT_URI)
            .append_pair("code_verifier", VERIFIER)
            .finish();
        let tokens = post(&code, &client_certificate).await.ok();
        let refreshing =
            format!("grant_type=refresh_token&refresh_token={}", tokens.token("refresh_token"));
        let bearer = tokens.token("access_token");
        let userinfo =
            || server.mtls_request(Some(&client_certificate), "GET", "/userinfo").bearer(&bearer);
        userinfo().send().await.ok();

        let trace = server.trace();
        let certificate = Certificate::parse(client_certificate.certificate(), &[]).unwrap();
        let row = inventory::seen_row(&certificate, trace.now());
        server.inventory(&trace).revoke(&row, reason).await.unwrap();
        server.app().confirm().await.unwrap();

        userinfo().send().await.refused(401, "invalid_token");
        post(&refreshing, &client_certificate).await.refused(401, "invalid_client");
        let renewed =
            certificate_params("Phone, renewed", &[]).self_signed(&client_certificate.key).unwrap();
        let key = KeyPair::try_from(client_certificate.key.serialized_der()).unwrap();
        let renewed = Identity { chain: vec![renewed.der().clone()], key };
        let response = post(&refreshing, &renewed).await;
        if reason == Reason::KeyCompromise {
            response.refused(401, "invalid_client");
        } else {
            response.ok();
        }
    }
}

/// Issue 3, §4: off, soft-fail or hard-fail per trust anchor; under hard-fail an unreachable responder
/// is 503, never a success.
#[tokio::test]
async fn the_anchor_determines_the_effect_of_an_unknown_status() {
    for by_list in [false, true] {
        let client_certificate = |fixture: &Fixture| {
            if by_list { fixture.issue_with_crl_url() } else { fixture.issue_with_ocsp_url() }
        };
        let fixture = Fixture::new(Revocation::Off).await;
        fixture.request_token(&client_certificate(&fixture)).await.ok();
        assert_eq!(fixture.responder.request_count(), 0);

        let fixture = Fixture::new(Revocation::SoftFail).await;
        let certificate = client_certificate(&fixture);
        fixture.request_token(&certificate).await.ok();
        fixture.request_token(&certificate).await.ok();
        assert_eq!(
            fixture.responder.request_count(),
            1,
            "an unreachable responder is not requested again at once"
        );

        let fixture = Fixture::new(Revocation::HardFail).await;
        let certificate = client_certificate(&fixture);
        for _ in 0..2 {
            let response = fixture.request_token(&certificate).await;
            let response = response.refused(503, "temporarily_unavailable");
            assert!(!response.header("retry-after").is_empty());
        }
        assert_eq!(fixture.responder.request_count(), 1);

        if by_list {
            fixture.serve_crl(&[])
        } else {
            fixture.serve_ocsp(|_| Status::Good)
        }
        fixture.advance_clocks(30);
        fixture.request_token(&certificate).await.ok();
    }
}

/// A responder that accepts requests and never responds: requests to the server complete nevertheless,
/// also while the job, whose timeout is longer, is still waiting.
#[tokio::test]
async fn a_responder_that_hangs_does_not_delay_requests() {
    let fixture = Fixture::new(Revocation::HardFail).await;
    let certificate = fixture.issue_with_ocsp_url();
    fixture.responder.stop_responding_to("/ocsp");

    fixture.request_token(&certificate).await.refused(503, "temporarily_unavailable");
    fixture.request_token(&certificate).await.refused(503, "temporarily_unavailable");
    assert_eq!(fixture.responder.request_count(), 1, "it is not requested again at once");

    fixture.advance_clocks(30);
    let job = fixture.spawn_refresh_job();
    fixture.responder.wait_for_counts(2, 1).await;
    fixture.request_token(&certificate).await.refused(503, "temporarily_unavailable");
    // If the job had given up, the responder would have noticed by now.
    fixture.server.get("/jwks").await.ok();
    let state = fixture.responder.counts();
    assert_eq!(state, RequestCounts { received: 2, pending: 1 }, "the job still waits");
    job.abort();
}

/// RFC 6960 §3.2: responses that must be rejected.
#[tokio::test]
async fn invalid_ocsp_responses_are_rejected() {
    let fixture = Fixture::new(Revocation::HardFail).await;
    let ca = fixture.ca.clone();
    let other = Arc::new(Ca::new("Clients"));
    let helper = Arc::new(ca.issue_client("no responder"));
    let good = |now| single_response(Status::Good, now);
    let issuer = Issuer::from_der(ca.certificate()).unwrap();

    type InvalidResponse = Box<dyn Fn(&[u8], Timestamp) -> Vec<u8> + Send>;
    let invalid: Vec<(&str, InvalidResponse)> = vec![
        ("another authority of the same name", {
            let other = other.clone();
            Box::new(move |body, now| ocsp_response(body, good(now), other.ocsp_signer(), &[]))
        }),
        ("a certificate that is not for OCSP", {
            let helper = helper.clone();
            Box::new(move |body, now| {
                ocsp_response(
                    body,
                    good(now),
                    helper.ocsp_signer(),
                    &[helper.certificate().clone()],
                )
            })
        }),
        ("about another certificate", {
            let ca = ca.clone();
            Box::new(move |body, now| {
                let nonce = Request::from_der(body).unwrap().nonce;
                let id = CertId::new(Hash::Sha1, &issuer, &[1]).unwrap();
                sign_response(vec![(id, good(now))], nonce, ca.ocsp_signer(), &[])
            })
        }),
        ("an old answer", {
            let ca = ca.clone();
            Box::new(move |body, now| {
                let old = now - Seconds::hours(2);
                let response = CertificateStatus {
                    status: Status::Good,
                    this_update: old,
                    next_update: Some(old + Seconds::hours(1)),
                };
                ocsp_response(body, response, ca.ocsp_signer(), &[])
            })
        }),
        ("a response with another nonce", {
            let ca = ca.clone();
            Box::new(move |body, now| {
                let Request { cert_ids, .. } = Request::from_der(body).unwrap();
                let nonce = gatewright::pki::ocsp::Nonce::generate().ok();
                let responses = cert_ids.into_iter().map(|id| (id, good(now))).collect();
                sign_response(responses, nonce, ca.ocsp_signer(), &[])
            })
        }),
        ("the status unknown", {
            let ca = ca.clone();
            Box::new(move |body, now| {
                ocsp_response(body, single_response(Status::Unknown, now), ca.ocsp_signer(), &[])
            })
        }),
        ("too much", {
            let ca = ca.clone();
            Box::new(move |body, now| {
                let certificate = ca.certificate().clone();
                let included = vec![certificate; 200];
                ocsp_response(body, good(now), ca.ocsp_signer(), &included)
            })
        }),
        ("no OCSP response", Box::new(|_, _| b"<html>".to_vec())),
        ("nothing", Box::new(|_, _| Vec::new())),
    ];
    for (serial, (what, respond)) in (1_u64..).zip(invalid) {
        fixture.responder.respond_with(move |_, body, now| Some(respond(body, now)));
        let client_certificate = fixture.issue(|params| {
            params.serial_number = Some(SerialNumber::from(serial));
            add_ocsp_url(params, &fixture.responder.url("/ocsp"));
        });
        let response = fixture.request_token(&client_certificate).await;
        assert_eq!(response.status, 503, "{what}: {response:?}");
    }
}

/// RFC 5280 §6.3.3.
#[tokio::test]
async fn invalid_crls_are_rejected() {
    let ca = Ca::new("Clients");
    type InvalidResponse = Box<dyn Fn(&Ca, Timestamp) -> Vec<u8> + Send>;
    let invalid: Vec<(&str, InvalidResponse)> = vec![
        ("another authority of the same name", Box::new(move |_, now| crl(&ca, &[], now))),
        (
            "too old",
            Box::new(|issuing_ca, now| crl_until(issuing_ca, &[], now - Seconds::hours(2), now)),
        ),
        (
            "too large",
            Box::new(|issuing_ca, now| crl(issuing_ca, &(1..3000).collect::<Vec<_>>(), now)),
        ),
        ("no list", Box::new(|_, _| b"<html>".to_vec())),
    ];
    for (what, respond) in invalid {
        let fixture = Fixture::new(Revocation::HardFail).await;
        let certificate = fixture.issue_with_crl_url();
        let issuing_ca = fixture.ca.clone();
        fixture.responder.respond_with(move |_, _, now| Some(respond(&issuing_ca, now)));

        let response = fixture.request_token(&certificate).await;

        assert_eq!(response.status, 503, "{what}: {response:?}");
    }
    // The size is the reason of its refusal: a higher limit accepts it.
    let fixture = Fixture::with_max_crl_bytes(Bytes(1 << 20), Revocation::HardFail, |_| {}).await;
    let issuing_ca = fixture.ca.clone();
    let serials: Vec<_> = (1..3000).collect();
    fixture.responder.respond_with(move |_, _, now| Some(crl(&issuing_ca, &serials, now)));
    fixture.request_token(&fixture.issue_with_crl_url()).await.ok();
}

/// Issue 3, §6: revocation checking adds no network request for a certificate whose status is known, on
/// this replica, on another one, or from before a restart.
#[tokio::test]
async fn a_known_revocation_status_is_not_requested_again() {
    for by_list in [false, true] {
        let fixture = Fixture::new(Revocation::HardFail).await;
        let certificate =
            if by_list { fixture.issue_with_crl_url() } else { fixture.issue_with_ocsp_url() };
        if by_list {
            fixture.serve_crl(&[])
        } else {
            fixture.serve_ocsp(|_| Status::Good)
        }

        let first = tokio::join!(
            fixture.request_token(&certificate),
            fixture.request_token(&certificate),
            fixture.request_token(&certificate)
        );
        for response in [first.0, first.1, first.2] {
            response.ok();
        }
        assert_eq!(
            fixture.responder.request_count(),
            1,
            "concurrent requests share one OCSP request"
        );
        for _ in 0..20 {
            fixture.request_token(&certificate).await.ok();
        }
        fixture.advance_clocks(44 * 60);
        fixture.request_token(&certificate).await.ok();
        let replica = fixture.server.replica().await;
        fixture.request_token_at(&replica, &certificate).await.ok();

        assert_eq!(fixture.responder.request_count(), 1);
    }
}

/// Renewed in the background, so that no request waits.
#[tokio::test]
async fn the_status_of_a_certificate_in_use_is_renewed_before_it_expires() {
    let fixture = Fixture::new(Revocation::HardFail).await;
    let certificate = fixture.issue_with_ocsp_url();
    fixture.serve_ocsp(|_| Status::Good);
    fixture.request_token(&certificate).await.ok();

    assert_eq!(fixture.run_refresh_job().await, 0);
    fixture.advance_clocks(50 * 60);
    assert_eq!(fixture.run_refresh_job().await, 1);
    assert_eq!(fixture.responder.request_count(), 2);
    fixture.advance_clocks(30 * 60);
    fixture.request_token(&certificate).await.ok();
    assert_eq!(fixture.responder.request_count(), 2);

    // The status of an unused certificate is not renewed.
    fixture.advance_clocks(2 * 3600);
    assert_eq!(fixture.run_refresh_job().await, 0);
}

/// A response is valid until its `nextUpdate`, and no longer.
#[tokio::test]
async fn a_response_is_valid_until_it_expires_although_its_source_is_gone() {
    let fixture = Fixture::new(Revocation::HardFail).await;
    let (answered, listed) = (fixture.issue_with_ocsp_url(), fixture.issue_with_crl_url());
    fixture.serve_six_hours();
    fixture.request_token(&answered).await.ok();
    fixture.request_token(&listed).await.ok();
    fixture.responder.close_connections();

    fixture.advance_clocks(5 * 3600);
    fixture.request_token(&answered).await.ok();
    fixture.request_token(&listed).await.ok();
    fixture.advance_clocks(3600 + 300);
    fixture.request_token(&answered).await.refused(503, "temporarily_unavailable");
    fixture.request_token(&listed).await.refused(503, "temporarily_unavailable");
}

/// A response stays valid until its `nextUpdate`, also while a renewal hangs, be it by the job, whose
/// timeout is longer, or by the request itself.
#[tokio::test]
async fn a_response_stays_valid_while_its_renewal_hangs() {
    for by_list in [false, true] {
        let fixture = Fixture::new(Revocation::HardFail).await;
        let (certificate, path) = if by_list {
            (fixture.issue_with_crl_url(), "/list")
        } else {
            (fixture.issue_with_ocsp_url(), "/ocsp")
        };
        fixture.serve_six_hours();
        fixture.request_token(&certificate).await.ok();
        fixture.responder.stop_responding_to(path);

        fixture.advance_clocks(2 * 3600);
        fixture.request_token(&certificate).await.ok();
        assert_eq!(fixture.responder.request_count(), 2, "{path}: one renewal failed");
        fixture.advance_clocks(60);
        let job = fixture.spawn_refresh_job();
        fixture.responder.wait_for_counts(3, 1).await;
        for _ in 0..3 {
            fixture.request_token(&certificate).await.ok();
        }
        let state = fixture.responder.counts();
        assert_eq!(state, RequestCounts { received: 3, pending: 1 }, "{path}: the job still waits");
        job.abort();
    }
}

/// Issue 3, §4: an unreachable responder affects only the certificates that name it.
#[tokio::test]
async fn a_responder_that_hangs_does_not_affect_its_intermediate_ca() {
    let fixture = Fixture::new(Revocation::HardFail).await;
    let between = Arc::new(fixture.ca.intermediate_with("Between", |params| {
        params.serial_number = Some(SerialNumber::from(77_u64));
        add_crl_url(params, &fixture.responder.url("/root"));
    }));
    let (root, below) = (fixture.ca.clone(), between.clone());
    fixture.responder.respond_with(move |path, _, now| {
        Some(if path == "/root" { crl(&root, &[], now) } else { crl(&below, &[], now) })
    });
    fixture.responder.stop_responding_to("/ocsp");
    let hanging =
        fixture.issue_by(&between, |params| add_ocsp_url(params, &fixture.responder.url("/ocsp")));
    let other = fixture.issue_by(&between, |params| {
        params.serial_number = Some(SerialNumber::from(78_u64));
        add_crl_url(params, &fixture.responder.url("/list"));
    });

    fixture.request_token(&hanging).await.refused(503, "temporarily_unavailable");
    assert_eq!(fixture.responder.request_count(), 2, "both statuses are requested concurrently");
    fixture.request_token(&other).await.ok();
    assert_eq!(fixture.responder.request_count(), 3, "the status of the intermediate CA is cached");
}

/// THREATS SS-06: an unreachable responder is requested once in thirty seconds, for however many
/// certificates, and delays no others.
#[tokio::test]
async fn an_unreachable_responder_is_requested_once_and_delays_no_others() {
    let fixture = Fixture::new(Revocation::SoftFail).await;
    let away: Vec<_> = (1..=12_u64)
        .map(|serial| {
            fixture.issue(|params| {
                params.serial_number = Some(SerialNumber::from(serial));
                add_ocsp_url(params, &fixture.responder.url("/ocsp"));
            })
        })
        .collect();
    let there = fixture.issue_with_crl_url();
    let ca = fixture.ca.clone();
    fixture.responder.respond_with(move |path, body, now| {
        Some(if path == "/list" {
            crl(&ca, &[], now)
        } else {
            ocsp_response(body, single_response(Status::Good, now), ca.ocsp_signer(), &[])
        })
    });
    for certificate in away.iter().chain([&there]) {
        fixture.request_token(certificate).await.ok();
    }
    assert_eq!(fixture.responder.request_count(), 13);

    fixture.advance_clocks(50 * 60);
    let ca = fixture.ca.clone();
    fixture
        .responder
        .respond_with(move |path, _, now| (path == "/list").then(|| crl(&ca, &[], now)));
    assert_eq!(fixture.run_refresh_job().await, 13);
    assert_eq!(fixture.responder.request_count(), 15, "one request to each URL");
    fixture.advance_clocks(29);
    fixture.run_refresh_job().await;
    for certificate in away.iter().chain([&there]) {
        fixture.request_token(certificate).await.ok();
    }
    assert_eq!(fixture.responder.request_count(), 15, "no retry within thirty seconds");

    // Now the responder hangs, and the CRL is due for renewal.
    fixture.responder.stop_responding_to("/ocsp");
    fixture.advance_clocks(50 * 60);
    let job = fixture.spawn_refresh_job();
    // One request is waiting, and the CRL was fetched meanwhile.
    fixture.responder.wait_for_counts(17, 1).await;
    for certificate in &away {
        fixture.request_token(certificate).await.ok();
    }
    assert_eq!(
        fixture.responder.request_count(),
        17,
        "no other request is sent to the hanging responder"
    );
    job.abort();
}

/// A malformed extension is a fault of the certificate, not a failure of the server, and a retry does
/// not help.
#[tokio::test]
async fn malformed_revocation_extensions_are_refused_under_hard_fail() {
    let authority_info_access = [1, 3, 6, 1, 5, 5, 7, 1, 1];
    for (what, id, of_authority) in [
        ("authorityInfoAccess", &authority_info_access[..], false),
        ("cRLDistributionPoints", &[2, 5, 29, 31], false),
        ("cRLDistributionPoints", &[2, 5, 29, 31], true),
    ] {
        // SEQUENCE { OCTET STRING }, the structure that webpki checks.
        let unreadable = || CustomExtension::from_oid_content(id, vec![0x30, 3, 4, 1, 0]);
        let certificate = |fixture: &Fixture| {
            if of_authority {
                let between = fixture.ca.intermediate_with("Between", |params| {
                    params.custom_extensions.push(unreadable());
                });
                return fixture.issue_by(&between, |_| {});
            }
            fixture.issue(|params| params.custom_extensions.push(unreadable()))
        };
        let fixture = Fixture::new(Revocation::SoftFail).await;
        fixture.request_token(&certificate(&fixture)).await.ok();

        let fixture = Fixture::new(Revocation::HardFail).await;
        fixture.request_token(&certificate(&fixture)).await.refused(401, "invalid_client");
        let events = fixture.server.audit_events("request.refused").await;
        let [event] = events.as_slice() else { panic!("{events:?}") };
        let reason = format!("{what} of a certificate of the chain cannot be read");
        let facts: Value = serde_json::from_str(&event.facts).unwrap();
        assert_eq!(facts["reason"], reason.as_str(), "{facts}");
    }
}

/// Revocation settings belong to the anchor, so a CA that moves to another anchor gets that anchor's
/// settings.
#[tokio::test]
async fn a_ca_that_moves_to_another_anchor_gets_its_revocation_setting() {
    let (strict, moving, lax) = (Ca::new("Strict"), Ca::new("Moving"), Ca::new("Lax"));
    let file = |of: &[&Ca]| of.iter().map(|one| pem(one.certificate())).collect::<String>();
    let (first, second) =
        (TempFile::new(&file(&[&strict, &moving])), TempFile::new(&file(&[&lax])));
    let also = second.0.clone();
    let fixture = Fixture::start_with(
        Revocation::HardFail,
        |anchor| anchor.file = first.0.clone(),
        |config| {
            config.client_certificates.anchors.push(TrustAnchorSet {
                name: "lax".to_owned(),
                file: also,
                revocation: Revocation::Off,
                crl_files: Vec::new(),
            });
        },
    )
    .await;
    let certificate = fixture.issue_by(&moving, |_| {});
    fixture.request_token(&certificate).await.refused(401, "invalid_client");

    std::fs::write(&first.0, file(&[&strict])).unwrap();
    std::fs::write(&second.0, file(&[&moving, &lax])).unwrap();
    assert!(fixture.server.app().trust.reload().unwrap());

    fixture.request_token(&certificate).await.ok();
}

/// Issue 3, §4: with tokens that are valid for a day, a revocation in that time invalidates them, even
/// when the certificate was last presented hours ago, to a replica that was stopped.
#[tokio::test]
async fn a_revocation_is_detected_until_the_last_token_expired() {
    for is_opaque in [false, true] {
        for is_other in [false, true] {
            let for_a_day =
                |config: &mut Config| config.tokens.access_token_lifetime = Seconds::days(1);
            let mut fixture = Fixture::start_with(Revocation::SoftFail, |_| {}, for_a_day).await;
            if is_opaque {
                let opaque = json!({ "gw_access_token_format": "opaque" });
                // The new client takes over the name of the first one.
                fixture.server.disable_client(&fixture.client).await;
                fixture.client = register_client(&fixture.server, opaque).await;
            }
            let between = fixture.ca.intermediate_with("Between", |params| {
                add_crl_url(params, &fixture.responder.url("/root"));
            });
            let between = Arc::new(between);
            let list_of = fixture.responder.url("/list");
            let certificate = fixture.issue_by(&between, |params| add_crl_url(params, &list_of));
            let publish = |revoked: &'static [u64]| {
                let (root, between) = (fixture.ca.clone(), between.clone());
                fixture.responder.respond_with(move |path, _, now| {
                    let of_between = || crl(&between, revoked, now);
                    Some(if path == "/root" { crl(&root, &[], now) } else { of_between() })
                });
            };
            publish(&[]);
            let token = fixture.request_token(&certificate).await.ok().token("access_token");
            fixture.server.app().recorder.flush().await;
            let other = fixture.server.replica().await;
            let app = if is_other { other.app() } else { fixture.server.app() };

            // As often as necessary; the job does it every fifteen seconds.
            for _ in 0..10 {
                fixture.advance_clocks(30 * 60);
                app.refresh_revocation().await.unwrap();
                assert!(fixture.is_active(&token).await, "the certificate is not revoked yet");
            }
            publish(&[SERIAL]);
            for _ in 0..2 {
                fixture.advance_clocks(30 * 60);
                app.refresh_revocation().await.unwrap();
            }

            let what = format!("opaque: {is_opaque}, another replica: {is_other}");
            assert!(!fixture.is_active(&token).await, "{what}");
            assert_eq!(
                fixture.revocation_reason(&certificate).await.as_deref(),
                Some("keyCompromise"),
                "{what}"
            );
            // Without a valid token its status is no longer requested.
            fixture.advance_clocks(25 * 3600);
            let requests_before = fixture.responder.request_count();
            app.refresh_revocation().await.unwrap();
            assert_eq!(fixture.responder.request_count(), requests_before, "{what}");
        }
    }
}

/// The CRL is used when the OCSP responder is unreachable.
#[tokio::test]
async fn the_crl_is_used_when_the_ocsp_responder_is_unreachable() {
    let fixture = Fixture::new(Revocation::HardFail).await;
    let certificate = fixture.issue(|params| {
        add_ocsp_url(params, &fixture.responder.url("/ocsp"));
        add_crl_url(params, &fixture.responder.url("/list"));
    });
    let ca = fixture.ca.clone();
    fixture
        .responder
        .respond_with(move |path, _, now| (path == "/list").then(|| crl(&ca, &[], now)));

    fixture.request_token(&certificate).await.ok();

    assert_eq!(fixture.responder.request_count(), 2);
}

/// RFC 5280 §6.1: every certificate of the chain must be valid.
#[tokio::test]
async fn a_chain_with_a_revoked_intermediate_ca_is_refused() {
    let fixture = Fixture::new(Revocation::HardFail).await;
    let between = fixture.ca.intermediate_with("Between", |params| {
        params.serial_number = Some(SerialNumber::from(77_u64));
        add_crl_url(params, &fixture.responder.url("/root"));
    });
    let between = Arc::new(between);
    let list_of = fixture.responder.url("/list");
    let certificate = fixture.issue_by(&between, |params| add_crl_url(params, &list_of));
    let publish = |revoked: &'static [u64]| {
        let (root, between) = (fixture.ca.clone(), between.clone());
        fixture.responder.respond_with(move |path, _, now| {
            Some(if path == "/root" { crl(&root, revoked, now) } else { crl(&between, &[], now) })
        });
    };
    publish(&[]);
    fixture.request_token(&certificate).await.ok();
    assert_eq!(fixture.responder.request_count(), 2);

    publish(&[77]);
    fixture.advance_clocks(3600);

    fixture.request_token(&certificate).await.refused(401, "invalid_client");
    // The reason does not say that the key of the client is compromised.
    assert_eq!(
        fixture.revocation_reason(&certificate).await.as_deref(),
        Some("cACompromise"),
        "the client's certificate is revoked as well"
    );
}

/// RFC 5280 §6.1, for revocations by an administrator: of an intermediate CA, or of the anchor.
#[tokio::test]
async fn certificates_of_a_ca_revoked_by_an_administrator_are_refused() {
    for of_anchor in [false, true] {
        let fixture = Fixture::new(Revocation::Off).await;
        let between = fixture.ca.intermediate_with("Between", |_| {});
        let certificate = fixture.issue_by(&between, |_| {});
        fixture.request_token(&certificate).await.ok();

        let end = if of_anchor { &fixture.ca } else { &between };
        fixture.revoke(end, Reason::Superseded).await;

        fixture.request_token(&certificate).await.refused(401, "invalid_client");
        assert_eq!(
            fixture.revocation_reason(&certificate).await,
            None,
            "another chain may still be valid"
        );
        if !of_anchor {
            fixture.request_token(&fixture.issue(|_| {})).await.ok();
        }
    }
}

/// Anyone with a CA's key can issue certificates in its name: all that the key has signed are revoked,
/// on every level, with the tokens bound to them. Certificates that another key signed in the CA's name
/// stay valid.
#[tokio::test]
async fn a_compromised_ca_key_revokes_all_certificates_that_it_signed() {
    let fixture = Fixture::new(Revocation::Off).await;
    let between = fixture.ca.intermediate_with("Between", |_| {});
    let namesake = fixture.ca.intermediate_with("Between", |_| {});
    let (certificate, other) =
        (fixture.issue_by(&between, |_| {}), fixture.issue_by(&namesake, |_| {}));
    let token = fixture.request_token(&certificate).await.ok().token("access_token");
    let others = fixture.request_token(&other).await.ok().token("access_token");
    fixture.server.flush_sightings().await;

    let revoked = fixture.revoke(&between, Reason::KeyCompromise).await;

    assert_eq!(revoked, 1);
    assert!(!fixture.is_active(&token).await);
    assert_eq!(fixture.revocation_reason(&certificate).await.as_deref(), Some("cACompromise"));
    fixture.request_token(&certificate).await.refused(401, "invalid_client");
    assert!(fixture.is_active(&others).await);
    fixture.request_token(&other).await.ok();
    assert_eq!(fixture.server.audit_events("certificate.revoked").await.len(), 2);
}

/// Issue 3, §4, for clients with another authentication method: the certificate that their tokens are
/// bound to must not be revoked. A refused request consumes nothing.
#[tokio::test]
async fn no_token_is_bound_to_a_certificate_revoked_by_its_ca() {
    for method in ["client_secret_basic", "none"] {
        let fixture = Fixture::new(Revocation::HardFail).await;
        let server = &fixture.server;
        let client = server.register(json!({
            "client_name": "Photos",
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid",
            "token_endpoint_auth_method": method,
            "tls_client_certificate_bound_access_tokens": true,
        }));
        let client = client.await;
        server.user("ada").await;
        let post = async |form: &str, certificate: &Identity| {
            let request = server.mtls_request(Some(certificate), "POST", "/token");
            if method == "none" {
                request.form(&format!("{form}&client_id={}", client.id)).send().await
            } else {
                request.basic(&client.id, &client.secret).form(form).send().await
            }
        };
        let code = async || {
            let page = Browser::new(server).authorize("ada", &client, "openid", "").await;
            form_urlencoded::Serializer::new(String::new())
                .append_pair("grant_type", "authorization_code")
                .append_pair("code", &page.parameter("code"))
                .append_pair("redirect_uri", Client::REDIRECT_URI)
                .append_pair("code_verifier", VERIFIER)
                .finish()
        };
        let waiting = code().await;

        // The status is unknown: the request fails, and nothing is consumed.
        let certificate = fixture.issue_with_ocsp_url();
        post(&waiting, &certificate).await.refused(503, "temporarily_unavailable");
        fixture.serve_ocsp(|_| Status::Good);
        fixture.advance_clocks(30);
        let tokens = post(&waiting, &certificate).await.ok();
        let mut refresh =
            format!("grant_type=refresh_token&refresh_token={}", tokens.token("refresh_token"));
        let requests_before = fixture.responder.request_count();
        let next = post(&refresh, &certificate).await.ok();
        assert_eq!(fixture.responder.request_count(), requests_before, "the status is cached");
        refresh = format!("grant_type=refresh_token&refresh_token={}", next.token("refresh_token"));

        fixture.serve_ocsp(revoked_status);
        fixture.advance_clocks(3600);
        let waiting = code().await;
        post(&refresh, &certificate).await.refused(401, "invalid_client");
        post(&waiting, &certificate).await.refused(401, "invalid_client");
        assert_eq!(fixture.revocation_reason(&certificate).await.as_deref(), Some("keyCompromise"));

        // A self-signed certificate has no revocation information.
        let requests_before = fixture.responder.request_count();
        post(&waiting, &Identity::self_signed("Photos")).await.ok();
        assert_eq!(fixture.responder.request_count(), requests_before);
    }
}

/// A certificate without revocation information: under hard-fail it is refused for good. RFC 9608:
/// unless its CA states that there is none.
#[tokio::test]
async fn a_certificate_without_revocation_information_fails_hard_fail() {
    let without_urls = |fixture: &Fixture| fixture.issue(|_| {});
    let fixture = Fixture::new(Revocation::SoftFail).await;
    fixture.request_token(&without_urls(&fixture)).await.ok();

    let fixture = Fixture::new(Revocation::HardFail).await;
    fixture.request_token(&without_urls(&fixture)).await.refused(401, "invalid_client");
    let short_lived = fixture.issue(|params| {
        let none = CustomExtension::from_oid_content(&[2, 5, 29, 56], vec![5, 0]);
        params.custom_extensions.push(none);
    });
    fixture.request_token(&short_lived).await.ok();
}

/// A CRL file of the operator comes first and needs no network.
#[tokio::test]
async fn a_crl_file_of_the_anchor_is_used() {
    let (ca, file) = (Arc::new(Ca::new("Clients")), TempFile::new(""));
    let put = |serials: &[u64], now| std::fs::write(&file.0, crl(&ca, serials, now)).unwrap();
    put(&[], Timestamp(START_TIME));
    let fixture = Fixture::with_file(&ca, Revocation::HardFail, &file).await;
    let certificate = fixture.issue_with_ocsp_url();

    fixture.request_token(&certificate).await.ok();
    put(&[SERIAL], fixture.server.trace().now());
    fixture.advance_clocks(60);
    fixture.request_token(&certificate).await.refused(401, "invalid_client");

    assert_eq!(fixture.responder.request_count(), 0);
}

/// The CRL files of all CAs of an anchor are configured together, so the CRL of another CA is no
/// failure.
#[tokio::test]
async fn a_crl_file_of_another_ca_of_the_anchor_is_ignored() {
    let file = TempFile::new("");
    let other = Ca::new("Another");
    std::fs::write(&file.0, crl(&other, &[SERIAL], Timestamp(START_TIME))).unwrap();
    let ca = Arc::new(Ca::new("Clients"));
    let fixture = Fixture::with_file(&ca, Revocation::HardFail, &file).await;
    fixture.serve_ocsp(|_| Status::Good);

    fixture.request_token(&fixture.issue_with_ocsp_url()).await.ok();
    let text = fixture.server.app().metrics.render(0, 0);
    assert!(!text.contains("outcome=\"unreachable\""), "{text}");

    // Without another source the status is unknown, which is counted for the operator.
    fixture.request_token(&fixture.issue(|_| {})).await.refused(503, "temporarily_unavailable");
    let text = fixture.server.app().metrics.render(0, 0);
    let line = "gatewright_revocation_checks_total{source=\"crl\",outcome=\"unreachable\"} 1";
    assert!(text.contains(line), "{text}");
}

/// THREATS EX-19: a CRL in the formats of tools and editors, under either mode: `openssl crl -text`, a
/// comment, a byte order mark, UTF-16, base64, next to the CRL of another CA. A revoked certificate is
/// refused.
#[tokio::test]
async fn a_crl_file_is_read_in_every_common_format() {
    let ca = Arc::new(Ca::new("Clients"));
    let der = crl(&ca, &[SERIAL], Timestamp(START_TIME));
    let dir = TempDir::new();
    dir.write("list.der", &der);
    let text = dir.openssl("crl -inform DER -in list.der -text");
    assert!(!text.starts_with("-----"), "{text}");
    let pem = dir.openssl("crl -inform DER -in list.der");
    dir.write("other.der", crl(&Ca::new("Another"), &[1], Timestamp(START_TIME)));
    let other = dir.openssl("crl -inform DER -in other.der -text");
    let utf16 = "\u{feff}".encode_utf16().chain(pem.encode_utf16()).flat_map(u16::to_le_bytes);
    let file = TempFile::new("");
    for (what, bytes) in [
        ("openssl crl -text", text.clone().into_bytes()),
        ("a comment and a blank line", format!("# fetched at night\n\n{pem}").into_bytes()),
        ("a byte order mark", format!("\u{feff}{pem}").into_bytes()),
        ("UTF-16", utf16.collect()),
        ("base64", STANDARD.encode(&der).into_bytes()),
        ("the second one of two", [other, text].concat().into_bytes()),
    ] {
        std::fs::write(&file.0, bytes).unwrap();
        for mode in [Revocation::SoftFail, Revocation::HardFail] {
            let fixture = Fixture::with_file(&ca, mode, &file).await;
            let response = fixture.request_token(&fixture.issue(|_| {})).await;
            assert_eq!(response.status, 401, "{what}");
            let other = fixture.issue(|params| params.serial_number = Some(SerialNumber::from(7)));
            assert_eq!(fixture.request_token(&other).await.status, 200, "{what}");
        }
    }
}

/// THREATS EX-19: a configured CRL that is not usable is an error, at the start and in `config check`.
#[test]
fn an_unusable_crl_file_is_a_configuration_error() {
    let ca = Ca::new("Clients");
    let anchor_file = TempFile::new(&pem(ca.certificate()));
    let good = crl(&ca, &[], Timestamp(START_TIME));
    let forged = crl(&Ca::new("Clients"), &[], Timestamp(START_TIME));
    let file = TempFile::new("");
    let settings = ClientCertificates {
        anchors: vec![TrustAnchorSet {
            name: "clients".to_owned(),
            file: anchor_file.0.clone(),
            revocation: Revocation::SoftFail,
            crl_files: vec![file.0.clone()],
        }],
        ..ClientCertificates::default()
    };
    for (bytes, why) in [
        (b"".to_vec(), "is empty"),
        (b"<!DOCTYPE html><title>404</title>".to_vec(), "is HTML or XML"),
        (b"-----BEGIN X509 CRL-----\nMIIB\n".to_vec(), "does not end"),
        (pem(ca.certificate()).into_bytes(), "holds no CRL, but CERTIFICATE"),
        (good[..good.len() - 1].to_vec(), "neither PEM, nor DER, nor base64"),
        (ca.certificate().to_vec(), "this is not a CRL"),
        (forged, "the signature of the CRL is invalid"),
    ] {
        std::fs::write(&file.0, bytes).unwrap();
        let refused = Trust::open(&settings).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
        let [problem] = &anchors::problems(&settings)[..] else { panic!("{why}") };
        assert_eq!(problem.key, "client_certificates.anchors");
        assert!(problem.reason.contains(why), "{}", problem.reason);
        assert!(problem.reason.contains(file.0.to_str().unwrap()), "{}", problem.reason);
    }
    std::fs::write(&file.0, good).unwrap();
    assert!(anchors::problems(&settings).is_empty());
    Trust::open(&settings).unwrap();
}

/// THREATS EX-19: a CRL file that breaks while the server runs is never treated as absent, in either
/// mode. The last good one is valid until its `nextUpdate`; after that all certificates are refused.
/// The failure is logged and counted.
#[tokio::test]
async fn a_crl_file_that_breaks_at_runtime_fails_closed() {
    let other = |fixture: &Fixture| {
        fixture.issue(|params| params.serial_number = Some(SerialNumber::from(7)))
    };
    for mode in [Revocation::SoftFail, Revocation::HardFail] {
        for broken in ["<html>", "", "-----BEGIN X509 CRL-----\n", "gone"] {
            let (ca, file) = (Arc::new(Ca::new("Clients")), TempFile::new(""));
            std::fs::write(&file.0, crl(&ca, &[SERIAL], Timestamp(START_TIME))).unwrap();
            let fixture = Fixture::with_file(&ca, mode, &file).await;
            fixture.serve_ocsp(|_| Status::Good);
            let (revoked, good) = (fixture.issue_with_ocsp_url(), other(&fixture));
            fixture.request_token(&good).await.ok();

            if broken == "gone" {
                std::fs::remove_file(&file.0).unwrap();
            } else {
                std::fs::write(&file.0, broken).unwrap();
            }
            assert!(fixture.server.app().trust.reload().is_err());
            fixture.advance_clocks(60);
            fixture.request_token(&good).await.ok();
            let unseen =
                fixture.issue(|params| add_ocsp_url(params, &fixture.responder.url("/ocsp")));
            fixture.request_token(&unseen).await.refused(401, "invalid_client");
            let text = fixture.server.app().metrics.render(0, 0);
            assert!(text.contains("{source=\"crl\",outcome=\"unreadable\"}"), "{text}");

            fixture.advance_clocks(3600);
            let with_url = |params: &mut CertificateParams| {
                params.serial_number = Some(SerialNumber::from(8));
                add_ocsp_url(params, &fixture.responder.url("/ocsp"));
            };
            fixture.request_token(&good).await.refused(503, "temporarily_unavailable");
            fixture
                .request_token(&fixture.issue(with_url))
                .await
                .refused(503, "temporarily_unavailable");
            assert_ne!(fixture.request_token(&revoked).await.status, 200);

            std::fs::write(&file.0, crl(&ca, &[SERIAL], fixture.server.trace().now())).unwrap();
            fixture.server.app().trust.reload().unwrap();
            fixture.advance_clocks(60);
            fixture.request_token(&good).await.ok();
            fixture.request_token(&fixture.issue(with_url)).await.ok();
        }
    }
}

/// The outcomes are visible to operators.
#[tokio::test]
async fn revocation_checks_are_counted() {
    let fixture = Fixture::new(Revocation::SoftFail).await;
    fixture.serve_ocsp(|_| Status::Good);
    fixture.request_token(&fixture.issue_with_ocsp_url()).await.ok();
    fixture.responder.close_connections();
    fixture.request_token(&fixture.issue_with_crl_url()).await.ok();

    let text = fixture.server.app().metrics.render(0, 0);

    for line in [
        "gatewright_revocation_checks_total{source=\"ocsp\",outcome=\"good\"} 1",
        "gatewright_revocation_checks_total{source=\"crl\",outcome=\"unreachable\"} 1",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

/// The last known revocation status can be displayed without a request to its source.
#[tokio::test]
async fn the_last_known_status_is_stored() {
    for by_ocsp in [true, false] {
        let fixture = Fixture::new(Revocation::HardFail).await;
        let certificate = if by_ocsp {
            fixture.serve_ocsp(|_| Status::Good);
            fixture.issue_with_ocsp_url()
        } else {
            fixture.serve_crl(&[]);
            fixture.issue_with_crl_url()
        };
        fixture.request_token(&certificate).await.ok();
        let app = fixture.server.app();
        let trace = fixture.server.trace();
        let (inventory, now) = (app.inventory(&trace), trace.now());
        inventory.note_anchors(&app.trust.anchors()).await.unwrap();
        app.sightings.flush(&app.store, &app.trust).await.unwrap();
        fixture.server.advance_clock(60);

        let entry = inventory.find(&certificate.thumbprint()).await.unwrap().remove(0);
        let status = inventory.cached_statuses(&entry.certificate).await.unwrap();

        let [status] = &status[..] else { panic!("{status:?}") };
        let (source, path) = if by_ocsp { ("ocsp", "/ocsp") } else { ("crl", "/list") };
        assert_eq!((status.kind, &status.source_url), (source, &fixture.responder.url(path)));
        assert_eq!((status.status, status.fetched_at), (Status::Good, now));
        assert!(status.expires_at > now);
    }
}
