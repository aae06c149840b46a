//! Cross-origin requests: DESIGN §4, the Fetch standard §3.2.
//!
//! Discovery and JWKS are open to all origins. At the endpoints for clients, preflights are allowed for the origins of
//! all clients, because a preflight does not identify the client; the response can be read only from an origin of the
//! authenticated client. Never with cookies, never for `null` (THREATS TE-23).

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, ORIGIN, VARY,
};
use axum::http::{HeaderValue, StatusCode};

use super::route::{Kind, Route};
use super::{Head, IntoResponse as _, Json, Response};

/// Whether scripts of other origins may send requests at all.
const fn is_open(kind: Kind) -> bool {
    match kind {
        Kind::Document | Kind::Machine => true,
        Kind::Page | Kind::File | Kind::Probe | Kind::Gateway | Kind::Api | Kind::Console => false,
    }
}

/// The response to `OPTIONS`, if the route allows cross-origin requests.
pub async fn preflight(head: &Head, route: &Route) -> Option<Response> {
    if !is_open(route.kind) {
        return None;
    }
    let allow = match HeaderValue::from_str(&route.allow()) {
        Ok(allow) => allow,
        Err(_) => return None,
    };
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ALLOW, allow.clone());
    let is_allowed = match (route.kind, head.text(ORIGIN)) {
        (Kind::Document, Some(_)) => true,
        (_, Some(origin)) => match head.app().cache.is_origin(origin).await {
            Ok(is_origin) => is_origin,
            Err(error) => return Some(Json::from(error).into_response(head)),
        },
        (_, None) => false,
    };
    if is_allowed && let Some(origin) = head.headers.get(ORIGIN) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, allow);
        headers.insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("authorization, content-type, dpop"),
        );
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    headers.insert(VARY, HeaderValue::from_static("Origin"));
    Some(response)
}

/// Adds the CORS fields to a response.
pub fn finish(response: &mut Response, head: &Head, kind: Kind) {
    let headers = response.headers_mut();
    match kind {
        Kind::Document => {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        Kind::Machine => {
            headers.insert(VARY, HeaderValue::from_static("Origin"));
            if let Some(origin) = head.allowed_origin() {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                headers.insert(
                    ACCESS_CONTROL_EXPOSE_HEADERS,
                    HeaderValue::from_static(
                        "WWW-Authenticate, DPoP-Nonce, Retry-After, X-Request-Id",
                    ),
                );
            }
        }
        Kind::Page | Kind::File | Kind::Probe | Kind::Gateway | Kind::Api | Kind::Console => {}
    }
}
