//! Health checks for load balancers.

use crate::render::{Json, Request, Response, json};

/// `GET /healthz`: the process responds. An unavailable database is no reason to restart it.
pub async fn alive(_: Request) -> Response {
    json::typed("text/plain; charset=utf-8", "alive\n")
}

/// `GET /readyz`: the process can serve requests. `/readyz?writes`: the database also accepts writes;
/// `operations.ready` can require that of `/readyz` too.
pub async fn ready(request: Request) -> Result<Response, Json> {
    let query = request.head.uri.query().unwrap_or_default();
    let for_writes = query.split('&').any(|parameter| parameter == "writes");
    request.head.app().must_be_ready(for_writes)?;
    Ok(json::typed("text/plain; charset=utf-8", "ready\n"))
}
