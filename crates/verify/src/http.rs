//! Fetches the issuer's keys over HTTP: [OIDC Discovery 1.0 §4], then its `jwks_uri`.
//!
//! [OIDC Discovery 1.0 §4]: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{ACCEPT, AGE, CACHE_CONTROL, ETAG, HeaderMap, IF_NONE_MATCH};
use tokio::sync::OnceCell;

use super::cache::Fetched;
use crate::types::{Seconds, json};

/// Timeout of both requests together.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The largest document.
const MAX_BYTES: usize = 256 * 1024;

/// The source of an issuer's keys.
pub(super) struct Source {
    /// Empty if the `jwks_uri` is known.
    issuer: String,
    client: reqwest::Client,
    jwks_uri: OnceCell<String>,
}

impl Source {
    pub(super) fn of_issuer(issuer: &str, client: reqwest::Client) -> Self {
        Self { issuer: issuer.to_owned(), client, jwks_uri: OnceCell::new() }
    }

    pub(super) fn at(jwks_uri: &str, client: reqwest::Client) -> Self {
        let jwks_uri = OnceCell::new_with(Some(jwks_uri.to_owned()));
        Self { issuer: String::new(), client, jwks_uri }
    }

    pub(super) async fn fetch(&self, etag: Option<String>) -> Result<Fetched, String> {
        let fetched = tokio::time::timeout(TIMEOUT, self.keys(etag)).await;
        fetched.unwrap_or_else(|_| Err("the issuer does not respond in time".to_owned()))
    }

    async fn keys(&self, etag: Option<String>) -> Result<Fetched, String> {
        let uri = self.jwks_uri.get_or_try_init(|| self.discover()).await?;
        let mut request =
            self.client.get(uri).header(ACCEPT, "application/jwk-set+json, application/json");
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let response = request.send().await.map_err(|error| chain(&error))?;
        let max_age = max_age(response.headers());
        match response.status() {
            StatusCode::NOT_MODIFIED => Ok(Fetched::Unchanged { max_age }),
            StatusCode::OK => {
                let etag = response.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
                let etag = etag.map(str::to_owned);
                Ok(Fetched::Document { body: body(response).await?, etag, max_age })
            }
            other => Err(format!("{uri} responds with {other}")),
        }
    }

    async fn discover(&self) -> Result<String, String> {
        let uri = format!("{}/.well-known/openid-configuration", self.issuer);
        let response = self.client.get(&uri).send().await.map_err(|error| chain(&error))?;
        if response.status() != StatusCode::OK {
            return Err(format!("{uri} responds with {}", response.status()));
        }
        let metadata = json::parse_object(&body(response).await?)?;
        let text = |name| metadata.get(name).and_then(serde_json::Value::as_str);
        // > The issuer value returned MUST be identical to the Issuer URL that was used as the prefix to
        // > /.well-known/openid-configuration (OIDC Discovery 1.0 §4.3)
        if text("issuer") != Some(&self.issuer) {
            return Err(format!("{uri} has another issuer"));
        }
        let keys = text("jwks_uri").ok_or_else(|| format!("{uri} has no jwks_uri"))?;
        // Keys from an unprotected connection could be an attacker's.
        if self.issuer.starts_with("https:") && !keys.starts_with("https:") {
            return Err(format!("the jwks_uri of {uri} is not https"));
        }
        Ok(keys.to_owned())
    }
}

async fn body(mut response: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| chain(&error))? {
        if bytes.len() + chunk.len() > MAX_BYTES {
            return Err("the issuer's document is larger than 256 KiB".to_owned());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// How long a response may be cached: RFC 9111 §4.2.1, less its age (§5.1).
fn max_age(headers: &HeaderMap) -> Option<Seconds> {
    let fields = headers.get_all(CACHE_CONTROL).iter();
    let directives = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b','));
    let mut lifetime = None;
    for directive in directives.filter_map(|one| std::str::from_utf8(one.trim_ascii()).ok()) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return Some(Seconds(0)),
            "max-age" => lifetime = Some(value.trim_matches('"').parse().unwrap_or(0)),
            _ => {}
        }
    }
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()?.parse::<i64>().ok());
    lifetime.map(|lifetime: i64| Seconds(lifetime.saturating_sub(age.unwrap_or(0))))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
