//! JWT access tokens that the server has not seen before: each request has a new one, whose signature is not cached.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Result;
use gatewright::flow::keys::Keys;
use gatewright::types::{Algorithm, Failure, Seconds, Timestamp};
use serde_json::json;

use crate::jobs::request;
use crate::load::{Response, Step, Work, Worker};
use crate::seed::{SCOPE, uuid};

/// Signs access tokens with the key of the server.
pub(crate) struct TokenIssuer {
    pub(crate) keys: Arc<Keys>,
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    /// The numbers of the grants that take turns.
    pub(crate) grants: Vec<usize>,
    pub(crate) now: Timestamp,
}

impl fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenIssuer").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl TokenIssuer {
    /// An access token. Another one for the same number differs by its signature.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub(crate) fn token(&self, number: usize) -> Result<String, Failure> {
        let grant = self.grants.get(number % self.grants.len()).copied().map(uuid);
        let claims = json!({
            "iss": self.issuer, "aud": self.issuer, "sub": grant, "client_id": self.client_id,
            "scope": SCOPE, "jti": uuid(number), "iat": self.now,
            "exp": self.now + Seconds::hours(2), "gw_grant": grant, "auth_time": self.now,
            "acr": "pwd",
        });
        self.keys.signing(Algorithm::Es256)?.sign("at+jwt", &claims)
    }
}

/// The request that presents a token.
pub(crate) type Present = Rc<dyn Fn(&str) -> Vec<u8>>;

/// Introspects tokens, as the client that `basic` authenticates.
pub(crate) fn introspection(basic: String) -> Present {
    Rc::new(move |token| request("POST", "/introspect", &basic, &format!("token={token}")))
}

/// Requests the user's claims.
pub(crate) fn user_info() -> Present {
    Rc::new(|token| request("GET", "/userinfo", &format!("authorization: Bearer {token}\r\n"), ""))
}

/// Presents a new token each time.
struct FirstUse {
    issuer: Rc<TokenIssuer>,
    present: Present,
    expected: &'static str,
    next: usize,
}

/// The workers.
pub(crate) fn workers(
    issuer: &Rc<TokenIssuer>,
    present: &Present,
    expected: &'static str,
    count: usize,
) -> Vec<Worker> {
    let first = |number: usize| issuer.grants.len() * number / count;
    (0..count)
        .map(|number| {
            let (issuer, present) = (issuer.clone(), present.clone());
            Box::new(FirstUse { issuer, present, expected, next: first(number) }) as Worker
        })
        .collect()
}

impl Work for FirstUse {
    fn write_request(&mut self, bytes: &mut Vec<u8>) {
        // Without a token the response is not the expected one.
        let token = self.issuer.token(self.next).unwrap_or_default();
        self.next += 1;
        bytes.extend((self.present)(&token));
    }

    fn read_response(&mut self, response: &Response<'_>) -> Result<Step> {
        response.must_contain(self.expected)?;
        Ok(Step::Done)
    }
}
