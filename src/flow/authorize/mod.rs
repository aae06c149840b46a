//! The authorization endpoint: [RFC 6749 §4.1.1], [OIDC Core §3.1.2], [RFC 9700].
//!
//! `parameters` validates the request in this order: the client, the redirect URI, everything else. An error in the first
//! two is shown on a page; after that every error goes to the client, with `iss` ([RFC 9207]). `decide` selects the
//! next step, `interaction` leads through the pages to its outcome, `response` is what the client receives.
//!
//! [RFC 6749 §4.1.1]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1
//! [OIDC Core §3.1.2]: https://openid.net/specs/openid-connect-core-1_0.html#AuthorizationEndpoint
//! [RFC 9700]: https://www.rfc-editor.org/rfc/rfc9700
//! [RFC 9207]: https://www.rfc-editor.org/rfc/rfc9207

mod decide;
pub mod id_token_hint;
pub mod interaction;
mod parameters;
mod response;
mod waiting;

use std::sync::Arc;

pub use self::decide::{Next, decide, is_trusted, required_consent};
pub use self::parameters::{POSTED, Parameters, Source, parse};
use self::response::to_client_or_page;
pub use self::response::{AuthorizationError, AuthorizationResponse, Home, Outcome, ReturnTo};
use crate::flow::tokens::claims::ClaimsRequest;
use crate::types::{Client, Error, ResourceId, Scope, Seconds, Thumbprint};

/// `prompt`: OIDC Core §3.1.2.1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Prompt {
    /// No page may be shown.
    pub none: bool,
    /// The user must authenticate again.
    pub login: bool,
    /// The user must be asked for consent.
    pub consent: bool,
    /// The user must be asked to select an account.
    pub select_account: bool,
}

/// An authorization request that has passed its checks.
#[derive(Clone, Debug)]
pub struct Request {
    /// The client.
    pub client: Arc<Client>,
    /// Where the response goes.
    pub return_to: ReturnTo,
    /// `scope`
    pub scope: Scope,
    /// `resource`: the APIs.
    pub resources: Vec<ResourceId>,
    /// `claims`: individual claims (OIDC Core §5.5).
    pub claims: ClaimsRequest,
    /// `nonce`, for the ID token.
    pub nonce: Option<String>,
    /// `code_challenge` of PKCE, with the method S256.
    pub code_challenge: Option<String>,
    /// `dpop_jkt`: the thumbprint of the key that must redeem the code (RFC 9449 §10).
    pub dpop_jkt: Option<Thumbprint>,
    /// `prompt`
    pub prompt: Prompt,
    /// `max_age`: how old the authentication of the user may be.
    pub max_age: Option<Seconds>,
    /// `login_hint`: the initial value of the sign-in form.
    pub login_hint: Option<String>,
    /// The requested user, by the `sub` for this client.
    pub subject: Option<String>,
    /// `ui_locales`: the preferred languages of the user.
    pub ui_locales: Option<String>,
}

impl Request {
    /// The response to an error of this request, whose client and redirect URI are verified.
    pub fn authorization_error(&self, error: Error) -> AuthorizationError {
        to_client_or_page(&self.client, &self.return_to, error)
    }

    /// Where the user finds the application again.
    pub fn home(&self) -> Home {
        Home::of_redirect_uri(&self.client, &self.return_to)
    }
}
