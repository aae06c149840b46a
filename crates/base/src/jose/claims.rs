//! The registered claims of [RFC 7519 §4.1], strictly typed.
//!
//! A claim of the wrong type is an error, never treated as absent: skipping an unreadable `exp`
//! would make a token that never expires (THREATS JO-05).
//!
//! [RFC 7519 §4.1]: https://www.rfc-editor.org/rfc/rfc7519#section-4.1

use serde_json::{Map, Value};

use crate::types::{Seconds, Timestamp};

/// Tolerated clock difference of a signer whose clock is ahead: decision 0040.
///
/// > shall accept JWTs with an iat or nbf timestamp between 0 and 10 seconds in the future but shall
/// > reject JWTs with an iat or nbf timestamp greater than 60 seconds in the future (FAPI 2.0 Security
/// > Profile §5.3.2.1)
pub const AHEAD: Seconds = Seconds(60);

/// Registered claims. `None`: absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `iss`: the issuer.
    pub issuer: Option<String>,
    /// `sub`: the subject.
    pub subject: Option<String>,
    /// `aud`: the audience.
    pub audience: Option<Audience>,
    /// `jti`: the token's identifier.
    pub id: Option<String>,
    /// `exp`: from here on it is invalid.
    pub expires_at: Option<Timestamp>,
    /// `nbf`: before this it is invalid.
    pub not_before: Option<Timestamp>,
    /// `iat`: when it was issued.
    pub issued_at: Option<Timestamp>,
}

/// `aud`: "an array of case-sensitive strings", or in the special case of one audience that string.
///
/// The two forms are distinguished, because a profile may accept only one (DESIGN.md §8: client
/// assertions).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// A single string.
    One(String),
    /// An array, of one member or of several.
    Many(Vec<String>),
}

impl Audience {
    /// Whether `member` is in the audience.
    pub fn has(&self, member: &str) -> bool {
        self.iter().any(|one| one == member)
    }

    /// Whether the audience is the single string `member`.
    pub fn is_exactly(&self, member: &str) -> bool {
        matches!(self, Self::One(one) if one == member)
    }

    /// All members of the audience.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
        .iter()
        .map(String::as_str)
    }
}

impl Claims {
    /// Parses the registered claims of a payload.
    ///
    /// # Errors
    /// When a claim has another type than in RFC 7519.
    pub fn parse(payload: &Map<String, Value>) -> Result<Self, &'static str> {
        Ok(Self {
            issuer: text(payload, "iss", "iss is not a string")?,
            subject: text(payload, "sub", "sub is not a string")?,
            audience: audience(payload)?,
            id: text(payload, "jti", "jti is not a string")?,
            expires_at: time(payload, "exp", f64::floor, "exp is not a number of seconds")?,
            not_before: time(payload, "nbf", f64::ceil, "nbf is not a number of seconds")?,
            issued_at: time(payload, "iat", f64::floor, "iat is not a number of seconds")?,
        })
    }

    /// Checks that the claims are valid at `now`, with `leeway` for a different clock.
    ///
    /// > The "exp" claim identifies the expiration time on or after which the JWT MUST NOT be
    /// > accepted for processing (RFC 7519 §4.1.4)
    ///
    /// # Errors
    /// When `exp` is missing or past, or `nbf` or `iat` is more than [`AHEAD`] in the future.
    pub fn must_be_valid_at(&self, now: Timestamp, leeway: Seconds) -> Result<(), &'static str> {
        match self.expires_at {
            None => return Err("exp is missing"),
            Some(end) if now - leeway >= end => return Err("it has expired"),
            Some(_) => {}
        }
        if self.not_before.is_some_and(|start| start > now + AHEAD) {
            return Err("it is not valid yet (nbf)");
        }
        if self.issued_at.is_some_and(|issued_at| issued_at > now + AHEAD) {
            return Err("it was issued in the future (iat)");
        }
        Ok(())
    }
}

fn text(
    payload: &Map<String, Value>,
    name: &str,
    wrong: &'static str,
) -> Result<Option<String>, &'static str> {
    match payload.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(|text| Some(text.to_owned())).ok_or(wrong),
    }
}

/// > A JSON numeric value representing the number of seconds […] non-integer values can be represented
/// > (RFC 7519 §2, NumericDate)
///
/// Fractions are rounded towards the shorter validity. Numbers up to 2⁵³ are supported, which all
/// JSON parsers read alike.
fn time(
    payload: &Map<String, Value>,
    name: &str,
    round: fn(f64) -> f64,
    wrong: &'static str,
) -> Result<Option<Timestamp>, &'static str> {
    const LAST: i64 = 1 << 53;
    let Some(value) = payload.get(name) else {
        return Ok(None);
    };
    // A double represents all integers up to there exactly.
    #[expect(clippy::cast_possible_truncation, reason = "what does not fit is refused below")]
    let rounded = || value.as_f64().filter(|seconds| *seconds < 1e16).map(|s| round(s) as i64);
    match value.as_i64().or_else(rounded) {
        Some(seconds @ 0..=LAST) if !is_negative_zero(value) => Ok(Some(Timestamp(seconds))),
        Some(_) | None => Err(wrong),
    }
}

/// `-0.0` and values that round to it are rejected.
fn is_negative_zero(value: &Value) -> bool {
    value.as_f64().is_some_and(f64::is_sign_negative)
}

fn audience(payload: &Map<String, Value>) -> Result<Option<Audience>, &'static str> {
    const WRONG: &str = "aud is not a string or an array of strings";
    match payload.get("aud") {
        None => Ok(None),
        Some(Value::String(one)) => Ok(Some(Audience::One(one.clone()))),
        Some(Value::Array(many)) => many
            .iter()
            .map(|one| one.as_str().map(str::to_owned).ok_or(WRONG))
            .collect::<Result<Vec<_>, _>>()
            .map(|many| Some(Audience::Many(many))),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => Err(WRONG),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::types::json;

    fn read(text: &str) -> Result<Claims, &'static str> {
        Claims::parse(&json::parse_object(text.as_bytes())?)
    }

    /// THREATS JO-05.
    #[test]
    fn a_time_is_a_number_of_seconds_or_an_error() {
        for name in ["exp", "nbf", "iat"] {
            for value in [
                "\"1700000000\"",
                "-1",
                "-0.5",
                "-0.0",
                "9007199254740993.5",
                "1e17",
                "1e400",
                "null",
                "[]",
                "[1700000000]",
                "{}",
                "true",
                "9007199254740993",
                "18446744073709551615",
                "99999999999999999999999",
            ] {
                assert!(read(&format!(r#"{{"{name}":{value}}}"#)).is_err(), "{name} {value}");
            }
            for value in [0, 1_700_000_000, 1_i64 << 53] {
                assert!(read(&format!(r#"{{"{name}":{value}}}"#)).is_ok(), "{name} {value}");
            }
        }
    }

    /// > Seconds Since the Epoch […] except that non-integer values can be represented (RFC 7519 §2)
    #[test]
    fn a_fraction_of_a_second_never_lengthens_a_token() {
        let claims = |value: &str| {
            let text = format!(r#"{{"exp":{value},"nbf":{value},"iat":{value}}}"#);
            let claims = read(&text).unwrap();
            [claims.expires_at, claims.not_before, claims.issued_at].map(|time| time.unwrap().0)
        };

        assert_eq!(claims("1700000000.5"), [1_700_000_000, 1_700_000_001, 1_700_000_000]);
        assert_eq!(claims("1700000000.0"), [1_700_000_000; 3]);
        assert_eq!(claims("17e8"), [1_700_000_000; 3]);
        assert_eq!(claims("1700000000.999999"), [1_700_000_000, 1_700_000_001, 1_700_000_000]);
    }

    /// THREATS JO-05.
    #[test]
    fn a_claim_of_another_type_is_an_error() {
        for name in ["iss", "sub", "jti"] {
            for value in ["1", "null", "[]", "[\"a\"]", "{}", "true"] {
                assert!(read(&format!(r#"{{"{name}":{value}}}"#)).is_err(), "{name} {value}");
            }
        }
        for value in ["1", "null", "{}", "true", "[1]", "[\"a\",null]", "[[\"a\"]]"] {
            assert!(read(&format!(r#"{{"aud":{value}}}"#)).is_err(), "aud {value}");
        }
    }

    /// THREATS JO-08.
    #[test]
    fn a_single_audience_differs_from_an_array() {
        let one = read(r#"{"aud":"https://id.example"}"#).unwrap().audience.unwrap();
        let many = read(r#"{"aud":["https://id.example","x"]}"#).unwrap().audience.unwrap();
        let array = read(r#"{"aud":["https://id.example"]}"#).unwrap().audience.unwrap();

        assert!(one.has("https://id.example") && one.is_exactly("https://id.example"));
        assert!(many.has("x") && !many.is_exactly("https://id.example"));
        assert!(array.has("https://id.example") && !array.is_exactly("https://id.example"));
        for other in ["https://id.example/", "https://ID.example", "http://id.example", ""] {
            assert!(!one.has(other) && !one.is_exactly(other) && !array.has(other), "{other}");
        }
    }

    #[test]
    fn claims_are_valid_from_nbf_until_before_exp() {
        let claims = read(&json!({ "nbf": 100, "iat": 100, "exp": 200 }).to_string()).unwrap();
        let at = |now, leeway| claims.must_be_valid_at(Timestamp(now), Seconds(leeway)).is_ok();

        assert!(!at(39, 0) && at(40, 0) && at(199, 0) && !at(200, 0));
        assert!(!at(39, 10) && at(40, 10) && at(209, 10) && !at(210, 10));
        assert_eq!(
            read("{}").unwrap().must_be_valid_at(Timestamp(0), Seconds(0)),
            Err("exp is missing")
        );
    }
}
