//! The actions on a user that are confirmed first.

use axum::http::StatusCode;

use super::found;
use super::questions::{QUESTIONS, Question, Questions};
use super::view::Notice;
use crate::admin::user::Link;
use crate::admin::{self, Action, session, user};
use crate::console::desk::{Desk, Problem, refused};
use crate::console::error::ConsoleError;
use crate::console::layout::Section;
use crate::console::people::link;
use crate::console::view::Confirm;
use crate::render::Response;
use crate::render::layout::isolated;
use crate::render::user_agent::Device;
use crate::types::{ClientId, Code, Params, SessionId, User};

/// An action on a user.
#[derive(Clone, Copy, Debug)]
pub(in crate::console) enum Change {
    /// Creates a recovery link.
    Recover,
    /// Disables the account.
    Disable,
    /// Enables it.
    Enable,
    /// Resets the throttling.
    Unlock,
    /// Deletes the account.
    Delete,
    /// Ends the session in the query, or all.
    EndSessions,
    /// Revokes the access of the client in the query.
    RevokeAccess,
}

impl Change {
    const fn takes_away(self) -> bool {
        match self {
            Self::Recover | Self::Enable | Self::Unlock => false,
            Self::Disable | Self::Delete | Self::EndSessions | Self::RevokeAccess => true,
        }
    }
}

/// What a change concerns, beside the user.
#[derive(Debug)]
enum Object {
    /// Nothing else.
    User,
    /// One session, with the name of its device.
    Session(SessionId, String),
    /// A client, with its name.
    Client(ClientId, String),
}

/// Asks before an action.
pub(in crate::console) async fn ask(desk: Desk, change: Change) -> Result<Response, ConsoleError> {
    let user = found(&desk).await?;
    let object = object(&desk, &user, change).await?;
    confirm(&desk, &user, change, &object, None).await
}

/// Performs an action.
pub(in crate::console) async fn act(
    desk: Desk,
    _: Params,
    change: Change,
) -> Result<Response, ConsoleError> {
    let user = found(&desk).await?;
    let object = object(&desk, &user, change).await?;
    match refused(perform(&desk, &user, change, &object).await)? {
        Ok(Some(link)) => link::show(&desk, &user, &link).await,
        Ok(None) => desk.redirect(&after(&user, change, &object)).await,
        Err(problem) => confirm(&desk, &user, change, &object, Some(&problem)).await,
    }
}

async fn perform(
    desk: &Desk,
    user: &User,
    change: Change,
    object: &Object,
) -> admin::Result<Option<Link>> {
    let call = &desk.call();
    match (change, object) {
        (Change::Recover, _) => {
            return Ok(Some(user::start_recovery(call, &user.id).await?.result));
        }
        (Change::Disable, _) => {
            user::disable(call, &user.id).await?;
        }
        (Change::Enable, _) => {
            user::enable(call, &user.id).await?;
        }
        (Change::Unlock, _) => {
            user::unlock(call, &user.id).await?;
        }
        (Change::Delete, _) => {
            user::delete(call, &user.id).await?;
        }
        // The result is the same if it has ended before, so that a repeated form succeeds.
        (Change::EndSessions | Change::RevokeAccess, Object::Session(id, _)) => {
            session::end(call, &user.id, id).await?;
        }
        (Change::EndSessions | Change::RevokeAccess, Object::Client(id, _)) => {
            session::revoke_access(call, &user.id, id).await?;
        }
        (Change::EndSessions | Change::RevokeAccess, Object::User) => {
            session::end_all(call, &user.id).await?;
        }
    }
    Ok(None)
}

/// The page after an action.
fn after(user: &User, change: Change, object: &Object) -> String {
    let notice = match (change, object) {
        (Change::Delete, _) => return "/admin/people?done=deleted".to_owned(),
        (Change::Disable, _) => Notice::Disabled,
        (Change::Enable, _) => Notice::Enabled,
        (Change::Unlock, _) => Notice::Unlocked,
        (Change::RevokeAccess, _) => Notice::Revoked,
        (Change::EndSessions, Object::Session(..)) => Notice::Ended,
        (Change::Recover | Change::EndSessions, _) => Notice::EndedAll,
    };
    format!("/admin/people/{}?done={}", user.id, notice.as_str())
}

/// What the query names.
async fn object(desk: &Desk, user: &User, change: Change) -> Result<Object, ConsoleError> {
    let query = desk.visit.head.query()?;
    let language = desk.layout().words.language;
    match change {
        Change::EndSessions => {
            let Some(id) = query.one("session")?.map(SessionId::from_text) else {
                return Ok(Object::User);
            };
            let sessions = session::list(&desk.call(), &user.id).await?;
            let user_agent = sessions.into_iter().find(|one| one.id == id);
            let user_agent = user_agent.map(|one| one.user_agent).unwrap_or_default();
            Ok(Object::Session(id, Device::from_user_agent(&user_agent).name(language)))
        }
        Change::RevokeAccess => {
            let id = query.one("client")?.ok_or_else(|| Code::NotFound.because("no client"))?;
            let id = ClientId::from_text(id);
            let names = super::client_names(desk, std::iter::once(&id)).await?;
            let name = names.get(&id).cloned().unwrap_or_else(|| id.to_string());
            Ok(Object::Client(id, name))
        }
        Change::Recover | Change::Disable | Change::Enable | Change::Unlock | Change::Delete => {
            Ok(Object::User)
        }
    }
}

const fn question(
    questions: &'static Questions,
    change: Change,
    object: &Object,
) -> &'static Question {
    match change {
        Change::Recover => &questions.recover,
        Change::Disable => &questions.disable,
        Change::Enable => &questions.enable,
        Change::Unlock => &questions.unlock,
        Change::Delete => &questions.delete,
        Change::RevokeAccess => &questions.revoke,
        Change::EndSessions => match object {
            Object::Session(..) => &questions.end,
            Object::User | Object::Client(..) => &questions.end_all,
        },
    }
}

async fn confirm(
    desk: &Desk,
    user: &User,
    change: Change,
    object: &Object,
    problem: Option<&Problem>,
) -> Result<Response, ConsoleError> {
    let questions = QUESTIONS.in_language(desk.layout().words.language);
    let question = question(questions, change, object);
    let name = match object {
        Object::User => isolated(user.display_name()),
        Object::Session(_, name) | Object::Client(_, name) => name.as_str().into(),
    };
    let mut lines: Vec<_> = question.lines.iter().map(|line| (*line).to_owned()).collect();
    lines.extend(touched(desk, user, change, object, questions).await?);
    let page = Confirm {
        navigation: desk.navigation(Section::People),
        csrf: &desk.csrf().await?,
        title: &(question.title)(&name),
        consequences: &lines,
        submit: question.submit,
        is_danger: change.takes_away(),
        back: &format!("/admin/people/{}", user.id),
        problem,
    };
    let mut response = desk.page(&page).await?;
    if problem.is_some() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// How many sessions end and how many applications lose access, as a sentence.
async fn touched(
    desk: &Desk,
    user: &User,
    change: Change,
    object: &Object,
    questions: &Questions,
) -> Result<Option<String>, ConsoleError> {
    if !desk.may(Action::ReadSessions) {
        return Ok(None);
    }
    let call = &desk.call();
    Ok(match (change, object) {
        (Change::Disable | Change::Delete, _) => {
            let sessions = session::list(call, &user.id).await?.len();
            let applications = session::applications(call, &user.id).await?.len();
            Some((questions.touched)(sessions, applications))
        }
        (Change::EndSessions, Object::User) => {
            Some((questions.sessions)(session::list(call, &user.id).await?.len()))
        }
        (
            Change::Recover
            | Change::Enable
            | Change::Unlock
            | Change::EndSessions
            | Change::RevokeAccess,
            _,
        ) => None,
    })
}
