//! An administrator at the console, in one request.

use askama::Template;

use super::error::{ConsoleError, Denied};
use super::layout::{Navigation, Section};
use crate::admin::{Action, Administrator, Authority, Call, RECENT};
use crate::people::session;
use crate::render::Response;
use crate::render::layout::Layout;
use crate::render::page::Csp;
use crate::render::visit::Visit;
use crate::store::roles;
use crate::store::sessions::SignedIn;
use crate::types::administration::Level;
use crate::types::{Code, Error, Holder, Params, Result, Seconds};

/// An administrator who is signed in.
#[derive(Debug)]
pub(super) struct Desk {
    /// The request of the browser.
    pub(super) visit: Visit,
    /// The session and the user.
    pub(super) signed_in: SignedIn,
    administrator: Administrator,
}

/// The administrator of a request, if they may perform the action. `Err`: the response that leads to a sign-in.
///
/// # Errors
/// The user has no role, or none that includes the action.
pub(super) async fn open(
    visit: Visit,
    action: Action,
) -> Result<Result<Desk, Response>, ConsoleError> {
    let Some(signed_in) = visit.signed_in(None).await? else {
        return Ok(Err(sign_in(&visit, "").await?));
    };
    let app = visit.app();
    // Read for each request, so that a demotion counts at once.
    let roles = roles::of(app.store.db(), &Holder::User(signed_in.user.id.clone())).await?;
    let has_role = !roles.is_empty();
    let authority = Authority::User {
        id: signed_in.user.id.clone(),
        roles,
        auth_time: signed_in.session.auth_time,
        scope: None,
    };
    if !has_role || !authority.includes(action) {
        return Err(Denied { has_role, action }.into());
    }
    let is_sensitive =
        action.permission().is_some_and(|permission| permission.level == Level::Sensitive);
    // With a minute to fill in the form.
    let age = visit.now() - signed_in.session.auth_time;
    let margin = if visit.is_read() { Seconds::minutes(1) } else { Seconds(0) };
    if is_sensitive && age + margin > RECENT {
        return Ok(Err(sign_in(&visit, "&confirm=1").await?));
    }
    let (id, seen_at) = (&signed_in.session.id, signed_in.session.seen_at);
    session::touch(&app.store, &app.config.sessions, id, seen_at, visit.now()).await?;
    let administrator = Administrator::new(authority, visit.head.trace.clone());
    Ok(Ok(Desk { visit, signed_in, administrator }))
}

/// Sends the browser to the sign-in, and from there back to the page of this request.
async fn sign_in(visit: &Visit, more: &str) -> Result<Response> {
    let (base, uri) = (&visit.head.site.look.base, &visit.head.uri);
    let path = uri.path_and_query().map_or("/admin", |path| path.as_str());
    let path = path.strip_prefix(base.as_str()).unwrap_or(path);
    let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
    visit.redirect(&format!("/login?next={next}{more}")).await
}

impl Desk {
    /// A call of an administrative action.
    pub(super) fn call(&self) -> Call<'_> {
        self.visit.app().administration(&self.administrator)
    }

    /// Whether the administrator may perform an action: what a page offers.
    pub(super) fn may(&self, action: Action) -> bool {
        self.administrator.authority().includes(action)
    }

    /// The purpose of form tokens: the console in one session.
    fn purpose(&self) -> String {
        format!("console {}", self.signed_in.session.id)
    }

    /// The token of a form.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn csrf(&self) -> Result<String> {
        self.visit.csrf(&self.purpose()).await
    }

    /// Checks that a form came from a page of the console, in this session.
    ///
    /// # Errors
    /// 403 for a foreign form, or one of another session.
    pub(super) async fn must_be_own_form(&self, params: &Params) -> Result<()> {
        self.visit.must_be_own_form(params, &self.purpose()).await
    }

    /// The data of every page.
    pub(super) fn layout(&self) -> Layout<'_> {
        self.visit.layout(None)
    }

    /// The navigation, with this section marked.
    pub(super) fn navigation(&self, section: Section) -> Navigation<'_> {
        Navigation::new(section, self.layout(), &self.signed_in.user, |action| self.may(action))
    }

    /// The response with a page.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn page(&self, page: &impl Template) -> Result<Response, ConsoleError> {
        Ok(self.visit.page(page, Csp::Staying).await?)
    }

    /// Redirects to another page of the console.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn redirect(&self, path: &str) -> Result<Response, ConsoleError> {
        Ok(self.visit.redirect(path).await?)
    }
}

/// Why an action was refused, so that its form can be shown again with the reason; a failure is an error.
///
/// # Errors
/// A failure of the server.
pub(super) fn refused<T>(
    done: crate::admin::Result<T>,
) -> Result<Result<T, Problem>, ConsoleError> {
    use crate::admin::Error as AdminError;
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(AdminError::Rule(Error::Refused(refusal))) => Ok(Err(Problem {
            needs_authentication: refusal.code == Code::InsufficientUserAuthentication,
            why: refusal.why.to_owned(),
            facts: refusal.facts,
        })),
        Err(AdminError::Invalid(why)) => Ok(Err(Problem::because(why))),
        Err(error) => Err(error.into()),
    }
}

/// Why an action was refused.
#[derive(Debug)]
pub(super) struct Problem {
    /// The reason, in English: the terms of the standards.
    pub(super) why: String,
    /// What was compared.
    pub(super) facts: Vec<(&'static str, String)>,
    /// Whether the administrator has to authenticate again; the form can be sent after that.
    pub(super) needs_authentication: bool,
}

impl Problem {
    /// A problem without facts.
    pub(super) const fn because(why: String) -> Self {
        Self { why, facts: Vec::new(), needs_authentication: false }
    }
}
