//! Certificates that their authorities revoke: RFC 5280 §6.3 (CRLs), RFC 6960 (OCSP), over real TLS, with a
//! responder that says what it is told. THREATS MT-03.

use std::sync::Arc;

use gatewright::config::{Anchor, Bytes, Revocation};
use gatewright::pki::ocsp::{Answer, CertId, Hash, Request, Status};
use gatewright::pki::{Certificate, Issuer, Reason, inventory};
use gatewright::store::certificates;
use gatewright::types::{Seconds, Thumbprint, Timestamp};
use rcgen::{
    CertificateParams, CrlDistributionPoint, CustomExtension, ExtendedKeyUsagePurpose, KeyPair,
    SerialNumber,
};
use serde_json::json;

use crate::authority::{Authority, Identity, contents, pem};
use crate::browser::{Browser, VERIFIER};
use crate::certificates::Scratch;
use crate::http::Answer as Http;
use crate::responder::{
    Responder, answer, list, list_until, names_responder, respond, revoked, sign,
};
use crate::server::{Client, Server};

const SERIAL: u64 = 0x00c0_ffee;

/// A server that believes an authority, the authority's responder, and a client with a certificate of it.
struct Scene {
    server: Server,
    authority: Arc<Authority>,
    responder: Responder,
    client: Client,
    _anchor: Scratch,
}

impl Scene {
    async fn new(revocation: Revocation) -> Self {
        Self::with(revocation, |_| {}).await
    }

    async fn with(revocation: Revocation, change: impl FnOnce(&mut Anchor)) -> Self {
        // The smallest that may be set.
        Self::with_lists_of(Bytes(64 << 10), revocation, change).await
    }

    async fn with_lists_of(
        most: Bytes,
        revocation: Revocation,
        change: impl FnOnce(&mut Anchor),
    ) -> Self {
        let authority = Arc::new(Authority::new("Clients"));
        let file = Scratch::of(&pem(authority.certificate()));
        let mut anchor = Anchor {
            name: "clients".to_owned(),
            file: file.0.clone(),
            revocation,
            crl_files: Vec::new(),
        };
        change(&mut anchor);
        let server = Server::with_tls(|config| {
            config.client_certificates.anchors = vec![anchor];
            config.client_certificates.max_crl_bytes = most;
            config.outbound.allow_private_networks = true;
        })
        .await;
        let client = server.register(json!({
            "client_name": "Backup",
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": "CN=Backup",
            "tls_client_certificate_bound_access_tokens": true,
            "gw_default_audience": "https://api.example",
        }));
        let client = client.await;
        Self { server, authority, responder: Responder::start().await, client, _anchor: file }
    }

    /// A certificate of the client, with what is changed.
    fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        self.issue_of(&self.authority, change)
    }

    fn issue_of(&self, by: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut contents = contents("Backup", &[]);
        contents.serial_number = Some(SerialNumber::from(SERIAL));
        change(&mut contents);
        by.issue(contents)
    }

    /// One that names the responder.
    fn with_responder(&self) -> Identity {
        self.issue(|contents| names_responder(contents, &self.responder.url("/ocsp")))
    }

    /// One that names the list.
    fn with_list(&self) -> Identity {
        self.issue(|contents| names_list(contents, &self.responder.url("/list")))
    }

    /// Answers OCSP as the authority itself.
    fn say(&self, status: impl Fn(Timestamp) -> Status + Send + 'static) {
        let authority = self.authority.clone();
        self.responder.say(move |_, body, now| {
            Some(respond(body, answer(status(now), now), authority.signs(), &[]))
        });
    }

    /// Hands out a list with these serial numbers.
    fn publish(&self, serials: &'static [u64]) {
        let authority = self.authority.clone();
        self.responder.say(move |_, _, now| Some(list(&authority, serials, now)));
    }

    async fn ask(&self, shown: &Identity) -> Http {
        self.ask_at(&self.server, shown).await
    }

    async fn ask_at(&self, server: &Server, shown: &Identity) -> Http {
        let form = format!("grant_type=client_credentials&client_id={}", self.client.id);
        server.ask_mtls(Some(shown), "POST", "/token").form(&form).send().await
    }

    /// Lets time pass, here and at the responder.
    fn wait(&self, seconds: i64) {
        self.server.wait(seconds);
        self.responder.wait(seconds);
    }

    /// What the job does.
    async fn refresh(&self) -> usize {
        let (app, trace) = (self.server.app(), self.server.trace());
        let due = app.revocations.due(trace.now());
        for watched in &due {
            app.judge(&trace).refresh(watched).await.unwrap();
        }
        app.confirm().await.unwrap();
        due.len()
    }

    /// Whether the inventory has it as revoked, and why.
    async fn reason(&self, shown: &Identity) -> Option<String> {
        let store = self.server.app().store.db();
        let thumbprint = Thumbprint::of(shown.certificate());
        certificates::find(store, thumbprint).await.unwrap()?.reason
    }

    async fn is_active(&self, token: &str) -> bool {
        let api = self.server.register(json!({
            "grant_types": ["client_credentials"],
            "gw_resources": ["https://api.example"],
        }));
        let api = api.await;
        let told = self.server.post_as(&api, "/introspect", &format!("token={token}")).await.ok();
        told.body["active"] == true
    }
}

fn names_list(contents: &mut CertificateParams, url: &str) {
    contents.crl_distribution_points = vec![CrlDistributionPoint { uris: vec![url.to_owned()] }];
}

/// `id-pe-authorityInfoAccess` with `id-ad-ocsp` (RFC 5280 §4.2.2.1).
/// RFC 5280 §6.3.3; issue 3, §4: a revoked certificate ends authentication and kills the tokens bound to it.
#[tokio::test]
async fn a_certificate_that_comes_on_a_list_proves_nobody_and_its_tokens_die() {
    let scene = Scene::new(Revocation::HardFail).await;
    let shown = scene.with_list();
    scene.publish(&[1, 2]);
    let token = scene.ask(&shown).await.ok().token("access_token");
    assert!(scene.is_active(&token).await);

    scene.publish(&[1, 2, SERIAL]);
    scene.ask(&shown).await.ok();
    scene.wait(3600);
    let fresh = scene.ask(&shown).await;

    fresh.refused(401, "invalid_client");
    assert_eq!(scene.reason(&shown).await.as_deref(), Some("keyCompromise"));
    scene.ask(&shown).await.refused(401, "invalid_client");
}

/// The job finds it out although nobody shows it; tokens that have not expired die with it.
#[tokio::test]
async fn a_revocation_is_found_out_while_a_token_is_alive() {
    for by_list in [false, true] {
        let scene = Scene::new(Revocation::SoftFail).await;
        let shown = if by_list { scene.with_list() } else { scene.with_responder() };
        if by_list {
            scene.publish(&[])
        } else {
            scene.say(|_| Status::Good)
        }
        scene.ask(&shown).await.ok();
        scene.wait(44 * 60);
        let token = scene.ask(&shown).await.ok().token("access_token");
        assert!(scene.is_active(&token).await);

        if by_list {
            scene.publish(&[SERIAL])
        } else {
            scene.say(revoked)
        }
        scene.wait(60);
        scene.refresh().await;

        assert!(!scene.is_active(&token).await, "by a list: {by_list}");
        assert_eq!(scene.reason(&shown).await.as_deref(), Some("keyCompromise"));
        scene.ask(&shown).await.refused(401, "invalid_client");
        let asked = scene.responder.asked();
        scene.ask(&shown).await.refused(401, "invalid_client");
        assert_eq!(scene.responder.asked(), asked, "it is known here");
        let events = scene.server.events("certificate.revoked").await;
        assert_eq!(events.len(), 1, "{events:?}");
    }
}

/// RFC 6960 §2.2.
#[tokio::test]
async fn a_certificate_of_which_ocsp_says_revoked_proves_nobody() {
    for delegated in [false, true] {
        let scene = Scene::new(Revocation::SoftFail).await;
        let shown = scene.with_responder();
        let authority = scene.authority.clone();
        let mut of_responder = contents("OCSP", &[]);
        of_responder.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        let delegate = authority.issue(of_responder);
        scene.responder.say(move |_, body, now| {
            let answer = answer(revoked(now), now);
            let shows = [delegate.certificate().clone()];
            Some(if delegated {
                respond(body, answer, delegate.signer(), &shows)
            } else {
                respond(body, answer, authority.signs(), &[])
            })
        });

        scene.ask(&shown).await.refused(401, "invalid_client");

        assert_eq!(scene.reason(&shown).await.as_deref(), Some("keyCompromise"));
        assert_eq!(scene.responder.asked(), 1);
    }
}

/// Revoked here, it counts for nothing, whatever its authority says or is asked; THREATS MT-03.
#[tokio::test]
async fn a_certificate_that_was_revoked_here_proves_nobody_at_once() {
    for revocation in [Revocation::Off, Revocation::SoftFail, Revocation::HardFail] {
        let scene = Scene::new(revocation).await;
        let shown = scene.with_responder();
        scene.say(|_| Status::Good);
        let token = scene.ask(&shown).await.ok().token("access_token");

        let trace = scene.server.trace();
        let certificate = Certificate::read(shown.certificate(), &[]).unwrap();
        let row = inventory::seen(&certificate, trace.now());
        scene.server.inventory().revoke(&row, Reason::Superseded, &trace).await.unwrap();
        assert!(!scene.is_active(&token).await, "at once");
        scene.server.app().confirm().await.unwrap();

        scene.ask(&shown).await.refused(401, "invalid_client");
        assert_eq!(scene.reason(&shown).await.as_deref(), Some("superseded"));
    }
}

/// Issue 3, §4: refresh refused. A public client may show any certificate with the key that its grant is
/// bound to (RFC 8705 §7.1), so a key that somebody else has must not count in any.
#[tokio::test]
async fn a_refresh_token_is_of_no_use_with_a_certificate_that_was_revoked() {
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
        let shown = Identity::self_signed("Phone");
        let post = async |form: &str, shown: &Identity| {
            let form = format!("{form}&client_id={}", client.id);
            server.ask_mtls(Some(shown), "POST", "/token").form(&form).send().await
        };
        let place = Browser::of(&server).authorize("ada", &client, "openid", "").await;
        let code = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", &place.parameter("code"))
            .append_pair("redirect_uri", Client::REDIRECT_URI)
            .append_pair("code_verifier", VERIFIER)
            .finish();
        let granted = post(&code, &shown).await.ok();
        let refreshing =
            format!("grant_type=refresh_token&refresh_token={}", granted.token("refresh_token"));
        let bearer = granted.token("access_token");
        let userinfo = || server.ask_mtls(Some(&shown), "GET", "/userinfo").bearer(&bearer);
        userinfo().send().await.ok();

        let trace = server.trace();
        let certificate = Certificate::read(shown.certificate(), &[]).unwrap();
        let row = inventory::seen(&certificate, trace.now());
        server.inventory().revoke(&row, reason, &trace).await.unwrap();
        server.app().confirm().await.unwrap();

        userinfo().send().await.refused(401, "invalid_token");
        post(&refreshing, &shown).await.refused(401, "invalid_client");
        let renewed = contents("Phone, renewed", &[]).self_signed(&shown.key).unwrap();
        let key = KeyPair::try_from(shown.key.serialized_der()).unwrap();
        let renewed = Identity { chain: vec![renewed.der().clone()], key };
        let answer = post(&refreshing, &renewed).await;
        if reason == Reason::KeyCompromise {
            answer.refused(401, "invalid_client");
        } else {
            answer.ok();
        }
    }
}

/// Issue 3, §4: per trust anchor off, soft-fail, hard-fail; unreachable is 503, never a pass.
#[tokio::test]
async fn whether_nobody_can_tell_matters_is_set_for_the_anchor() {
    for by_list in [false, true] {
        let shown = |scene: &Scene| {
            if by_list { scene.with_list() } else { scene.with_responder() }
        };
        let scene = Scene::new(Revocation::Off).await;
        scene.ask(&shown(&scene)).await.ok();
        assert_eq!(scene.responder.asked(), 0);

        let scene = Scene::new(Revocation::SoftFail).await;
        let certificate = shown(&scene);
        scene.ask(&certificate).await.ok();
        scene.ask(&certificate).await.ok();
        assert_eq!(scene.responder.asked(), 1, "who does not answer is left alone for a while");

        let scene = Scene::new(Revocation::HardFail).await;
        let certificate = shown(&scene);
        for _ in 0..2 {
            let answer = scene.ask(&certificate).await;
            let answer = answer.refused(503, "temporarily_unavailable");
            assert!(!answer.header("retry-after").is_empty());
        }
        assert_eq!(scene.responder.asked(), 1);

        if by_list {
            scene.publish(&[])
        } else {
            scene.say(|_| Status::Good)
        }
        scene.wait(30);
        scene.ask(&certificate).await.ok();
    }
}

/// Somebody who takes the question and never answers.
#[tokio::test]
async fn whoever_hangs_is_not_waited_for() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ocsp", silent.local_addr().unwrap());
    let scene = Scene::new(Revocation::HardFail).await;
    let shown = scene.issue(|contents| names_responder(contents, &url));

    scene.ask(&shown).await.refused(503, "temporarily_unavailable");
    scene.ask(&shown).await.refused(503, "temporarily_unavailable");
}

/// RFC 6960 §3.2: what a client must not believe.
#[tokio::test]
async fn a_responder_that_lies_says_nothing() {
    let scene = Scene::new(Revocation::HardFail).await;
    let authority = scene.authority.clone();
    let other = Arc::new(Authority::new("Clients"));
    let helper = Arc::new(authority.client("no responder"));
    let good = |now| answer(Status::Good, now);
    let issuer = Issuer::read(authority.certificate()).unwrap();

    type Lie = Box<dyn Fn(&[u8], Timestamp) -> Vec<u8> + Send>;
    let lies: Vec<(&str, Lie)> = vec![
        ("another authority of the same name", {
            let other = other.clone();
            Box::new(move |body, now| respond(body, good(now), other.signs(), &[]))
        }),
        ("a certificate that is not for OCSP", {
            let helper = helper.clone();
            Box::new(move |body, now| {
                respond(body, good(now), helper.signer(), &[helper.certificate().clone()])
            })
        }),
        ("about another certificate", {
            let authority = authority.clone();
            Box::new(move |body, now| {
                let nonce = Request::read(body).unwrap().nonce;
                let id = CertId::of(Hash::Sha1, &issuer, &[1]).unwrap();
                sign(vec![(id, good(now))], nonce, authority.signs(), &[])
            })
        }),
        ("an old answer", {
            let authority = authority.clone();
            Box::new(move |body, now| {
                let old = now - Seconds::hours(2);
                let answer = Answer {
                    status: Status::Good,
                    this_update: old,
                    next_update: Some(old + Seconds::hours(1)),
                };
                respond(body, answer, authority.signs(), &[])
            })
        }),
        ("an answer to somebody else", {
            let authority = authority.clone();
            Box::new(move |body, now| {
                let Request { asked, .. } = Request::read(body).unwrap();
                let nonce = gatewright::pki::ocsp::Nonce::generate().ok();
                let answers = asked.into_iter().map(|id| (id, good(now))).collect();
                sign(answers, nonce, authority.signs(), &[])
            })
        }),
        ("it knows nothing", {
            let authority = authority.clone();
            Box::new(move |body, now| {
                respond(body, answer(Status::Unknown, now), authority.signs(), &[])
            })
        }),
        ("too much", {
            let authority = authority.clone();
            Box::new(move |body, now| {
                let certificate = authority.certificate().clone();
                let shows = vec![certificate; 200];
                respond(body, good(now), authority.signs(), &shows)
            })
        }),
        ("no OCSP response", Box::new(|_, _| b"<html>".to_vec())),
        ("nothing", Box::new(|_, _| Vec::new())),
    ];
    for (serial, (what, lie)) in (1_u64..).zip(lies) {
        scene.responder.say(move |_, body, now| Some(lie(body, now)));
        let shown = scene.issue(|contents| {
            contents.serial_number = Some(SerialNumber::from(serial));
            names_responder(contents, &scene.responder.url("/ocsp"));
        });
        let answer = scene.ask(&shown).await;
        assert_eq!(answer.status, 503, "{what}: {answer:?}");
    }
}

/// RFC 5280 §6.3.3.
#[tokio::test]
async fn a_list_that_is_not_the_authoritys_says_nothing() {
    let authority = Authority::new("Clients");
    type Lie = Box<dyn Fn(&Authority, Timestamp) -> Vec<u8> + Send>;
    let lies: Vec<(&str, Lie)> = vec![
        ("another authority of the same name", Box::new(move |_, now| list(&authority, &[], now))),
        ("too old", Box::new(|own, now| list_until(own, &[], now - Seconds::hours(2), now))),
        ("too large", Box::new(|own, now| list(own, &(1..3000).collect::<Vec<_>>(), now))),
        ("no list", Box::new(|_, _| b"<html>".to_vec())),
    ];
    for (what, lie) in lies {
        let scene = Scene::new(Revocation::HardFail).await;
        let shown = scene.with_list();
        let own = scene.authority.clone();
        scene.responder.say(move |_, _, now| Some(lie(&own, now)));

        let answer = scene.ask(&shown).await;

        assert_eq!(answer.status, 503, "{what}: {answer:?}");
    }
    // It is the size that it was refused for.
    let scene = Scene::with_lists_of(Bytes(1 << 20), Revocation::HardFail, |_| {}).await;
    let own = scene.authority.clone();
    let serials: Vec<_> = (1..3000).collect();
    scene.responder.say(move |_, _, now| Some(list(&own, &serials, now)));
    scene.ask(&scene.with_list()).await.ok();
}

/// Issue 3, §6: revocation checking adds no network call to a request whose certificate was seen before,
/// here, on another replica, or before a restart.
#[tokio::test]
async fn what_was_asked_once_is_not_asked_again() {
    for by_list in [false, true] {
        let scene = Scene::new(Revocation::HardFail).await;
        let shown = if by_list { scene.with_list() } else { scene.with_responder() };
        if by_list {
            scene.publish(&[])
        } else {
            scene.say(|_| Status::Good)
        }

        let first = tokio::join!(scene.ask(&shown), scene.ask(&shown), scene.ask(&shown));
        for answer in [first.0, first.1, first.2] {
            answer.ok();
        }
        assert_eq!(scene.responder.asked(), 1, "of many at once one asks");
        for _ in 0..20 {
            scene.ask(&shown).await.ok();
        }
        scene.wait(44 * 60);
        scene.ask(&shown).await.ok();
        let replica = scene.server.replica().await;
        scene.ask_at(&replica, &shown).await.ok();

        assert_eq!(scene.responder.asked(), 1);
    }
}

/// So that no request waits.
#[tokio::test]
async fn what_is_in_use_is_asked_anew_before_its_answer_ends() {
    let scene = Scene::new(Revocation::HardFail).await;
    let shown = scene.with_responder();
    scene.say(|_| Status::Good);
    scene.ask(&shown).await.ok();

    assert_eq!(scene.refresh().await, 0);
    scene.wait(50 * 60);
    assert_eq!(scene.refresh().await, 1);
    assert_eq!(scene.responder.asked(), 2);
    scene.wait(30 * 60);
    scene.ask(&shown).await.ok();
    assert_eq!(scene.responder.asked(), 2);

    // What nobody shows any more is left alone.
    scene.wait(2 * 3600);
    assert_eq!(scene.refresh().await, 0);
}

/// What was said counts until it says that it ends, not longer.
#[tokio::test]
async fn an_answer_outlives_its_responder_until_it_ends() {
    let scene = Scene::new(Revocation::HardFail).await;
    let (answered, listed) = (scene.with_responder(), scene.with_list());
    let authority = scene.authority.clone();
    scene.responder.say(move |path, body, now| {
        let next = now + Seconds::hours(6);
        Some(if path == "/list" {
            list_until(&authority, &[], now, next)
        } else {
            let answer = Answer { status: Status::Good, this_update: now, next_update: Some(next) };
            respond(body, answer, authority.signs(), &[])
        })
    });
    scene.ask(&answered).await.ok();
    scene.ask(&listed).await.ok();
    scene.responder.hang_up();

    scene.wait(5 * 3600);
    scene.ask(&answered).await.ok();
    scene.ask(&listed).await.ok();
    scene.wait(3600 + 300);
    scene.ask(&answered).await.refused(503, "temporarily_unavailable");
    scene.ask(&listed).await.refused(503, "temporarily_unavailable");
}

/// A responder that is away, or knows nothing, is not the only one who can tell.
#[tokio::test]
async fn who_names_both_is_looked_up_on_the_list_when_the_responder_is_away() {
    let scene = Scene::new(Revocation::HardFail).await;
    let shown = scene.issue(|contents| {
        names_responder(contents, &scene.responder.url("/ocsp"));
        names_list(contents, &scene.responder.url("/list"));
    });
    let authority = scene.authority.clone();
    scene.responder.say(move |path, _, now| (path == "/list").then(|| list(&authority, &[], now)));

    scene.ask(&shown).await.ok();

    assert_eq!(scene.responder.asked(), 2);
}

/// RFC 5280 §6.1: every certificate of the chain has to count.
#[tokio::test]
async fn a_chain_with_a_revoked_authority_in_it_proves_nobody() {
    let scene = Scene::new(Revocation::HardFail).await;
    let between = scene.authority.below_with("Between", |contents| {
        contents.serial_number = Some(SerialNumber::from(77_u64));
        names_list(contents, &scene.responder.url("/root"));
    });
    let between = Arc::new(between);
    let list_of = scene.responder.url("/list");
    let shown = scene.issue_of(&between, |contents| names_list(contents, &list_of));
    let publish = |revoked: &'static [u64]| {
        let (root, between) = (scene.authority.clone(), between.clone());
        scene.responder.say(move |path, _, now| {
            Some(if path == "/root" { list(&root, revoked, now) } else { list(&between, &[], now) })
        });
    };
    publish(&[]);
    scene.ask(&shown).await.ok();
    assert_eq!(scene.responder.asked(), 2);

    publish(&[77]);
    scene.wait(3600);

    scene.ask(&shown).await.refused(401, "invalid_client");
    assert_eq!(scene.reason(&shown).await.as_deref(), Some("keyCompromise"), "its own end, too");
}

/// A certificate that does not say who could tell: under hard-fail it is of no use, and waiting helps
/// nobody. RFC 9608: unless its authority says that there is nothing to be told.
#[tokio::test]
async fn a_certificate_that_names_nobody_to_ask() {
    let bare = |scene: &Scene| scene.issue(|_| {});
    let scene = Scene::new(Revocation::SoftFail).await;
    scene.ask(&bare(&scene)).await.ok();

    let scene = Scene::new(Revocation::HardFail).await;
    scene.ask(&bare(&scene)).await.refused(401, "invalid_client");
    let short_lived = scene.issue(|contents| {
        let none = CustomExtension::from_oid_content(&[2, 5, 29, 56], vec![5, 0]);
        contents.custom_extensions.push(none);
    });
    scene.ask(&short_lived).await.ok();
}

/// A list that the operator puts there is asked first, and needs no network.
#[tokio::test]
async fn a_list_in_a_file_of_the_anchor_is_read() {
    let file = Scratch::of("");
    let path = file.0.clone();
    let scene =
        Scene::with(Revocation::HardFail, |anchor| anchor.crl_files = vec![path.clone()]).await;
    let shown = scene.with_responder();
    let put = |serials: &[u64]| {
        std::fs::write(&path, list(&scene.authority, serials, scene.server.trace().now())).unwrap();
    };
    put(&[]);

    scene.ask(&shown).await.ok();
    put(&[SERIAL]);
    scene.wait(60);
    scene.ask(&shown).await.refused(401, "invalid_client");

    assert_eq!(scene.responder.asked(), 0);
}

/// An operator sees it.
#[tokio::test]
async fn what_was_asked_is_counted() {
    let scene = Scene::new(Revocation::SoftFail).await;
    scene.say(|_| Status::Good);
    scene.ask(&scene.with_responder()).await.ok();
    scene.responder.hang_up();
    scene.ask(&scene.with_list()).await.ok();

    let text = scene.server.app().metrics.render(0, 0);

    for line in [
        "gatewright_revocation_checks_total{source=\"ocsp\",outcome=\"good\"} 1",
        "gatewright_revocation_checks_total{source=\"crl\",outcome=\"unreachable\"} 1",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}
