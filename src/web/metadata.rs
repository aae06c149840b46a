//! The discovery documents: [OIDC Discovery 1.0 §4], [RFC 8414 §3]. Both are the same document.
//!
//! [OIDC Discovery 1.0 §4]: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
//! [RFC 8414 §3]: https://www.rfc-editor.org/rfc/rfc8414#section-3

use crate::render::document::document;
use crate::render::{Request, Response};

/// The metadata document.
pub(super) async fn metadata(request: Request) -> Response {
    let head = &request.head;
    document(head, &head.site.metadata, head.app().config.keys.jwks_max_age)
}
