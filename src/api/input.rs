//! What the body of a request contains. Every member that is unknown, missing or of a wrong type is reported, with its
//! JSON Pointer (THREATS AD-03).
//!
//! The schema of the type, which the specification contains too, says which members there are.

use std::cell::RefCell;

use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;
use serde_json::{Map, Value};
use utoipa::PartialSchema;
use utoipa::openapi::schema::{Object, Schema};
use utoipa::openapi::{RefOr, Type, schema::SchemaType};

use crate::render::Problem;
use crate::render::problem::Invalid;

/// What is wrong with an unknown member.
pub(super) const UNKNOWN: &str = "this member is unknown";

/// What is wrong with a member that only the server sets.
pub(super) const READ_ONLY: &str = "this member is read-only";

/// The pointer to a member.
///
/// The name of an unknown member is from the request: it is repeated only if it is a short word, so that neither a
/// secret in a wrong place nor markup is repeated.
pub(super) fn pointer(name: &str) -> String {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'#' | b'-');
    if name.len() <= 40 && name.bytes().all(is_word) { format!("/{name}") } else { String::new() }
}

/// Reads an object. `read_only`: members that only the server sets.
///
/// # Errors
/// All invalid members. Each member of `T` has a default, so that one invalid member hides no other.
pub(super) fn read<T>(mut object: Map<String, Value>, read_only: &[&str]) -> Result<T, Problem>
where
    T: DeserializeOwned + PartialSchema,
{
    let schema = object_schema::<T>();
    let mut invalid = Vec::new();
    object.retain(|name, _| {
        let is_known = schema.properties.contains_key(name);
        if !is_known {
            let is_read_only = read_only.contains(&name.as_str());
            let detail = if is_read_only { READ_ONLY } else { UNKNOWN };
            invalid.push(Invalid { pointer: pointer(name), detail });
        }
        is_known
    });
    for name in &schema.required {
        if !object.contains_key(name) {
            let detail = "this member is required";
            invalid.push(Invalid { pointer: pointer(name), detail });
        }
    }
    loop {
        let last = RefCell::new(String::new());
        let members = object.clone().into_iter().inspect(|(name, _)| {
            last.borrow_mut().clone_from(name);
        });
        match T::deserialize(MapDeserializer::<_, serde_json::Error>::new(members)) {
            Ok(read) if invalid.is_empty() => return Ok(read),
            Ok(_) => return Err(Problem::Invalid(invalid)),
            Err(_) => {
                let name = last.into_inner();
                let detail = schema.properties.get(&name).map_or(UNKNOWN, expected);
                invalid.push(Invalid { pointer: pointer(&name), detail });
                if object.remove(&name).is_none() {
                    return Err(Problem::Invalid(invalid));
                }
            }
        }
    }
}

fn object_schema<T: PartialSchema>() -> Object {
    match T::schema() {
        RefOr::T(Schema::Object(object)) => object,
        RefOr::T(_) | RefOr::Ref(_) => Object::new(),
    }
}

/// What a member is, in words.
fn expected(schema: &RefOr<Schema>) -> &'static str {
    const OTHER: &str = "this member has an invalid value";
    let object = match schema {
        RefOr::T(Schema::Object(object)) => object,
        RefOr::T(Schema::Array(_)) => return "this member is an array, or has an invalid element",
        RefOr::T(_) | RefOr::Ref(_) => return OTHER,
    };
    if object.enum_values.is_some() {
        return OTHER;
    }
    let is = |wanted: &Type| match &object.schema_type {
        SchemaType::Type(only) => only == wanted,
        SchemaType::Array(several) => several.contains(wanted),
        SchemaType::AnyValue => false,
    };
    let words = [
        (Type::String, "this member is a string"),
        (Type::Integer, "this member is an integer"),
        (Type::Boolean, "this member is true or false"),
        (Type::Object, "this member is an object"),
    ];
    words.iter().find(|(wanted, _)| is(wanted)).map_or(OTHER, |(_, text)| text)
}
