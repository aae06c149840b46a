//! Routes requests to their endpoints, and finishes every response.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::{ALLOW, CONNECTION, HOST, LOCATION};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use uuid::Uuid;

use super::{address, certificate};
use crate::pki::Certificate;
use crate::record::{Metrics, Trace};
use crate::render::request::{PathParameters, Target};
use crate::render::route::{Below, Reach};
use crate::render::words::ErrorKind;
use crate::render::{
    Bearer, Head, IntoResponse as _, Json, Kind, Page, Problem, Request, Response, Route, Site,
    cors, headers, page, site,
};
use crate::types::{Code, Failure};

/// The kind of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListenerKind {
    /// Serves all endpoints.
    Full,
    /// Requests a client certificate.
    Mtls,
    /// Plain http, only to redirect to https.
    Redirect,
}

/// The peer of a connection.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// Its address.
    pub(super) address: IpAddr,
    /// The server name of the TLS handshake (RFC 6066 §3), in lower case.
    pub(super) name: Option<String>,
    /// The kind of the listener.
    pub(super) listener: ListenerKind,
    /// The certificate that it presented in the TLS handshake, or why that cannot be parsed.
    pub(super) certificate: Result<Option<Arc<Certificate>>, &'static str>,
}

/// The endpoints by their paths. A path is compared byte by byte, without normalisation (THREATS HD-06).
#[derive(Debug)]
pub(super) struct Router {
    site: Arc<Site>,
    timeout: Duration,
    paths: matchit::Router<Arc<Route>>,
    /// Whether the log has a warning about a proxy that may be missing in `http.trusted_proxies`.
    is_forwarder_reported: AtomicBool,
}

impl Router {
    /// # Errors
    /// Two routes have the same path: a defect.
    pub(super) fn new(site: Arc<Site>, routes: Vec<Route>) -> Result<Self, Failure> {
        let mut router = matchit::Router::new();
        let base = site.app.config.issuer.path();
        for route in routes {
            let path = route.path;
            let route = Arc::new(route);
            let paths = match route.below {
                Below::Issuer => vec![format!("{base}{path}")],
                Below::Root => vec![path.to_owned()],
                Below::WellKnown => vec![format!("{base}{path}"), format!("{path}{base}")],
            };
            for path in paths {
                match router.insert(path, route.clone()) {
                    Ok(()) => {}
                    // Without a path in the issuer identifier, both forms of a well-known path are the same.
                    Err(_) if route.below == Below::WellKnown && base.is_empty() => {}
                    Err(error) => return Err(Failure::internal(error)),
                }
            }
        }
        Ok(Self {
            timeout: site::request_timeout(&site.app),
            site,
            paths: router,
            is_forwarder_reported: AtomicBool::new(false),
        })
    }

    /// The metrics.
    pub(super) fn metrics(&self) -> &Metrics {
        &self.site.app.metrics
    }

    /// The route of a path, and the values of its parameters.
    fn find(&self, path: &str) -> (Option<&Arc<Route>>, PathParameters) {
        match self.paths.at(path) {
            Ok(found) => {
                let values = found.params.iter();
                let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
                (Some(found.value), values.collect())
            }
            Err(_) => (None, Vec::new()),
        }
    }

    /// Responds to a request of this peer.
    pub(super) async fn respond(
        &self,
        peer: &Peer,
        request: axum::http::Request<Body>,
    ) -> Response {
        let begun = Instant::now();
        let (parts, body) = request.into_parts();
        let http = &self.site.app.config.http;
        let is_from_proxy = address::is_proxy(peer.address, &http.trusted_proxies);
        if !is_from_proxy {
            self.warn_of_forwarder(peer, &parts.headers);
        }
        let trace = self.trace(peer.address, &parts.headers, is_from_proxy);
        let form = http.client_certificate_header;
        let most = self.site.app.config.client_certificates.max_intermediates;
        let (certificate, misread) =
            match certificate::presented(peer, &parts.headers, form, most, is_from_proxy) {
                Ok(certificate) => (certificate, None),
                Err(why) => (None, Some(why)),
            };
        let (method, uri, headers) = (parts.method, parts.uri, parts.headers);
        let site = self.site.clone();
        let (route, parameters) = self.find(uri.path());
        let target = Target { method, uri, parameters };
        let head = Head::new(site, trace, target, headers, certificate, is_from_proxy);
        let head = Arc::new(head);
        let is_mtls = self.is_mtls(peer, &head);
        let route = route.filter(|route| !is_mtls || route.reach != Reach::Issuer);

        let mut response = match route {
            _ if let Some(why) = misread => self.invalid_certificate(peer, route, &head, why),
            _ if !has_one_host(&head, parts.version) => {
                let why = "the request has not exactly one Host (RFC 9112 section 3.2)";
                Json::from(Code::InvalidRequest.because(why)).into_response(&head)
            }
            _ if !is_directed(peer, &head) => {
                let why = "the connection was made for another host (RFC 9110 section 15.5.20)";
                Json::from(Code::Misdirected.because(why)).into_response(&head)
            }
            None if is_mtls => plain_not_found(),
            None => not_found(&head),
            Some(route)
                if peer.listener == ListenerKind::Redirect && route.reach != Reach::Plain =>
            {
                self.redirect(route, &head)
            }
            Some(route) => self.call(route, Request::new(head.clone(), body)).await,
        };
        headers::finish(&mut response, &head, peer.listener != ListenerKind::Redirect);
        if let Some(route) = route {
            cors::finish(&mut response, &head, route.kind);
        }
        log_response(&head, route, &response, begun.elapsed());
        response
    }

    /// Behind a proxy that the configuration does not name, all clients share one address. Any client can send the
    /// field, so the warning is logged once (THREATS EX-16).
    fn warn_of_forwarder(&self, peer: &Peer, headers: &HeaderMap) {
        if headers.contains_key("x-forwarded-for")
            && !self.is_forwarder_reported.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                peer = %peer.address,
                "X-Forwarded-For is ignored: it comes from an address that is not in http.trusted_proxies. If that is \
                 a proxy of yours, add it there. This is logged once"
            );
        }
    }

    /// Whether a request is for the host name that requests client certificates: it came by that listener, or from a
    /// proxy that terminates TLS. Only the endpoints of that host are served there (THREATS MT-10).
    fn is_mtls(&self, peer: &Peer, head: &Head) -> bool {
        let own = self.site.app.config.mtls.url.as_ref();
        peer.listener == ListenerKind::Mtls
            || own.is_some_and(|own| {
                let requested = authority(head);
                let port = requested.as_ref().and_then(Authority::port_u16).unwrap_or(443);
                requested.is_some_and(|requested| requested.host().eq_ignore_ascii_case(own.host()))
                    && port == own.port()
            })
    }

    /// Responds with 400 to a certificate that cannot be parsed. For gateways, 401: they treat every status except
    /// 401 and 403 as a fault, and the client of the original request may have caused this (decision 0015).
    fn invalid_certificate(
        &self,
        peer: &Peer,
        route: Option<&Arc<Route>>,
        head: &Head,
        why: &'static str,
    ) -> Response {
        let is_gateway =
            head.is_from_proxy && route.is_some_and(|route| route.kind == Kind::Gateway);
        let code = if is_gateway { Code::InvalidToken } else { Code::InvalidRequest };
        // Not the certificate itself: the operator needs to know where it came from.
        let mut refusal = code.because(why).with("peer", peer.address);
        if head.is_from_proxy {
            let form = self.site.app.config.http.client_certificate_header;
            refusal = refusal.with("client_certificate_header", form.as_str());
        }
        if is_gateway {
            Bearer::from(refusal).into_response(head)
        } else {
            Json::from(refusal).into_response(head)
        }
    }

    /// Over plain http, pages redirect to https; other endpoints refuse, because a client that is redirected would
    /// keep sending its secrets in clear text (THREATS HD-08).
    fn redirect(&self, route: &Route, head: &Head) -> Response {
        let is_read = head.method == Method::GET || head.method == Method::HEAD;
        let place = head.uri.path_and_query().map_or("/", |place| place.as_str());
        let place = format!("{}{place}", self.site.app.config.issuer.origin());
        match (route.kind, HeaderValue::from_str(&place)) {
            (Kind::Page | Kind::Console | Kind::File, Ok(place)) if is_read => {
                let mut response = Response::default();
                *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
                response.headers_mut().insert(LOCATION, place);
                response
            }
            _ => {
                let why =
                    "this address requires https: secrets that were sent over http are compromised";
                Json::from(Code::InvalidRequest.because(why)).into_response(head)
            }
        }
    }

    fn trace(&self, peer: IpAddr, headers: &HeaderMap, is_from_proxy: bool) -> Trace {
        let app = &self.site.app;
        let trusted = &app.config.http.trusted_proxies;
        Trace {
            request_id: request_id(headers, is_from_proxy),
            address: Some(address::client(peer, headers, trusted)),
            at_ms: app.clock.now_ms(),
            actor: None,
        }
    }

    async fn call(&self, route: &Route, request: Request) -> Response {
        let head = request.head.clone();
        if head.method == Method::OPTIONS
            && let Some(response) = cors::preflight(&head, route).await
        {
            return response;
        }
        if !head.is_allowed_at(route) {
            // Counted but not recorded: a page of another site can cause it.
            let why = "this page may not be prefetched or embedded in another page";
            return Json::plain(StatusCode::FORBIDDEN, Code::AccessDenied, why);
        }
        let Some(response) = route.call(request) else {
            return method_not_allowed(&head, route);
        };
        // A panic fails one request, not the process (THREATS DO-06).
        let response = self.metrics().supervisor().contain("request", response);
        match tokio::time::timeout(self.timeout, response).await {
            Ok(Some(response)) => response,
            Ok(None) => failure(&head, route, Failure::internal("a handler panicked")),
            Err(_) => {
                let late = Failure::Busy("the request took longer than http.request_timeout");
                let mut response = failure(&head, route, late);
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                response
            }
        }
    }
}

/// The request id from a trusted proxy, if it consists of harmless characters; else a new one.
fn request_id(headers: &HeaderMap, is_from_proxy: bool) -> String {
    let presented = headers.get(&headers::X_REQUEST_ID).and_then(|id| id.to_str().ok());
    let is_id = |id: &&str| {
        (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    match presented.filter(is_id) {
        Some(id) if is_from_proxy => id.to_owned(),
        Some(_) | None => Uuid::now_v7().to_string(),
    }
}

/// > A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that
/// > lacks a Host header field and to any request message that contains more than one Host header field
/// > line (RFC 9112 §3.2)
///
/// Its value does not matter here: the issuer and all links come from the configuration (THREATS HD-01).
fn has_one_host(head: &Head, version: Version) -> bool {
    let mut hosts = head.headers.get_all(HOST).iter();
    (hosts.next().is_some() || version == Version::HTTP_10) && hosts.next().is_none()
}

/// The host of a request: from the request target if it contains one (RFC 9112 §3.2.2), else from `Host`. `None`:
/// there is none, or it cannot be parsed.
fn authority(head: &Head) -> Option<Authority> {
    let of_header = || Authority::try_from(head.headers.get(HOST)?.as_bytes()).ok();
    head.uri.authority().cloned().or_else(of_header)
}

/// > The 421 (Misdirected Request) status code indicates that the request was directed at a server that is
/// > unable or unwilling to produce an authoritative response for the target URI (RFC 9110 §15.5.20)
///
/// A client must not use a connection for another host name than that of the handshake, because the client
/// certificate, or its absence, was negotiated for that name.
fn is_directed(peer: &Peer, head: &Head) -> bool {
    let is_requested = |name: &String| {
        authority(head).is_some_and(|authority| authority.host().eq_ignore_ascii_case(name))
    };
    peer.name.as_ref().is_none_or(is_requested)
}

/// 404. Counted but not recorded, because scanners cause many.
fn not_found(head: &Head) -> Response {
    if head.wants_page() {
        return page::plain(head, StatusCode::NOT_FOUND, ErrorKind::NotFound, Code::NotFound);
    }
    plain_not_found()
}

fn plain_not_found() -> Response {
    Json::plain(StatusCode::NOT_FOUND, Code::NotFound, "there is no resource at this address")
}

/// 405.
fn method_not_allowed(head: &Head, route: &Route) -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let mut response = if matches!(route.kind, Kind::Page | Kind::Console) && head.wants_page() {
        page::plain(head, status, ErrorKind::BadRequest, Code::InvalidRequest)
    } else {
        let why = "this address does not support this method";
        match route.kind {
            Kind::Api => Problem::plain(head, status, Code::InvalidRequest, why),
            Kind::Document
            | Kind::Machine
            | Kind::Page
            | Kind::File
            | Kind::Probe
            | Kind::Gateway
            | Kind::Console => Json::plain(status, Code::InvalidRequest, why),
        }
    };
    if let Ok(allow) = HeaderValue::from_str(&route.allow()) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// The response to a failure outside of the handler.
fn failure(head: &Head, route: &Route, failure: Failure) -> Response {
    match route.kind {
        Kind::Page | Kind::Console => Page::from(failure).into_response(head),
        Kind::Document | Kind::Machine | Kind::File | Kind::Probe | Kind::Gateway => {
            Json::from(failure).into_response(head)
        }
        Kind::Api => Problem::from(failure).into_response(head),
    }
}

/// Counts and logs a response. Of the URI only the route, because a query may contain secrets (THREATS LG-05).
/// Successful responses are logged at level debug: a line would cost as much as issuing a token.
fn log_response(head: &Head, route: Option<&Arc<Route>>, response: &Response, took: Duration) {
    let path = route.map_or("unknown", |route| route.path);
    let status = response.status().as_u16();
    head.app().metrics.request_completed(path, status, took.as_secs_f64());
    macro_rules! log {
        ($level:ident) => {
            tracing::$level!(
                target: "gatewright::access",
                request_id = %head.trace.request_id,
                method = %head.method,
                path,
                status,
                us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                "answered"
            )
        };
    }
    if status < 400 { log!(debug) } else { log!(info) }
}
