//! `templates/demo/home.html`: the tokens and claims that the application has received.

use askama::Template;
use serde_json::{Map, Value};

use super::inventory::Certificate;
use super::sessions::{Notice, SignedIn};
use crate::render::layout::{Layout, initials};
use crate::types::{Secret, Timestamp};

/// The page.
#[derive(Debug, Template)]
#[template(path = "demo/home.html")]
pub(super) struct Home<'a> {
    /// The layout.
    pub(super) layout: Layout<'a>,
    /// The issuer.
    pub(super) issuer: &'a str,
    /// The URL of the metrics.
    pub(super) metrics: &'a str,
    /// The result of the last action.
    pub(super) notice: Option<&'a Notice>,
    /// The certificate inventory of the server.
    pub(super) certificates: Vec<Certificate>,
    /// The signed-in user.
    pub(super) user: Option<SignedInUser<'a>>,
}

impl Home<'_> {
    /// How many of the five steps of a sign-in are completed.
    fn reached(&self) -> usize {
        match &self.user {
            None => 0,
            Some(user) if user.signed_in.userinfo.is_none() => 4,
            Some(_) => 5,
        }
    }

    fn is_error_notice(&self) -> bool {
        matches!(self.notice, Some(Notice::Failed(_)))
    }

    fn notice_text(&self) -> Option<String> {
        self.notice.map(|notice| match notice {
            Notice::Done(what) => (*what).to_owned(),
            Notice::Failed(error) => error.to_string(),
        })
    }
}

/// A signed-in user and their tokens.
#[derive(Debug)]
pub(super) struct SignedInUser<'a> {
    signed_in: &'a SignedIn,
    now: Timestamp,
}

impl<'a> SignedInUser<'a> {
    /// The user at the time `now`.
    pub(super) const fn new(signed_in: &'a SignedIn, now: Timestamp) -> Self {
        Self { signed_in, now }
    }

    fn claim(&self, name: &str) -> Option<&'a str> {
        self.signed_in.tokens.id_token.claims.get(name).and_then(Value::as_str)
    }

    fn name(&self) -> &'a str {
        self.claim("name").or(self.claim("preferred_username")).unwrap_or("Unnamed user")
    }

    fn handle(&self) -> &'a str {
        self.claim("email").unwrap_or(&self.signed_in.tokens.id_token.subject)
    }

    fn initials(&self) -> String {
        initials(self.name())
    }

    fn claims(&self) -> Vec<Claim> {
        rows(&self.signed_in.tokens.id_token.claims)
    }

    fn key(&self) -> &'a str {
        self.signed_in.tokens.id_token.kid.as_deref().unwrap_or("(no kid)")
    }

    fn userinfo(&self) -> Option<Vec<Claim>> {
        self.signed_in.userinfo.as_ref().map(rows)
    }

    fn access_token(&self) -> String {
        hint(&self.signed_in.tokens.access)
    }

    fn refresh_token(&self) -> Option<String> {
        self.signed_in.tokens.refresh.as_ref().map(hint)
    }

    fn scopes(&self) -> impl Iterator<Item = &'a str> {
        self.signed_in.tokens.scope.split(' ').filter(|scope| !scope.is_empty())
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.signed_in.tokens.expires_at
    }

    fn until(&self) -> Option<String> {
        self.expires_at().map(moment)
    }

    fn has_expired(&self) -> bool {
        self.expires_at().is_some_and(|end| end <= self.now)
    }

    fn is_revoked(&self) -> bool {
        self.signed_in.revoked
    }

    fn refreshes(&self) -> String {
        match self.signed_in.refreshed {
            0 => "not yet".to_owned(),
            1 => "once".to_owned(),
            times => format!("{times} times"),
        }
    }
}

/// The beginning and the end of a token: enough to distinguish two tokens, too little to use one.
fn hint(token: &Secret) -> String {
    let token = token.expose();
    let start: String = token.chars().take(8).collect();
    let end = token.char_indices().rev().nth(5).map_or("", |(at, _)| token.split_at(at).1);
    format!("{start}…{end}")
}

/// A line of a table of claims.
#[derive(Debug)]
struct Claim {
    name: String,
    meaning: &'static str,
    value: String,
}

fn rows(claims: &Map<String, Value>) -> Vec<Claim> {
    let mut rows = Vec::with_capacity(claims.len());
    collect("", claims, &mut rows);
    // The subject first, then the claims about the user, then those about the token.
    rows.sort_by_key(|row| {
        let place = MEANINGS.iter().position(|(name, _)| *name == row.name);
        place.unwrap_or(MEANINGS.len())
    });
    rows
}

/// The members of an object, such as `address`, become one line each.
fn collect(prefix: &str, claims: &Map<String, Value>, rows: &mut Vec<Claim>) {
    for (name, value) in claims {
        let name = format!("{prefix}{name}");
        if let Value::Object(members) = value {
            collect(&format!("{name}."), members, rows);
            continue;
        }
        let meaning = MEANINGS.iter().find(|(known, _)| *known == name);
        let meaning = meaning.map_or("", |(_, meaning)| *meaning);
        let value = display_value(&name, value);
        rows.push(Claim { name, meaning, value });
    }
}

fn display_value(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            values.iter().map(|value| display_value(name, value)).collect::<Vec<_>>().join(", ")
        }
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => match (name, number.as_i64()) {
            ("exp" | "iat" | "nbf" | "auth_time" | "updated_at", Some(seconds)) => {
                moment(Timestamp(seconds))
            }
            _ => number.to_string(),
        },
        Value::Null | Value::Object(_) => value.to_string(),
    }
}

pub(super) fn moment(time: Timestamp) -> String {
    time.to_string().replace('T', " ").replace('Z', " UTC")
}

/// Descriptions of the claims of OIDC Core §2 and §5.1, in the order of the page.
const MEANINGS: [(&str, &str); 38] = [
    ("sub", "identifier of the user, never reassigned"),
    ("name", "full name"),
    ("given_name", "given name"),
    ("middle_name", "middle name"),
    ("family_name", "family name"),
    ("nickname", "casual name"),
    ("preferred_username", "username"),
    ("profile", "profile page"),
    ("picture", "picture"),
    ("website", "website"),
    ("email", "e-mail address"),
    ("email_verified", "whether ownership was verified"),
    ("phone_number", "telephone number"),
    ("phone_number_verified", "whether ownership was verified"),
    ("address.formatted", "postal address"),
    ("address.street_address", "street"),
    ("address.postal_code", "postal code"),
    ("address.locality", "town"),
    ("address.region", "region"),
    ("address.country", "country"),
    ("birthdate", "birthday"),
    ("gender", "gender"),
    ("zoneinfo", "time zone"),
    ("locale", "language"),
    ("updated_at", "when these claims last changed"),
    ("iss", "issuer of the token"),
    ("aud", "audience: this application"),
    ("azp", "authorized party"),
    ("auth_time", "when the user authenticated"),
    ("acr", "authentication context class"),
    ("amr", "authentication methods"),
    ("iat", "when the token was issued"),
    ("exp", "when the token expires"),
    ("nonce", "value of the authentication request"),
    ("sid", "session of the user"),
    ("at_hash", "hash of the access token"),
    ("c_hash", "hash of the code"),
    ("jti", "identifier of the token"),
];

#[cfg(test)]
mod tests {
    use super::super::error::Error;
    use super::super::provider::Tokens;
    use super::*;
    use crate::render::layout::{Brand, Look};
    use crate::render::words;
    use crate::types::json;
    use crate::verify::id_token::IdToken;

    const NOW: Timestamp = Timestamp(1_764_000_000);

    fn ada(name: &str) -> SignedIn {
        let claims = serde_json::json!({
            "iss": "http://localhost:8080", "sub": "0198c2f0-5a3e", "name": name,
            "email": "ada@example.org", "email_verified": true, "aud": "0198c2f1", "amr": ["pwd"],
            "address": { "locality": "London" }, "exp": 1_764_000_300, "iat": 1_764_000_000,
        });
        let claims = json::parse_object(claims.to_string().as_bytes()).unwrap();
        SignedIn {
            tokens: Tokens {
                access: Secret::new("eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiJ9.access"),
                expires_at: Some(NOW + crate::types::Seconds(300)),
                refresh: Some(Secret::new("gw_rt_abcdefghijklmnopqrstuvwxyz")),
                scope: "openid email".to_owned(),
                id_token: IdToken {
                    compact: "eyJ.id.token".to_owned(),
                    subject: "0198c2f0-5a3e".to_owned(),
                    claims,
                    kid: Some("a-key".to_owned()),
                },
            },
            refreshed: 1,
            revoked: false,
            userinfo: None,
        }
    }

    fn page(signed_in: Option<&SignedIn>, notice: Option<&Notice>, now: Timestamp) -> String {
        let look = Look::new(Brand::named("Demo application"), "");
        let layout =
            Layout { look: &look, words: words::choose(Some("en"), None), now, place: None };
        let user = signed_in.map(|signed_in| SignedInUser::new(signed_in, now));
        let issuer = "http://localhost:8080";
        let metrics = "http://localhost:9090/metrics";
        let page = Home { layout, issuer, metrics, notice, certificates: Vec::new(), user };
        page.render().unwrap()
    }

    #[test]
    fn the_page_has_the_claims_and_abbreviated_tokens() {
        let signed_in = ada("Ada Lovelace");

        let page = page(Some(&signed_in), None, NOW);

        for text in [
            "Ada Lovelace",
            "address.locality",
            "London",
            "2025-11-24 16:05:00 UTC",
            "eyJ0eXAi…access",
            "gw_rt_ab…uvwxyz",
            "once",
        ] {
            assert!(page.contains(text), "{text}");
        }
        for hidden in ["9.access", "gw_rt_abc", "eyJ.id.token", "expired", "revoked"] {
            assert!(!page.contains(hidden), "{hidden}");
        }
    }

    #[test]
    fn completed_steps_are_marked() {
        let mut signed_in = ada("Ada Lovelace");
        let marked = |page: &str| {
            assert_eq!(page.matches("<svg class=\"drawn\"").count(), 5);
            page.matches("<li class=\"taken\">").count()
        };

        assert_eq!(marked(&page(None, None, NOW)), 0);
        assert_eq!(marked(&page(Some(&signed_in), None, NOW)), 4);
        signed_in.userinfo = Some(Map::new());
        let all = page(Some(&signed_in), None, NOW);
        assert_eq!(marked(&all), 5);
        for link in ["/account", "/.well-known/openid-configuration", ":9090/metrics"] {
            assert!(all.contains(&format!("{link}\"")), "{link}");
        }
    }

    /// THREATS UI-08.
    #[test]
    fn values_from_elsewhere_are_escaped() {
        let signed_in = ada("<script>alert(1)</script>");
        let refused =
            Error::refused("The sign-in was refused", "<b>", Some("\"><img src=x onerror=x>"));

        let page = page(Some(&signed_in), Some(&Notice::Failed(refused)), NOW);

        assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("<img"));
    }

    #[test]
    fn expired_and_revoked_tokens_are_marked() {
        let mut signed_in = ada("Ada Lovelace");
        signed_in.revoked = true;

        let page = page(Some(&signed_in), None, Timestamp(1_764_000_300));

        assert!(page.contains(">expired<") && page.contains(">revoked<"));
    }

    #[test]
    fn without_a_session_sign_in_is_the_only_action() {
        let declined = Notice::Failed(Error::AccessDenied);

        let page = page(None, Some(&declined), NOW);

        assert_eq!(page.matches("<button").count(), 1);
        assert!(page.contains("You are not signed in: the request was declined."));
    }
}
