//! For load balancers: whether we are alive, whether we can work.

use crate::render::{Json, Request, Response, json};

/// `GET /healthz`: the process answers. A database that is away is no reason to restart it.
pub async fn alive(_: Request) -> Response {
    json::typed("text/plain; charset=utf-8", "alive\n")
}

/// `GET /readyz`: the database has answered within the last three seconds.
pub async fn ready(request: Request) -> Result<Response, Json> {
    request.head.app().cache.must_be_confirmed()?;
    Ok(json::typed("text/plain; charset=utf-8", "ready\n"))
}
