//! The audit trail.

use axum::http::{Method, StatusCode};

use super::endpoint::Endpoint;
use super::list::{CURSOR, LIMIT, Page};
use super::request::ApiRequest;
use super::schema;
use crate::admin::Action;
use crate::admin::audit::{self, Document, Query};
use crate::render::problem::Invalid;
use crate::render::{Problem, Response};
use crate::types::Timestamp;

/// The endpoints of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/api/v1/audit-events", Action::ReadAudit, list)
            .summary("List audit events, the newest first")
            .query("kind", "Events of this kind.")
            .query("client_id", "Events about this client, also a deleted one.")
            .query("user_id", "Events about this user, also a deleted one.")
            .query("request_id", "Events of this request.")
            .query("since", "Events since this time, in Unix seconds.")
            .query(LIMIT.0, LIMIT.1)
            .query(CURSOR.0, CURSOR.1)
            .answers(StatusCode::OK, schema::of::<Page<Document>>),
    ]
}

async fn list(request: ApiRequest) -> Result<Response, Problem> {
    let call = request.call();
    let since = match request.query("since")? {
        None => None,
        Some(text) => Some(Timestamp(text.parse().map_err(|_| {
            let detail = "this is not a time in Unix seconds";
            Problem::Invalid(vec![Invalid { pointer: "?since".to_owned(), detail }])
        })?)),
    };
    let query = Query {
        kind: request.query("kind")?,
        client: request.query("client_id")?,
        user: request.query("user_id")?,
        request: request.query("request_id")?,
        since,
        before: request.after().await?,
    };
    let mut cursor = audit::query_by_id(&call, query)?;
    let page = audit::page(&call, &mut cursor, request.limit()?).await?;
    let next = page.items.last().filter(|_| !page.is_last).map(|event| event.id.as_str());
    let events: Vec<_> = page.items.iter().map(Document::from).collect();
    Ok(request.page(events, next))
}
