//! Strict parsing of received JSON.
//!
//! RFC 8259 §4 does not define duplicate members, so two parsers of one signed text may see
//! different subjects (RFC 7515 §4, THREATS JO-06). Such texts are rejected, and so are texts that
//! are nested too deeply (THREATS DO-05) and strings with a NUL, which no claim of an RFC has and
//! some databases cannot store.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The deepest nesting of objects and arrays.
const DEEPEST: u8 = 32;

/// Parses one JSON text without trailing data.
///
/// # Errors
/// When it is not JSON, has a duplicate member at any depth, or is nested more than 32 deep.
pub fn parse(text: &[u8]) -> Result<Value, &'static str> {
    let fault = Cell::new("it is not JSON");
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict { left: DEEPEST, fault: &fault }
        .deserialize(&mut reader)
        .map_err(|_| fault.get())?;
    reader.end().map_err(|_| "data follows the JSON")?;
    Ok(value)
}

/// Parses one JSON object without trailing data.
///
/// # Errors
/// Those of [`parse`], and when the value is not an object.
pub fn parse_object(text: &[u8]) -> Result<Map<String, Value>, &'static str> {
    match parse(text)? {
        Value::Object(members) => Ok(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err("it is not a JSON object")
        }
    }
}

/// Builds a [`Value`] and checks what serde_json does not.
#[derive(Clone, Copy)]
struct Strict<'a> {
    left: u8,
    fault: &'a Cell<&'static str>,
}

impl Strict<'_> {
    fn refuse<E: serde::de::Error>(self, why: &'static str) -> E {
        self.fault.set(why);
        E::custom(why)
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.left.checked_sub(1) {
            Some(left) => Ok(Self { left, fault: self.fault }),
            None => Err(self.refuse("it is nested more than 32 deep")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        if value.contains('\0') {
            return Err(self.refuse("a string contains a NUL"));
        }
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inside = self.deeper()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(inside)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inside = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inside)?;
            if object.insert(name, value).is_some() {
                return Err(self.refuse("an object has a duplicate member"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// THREATS JO-06.
    #[test]
    fn a_duplicate_member_is_refused_at_any_depth() {
        const TWICE: &str = "an object has a duplicate member";
        for text in [
            r#"{"sub":"a","sub":"b"}"#,
            r#"{"sub":"a","iss":"i","sub":"a"}"#,
            r#"{"sub":"a","\u0073ub":"b"}"#,
            r#"[1,{"a":{"b":1,"b":2}}]"#,
            r#"{"":0,"":0}"#,
        ] {
            assert_eq!(parse(text.as_bytes()), Err(TWICE), "{text}");
        }
        assert!(parse(br#"{"a":{"a":1},"A":2,"b":[{"a":1},{"a":1}]}"#).is_ok());
    }

    /// THREATS DO-05: also 10⁵ deep, where a parser without a limit overflows the stack.
    #[test]
    fn too_deep_nesting_is_refused() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));

        assert!(parse(nested(32).as_bytes()).is_ok());
        for depth in [33, 34, 1000, 100_000] {
            let text = nested(depth);
            assert_eq!(parse(text.as_bytes()), Err("it is nested more than 32 deep"), "{depth}");
        }
        assert!(parse("{\"a\":".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn invalid_json_is_refused() {
        for text in [
            "",
            " ",
            "{}{}",
            "{} x",
            "{\"a\":1,}",
            "{'a':1}",
            "{a:1}",
            "[1e400]",
            "NaN",
            "01",
            "+1",
            "\"\\ud800\"",
            "\u{feff}{}",
            "{\"a\":1}\0",
            "// c\n{}",
            "tru",
            "\"\u{1}\"",
            "\"\\u0000\"",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(parse(b"\"\xff\"").is_err());
        assert_eq!(parse_object(b"[]"), Err("it is not a JSON object"));
        assert!(parse_object(b" {\"a\":null}\n").is_ok());
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            "[^\0]{0,16}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn valid_json_is_parsed_unchanged(value in json()) {
            prop_assert_eq!(parse(value.to_string().as_bytes()), Ok(value));
        }

        /// What this parser accepts, serde_json parses to the same value; no input may panic.
        #[test]
        fn only_json_is_accepted(bytes in "[\\[\\]{}\",:0-9a\\\\ ]{0,24}") {
            if let Ok(value) = parse(bytes.as_bytes()) {
                prop_assert_eq!(serde_json::from_str::<Value>(&bytes).ok(), Some(value));
            }
        }
    }
}
