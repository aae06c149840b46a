//! The measured jobs: each is what a client or a browser does.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gatewright::types::Digest;

use crate::limits::Limit;
use crate::load::{Response, Step, TlsTarget, Work, Worker, between};
use crate::proofs;
use crate::seed::{Credentials, REDIRECT_URI, SCOPE, Seeded};
use crate::server::NOOP;

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    NoopGet,
    NoopPost,
    Discovery,
    Jwks,
    ClientCredentials,
    DpopClientCredentials,
    /// Over mutual TLS.
    MutualTls,
    /// Over mutual TLS, with a handshake per request.
    Handshakes,
    IntrospectJwt,
    IntrospectOpaque,
    UserInfo,
    Refresh,
    CodeFlow,
}

/// The rate that a job is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Baseline {
    /// That of the no-op.
    Noop,
    /// That of the no-op and these operations in sequence.
    NoopAnd(&'static [Limit]),
    /// That of this operation.
    Alone(Limit),
    /// That of another job.
    Job(Job),
}

impl Job {
    /// The jobs of the table, in its order.
    pub(crate) const ALL: [Self; 11] = [
        Self::Discovery,
        Self::Jwks,
        Self::ClientCredentials,
        Self::DpopClientCredentials,
        Self::MutualTls,
        Self::Handshakes,
        Self::IntrospectJwt,
        Self::IntrospectOpaque,
        Self::UserInfo,
        Self::Refresh,
        Self::CodeFlow,
    ];

    /// The name in the report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NoopGet => "no-op GET",
            Self::NoopPost => "no-op POST",
            Self::Discovery => "discovery",
            Self::Jwks => "JWKS",
            Self::ClientCredentials => "client credentials, ES256 JWT",
            Self::DpopClientCredentials => "DPoP client credentials, ES256",
            Self::MutualTls => "client credentials, ES256 JWT, mutual TLS",
            Self::Handshakes => "the same with a handshake each",
            Self::IntrospectJwt => "introspection of a JWT",
            Self::IntrospectOpaque => "introspection of an opaque token",
            Self::UserInfo => "userinfo",
            Self::Refresh => "refresh with rotation",
            Self::CodeFlow => "code flow, session live",
        }
    }

    /// The no-op with the same method.
    pub(crate) const fn noop(self) -> Self {
        match self {
            Self::NoopGet | Self::Discovery | Self::Jwks => Self::NoopGet,
            Self::NoopPost
            | Self::ClientCredentials
            | Self::DpopClientCredentials
            | Self::MutualTls
            | Self::Handshakes
            | Self::IntrospectJwt
            | Self::IntrospectOpaque
            | Self::UserInfo
            | Self::Refresh
            | Self::CodeFlow => Self::NoopPost,
        }
    }

    /// The baseline, and the share of it that is the target.
    pub(crate) const fn target(self) -> (Baseline, f64) {
        const VERIFIED: Baseline = Baseline::NoopAnd(&[Limit::VerifyEs256, Limit::Select]);
        const PROVEN: Baseline =
            Baseline::NoopAnd(&[Limit::SignEs256, Limit::VerifyEs256, Limit::Commit]);
        match self {
            Self::NoopGet | Self::NoopPost => (Baseline::Noop, 1.0),
            Self::Discovery | Self::Jwks => (Baseline::Noop, 0.85),
            Self::ClientCredentials => (Baseline::NoopAnd(&[Limit::SignEs256]), 0.6),
            Self::DpopClientCredentials => (PROVEN, 0.6),
            Self::MutualTls => (Baseline::Job(Self::ClientCredentials), 0.85),
            Self::Handshakes => (Baseline::Alone(Limit::Handshake), 0.7),
            Self::IntrospectJwt | Self::UserInfo => (VERIFIED, 0.7),
            Self::IntrospectOpaque => (Baseline::Noop, 0.15),
            Self::Refresh => (Baseline::Alone(Limit::Commit), 0.4),
            Self::CodeFlow => (Baseline::Alone(Limit::Commit), 0.15),
        }
    }

    /// The target for p99 at half of the measured throughput, in milliseconds.
    pub(crate) const fn max_p99_ms(self) -> f64 {
        match self {
            Self::DpopClientCredentials | Self::Refresh | Self::CodeFlow => 40.0,
            Self::NoopGet
            | Self::NoopPost
            | Self::Discovery
            | Self::Jwks
            | Self::ClientCredentials
            | Self::MutualTls
            | Self::Handshakes
            | Self::IntrospectJwt
            | Self::IntrospectOpaque
            | Self::UserInfo => 5.0,
        }
    }

    /// How long it runs before it is measured.
    pub(crate) fn warm_up(self, shortest: Duration) -> Duration {
        // The first refresh of a session within a minute also writes its last use: without the warm-up, the
        // first round would write twice.
        if self == Self::Refresh { shortest.max(Duration::from_secs(5)) } else { shortest }
    }

    /// The workers, each with its share of the tokens, grants or clients.
    pub(crate) fn workers(self, seeded: &Seeded, count: usize) -> Vec<Worker> {
        let basic = seeded.web.basic();
        let post = |path: &str, form: &str| request("POST", path, &basic, form);
        let requests: Vec<Vec<u8>> = match self {
            Self::NoopGet => vec![request("GET", NOOP, "", "")],
            Self::NoopPost => {
                let padding = "n".repeat(80);
                let form = format!("grant_type=client_credentials&scope=read&state={padding}");
                seeded
                    .services
                    .iter()
                    .map(|one| request("POST", NOOP, &one.basic(), &form))
                    .collect()
            }
            Self::Discovery => vec![request("GET", "/.well-known/openid-configuration", "", "")],
            Self::Jwks => vec![request("GET", "/jwks", "", "")],
            Self::ClientCredentials => {
                let form = "grant_type=client_credentials&scope=read";
                let of = |one: &Credentials| request("POST", "/token", &one.basic(), form);
                seeded.services.iter().map(of).collect()
            }
            Self::DpopClientCredentials => {
                let services = seeded.services.iter().map(Credentials::basic).collect();
                return proofs::all(seeded, services, count);
            }
            Self::IntrospectJwt => {
                let of = |token: &String| post("/introspect", &format!("token={token}"));
                seeded.access.iter().map(of).collect()
            }
            Self::IntrospectOpaque => {
                let of = |token: &String| post("/introspect", &format!("token={token}"));
                seeded.opaque.iter().map(of).collect()
            }
            Self::UserInfo => {
                let of = |token: &String| {
                    request("GET", "/userinfo", &format!("authorization: Bearer {token}\r\n"), "")
                };
                seeded.access.iter().map(of).collect()
            }
            Self::MutualTls => return MutualTlsWorker::all(seeded, count, false),
            Self::Handshakes => return MutualTlsWorker::all(seeded, count, true),
            Self::Refresh => return RefreshWorker::all(seeded, count),
            Self::CodeFlow => return CodeFlowWorker::all(seeded, count),
        };
        let expected = match self {
            Self::IntrospectJwt | Self::IntrospectOpaque => "\"active\":true",
            Self::ClientCredentials => "\"access_token\":\"ey",
            Self::UserInfo => "\"sub\":",
            Self::NoopGet | Self::NoopPost => "nothing",
            Self::Discovery => "\"issuer\":",
            Self::Jwks => "\"keys\":",
            Self::DpopClientCredentials
            | Self::MutualTls
            | Self::Handshakes
            | Self::Refresh
            | Self::CodeFlow => "",
        };
        let requests = Rc::new(requests);
        let share = |number| requests.len() * number / count;
        (0..count)
            .map(|number| {
                let next = share(number);
                Box::new(FixedRequests { requests: requests.clone(), next, expected }) as Worker
            })
            .collect()
    }
}

impl Credentials {
    /// RFC 6749 §2.3.1.
    fn basic(&self) -> String {
        let encoded = STANDARD.encode(format!("{}:{}", self.id, self.secret));
        format!("authorization: Basic {encoded}\r\n")
    }
}

/// A request, with a form if it is not empty.
pub(crate) fn request(method: &str, path: &str, headers: &str, form: &str) -> Vec<u8> {
    let body = if form.is_empty() {
        String::new()
    } else {
        let length = form.len();
        format!("content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n")
    };
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\nuser-agent: bench\r\n{headers}{body}\r\n{form}"
    )
    .into_bytes()
}

/// Requests that do not depend on earlier responses.
struct FixedRequests {
    requests: Rc<Vec<Vec<u8>>>,
    next: usize,
    expected: &'static str,
}

impl Work for FixedRequests {
    fn write_request(&mut self, request: &mut Vec<u8>) {
        request.extend_from_slice(self.requests.get(self.next).map_or(&[], Vec::as_slice));
        self.next = (self.next + 1) % self.requests.len();
    }

    fn read_response(&mut self, response: &Response<'_>) -> Result<Step> {
        response.must_be(200)?;
        ensure!(response.body.contains(self.expected), "an unexpected response: {}", response.body);
        Ok(Step::Done)
    }
}

/// Requests tokens over mutual TLS; each connection is another client.
struct MutualTlsWorker {
    request: Vec<u8>,
    tls: TlsTarget,
}

impl MutualTlsWorker {
    fn all(seeded: &Seeded, count: usize, per_request: bool) -> Vec<Worker> {
        let certified = seeded.certified.iter().cycle().take(count);
        let of = |(id, tls): &(String, TlsTarget)| -> Worker {
            let form = format!("grant_type=client_credentials&scope=read&client_id={id}");
            Box::new(Self {
                request: request("POST", "/token", "", &form),
                tls: TlsTarget { per_request, ..tls.clone() },
            })
        };
        certified.map(of).collect()
    }
}

impl Work for MutualTlsWorker {
    fn write_request(&mut self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.request);
    }

    fn read_response(&mut self, response: &Response<'_>) -> Result<Step> {
        response.must_be(200)?;
        ensure!(response.body.contains("\"access_token\":\"ey"), "no token: {}", response.body);
        Ok(Step::Done)
    }

    fn tls(&self) -> Option<TlsTarget> {
        Some(self.tls.clone())
    }
}

/// Rotates its share of the refresh tokens, one after another.
struct RefreshWorker {
    basic: String,
    /// The current tokens of all workers, kept between rounds: a used token must not be presented again.
    tokens: Rc<RefCell<Vec<String>>>,
    own: Range<usize>,
    next: usize,
}

impl RefreshWorker {
    fn all(seeded: &Seeded, count: usize) -> Vec<Worker> {
        let all = seeded.refresh.borrow().len();
        (0..count)
            .map(|number| all * number / count..all * (number + 1) / count)
            .map(|own| {
                let (basic, tokens) = (seeded.web.basic(), seeded.refresh.clone());
                Box::new(Self { basic, tokens, next: own.start, own }) as Worker
            })
            .collect()
    }
}

impl Work for RefreshWorker {
    fn write_request(&mut self, bytes: &mut Vec<u8>) {
        let tokens = self.tokens.borrow();
        let token = tokens.get(self.next).map_or("", String::as_str);
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        bytes.extend(request("POST", "/token", &self.basic, &form));
    }

    fn read_response(&mut self, response: &Response<'_>) -> Result<Step> {
        response.must_be(200)?;
        ensure!(response.body.contains("\"id_token\":\"ey"), "no ID token: {}", response.body);
        let next =
            between(response.body, "\"refresh_token\":\"", "\"").context("no refresh token")?;
        if let Some(token) = self.tokens.borrow_mut().get_mut(self.next) {
            next.clone_into(token);
        }
        self.next = if self.next + 1 < self.own.end { self.next + 1 } else { self.own.start };
        Ok(Step::Done)
    }
}

/// The code flow in a browser with a session: authorize, then redeem.
struct CodeFlowWorker {
    basic: String,
    client_id: String,
    cookie_name: String,
    cookies: Vec<String>,
    next: usize,
    code: Option<String>,
}

/// RFC 7636 §4.1; every flow uses the same one.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

impl CodeFlowWorker {
    fn all(seeded: &Seeded, count: usize) -> Vec<Worker> {
        let share = seeded.cookies.len().div_ceil(count).max(1);
        let of = |cookies: &[String]| -> Worker {
            Box::new(Self {
                basic: seeded.web.basic(),
                client_id: seeded.web.id.clone(),
                cookie_name: session_cookie(&seeded.issuer),
                cookies: cookies.to_vec(),
                next: 0,
                code: None,
            })
        };
        seeded.cookies.chunks(share).map(of).collect()
    }
}

/// The name of the session cookie of this issuer, without TLS.
fn session_cookie(issuer: &str) -> String {
    let Digest([a, b, c, d, ..]) = Digest::of(issuer.as_bytes());
    format!("gatewright-session-{a:02x}{b:02x}{c:02x}{d:02x}")
}

/// Percent-encodes the characters that occur in the values used here.
fn encoded(text: &str) -> String {
    text.replace(':', "%3A").replace('/', "%2F").replace(' ', "+")
}

impl Work for CodeFlowWorker {
    fn write_request(&mut self, bytes: &mut Vec<u8>) {
        let redirect_uri = encoded(REDIRECT_URI);
        if let Some(code) = &self.code {
            let form = format!(
                "grant_type=authorization_code&code={code}&redirect_uri={redirect_uri}&code_verifier={VERIFIER}"
            );
            bytes.extend(request("POST", "/token", &self.basic, &form));
            return;
        }
        let challenge = URL_SAFE_NO_PAD.encode(Digest::of(VERIFIER.as_bytes()).0);
        let (client_id, scope) = (&self.client_id, encoded(SCOPE));
        let path = format!(
            "/authorize?response_type=code&client_id={client_id}&redirect_uri={redirect_uri}&scope={scope}&state=af0ifjsldkj&nonce=n-0S6_WzA2Mj&code_challenge={challenge}&code_challenge_method=S256"
        );
        let cookie = self.cookies.get(self.next).map_or("", String::as_str);
        self.next = (self.next + 1) % self.cookies.len();
        bytes.extend(request(
            "GET",
            &path,
            &format!("cookie: {}={cookie}\r\n", self.cookie_name),
            "",
        ));
    }

    fn read_response(&mut self, response: &Response<'_>) -> Result<Step> {
        if self.code.take().is_some() {
            response.must_be(200)?;
            ensure!(response.body.contains("\"id_token\":\"ey"), "no ID token: {}", response.body);
            return Ok(Step::Done);
        }
        let code = between(response.head, "code=", "&").context("no code");
        let code = code.with_context(|| format!("{} {}", response.head, response.body))?;
        self.code = Some(code.to_owned());
        Ok(Step::More)
    }
}

/// Signs in with a password, each time as another user.
pub(crate) struct SignInWorker {
    next: usize,
    /// The browser cookie and the form token of the sign-in page.
    page: Option<(String, String)>,
}

impl SignInWorker {
    /// This many browsers.
    pub(crate) fn all(count: usize) -> Vec<Worker> {
        (0..count).map(|number| Box::new(Self { next: number, page: None }) as Worker).collect()
    }
}

impl Work for SignInWorker {
    fn write_request(&mut self, bytes: &mut Vec<u8>) {
        let Some((cookie, csrf)) = &self.page else {
            bytes.extend(request("GET", "/login", "accept-language: en\r\n", ""));
            return;
        };
        let user = self.next % 1000;
        self.next += 16;
        let password = encoded(crate::seed::PASSWORD);
        let form = format!("identifier=user{user}&password={password}&csrf={csrf}");
        let headers = format!("cookie: {cookie}\r\nsec-fetch-site: same-origin\r\n");
        bytes.extend(request("POST", "/login", &headers, &form));
    }

    fn read_response(&mut self, response: &Response<'_>) -> Result<Step> {
        if self.page.is_some() {
            response.must_be(303)?;
            ensure!(response.head.contains("gatewright-session-"), "no session: {}", response.head);
            return Ok(Step::Done);
        }
        response.must_be(200)?;
        let cookie = between(response.head, "set-cookie: ", ";").context("no cookie")?;
        let field = between(response.body, "name=\"csrf\"", ">").context("no token in the form")?;
        let csrf = between(field, "value=\"", "\"").context("no value of the token")?;
        self.page = Some((cookie.to_owned(), csrf.to_owned()));
        Ok(Step::More)
    }
}
