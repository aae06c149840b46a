//! The pages of a user, as their templates see them.

use askama::Template;
use serde_json::Value;

use super::questions::{NOTICES, QUESTIONS, Questions};
use super::words::{self, Words};
use crate::admin::Action;
use crate::console::administrators::words::role_name;
use crate::console::desk::{Desk, Problem};
use crate::console::events::EventLine;
use crate::console::layout::Navigation;
use crate::people::activity::ActivityKind;
use crate::people::security::Security;
use crate::render::activity;
use crate::render::user_agent::Device;
use crate::types::{Role, Timestamp, User};

/// `templates/console/person.html`.
#[derive(Debug, Template)]
#[template(path = "console/person.html")]
pub(in crate::console) struct Person<'a> {
    /// The frame.
    pub(in crate::console) navigation: Navigation<'a>,
    /// The user.
    pub(in crate::console) user: &'a User,
    /// How the user authenticates.
    pub(in crate::console) security: Security,
    /// What the administrator may do with the user.
    pub(in crate::console) rights: Rights,
    /// The result of the last form.
    pub(in crate::console) notice: Option<Notice>,
    /// The roles, if the administrator may see them.
    pub(in crate::console) roles: Option<Vec<Role>>,
    /// The valid sessions, if the administrator may see them.
    pub(in crate::console) sessions: Vec<SessionLine<'a>>,
    /// The applications with access.
    pub(in crate::console) applications: Vec<ApplicationLine<'a>>,
    /// What administrators changed.
    pub(in crate::console) changes: Vec<ChangeLine<'a>>,
    /// What the user did.
    pub(in crate::console) activity: Vec<ActivityLine<'a>>,
    /// Whether the administrator may see the history.
    pub(in crate::console) may_audit: bool,
}

/// The actions on a user that the page offers.
#[derive(Clone, Debug)]
pub(in crate::console) struct Rights(Vec<Action>);

impl Rights {
    pub(super) fn of(desk: &Desk) -> Self {
        Self(Action::ALL.iter().copied().filter(|action| desk.may(*action)).collect())
    }

    fn include(&self, action: Action) -> bool {
        self.0.contains(&action)
    }

    fn edit(&self) -> bool {
        self.include(Action::UpdateUser)
    }

    fn recover(&self) -> bool {
        self.include(Action::StartRecovery)
    }

    fn unlock(&self) -> bool {
        self.include(Action::UnlockUser)
    }

    fn disable(&self) -> bool {
        self.include(Action::DisableUser)
    }

    fn enable(&self) -> bool {
        self.include(Action::EnableUser)
    }

    fn delete(&self) -> bool {
        self.include(Action::DeleteUser)
    }

    fn sessions(&self) -> bool {
        self.include(Action::ReadSessions)
    }

    fn end(&self) -> bool {
        self.include(Action::EndSessions)
    }

    fn revoke(&self) -> bool {
        self.include(Action::RevokeAccess)
    }

    fn grant(&self) -> bool {
        self.include(Action::GrantRole)
    }

    /// Whether there are actions that are not beside what they concern.
    fn more(&self) -> bool {
        self.unlock() || self.disable() || self.delete()
    }
}

/// A valid session.
#[derive(Clone, Debug)]
pub(in crate::console) struct SessionLine<'a> {
    /// Its identifier.
    pub(in crate::console) id: &'a str,
    /// The device of the browser.
    pub(in crate::console) device: Device,
    /// The address of the sign-in.
    pub(in crate::console) address: &'a str,
    /// The time of the sign-in.
    pub(in crate::console) since: Timestamp,
    /// The time of the last use.
    pub(in crate::console) used: Timestamp,
}

/// An application with access.
#[derive(Clone, Debug)]
pub(in crate::console) struct ApplicationLine<'a> {
    /// The `client_id`.
    pub(in crate::console) id: &'a str,
    /// The name.
    pub(in crate::console) name: &'a str,
    /// The scope.
    pub(in crate::console) scope: String,
    /// Since when.
    pub(in crate::console) since: Timestamp,
    /// When it was last issued tokens.
    pub(in crate::console) used: Option<Timestamp>,
}

/// A change by an administrator.
#[derive(Debug)]
pub(in crate::console) struct ChangeLine<'a> {
    /// The event.
    pub(in crate::console) event: EventLine<'a>,
    /// The username of the administrator, if it was a user who still exists.
    pub(in crate::console) actor: Option<&'a str>,
}

impl<'a> ChangeLine<'a> {
    /// Who made the change.
    fn by(&self) -> &'a str {
        self.actor.or(self.event.actor).unwrap_or_default()
    }
}

/// A recent event of the account, or several failures in a row.
#[derive(Clone, Debug)]
pub(in crate::console) struct ActivityLine<'a> {
    /// The kind.
    pub(in crate::console) kind: ActivityKind,
    /// The name of the application.
    pub(in crate::console) client: Option<&'a str>,
    /// The device, if known.
    pub(in crate::console) device: Option<Device>,
    /// The address, if known.
    pub(in crate::console) address: Option<&'a str>,
    /// The time of the latest event.
    pub(in crate::console) at: Timestamp,
    /// The number of events in a row.
    pub(in crate::console) count: usize,
}

/// The result of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) enum Notice {
    /// Created, without a link.
    Created,
    /// The profile was changed.
    Saved,
    /// The account was disabled.
    Disabled,
    /// The account was enabled.
    Enabled,
    /// The throttling was reset.
    Unlocked,
    /// A session was ended.
    Ended,
    /// All sessions were ended.
    EndedAll,
    /// The access of an application was revoked.
    Revoked,
}

impl Notice {
    const ALL: [Self; 8] = [
        Self::Created,
        Self::Saved,
        Self::Disabled,
        Self::Enabled,
        Self::Unlocked,
        Self::Ended,
        Self::EndedAll,
        Self::Revoked,
    ];

    /// The value in the query.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Saved => "saved",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Unlocked => "unlocked",
            Self::Ended => "ended",
            Self::EndedAll => "ended-all",
            Self::Revoked => "revoked",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.as_str() == text)
    }
}

impl Person<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    /// The path of the page.
    fn here(&self) -> String {
        format!("{}/admin/people/{}", self.navigation.layout.look.base, self.user.id)
    }

    fn questions(&self) -> &'static Questions {
        QUESTIONS.in_language(self.navigation.layout.words.language)
    }

    fn activity_words(&self) -> &'static activity::Words {
        activity::WORDS.in_language(self.navigation.layout.words.language)
    }

    fn device(&self, device: &Device) -> String {
        device.name(self.navigation.layout.words.language)
    }

    fn role(&self, role: &Role) -> &'static str {
        role_name(*role, self.navigation.layout.words.language)
    }

    /// A claim of the user that is a text.
    fn claim(&self, name: &str) -> Option<&str> {
        self.user.claims.get(name).and_then(Value::as_str)
    }

    fn notice_text(&self) -> Option<&'static str> {
        let language = self.navigation.layout.words.language;
        let words = NOTICES.in_language(language);
        self.notice.map(|notice| match notice {
            Notice::Created => {
                crate::console::people::words::WORDS.in_language(language).created_without_link
            }
            Notice::Saved => words.saved,
            Notice::Disabled => words.disable,
            Notice::Enabled => words.enable,
            Notice::Unlocked => words.unlock,
            Notice::Ended => words.end,
            Notice::EndedAll => words.end_all,
            Notice::Revoked => words.revoke,
        })
    }
}

/// `templates/console/person_edit.html`.
#[derive(Debug, Template)]
#[template(path = "console/person_edit.html")]
pub(in crate::console) struct EditPerson<'a> {
    /// The frame.
    pub(in crate::console) navigation: Navigation<'a>,
    /// The form token.
    pub(in crate::console) csrf: &'a str,
    /// The heading.
    pub(in crate::console) title: &'a str,
    /// The user.
    pub(in crate::console) user: &'a User,
    /// The version of the account that the form is based on.
    pub(in crate::console) version: &'a str,
    /// The text fields.
    pub(in crate::console) fields: Vec<Field<'a>>,
    /// Whether the box for a verified address is ticked.
    pub(in crate::console) email_verified: bool,
    /// Why it was refused.
    pub(in crate::console) problem: Option<&'a Problem>,
    /// Whether the account was changed after the form was opened.
    pub(in crate::console) is_stale: bool,
}

/// A text field of the profile.
#[derive(Clone, Copy, Debug)]
pub(in crate::console) struct Field<'a> {
    /// Its name.
    pub(in crate::console) name: &'static str,
    /// Its label.
    pub(in crate::console) label: &'static str,
    /// Its type.
    pub(in crate::console) kind: &'static str,
    /// Whether it must not be empty.
    pub(in crate::console) is_required: bool,
    /// What was typed, or what is stored.
    pub(in crate::console) value: &'a str,
    /// What is stored.
    pub(in crate::console) stored: &'a str,
}

impl EditPerson<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    /// What is stored in a field, if it was changed meanwhile.
    fn present<'b>(&self, field: &Field<'b>) -> Option<&'b str> {
        (self.is_stale && field.stored != field.value).then_some(field.stored)
    }
}
