//! What answers are made with, prepared once at the start.

use std::io;
use std::time::Duration;

use axum::http::HeaderValue;

use super::cookies::Cookies;
use super::headers;
use super::layout::{Brand, Look};
use crate::app::App;
use crate::flow::keys::Document;
use crate::flow::metadata;

/// The application, and how it looks.
#[derive(Debug)]
pub struct Site {
    /// What a handler may reach.
    pub app: App,
    /// Brand and files.
    pub look: Look,
    /// How our cookies are called.
    pub cookies: Cookies,
    /// What we tell about ourselves: the algorithms are those of the keys, which every start sees to.
    pub metadata: Document,
    /// Whether browsers reach us over TLS.
    pub is_https: bool,
    /// `Strict-Transport-Security` (RFC 6797).
    pub(super) hsts: HeaderValue,
    /// How long a client may take to send a body: half of the time for the request, so that there is
    /// time left to answer (THREATS DO-03).
    pub(super) body_timeout: Duration,
}

impl Site {
    /// Prepares it, for a server that listens for https itself or does not.
    ///
    /// # Errors
    /// When a picture of the configuration cannot be read.
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

/// How long a whole request may take.
pub fn request_timeout(app: &App) -> Duration {
    Duration::from_secs(app.config.http.request_timeout.0.unsigned_abs())
}
