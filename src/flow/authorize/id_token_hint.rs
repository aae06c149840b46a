//! `id_token_hint`: an ID token of this server that comes back ([OIDC Core §3.1.2.1], [RP-Initiated Logout §2]).
//!
//! [OIDC Core §3.1.2.1]: https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest
//! [RP-Initiated Logout §2]: https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout

use serde_json::Value;

use crate::flow::Call;
use crate::jose::claims::{Audience, Claims};
use crate::jose::jws::{self, Keys, Typ};
use crate::types::{Algorithm, Client, ClientId, Code, Result};

/// The `sub` of an `id_token_hint` that was issued to this client. It may have expired.
///
/// # Errors
/// `invalid_request`.
pub fn subject(call: &Call<'_>, client: &Client, hint: &str) -> Result<String> {
    let hint = parse(call, hint)?;
    if hint.client_id != client.id {
        return Err(Code::InvalidRequest
            .because("id_token_hint was issued to another client")
            .into());
    }
    Ok(hint.subject)
}

/// The claims of an `id_token_hint`.
#[derive(Debug)]
pub struct Hint {
    /// `aud`: the client that it was issued to.
    pub client_id: ClientId,
    /// `sub`
    pub subject: String,
    /// `sid`: [`crate::flow::tokens::sid`].
    pub sid: String,
}

/// Parses an ID token that this server issued, even if it has expired.
///
/// # Errors
/// `invalid_request` for a token that this server did not sign, and for one of another kind: a signed
/// response of userinfo has neither `exp` nor `sid` (THREATS JO-07).
pub fn parse(call: &Call<'_>, hint: &str) -> Result<Hint> {
    let wrong = |why| {
        Code::InvalidRequest
            .because("id_token_hint is not an ID token of this server")
            .with("reason", why)
    };
    let keys = call.keys()?;
    let verified = jws::verify(
        hint,
        Keys::Published(&keys.hints),
        Algorithm::SIGNING,
        Typ::AbsentOr(&["JWT"]),
    )
    .map_err(wrong)?;
    let claims = Claims::parse(&verified.claims).map_err(wrong)?;
    if claims.issuer.as_deref() != Some(call.issuer()) {
        return Err(wrong("iss is not the issuer identifier of this server").into());
    }
    if claims.issued_at.is_none_or(|issued_at| issued_at.is_ahead_of(call.now)) {
        return Err(wrong("iat is in the future").into());
    }
    let sid = verified.claims.get("sid").and_then(Value::as_str);
    match (claims.audience, claims.subject, sid, claims.expires_at) {
        (Some(Audience::One(client)), Some(subject), Some(sid), Some(_)) => {
            Ok(Hint { client_id: ClientId::from_text(client), subject, sid: sid.to_owned() })
        }
        _ => Err(wrong("it lacks a claim that every ID token of this server has").into()),
    }
}
