//! What the connections of some jobs do: requests that depend on earlier responses, or on the connection.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright::types::Digest;

use crate::jobs::request;
use crate::load::{Response, Step, TlsTarget, Work, Worker, between};
use crate::seed::{Application, REDIRECT_URI, SCOPE, Seeded};

/// Requests tokens over mutual TLS; each connection is another client.
pub(crate) struct MutualTlsWorker {
    request: Vec<u8>,
    tls: TlsTarget,
}

impl MutualTlsWorker {
    /// This many, with a handshake per request or not.
    pub(crate) fn all(seeded: &Seeded, count: usize, per_request: bool) -> Vec<Worker> {
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
pub(crate) struct RefreshWorker {
    basic: String,
    /// The current tokens of all workers, kept between rounds: a used token must not be presented again.
    tokens: Rc<RefCell<Vec<String>>>,
    own: Range<usize>,
    next: usize,
}

impl RefreshWorker {
    /// This many, each with its share of the sessions or tokens.
    pub(crate) fn all(application: &Application, count: usize) -> Vec<Worker> {
        let all = application.refresh.borrow().len();
        (0..count)
            .map(|number| all * number / count..all * (number + 1) / count)
            .map(|own| {
                let basic = application.credentials.basic();
                let tokens = application.refresh.clone();
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
pub(crate) struct CodeFlowWorker {
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
    /// This many, each with its share of the sessions or tokens.
    pub(crate) fn all(application: &Application, count: usize) -> Vec<Worker> {
        let share = application.cookies.len().div_ceil(count).max(1);
        let of = |cookies: &[String]| -> Worker {
            Box::new(Self {
                basic: application.credentials.basic(),
                client_id: application.credentials.id.clone(),
                cookie_name: application.session_cookie.clone(),
                cookies: cookies.to_vec(),
                next: 0,
                code: None,
            })
        };
        application.cookies.chunks(share).map(of).collect()
    }
}

/// The name of the session cookie of this issuer, without TLS.
pub(crate) fn session_cookie(issuer: &str) -> String {
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
