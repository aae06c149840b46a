//! Parses forms strictly, within limits, and from the body only.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::request::{Head, Request};
use crate::types::{Code, Params, Refusal};

impl Request {
    /// The parameters of a request to an endpoint for clients: all in the body, each once.
    ///
    /// > The parameters can only be transmitted in the request-body and MUST NOT be included in the
    /// > request URI. (RFC 6749 §2.3.1)
    ///
    /// # Errors
    /// `invalid_request`, also with the statuses 408, 413 and 415 (THREATS TE-06 to TE-08).
    pub async fn form(&mut self) -> Result<Params, Refusal> {
        if self.head.uri.query().is_some() {
            return Err(Code::InvalidRequest
                .because("parameters must be in the body of the request, not in its URI"));
        }
        let params = self.form_beside_query().await?;
        params.must_be_unique()?;
        Ok(params)
    }

    /// The body of a request, which must have this media type; its parameters are ignored.
    ///
    /// # Errors
    /// `invalid_request`, also with the statuses 408, 413 and 415.
    pub async fn body_of(&mut self, media_type: &str) -> Result<Bytes, Refusal> {
        let content_type = self.head.text(CONTENT_TYPE).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(media_type)
            || self.head.headers.contains_key(CONTENT_ENCODING)
        {
            return Err(Code::UnsupportedMediaType
                .because("the body of the request has an unsupported media type"));
        }
        read(&self.head, std::mem::take(&mut self.body)).await
    }

    /// The parameters of a form of a page, which is posted to the URL of the page, query included.
    ///
    /// # Errors
    /// `invalid_request`, also with the statuses 408, 413 and 415.
    pub async fn form_beside_query(&mut self) -> Result<Params, Refusal> {
        must_be_form(&self.head)?;
        let body = read(&self.head, std::mem::take(&mut self.body)).await?;
        Params::parse(&body)
    }
}

impl Head {
    /// Whether the `Content-Type` is that of a form; its parameters are ignored.
    pub fn announces_form(&self) -> bool {
        let content_type = self.text(CONTENT_TYPE).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }
}

/// `application/x-www-form-urlencoded` in UTF-8.
fn must_be_form(head: &Head) -> Result<(), Refusal> {
    let is_form = head.announces_form() && !head.headers.contains_key(CONTENT_ENCODING);
    let content_type = head.text(CONTENT_TYPE).unwrap_or_default();
    if is_form && content_type.split(';').skip(1).all(is_harmless) {
        return Ok(());
    }
    Err(Code::UnsupportedMediaType
        .because("the body of the request is not application/x-www-form-urlencoded in UTF-8"))
}

/// Whether a parameter of the media type can be ignored. The media type defines none (WHATWG URL §5), so an empty one
/// or a `boundary` has no meaning. A body in a charset other than UTF-8 would be misread.
fn is_harmless(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let value = value.trim().trim_matches('"');
    !name.trim().eq_ignore_ascii_case("charset")
        || value.eq_ignore_ascii_case("utf-8")
        || value.eq_ignore_ascii_case("utf8")
}

/// The whole body, within the limits of size and time (THREATS DO-03, DO-04).
async fn read(head: &Head, body: Body) -> Result<Bytes, Refusal> {
    let too_large = || Code::TooLarge.because("the body of the request is too large");
    let limit = head.app().config.http.max_body.0;
    let announced = head.text(CONTENT_LENGTH).and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let collected = Limited::new(body, limit).collect();
    match tokio::time::timeout(head.site.body_timeout, collected).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Code::InvalidRequest.because("the body of the request is incomplete")),
        Err(_) => Err(Code::TooSlow.because("the body of the request was not received in time")),
    }
}
