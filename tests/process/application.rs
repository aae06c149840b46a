//! A client application that follows the RFCs: its requests and their responses.

use gatewright::jose::base64url;
use gatewright::types::{Digest, Secret};
use reqwest::header::HeaderMap;
use serde_json::Value;
use url::Url;

use crate::browser::Browser;

/// A user with an account.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) username: String,
}

/// There was no usable response.
#[derive(Debug)]
pub(crate) enum RequestError {
    /// The connection broke: the outcome is unknown.
    ConnectionLost(reqwest::Error),
    /// 503: to be retried.
    Unavailable,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// The body as JSON; null if it is not JSON.
    pub(crate) body: Value,
}

impl Response {
    /// Sends a request and reads the response. A 503 without `Retry-After`, and every other 5xx, is a
    /// defect.
    pub(crate) async fn send(request: reqwest::RequestBuilder) -> Result<Self, RequestError> {
        let response = request.send().await.map_err(RequestError::ConnectionLost)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.map_err(RequestError::ConnectionLost)?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        let parsed = Self { status, headers, text, body };
        if parsed.status == 503 {
            assert!(parsed.headers.contains_key("retry-after"), "{parsed:?}");
            return Err(RequestError::Unavailable);
        }
        assert!(parsed.status < 500, "{parsed:?}");
        Ok(parsed)
    }

    /// A header field; empty if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Whether it is this error response.
    pub(crate) fn is_refusal(&self, error: &str) -> bool {
        self.status == 400 && self.body["error"] == error
    }

    /// The tokens of a successful response.
    #[track_caller]
    pub(crate) fn tokens(&self) -> Tokens {
        assert_eq!(self.status, 200, "{self:?}");
        let text = |name: &str| self.body[name].as_str().unwrap_or_default().to_owned();
        Tokens {
            access: text("access_token"),
            refresh: text("refresh_token"),
            id: text("id_token"),
        }
    }
}

/// The tokens of a token response.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    /// Empty if there is none.
    pub(crate) refresh: String,
    /// Empty if there is none.
    pub(crate) id: String,
}

impl Tokens {
    /// The grant of the access token.
    pub(crate) fn grant(&self) -> String {
        let claims = self.access.split('.').nth(1).unwrap();
        let claims: Value = serde_json::from_slice(&base64url::decode(claims).unwrap()).unwrap();
        claims["gw_grant"].as_str().unwrap().to_owned()
    }
}

/// A code and its verifier.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) code: String,
    verifier: String,
}

/// A client application.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    issuer: String,
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Application {
    /// No server listens there: the browser stops before it.
    pub(crate) const REDIRECT_URI: &str = "https://client.example.org/callback";
    /// The same after sign-out.
    pub(crate) const SIGNED_OUT: &str = "https://client.example.org/signed-out";

    /// The client with this registration.
    pub(crate) fn from_registration(issuer: &str, registered: &Value) -> Self {
        let text = |name: &str| registered[name].as_str().unwrap_or_default().to_owned();
        Self { issuer: issuer.to_owned(), id: text("client_id"), secret: text("client_secret") }
    }

    /// The same client, at another replica.
    pub(crate) fn at_replica(&self, issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), ..self.clone() }
    }

    /// Sends a user to the authorization endpoint, and returns the code.
    pub(crate) async fn authorize(&self, browser: &mut Browser) -> Result<Code, RequestError> {
        let (verifier, state) = (random(), random());
        let challenge = base64url::encode(Digest::of(verifier.as_bytes()).0);
        let mut url = Url::parse(&format!("{}/authorize", self.issuer)).unwrap();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.id)
            .append_pair("redirect_uri", Self::REDIRECT_URI)
            .append_pair("scope", "openid email")
            .append_pair("state", &state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        let back = browser.visit(url, Self::REDIRECT_URI).await?;
        let parameter = |name: &str| {
            let found = back.query_pairs().find(|(other, _)| other == name);
            found.unwrap_or_else(|| panic!("no {name} in {back}")).1.into_owned()
        };
        assert_eq!(parameter("state"), state);
        assert_eq!(parameter("iss"), self.issuer, "RFC 9207");
        Ok(Code { code: parameter("code"), verifier })
    }

    /// Redeems a code.
    pub(crate) async fn redeem(
        &self,
        http: &reqwest::Client,
        code: &Code,
    ) -> Result<Response, RequestError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code.code),
            ("redirect_uri", Self::REDIRECT_URI),
            ("code_verifier", &code.verifier),
        ];
        self.post(http, "/token", &form).await
    }

    /// Exchanges a refresh token for the next one.
    pub(crate) async fn refresh(
        &self,
        http: &reqwest::Client,
        token: &str,
    ) -> Result<Response, RequestError> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post(http, "/token", &form).await
    }

    /// Requests a token by client credentials.
    pub(crate) async fn client_credentials(
        &self,
        http: &reqwest::Client,
    ) -> Result<Response, RequestError> {
        self.post(http, "/token", &[("grant_type", "client_credentials")]).await
    }

    /// Revokes a token.
    pub(crate) async fn revoke(
        &self,
        http: &reqwest::Client,
        token: &str,
    ) -> Result<Response, RequestError> {
        self.post(http, "/revoke", &[("token", token)]).await
    }

    /// Whether a token is active.
    pub(crate) async fn is_active(
        &self,
        http: &reqwest::Client,
        token: &str,
    ) -> Result<bool, RequestError> {
        let response = self.post(http, "/introspect", &[("token", token)]).await?;
        assert_eq!(response.status, 200, "{response:?}");
        if response.body["active"] == false {
            assert_eq!(response.text, r#"{"active":false}"#);
        }
        Ok(response.body["active"] == true)
    }

    /// Sends a user to sign out.
    pub(crate) async fn sign_out(
        &self,
        browser: &mut Browser,
        id: &str,
    ) -> Result<(), RequestError> {
        let mut url = Url::parse(&format!("{}/logout", self.issuer)).unwrap();
        url.query_pairs_mut()
            .append_pair("id_token_hint", id)
            .append_pair("post_logout_redirect_uri", Self::SIGNED_OUT);
        browser.visit(url, Self::SIGNED_OUT).await.map(drop)
    }

    /// Sends a form with client authentication.
    async fn post(
        &self,
        http: &reqwest::Client,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Response, RequestError> {
        let request = http.post(format!("{}{path}", self.issuer));
        Response::send(request.basic_auth(&self.id, Some(&self.secret)).form(form)).await
    }
}

/// A random value.
fn random() -> String {
    Secret::generate().expose().to_owned()
}
