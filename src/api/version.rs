//! Versions of objects: `ETag` and `If-Match` ([RFC 9110 §8.8.3], [§13.1.1]), so that of two administrators who change
//! an object, the second does not undo what the first did (THREATS AD-10).
//!
//! [RFC 9110 §8.8.3]: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3
//! [§13.1.1]: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1

use axum::http::header::{ETAG, IF_MATCH};
use axum::http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::jose::base64url;
use crate::render::{Head, Response, json};
use crate::types::{Code, Digest, Refusal};

/// The version of an object: a strong validator of its representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version(String);

impl Version {
    /// The version of an object with this representation.
    pub(super) fn of(representation: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(representation).unwrap_or_default();
        let digest = Digest::of(&bytes);
        Self(format!("\"{}\"", base64url::encode(digest.0.get(..12).unwrap_or_default())))
    }

    /// Checks that a request changes this version.
    ///
    /// # Errors
    /// `precondition_required` without `If-Match`; `precondition_failed` for another version.
    pub(super) fn must_match(&self, head: &Head) -> Result<(), Refusal> {
        if !head.headers.contains_key(IF_MATCH) {
            let why = "a change needs If-Match with the ETag of the object that was read";
            return Err(Code::PreconditionRequired.because(why));
        }
        let field = head.list(IF_MATCH);
        let tags = field.split(',').map(str::trim);
        if tags.into_iter().any(|tag| tag == "*" || tag == self.0) {
            return Ok(());
        }
        Err(Code::PreconditionFailed.because("the object was changed meanwhile: read it again"))
    }
}

/// A response with an object and its version.
pub(super) fn object(status: StatusCode, representation: &impl Serialize) -> Response {
    versioned(status, &Version::of(representation), representation)
}

/// A response with the version of an object and what is said of it, such as a new secret.
pub(super) fn versioned(status: StatusCode, version: &Version, body: &impl Serialize) -> Response {
    let mut response = json::ok(body);
    *response.status_mut() = status;
    if let Ok(tag) = HeaderValue::from_str(&version.0) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}
