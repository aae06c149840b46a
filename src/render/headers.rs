//! The header fields of every response, errors included (THREATS M7).

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};

use super::Response;
use super::request::Head;

/// The request id, in requests and responses.
pub static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The nonce for the next DPoP proof: RFC 9449 §8.
static DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The default fields of a response.
static DEFAULTS: [(HeaderName, HeaderValue); 7] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // With no-referrer, browsers would send `Origin: null` with forms of the server's own pages.
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

/// `Strict-Transport-Security` for two years (THREATS HD-08).
///
/// `includeSubDomains` makes subdomains that are served over http unreachable. They may belong to others, so the
/// operator decides.
pub(super) const fn hsts(include_subdomains: bool) -> HeaderValue {
    if include_subdomains {
        HeaderValue::from_static("max-age=63072000; includeSubDomains")
    } else {
        HeaderValue::from_static("max-age=63072000")
    }
}

/// Adds the fields of every response. `is_secure`: the connection uses TLS, here or at a proxy.
pub fn finish(response: &mut Response, head: &Head, is_secure: bool) {
    let headers = response.headers_mut();
    headers.reserve(DEFAULTS.len() + 5);
    for (name, value) in &DEFAULTS {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    // > An HSTS Host MUST NOT include the STS header field in HTTP responses conveyed over non-secure
    // > transport (RFC 6797 §7.2)
    if head.site.is_https && is_secure {
        headers.insert(STRICT_TRANSPORT_SECURITY, head.site.hsts.clone());
    }
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    if kind.is_some_and(|kind| kind.starts_with(b"text/html"))
        && let Some(cookie) = head.language_cookie()
    {
        headers.append(SET_COOKIE, cookie);
    }
    if let Some(nonce) = head.dpop_nonce() {
        headers.insert(&DPOP_NONCE, nonce.clone());
    }
    if let Ok(id) = HeaderValue::from_str(&head.trace.request_id) {
        headers.insert(&X_REQUEST_ID, id);
    }
}
