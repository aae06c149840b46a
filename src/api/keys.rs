//! Signing keys.

use axum::http::{Method, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::endpoint::Endpoint;
use super::input;
use super::list::{self, Page};
use super::request::{ApiRequest, JSON};
use super::response::no_content;
use super::schema;
use crate::admin::Action;
use crate::admin::key::{self, Document};
use crate::render::problem::Invalid;
use crate::render::{Problem, Response};
use crate::types::Algorithm;

/// The endpoints of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/api/v1/keys", Action::ReadKeys, list)
            .summary("List the signing keys")
            .answers(StatusCode::OK, schema::of::<Page<Document>>),
        Endpoint::new(Method::POST, "/api/v1/keys/rotate", Action::RotateKey, rotate)
            .summary("Activate the pending key of an algorithm")
            .body(JSON, schema::of::<Rotation>),
        Endpoint::new(Method::POST, "/api/v1/keys/{kid}/retire", Action::RetireKey, retire)
            .summary("Retire a signing key")
            .body(JSON, schema::of::<Retirement>),
    ]
}

/// The rotation of a key.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = KeyRotation)]
struct Rotation {
    /// The algorithm (RFC 7518 §3.1).
    #[schema(required)]
    alg: String,
    /// Also if the pending key was published so recently that verifiers may not have it yet.
    force: bool,
}

/// The retirement of a key.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = KeyRetirement)]
struct Retirement {
    /// Whether the key is compromised: all tokens that it signed become invalid.
    compromised: bool,
}

async fn list(request: ApiRequest) -> Result<Response, Problem> {
    let keys = key::list(&request.call()).await?;
    Ok(list::whole(keys.iter().map(Document::from).collect()))
}

async fn rotate(request: ApiRequest) -> Result<Response, Problem> {
    let rotation: Rotation = input::read(request.body().clone(), &[])?;
    let Some(alg) = Algorithm::parse(&rotation.alg) else {
        let detail = "this is not an algorithm of this server";
        return Err(Problem::Invalid(vec![Invalid { pointer: "/alg".to_owned(), detail }]));
    };
    key::rotate(&request.call(), alg, rotation.force).await?;
    Ok(no_content())
}

async fn retire(request: ApiRequest) -> Result<Response, Problem> {
    let retirement: Retirement = input::read(request.body().clone(), &[])?;
    let kid = request.parameter("kid")?;
    key::retire(&request.call(), &kid, retirement.compromised).await?;
    Ok(no_content())
}
