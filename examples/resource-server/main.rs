//! An API that accepts the access tokens of a Gatewright, and nobody else's: over a TLS listener of its own,
//! offline, with an audience, scopes per route, and tokens that are bound to a certificate or a key.

mod api;
mod listener;

use std::env::var;

use anyhow::Context as _;
use gatewright::verify::IssuerKeys;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Refused only where another has been installed before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (issuer, audience) =
        (var("ISSUER").context("ISSUER")?, var("AUDIENCE").context("AUDIENCE")?);
    let origin = var("ORIGIN").unwrap_or_else(|_| "https://localhost:9443".to_owned());
    let port: u16 = var("PORT").map_or(Ok(9443), |port| port.parse()).context("PORT")?;
    let chain = CertificateDer::pem_file_iter(var("TLS_CERTIFICATE").context("TLS_CERTIFICATE")?)?;
    let key = PrivateKeyDer::from_pem_file(var("TLS_KEY").context("TLS_KEY")?)?;

    // Redirects are for browsers: a client that follows them can be sent anywhere.
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let keys = IssuerKeys::over_http(&issuer, http);
    let routes = api::routes(&issuer, &audience, &origin, keys);
    let listener =
        listener::Tls::bind(&format!("[::]:{port}"), chain.collect::<Result<_, _>>()?, key).await?;
    println!("{origin}/invoices, for tokens of {issuer}");
    axum::serve(listener, routes.into_make_service_with_connect_info::<listener::Peer>()).await?;
    Ok(())
}
