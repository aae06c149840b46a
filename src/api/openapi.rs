//! The specification of the API: OpenAPI 3.1, from the table of endpoints.

use std::sync::LazyLock;

use axum::http::{Method, StatusCode};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, Object, OpenApi, OpenApiBuilder, PathsBuilder, Ref, Required,
    ResponseBuilder, Type,
};
use utoipa::{PartialSchema, ToSchema};

use super::endpoint::{Access, Endpoint};
use super::endpoints;
use super::idempotency::IDEMPOTENCY_KEY;
use super::schema::Schemas;
use crate::flow::keys::Document;
use crate::render::document::document;
use crate::render::problem::{Body, MEDIA_TYPE};
use crate::render::{Kind, Request, Response, Route};
use crate::types::Seconds;

/// How long the specification may be cached.
const MAX_AGE: Seconds = Seconds::hours(1);

/// The name of the security scheme.
const TOKEN: &str = "access_token";

/// The route of the specification.
pub(super) fn route() -> Route {
    Route::new(Kind::Document, "/api/v1/openapi.json").everywhere().get(openapi)
}

async fn openapi(request: Request) -> Response {
    static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
        let specification = serde_json::to_value(specification());
        Document::from_json(&specification.unwrap_or_default())
    });
    document(&request.head, &DOCUMENT, MAX_AGE)
}

/// The specification.
fn specification() -> OpenApi {
    let mut schemas = Schemas::new();
    schemas.push((Body::name().into_owned(), Body::schema()));
    Body::schemas(&mut schemas);
    let mut paths = PathsBuilder::new();
    for endpoint in endpoints() {
        let method = method(&endpoint.method);
        let operation = operation(&endpoint, &mut schemas);
        paths =
            paths.path(endpoint.path, utoipa::openapi::PathItem::new(method, operation.build()));
    }
    let scheme = Http::new(HttpAuthScheme::Bearer);
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme(TOKEN, SecurityScheme::Http(scheme));
    let about = "An access token of this server for the resource ISSUER/api/v1, as Bearer (RFC 6750) or DPoP (RFC 9449).";
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Gatewright administration API")
                .description(Some(about))
                .version("1")
                .build(),
        )
        .paths(paths.build())
        .components(Some(components.build()))
        .security(Some([SecurityRequirement::new(TOKEN, Vec::<String>::new())]))
        .build()
}

/// The methods that endpoints have.
fn method(method: &Method) -> HttpMethod {
    match method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn text() -> Object {
    Object::with_type(Type::String)
}

fn operation(endpoint: &Endpoint, schemas: &mut Schemas) -> OperationBuilder {
    let subject = endpoint.path.split('/').nth(3).unwrap_or_default();
    let mut operation = OperationBuilder::new()
        .summary(Some(endpoint.summary))
        .operation_id(Some(operation_id(endpoint)))
        .tag(subject);
    if let Access::Action(action) = endpoint.access
        && let Some(permission) = action.permission()
    {
        let text =
            format!("Needs the scope `{}`, and a role that includes it.", permission.scope());
        operation = operation.description(Some(text));
    }
    for name in endpoint.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
        operation =
            operation.parameter(parameter.required(Required::True).schema(Some(text())).build());
    }
    for known in &endpoint.query {
        let parameter = ParameterBuilder::new().name(known.name).parameter_in(ParameterIn::Query);
        let parameter = parameter.description(Some(known.text)).schema(Some(text()));
        operation = operation.parameter(parameter.required(Required::False).build());
    }
    let header = |name: &str, about: &str, required| {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header);
        let parameter = parameter.description(Some(about)).schema(Some(text()));
        parameter.required(required).build()
    };
    if endpoint.is_versioned {
        let about = "The `ETag` of the object that was read.";
        operation = operation.parameter(header("If-Match", about, Required::True));
    }
    if endpoint.is_idempotent {
        let about = "A repeated request with the same key returns the same object.";
        operation = operation.parameter(header(IDEMPOTENCY_KEY, about, Required::False));
    }
    if let Some(body) = endpoint.body {
        let content = ContentBuilder::new().schema(Some((body.schema)(schemas))).build();
        let body = RequestBodyBuilder::new().content(body.media_type, content);
        operation = operation.request_body(Some(body.required(Some(Required::True)).build()));
    }
    responses(operation, endpoint, schemas)
}

fn responses(
    mut operation: OperationBuilder,
    endpoint: &Endpoint,
    schemas: &mut Schemas,
) -> OperationBuilder {
    let reason = |status: StatusCode| status.canonical_reason().unwrap_or_default();
    let mut success = ResponseBuilder::new().description(reason(endpoint.status));
    if let Some(answer) = endpoint.answer {
        let content = ContentBuilder::new().schema(Some(answer(schemas))).build();
        success = success.content("application/json", content);
    }
    if endpoint.is_versioned {
        let tag = HeaderBuilder::new().schema(Some(text())).description(Some("The new version."));
        success = success.header("ETag", tag.build());
    }
    operation = operation.response(endpoint.status.as_str(), success.build());
    for status in errors(endpoint) {
        let problem = Ref::from_schema_name(Body::name());
        let content = ContentBuilder::new().schema(Some(problem)).build();
        let response = ResponseBuilder::new().description(reason(status));
        operation =
            operation.response(status.as_str(), response.content(MEDIA_TYPE, content).build());
    }
    operation
}

/// The statuses of errors.
fn errors(endpoint: &Endpoint) -> Vec<StatusCode> {
    let mut statuses = vec![
        StatusCode::BAD_REQUEST,
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    if endpoint.path.contains('{') || endpoint.is_idempotent {
        statuses.push(StatusCode::NOT_FOUND);
    }
    if endpoint.method != Method::GET {
        statuses.push(StatusCode::CONFLICT);
        statuses.push(StatusCode::PRECONDITION_FAILED);
    }
    if endpoint.body.is_some() {
        statuses.push(StatusCode::REQUEST_TIMEOUT);
        statuses.push(StatusCode::PAYLOAD_TOO_LARGE);
        statuses.push(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    if endpoint.is_versioned {
        statuses.push(StatusCode::PRECONDITION_REQUIRED);
    }
    statuses.sort_unstable();
    statuses
}

/// `get_users_id_sessions`: what generated clients call their functions.
fn operation_id(endpoint: &Endpoint) -> String {
    let words = endpoint.path.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty()).skip(2);
    let method = endpoint.method.as_str().to_lowercase();
    [method.as_str()].into_iter().chain(words).collect::<Vec<_>>().join("_")
}
