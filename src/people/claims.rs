//! The standard claims of a user, as entered by an administrator: [OIDC Core §5.1]. The format of each is checked.
//!
//! [OIDC Core §5.1]: https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims

use serde_json::{Map, Value};
use url::Url;

use crate::types::{Code, Refusal, json};

/// The format of a claim.
#[derive(Clone, Copy, Debug)]
enum Form {
    Text,
    Link,
    Birthdate,
    Zone,
    Locale,
    Phone,
    Flag,
}

/// The claims that can be set. The server computes `sub` and `updated_at`; names and e-mail address are fields of the
/// account.
const CLAIMS: &[(&str, Form)] = &[
    ("name", Form::Text),
    ("given_name", Form::Text),
    ("family_name", Form::Text),
    ("middle_name", Form::Text),
    ("nickname", Form::Text),
    ("profile", Form::Link),
    ("picture", Form::Link),
    ("website", Form::Link),
    ("gender", Form::Text),
    ("birthdate", Form::Birthdate),
    ("zoneinfo", Form::Zone),
    ("locale", Form::Locale),
    ("phone_number", Form::Phone),
    ("phone_number_verified", Form::Flag),
];

/// The members of `address` (OIDC Core §5.1.1).
const ADDRESS: &[&str] =
    &["formatted", "street_address", "locality", "region", "postal_code", "country"];

/// Parses `name=value` texts: `given_name=Zaphod`, `phone_number_verified=true`, `address.locality=Betelgeuse`, or
/// the whole `address={"locality":"Betelgeuse"}`.
///
/// # Errors
/// When a text is malformed, its claim is unknown, or a claim is repeated.
pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Map<String, Value>, Refusal> {
    let mut claims = Map::new();
    for text in texts {
        let Some((name, value)) = text.as_ref().split_once('=') else {
            return Err(Code::InvalidRequest.because("a claim is written as name=value"));
        };
        match name.strip_prefix("address.") {
            Some(member) => {
                let address = claims.entry("address").or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(address) = address {
                    put(address, member, address_member(member, value)?)?;
                }
            }
            None if name == "address" => put(&mut claims, name, address(value)?)?,
            None => put(&mut claims, name, claim(name, value)?)?,
        }
    }
    Ok(claims)
}

/// A claim that is not valid: its name, that of a member of an address after it, and what is wrong.
pub type Wrong<'a> = (&'a str, Option<&'a str>, &'static str);

/// Reads claims from JSON, with the types of OIDC Core §5.1.
///
/// # Errors
/// All claims that are not valid.
pub fn from_json(members: &Map<String, Value>) -> Result<Map<String, Value>, Vec<Wrong<'_>>> {
    let (mut claims, mut wrong) = (Map::new(), Vec::new());
    for (name, value) in members {
        let read = match (name.as_str(), value) {
            ("address", Value::Object(address)) if !address.is_empty() => {
                for (member, value) in address {
                    let text = value.as_str().unwrap_or_default();
                    if let Err(refusal) = address_member(member, text) {
                        wrong.push((name.as_str(), Some(member.as_str()), refusal.why));
                    }
                }
                Ok(value.clone())
            }
            ("address", _) => Err("this claim is a JSON object of texts (OIDC Core §5.1.1)"),
            (name, Value::String(text)) if !is_flag(name) => {
                claim(name, text).map_err(|refusal| refusal.why)
            }
            (name, Value::Bool(flag)) if is_flag(name) => Ok(Value::Bool(*flag)),
            (name, other) => claim(name, &other.to_string())
                .map_err(|refusal| refusal.why)
                .and(Err("this claim has another type (OIDC Core §5.1)")),
        };
        match read {
            Ok(value) => {
                claims.insert(name.clone(), value);
            }
            Err(why) => wrong.push((name, None, why)),
        }
    }
    if wrong.is_empty() { Ok(claims) } else { Err(wrong) }
}

fn is_flag(name: &str) -> bool {
    CLAIMS.iter().any(|(known, form)| *known == name && matches!(form, Form::Flag))
}

/// Adds or replaces claims; members of an address one by one.
pub fn merge(claims: &mut Map<String, Value>, more: Map<String, Value>) {
    for (name, value) in more {
        match (claims.get_mut(&name), value) {
            (Some(Value::Object(address)), Value::Object(members)) => address.extend(members),
            (_, value) => {
                claims.insert(name, value);
            }
        }
    }
}

/// Removes a claim, or a member of an address.
///
/// # Errors
/// When the account does not have it.
pub fn remove(claims: &mut Map<String, Value>, name: &str) -> Result<(), Refusal> {
    let removed = match name.strip_prefix("address.") {
        None => claims.remove(name),
        Some(member) => {
            let address = claims.get_mut("address").and_then(Value::as_object_mut);
            address.and_then(|address| address.remove(member))
        }
    };
    if claims.get("address").and_then(Value::as_object).is_some_and(Map::is_empty) {
        claims.remove("address");
    }
    removed.map(drop).ok_or_else(|| wrong("the account does not have this claim", name))
}

fn put(object: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), Refusal> {
    match object.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(wrong("a claim is repeated", name)),
    }
}

fn wrong(why: &'static str, name: &str) -> Refusal {
    Code::InvalidRequest.because(why).with("claim", name)
}

fn claim(name: &str, value: &str) -> Result<Value, Refusal> {
    let Some((_, form)) = CLAIMS.iter().find(|(known, _)| *known == name) else {
        return Err(match name {
            "sub" | "updated_at" => wrong("the server sets this claim", name),
            "preferred_username" | "email" | "email_verified" => {
                wrong("this claim is a field of the account", name)
            }
            _ => wrong("this is not a standard claim of OpenID Connect", name),
        });
    };
    let right = match form {
        Form::Flag => {
            let flag = match value {
                "true" => true,
                "false" => false,
                _ => return Err(wrong("this claim is true or false", name)),
            };
            return Ok(Value::Bool(flag));
        }
        Form::Text => is_text(value).then_some(()).ok_or("this claim is a line of text"),
        Form::Link => is_link(value).then_some(()).ok_or("this claim is an http or https URL"),
        Form::Birthdate => is_birthdate(value)
            .then_some(())
            .ok_or("this claim is a date of the form YYYY-MM-DD, 0000-MM-DD or YYYY"),
        Form::Zone => {
            is_zone(value).then_some(()).ok_or("this claim is a time zone such as Europe/Paris")
        }
        Form::Locale => {
            is_locale(value).then_some(()).ok_or("this claim is a language tag such as en-US")
        }
        Form::Phone => is_phone(value)
            .then_some(())
            .ok_or("this claim is a telephone number such as +1 425 555 1212"),
    };
    match right {
        Ok(()) => Ok(Value::String(value.to_owned())),
        Err(why) => Err(wrong(why, name)),
    }
}

fn address(value: &str) -> Result<Value, Refusal> {
    const WHY: &str = "this claim is a JSON object of texts (OIDC Core §5.1.1)";
    let members = json::parse_object(value.as_bytes()).map_err(|_| wrong(WHY, "address"))?;
    let mut address = Map::new();
    for (name, value) in members {
        let text = value.as_str().ok_or_else(|| wrong(WHY, "address"))?;
        let member = address_member(&name, text)?;
        address.insert(name, member);
    }
    if address.is_empty() { Err(wrong(WHY, "address")) } else { Ok(Value::Object(address)) }
}

fn address_member(member: &str, value: &str) -> Result<Value, Refusal> {
    if !ADDRESS.contains(&member) {
        return Err(wrong("an address has no such member (OIDC Core §5.1.1)", member));
    }
    // OIDC Core §5.1.1: `formatted` and `street_address` may have several lines.
    let lines = matches!(member, "formatted" | "street_address");
    let right =
        if lines { value.lines().all(is_text) && !value.is_empty() } else { is_text(value) };
    if right {
        Ok(Value::String(value.to_owned()))
    } else {
        Err(wrong("a member of an address is text", member))
    }
}

fn is_text(value: &str) -> bool {
    const LONGEST: usize = 512;
    !value.trim().is_empty() && value.len() <= LONGEST && !value.chars().any(char::is_control)
}

fn is_link(value: &str) -> bool {
    value.len() <= 2048
        && Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// OIDC Core §5.1: ISO 8601, with the year 0000 if it is omitted, or the year alone.
fn is_birthdate(value: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match value.split('-').collect::<Vec<_>>().as_slice() {
        [year] => year.len() == 4 && digits(year) && *year != "0000",
        [year, month, day] => {
            let sized = year.len() == 4 && month.len() == 2 && day.len() == 2;
            // 0000 is a leap year, so 29 February is valid in it.
            let date = (year.parse(), month.parse::<u8>(), day.parse());
            sized
                && digits(year)
                && digits(month)
                && digits(day)
                && match date {
                    (Ok(year), Ok(month), Ok(day)) => {
                        time::Month::try_from(month).is_ok_and(|month| {
                            time::Date::from_calendar_date(year, month, day).is_ok()
                        })
                    }
                    _ => false,
                }
        }
        _ => false,
    }
}

fn is_zone(value: &str) -> bool {
    value.len() <= 64
        && value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value.split('/').all(|part| {
            !part.is_empty()
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
        })
}

/// The format of BCP 47, also with the underscores that OIDC Core §5.1 mentions.
fn is_locale(value: &str) -> bool {
    let mut parts = value.split(['-', '_']);
    let language = parts.next().unwrap_or_default();
    (2..=8).contains(&language.len())
        && language.chars().all(|c| c.is_ascii_alphabetic())
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric())
        })
}

/// E.164 as people write it, with an extension as in RFC 3966 §3 (OIDC Core §5.1).
fn is_phone(value: &str) -> bool {
    let (number, extension) = value.split_once(";ext=").unwrap_or((value, "0"));
    let Some(number) = number.strip_prefix('+') else {
        return false;
    };
    let digits = number.chars().filter(char::is_ascii_digit).count();
    (4..=15).contains(&digits)
        && number.len() <= 32
        && number.chars().all(|c| c.is_ascii_digit() || " -.()".contains(c))
        && (1..=12).contains(&extension.len())
        && extension.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_standard_claim_can_be_set() {
        let claims = parse(&[
            "name=Zaphod Beeblebrox",
            "given_name=Zaphod",
            "family_name=Beeblebrox",
            "middle_name=B=B",
            "nickname=Zap",
            "profile=https://example.org/zaphod",
            "picture=https://example.org/zaphod.png",
            "website=http://example.org",
            "gender=male",
            "birthdate=0000-02-29",
            "zoneinfo=America/Argentina/Buenos_Aires",
            "locale=en-GB",
            "phone_number=+1 (604) 555-1234;ext=5678",
            "phone_number_verified=true",
            "address.street_address=1 Main Street\nBack door",
            "address.locality=Betelgeuse",
        ])
        .unwrap();

        assert_eq!(claims.len(), CLAIMS.len() + 1);
        assert_eq!(claims["middle_name"], "B=B");
        assert_eq!(claims["phone_number_verified"], true);
        assert_eq!(
            claims["address"],
            json!({"street_address": "1 Main Street\nBack door", "locality": "Betelgeuse"})
        );
        let whole = parse(&[r#"address={"country":"FR","postal_code":"75001"}"#]).unwrap();
        assert_eq!(whole["address"]["country"], "FR");
    }

    #[test]
    fn malformed_claims_are_refused() {
        for text in [
            "name",
            "name=",
            "name= ",
            "name=a\nb",
            "sub=1",
            "updated_at=1",
            "email=a@b",
            "preferred_username=x",
            "role=admin",
            "=x",
            "profile=javascript:alert(1)",
            "picture=data:image/svg+xml,x",
            "website=example.org",
            "birthdate=1990-02-30",
            "birthdate=29.02.1992",
            "birthdate=90-01-01",
            "birthdate=+990-01-01",
            "birthdate=0000",
            "zoneinfo=/etc/passwd",
            "zoneinfo=../x",
            "zoneinfo=",
            "locale=e",
            "locale=en--GB",
            "locale=12",
            "phone_number=0604 555",
            "phone_number=+",
            "phone_number=+1;ext=",
            "phone_number=+12345678901234567",
            "phone_number_verified=yes",
            "address=Betelgeuse",
            "address={}",
            "address={\"planet\":\"x\"}",
            "address={\"country\":1}",
            "address.planet=x",
            "address.country=",
            "name.x=y",
        ] {
            assert!(parse(&[text]).is_err(), "{text:?}");
        }
        assert!(parse(&["name=a", "name=b"]).is_err());
        assert!(parse(&["address.country=a", "address.country=b"]).is_err());
        assert!(parse(&["address.country=a", "address={\"country\":\"b\"}"]).is_err());
    }

    #[test]
    fn claims_in_json_have_their_types_and_all_wrong_ones_are_named() {
        let read = |value: Value| {
            let members = value.as_object().unwrap().clone();
            from_json(&members).map(Value::from).map_err(|wrong| {
                let names = wrong
                    .iter()
                    .map(|(name, member, _)| format!("{name} {}", member.unwrap_or_default()));
                let mut names: Vec<_> = names.collect();
                names.sort_unstable();
                names
            })
        };
        let right =
            json!({"name": "A", "phone_number_verified": true, "address": {"country": "FR"}});
        assert_eq!(read(right.clone()), Ok(right));
        let wrong = json!({"name": 1, "phone_number_verified": "true", "role": "admin", "sub": "1",
            "locale": null, "address": {"country": 1, "planet": "x"}, "gender": "x"});
        assert_eq!(
            read(wrong).unwrap_err(),
            [
                "address country",
                "address planet",
                "locale ",
                "name ",
                "phone_number_verified ",
                "role ",
                "sub "
            ]
        );
        assert!(read(json!({"address": "Paris"})).is_err());
    }

    #[test]
    fn claims_are_added_changed_and_removed() {
        let mut claims = parse(&["name=A", "locale=en", "address.country=FR"]).unwrap();

        merge(&mut claims, parse(&["name=B", "address.locality=Paris"]).unwrap());
        remove(&mut claims, "locale").unwrap();
        remove(&mut claims, "address.country").unwrap();

        assert_eq!(
            Value::from(claims.clone()),
            json!({"name": "B", "address": {"locality": "Paris"}})
        );
        remove(&mut claims, "address.locality").unwrap();
        assert_eq!(Value::from(claims.clone()), json!({"name": "B"}));
        for absent in ["locale", "address", "address.country", "address."] {
            assert!(remove(&mut claims, absent).is_err(), "{absent}");
        }
    }
}
