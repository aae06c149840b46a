//! `POST /revoke`: [RFC 7009 §2].
//!
//! [RFC 7009 §2]: https://www.rfc-editor.org/rfc/rfc7009#section-2

use super::client;
use crate::flow::tokens::revoke;
use crate::render::{Json, Request, Response};

/// Revokes a token of the client.
pub(super) async fn revoke(mut request: Request) -> Result<Response, Json> {
    let form = request.form().await?;
    let call = request.call();
    let client = client::authenticate(&call, &request.head, &form).await?;
    revoke::revoke(&call, &client, &form).await?;
    // > The content of the response body is ignored by the client (§2.2)
    Ok(Response::default())
}
