//! Pages of listings. A cursor is sealed, bound to the administrator and the listing, and still checked like any other
//! input (THREATS AD-08, AD-09).

use std::borrow::Cow;

use serde::Serialize;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema};
use utoipa::openapi::{Ref, RefOr, Type};
use utoipa::{PartialSchema, ToSchema};

use super::request::ApiRequest;
use super::schema::Schemas;
use crate::jose::base64url;
use crate::jose::seal::{Kind, Owner};
use crate::render::{Problem, Response, json};
use crate::types::{Code, Refusal};

/// The size of a page without `limit`.
const USUAL: i64 = 50;

/// The greatest size of a page.
const MOST: i64 = 500;

/// What the specification says of `limit`.
pub(super) const LIMIT: (&str, &str) =
    ("limit", "The size of the page: 1 to 500; a smaller or greater number counts as these.");

/// What the specification says of `cursor`.
pub(super) const CURSOR: (&str, &str) = (
    "cursor",
    "The `next_cursor` of the previous page. The other parameters are repeated with it.",
);

/// A page of a listing.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    items: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let cursor = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("The cursor of the next page; absent on the last one."));
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("items", ArrayBuilder::new().items(Ref::from_schema_name(T::name())))
            .property("next_cursor", cursor)
            .required("items")
            .into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Schemas) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

/// A response with a whole listing.
pub(super) fn whole<T: Serialize>(items: Vec<T>) -> Response {
    json::ok(&Page { items, next_cursor: None })
}

impl ApiRequest {
    /// The number of objects of a page.
    ///
    /// # Errors
    /// `invalid_request` if it is not an integer.
    pub(super) fn limit(&self) -> Result<i64, Refusal> {
        let Some(text) = self.query(LIMIT.0)? else {
            return Ok(USUAL);
        };
        let digits = text.strip_prefix('-').unwrap_or(&text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Code::InvalidRequest.because("limit is not an integer"));
        }
        let wide = if text.starts_with('-') { 1 } else { MOST };
        Ok(text.parse::<i64>().unwrap_or(wide).clamp(1, MOST))
    }

    /// The key of the last object of the previous page.
    ///
    /// # Errors
    /// `invalid_request` for a cursor that is not of this listing and this administrator.
    pub(super) async fn after(&self) -> Result<Option<String>, Problem> {
        let Some(text) = self.query(CURSOR.0)? else {
            return Ok(None);
        };
        let app = self.head().app();
        let owner = self.listing();
        let opened = match base64url::decode(&text) {
            Some(sealed) => {
                app.keyring.open_page(&app.store, Owner(Kind::Cursor, &owner), &sealed).await?
            }
            None => None,
        };
        let key = opened.and_then(|clear| String::from_utf8(clear.to_vec()).ok());
        match key {
            Some(key) => Ok(Some(key)),
            None => Err(Code::InvalidRequest.because("the cursor is not valid here").into()),
        }
    }

    /// A response with a page, and the cursor that continues after the object with this key.
    pub(super) fn page<T: Serialize>(&self, items: Vec<T>, next: Option<&str>) -> Response {
        let owner = self.listing();
        let seal = |key: &str| {
            let keys = self.head().app().keyring.keys();
            base64url::encode(keys.pages.seal(Owner(Kind::Cursor, &owner), key.as_bytes()))
        };
        json::ok(&Page { items, next_cursor: next.map(seal) })
    }

    fn listing(&self) -> String {
        format!("{} {}", self.actor(), self.head().uri.path())
    }
}
