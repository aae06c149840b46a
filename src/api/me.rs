//! Who calls, and what they may do.

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::endpoint::Endpoint;
use super::request::ApiRequest;
use super::schema;
use crate::admin::Authority;
use crate::render::{Problem, Response, json};
use crate::types::{Actor, Role};

/// The endpoints of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::of_administrators("/api/v1/me", me)
            .summary("Show who calls, with their roles and what this access token may do")
            .answers(StatusCode::OK, schema::of::<Me>),
    ]
}

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
struct Me {
    /// `user` or `client`.
    kind: &'static str,
    /// The identifier of the user or the client.
    id: String,
    /// The roles.
    roles: Vec<&'static str>,
    /// The permissions that both the roles and the scope of the token include.
    permissions: Vec<String>,
}

async fn me(request: ApiRequest) -> Result<Response, Problem> {
    let call = request.call();
    let authority: &Authority = call.authority();
    let (kind, id) = match authority.actor() {
        Actor::Operator => ("operator", String::new()),
        Actor::Holder(holder) => (holder.kind(), holder.id().to_owned()),
    };
    Ok(json::ok(&Me {
        kind,
        id,
        roles: authority.roles().iter().copied().map(Role::as_str).collect(),
        permissions: authority.permissions().into_iter().map(|one| one.scope()).collect(),
    }))
}
