//! Documents whose members are checked by the type that stores them: clients and APIs.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::input::{READ_ONLY, UNKNOWN, pointer};
use crate::render::Problem;
use crate::render::problem::Invalid;

/// A kind of documents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// The names of its members, with and without those in other languages.
    pub(super) is_known: fn(&str) -> bool,
    /// Members that only the server sets.
    pub(super) read_only: &'static [&'static str],
    /// Members without which nothing can be read, each with a valid value.
    pub(super) required: &'static [(&'static str, &'static str)],
}

impl Kind {
    /// Checks each member of a document on its own. `stored`: the present document, whose read-only members may be
    /// repeated.
    ///
    /// # Errors
    /// All members that are unknown, missing, read-only or of a wrong type.
    pub(super) fn check<T: DeserializeOwned>(
        self,
        document: &Map<String, Value>,
        stored: Option<&Map<String, Value>>,
    ) -> Result<(), Problem> {
        let mut invalid = Vec::new();
        for (name, value) in document {
            let wrong = if self.read_only.contains(&name.as_str()) {
                let is_same = stored.is_some_and(|stored| stored.get(name) == Some(value));
                (!is_same).then_some(READ_ONLY)
            } else if !(self.is_known)(name) {
                Some(UNKNOWN)
            } else {
                self.wrong::<T>(name, value)
            };
            invalid.extend(wrong.map(|detail| Invalid { pointer: pointer(name), detail }));
        }
        for (name, _) in self.required {
            if !document.contains_key(*name) {
                let detail = "this member is required";
                invalid.push(Invalid { pointer: pointer(name), detail });
            }
        }
        if invalid.is_empty() { Ok(()) } else { Err(Problem::Invalid(invalid)) }
    }

    fn wrong<T: DeserializeOwned>(self, name: &str, value: &Value) -> Option<&'static str> {
        let required = self.required.iter();
        let mut alone: Map<String, Value> =
            required.map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        alone.insert(name.to_owned(), value.clone());
        let read = serde_json::from_value::<T>(Value::Object(alone));
        read.is_err().then_some("this member has a wrong type or an invalid value")
    }
}

/// RFC 7396 §2: applies a merge patch.
pub(super) fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => {
                target.remove(name);
            }
            Value::Object(members) => {
                let below = target.entry(name.clone()).or_insert_with(|| Map::new().into());
                if !below.is_object() {
                    *below = Map::new().into();
                }
                if let Value::Object(below) = below {
                    merge(below, members);
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The examples of RFC 7396 appendix A whose patch is an object, and a target that is one.
    #[test]
    fn the_examples_of_the_rfc() {
        for (target, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            let mut merged = target.as_object().unwrap().clone();
            merge(&mut merged, patch.as_object().unwrap());
            assert_eq!(Value::Object(merged), result, "{target} {patch}");
        }
    }
}
