//! `templates/demo/home.html`: what the application shows, which is all that it was told.

use askama::Template;
use serde_json::{Map, Value};

use super::inventory::Certificate;
use super::visits::{Notice, SignedIn};
use crate::render::layout::{Layout, initials};
use crate::types::{Secret, Timestamp};

/// The page.
#[derive(Debug, Template)]
#[template(path = "demo/home.html")]
pub(super) struct Home<'a> {
    /// What every page of ours carries.
    pub(super) layout: Layout<'a>,
    /// Who signs people in.
    pub(super) issuer: &'a str,
    /// Where the server says what it has counted.
    pub(super) metrics: &'a str,
    /// What came of what was asked for last.
    pub(super) notice: Option<&'a Notice>,
    /// What the server knows of certificates.
    pub(super) certificates: Vec<Certificate>,
    /// Who is signed in.
    pub(super) somebody: Option<Somebody<'a>>,
}

impl Home<'_> {
    /// How many of the five steps of a sign-in this browser has seen.
    fn reached(&self) -> usize {
        match &self.somebody {
            None => 0,
            Some(somebody) if somebody.signed_in.userinfo.is_none() => 4,
            Some(_) => 5,
        }
    }

    fn is_bad_news(&self) -> bool {
        matches!(self.notice, Some(Notice::Trouble(_)))
    }

    fn news(&self) -> Option<String> {
        self.notice.map(|notice| match notice {
            Notice::Done(what) => (*what).to_owned(),
            Notice::Trouble(trouble) => trouble.to_string(),
        })
    }
}

/// Somebody who signed in, and what is held for them.
#[derive(Debug)]
pub(super) struct Somebody<'a> {
    signed_in: &'a SignedIn,
    now: Timestamp,
}

impl<'a> Somebody<'a> {
    /// Who signed in, as they are at `now`.
    pub(super) const fn new(signed_in: &'a SignedIn, now: Timestamp) -> Self {
        Self { signed_in, now }
    }

    fn claim(&self, name: &str) -> Option<&'a str> {
        self.signed_in.tokens.id_token.claims.get(name).and_then(Value::as_str)
    }

    fn name(&self) -> &'a str {
        self.claim("name").or(self.claim("preferred_username")).unwrap_or("Somebody")
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
        self.signed_in.tokens.id_token.kid.as_deref().unwrap_or("the only one there is")
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

/// Enough of a token to see that it is another one than before, and of no use to anybody. The beginning
/// says what kind it is, the end is different each time.
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
    // Who it is first; then whatever else is said of them; then about the saying itself.
    rows.sort_by_key(|row| {
        let place = MEANINGS.iter().position(|(name, _)| *name == row.name);
        place.unwrap_or(MEANINGS.len())
    });
    rows
}

/// An object in an object, such as `address`, becomes a line a member.
fn collect(prefix: &str, claims: &Map<String, Value>, rows: &mut Vec<Claim>) {
    for (name, value) in claims {
        let name = format!("{prefix}{name}");
        if let Value::Object(members) = value {
            collect(&format!("{name}."), members, rows);
            continue;
        }
        let meaning = MEANINGS.iter().find(|(known, _)| *known == name);
        let meaning = meaning.map_or("", |(_, meaning)| *meaning);
        let value = shown(&name, value);
        rows.push(Claim { name, meaning, value });
    }
}

fn shown(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            values.iter().map(|value| shown(name, value)).collect::<Vec<_>>().join(", ")
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

/// The claims of OIDC Core §2 and §5.1 in plain words, in the order in which they are shown.
const MEANINGS: [(&str, &str); 38] = [
    ("sub", "whose account it is: never given to anybody else"),
    ("name", "full name"),
    ("given_name", "given name"),
    ("middle_name", "middle name"),
    ("family_name", "family name"),
    ("nickname", "casual name"),
    ("preferred_username", "what they sign in with"),
    ("profile", "profile page"),
    ("picture", "picture"),
    ("website", "website"),
    ("email", "e-mail address"),
    ("email_verified", "whether somebody made sure that it is theirs"),
    ("phone_number", "telephone number"),
    ("phone_number_verified", "whether somebody made sure that it is theirs"),
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
    ("updated_at", "when any of this last changed"),
    ("iss", "who says so"),
    ("aud", "to whom it is said: this application"),
    ("azp", "to whom it was given"),
    ("auth_time", "when the person proved who they are"),
    ("acr", "how well"),
    ("amr", "by what"),
    ("iat", "when it was said"),
    ("exp", "until when it holds"),
    ("nonce", "which request it answers"),
    ("sid", "which sign-in it belongs to"),
    ("at_hash", "which access token came with it"),
    ("c_hash", "which code it came of"),
    ("jti", "its own name"),
];

#[cfg(test)]
mod tests {
    use super::super::provider::Tokens;
    use super::super::trouble::Trouble;
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
        let somebody = signed_in.map(|signed_in| Somebody::new(signed_in, now));
        let issuer = "http://localhost:8080";
        let metrics = "http://localhost:9090/metrics";
        let page = Home { layout, issuer, metrics, notice, certificates: Vec::new(), somebody };
        page.render().unwrap()
    }

    #[test]
    fn it_shows_what_is_said_of_somebody_and_hints_of_tokens() {
        let signed_in = ada("Ada Lovelace");

        let page = page(Some(&signed_in), None, NOW);

        for shown in [
            "Ada Lovelace",
            "address.locality",
            "London",
            "2025-11-24 16:05:00 UTC",
            "eyJ0eXAi…access",
            "gw_rt_ab…uvwxyz",
            "once",
        ] {
            assert!(page.contains(shown), "{shown}");
        }
        for hidden in ["9.access", "gw_rt_abc", "eyJ.id.token", "expired", "revoked"] {
            assert!(!page.contains(hidden), "{hidden}");
        }
    }

    #[test]
    fn five_steps_are_drawn_and_those_that_were_taken_are_marked() {
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
    fn what_others_wrote_is_text() {
        let signed_in = ada("<script>alert(1)</script>");
        let refused =
            Trouble::refused("The sign-in was refused", "<b>", Some("\"><img src=x onerror=x>"));

        let page = page(Some(&signed_in), Some(&Notice::Trouble(refused)), NOW);

        assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("<img"));
    }

    #[test]
    fn it_says_what_is_no_longer_of_use() {
        let mut signed_in = ada("Ada Lovelace");
        signed_in.revoked = true;

        let page = page(Some(&signed_in), None, Timestamp(1_764_000_300));

        assert!(page.contains(">expired<") && page.contains(">revoked<"));
    }

    #[test]
    fn whoever_is_not_signed_in_can_do_one_thing() {
        let declined = Notice::Trouble(Trouble::Declined);

        let page = page(None, Some(&declined), NOW);

        assert_eq!(page.matches("<button").count(), 1);
        assert!(page.contains("Nobody was signed in: the request was declined."));
    }
}
