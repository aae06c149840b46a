//! A request as passed to a handler.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE, AsHeaderName, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, Uri};

use super::layout::Layout;
use super::site::Site;
use super::words::{self, Words};
use crate::app::App;
use crate::flow::Call;
use crate::flow::tokens::possession::Possession;
use crate::pki::Certificate;
use crate::record::Trace;
use crate::types::{Client, Params, Refusal};

/// The parameters of a route: their names and their values in the path.
pub type PathParameters = Vec<(String, String)>;

/// What a request asks for.
#[derive(Debug)]
pub struct Target {
    /// The method.
    pub method: Method,
    /// The target.
    pub uri: Uri,
    /// The values of the parameters of the route.
    pub parameters: PathParameters,
}

/// A request without its body, available until the response is complete.
#[derive(Debug)]
pub struct Head {
    /// The application and its appearance.
    pub site: Arc<Site>,
    /// The request id, the address of the client and the time.
    pub trace: Trace,
    /// The method.
    pub method: Method,
    /// The target.
    pub uri: Uri,
    /// The values of the parameters of the route.
    parameters: PathParameters,
    /// The header fields.
    pub headers: HeaderMap,
    /// The client certificate of the connection.
    pub certificate: Option<Arc<Certificate>>,
    /// Whether the connection comes from one of `http.trusted_proxies`.
    pub is_from_proxy: bool,
    /// Whether a script may read the response: its client is authenticated and allows its origin.
    is_origin_allowed: AtomicBool,
    /// The nonce for the client's next DPoP proof.
    dpop_nonce: OnceLock<HeaderValue>,
}

impl Head {
    /// The head of a request that was just received.
    pub fn new(
        site: Arc<Site>,
        trace: Trace,
        Target { method, uri, parameters }: Target,
        headers: HeaderMap,
        certificate: Option<Arc<Certificate>>,
        is_from_proxy: bool,
    ) -> Self {
        let (is_origin_allowed, dpop_nonce) = (AtomicBool::new(false), OnceLock::new());
        Self {
            site,
            trace,
            method,
            uri,
            parameters,
            headers,
            certificate,
            is_from_proxy,
            is_origin_allowed,
            dpop_nonce,
        }
    }

    /// The dependencies of handlers.
    pub fn app(&self) -> &App {
        &self.site.app
    }

    /// The dependencies of the protocol rules, for this request.
    pub fn call(&self) -> Call<'_> {
        let possession = Possession { certificate: self.certificate.clone(), proof: None };
        Call { possession, ..self.app().call(&self.trace) }
    }

    /// The parameters of the query.
    ///
    /// # Errors
    /// `invalid_request` for a malformed query.
    pub fn query(&self) -> Result<Params, Refusal> {
        Params::parse(self.uri.query().unwrap_or_default())
    }

    /// A header field as text; `None` if it is repeated.
    pub fn text(&self, name: impl AsHeaderName) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next().filter(|_| values.next().is_none());
        first.and_then(|value| value.to_str().ok())
    }

    /// A header field that is searched or displayed, with any bytes; several lines are one list (RFC 9110 §5.3).
    pub fn list(&self, name: impl AsHeaderName) -> String {
        let lines: Vec<_> = self.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        String::from_utf8_lossy(&lines.join(b", ".as_slice())).into_owned()
    }

    /// The value of a parameter of the route: of `{name}` in its path. It is not decoded, so `%2e%2e` is a value that
    /// matches nothing.
    pub fn parameter(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The shared texts in the language of the user.
    pub fn words(&self) -> &'static Words {
        let query = self.query().unwrap_or_default();
        self.words_for(query.one("ui_locales").ok().flatten())
    }

    /// The same with the `ui_locales` of an application. A language that the user has chosen on a page comes first.
    pub(super) fn words_for(&self, ui_locales: Option<&str>) -> &'static Words {
        let preferred = || words::choose(ui_locales, Some(&self.list(ACCEPT_LANGUAGE)));
        self.chosen_words().unwrap_or_else(preferred)
    }

    /// The data of every page.
    pub fn layout(&self, words: &'static Words) -> Layout<'_> {
        let place = Some(self.place());
        Layout { look: &self.site.look, words, now: self.trace.now(), place }
    }

    /// Logs and records a refusal whose response is the form again.
    pub fn report(&self, refusal: &Refusal) {
        let app = self.app();
        app.metrics.refused(refusal.code);
        app.recorder.refused(refusal, &self.trace);
    }

    /// Whether the client accepts HTML: a user reads the response.
    pub fn wants_page(&self) -> bool {
        self.list(ACCEPT).contains("text/html")
    }

    /// Lets a script read the response, if its origin is one of this authenticated client's (DESIGN §4).
    pub fn allow_origin_of(&self, client: &Client) {
        if let Some(origin) = self.text(ORIGIN)
            && client.metadata.gw_allowed_origins.iter().any(|allowed| allowed == origin)
        {
            self.is_origin_allowed.store(true, Ordering::Relaxed);
        }
    }

    /// Adds the nonce for the client's next DPoP proof to the response, whatever its status.
    pub fn set_dpop_nonce(&self, nonce: &str) {
        if let Ok(nonce) = HeaderValue::from_str(nonce) {
            self.dpop_nonce.get_or_init(|| nonce);
        }
    }

    /// The value of `DPoP-Nonce`.
    pub(super) fn dpop_nonce(&self) -> Option<&HeaderValue> {
        self.dpop_nonce.get()
    }

    /// The origin of the script that may read the response.
    pub(super) fn allowed_origin(&self) -> Option<&HeaderValue> {
        let is_allowed = self.is_origin_allowed.load(Ordering::Relaxed);
        self.headers.get(ORIGIN).filter(|_| is_allowed)
    }
}

/// A request.
#[derive(Debug)]
pub struct Request {
    /// The request without its body.
    pub head: Arc<Head>,
    pub(super) body: Body,
}

impl Request {
    /// A request with this body.
    pub fn new(head: Arc<Head>, body: Body) -> Self {
        Self { head, body }
    }

    /// The dependencies of the protocol rules, for this request.
    pub fn call(&self) -> Call<'_> {
        self.head.call()
    }
}
