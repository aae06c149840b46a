//! Prepared documents that clients may cache: RFC 9110 §8.8.3, §13.1.2.

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use super::Response;
use super::request::Head;
use crate::flow::keys::Document;
use crate::types::Seconds;

/// The document, or 304 if the client has it.
pub fn document(head: &Head, document: &Document, max_age: Seconds) -> Response {
    let mut response = Response::default();
    if is_known(&head.headers, &document.etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Body::from(Bytes::from_owner(document.bytes.clone()));
    }
    let headers = response.headers_mut();
    // With capacity for the fields of every response: growing for them would take longer than the rest of this.
    headers.reserve(16);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    let texts = [
        (ETAG, HeaderValue::from_str(&document.etag)),
        (CACHE_CONTROL, HeaderValue::from_str(&format!("public, max-age={}", max_age.0))),
    ];
    for (name, text) in texts {
        if let Ok(text) = text {
            headers.insert(name, text);
        }
    }
    response
}

/// `If-None-Match`: a list compared weakly, or `*`.
pub(super) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .flat_map(|field| field.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes())
}
