//! Users.

use axum::http::{Method, StatusCode};

use super::endpoint::Endpoint;
use super::request::ApiRequest;
use super::schema;
use crate::admin::{Action, user};
use crate::render::{Problem, Response, json};
use crate::types::UserId;

/// The endpoints of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/api/v1/users/{id}", Action::ReadUsers, read)
            .summary("Show a user")
            .answers(StatusCode::OK, schema::of::<user::Document>),
    ]
}

async fn read(request: ApiRequest) -> Result<Response, Problem> {
    let id = UserId::from_text(request.parameter("id")?);
    let user = user::read(&request.call(), &id).await?;
    Ok(json::ok(&user::Document::from(&user)))
}
