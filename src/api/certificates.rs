//! The certificate inventory.

use axum::http::{Method, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::endpoint::Endpoint;
use super::input;
use super::list::{CURSOR, LIMIT, Page};
use super::request::{ApiRequest, JSON};
use super::schema;
use crate::admin::Action;
use crate::admin::cert::{self, Document, Item, Position, Query, States};
use crate::pki::Reason;
use crate::pki::inventory::{Entry, State};
use crate::render::problem::Invalid;
use crate::render::{Problem, Response, json};
use crate::types::{ClientId, Code, Seconds, Thumbprint, Timestamp};

/// The endpoints of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/api/v1/certificates", Action::ReadCertificates, list)
            .summary("List certificates by expiry; expired ones only with `state`")
            .query("client_id", "Those of this client.")
            .query("state", "`pending`, `valid`, `expiring`, `expired`, `revoked` or `all`.")
            .query("expires_in", "Those that expire within this many seconds.")
            .query(LIMIT.0, LIMIT.1)
            .query(CURSOR.0, CURSOR.1)
            .answers(StatusCode::OK, schema::of::<Page<Document>>),
        Endpoint::new(
            Method::GET,
            "/api/v1/certificates/{thumbprint}",
            Action::ReadCertificates,
            read,
        )
        .summary("Show a certificate")
        .answers(StatusCode::OK, schema::of::<Document>),
        Endpoint::new(
            Method::POST,
            "/api/v1/certificates/{thumbprint}/revoke",
            Action::RevokeCertificate,
            revoke,
        )
        .summary("Revoke a certificate, and the tokens that are bound to it")
        .body(JSON, schema::of::<Revocation>)
        .answers(StatusCode::OK, schema::of::<Document>),
    ]
}

/// The revocation of a certificate.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = CertificateRevocation)]
struct Revocation {
    /// The reason (RFC 5280 §5.3.1): `unspecified` if absent. `keyCompromise` revokes every certificate of the key.
    reason: Option<String>,
}

fn invalid(name: &str, detail: &'static str) -> Problem {
    Problem::Invalid(vec![Invalid { pointer: name.to_owned(), detail }])
}

fn query(request: &ApiRequest) -> Result<Query, Problem> {
    let states = match request.query("state")?.as_deref() {
        None => States::Usual,
        Some("all") => States::All,
        Some(text) => {
            let state = State::parse(text);
            States::Only(state.ok_or_else(|| invalid("?state", "this is not a state"))?)
        }
    };
    let expiring = match request.query("expires_in")? {
        None => None,
        Some(text) => {
            let seconds = text.parse().ok().filter(|seconds| (0..=1 << 40).contains(seconds));
            let wrong = || invalid("?expires_in", "this is not a number of seconds");
            Some(Seconds(seconds.ok_or_else(wrong)?))
        }
    };
    let client = request.query("client_id")?.map(ClientId::from_text);
    Ok(Query { expiring, client, states })
}

/// The position in a cursor.
fn position(text: &str) -> Option<Position> {
    let (not_after, thumbprint) = text.split_once(' ')?;
    let not_after = Timestamp(not_after.parse().ok()?);
    Some(Position { not_after, thumbprint: Thumbprint::parse(thumbprint)? })
}

async fn list(request: ApiRequest) -> Result<Response, Problem> {
    let call = request.call();
    let after = request.after().await?;
    let after = after.as_deref().and_then(position);
    let mut cursor = cert::query_after(&call, query(&request)?, after).await?;
    let page = cert::page(&call, &mut cursor, request.limit()?).await?;
    let certificates = page.items.iter().filter_map(|item| match item {
        Item::Certificate(entry) => Some(Document::from(&**entry)),
        // They are in a listing of their own.
        Item::Key(_) => None,
    });
    let next = cursor.position().filter(|_| !page.is_last);
    let next = next.map(|last| format!("{} {}", last.not_after.0, last.thumbprint));
    Ok(request.page(certificates.collect(), next.as_deref()))
}

async fn find(request: &ApiRequest) -> Result<Entry, Problem> {
    let text = request.parameter("thumbprint")?;
    let thumbprint = Thumbprint::parse(&text)
        .ok_or_else(|| Code::NotFound.because("there is no such certificate"))?;
    Ok(cert::find(&request.call(), &thumbprint.to_string()).await?)
}

async fn read(request: ApiRequest) -> Result<Response, Problem> {
    Ok(json::ok(&Document::from(&find(&request).await?)))
}

async fn revoke(request: ApiRequest) -> Result<Response, Problem> {
    let revocation: Revocation = input::read(request.body().clone(), &[])?;
    let reason = match &revocation.reason {
        None => Reason::default(),
        Some(text) => {
            let wrong = || invalid("/reason", "this is not a reason of RFC 5280 section 5.3.1");
            Reason::parse(text).ok_or_else(wrong)?
        }
    };
    let entry = find(&request).await?;
    cert::revoke(&request.call(), &entry.certificate, reason).await?;
    Ok(json::ok(&Document::from(&find(&request).await?)))
}
