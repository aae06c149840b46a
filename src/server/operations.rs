//! The endpoints for operators, on a listener of their own (THREATS HD-07).

use crate::render::route::Below;
use crate::render::{Kind, Request, Response, Route, json};
use crate::web::health;

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Kind::Probe, "/metrics").below(Below::Root).get(metrics),
        Route::new(Kind::Probe, "/healthz").below(Below::Root).get(health::alive),
        Route::new(Kind::Probe, "/readyz").below(Below::Root).get(health::ready),
    ]
}

/// The metrics, in the format of Prometheus.
async fn metrics(request: Request) -> Response {
    let app = request.head.app();
    let (open, idle) = app.store.connections();
    let text = app.metrics.render(open, idle);
    json::typed("application/openmetrics-text; version=1.0.0; charset=utf-8", text)
}
