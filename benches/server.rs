//! The server with one more endpoint, which does nothing: what the others cost is measured by it, in
//! the same process. `scripts/bench` runs it, with the path of a configuration.
//!
//! `GET /noop` answers a short JSON; `POST /noop` reads a form first.

use std::path::PathBuf;

use anyhow::Context as _;
use gatewright::config::{Config, environment};
use gatewright::render::{Json, Kind, Request, Response, Route, json};
use gatewright::server;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    // cargo adds `--bench`.
    let path = std::env::args().skip(1).find(|argument| argument != "--bench");
    let path = PathBuf::from(path.context("the path of a configuration is missing")?);
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config = Config::load(&path, true, environment())?.config;
    let _log = server::log::start(&config.log)?;

    let mut routes = server::routes();
    routes.push(Route::new(Kind::Machine, "/noop").get(get).post(post));
    server::serve_routes(config, routes)
}

async fn get(_: Request) -> Response {
    json::ok(&nothing())
}

async fn post(mut request: Request) -> Result<Response, Json> {
    request.form().await?;
    Ok(json::ok(&nothing()))
}

/// As long as the answer of the token endpoint is without its token.
fn nothing() -> Value {
    json!({ "nothing": "x".repeat(280) })
}
