//! Responses of changes.

use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};

use super::request::ApiRequest;
use crate::render::Response;

/// 204.
pub(super) fn no_content() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// 201, with the address of the created object.
pub(super) fn created(request: &ApiRequest, id: &str, mut response: Response) -> Response {
    *response.status_mut() = StatusCode::CREATED;
    // Identifiers of APIs are URLs: one segment of the path.
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let place = format!("{}/{id}", request.head().uri.path());
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}
