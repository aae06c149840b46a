//! For load balancers: whether we are alive, whether we can work.

use crate::render::{Json, Request, Response, json};

/// `GET /healthz`: the process answers. A database that is away is no reason to restart it.
pub async fn alive(_: Request) -> Response {
    json::typed("text/plain; charset=utf-8", "alive\n")
}

/// `GET /readyz`: this process can be asked. `/readyz?writes`: and the database takes writes; where
/// `operations.ready` says so, `/readyz` asks for that too.
pub async fn ready(request: Request) -> Result<Response, Json> {
    let query = request.head.uri.query().unwrap_or_default();
    let for_writes = query.split('&').any(|parameter| parameter == "writes");
    request.head.app().must_be_ready(for_writes)?;
    Ok(json::typed("text/plain; charset=utf-8", "ready\n"))
}
