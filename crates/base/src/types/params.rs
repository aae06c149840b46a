//! Request parameters, parsed strictly: RFC 6749 §3.1, §3.2 and appendix B.

use super::error::{Code, Refusal};
use super::token::SealedRequest;

/// Parameters of a query or a form, in their order.
///
/// A malformed value affects only its parameter: it is refused when the parameter is used, and
/// ignored otherwise, like an unknown parameter (RFC 6749 §3.1).
#[derive(Clone, Debug, Default)]
pub struct Params(Vec<(String, Value)>);

/// The value of a parameter, or why it is malformed.
type Value = Result<String, &'static str>;

/// A malformed value when it is written again: it is parsed as malformed, too.
const UNREADABLE: &str = "%";

/// More parameters than any legitimate request has.
const MOST: usize = 100;

/// The longest parameter, in bytes (DESIGN §8). Our own sealed requests may be longer; the body
/// limits them.
const LONGEST: usize = 8 * 1024;

impl Params {
    /// Parses `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// `invalid_request` for too many or too long parameters.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, Refusal> {
        let mut pairs = Vec::new();
        let text = text.as_ref();
        for pair in text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == MOST {
                return Err(
                    Code::InvalidRequest.because("the request has more than 100 parameters")
                );
            }
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let (name, value) =
                (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
            let value = decoded(value);
            if value.as_ref().is_ok_and(|value| is_too_long(value)) {
                return Err(Code::TooLarge.because("a parameter is longer than 8192 bytes"));
            }
            // A parameter with a malformed name is never used.
            if let Ok(name) = decoded(name) {
                pairs.push((name, value));
            }
        }
        Ok(Self(pairs))
    }

    /// The parameter of this name.
    ///
    /// > Parameters sent without a value MUST be treated as if they were omitted from the request.
    /// > Request and response parameters MUST NOT be included more than once. (RFC 6749 §3.1)
    ///
    /// # Errors
    /// `invalid_request` when it is a duplicate, not UTF-8, not properly percent-encoded, or has a
    /// NUL.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, value)| value);
        let first = values.next();
        if values.next().is_some() {
            return Err(Code::InvalidRequest.because("the request has a duplicate parameter"));
        }
        match first {
            Some(Ok(value)) => Ok(Some(value.as_str()).filter(|value| !value.is_empty())),
            Some(Err(why)) => Err(Code::InvalidRequest.because(why)),
            None => Ok(None),
        }
    }

    /// A required parameter.
    ///
    /// # Errors
    /// `invalid_request`, with `why` when it is missing; also when it is a duplicate.
    pub fn need(&self, name: &str, why: &'static str) -> Result<&str, Refusal> {
        self.one(name)?.ok_or_else(|| Code::InvalidRequest.because(why))
    }

    /// All values of a parameter: `resource` may be repeated (RFC 8707 §2).
    ///
    /// # Errors
    /// `invalid_request` when one of them is malformed.
    pub fn many(&self, name: &str) -> Result<Vec<&str>, Refusal> {
        let values = self.0.iter().filter(|(n, _)| n == name).map(|(_, value)| value);
        let check = |value: &'_ Value| -> Result<(), Refusal> {
            value.as_ref().map(drop).map_err(|why| Code::InvalidRequest.because(why))
        };
        values.clone().try_for_each(check)?;
        Ok(values.flatten().map(String::as_str).filter(|value| !value.is_empty()).collect())
    }

    /// The names of the parameters, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Refuses duplicates of any parameter except `resource`.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn must_be_unique(&self) -> Result<(), Refusal> {
        for (at, (name, _)) in self.0.iter().enumerate() {
            if name != "resource" && self.0.iter().skip(at + 1).any(|(other, _)| other == name) {
                return Err(Code::InvalidRequest
                    .because("the request has a duplicate parameter")
                    .with("parameter", name));
            }
        }
        Ok(())
    }

    /// Encodes the parameters.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.0 {
            if !text.is_empty() {
                text.push('&');
            }
            text.extend(form_urlencoded::byte_serialize(name.as_bytes()));
            text.push('=');
            match value {
                Ok(value) => text.extend(form_urlencoded::byte_serialize(value.as_bytes())),
                Err(_) => text.push_str(UNREADABLE),
            }
        }
        text
    }
}

fn is_too_long(value: &str) -> bool {
    value.len() > LONGEST && !value.starts_with(SealedRequest::PREFIX)
}

/// Decodes one percent-encoded name or value.
///
/// # Errors
/// `invalid_request` for what is not percent-encoded properly or not UTF-8, and for a NUL: no parameter
/// of any RFC has one, and not every database can store it (THREATS AZ-14).
pub fn decode(text: &str) -> Result<String, Refusal> {
    decoded(text.as_bytes()).map_err(|why| Code::InvalidRequest.because(why))
}

fn decoded(text: &[u8]) -> Value {
    let text = percent_decoded(text)?;
    if text.contains('\0') {
        return Err("the request has a parameter that contains a NUL");
    }
    Ok(text)
}

fn percent_decoded(text: &[u8]) -> Value {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (rest.next().and_then(hex), rest.next().and_then(hex)) {
                (Some(high), Some(low)) => high * 16 + low,
                (_, None) | (None, _) => {
                    return Err(
                        "the request has a % that is not followed by two hexadecimal digits",
                    );
                }
            },
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| "the request has a parameter that is not UTF-8")
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_parameters_parse_unchanged() {
        let params = Params::parse("a=%C3%A4+b&c=&d&resource=1&resource=2").unwrap_or_default();

        assert_eq!(params.one("a").ok().flatten(), Some("ä b"));
        assert_eq!(params.one("c").ok().flatten(), None, "without a value it is omitted");
        assert_eq!(params.many("resource").unwrap(), ["1", "2"]);
        assert!(params.must_be_unique().is_ok());
    }

    /// THREATS TE-08, AZ-09, AZ-14.
    #[test]
    fn duplicate_or_malformed_parameters_are_refused() {
        let doubled = Params::parse("a=1&a=2").unwrap_or_default();
        assert!(doubled.one("a").is_err());
        assert!(doubled.must_be_unique().is_err());

        for broken in ["a=%zz", "a=%2", "a=%", "a=%ff", "a=%c3", "a=%00", "a=\0", "b=%zz&a=%zz"] {
            let params = Params::parse(broken).unwrap_or_default();
            assert!(params.one("a").is_err(), "{broken}");
            assert!(params.many("a").is_err(), "{broken}");
            let again = Params::parse(params.encode()).unwrap_or_default();
            assert!(again.one("a").is_err(), "it stays malformed when it is sent on: {broken}");
        }
        for ignored in ["a=1&b=%zz", "%c3=1&a=1", "a%00=2&a=1", "a=1&state=50%", "%=%&a=1"] {
            let params = Params::parse(ignored).unwrap_or_default();
            assert_eq!(params.one("a").ok().flatten(), Some("1"), "{ignored}");
            assert!(params.must_be_unique().is_ok(), "{ignored}");
        }
        assert_eq!(Params::parse(b"a=1&b=\xff").unwrap().one("a").ok().flatten(), Some("1"));
        let many = vec!["a=1"; 101].join("&");
        assert!(Params::parse(&many).is_err());
        assert!(Params::parse(format!("a={}", "x".repeat(8193))).is_err());
    }
}
