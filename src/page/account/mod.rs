//! `/account`: the user's details, password, sessions, applications with access, and recent events.

mod details;
mod password;
pub mod view;
pub mod words;

pub(super) use password::post as password;

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::StatusCode;

use self::view::{Account, ActivityLine, Application, Notice, PasswordForm, SessionLine};
use super::view::{Client, Person};
use crate::flow::grants::applications;
use crate::people::{activity, security, session};
use crate::render::page::{Csp, Page};
use crate::render::user_agent::Device;
use crate::render::visit::{Visit, link, name_of};
use crate::render::words::Words;
use crate::render::{Request, Response};
use crate::store::cache::Resources;
use crate::store::consents::Authorised;
use crate::store::sessions::SignedIn;
use crate::types::{
    Client as Registered, ClientId, Error, Params, Result, Secret, SessionId, UserId,
};

/// The purpose of the form token: this page in one session.
fn purpose(signed_in: Option<&SignedIn>) -> String {
    let session = signed_in.map_or("", |signed_in| signed_in.session.id.as_str());
    format!("account {session}")
}

/// Shows the page to a signed-in user.
pub(super) async fn get(request: Request) -> Result<Response, Page> {
    let visit = &Visit::of(&request);
    let Some(signed_in) = visit.signed_in(None).await? else {
        return Ok(visit.redirect("/login").await?);
    };
    let app = visit.app();
    session::touch(
        &app.store,
        &app.config.sessions,
        &signed_in.session.id,
        signed_in.session.seen_at,
        visit.now(),
    )
    .await?;
    let notice = visit.head.query()?.one("notice")?.and_then(Notice::parse);
    Ok(page(visit, &signed_in, notice, &PasswordForm::default()).await?)
}

async fn page(
    visit: &Visit,
    signed_in: &SignedIn,
    notice: Option<Notice>,
    password: &PasswordForm<'_>,
) -> Result<Response> {
    let user = &signed_in.user;
    let layout = visit.layout(None).at("/account");
    let app = visit.app();
    let mut sessions = session::of_user(&app.store, &user.id, visit.now()).await?;
    sessions.sort_by_key(|session| session.id != signed_in.session.id);
    let consents = applications::list(&visit.call(), &user.id).await?;
    let clients = Clients::of(visit, consents.iter().map(|one| &one.client_id)).await?;
    let resources = app.cache.resources().await?;
    let events = activity::recent(&app.store, &user.id).await?;
    let event_clients = Clients::of(visit, events.iter().filter_map(|one| one.client.as_ref()));
    let event_clients = event_clients.await?;
    let security = security::of_user(&app.store, &user.id, visit.now()).await?;
    let form = Secret::generate();
    let page = Account {
        layout,
        person: Person::of(user),
        details: details::of_user(user, layout.words),
        csrf: &visit.csrf(&purpose(Some(signed_in))).await?,
        form: form.expose(),
        notice,
        sessions: sessions
            .iter()
            .map(|session| SessionLine {
                id: session.id.as_str(),
                device: Device::from_user_agent(&session.user_agent),
                address: &session.address,
                since: session.created_at,
                active: session.seen_at,
                is_current: session.id == signed_in.session.id,
            })
            .collect(),
        password_set_at: security.password_set_at,
        browsers: security.browsers,
        applications: consents
            .iter()
            .filter_map(|one| application(one, &clients, &resources, layout.words))
            .collect(),
        activity: events
            .iter()
            .map(|one| ActivityLine {
                kind: one.kind,
                client: one
                    .client
                    .as_ref()
                    .and_then(|id| Some(name_of(&event_clients.find(id)?.0, layout.words))),
                device: one.user_agent.as_deref().map(Device::from_user_agent),
                address: one.address.as_deref(),
                at: one.at,
                count: one.count,
                is_current: one.session.as_ref() == Some(&signed_in.session.id),
            })
            .collect(),
        least: app.config.passwords.min_length,
        password: *password,
    };
    let mut response = visit.page(&page, Csp::Staying).await?;
    if password.problem.is_some() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// Clients that the page mentions, each with the URL of its logo.
struct Clients(Vec<(Arc<Registered>, Option<String>)>);

impl Clients {
    /// The clients with these ids that are still registered.
    async fn of(visit: &Visit, ids: impl Iterator<Item = &ClientId>) -> Result<Self> {
        let mut clients = Vec::new();
        for id in ids {
            if let Some(client) = visit.app().cache.client(id).await? {
                let logo = visit.logo_of(&client);
                clients.push((client, logo));
            }
        }
        Ok(Self(clients))
    }

    fn find(&self, id: &ClientId) -> Option<&(Arc<Registered>, Option<String>)> {
        self.0.iter().find(|(client, _)| client.id == *id)
    }
}

/// An application with the text of its access; `None` if it is no longer registered.
fn application<'a>(
    one: &'a Authorised,
    clients: &'a Clients,
    resources: &'a Resources,
    words: &'static Words,
) -> Option<Application<'a>> {
    let (client, logo) = clients.find(&one.client_id)?;
    let home = link(client.metadata.client_uri_in(words.lang));
    // Plain http URIs are on loopback.
    let https = |uri: &&String| uri.starts_with("https://");
    let hosts = client.metadata.redirect_uris.iter().filter(https);
    let mut hosts = hosts.filter_map(|uri| link(Some(uri)));
    let scope = |token: &'a str| {
        let declared = || {
            let mut scopes = resources.values().flat_map(|resource| &resource.scopes);
            scopes.find(|scope| scope.name == token).map(|scope| scope.text_in(words.lang))
        };
        let standard = words.scope(token).map(|words| words.name);
        Cow::from(standard.or_else(declared).unwrap_or(token))
    };
    let claims: Vec<_> = one.consent.claims.iter().map(String::as_str).collect();
    let claims: Vec<_> =
        claims.into_iter().map(|name| (words.claims.name)(name).unwrap_or(name)).collect();
    let claims = (!claims.is_empty()).then(|| (words.claims.see)(&claims.join(", ")));
    Some(Application {
        id: client.id.as_str(),
        client: Client { name: client.name_in(words.lang), logo: logo.as_deref() },
        home,
        host: hosts
            .next()
            .map(|link| link.host())
            .filter(|host| home.is_none_or(|home| home.host() != *host)),
        since: one.since,
        needed_consent: one.asked,
        used: one.used_at,
        offline: one.is_offline,
        may: one.consent.scope.iter().map(scope).chain(claims.map(Cow::from)).collect(),
    })
}

/// Parses a form of this page. `Err` is the response if the user is not signed in or the form is foreign.
async fn parse_form(
    request: &mut Request,
    visit: &Visit,
) -> Result<Result<(SignedIn, Params), Response>> {
    let params = request.form_beside_query().await?;
    params.must_be_unique()?;
    let Some(signed_in) = visit.signed_in(None).await? else {
        return Ok(Err(visit.redirect("/login").await?));
    };
    match visit.must_be_own_form(&params, &purpose(Some(&signed_in))).await {
        Ok(()) => Ok(Ok((signed_in, params))),
        Err(Error::Refused(refusal)) => {
            visit.head.report(&refusal);
            let mut response =
                page(visit, &signed_in, Some(Notice::Expired), &PasswordForm::default()).await?;
            *response.status_mut() = StatusCode::FORBIDDEN;
            Ok(Err(response))
        }
        Err(error) => Err(error),
    }
}

/// Redirects to the page with a notice.
async fn redirect_with_notice(visit: &Visit, notice: Notice) -> Result<Response> {
    visit.redirect(&format!("/account?notice={}", notice.as_str())).await
}

/// Ends a session of the user.
pub(super) async fn end_session(mut request: Request) -> Result<Response, Page> {
    let visit = &Visit::of(&request);
    let (signed_in, params) = match parse_form(&mut request, visit).await? {
        Ok(form) => form,
        Err(response) => return Ok(response),
    };
    let id = SessionId::from_text(params.need("session", "session is missing")?);
    // The result is the same if the session has ended before, so that a repeated form succeeds. The session of another
    // user is treated as unknown (THREATS UI-22).
    session::end(&visit.people(), &signed_in.user.id, &id).await?;
    Ok(redirect_with_notice(visit, Notice::Ended).await?)
}

/// Ends all sessions of the user except this one.
pub(super) async fn end_other_sessions(mut request: Request) -> Result<Response, Page> {
    let visit = &Visit::of(&request);
    let (signed_in, _) = match parse_form(&mut request, visit).await? {
        Ok(form) => form,
        Err(response) => return Ok(response),
    };
    let user: &UserId = &signed_in.user.id;
    session::end_others(&visit.people(), user, Some(&signed_in.session.id)).await?;
    Ok(redirect_with_notice(visit, Notice::EndedOthers).await?)
}

/// Withdraws the consent for an application.
pub(super) async fn withdraw(mut request: Request) -> Result<Response, Page> {
    let visit = &Visit::of(&request);
    let (signed_in, params) = match parse_form(&mut request, visit).await? {
        Ok(form) => form,
        Err(response) => return Ok(response),
    };
    let client = ClientId::from_text(params.need("client_id", "client_id is missing")?);
    applications::withdraw(&visit.call(), &signed_in.user.id, &client).await?;
    Ok(redirect_with_notice(visit, Notice::Withdrawn).await?)
}
