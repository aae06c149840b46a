//! Documents that are served as prepared bytes: the JWKS and the metadata.

use std::sync::Arc;

use crate::jose::base64url;
use crate::types::Digest;

/// A document and its `ETag`.
#[derive(Clone, Debug)]
pub struct Document {
    /// The body.
    pub bytes: Arc<[u8]>,
    /// Its `ETag`.
    pub etag: String,
}

impl Document {
    /// Serializes a JSON value.
    pub fn from_json(value: &serde_json::Value) -> Self {
        let bytes = value.to_string().into_bytes();
        let digest = Digest::of(&bytes);
        let etag = format!("\"{}\"", base64url::encode(digest.0.get(..12).unwrap_or(&[])));
        Self { bytes: bytes.into(), etag }
    }
}
