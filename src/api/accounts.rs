//! What belongs to a user: recoveries, sessions, and the applications with access to the account.

use axum::http::{Method, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::endpoint::Endpoint;
use super::list::{self, Page};
use super::request::ApiRequest;
use super::response::no_content;
use super::schema;
use crate::admin::session::{self, ApplicationDocument, Document};
use crate::admin::{Action, user};
use crate::render::{Problem, Response, json};
use crate::types::{ClientId, Code, SessionId, UserId};

const SESSIONS: &str = "/api/v1/users/{id}/sessions";
const APPLICATIONS: &str = "/api/v1/users/{id}/applications";

/// The endpoints of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, "/api/v1/users/{id}/recovery", Action::StartRecovery, recovery)
            .summary("Create a link by which a user sets a new password; it is shown once")
            .answers(StatusCode::CREATED, schema::of::<Recovery>),
        Endpoint::new(Method::GET, SESSIONS, Action::ReadSessions, sessions)
            .summary("List the valid sessions of a user, the most recently used first")
            .answers(StatusCode::OK, schema::of::<Page<Document>>),
        Endpoint::new(Method::DELETE, SESSIONS, Action::EndSessions, end_sessions)
            .summary("End all sessions of a user"),
        Endpoint::new(
            Method::DELETE,
            "/api/v1/users/{id}/sessions/{session}",
            Action::EndSessions,
            end_session,
        )
        .summary("End a session of a user"),
        Endpoint::new(Method::GET, APPLICATIONS, Action::ReadSessions, applications)
            .summary("List the applications with access to a user's account")
            .answers(StatusCode::OK, schema::of::<Page<ApplicationDocument>>),
        Endpoint::new(
            Method::DELETE,
            "/api/v1/users/{id}/applications/{client}",
            Action::RevokeAccess,
            revoke_access,
        )
        .summary("Withdraw the access of an application to a user's account"),
    ]
}

/// A link by which a user sets a new password.
#[derive(Serialize, ToSchema)]
struct Recovery {
    /// The link, valid once; it makes earlier ones invalid.
    link: String,
    /// The end of its validity, in Unix seconds.
    expires_at: i64,
}

fn user_id(request: &ApiRequest) -> Result<UserId, Problem> {
    Ok(UserId::from_text(request.parameter("id")?))
}

async fn recovery(request: ApiRequest) -> Result<Response, Problem> {
    let link = user::start_recovery(&request.call(), &user_id(&request)?).await?.result;
    let page = request.head().app().config.issuer.endpoint("/recovery");
    let mut response = json::ok(&Recovery {
        link: format!("{page}?link={}", link.secret.0.expose()),
        expires_at: link.expires_at.0,
    });
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

async fn sessions(request: ApiRequest) -> Result<Response, Problem> {
    let sessions = session::list(&request.call(), &user_id(&request)?).await?;
    Ok(list::whole(sessions.iter().map(Document::from).collect()))
}

async fn end_sessions(request: ApiRequest) -> Result<Response, Problem> {
    session::end_all(&request.call(), &user_id(&request)?).await?;
    Ok(no_content())
}

async fn end_session(request: ApiRequest) -> Result<Response, Problem> {
    let id = SessionId::from_text(request.parameter("session")?);
    if session::end(&request.call(), &user_id(&request)?, &id).await?.result {
        return Ok(no_content());
    }
    Err(Code::NotFound.because("the user has no such session").into())
}

async fn applications(request: ApiRequest) -> Result<Response, Problem> {
    let found = session::applications(&request.call(), &user_id(&request)?).await?;
    Ok(list::whole(found.iter().map(ApplicationDocument::from).collect()))
}

async fn revoke_access(request: ApiRequest) -> Result<Response, Problem> {
    let client = ClientId::from_text(request.parameter("client")?);
    if session::revoke_access(&request.call(), &user_id(&request)?, &client).await?.result {
        return Ok(no_content());
    }
    Err(Code::NotFound.because("the application has no access to this account").into())
}
