//! A request, as a handler is given it.

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
use crate::flow::tokens::possession::Held;
use crate::pki::Certificate;
use crate::record::Trace;
use crate::types::{Client, Params, Refusal};

/// All of a request but its body; it is still there when the answer is made.
#[derive(Debug)]
pub struct Head {
    /// What answers are made with.
    pub site: Arc<Site>,
    /// What the request is called, and where it comes from.
    pub trace: Trace,
    /// Its method.
    pub method: Method,
    /// Its target.
    pub uri: Uri,
    /// Its header fields.
    pub headers: HeaderMap,
    /// The client certificate that it came with.
    pub certificate: Option<Arc<Certificate>>,
    /// Whether it comes from one of `http.trusted_proxies`, by the connection itself.
    pub is_from_proxy: bool,
    /// Whether the script that asks may read the answer: its client is proven and allows its origin.
    is_origin_allowed: AtomicBool,
    /// The nonce that the next DPoP proof of whoever asks has to have.
    dpop_nonce: OnceLock<HeaderValue>,
}

impl Head {
    /// The head of a request that has just come.
    pub fn new(
        site: Arc<Site>,
        trace: Trace,
        method: Method,
        uri: Uri,
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
            headers,
            certificate,
            is_from_proxy,
            is_origin_allowed,
            dpop_nonce,
        }
    }

    /// What a handler may reach.
    pub fn app(&self) -> &App {
        &self.site.app
    }

    /// The parameters of the query.
    ///
    /// # Errors
    /// `invalid_request` for one that cannot be read.
    pub fn query(&self) -> Result<Params, Refusal> {
        Params::parse(self.uri.query().unwrap_or_default())
    }

    /// A header field that is text; nothing where it stands there twice.
    pub fn text(&self, name: impl AsHeaderName) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next().filter(|_| values.next().is_none());
        first.and_then(|value| value.to_str().ok())
    }

    /// A header field that is looked through or shown, whatever bytes are in it; one that stands there in
    /// several lines is one list (RFC 9110 §5.3).
    pub fn list(&self, name: impl AsHeaderName) -> String {
        let lines: Vec<_> = self.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        String::from_utf8_lossy(&lines.join(b", ".as_slice())).into_owned()
    }

    /// The last segment of the path, where the route ends with a name in braces. As it stands there:
    /// nothing is decoded, so `%2e%2e` is just a name that nothing has.
    pub fn segment(&self) -> &str {
        self.uri.path().rsplit('/').next().unwrap_or_default()
    }

    /// The words of the reader's language.
    pub fn words(&self) -> &'static Words {
        let query = self.query().unwrap_or_default();
        self.words_for(query.one("ui_locales").ok().flatten())
    }

    /// The same where an application has named languages (`ui_locales`): a person who has chosen one on a
    /// page of ours is heard before it.
    pub(super) fn words_for(&self, ui_locales: Option<&str>) -> &'static Words {
        let others = || words::choose(ui_locales, Some(&self.list(ACCEPT_LANGUAGE)));
        self.chosen_words().unwrap_or_else(others)
    }

    /// What every page carries.
    pub fn layout(&self, words: &'static Words) -> Layout<'_> {
        let place = Some(self.place());
        Layout { look: &self.site.look, words, now: self.trace.now(), place }
    }

    /// Logs and records a refusal that is answered with the same form again.
    pub fn note(&self, refusal: &Refusal) {
        let app = self.app();
        app.metrics.refused(refusal.code);
        app.recorder.refused(refusal, &self.trace);
    }

    /// Whether a person reads the answer.
    pub fn wants_page(&self) -> bool {
        self.list(ACCEPT).contains("text/html")
    }

    /// Lets the script that asks read the answer, if its origin is one of this client's, which the
    /// request has proven (DESIGN §4).
    pub fn allow_origin_of(&self, client: &Client) {
        if let Some(origin) = self.text(ORIGIN)
            && client.metadata.gw_allowed_origins.iter().any(|allowed| allowed == origin)
        {
            self.is_origin_allowed.store(true, Ordering::Relaxed);
        }
    }

    /// Tells whoever asks, with whatever answer, the nonce that their next DPoP proof has to have.
    pub fn give_dpop_nonce(&self, nonce: &str) {
        if let Ok(nonce) = HeaderValue::from_str(nonce) {
            self.dpop_nonce.get_or_init(|| nonce);
        }
    }

    /// `DPoP-Nonce`
    pub(super) fn dpop_nonce(&self) -> Option<&HeaderValue> {
        self.dpop_nonce.get()
    }

    /// The origin of the script that may read the answer.
    pub(super) fn allowed_origin(&self) -> Option<&HeaderValue> {
        let is_allowed = self.is_origin_allowed.load(Ordering::Relaxed);
        self.headers.get(ORIGIN).filter(|_| is_allowed)
    }
}

/// A request.
#[derive(Debug)]
pub struct Request {
    /// All but the body.
    pub head: Arc<Head>,
    pub(super) body: Body,
}

impl Request {
    /// A request with this body.
    pub fn new(head: Arc<Head>, body: Body) -> Self {
        Self { head, body }
    }

    /// What the rules may reach.
    pub fn call(&self) -> Call<'_> {
        let held = Held { certificate: self.head.certificate.clone(), proof: None };
        Call { held, ..self.head.app().call(self.head.trace.clone()) }
    }
}
