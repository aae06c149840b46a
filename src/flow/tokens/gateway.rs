//! Forward authentication: whether a gateway may pass a request on to an API, by the checks of [RFC 9068 §4] and
//! [RFC 7662 §4].
//!
//! [RFC 9068 §4]: https://www.rfc-editor.org/rfc/rfc9068#section-4
//! [RFC 7662 §4]: https://www.rfc-editor.org/rfc/rfc7662#section-4

use super::access_token::{self, AccessToken, Behind, Demand};
use crate::config::GatewayRoute;
use crate::flow::Call;
use crate::types::{Result, Timestamp};

/// The sender of the original request.
#[derive(Debug)]
pub struct Identity {
    /// The token.
    pub token: AccessToken,
    /// `sub`
    pub subject: String,
    /// `auth_time`; `None` if the client acts for itself.
    pub auth_time: Option<Timestamp>,
    /// `acr`
    pub acr: Option<String>,
}

/// The route with this name. The gateway alone chooses the route; the configuration determines what the route demands
/// (THREATS HD-04).
pub fn route<'a>(call: &Call<'a>, name: &str) -> Option<&'a GatewayRoute> {
    call.config.verify.routes.iter().find(|route| route.name == name)
}

/// Accepts the access token of the original request for a route.
///
/// # Errors
/// Those of [`access_token::accept`].
pub async fn authorize(call: &Call<'_>, route: &GatewayRoute, token: &str) -> Result<Identity> {
    let demand = Demand { audience: &route.audience, scope: &route.scope, user: false };
    let accepted = access_token::accept(call, token, demand).await?;
    let subject = accepted.subject(call)?;
    let (auth_time, acr) = match accepted.behind {
        Behind::Client => (None, None),
        Behind::User(live) => (Some(live.auth_time), Some(live.acr)),
    };
    Ok(Identity { token: accepted.token, subject, auth_time, acr })
}
