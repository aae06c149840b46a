//! `/admin/administrators/revoke`: takes a role away from a user or a client.

use axum::http::StatusCode;

use super::holder_name;
use super::words::WORDS;
use crate::admin::role;
use crate::console::desk::{Desk, Problem, refused};
use crate::console::error::ConsoleError;
use crate::console::layout::Section;
use crate::console::view::Confirm;
use crate::render::Response;
use crate::render::layout::isolated;
use crate::types::{Code, Holder, Params, Role};

/// Asks before.
pub(in crate::console) async fn ask(desk: Desk) -> Result<Response, ConsoleError> {
    let (holder, role) = named(&desk)?;
    confirm(&desk, &holder, role, None).await
}

/// The user or the client, and the role, in the query.
fn named(desk: &Desk) -> Result<(Holder, Role), ConsoleError> {
    let query = desk.visit.head.query()?;
    let text = |name| query.one(name).map(Option::unwrap_or_default);
    let holder = Holder::parse(text("kind")?, text("id")?);
    let named = holder.zip(Role::parse(text("role")?));
    Ok(named.ok_or_else(|| Code::NotFound.because("there is no such role"))?)
}

async fn confirm(
    desk: &Desk,
    holder: &Holder,
    role: Role,
    problem: Option<&Problem>,
) -> Result<Response, ConsoleError> {
    let words = WORDS.in_language(desk.layout().words.language);
    let name = holder_name(desk, holder).await?;
    let page = Confirm {
        navigation: desk.navigation(Section::Administrators),
        csrf: &desk.csrf().await?,
        title: &(words.revoke_title)(words.of_role(role).name, &isolated(&name)),
        consequences: &words.revoke_lines.map(str::to_owned),
        submit: words.revoke_submit,
        is_danger: true,
        back: "/admin/administrators",
        problem,
    };
    let mut response = desk.page(&page).await?;
    if problem.is_some() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// Takes the role away.
pub(in crate::console) async fn take(desk: Desk, _: Params) -> Result<Response, ConsoleError> {
    let (holder, role) = named(&desk)?;
    match refused(role::revoke(&desk.call(), &holder, role).await)? {
        // The result is the same if it was taken away before, so that a repeated form succeeds. One's own last role is
        // gone with the next request.
        Ok(_) => desk.redirect("/admin/administrators?done=revoked").await,
        Err(problem) => confirm(&desk, &holder, role, Some(&problem)).await,
    }
}
