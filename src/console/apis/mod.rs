//! `/admin/apis`: the APIs, their scopes, and the tokens for them.
//!
//! An API is identified by a URI, which is in paths in base64url: proxies change an encoded slash.

mod form;
pub(super) mod view;
pub(super) mod words;

use self::form::{Form, MOST_ROWS};
use self::view::{Api, Apis, Line, NewApi, Notice};
use super::desk::{Desk, Problem, refused};
use super::error::ConsoleError;
use super::layout::Section;
use super::view::Confirm;
use crate::admin::Action;
use crate::admin::resource::{self, fingerprint};
use crate::jose::base64url;
use crate::render::Response;
use crate::render::layout::isolated;
use crate::types::{Code, Params, Resource, ResourceId};

/// Lists the APIs.
pub(super) async fn list(desk: Desk) -> Result<Response, ConsoleError> {
    let apis = resource::list(&desk.call()).await?;
    let page = Apis {
        navigation: desk.navigation(Section::Apis),
        apis: apis.iter().map(Line::of).collect(),
        may_create: desk.may(Action::CreateResource),
        is_deleted: desk.visit.head.query()?.one("done")? == Some("deleted"),
    };
    desk.page(&page).await
}

/// Shows the form of a new API.
pub(super) async fn show_new(desk: Desk) -> Result<Response, ConsoleError> {
    new(&desk, &Form::empty(), None).await
}

/// Registers an API.
pub(super) async fn create(desk: Desk, params: Params) -> Result<Response, ConsoleError> {
    let form = Form::read(&params)?;
    if params.one("more")?.is_some() {
        return new(&desk, &form, None).await;
    }
    let id = ResourceId::from_text(form.id.as_str());
    let done = async {
        let changes = form.changes()?;
        resource::create(&desk.call(), id, &changes).await
    };
    match refused(done.await)? {
        Ok(done) => desk.redirect(&format!("{}?done=created", path(&done.result.id))).await,
        Err(problem) => new(&desk, &form, Some(&problem)).await,
    }
}

async fn new(
    desk: &Desk,
    form: &Form,
    problem: Option<&Problem>,
) -> Result<Response, ConsoleError> {
    let page = NewApi {
        navigation: desk.navigation(Section::Apis),
        csrf: &desk.csrf().await?,
        form,
        problem,
    };
    desk.page(&page).await
}

/// Shows an API.
pub(super) async fn show(desk: Desk) -> Result<Response, ConsoleError> {
    let api = api_of(&desk).await?;
    detail(&desk, &api, &Form::of(&api), &fingerprint(&api), None).await
}

/// Changes an API.
pub(super) async fn save(desk: Desk, params: Params) -> Result<Response, ConsoleError> {
    let api = api_of(&desk).await?;
    let mut form = Form::read(&params)?;
    if api.scopes.len() > MOST_ROWS {
        form.rows = Form::of(&api).rows;
    }
    let seen = params.one("seen")?.unwrap_or_default();
    if params.one("more")?.is_some() {
        return detail(&desk, &api, &form, seen, None).await;
    }
    let done = async {
        let changes = form.changes()?;
        resource::redeclare(&desk.call(), &api.id, seen, &changes).await
    };
    match refused(done.await)? {
        Ok(_) => desk.redirect(&format!("{}?done=saved", path(&api.id))).await,
        Err(problem) => detail(&desk, &api, &form, seen, Some(&problem)).await,
    }
}

async fn detail(
    desk: &Desk,
    api: &Resource,
    form: &Form,
    seen: &str,
    problem: Option<&Problem>,
) -> Result<Response, ConsoleError> {
    let page = Api {
        navigation: desk.navigation(Section::Apis),
        csrf: &desk.csrf().await?,
        api,
        form,
        seen,
        path: &path(&api.id),
        may_update: desk.may(Action::UpdateResource),
        may_delete: desk.may(Action::DeleteResource),
        is_stale: seen != fingerprint(api),
        notice: desk.visit.head.query()?.one("done")?.and_then(Notice::parse),
        problem,
    };
    desk.page(&page).await
}

/// Asks before an API is deleted.
pub(super) async fn ask_to_delete(desk: Desk) -> Result<Response, ConsoleError> {
    let api = api_of(&desk).await?;
    deletion(&desk, &api, None).await
}

/// Deletes an API.
pub(super) async fn delete(desk: Desk, _: Params) -> Result<Response, ConsoleError> {
    let api = api_of(&desk).await?;
    match refused(resource::delete(&desk.call(), &api.id).await)? {
        Ok(_) => desk.redirect("/admin/apis?done=deleted").await,
        Err(problem) => deletion(&desk, &api, Some(&problem)).await,
    }
}

async fn deletion(
    desk: &Desk,
    api: &Resource,
    problem: Option<&Problem>,
) -> Result<Response, ConsoleError> {
    let words = words::WORDS.in_language(desk.layout().words.language);
    let page = Confirm {
        navigation: desk.navigation(Section::Apis),
        csrf: &desk.csrf().await?,
        title: &(words.delete_title)(&isolated(&api.name)),
        consequences: &words.delete_consequences.map(str::to_owned),
        submit: words.delete_for_good,
        is_danger: true,
        back: &path(&api.id),
        problem,
    };
    desk.page(&page).await
}

/// The path of an API.
fn path(id: &ResourceId) -> String {
    format!("/admin/apis/{}", base64url::encode(id.as_str()))
}

/// The API of the path.
async fn api_of(desk: &Desk) -> Result<Resource, ConsoleError> {
    let id = base64url::decode(desk.visit.head.parameter("api"));
    let id = id.and_then(|id| String::from_utf8(id).ok());
    let id = id.ok_or_else(|| Code::NotFound.because("there is no such API"))?;
    Ok(resource::read(&desk.call(), &ResourceId::from_text(id)).await?)
}
