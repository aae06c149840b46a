//! A client application: it writes authorization requests, and reads what comes back.

use serde_json::Value;

use crate::browser::{Browser, CHALLENGE, Place};
use crate::http::Answer;
use crate::server::{Client, ISSUER, PASSWORD, Server};

/// What the application asks to have given back.
pub const STATE: &str = "state of the client";

/// An authorization request in order, of which a test changes what it is about.
#[derive(Clone, Debug)]
pub struct Request(Vec<(String, String)>);

impl Request {
    pub fn of(client: &Client) -> Self {
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

    /// With this value, and no other of the name.
    pub fn with(self, name: &str, value: &str) -> Self {
        self.without(name).and(name, value)
    }

    /// With this value beside what there is.
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(other, _)| other != name);
        self
    }

    /// All names in it.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }

    pub fn form(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    pub fn target(&self) -> String {
        format!("/authorize?{}", self.form())
    }

    /// Where a browser that nobody has used before comes to with it.
    pub async fn by_a_stranger(&self, server: &Server) -> Place {
        Browser::of(server).open(&self.target()).await
    }
}

impl Browser<'_> {
    /// Asks for what `request` says.
    pub async fn ask(&mut self, request: &Request) -> Place {
        self.open(&request.target()).await
    }

    /// Signs in at the door, for no application.
    pub async fn sign_in(&mut self, username: &str) -> Place {
        let door = self.open("/login").await;
        self.prove(&door, username).await
    }

    /// Fills in the form of a sign-in.
    pub async fn prove(&mut self, place: &Place, username: &str) -> Place {
        assert!(place.at.starts_with("/login"), "{place:?}");
        self.submit(place, &[("identifier", username), ("password", PASSWORD)]).await
    }

    /// Asks, signs in and allows, as far as each is asked for.
    pub async fn obtain(&mut self, request: &Request, username: &str) -> Place {
        let mut place = self.ask(request).await;
        if place.at.starts_with("/login") {
            place = self.prove(&place, username).await;
        }
        if place.at.starts_with("/consent") {
            place = self.submit(&place, &[("answer", "allow")]).await;
        }
        place
    }
}

impl Place {
    /// Whether it is this page of ours.
    #[track_caller]
    pub fn is_page(&self, path: &str) -> &Self {
        assert_eq!(self.at.split('?').next(), Some(path), "{self:?}");
        assert_eq!(self.answer.header("content-type"), "text/html; charset=utf-8", "{self:?}");
        self
    }

    /// The client is told of this error, and of nothing else: RFC 6749 §4.1.2.1, RFC 9207 §2.
    #[track_caller]
    pub fn refused(&self, error: &str) -> &Self {
        assert_eq!(self.parameter("error"), error, "{self:?}");
        assert_eq!(self.parameter("state"), STATE);
        assert_eq!(self.parameter("iss"), ISSUER);
        assert!(!self.at.contains("code="), "{self:?}");
        self
    }

    /// The client is given a code, which is returned.
    #[track_caller]
    pub fn code(&self) -> String {
        assert!(self.at.starts_with(Client::REDIRECT_URI), "{self:?}");
        assert_eq!((self.parameter("state"), self.parameter("iss")), (STATE.into(), ISSUER.into()));
        self.parameter("code")
    }
}

impl Answer {
    /// A page says no, and nobody is sent anywhere: THREATS §0, `PAGE400`.
    #[track_caller]
    pub fn on_page(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("location"), "", "{self:?}");
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        assert!(!self.text.contains("<form"), "no form that sends itself: {self:?}");
        self
    }

    /// A page without what differs from answer to answer: the reference, and the query of its own address, which
    /// its links to other languages have.
    pub fn without_reference(&self) -> String {
        let mut parts = self.text.split("href=\"?");
        let mut text = parts.next().unwrap().to_owned();
        for part in parts {
            text.push_str("href=\"?…");
            text.push_str(&part[part.find('"').unwrap()..]);
        }
        text.replace(self.header("x-request-id"), "…")
    }
}

/// The header and the claims of a JWT, with its signature proven by the published keys.
pub async fn verified(server: &Server, jwt: &str) -> (jsonwebtoken::Header, Value) {
    let header = jsonwebtoken::decode_header(jwt).unwrap();
    let keys: jsonwebtoken::jwk::JwkSet =
        serde_json::from_value(server.get("/jwks").await.ok().body).unwrap();
    let key = keys.find(header.kid.as_deref().unwrap()).expect("a published key");
    let mut rules = jsonwebtoken::Validation::new(header.alg);
    // The clock is the test's.
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
    (header, jsonwebtoken::decode(jwt, &key, &rules).unwrap().claims)
}

/// The claims of the ID token in an answer of the token endpoint.
pub async fn id_token(server: &Server, tokens: &Answer) -> Value {
    verified(server, &tokens.token("id_token")).await.1
}
