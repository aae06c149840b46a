//! The application and its appearance, prepared once at startup.

use std::io;
use std::time::Duration;

use axum::http::HeaderValue;

use super::cookies::Cookies;
use super::headers;
use super::layout::{Brand, Look};
use crate::app::App;
use crate::flow::keys::Document;
use crate::flow::metadata;

/// The application and its appearance.
#[derive(Debug)]
pub struct Site {
    /// The dependencies of handlers.
    pub app: App,
    /// Branding and static files.
    pub look: Look,
    /// The cookies.
    pub cookies: Cookies,
    /// The metadata document. Its algorithms are those of the keys at startup.
    pub metadata: Document,
    /// Whether browsers use TLS.
    pub is_https: bool,
    /// `Strict-Transport-Security` (RFC 6797).
    pub(super) hsts: HeaderValue,
    /// The timeout for receiving a body: half of the request timeout, so that time is left for the response (THREATS
    /// DO-03).
    pub(super) body_timeout: Duration,
}

impl Site {
    /// Prepares the site. `listens_for_https`: the server terminates TLS itself.
    ///
    /// # Errors
    /// When a configured picture cannot be read.
    pub fn new(app: App, listens_for_https: bool) -> io::Result<Self> {
        let config = &app.config;
        let issuer = &config.issuer;
        let sees_certificates = config.sees_client_certificates(listens_for_https);
        Ok(Self {
            metadata: metadata::document(
                config,
                sees_certificates,
                app.keyring.keys().algorithms(),
            ),
            look: Look::new(Brand::of(&app.config.brand)?, issuer.path()),
            cookies: Cookies::of(issuer),
            is_https: issuer.is_https(),
            hsts: headers::hsts(config.http.hsts_include_subdomains),
            body_timeout: request_timeout(&app) / 2,
            app,
        })
    }
}

/// The timeout of a whole request.
pub fn request_timeout(app: &App) -> Duration {
    Duration::from_secs(app.config.http.request_timeout.0.unsigned_abs())
}
