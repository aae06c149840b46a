//! `POST /introspect`: [RFC 7662 §2].
//!
//! [RFC 7662 §2]: https://www.rfc-editor.org/rfc/rfc7662#section-2

use super::client;
use crate::flow::tokens::introspect;
use crate::render::{Json, Request, Response, json};

/// The state of a token, for an API or the client.
pub(super) async fn introspect(mut request: Request) -> Result<Response, Json> {
    let form = request.form().await?;
    let call = request.call();
    let caller = client::authenticate(&call, &request.head, &form).await?;
    let introspection = introspect::introspect(&call, &caller, &form).await?;
    Ok(json::ok(&introspection))
}
