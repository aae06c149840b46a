//! The measured jobs: each is what a client or a browser does.

use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::first_use;
use crate::limits::Limit;
use crate::load::{Response, Step, Work, Worker};
use crate::proofs;
use crate::seed::{Application, Credentials, Seeded};
use crate::server::NOOP;
use crate::workers::{CodeFlowWorker, MutualTlsWorker, RefreshWorker};

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
    /// Of a JWT that the server has not seen before.
    IntrospectNewJwt,
    IntrospectOpaque,
    UserInfo,
    /// With a JWT that the server has not seen before.
    UserInfoNewJwt,
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
    pub(crate) const ALL: [Self; 13] = [
        Self::Discovery,
        Self::Jwks,
        Self::ClientCredentials,
        Self::DpopClientCredentials,
        Self::MutualTls,
        Self::Handshakes,
        Self::IntrospectJwt,
        Self::IntrospectNewJwt,
        Self::IntrospectOpaque,
        Self::UserInfo,
        Self::UserInfoNewJwt,
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
            Self::IntrospectNewJwt => "introspection of a JWT, first seen",
            Self::IntrospectOpaque => "introspection of an opaque token",
            Self::UserInfo => "userinfo",
            Self::UserInfoNewJwt => "userinfo, token first seen",
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
            | Self::IntrospectNewJwt
            | Self::IntrospectOpaque
            | Self::UserInfo
            | Self::UserInfoNewJwt
            | Self::Refresh
            | Self::CodeFlow => Self::NoopPost,
        }
    }

    /// The baseline, and the share of it that is the target.
    pub(crate) const fn target(self) -> (Baseline, f64) {
        const CACHED: Baseline = Baseline::NoopAnd(&[Limit::Select]);
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
            Self::IntrospectJwt | Self::UserInfo => (CACHED, 0.6),
            Self::IntrospectNewJwt | Self::UserInfoNewJwt => (VERIFIED, 0.7),
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
            | Self::IntrospectNewJwt
            | Self::IntrospectOpaque
            | Self::UserInfo
            | Self::UserInfoNewJwt => 5.0,
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
        let basic = seeded.web.credentials.basic();
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
            Self::IntrospectNewJwt => {
                let present = first_use::introspection(basic);
                return first_use::workers(&seeded.issuer, &present, ACTIVE, count);
            }
            Self::UserInfoNewJwt => {
                let present = first_use::user_info();
                return first_use::workers(&seeded.issuer, &present, SUBJECT, count);
            }
            Self::Refresh | Self::CodeFlow => return self.workers_of(&seeded.web, count),
        };
        let expected = match self {
            Self::IntrospectJwt | Self::IntrospectOpaque => ACTIVE,
            Self::ClientCredentials => "\"access_token\":\"ey",
            Self::UserInfo => SUBJECT,
            Self::NoopGet | Self::NoopPost => "nothing",
            Self::Discovery => "\"issuer\":",
            Self::Jwks => "\"keys\":",
            Self::DpopClientCredentials
            | Self::MutualTls
            | Self::Handshakes
            | Self::IntrospectNewJwt
            | Self::UserInfoNewJwt
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

    /// The workers of a job that needs only an application, which may be one of another server.
    pub(crate) fn workers_of(self, application: &Application, count: usize) -> Vec<Worker> {
        match self {
            Self::Refresh => RefreshWorker::all(application, count),
            Self::CodeFlow => CodeFlowWorker::all(application, count),
            Self::NoopGet
            | Self::NoopPost
            | Self::Discovery
            | Self::Jwks
            | Self::ClientCredentials
            | Self::DpopClientCredentials
            | Self::MutualTls
            | Self::Handshakes
            | Self::IntrospectJwt
            | Self::IntrospectNewJwt
            | Self::IntrospectOpaque
            | Self::UserInfo
            | Self::UserInfoNewJwt => Vec::new(),
        }
    }
}

/// In the response to the introspection of a valid token.
const ACTIVE: &str = "\"active\":true";

/// In the response of the userinfo endpoint.
const SUBJECT: &str = "\"sub\":";

impl Credentials {
    /// RFC 6749 §2.3.1.
    pub(crate) fn basic(&self) -> String {
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
        response.must_contain(self.expected)?;
        Ok(Step::Done)
    }
}
