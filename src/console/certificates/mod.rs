//! `/admin/certificates`: the certificate inventory.

pub(super) mod view;
pub(super) mod words;

use self::view::{CertificateLine, Certificates, Shown};
use super::desk::{Desk, Problem, refused};
use super::error::ConsoleError;
use super::layout::Section;
use super::view::Confirm;
use crate::admin::Action;
use crate::admin::cert::{self, Found, Item, Position, Query, States};
use crate::pki::Reason;
use crate::pki::inventory::{Entry, State};
use crate::render::Response;
use crate::types::{Code, Params, Seconds, Thumbprint, Timestamp};

/// The number of rows of a page.
const ROWS: i64 = 50;

/// Certificates that expire within this time are *expiring* in the filter.
const SOON: Seconds = Seconds::days(30);

/// Shows certificates by expiry.
pub(super) async fn list(desk: Desk) -> Result<Response, ConsoleError> {
    let params = desk.visit.head.query()?;
    let chosen = params.one("state")?.unwrap_or_default();
    let query = match (chosen, State::parse(chosen)) {
        ("soon", _) => Query { expiring: Some(SOON), ..Query::default() },
        ("all", _) => Query { states: States::All, ..Query::default() },
        (_, Some(state)) => Query { states: States::Only(state), ..Query::default() },
        (_, None) => Query::default(),
    };
    let after = params.one("after")?;
    let mut cursor = cert::query_after(&desk.call(), query, after.and_then(position)).await?;
    let page = cert::page(&desk.call(), &mut cursor, ROWS).await?;
    let next = (!page.is_last).then(|| cursor.position()).flatten();
    let page = Certificates {
        navigation: desk.navigation(Section::Certificates),
        chosen,
        certificates: page
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Certificate(entry) => Some(CertificateLine::of(entry)),
                // They have a page of their own.
                Item::Key(_) => None,
            })
            .collect(),
        next: next.map(|at| format!("{}.{}", at.not_after.0, at.thumbprint)),
        is_first: after.is_none(),
    };
    desk.page(&page).await
}

/// The position in the parameter `after`.
fn position(text: &str) -> Option<Position> {
    let (not_after, thumbprint) = text.split_once('.')?;
    Some(Position {
        not_after: Timestamp(not_after.parse().ok()?),
        thumbprint: Thumbprint::parse(thumbprint)?,
    })
}

async fn find(desk: &Desk) -> Result<Box<Entry>, ConsoleError> {
    match cert::show(&desk.call(), desk.visit.head.parameter("certificate")).await? {
        Found::Certificate(entry, _) => Ok(entry),
        Found::Key(_) => Err(Code::NotFound.because("there is no such certificate").into()),
    }
}

/// Shows a certificate.
pub(super) async fn show(desk: Desk) -> Result<Response, ConsoleError> {
    let entry = find(&desk).await?;
    let page = Shown {
        navigation: desk.navigation(Section::Certificates),
        line: CertificateLine::of(&entry),
        entry: &entry,
        may_revoke: entry.certificate.revoked_at.is_none() && desk.may(Action::RevokeCertificate),
        is_revoked_now: desk.visit.head.query()?.one("done")? == Some("revoked"),
    };
    desk.page(&page).await
}

/// Says what a revocation will break.
pub(super) async fn ask_to_revoke(desk: Desk) -> Result<Response, ConsoleError> {
    let entry = find(&desk).await?;
    revocation(&desk, &entry, None).await
}

async fn revocation(
    desk: &Desk,
    entry: &Entry,
    problem: Option<&Problem>,
) -> Result<Response, ConsoleError> {
    let words = words::WORDS.in_language(desk.layout().words.language);
    let clients = entry.holders.len();
    let consequences = [
        (words.revoke_clients)(clients),
        (words.revoke_tokens)(entry.tokens.total()),
        words.revoke_permanent.to_owned(),
    ];
    let page = Confirm {
        navigation: desk.navigation(Section::Certificates),
        csrf: &desk.csrf().await?,
        title: &(words.revoke_title)(&entry.certificate.subject),
        consequences: &consequences,
        submit: words.revoke,
        is_danger: true,
        back: &format!("/admin/certificates/{}", entry.certificate.thumbprint),
        problem,
    };
    desk.page(&page).await
}

/// Revokes a certificate.
pub(super) async fn revoke(desk: Desk, _: Params) -> Result<Response, ConsoleError> {
    let entry = find(&desk).await?;
    let done = cert::revoke(&desk.call(), &entry.certificate, Reason::default()).await;
    match refused(done)? {
        Ok(_) => {
            let thumbprint = entry.certificate.thumbprint;
            desk.redirect(&format!("/admin/certificates/{thumbprint}?done=revoked")).await
        }
        Err(problem) => revocation(&desk, &entry, Some(&problem)).await,
    }
}
