//! The UserInfo endpoint: [OIDC Core §5.3].
//!
//! [OIDC Core §5.3]: https://openid.net/specs/openid-connect-core-1_0.html#UserInfo

use serde_json::{Map, Value, json};

use super::access_token::{self, Accepted, Behind, Demand};
use super::claims::{ClaimsRequest, Consented, Place};
use super::subject;
use crate::flow::Call;
use crate::types::{Failure, Result, Scope, Secret};

/// The response, in the format registered as `userinfo_signed_response_alg`.
#[derive(Debug)]
pub enum Body {
    /// `application/json`
    Json(Map<String, Value>),
    /// `application/jwt`
    Jwt(Secret),
}

/// The claims about the user of an access token.
///
/// # Errors
/// Those of [`access_token::accept`].
pub async fn userinfo(call: &Call<'_>, token: &str) -> Result<Body> {
    let scope = Scope::from_tokens(["openid"]);
    let demand = Demand { audience: call.issuer(), scope: &scope, user: true };
    let Accepted { token, client, behind } = access_token::accept(call, token, demand).await?;
    let Behind::User(live) = behind else {
        return Err(Failure::internal("a token that must be a user's is a client's").into());
    };

    let keys = call.keys()?;
    let requested = ClaimsRequest::from_text(&live.claims);
    let user = live.user;
    let consented = Consented { scope: &token.scope, requested: &requested };
    let mut claims = consented.release(&user, Place::Userinfo);
    claims.insert("sub".to_owned(), json!(subject::for_client(&keys, &client, &user.id)));
    let body = match client.metadata.userinfo_signed_response_alg {
        None => Body::Json(claims),
        Some(algorithm) => {
            // > If signed, the UserInfo Response MUST contain the Claims iss and aud as members. (§5.3.2)
            claims.insert("iss".to_owned(), json!(call.issuer()));
            claims.insert("aud".to_owned(), json!(client.id));
            Body::Jwt(Secret::new(keys.signing(algorithm)?.sign("JWT", &claims)?))
        }
    };
    Ok(body)
}
