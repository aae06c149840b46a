//! The UserInfo endpoint: [OIDC Core §5.3].
//!
//! [OIDC Core §5.3]: https://openid.net/specs/openid-connect-core-1_0.html#UserInfo

use serde_json::{Map, Value, json};

use super::access_token::{self, Behind, Not};
use super::claims::{ClaimsRequest, Consented, Place};
use super::{dpop, subject};
use crate::flow::Call;
use crate::types::{Code, Refusal, Result, Secret};

/// What is answered, in the form registered by `userinfo_signed_response_alg`.
#[derive(Debug)]
pub enum Body {
    /// `application/json`
    Json(Map<String, Value>),
    /// `application/jwt`
    Jwt(Secret),
}

/// Tells a client about the user of an access token.
///
/// # Errors
/// `invalid_token`, `insufficient_scope`, `invalid_dpop_proof`; 503 when the database does not answer.
pub async fn userinfo(call: &Call<'_>, token: &str) -> Result<Body> {
    let mut token = match access_token::read(call, token).await? {
        Ok(token) => token,
        Err(Not::Expired(_)) => return Err(invalid("expired").into()),
        Err(Not::Ours(why)) => return Err(invalid(why).into()),
    };
    // Only tokens that are for us (DESIGN §3): an API must not read profiles with what it was handed.
    if !token.audience.iter().any(|audience| audience == call.issuer()) {
        return Err(invalid("the token is for another resource: ask for the issuer as well")
            .with("audience", token.audience.join(" "))
            .with("expected", call.issuer())
            .into());
    }
    call.held.must_fit(&token.confirmation, call.now)?;
    if !token.scope.has("openid") {
        return Err(Code::InsufficientScope.because("the token lacks the scope openid").into());
    }
    let Some(client) = call.cache.client(&token.client_id).await? else {
        return Err(invalid("the client is gone").into());
    };
    call.held.must_suit(&client)?;
    let live = match token.live(call).await? {
        Some(Behind::User(live)) => live,
        Some(Behind::Client) => return Err(invalid("the token is of no user").into()),
        None => return Err(invalid("revoked, or what it came of is").into()),
    };
    dpop::spend(call, call.store.db()).await?;
    if token.confirmation.certificate.is_some() {
        call.note_certificate(&token.client_id);
    }

    let keys = call.keys()?;
    let wanted = ClaimsRequest::from_text(&live.claims);
    let user = live.user;
    let consented = Consented { scope: &token.scope, requested: &wanted };
    let mut about = consented.about(&user, Place::Userinfo);
    about.insert("sub".to_owned(), json!(subject::of(&keys, &client, &user.id)));
    let body = match client.metadata.userinfo_signed_response_alg {
        None => Body::Json(about),
        Some(algorithm) => {
            // > If signed, the UserInfo Response MUST contain the Claims iss and aud as members. (§5.3.2)
            about.insert("iss".to_owned(), json!(call.issuer()));
            about.insert("aud".to_owned(), json!(client.id));
            Body::Jwt(Secret::new(keys.signing(algorithm)?.sign("JWT", &about)?))
        }
    };
    Ok(body)
}

fn invalid(reason: &'static str) -> Refusal {
    Code::InvalidToken
        .because("the access token is expired, revoked, or not one for this endpoint")
        .with("reason", reason)
}
