//! What a gateway asks before it lets a request through to an API: whether the token that came with it counts
//! there, by the checks of [RFC 9068 §4] and of [RFC 7662 §4] at once.
//!
//! [RFC 9068 §4]: https://www.rfc-editor.org/rfc/rfc9068#section-4
//! [RFC 7662 §4]: https://www.rfc-editor.org/rfc/rfc7662#section-4

use super::access_token::{self, Behind, Not, Read};
use super::dpop;
use crate::config::Protected;
use crate::flow::Call;
use crate::types::{Code, Refusal, Result, Timestamp};

/// Whoever sends the request that is asked about.
#[derive(Debug)]
pub struct Identity {
    /// The token.
    pub token: Read,
    /// `sub`
    pub subject: String,
    /// `auth_time`; `None`: the client acts for itself.
    pub auth_time: Option<Timestamp>,
    /// `acr`
    pub acr: Option<String>,
}

/// The route with this name. Which one is asked about is the gateway's word alone; what it demands stands in our
/// configuration (THREATS HD-04).
pub fn route<'a>(call: &Call<'a>, name: &str) -> Option<&'a Protected> {
    call.config.verify.routes.iter().find(|route| route.name == name)
}

/// Judges a token for a route: it counts in this moment, it is for this API, it is bound to nothing that was not
/// shown, it allows enough.
///
/// # Errors
/// `invalid_token`, `insufficient_scope`, `invalid_dpop_proof`; 503 when the database does not answer: never a yes, never a no
/// (THREATS DB-03).
pub async fn judge(call: &Call<'_>, route: &Protected, token: &str) -> Result<Identity> {
    let mut token = match access_token::read(call, token).await? {
        Ok(token) => token,
        Err(Not::Expired(_)) => return Err(invalid("expired").into()),
        Err(Not::Ours(why)) => return Err(invalid(why).into()),
    };
    if !token.audience.contains(&route.audience) {
        return Err(invalid("the token is for another resource")
            .with("audience", token.audience.join(" "))
            .with("expected", &route.audience)
            .into());
    }
    call.held.must_fit(&token.confirmation, call.now)?;
    if !route.scope.within(&token.scope) {
        return Err(Code::InsufficientScope
            .because("the access token lacks a scope that this address needs")
            .with("scope", &token.scope)
            .with("expected", &route.scope)
            .into());
    }
    let Some(behind) = token.live(call).await? else {
        return Err(invalid("revoked, or what it came of is").into());
    };
    let Some(subject) = token.subject(call, &behind).await? else {
        return Err(invalid("the client is gone").into());
    };
    dpop::spend(call, call.store.db()).await?;
    if token.confirmation.certificate.is_some() {
        call.note_certificate(&token.client_id);
    }
    let (auth_time, acr) = match behind {
        Behind::Client => (None, None),
        Behind::User(live) => (Some(live.auth_time), Some(live.acr)),
    };
    Ok(Identity { token, subject, auth_time, acr })
}

fn invalid(reason: &'static str) -> Refusal {
    Code::InvalidToken
        .because("the access token is expired, revoked, or not one for this address")
        .with("reason", reason)
}
