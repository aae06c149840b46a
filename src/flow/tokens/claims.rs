//! Claims about users: [OIDC Core §5].
//!
//! [OIDC Core §5]: https://openid.net/specs/openid-connect-core-1_0.html#Claims

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::types::client::IdTokenClaims;
use crate::types::{Code, Refusal, Scope, User, json};

/// The claims of OIDC Core §5.1, each with the scope of §5.4 that requests it.
const STANDARD: &[(&str, &str)] = &[
    ("name", "profile"),
    ("family_name", "profile"),
    ("given_name", "profile"),
    ("middle_name", "profile"),
    ("nickname", "profile"),
    ("preferred_username", "profile"),
    ("profile", "profile"),
    ("picture", "profile"),
    ("website", "profile"),
    ("gender", "profile"),
    ("birthdate", "profile"),
    ("zoneinfo", "profile"),
    ("locale", "profile"),
    ("updated_at", "profile"),
    ("email", "email"),
    ("email_verified", "email"),
    ("address", "address"),
    ("phone_number", "phone"),
    ("phone_number_verified", "phone"),
];

/// The names of all supported claims about users: `claims_supported`.
pub fn supported() -> impl Iterator<Item = &'static str> {
    STANDARD.iter().map(|(name, _)| *name)
}

/// The scope that requests a claim.
pub fn scope_of(claim: &str) -> Option<&'static str> {
    STANDARD.iter().find(|(name, _)| *name == claim).map(|(_, scope)| *scope)
}

/// The claims that the `claims` parameter requests by name (OIDC Core §5.5). Unknown claims are ignored: "Any Claims
/// requested that are not understood MUST be ignored" (§5.5.1 in spirit, §3.1.2.1 for parameters).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// In the response of userinfo.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub userinfo: Vec<String>,
    /// In the ID token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token: Vec<String>,
}

/// The `claims` parameter.
#[derive(Clone, Debug, Default)]
pub struct ClaimsParameter {
    /// The requested claims.
    pub claims: ClaimsRequest,
    /// `sub` with a value: the only acceptable user (§5.5.1).
    pub subject: Option<String>,
    /// The values of an essential `acr`, of which one must be met (§5.5.1.1).
    pub essential_acr: Option<Vec<String>>,
}

impl ClaimsRequest {
    /// The stored form; without claims, the empty text.
    pub fn to_text(&self) -> String {
        if *self == Self::default() {
            return String::new();
        }
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The inverse of [`ClaimsRequest::to_text`].
    pub fn from_text(text: &str) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The claims that are requested by name and not covered by `scope`.
    pub fn beyond(&self, scope: &Scope) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.userinfo.iter().chain(&self.id_token) {
            let covered = scope_of(name).is_some_and(|of| scope.has(of));
            if !covered && !names.contains(name) {
                names.push(name.clone());
            }
        }
        names.sort();
        names
    }
}

/// Parses the `claims` parameter.
///
/// # Errors
/// `invalid_request` if it does not have the form of §5.5.
pub fn parse(text: &str) -> Result<ClaimsParameter, Refusal> {
    const WHY: &str = "the claims parameter is not what OpenID Connect Core section 5.5 describes";
    let wrong = || Code::InvalidRequest.because(WHY);
    let members = json::parse_object(text.as_bytes()).map_err(|why| wrong().with("reason", why))?;
    let mut parsed = ClaimsParameter::default();
    for (place, into) in [("userinfo", false), ("id_token", true)] {
        let Some(requested) = members.get(place) else {
            continue;
        };
        let Value::Object(requested) = requested else {
            return Err(wrong().with("member", place));
        };
        for (name, how) in requested {
            let (Value::Null | Value::Object(_)) = how else {
                return Err(wrong().with("claim", name));
            };
            match name.as_str() {
                "sub" => parsed.must_be(subject(how).map_err(|()| wrong().with("claim", name))?)?,
                // acr is a claim of the ID token only (§5.5.1.1).
                "acr" if into => parsed.essential_acr = essential(how),
                known if scope_of(known).is_some() => {
                    let list = if into {
                        &mut parsed.claims.id_token
                    } else {
                        &mut parsed.claims.userinfo
                    };
                    list.push(name.clone());
                }
                _ => {}
            }
        }
    }
    Ok(parsed)
}

impl ClaimsParameter {
    /// Records the only acceptable user; two different ones are an error.
    fn must_be(&mut self, subject: Option<String>) -> Result<(), Refusal> {
        if let (Some(one), Some(other)) = (&self.subject, &subject)
            && one != other
        {
            return Err(
                Code::InvalidRequest.because("the claims parameter names two different users")
            );
        }
        self.subject = self.subject.take().or(subject);
        Ok(())
    }
}

/// The value of `sub`. An invalid value must not be taken for none, or every user would be acceptable.
fn subject(how: &Value) -> Result<Option<String>, ()> {
    match how.get("value") {
        None => Ok(None),
        Some(Value::String(subject)) => Ok(Some(subject.clone())),
        Some(_) => Err(()),
    }
}

/// The values of which one must be met. A value that is not a string can never be met.
fn essential(how: &Value) -> Option<Vec<String>> {
    let is_essential = how.get("essential").and_then(Value::as_bool) == Some(true);
    let (one, many) = (how.get("value"), how.get("values"));
    if !is_essential || (one.is_none() && many.is_none()) {
        return None;
    }
    let values = one.into_iter().chain(many.and_then(Value::as_array).into_iter().flatten());
    Some(values.filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Where claims about a user are released.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// Userinfo (§5.3): to the client.
    Userinfo,
    /// The ID token: as its client is registered.
    IdToken(&'a IdTokenClaims),
    /// Introspection (RFC 7662 §2.2): to the client, or to an API in the audience of the token.
    Introspection,
}

/// What the user of a token has consented to: the only rule about which claims are released (THREATS EX-18). Gateways
/// receive none.
#[derive(Clone, Copy, Debug)]
pub struct Consented<'a> {
    /// The scope of the token.
    pub scope: &'a Scope,
    /// The claims that the `claims` parameter requested and the consent page showed.
    pub requested: &'a ClaimsRequest,
}

impl Consented<'_> {
    /// Whether a claim may be released there: a scope covers it, or it was requested there by name (§5.5).
    pub fn covers(&self, claim: &str, place: Place<'_>) -> bool {
        scope_of(claim).is_some_and(|scope| self.allows(claim, scope, place))
    }

    /// The same for a claim with this scope.
    fn allows(&self, claim: &str, scope: &str, place: Place<'_>) -> bool {
        let is_in = |names: &[String]| names.iter().any(|name| name == claim);
        let by_scope = self.scope.has(scope);
        match place {
            Place::Userinfo | Place::Introspection => by_scope || is_in(&self.requested.userinfo),
            Place::IdToken(claims) => {
                is_in(&self.requested.id_token)
                    || match claims {
                        IdTokenClaims::Requested => false,
                        IdTokenClaims::Scopes => by_scope,
                        IdTokenClaims::Named(names) => {
                            is_in(names) && (by_scope || is_in(&self.requested.userinfo))
                        }
                    }
            }
        }
    }

    /// Whether any claim may be released there.
    pub fn has_any(&self, place: Place<'_>) -> bool {
        STANDARD.iter().any(|(claim, scope)| self.allows(claim, scope, place))
    }

    /// The claims of this user that may be released there. Unknown ones are omitted: "the Claim Name SHOULD be
    /// omitted […] it SHOULD NOT be present with a null value" (§5.3.2).
    pub fn release(&self, user: &User, place: Place<'_>) -> Map<String, Value> {
        let mut claims = Map::new();
        let allowed = STANDARD.iter().filter(|(claim, scope)| self.allows(claim, scope, place));
        for (name, _) in allowed {
            let value = match *name {
                "preferred_username" => Some(Value::from(user.username.as_str())),
                "email" => user.email.as_deref().map(Value::from),
                "email_verified" => user.email.as_ref().map(|_| Value::from(user.email_verified)),
                "updated_at" => Some(Value::from(user.updated_at.0)),
                other => user.claims.get(other).cloned(),
            };
            if let Some(value) = value {
                claims.insert((*name).to_owned(), value);
            }
        }
        claims
    }
}
