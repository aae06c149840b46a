//! The issuer's keys over HTTP: [OIDC Discovery 1.0 §4], then its `jwks_uri`.
//!
//! [OIDC Discovery 1.0 §4]: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{ACCEPT, AGE, CACHE_CONTROL, ETAG, HeaderMap, IF_NONE_MATCH};
use tokio::sync::OnceCell;

use super::keys::Fetched;
use crate::types::{Seconds, json};

/// How long both fetches together may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The largest document.
const LARGEST: usize = 256 * 1024;

/// Where the keys are, and how they are fetched.
pub(super) struct Source {
    issuer: String,
    client: reqwest::Client,
    jwks_uri: OnceCell<String>,
}

impl Source {
    pub(super) fn new(issuer: &str, client: reqwest::Client) -> Self {
        Self { issuer: issuer.to_owned(), client, jwks_uri: OnceCell::new() }
    }

    pub(super) async fn fetch(&self, etag: Option<String>) -> Result<Fetched, String> {
        let fetched = tokio::time::timeout(PATIENCE, self.keys(etag)).await;
        fetched.unwrap_or_else(|_| Err("the issuer does not answer in time".to_owned()))
    }

    async fn keys(&self, etag: Option<String>) -> Result<Fetched, String> {
        let uri = self.jwks_uri.get_or_try_init(|| self.discover()).await?;
        let mut request =
            self.client.get(uri).header(ACCEPT, "application/jwk-set+json, application/json");
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let answer = request.send().await.map_err(|error| chain(&error))?;
        let max_age = max_age(answer.headers());
        match answer.status() {
            StatusCode::NOT_MODIFIED => Ok(Fetched::Unchanged { max_age }),
            StatusCode::OK => {
                let etag = answer.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
                let etag = etag.map(str::to_owned);
                Ok(Fetched::Document { body: body(answer).await?, etag, max_age })
            }
            other => Err(format!("{uri} answers with {other}")),
        }
    }

    async fn discover(&self) -> Result<String, String> {
        let uri = format!("{}/.well-known/openid-configuration", self.issuer);
        let answer = self.client.get(&uri).send().await.map_err(|error| chain(&error))?;
        if answer.status() != StatusCode::OK {
            return Err(format!("{uri} answers with {}", answer.status()));
        }
        let metadata = json::read_object(&body(answer).await?)?;
        let text = |name| metadata.get(name).and_then(serde_json::Value::as_str);
        // > The issuer value returned MUST be identical to the Issuer URL that was used as the prefix to
        // > /.well-known/openid-configuration (OIDC Discovery 1.0 §4.3)
        if text("issuer") != Some(&self.issuer) {
            return Err(format!("{uri} is of another issuer"));
        }
        let keys = text("jwks_uri").ok_or_else(|| format!("{uri} names no jwks_uri"))?;
        // Keys that anybody on the way may exchange prove nothing.
        if self.issuer.starts_with("https:") && !keys.starts_with("https:") {
            return Err(format!("the jwks_uri of {uri} is not https"));
        }
        Ok(keys.to_owned())
    }
}

async fn body(mut answer: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| chain(&error))? {
        if bytes.len() + chunk.len() > LARGEST {
            return Err("the issuer's document is larger than 256 KiB".to_owned());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// How long an answer may be kept: RFC 9111 §4.2.1, less the time that it has spent on the way (§5.1).
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

/// An error with what is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
