//! Fetches the issuer's keys over HTTP: [OIDC Discovery 1.0 §4], then its `jwks_uri`.
//!
//! [OIDC Discovery 1.0 §4]: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{ACCEPT, AGE, CACHE_CONTROL, ETAG, HeaderMap, IF_NONE_MATCH};
use serde_json::{Map, Value};
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
        jwks_uri(&metadata, &self.issuer).map_err(|why| format!("{uri} {why}"))
    }
}

/// The `jwks_uri` in the metadata of this issuer.
fn jwks_uri(metadata: &Map<String, Value>, issuer: &str) -> Result<String, &'static str> {
    let text = |name| metadata.get(name).and_then(Value::as_str);
    // > The issuer value returned MUST be identical to the Issuer URL that was used as the prefix to
    // > /.well-known/openid-configuration (OIDC Discovery 1.0 §4.3)
    if text("issuer") != Some(issuer) {
        return Err("has another issuer");
    }
    let keys = text("jwks_uri").ok_or("has no jwks_uri")?;
    // Keys from an unprotected connection could be an attacker's.
    if issuer.starts_with("https:") && !keys.starts_with("https:") {
        return Err("has a jwks_uri that is not https");
    }
    Ok(keys.to_owned())
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

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use serde_json::json;

    use super::*;

    /// A server that responds to the path of each request with a status and a body. Its URL is put into the response
    /// for `ISSUER`.
    fn serve(
        respond: impl Fn(&str) -> (u16, String) + Send + 'static,
    ) -> Result<String, std::io::Error> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let issuer = url.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
                let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
                let (status, body) = respond(path);
                let body = body.replace("ISSUER", &issuer);
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {length}");
                // The client may have closed the connection.
                stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).ok();
            }
        });
        Ok(url)
    }

    fn client() -> reqwest::Client {
        // Fails from the second call on.
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        reqwest::Client::new()
    }

    /// The keys that are fetched from an issuer with this metadata.
    async fn fetch_with(metadata: &Value) -> Result<Fetched, String> {
        let metadata = metadata.to_string();
        let issuer = serve(move |path| match path {
            "/.well-known/openid-configuration" => (200, metadata.clone()),
            "/keys" => (200, "the keys".to_owned()),
            _ => (404, String::new()),
        });
        Source::of_issuer(&issuer.unwrap(), client()).fetch(None).await
    }

    #[tokio::test]
    async fn the_keys_are_fetched_from_the_jwks_uri_of_the_issuer() {
        let metadata = json!({ "issuer": "ISSUER", "jwks_uri": "ISSUER/keys" });

        let fetched = fetch_with(&metadata).await.unwrap();

        assert!(matches!(fetched, Fetched::Document { body, .. } if body == b"the keys"));
    }

    /// > The issuer value returned MUST be identical to the Issuer URL that was used as the prefix to
    /// > /.well-known/openid-configuration (OIDC Discovery 1.0 §4.3)
    #[tokio::test]
    async fn metadata_of_another_issuer_or_without_a_jwks_uri_is_refused() {
        for (metadata, why) in [
            (json!({ "issuer": "ISSUER/", "jwks_uri": "ISSUER/keys" }), "has another issuer"),
            (json!({ "jwks_uri": "ISSUER/keys" }), "has another issuer"),
            (json!({ "issuer": "ISSUER" }), "has no jwks_uri"),
            (json!({ "issuer": "ISSUER", "jwks_uri": "ISSUER/other" }), "/other responds with 404"),
        ] {
            let Err(error) = fetch_with(&metadata).await else { panic!("{metadata}") };
            assert!(error.contains(why), "{error}");
        }
    }

    /// Keys from an unprotected connection could be an attacker's.
    #[test]
    fn the_keys_of_an_https_issuer_are_at_an_https_url() {
        for (issuer, keys, is_accepted) in [
            ("https://id.example.org", "https://keys.example.org/jwks", true),
            ("https://id.example.org", "http://id.example.org/jwks", false),
            ("http://localhost:8080", "http://localhost:8080/jwks", true),
            ("http://localhost:8080", "https://localhost/jwks", true),
        ] {
            let metadata = json!({ "issuer": issuer, "jwks_uri": keys });
            let found = jwks_uri(metadata.as_object().unwrap(), issuer);
            assert_eq!(found.is_ok_and(|found| found == keys), is_accepted, "{issuer}, {keys}");
        }
    }

    /// > If the max-age response directive […] is present, use its value (RFC 9111 §4.2.1)
    #[test]
    fn a_document_may_be_cached_for_its_max_age_less_its_age() {
        for (fields, expected) in [
            (&[][..], None),
            (&[(CACHE_CONTROL, "public, MAX-AGE=\"60\", immutable")], Some(60)),
            (&[(CACHE_CONTROL, "max-age=60"), (AGE, "20")], Some(40)),
            (&[(AGE, "20")], None),
            (&[(CACHE_CONTROL, "public"), (CACHE_CONTROL, "max-age=60")], Some(60)),
            (&[(CACHE_CONTROL, "max-age=60, no-cache")], Some(0)),
            (&[(CACHE_CONTROL, "no-store, max-age=60")], Some(0)),
            (&[(CACHE_CONTROL, "max-age=soon")], Some(0)),
        ] {
            let value = |text: &&str| text.parse().unwrap();
            let fields = fields.iter().map(|(name, text)| (name.clone(), value(text)));
            let headers = HeaderMap::from_iter(fields);
            assert_eq!(max_age(&headers), expected.map(Seconds), "{headers:?}");
        }
    }

    #[tokio::test]
    async fn an_unreachable_issuer_is_reported_with_the_cause() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);

        let error = Source::of_issuer(&url, client()).fetch(None).await.unwrap_err();

        assert!(error.contains(&url) && error.contains("refused"), "{error}");
    }

    #[tokio::test]
    async fn documents_up_to_256_kib_are_read() {
        for (length, is_read) in [(256 * 1024, true), (256 * 1024 + 1, false)] {
            let url = serve(move |_| (200, "x".repeat(length))).unwrap();

            let fetched = Source::at(&url, client()).fetch(None).await;

            assert_eq!(fetched.is_ok(), is_read, "{length}");
        }
    }
}
