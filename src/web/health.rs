//! For load balancers: whether we are alive, whether we can work.

use crate::render::{Json, Request, Response, json};

/// `GET /healthz`: the process answers. A database that is away is no reason to restart it.
pub async fn alive(_: Request) -> Response {
    json::typed("text/plain; charset=utf-8", "alive\n")
}

/// `GET /readyz`: this process can work. The database has answered within the last three seconds, and no work
/// of the process panics again and again (THREATS EX-26).
pub async fn ready(request: Request) -> Result<Response, Json> {
    let app = request.head.app();
    app.cache.must_be_confirmed()?;
    app.metrics.supervisor().must_keep_working()?;
    Ok(json::typed("text/plain; charset=utf-8", "ready\n"))
}
