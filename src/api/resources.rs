//! APIs (resource servers). Their identifiers are URLs: in a path, percent-encoded as one segment.

use std::borrow::Cow;

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, Schema};
use utoipa::openapi::{RefOr, Type};
use utoipa::{PartialSchema, ToSchema};

use super::endpoint::Endpoint;
use super::idempotency::replayed;
use super::list::{self, Page};
use super::members::{Kind, merge};
use super::request::{ApiRequest, JSON, MERGE_PATCH};
use super::response::{created, no_content};
use super::schema;
use super::version::{self, Version};
use crate::admin::idempotency::Begun;
use crate::admin::{Action, Done, resource};
use crate::render::{Problem, Response};
use crate::types::{Code, Resource, ResourceId};

const RESOURCES: &str = "/api/v1/resources";
const RESOURCE: &str = "/api/v1/resources/{id}";

/// The documents of new APIs.
const NEW: Kind =
    Kind { is_known, read_only: &[], required: &[("id", "urn:example:api"), ("name", "API")] };

/// The documents of registered APIs.
const REGISTERED: Kind = Kind { read_only: &["id"], ..NEW };

/// The endpoints of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, RESOURCES, Action::ReadResources, list)
            .summary("List the APIs in the order of their registration")
            .answers(StatusCode::OK, schema::of::<Page<Api>>),
        Endpoint::new(Method::POST, RESOURCES, Action::CreateResource, create)
            .summary("Register an API")
            .body(JSON, schema::of::<Api>)
            .idempotent()
            .answers(StatusCode::CREATED, schema::of::<Api>),
        Endpoint::new(Method::GET, RESOURCE, Action::ReadResources, read)
            .summary("Show an API")
            .answers(StatusCode::OK, schema::of::<Api>),
        Endpoint::new(Method::PUT, RESOURCE, Action::UpdateResource, replace)
            .summary("Replace the registration of an API")
            .body(JSON, schema::of::<Api>)
            .versioned()
            .answers(StatusCode::OK, schema::of::<Api>),
        Endpoint::new(Method::PATCH, RESOURCE, Action::UpdateResource, update)
            .summary("Change the registration of an API (RFC 7396)")
            .body(MERGE_PATCH, schema::of::<Api>)
            .versioned()
            .answers(StatusCode::OK, schema::of::<Api>),
        Endpoint::new(Method::DELETE, RESOURCE, Action::DeleteResource, delete)
            .summary("Delete an API: no more tokens are issued for it"),
    ]
}

/// An API.
#[derive(Debug)]
struct Api;

impl PartialSchema for Api {
    fn schema() -> RefOr<Schema> {
        let text =
            |about| ObjectBuilder::new().schema_type(Type::String).description(Some(about)).build();
        let scope = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("name", text("The scope."))
            .property("text", text("What it allows; `text#de` is that in German."))
            .property("sensitive", Object::with_type(Type::Boolean))
            .required("name")
            .required("text");
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property(
                "id",
                text("An absolute URI: the `resource` of RFC 8707, the `aud` of tokens."),
            )
            .property("name", text("The name for users; `name#de` is that in German."))
            .property("scopes", ArrayBuilder::new().items(scope.build()))
            .property("access_token_format", text("`jwt` or `opaque`."))
            .property("access_token_lifetime", Object::with_type(Type::Integer))
            .required("id")
            .required("name")
            .into()
    }
}

impl ToSchema for Api {
    fn name() -> Cow<'static, str> {
        "Api".into()
    }
}

fn is_known(name: &str) -> bool {
    let known = ["id", "name", "scopes", "access_token_format", "access_token_lifetime"];
    known.contains(&name) || name.starts_with("name#")
}

fn id(request: &ApiRequest) -> Result<ResourceId, Problem> {
    Ok(ResourceId::from_text(request.parameter("id")?))
}

fn document(resource: &Resource) -> Map<String, Value> {
    match json!(resource) {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

fn parse(members: Map<String, Value>) -> Result<Resource, Problem> {
    serde_json::from_value(Value::Object(members)).map_err(|error| {
        let why = "the description of the API is invalid";
        Code::InvalidRequest.because(why).with("reason", error).into()
    })
}

fn shown(resource: &Resource) -> Response {
    version::object(StatusCode::OK, &document(resource))
}

async fn list(request: ApiRequest) -> Result<Response, Problem> {
    Ok(list::whole(resource::list(&request.call()).await?))
}

async fn read(request: ApiRequest) -> Result<Response, Problem> {
    Ok(shown(&resource::read(&request.call(), &id(&request)?).await?))
}

async fn create(request: ApiRequest) -> Result<Response, Problem> {
    NEW.check::<Resource>(request.body(), None)?;
    let new = parse(request.body().clone())?;
    let call = request.call();
    match request.begin(Action::CreateResource).await? {
        Begun::First(reservation) => {
            let done = resource::register(&call, new).await;
            let id = |done: &Done<Resource>| done.result.id.to_string();
            let resource = reservation.settle(done, id).await?.result;
            Ok(created(&request, resource.id.as_str(), shown(&resource)))
        }
        Begun::Repeated(id) => {
            let resource = resource::created(&call, &ResourceId::from_text(&*id)).await?;
            Ok(replayed(created(&request, &id, shown(&resource))))
        }
    }
}

async fn replace(request: ApiRequest) -> Result<Response, Problem> {
    let before = resource::read(&request.call(), &id(&request)?).await?;
    Version::of(&document(&before)).must_match(request.head())?;
    REGISTERED.check::<Resource>(request.body(), Some(&document(&before)))?;
    change(&request, &before, request.body().clone()).await
}

async fn update(request: ApiRequest) -> Result<Response, Problem> {
    let before = resource::read(&request.call(), &id(&request)?).await?;
    Version::of(&document(&before)).must_match(request.head())?;
    let mut members = document(&before);
    merge(&mut members, request.body());
    REGISTERED.check::<Resource>(&members, Some(&document(&before)))?;
    change(&request, &before, members).await
}

async fn change(
    request: &ApiRequest,
    before: &Resource,
    members: Map<String, Value>,
) -> Result<Response, Problem> {
    let after = parse(members)?;
    Ok(shown(&resource::replace(&request.call(), before, after).await?.result))
}

async fn delete(request: ApiRequest) -> Result<Response, Problem> {
    resource::delete(&request.call(), &id(&request)?).await?;
    Ok(no_content())
}
