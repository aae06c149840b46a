//! An API that accepts the access tokens of one Gatewright issuer: over a TLS listener of its own, with local
//! verification, an audience, scopes per route, and certificate-bound or DPoP-bound tokens.

mod api;
mod listener;

use std::env::var;

use anyhow::Context as _;
use gatewright_verify::IssuerKeys;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Fails only if another provider was installed before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (issuer, audience) =
        (var("ISSUER").context("ISSUER")?, var("AUDIENCE").context("AUDIENCE")?);
    let origin = var("ORIGIN").unwrap_or_else(|_| "https://localhost:9443".to_owned());
    let port: u16 = var("PORT").map_or(Ok(9443), |port| port.parse()).context("PORT")?;
    let chain = CertificateDer::pem_file_iter(var("TLS_CERTIFICATE").context("TLS_CERTIFICATE")?)?;
    let key = PrivateKeyDer::from_pem_file(var("TLS_KEY").context("TLS_KEY")?)?;

    // No redirects: following them allows server-side request forgery.
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let keys = IssuerKeys::over_http(&issuer, http);
    let routes = api::routes(&issuer, &audience, &origin, keys);
    let listener =
        listener::Tls::bind(&format!("[::]:{port}"), chain.collect::<Result<_, _>>()?, key).await?;
    println!("{origin}/invoices, for tokens of {issuer}");
    axum::serve(listener, routes.into_make_service_with_connect_info::<listener::Peer>()).await?;
    Ok(())
}
