//! What a value can be, how it is read, and how it is shown.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde_json::json;
use toml_edit::Value as Toml;
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::types::colour::Colour;
use crate::types::{Algorithm, Seconds};

/// A value as it was given, before anybody knows whether it is right. It may be a secret, hence it
/// has no `Debug`.
pub enum Raw<'a> {
    /// A TOML string.
    Text(&'a str),
    /// A TOML integer.
    Integer(i64),
    /// A TOML boolean.
    Boolean(bool),
    /// A TOML array.
    List(Vec<Self>),
    /// Anything else, by the name of its type.
    Other(&'static str),
    /// The text of an environment variable or of a secret file: its key decides what it is.
    Untyped(&'a str),
}

impl<'a> Raw<'a> {
    /// What stands behind a key of the file.
    pub(super) fn of(item: &'a toml_edit::Item) -> Self {
        item.as_value().map_or(Self::Other("table"), Self::value)
    }

    fn value(value: &'a Toml) -> Self {
        match value {
            Toml::String(text) => Self::Text(text.value()),
            Toml::Integer(number) => Self::Integer(*number.value()),
            Toml::Boolean(yes) => Self::Boolean(*yes.value()),
            Toml::Array(list) => Self::List(list.iter().map(Self::value).collect()),
            Toml::Float(_) | Toml::Datetime(_) | Toml::InlineTable(_) => {
                Self::Other(value.type_name())
            }
        }
    }

    /// The text, where a text is wanted. None is empty: what is not wanted is left out.
    pub(super) fn text(&self) -> Result<&'a str, Wrong> {
        match self {
            Self::Text("") | Self::Untyped("") => Err("is empty".into()),
            Self::Text(text) | Self::Untyped(text) => Ok(text),
            Self::Integer(_) | Self::Boolean(_) | Self::List(_) | Self::Other(_) => {
                Err(self.mistaken())
            }
        }
    }

    /// The refusal of a value of another type.
    fn mistaken(&self) -> Wrong {
        Wrong::from(match self {
            Self::Text(_) => "is a string",
            Self::Integer(_) => "is an integer",
            Self::Boolean(_) => "is a boolean",
            Self::List(_) => "is a list",
            Self::Other("datetime") => "is a date",
            Self::Other("float") => "is a number with a fraction",
            Self::Other(_) => "is a table",
            Self::Untyped(_) => "is not of the form we expect",
        })
    }
}

/// Why a value is refused. It never quotes a value, for that could be a misplaced secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// A clause that follows the key: "is empty".
    pub reason: String,
    /// What to do, where [`Value::FORM`] does not say it all.
    pub remedy: Option<String>,
}

impl Wrong {
    /// With a remedy of its own.
    pub(super) fn mended(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { reason: reason.into(), remedy: Some(remedy.into()) }
    }
}

impl From<&str> for Wrong {
    fn from(reason: &str) -> Self {
        Self { reason: reason.to_owned(), remedy: None }
    }
}

/// A type that can stand in the configuration. Reading is the validation: nobody checks again.
pub trait Value: Sized {
    /// What is expected, in words that follow "write".
    const FORM: &'static str;

    /// Reads what was given.
    ///
    /// # Errors
    /// What is wrong with it, without quoting it.
    fn read(raw: &Raw<'_>) -> Result<Self, Wrong>;

    /// The value for `config show`, secrets blinded; `None` where nothing is set.
    fn show(&self) -> Option<Toml>;

    /// The JSON Schema of it; `within` bounds numbers.
    fn schema(within: Option<(i64, i64)>) -> serde_json::Value;

    /// Its size, for types that can be too large or too small.
    fn measure(&self) -> Option<i64> {
        None
    }

    /// Relative paths are taken from the directory of the file that names them.
    fn rooted(self, _: &Path) -> Self {
        self
    }
}

impl<T: Value> Value for Option<T> {
    const FORM: &'static str = T::FORM;

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        T::read(raw).map(Some)
    }

    fn show(&self) -> Option<Toml> {
        self.as_ref().and_then(T::show)
    }

    fn schema(within: Option<(i64, i64)>) -> serde_json::Value {
        T::schema(within)
    }

    fn measure(&self) -> Option<i64> {
        self.as_ref().and_then(T::measure)
    }

    fn rooted(self, directory: &Path) -> Self {
        self.map(|value| value.rooted(directory))
    }
}

/// A list, or one value that stands for a list of one; in the environment, with commas between.
impl<T: Value> Value for Vec<T> {
    const FORM: &'static str = T::FORM;

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        let one = |(n, raw): (usize, &Raw<'_>)| {
            T::read(raw).map_err(|wrong| Wrong {
                reason: format!("has an item (number {}) that {}", n + 1, wrong.reason),
                ..wrong
            })
        };
        match raw {
            Raw::List(list) => list.iter().enumerate().map(one).collect(),
            Raw::Untyped("") => Ok(Self::new()),
            Raw::Untyped(text) => {
                let items: Vec<_> = text.split(',').map(|item| Raw::Untyped(item.trim())).collect();
                items.iter().enumerate().map(one).collect()
            }
            Raw::Text(_) | Raw::Integer(_) | Raw::Boolean(_) | Raw::Other(_) => {
                T::read(raw).map(|only| vec![only])
            }
        }
    }

    fn show(&self) -> Option<Toml> {
        Some(self.iter().filter_map(T::show).collect::<toml_edit::Array>().into())
    }

    fn schema(within: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "anyOf": [T::schema(within), { "type": "array", "items": T::schema(within) }] })
    }

    fn rooted(self, directory: &Path) -> Self {
        self.into_iter().map(|value| value.rooted(directory)).collect()
    }
}

impl Value for bool {
    const FORM: &'static str = "`true` or `false`";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        match raw {
            Raw::Boolean(yes) => Ok(*yes),
            Raw::Untyped("true") => Ok(true),
            Raw::Untyped("false") => Ok(false),
            Raw::Text(_) | Raw::Integer(_) | Raw::List(_) | Raw::Other(_) | Raw::Untyped(_) => {
                Err(raw.mistaken())
            }
        }
    }

    fn show(&self) -> Option<Toml> {
        Some((*self).into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "boolean" })
    }
}

/// A whole number without a sign.
fn whole(raw: &Raw<'_>) -> Result<i64, Wrong> {
    let number = match raw {
        Raw::Integer(number) => Some(*number),
        Raw::Untyped(text) => text.parse().ok(),
        Raw::Text(_) | Raw::Boolean(_) | Raw::List(_) | Raw::Other(_) => None,
    };
    match number {
        Some(0..) => number.ok_or_else(|| raw.mistaken()),
        Some(_) => Err("is negative".into()),
        None => Err(raw.mistaken()),
    }
}

/// JSON Schema of an integer.
fn integer(within: Option<(i64, i64)>) -> serde_json::Value {
    match within {
        Some((least, most)) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        None => json!({ "type": "integer", "minimum": 0 }),
    }
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Value for $type {
            const FORM: &'static str = "a whole number";

            fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
                Self::try_from(whole(raw)?).map_err(|_| "is too large".into())
            }

            fn show(&self) -> Option<Toml> {
                self.measure().map(Toml::from)
            }

            fn schema(within: Option<(i64, i64)>) -> serde_json::Value {
                integer(within)
            }

            fn measure(&self) -> Option<i64> {
                i64::try_from(*self).ok()
            }
        }
    )*};
}

numbers! { u32 u64 usize }

/// Reads a number with a unit behind it; without a unit, one of the smallest.
fn measured(raw: &Raw<'_>, units: &[(&str, i64)]) -> Result<i64, Wrong> {
    if let Raw::Integer(_) = raw {
        return whole(raw);
    }
    let text = raw.text()?;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: i64 = number.parse().map_err(|_| Wrong::from("is not a number with a unit"))?;
    let unit = unit.trim_start();
    if unit.is_empty() && matches!(raw, Raw::Untyped(_)) {
        return Ok(number);
    }
    let (_, size) = units
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(|| Wrong::from("has no unit that we know"))?;
    number.checked_mul(*size).ok_or_else(|| "is too large".into())
}

/// The text with the largest unit that leaves no remainder.
fn with_unit(number: i64, units: &[(&str, i64)]) -> String {
    units
        .iter()
        .rev()
        .find(|(_, size)| number != 0 && number % size == 0)
        .or(units.first())
        .map_or_else(String::new, |(name, size)| format!("{}{name}", number / size))
}

/// The units of a length of time.
const TIMES: [(&str, i64); 4] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];

/// In the file: an integer of seconds, or a text such as `"5m"`.
impl Value for Seconds {
    const FORM: &'static str =
        "a length of time such as \"30s\", \"5m\", \"12h\" or \"14d\", or a number of seconds";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        measured(raw, &TIMES).map(Self)
    }

    fn show(&self) -> Option<Toml> {
        Some(with_unit(self.0, &TIMES).into())
    }

    fn schema(within: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "anyOf": [{ "type": "string", "pattern": "^[0-9]+ *[smhd]$" }, integer(within)] })
    }

    fn measure(&self) -> Option<i64> {
        Some(self.0)
    }
}

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub usize);

impl Bytes {
    /// `n` KiB.
    pub const fn kib(n: usize) -> Self {
        Self(n * 1024)
    }

    /// `n` MiB.
    pub const fn mib(n: usize) -> Self {
        Self(n * 1024 * 1024)
    }
}

/// The units of a size.
const SIZES: [(&str, i64); 3] = [("B", 1), ("KiB", 1024), ("MiB", 1024 * 1024)];

impl Value for Bytes {
    const FORM: &'static str = "a size such as \"64KiB\" or \"1MiB\", or a number of bytes";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        let bytes = measured(raw, &SIZES)?;
        usize::try_from(bytes).map(Self).map_err(|_| "is too large".into())
    }

    fn show(&self) -> Option<Toml> {
        self.measure().map(|bytes| with_unit(bytes, &SIZES).into())
    }

    fn schema(within: Option<(i64, i64)>) -> serde_json::Value {
        let text = json!({ "type": "string", "pattern": "^[0-9]+ *(B|KiB|MiB)$" });
        json!({ "anyOf": [text, integer(within)] })
    }

    fn measure(&self) -> Option<i64> {
        i64::try_from(self.0).ok()
    }
}

/// One line that people read: a name, not a text.
impl Value for String {
    const FORM: &'static str = "one line of text";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        const LONGEST: usize = 200;
        let text = raw.text()?;
        if text.chars().any(char::is_control) {
            return Err("has a control character or a line break".into());
        }
        if text.trim().is_empty() {
            return Err("has nothing but spaces".into());
        }
        if text.chars().count() > LONGEST {
            return Err("is longer than 200 characters".into());
        }
        Ok(text.to_owned())
    }

    fn show(&self) -> Option<Toml> {
        Some(self.as_str().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "minLength": 1, "maxLength": 200 })
    }
}

impl Value for PathBuf {
    const FORM: &'static str = "a path";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        raw.text().map(Self::from)
    }

    fn show(&self) -> Option<Toml> {
        Some(self.to_string_lossy().into_owned().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "minLength": 1 })
    }

    fn rooted(self, directory: &Path) -> Self {
        directory.join(self)
    }
}

impl Value for SocketAddr {
    const FORM: &'static str = "an IP address and a port, such as \"127.0.0.1:8080\"";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        raw.text()?.parse().map_err(|_| "is not an IP address and a port".into())
    }

    fn show(&self) -> Option<Toml> {
        Some(self.to_string().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^(\\[[0-9A-Fa-f:.]+\\]|[0-9.]+):[0-9]+$" })
    }
}

impl Value for Algorithm {
    const FORM: &'static str = "one of \"ES256\", \"RS256\", \"PS256\", \"ES384\", \"EdDSA\"";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        Self::parse(raw.text()?)
            .filter(|algorithm| Self::ASYMMETRIC.contains(algorithm))
            .ok_or_else(|| "is not an algorithm that we sign with".into())
    }

    fn show(&self) -> Option<Toml> {
        Some(self.as_str().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        let names: Vec<_> = Self::ASYMMETRIC.iter().map(|algorithm| algorithm.as_str()).collect();
        json!({ "enum": names })
    }
}

/// A range of addresses (RFC 4632): `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// The range of `prefix` bits around `address`; `None` for more bits than an address has.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let all = Self { address, prefix };
        (prefix <= all.width()).then(|| Self { address: all.first(), prefix })
    }

    /// Whether `address` lies in it. An IPv4 address written as IPv6 is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4()
            && Self { address, prefix: self.prefix }.first() == self.address
    }

    /// Whether every address lies in it.
    pub fn is_everybody(&self) -> bool {
        self.prefix == 0
    }

    const fn width(&self) -> u8 {
        if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// The address without the bits behind the prefix.
    fn first(&self) -> IpAddr {
        let rest = u32::from(self.width().saturating_sub(self.prefix));
        match self.address {
            IpAddr::V4(v4) => {
                IpAddr::from((v4.to_bits() & u32::MAX.checked_shl(rest).unwrap_or(0)).to_be_bytes())
            }
            IpAddr::V6(v6) => IpAddr::from(
                (v6.to_bits() & u128::MAX.checked_shl(rest).unwrap_or(0)).to_be_bytes(),
            ),
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Value for Network {
    const FORM: &'static str = "an IP address or a range such as \"10.0.0.0/8\"";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        let text = raw.text()?;
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr =
            address.parse().map_err(|_| Wrong::from("is not an IP address or a range of them"))?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(width), str::parse);
        let range = prefix.ok().and_then(|prefix| Self::new(address, prefix));
        let range = range.ok_or_else(|| Wrong::from("has a prefix longer than an address"))?;
        if range.address != address {
            return Err(Wrong::mended(
                "has bits set behind its prefix",
                format!("write \"{range}\", or \"{address}\" for the one address"),
            ));
        }
        Ok(range)
    }

    fn show(&self) -> Option<Toml> {
        Some(self.to_string().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$" })
    }
}

impl Value for Colour {
    const FORM: &'static str = "a colour such as \"#2f5bd7\"";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        Colour::parse(raw.text()?).ok_or_else(|| "is not # and six hexadecimal digits".into())
    }

    fn show(&self) -> Option<Toml> {
        Some(self.to_string().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^#[0-9A-Fa-f]{6}$" })
    }
}

/// A link on a page. Nothing but these schemes, so that none runs a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link(pub Url);

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Value for Link {
    const FORM: &'static str = "an address that begins with \"https:\", \"http:\" or \"mailto:\"";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        let url = Url::parse(raw.text()?).map_err(|_| Wrong::from("is not a complete address"))?;
        match url.scheme() {
            "https" | "http" | "mailto" => Ok(Self(url)),
            _ => Err("has a scheme that we do not link to".into()),
        }
    }

    fn show(&self) -> Option<Toml> {
        Some(self.0.as_str().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "format": "uri", "pattern": "^(https?|mailto):" })
    }
}

/// What is logged: a level, or a filter of `tracing` such as `info,gatewright::flow=debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(String);

impl Filter {
    /// The text of it, which `tracing` accepts.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl Value for Filter {
    const FORM: &'static str = "\"error\", \"warn\", \"info\", \"debug\", \"trace\", or a filter such as \"info,gatewright=debug\"";

    fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
        let text = raw.text()?;
        EnvFilter::try_new(text)
            .map(|_| Self(text.to_owned()))
            .map_err(|_| "is not a level or a filter of tracing".into())
    }

    fn show(&self) -> Option<Toml> {
        Some(self.0.as_str().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "minLength": 1 })
    }
}

macro_rules! words {
    ($($(#[$meta:meta])* $type:ident $form:literal {
        $($(#[$of_word:meta])* $name:ident $word:literal;)*
    })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $type {
            $($(#[$of_word])* $name,)*
        }

        impl $type {
            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }

        impl Value for $type {
            const FORM: &'static str = $form;

            fn read(raw: &Raw<'_>) -> Result<Self, Wrong> {
                match raw.text()? {
                    $($word => Ok(Self::$name),)*
                    _ => Err("is not a word that we know here".into()),
                }
            }

            fn show(&self) -> Option<Toml> {
                Some(self.as_str().into())
            }

            fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
                json!({ "enum": [$($word),*] })
            }
        }
    )*};
}

words! {
    /// Whom a client assertion may be addressed to (RFC 7523 §3).
    AssertionAudience "\"issuer\" or \"endpoints\"" {
        /// The issuer alone, as a single string: an assertion made for somebody else's endpoint
        /// can never be used with us.
        #[default]
        Issuer "issuer";
        /// Also our token endpoint or the endpoint called, as a string or an array.
        Endpoints "endpoints";
    }
    /// How a line of the log looks.
    LogFormat "\"json\" or \"text\"" {
        /// One JSON object, for machines.
        #[default]
        Json "json";
        /// For people.
        Text "text";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_a_unit_or_is_a_number_of_seconds() {
        for (text, seconds) in
            [("0s", 0), ("90s", 90), ("5m", 300), ("12 h", 43_200), ("14d", 1_209_600)]
        {
            assert_eq!(Seconds::read(&Raw::Text(text)), Ok(Seconds(seconds)));
        }
        assert_eq!(Seconds::read(&Raw::Integer(90)), Ok(Seconds(90)));
        assert_eq!(Seconds::read(&Raw::Untyped("90")), Ok(Seconds(90)));
        for text in
            ["", "5", "m", "5w", "-5m", "1.5h", "5m30s", "999999999999999d", "9223372036854775808"]
        {
            assert!(Seconds::read(&Raw::Text(text)).is_err(), "{text}");
        }
        assert!(Seconds::read(&Raw::Integer(-1)).is_err());
    }

    #[test]
    fn a_length_of_time_is_shown_in_its_largest_unit() {
        for (seconds, text) in [(0, "0s"), (10, "10s"), (60, "1m"), (5400, "90m"), (86_400, "1d")] {
            assert_eq!(Seconds(seconds).show().unwrap().as_str(), Some(text));
        }
        assert_eq!(Bytes(1000).show().unwrap().as_str(), Some("1000B"));
        assert_eq!(Bytes::kib(64).show().unwrap().as_str(), Some("64KiB"));
    }

    /// THREATS HD-03: an address is judged against the ranges by its bits.
    #[test]
    fn a_range_holds_what_shares_its_prefix() {
        for (range, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.7/31", "192.0.2.6", "192.0.2.8"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::1", "::1", "::2"),
            ("0.0.0.0/0", "8.8.8.8", "::1"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::ffff:11.0.0.1"),
        ] {
            let range = match range.split_once('/') {
                Some((address, prefix)) => {
                    Network::new(address.parse().unwrap(), prefix.parse().unwrap())
                }
                None => Network::read(&Raw::Text(range)).ok(),
            };
            let range = range.unwrap();

            assert!(range.contains(inside.parse().unwrap()), "{range} has {inside}");
            assert!(!range.contains(outside.parse().unwrap()), "{range} has not {outside}");
        }
        for text in ["10.0.0.0/33", "::/129", "10.0.0.1/8", "10.0.0/8", "10.0.0.0/", "example.org"]
        {
            assert!(Network::read(&Raw::Text(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_colour_is_six_digits() {
        let blue = Colour::read(&Raw::Text("#2F5bd7")).unwrap();
        assert_eq!(blue, Colour(0x2f, 0x5b, 0xd7));
        assert_eq!(blue.to_string(), "#2f5bd7");
        for text in ["2f5bd7", "#2f5bd", "#2f5bd77", "#2f5bdg", "#+2f5bd", "blue", "#é5bd7"] {
            assert!(Colour::read(&Raw::Text(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_link_never_runs_a_script() {
        for text in
            ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "/help", "help"]
        {
            assert!(Link::read(&Raw::Text(text)).is_err(), "{text}");
        }
        assert!(Link::read(&Raw::Text("mailto:help@example.org")).is_ok());
    }
}
