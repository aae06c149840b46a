//! `Idempotency-Key`: a repeated request returns the object that the first one created.

use axum::http::{HeaderName, HeaderValue};
use serde_json::json;

use super::request::ApiRequest;
use crate::admin::Action;
use crate::admin::idempotency::{self, Begun};
use crate::render::{Problem, Response};
use crate::types::{Code, Digest};

/// The header field of requests.
pub(super) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The header field of responses to repeated requests.
static REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

impl ApiRequest {
    /// Begins a request that creates something by this action.
    ///
    /// # Errors
    /// `invalid_request` for a malformed key; those of [`idempotency::begin`].
    pub(super) async fn begin(&self, action: Action) -> Result<Begun<'_>, Problem> {
        let key = match self.head().headers.contains_key(IDEMPOTENCY_KEY) {
            false => None,
            true => Some(self.head().text(IDEMPOTENCY_KEY).filter(|key| is_key(key)).ok_or_else(
                || {
                    let why = "Idempotency-Key is not 1 to 255 visible characters";
                    Code::InvalidRequest.because(why)
                },
            )?),
        };
        let request = json!([self.head().uri.path(), self.body()]).to_string();
        let request = Digest::of(request.as_bytes());
        Ok(idempotency::begin(&self.call(), action, key, &request).await?)
    }
}

fn is_key(key: &str) -> bool {
    (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Marks the response to a repeated request.
pub(super) fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert(&REPLAYED, HeaderValue::from_static("true"));
    response
}
