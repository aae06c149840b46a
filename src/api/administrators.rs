//! Roles of administrators.

use axum::http::{Method, StatusCode};

use super::endpoint::Endpoint;
use super::list::{self, Page};
use super::request::ApiRequest;
use super::response::no_content;
use super::schema;
use crate::admin::Action;
use crate::admin::role::{self, Document};
use crate::render::{Problem, Response};
use crate::types::{Code, Holder, Role};

const ROLE: &str = "/api/v1/administrators/{kind}/{id}/roles/{role}";

/// The endpoints of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/api/v1/administrators", Action::ReadAdministrators, list)
            .summary("List every role of every administrator")
            .answers(StatusCode::OK, schema::of::<Page<Document>>),
        Endpoint::new(Method::PUT, ROLE, Action::GrantRole, grant)
            .summary("Give a role to a user or a client"),
        Endpoint::new(Method::DELETE, ROLE, Action::RevokeRole, revoke)
            .summary("Take a role away; the last owner stays"),
    ]
}

async fn list(request: ApiRequest) -> Result<Response, Problem> {
    let rows = role::list(&request.call()).await?;
    Ok(list::whole(rows.iter().map(Document::from).collect()))
}

fn named(request: &ApiRequest) -> Result<(Holder, Role), Problem> {
    let (kind, id) = (request.parameter("kind")?, request.parameter("id")?);
    let holder = Holder::parse(&kind, &id)
        .ok_or_else(|| Code::NotFound.because("roles are those of a user or a client"))?;
    let role = Role::parse(&request.parameter("role")?)
        .ok_or_else(|| Code::NotFound.because("there is no such role"))?;
    Ok((holder, role))
}

async fn grant(request: ApiRequest) -> Result<Response, Problem> {
    let (holder, role) = named(&request)?;
    role::grant(&request.call(), &holder, role).await?;
    Ok(no_content())
}

async fn revoke(request: ApiRequest) -> Result<Response, Problem> {
    let (holder, role) = named(&request)?;
    if role::revoke(&request.call(), &holder, role).await?.result {
        return Ok(no_content());
    }
    Err(Code::NotFound.because("the user or the client does not have this role").into())
}
