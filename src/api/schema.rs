//! The schema of a body, as the specification has it.

use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// Named schemas.
pub(super) type Schemas = Vec<(String, RefOr<Schema>)>;

/// Adds a schema, with those that it refers to, and returns the reference to it.
pub(super) type SchemaOf = fn(&mut Schemas) -> RefOr<Schema>;

/// The schema of a type.
pub(super) fn of<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    let name = T::name().into_owned();
    schemas.push((name.clone(), <T as PartialSchema>::schema()));
    T::schemas(schemas);
    Ref::from_schema_name(name).into()
}
