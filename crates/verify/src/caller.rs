//! The claims of a JWT access token: [RFC 9068 §2.2].
//!
//! [RFC 9068 §2.2]: https://www.rfc-editor.org/rfc/rfc9068#section-2.2

use serde_json::{Map, Value};

use crate::jose::claims::Claims;
use crate::types::{ClientId, Confirmation, GrantId, Scope, Timestamp};

/// The caller of an API, and what the access token permits.
#[derive(Clone, Debug)]
pub struct Caller {
    /// `sub`: the user, or the client if it acts for itself. Identify accounts by this and the
    /// issuer.
    pub subject: String,
    /// `client_id`: the client.
    pub client_id: ClientId,
    /// `aud`: the resources that the token is for.
    pub audience: Vec<String>,
    /// `scope`: the granted scopes.
    pub scope: Scope,
    /// `gw_grant`: the grant; `None` if the client acts for itself (RFC 6749 §4.4).
    pub grant: Option<GrantId>,
    /// `jti`: the token's identifier, for logs.
    pub token_id: String,
    /// `iat`
    pub issued_at: Timestamp,
    /// `exp`
    pub expires_at: Timestamp,
    /// `auth_time`: when the user authenticated.
    pub auth_time: Option<Timestamp>,
    /// `acr`: the authentication context class.
    pub acr: Option<String>,
    /// `cnf`: the binding of the token.
    pub confirmation: Confirmation,
}

impl Caller {
    /// Parses the claims of a token with a valid signature. Expiry and audience are for the caller
    /// to check.
    ///
    /// # Errors
    /// When the issuer is not `issuer`, a claim that RFC 9068 §2.2 requires is missing, or a claim
    /// has the wrong type.
    pub fn from_claims(payload: &Map<String, Value>, issuer: &str) -> Result<Self, &'static str> {
        let claims = Claims::parse(payload)?;
        // > The issuer identifier for the authorization server […] MUST exactly match the value of the
        // > "iss" claim. (RFC 9068 §4)
        if claims.issuer.as_deref() != Some(issuer) {
            return Err("iss is not our issuer identifier");
        }
        let text = |name: &str| match payload.get(name) {
            None => Ok(None),
            Some(value) => {
                value.as_str().map(Some).ok_or("a claim that must be a string is not one")
            }
        };
        let required = (claims.subject, claims.audience, claims.id, text("client_id")?);
        let (Some(subject), Some(audience), Some(token_id), Some(client_id)) = required else {
            return Err("a claim that RFC 9068 requires is missing");
        };
        let (Some(expires_at), Some(issued_at)) = (claims.expires_at, claims.issued_at) else {
            return Err("a time that RFC 9068 requires is missing");
        };
        let scope = Scope::parse(text("scope")?.unwrap_or_default());
        Ok(Self {
            subject,
            client_id: ClientId::from_text(client_id),
            audience: audience.iter().map(str::to_owned).collect(),
            scope: scope.map_err(|_| "scope is not valid")?,
            grant: text("gw_grant")?.map(GrantId::from_text),
            token_id,
            issued_at,
            expires_at,
            auth_time: payload.get("auth_time").and_then(Value::as_i64).map(Timestamp),
            acr: text("acr")?.map(str::to_owned),
            confirmation: confirmation(payload)?,
        })
    }

    /// Whether the client acts for itself, without a user.
    pub const fn is_client(&self) -> bool {
        self.grant.is_none()
    }
}

/// RFC 7800 §3.1 lets an application require that the members of `cnf` are understood. All must be:
/// a token with an unknown binding is refused, not treated as unbound.
fn confirmation(payload: &Map<String, Value>) -> Result<Confirmation, &'static str> {
    let Some(cnf) = payload.get("cnf") else {
        return Ok(Confirmation::default());
    };
    let members = cnf.as_object().ok_or("cnf is not an object")?;
    if members.is_empty() || members.keys().any(|name| name != "x5t#S256" && name != "jkt") {
        return Err("cnf has an unsupported confirmation method");
    }
    serde::Deserialize::deserialize(cnf).map_err(|_| "cnf has no thumbprint of SHA-256")
}
