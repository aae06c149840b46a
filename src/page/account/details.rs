//! The stored details of a user: the names and the e-mail address of the account, and the standard claims of OIDC Core
//! §5.1.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::view::Detail;
use super::words::details;
use crate::render::words::Words;
use crate::types::User;

/// The claims in the order of the page. `…_verified` is shown with its claim.
const CLAIMS: [&str; 15] = [
    "name",
    "given_name",
    "middle_name",
    "family_name",
    "nickname",
    "preferred_username",
    "email",
    "phone_number",
    "address",
    "birthdate",
    "gender",
    "locale",
    "zoneinfo",
    "profile",
    "website",
];

/// All stored details of this user, in the order of the page.
pub(super) fn of_user<'a>(user: &'a User, words: &'static Words) -> Vec<Detail<'a>> {
    let mut details: Vec<_> =
        CLAIMS.into_iter().filter_map(|claim| detail(user, words, claim)).collect();
    details.extend(detail(user, words, "picture"));
    let since = Cow::Owned(words.date(user.created_at));
    details.push(Detail {
        name: details::WORDS.in_language(words.language).since,
        value: since,
        verified: None,
    });
    details
}

fn detail<'a>(user: &'a User, words: &'static Words, claim: &str) -> Option<Detail<'a>> {
    let text = |name: &str| user.claims.get(name).and_then(Value::as_str);
    let (value, verified) = match claim {
        "preferred_username" => (Cow::from(user.username.as_str()), None),
        "email" => (Cow::from(user.email.as_deref()?), Some(user.email_verified)),
        "phone_number" => {
            let verified = user.claims.get("phone_number_verified").and_then(Value::as_bool);
            (Cow::from(text(claim)?), Some(verified.unwrap_or_default()))
        }
        "address" => (Cow::from(address(user.claims.get(claim)?.as_object()?)), None),
        other => (Cow::from(text(other)?), None),
    };
    let name = (words.claims.name)(claim)?;
    (!value.is_empty()).then_some(Detail { name, value, verified })
}

/// An address as on a letter: OIDC Core §5.1.1.
fn address(members: &Map<String, Value>) -> String {
    let member = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    let formatted = member("formatted");
    if !formatted.is_empty() {
        return formatted.to_owned();
    }
    let place = [member("postal_code"), member("locality")];
    let place = place.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let lines = [member("street_address"), &place, member("region"), member("country")];
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::words::LANGUAGES;
    use crate::types::{Timestamp, UserId};
    use serde_json::json;

    #[test]
    fn all_stored_details_are_shown() {
        let claims = json!({
            "name": "Ada Lovelace", "phone_number": "+44 20 7946 0000", "phone_number_verified": true,
            "address": {"street_address": "12 St James's Square", "postal_code": "SW1Y 4JH", "locality": "London"},
            "picture": "https://example.org/ada.png", "nickname": "",
        });
        let user = User {
            id: UserId::new(),
            username: "ada".to_owned(),
            email: Some("ada@example.org".to_owned()),
            email_verified: false,
            claims: claims.as_object().cloned().unwrap(),
            created_at: Timestamp(1_795_000_000),
            updated_at: Timestamp(1_795_000_000),
            disabled_at: None,
        };

        let details: Vec<_> = of_user(&user, LANGUAGES[0])
            .into_iter()
            .map(|detail| (detail.name, detail.value.into_owned(), detail.verified))
            .collect();

        let line = |name, value: &str, verified| (name, value.to_owned(), verified);
        assert_eq!(
            details,
            [
                line("name", "Ada Lovelace", None),
                line("username", "ada", None),
                line("e-mail address", "ada@example.org", Some(false)),
                line("phone number", "+44 20 7946 0000", Some(true)),
                line("postal address", "12 St James's Square\nSW1Y 4JH London", None),
                line("picture", "https://example.org/ada.png", None),
                line("account since", "18 November 2026", None),
            ]
        );
    }
}
