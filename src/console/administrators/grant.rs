//! `/admin/administrators/grant`: gives a role to a user or a client.

use axum::http::StatusCode;

use super::view::Grant;
use super::words::WORDS;
use crate::admin::{self, role};
use crate::console::desk::{Desk, Problem, refused};
use crate::console::error::ConsoleError;
use crate::console::layout::Section;
use crate::render::Response;
use crate::types::{Params, Role};

/// Shows the form; `who` in the query is filled in.
pub(in crate::console) async fn ask(desk: Desk) -> Result<Response, ConsoleError> {
    let query = desk.visit.head.query()?;
    form(&desk, query.one("who")?.unwrap_or_default(), Role::Auditor, None).await
}

async fn form(
    desk: &Desk,
    who: &str,
    role: Role,
    problem: Option<&Problem>,
) -> Result<Response, ConsoleError> {
    let page = Grant {
        navigation: desk.navigation(Section::Administrators),
        csrf: &desk.csrf().await?,
        who,
        role,
        problem,
    };
    let mut response = desk.page(&page).await?;
    if problem.is_some() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// Gives the role.
pub(in crate::console) async fn give(desk: Desk, params: Params) -> Result<Response, ConsoleError> {
    params.must_be_unique()?;
    let who = params.one("who")?.unwrap_or_default().trim();
    let role = Role::parse(params.need("role", "role is missing")?);
    let role =
        role.ok_or_else(|| crate::types::Code::InvalidRequest.because("there is no such role"))?;
    let done = async {
        let holder = role::holder(&desk.call(), who).await?;
        role::grant(&desk.call(), &holder, role).await
    };
    match done.await {
        Err(admin::Error::NotFound(..)) => {
            let words = WORDS.in_language(desk.layout().words.language);
            let problem = Problem::because((words.unknown)(who));
            form(&desk, who, role, Some(&problem)).await
        }
        done => match refused(done)? {
            Ok(_) => desk.redirect("/admin/administrators?done=granted").await,
            Err(problem) => form(&desk, who, role, Some(&problem)).await,
        },
    }
}
