//! What an authorization request leads to: a response to the client, an error response, or an error page.
//! [RFC 6749 §4.1.2], [RFC 9207].
//!
//! [RFC 6749 §4.1.2]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2
//! [RFC 9207]: https://www.rfc-editor.org/rfc/rfc9207

use std::sync::Arc;

use crate::types::client::ResponseMode;
use crate::types::{Client, Error, Refusal};

/// How an interaction with the user ends. The way back to the client is one of several: an approved device, for
/// example, has no client to return to in this browser.
#[derive(Debug)]
pub enum Outcome {
    /// The browser returns to the client with this response.
    Response(AuthorizationResponse),
}

/// Where the authorization response goes. Client and redirect URI are verified.
#[derive(Clone, Debug)]
pub struct ReturnTo {
    /// As registered.
    pub redirect_uri: String,
    /// How the parameters are transferred.
    pub mode: ResponseMode,
    /// Returned unchanged.
    pub state: Option<String>,
}

/// An authorization response: RFC 6749 §4.1.2, and §4.1.2.1 for errors.
#[derive(Debug)]
pub struct AuthorizationResponse {
    /// Where it goes.
    pub return_to: ReturnTo,
    /// `code` or `error`, and what belongs to them.
    pub parameters: Vec<(&'static str, String)>,
}

impl ReturnTo {
    /// The successful response, with a code: RFC 6749 §4.1.2.
    pub fn code(self, issuer: &str, code: &str) -> AuthorizationResponse {
        self.response(issuer, vec![("code", code.to_owned())])
    }

    /// The error response: RFC 6749 §4.1.2.1.
    pub fn refusal(self, issuer: &str, refusal: &Refusal) -> AuthorizationResponse {
        let error = ("error", refusal.code.as_str().to_owned());
        self.response(issuer, vec![error, ("error_description", refusal.why.to_owned())])
    }

    /// > In authorization responses to the client, including error responses, an authorization server
    /// > supporting this specification MUST indicate its identity by including the iss parameter
    /// > (RFC 9207 §2)
    fn response(
        self,
        issuer: &str,
        mut parameters: Vec<(&'static str, String)>,
    ) -> AuthorizationResponse {
        if let Some(state) = &self.state {
            parameters.push(("state", state.clone()));
        }
        parameters.push(("iss", issuer.to_owned()));
        AuthorizationResponse { return_to: self, parameters }
    }
}

/// Why an authorization request ends without a code.
#[derive(Debug)]
pub enum AuthorizationError {
    /// An error page and no redirect: the client or its redirect URI is not verified, the request has expired, or
    /// the server failed. With a link back to the application, if that is known.
    OnPage(Error, Option<Home>),
    /// An error response to the client.
    ToClient(ReturnTo, Refusal),
}

/// Where the user finds the application again: the target of the link on an error page.
#[derive(Debug)]
pub struct Home {
    /// The application; it may have registered a home page.
    pub client: Arc<Client>,
    /// The origin of the redirect URI, if its scheme is `https` or `http`.
    pub origin: Option<String>,
}

impl Home {
    /// The registered home page only: no parameter of a request chooses the target (THREATS UI-07, M9).
    pub fn of(client: &Arc<Client>) -> Self {
        Self { client: client.clone(), origin: None }
    }

    /// The origin of a verified redirect URI, besides the registered home page.
    pub(super) fn of_redirect_uri(client: &Arc<Client>, return_to: &ReturnTo) -> Self {
        let url = url::Url::parse(&return_to.redirect_uri);
        let web = url.ok().filter(|url| matches!(url.scheme(), "https" | "http"));
        let origin = web.map(|url| format!("{}/", url.origin().ascii_serialization()));
        Self { origin, ..Self::of(client) }
    }
}

impl From<Error> for AuthorizationError {
    fn from(error: Error) -> Self {
        Self::OnPage(error, None)
    }
}

impl From<Refusal> for AuthorizationError {
    fn from(refusal: Refusal) -> Self {
        Self::OnPage(refusal.into(), None)
    }
}

impl From<sqlx::Error> for AuthorizationError {
    fn from(error: sqlx::Error) -> Self {
        Self::OnPage(error.into(), None)
    }
}

/// Where an error goes once client and redirect URI are verified. A refusal is sent to the client, because
/// the request was wrong. A failure is shown to the user, because the server is at fault and the user can try
/// again.
pub(super) fn to_client_or_page(
    client: &Arc<Client>,
    return_to: &ReturnTo,
    error: Error,
) -> AuthorizationError {
    match error {
        Error::Refused(refusal) => {
            AuthorizationError::ToClient(return_to.clone(), refusal.with("client_id", &client.id))
        }
        Error::Failed(failure) => {
            let home = Home::of_redirect_uri(client, return_to);
            AuthorizationError::OnPage(failure.into(), Some(home))
        }
    }
}
