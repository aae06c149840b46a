//! `/admin/applications/new`: registers a client. First its kind, then what that kind needs.

pub(super) mod view;
mod words;

use super::fields::view::Source;
use super::fields::{Member, Typed};
use super::frame::path;
use super::kind::Kind;
use crate::admin::client::{self, Description};
use crate::admin::{Action, resource};
use crate::console::desk::{Desk, Problem, refused};
use crate::console::error::ConsoleError;
use crate::console::layout::Section;
use crate::console::view::Secret;
use crate::flow::clients::registration::Registered;
use crate::render::Response;
use crate::types::{Code, Params, Resource, SessionId};

use self::view::{ChooseKind, Create};

/// Shows the kinds, or the form of one.
pub(in crate::console) async fn show(desk: Desk) -> Result<Response, ConsoleError> {
    let query = desk.visit.head.query()?;
    let Some(kind) = query.one("kind")?.and_then(Kind::parse) else {
        let page = ChooseKind { navigation: desk.navigation(Section::Applications) };
        return desk.page(&page).await;
    };
    let mut members = kind.members();
    members.insert(Member::Scope.to_string(), kind.scope().into());
    let typed = Typed::of(&members, fields(kind));
    form(&desk, kind, &typed, &SessionId::new().to_string(), None).await
}

/// Registers the client.
pub(in crate::console) async fn create(
    desk: Desk,
    params: Params,
) -> Result<Response, ConsoleError> {
    let kind = desk.visit.head.query()?.one("kind")?.and_then(Kind::parse);
    let kind =
        kind.ok_or_else(|| Code::NotFound.because("there is no such kind of application"))?;
    let typed = Typed::read(&params, fields(kind))?;
    let form_id = params.need("form", "the form has no identifier")?;
    if desk.visit.is_processed(form_id).await? {
        let query: String =
            form_urlencoded::byte_serialize(typed.text(Member::ClientName).as_bytes()).collect();
        return desk.redirect(&format!("/admin/applications?done=repeated&q={query}")).await;
    }
    let mut members = kind.members();
    members.extend(typed.members());
    let description = Description { members, ..Description::default() };
    match refused(client::create(&desk.call(), &description).await)? {
        Ok(done) => {
            desk.visit.set_processed(form_id).await?;
            credentials(&desk, &done.result).await
        }
        Err(problem) => form(&desk, kind, &typed, form_id, Some(&problem)).await,
    }
}

/// The fields of a kind.
const fn fields(kind: Kind) -> &'static [Member] {
    match kind {
        Kind::WebServer | Kind::Native => &[
            Member::ClientName,
            Member::RedirectUris,
            Member::PostLogoutRedirectUris,
            Member::Scope,
            Member::AllowedResources,
        ],
        Kind::SinglePage => &[
            Member::ClientName,
            Member::RedirectUris,
            Member::PostLogoutRedirectUris,
            Member::AllowedOrigins,
            Member::Scope,
            Member::AllowedResources,
        ],
        Kind::Service => &[Member::ClientName, Member::Scope, Member::AllowedResources],
    }
}

/// Whether a field must be filled in.
const fn is_required(member: Member) -> bool {
    matches!(member, Member::ClientName | Member::RedirectUris | Member::AllowedOrigins)
}

async fn form(
    desk: &Desk,
    kind: Kind,
    typed: &Typed,
    form_id: &str,
    problem: Option<&Problem>,
) -> Result<Response, ConsoleError> {
    let apis = apis(desk).await?;
    let source = Source::new(typed, &apis, desk.layout().words.language);
    let fields = fields(kind).iter().map(|member| match is_required(*member) {
        true => source.field(*member).required(),
        false => source.field(*member),
    });
    let page = Create {
        navigation: desk.navigation(Section::Applications),
        csrf: &desk.csrf().await?,
        form_id,
        kind,
        fields: fields.collect(),
        problem,
    };
    desk.page(&page).await
}

/// The APIs to choose from.
pub(super) async fn apis(desk: &Desk) -> Result<Vec<Resource>, ConsoleError> {
    if !desk.may(Action::ReadResources) {
        return Ok(Vec::new());
    }
    Ok(resource::list(&desk.call()).await?)
}

/// The page with the identifier of a client, and its new secret if it has one.
pub(super) async fn credentials(
    desk: &Desk,
    registered: &Registered,
) -> Result<Response, ConsoleError> {
    let words = words::WORDS.in_language(desk.layout().words.language);
    let client = &registered.client;
    let discovery = desk.visit.app().config.issuer.endpoint("/.well-known/openid-configuration");
    let mut values = vec![("client_id", client.id.as_str(), false)];
    if let Some(secret) = &registered.secret {
        values.push(("client_secret", secret.0.expose(), true));
    }
    values.push((words.discovery, &discovery, false));
    let name = crate::render::layout::isolated(client.name());
    let page = Secret {
        navigation: desk.navigation(Section::Applications),
        title: &(words.registered)(&name),
        detail: words.registered_detail,
        values: &values,
        next: &path(client, "/integrate"),
        submit: words.integrate,
    };
    desk.page(&page).await
}
