//! Clients, with the metadata of RFC 7591 and OIDC Dynamic Client Registration.

mod metadata;

use axum::http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use self::metadata::{ClientDocument, ClientMetadata, is_known};
use super::endpoint::Endpoint;
use super::idempotency::replayed;
use super::input;
use super::list::{CURSOR, LIMIT, Page};
use super::members::{Kind, merge};
use super::request::{ApiRequest, JSON, MERGE_PATCH};
use super::response::{created, no_content};
use super::schema;
use super::version::{self, Version};
use crate::admin::client::{self, Description, READ_ONLY, Registered};
use crate::admin::idempotency::Begun;
use crate::admin::{Action, Done};
use crate::render::problem::Invalid;
use crate::render::{Problem, Response};
use crate::types::client::Metadata;
use crate::types::{Client, ClientId, Error, Seconds};

const CLIENTS: &str = "/api/v1/clients";
const CLIENT: &str = "/api/v1/clients/{id}";

/// The documents of clients.
const KIND: Kind = Kind { is_known, read_only: &SET_BY_SERVER, required: &[] };

/// Members that only the server sets.
const SET_BY_SERVER: [&str; 5] = {
    let [issued, expires, disabled, secrets] = READ_ONLY;
    ["client_id", issued, expires, disabled, secrets]
};

/// The endpoints of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, CLIENTS, Action::ReadClients, list)
            .summary("List clients, the oldest first")
            .query(LIMIT.0, LIMIT.1)
            .query(CURSOR.0, CURSOR.1)
            .answers(StatusCode::OK, schema::of::<Page<ClientDocument>>),
        Endpoint::new(Method::POST, CLIENTS, Action::CreateClient, create)
            .summary("Register a client (RFC 7591 §2); the secret is shown once")
            .body(JSON, schema::of::<ClientMetadata>)
            .idempotent()
            .answers(StatusCode::CREATED, schema::of::<ClientDocument>),
        Endpoint::new(Method::GET, CLIENT, Action::ReadClients, read)
            .summary("Show a client")
            .answers(StatusCode::OK, schema::of::<ClientDocument>),
        Endpoint::new(Method::PUT, CLIENT, Action::UpdateClient, replace)
            .summary("Replace the metadata of a client")
            .body(JSON, schema::of::<ClientMetadata>)
            .versioned()
            .answers(StatusCode::OK, schema::of::<ClientDocument>),
        Endpoint::new(Method::PATCH, CLIENT, Action::UpdateClient, update)
            .summary("Change the metadata of a client (RFC 7396)")
            .body(MERGE_PATCH, schema::of::<ClientMetadata>)
            .versioned()
            .answers(StatusCode::OK, schema::of::<ClientDocument>),
        Endpoint::new(Method::DELETE, CLIENT, Action::DeleteClient, delete)
            .summary("Delete a client with its consents, grants and tokens"),
        Endpoint::new(Method::POST, "/api/v1/clients/{id}/disable", Action::DisableClient, disable)
            .summary("Disable a client: its tokens become invalid")
            .answers(StatusCode::OK, schema::of::<ClientDocument>),
        Endpoint::new(Method::POST, "/api/v1/clients/{id}/enable", Action::EnableClient, enable)
            .summary("Enable a disabled client")
            .answers(StatusCode::OK, schema::of::<ClientDocument>),
        Endpoint::new(
            Method::POST,
            "/api/v1/clients/{id}/secrets",
            Action::RotateClientSecret,
            rotate_secret,
        )
        .summary("Issue a new client secret; it is shown once")
        .body(JSON, schema::of::<Overlap>)
        .answers(StatusCode::CREATED, schema::of::<ClientDocument>),
    ]
}

/// A new client secret.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = NewClientSecret)]
struct Overlap {
    /// For how many seconds the current secret stays valid, at most 90 days. 0, the default, ends it at once.
    overlap: i64,
}

fn id(request: &ApiRequest) -> Result<ClientId, Problem> {
    Ok(ClientId::from_text(request.parameter("id")?))
}

/// The document of a client, without its secrets.
fn document(request: &ApiRequest, client: &Client) -> Map<String, Value> {
    match client::document(client, request.call().now()) {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

/// The version of a client: of its representation and its number, because a secret that was replaced by another one
/// looks the same.
fn version_of(request: &ApiRequest, client: &Client) -> Version {
    Version::of(&(client.version, document(request, client)))
}

fn shown(request: &ApiRequest, status: StatusCode, client: &Client) -> Response {
    let version = version_of(request, client);
    version::versioned(status, &version, &document(request, client))
}

/// A client with its new secret, if there is one.
fn registered(request: &ApiRequest, status: StatusCode, done: &Registered) -> Response {
    let version = version_of(request, &done.client);
    let document = client::registered_document(done, request.call().now());
    version::versioned(status, &version, &document)
}

/// Names the member that a refusal is about: the first one that its text mentions.
fn with_pointer<T>(done: crate::admin::Result<T>) -> Result<T, Problem> {
    done.map_err(|error| match Problem::from(error) {
        Problem::Error(Error::Refused(refusal)) if refusal.code.status() == 400 => {
            let mut words = refusal.why.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            match words.find(|word| word.contains('_') && is_known(word)) {
                Some(name) => {
                    let invalid = Invalid { pointer: format!("/{name}"), detail: refusal.why };
                    Problem::About(refusal, invalid)
                }
                None => refusal.into(),
            }
        }
        other @ (Problem::Missing
        | Problem::Error(_)
        | Problem::Invalid(_)
        | Problem::About(..)) => other,
    })
}

async fn list(request: ApiRequest) -> Result<Response, Problem> {
    let after = request.after().await?.map(ClientId::from_text);
    let page = client::page(&request.call(), after.as_ref(), request.limit()?).await?;
    let next = page.items.last().filter(|_| !page.is_last).map(|client| client.id.as_str());
    let clients: Vec<_> = page.items.iter().map(|one| document(&request, one)).collect();
    Ok(request.page(clients, next))
}

async fn read(request: ApiRequest) -> Result<Response, Problem> {
    let client = client::read(&request.call(), &id(&request)?).await?;
    Ok(shown(&request, StatusCode::OK, &client))
}

async fn create(request: ApiRequest) -> Result<Response, Problem> {
    KIND.check::<Metadata>(request.body(), None)?;
    let call = request.call();
    let description =
        Description { document: Some(request.body().clone()), ..Description::default() };
    match request.begin(Action::CreateClient).await? {
        Begun::First(reservation) => {
            let done = client::create(&call, &description).await;
            let id = |done: &Done<Registered>| done.result.client.id.to_string();
            let done = with_pointer(reservation.settle(done, id).await)?.result;
            let response = registered(&request, StatusCode::CREATED, &done);
            Ok(created(&request, done.client.id.as_str(), response))
        }
        Begun::Repeated(id) => {
            let client = client::created(&call, &ClientId::from_text(&*id)).await?;
            let mut members = document(&request, &client);
            if !client.secrets.is_empty() {
                let note =
                    "the secret was shown once: POST to secrets below this client issues a new one";
                members.insert("gw_note".to_owned(), json!(note));
            }
            let version = version_of(&request, &client);
            let response = version::versioned(StatusCode::CREATED, &version, &members);
            Ok(replayed(created(&request, &id, response)))
        }
    }
}

async fn replace(request: ApiRequest) -> Result<Response, Problem> {
    let call = request.call();
    let before = client::read(&call, &id(&request)?).await?;
    version_of(&request, &before).must_match(request.head())?;
    KIND.check::<Metadata>(request.body(), Some(&document(&request, &before)))?;
    change(&request, &before, request.body().clone()).await
}

async fn update(request: ApiRequest) -> Result<Response, Problem> {
    let call = request.call();
    let before = client::read(&call, &id(&request)?).await?;
    version_of(&request, &before).must_match(request.head())?;
    let mut patch = request.body().clone();
    // Removing a member restores its default; its type does not matter.
    patch.retain(|name, value| !(value.is_null() && is_known(name)));
    KIND.check::<Metadata>(&patch, None)?;
    let mut members = document(&request, &before);
    merge(&mut members, request.body());
    change(&request, &before, members).await
}

async fn change(
    request: &ApiRequest,
    before: &Client,
    document: Map<String, Value>,
) -> Result<Response, Problem> {
    let description = Description { document: Some(document), ..Description::default() };
    let done = client::update(&request.call(), before, &description).await;
    let done = with_pointer(done)?.result;
    Ok(registered(request, StatusCode::OK, &done))
}

async fn delete(request: ApiRequest) -> Result<Response, Problem> {
    client::delete(&request.call(), &id(&request)?).await?;
    Ok(no_content())
}

async fn disable(request: ApiRequest) -> Result<Response, Problem> {
    let client = client::disable(&request.call(), &id(&request)?).await?.result;
    Ok(shown(&request, StatusCode::OK, &client))
}

async fn enable(request: ApiRequest) -> Result<Response, Problem> {
    let client = client::enable(&request.call(), &id(&request)?).await?.result;
    Ok(shown(&request, StatusCode::OK, &client))
}

async fn rotate_secret(request: ApiRequest) -> Result<Response, Problem> {
    let overlap: Overlap = input::read(request.body().clone(), &[])?;
    let call = request.call();
    let client = client::read(&call, &id(&request)?).await?;
    let done = client::rotate_secret(&call, &client, Seconds(overlap.overlap)).await?.result;
    Ok(registered(&request, StatusCode::CREATED, &done))
}
