//! Numbers: counts, durations, sizes.

use serde_json::json;
use toml_edit::Value as Toml;

use super::value::{InvalidValue, RawValue, Value};
use crate::types::Seconds;

/// A whole number without a sign.
fn whole(raw: &RawValue<'_>) -> Result<i64, InvalidValue> {
    let number = match raw {
        RawValue::Integer(number) => Some(*number),
        RawValue::Untyped(text) => text.parse().ok(),
        RawValue::Text(_)
        | RawValue::Boolean(_)
        | RawValue::List(_)
        | RawValue::Table(_)
        | RawValue::Other(_) => None,
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

            fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
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

numbers! { u16 u32 u64 usize }

/// Parses a number and its unit; without a unit, in the smallest one.
fn measured(raw: &RawValue<'_>, units: &[(&str, i64)]) -> Result<i64, InvalidValue> {
    if let RawValue::Integer(_) = raw {
        return whole(raw);
    }
    let text = raw.text()?;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: i64 =
        number.parse().map_err(|_| InvalidValue::from("is not a number with a unit"))?;
    let unit = unit.trim_start();
    if unit.is_empty() && matches!(raw, RawValue::Untyped(_)) {
        return Ok(number);
    }
    let (_, size) = units
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(|| InvalidValue::from("has an unknown unit"))?;
    number.checked_mul(*size).ok_or_else(|| "is too large".into())
}

/// The number in the largest unit that leaves no remainder.
fn with_unit(number: i64, units: &[(&str, i64)]) -> String {
    units
        .iter()
        .rev()
        .find(|(_, size)| number != 0 && number % size == 0)
        .or(units.first())
        .map_or_else(String::new, |(name, size)| format!("{}{name}", number / size))
}

/// The units of a duration.
const TIMES: [(&str, i64); 4] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];

/// In the file: an integer of seconds, or a text such as `"5m"`.
impl Value for Seconds {
    const FORM: &'static str =
        "a duration such as \"30s\", \"5m\", \"12h\" or \"14d\", or a number of seconds";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
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

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit_or_is_a_number_of_seconds() {
        for (text, seconds) in
            [("0s", 0), ("90s", 90), ("5m", 300), ("12 h", 43_200), ("14d", 1_209_600)]
        {
            assert_eq!(Seconds::read(&RawValue::Text(text)), Ok(Seconds(seconds)));
        }
        assert_eq!(Seconds::read(&RawValue::Integer(90)), Ok(Seconds(90)));
        assert_eq!(Seconds::read(&RawValue::Untyped("90")), Ok(Seconds(90)));
        for text in
            ["", "5", "m", "5w", "-5m", "1.5h", "5m30s", "999999999999999d", "9223372036854775808"]
        {
            assert!(Seconds::read(&RawValue::Text(text)).is_err(), "{text}");
        }
        assert!(Seconds::read(&RawValue::Integer(-1)).is_err());
    }

    #[test]
    fn a_duration_is_shown_in_its_largest_unit() {
        for (seconds, text) in [(0, "0s"), (10, "10s"), (60, "1m"), (5400, "90m"), (86_400, "1d")] {
            assert_eq!(Seconds(seconds).show().unwrap().as_str(), Some(text));
        }
        assert_eq!(Bytes(1000).show().unwrap().as_str(), Some("1000B"));
        assert_eq!(Bytes::kib(64).show().unwrap().as_str(), Some("64KiB"));
    }
}
