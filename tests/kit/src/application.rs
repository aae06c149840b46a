//! A client application: it builds authorization requests and reads the authorization responses.

use serde_json::Value;

use crate::browser::{Browser, CHALLENGE, Page};
use crate::http::Response;
use crate::server::{Client, ISSUER, PASSWORD, Server};

/// The `state` that the application sends.
pub const STATE: &str = "state of the client";

/// A valid authorization request, whose parameters a test changes.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest(Vec<(String, String)>);

impl AuthorizationRequest {
    pub fn new(client: &Client) -> Self {
        let request = [
            ("response_type", "code"),
            ("client_id", &client.id),
            ("redirect_uri", Client::REDIRECT_URI),
            ("scope", "openid"),
            ("state", STATE),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        Self(request.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
    }

    /// With this value as the only one of its name.
    pub fn with(self, name: &str, value: &str) -> Self {
        self.without(name).append(name, value)
    }

    /// With this value added, whether or not the name is there already.
    pub fn append(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(other, _)| other != name);
        self
    }

    /// The names of all parameters.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }

    pub fn form(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    pub fn target(&self) -> String {
        format!("/authorize?{}", self.form())
    }

    /// The page that a browser without cookies reaches with this request.
    pub async fn open_in_new_browser(&self, server: &Server) -> Page {
        Browser::new(server).open(&self.target()).await
    }
}

impl Browser<'_> {
    /// Opens the authorization endpoint with `request`.
    pub async fn start_authorization(&mut self, request: &AuthorizationRequest) -> Page {
        self.open(&request.target()).await
    }

    /// Signs in on the sign-in page, without an authorization request.
    pub async fn sign_in(&mut self, username: &str) -> Page {
        let login = self.open("/login").await;
        self.submit_credentials(&login, username).await
    }

    /// Fills in and submits the sign-in form.
    pub async fn submit_credentials(&mut self, page: &Page, username: &str) -> Page {
        assert!(page.url.starts_with("/login"), "{page:?}");
        self.submit(page, &[("identifier", username), ("password", PASSWORD)]).await
    }

    /// Sends the request, and signs in and consents if asked to.
    pub async fn complete_authorization(
        &mut self,
        request: &AuthorizationRequest,
        username: &str,
    ) -> Page {
        let mut page = self.start_authorization(request).await;
        if page.url.starts_with("/login") {
            page = self.submit_credentials(&page, username).await;
        }
        if page.url.starts_with("/consent") {
            page = self.submit(&page, &[("answer", "allow")]).await;
        }
        page
    }
}

impl Page {
    /// Asserts that this is the page at `path`.
    #[track_caller]
    pub fn assert_page(&self, path: &str) -> &Self {
        assert_eq!(self.url.split('?').next(), Some(path), "{self:?}");
        assert_eq!(self.response.header("content-type"), "text/html; charset=utf-8", "{self:?}");
        self
    }

    /// Asserts an error response with exactly this error: RFC 6749 §4.1.2.1, RFC 9207 §2.
    #[track_caller]
    pub fn refused(&self, error: &str) -> &Self {
        assert_eq!(self.parameter("error"), error, "{self:?}");
        assert_eq!(self.parameter("state"), STATE);
        assert_eq!(self.parameter("iss"), ISSUER);
        assert!(!self.url.contains("code="), "{self:?}");
        self
    }

    /// Asserts a successful authorization response, and returns its code.
    #[track_caller]
    pub fn code(&self) -> String {
        assert!(self.url.starts_with(Client::REDIRECT_URI), "{self:?}");
        assert_eq!((self.parameter("state"), self.parameter("iss")), (STATE.into(), ISSUER.into()));
        self.parameter("code")
    }
}

impl Response {
    /// Asserts an error page without a redirect: THREATS §0, `PAGE400`.
    #[track_caller]
    pub fn assert_error_page(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("location"), "", "{self:?}");
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        assert!(!self.text.contains("<form"), "no form that sends itself: {self:?}");
        self
    }

    /// The page without the parts that differ between responses: the reference, and the query of the
    /// page's own address in its language links.
    pub fn text_without_reference(&self) -> String {
        let mut parts = self.text.split("href=\"?");
        let mut text = parts.next().unwrap().to_owned();
        for part in parts {
            text.push_str("href=\"?…");
            text.push_str(&part[part.find('"').unwrap()..]);
        }
        text.replace(self.header("x-request-id"), "…")
    }
}

/// The header and the claims of a JWT, after its signature was verified with the published keys.
pub async fn verify_jwt(server: &Server, jwt: &str) -> (jsonwebtoken::Header, Value) {
    let header = jsonwebtoken::decode_header(jwt).unwrap();
    let keys: jsonwebtoken::jwk::JwkSet =
        serde_json::from_value(server.get("/jwks").await.ok().body).unwrap();
    let key = keys.find(header.kid.as_deref().unwrap()).expect("a published key");
    let mut rules = jsonwebtoken::Validation::new(header.alg);
    // The server's clock is the test's, not the system's.
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
    (header, jsonwebtoken::decode(jwt, &key, &rules).unwrap().claims)
}

/// The verified claims of the ID token in a token response.
pub async fn id_token_claims(server: &Server, tokens: &Response) -> Value {
    verify_jwt(server, &tokens.token("id_token")).await.1
}
