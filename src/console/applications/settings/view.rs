//! The settings of a client, as their templates see them.

use askama::Template;

use super::words::{self, Words};
use crate::console::applications::fields::Member;
use crate::console::applications::fields::view::{Control, Field};
use crate::console::applications::frame::Frame;
use crate::console::desk::Problem;
use crate::console::layout::Navigation;

/// `templates/console/application_settings.html`.
#[derive(Debug, Template)]
#[template(path = "console/application_settings.html")]
pub(super) struct Settings<'a> {
    /// The frame of the console.
    pub(super) navigation: Navigation<'a>,
    /// The frame of the client.
    pub(super) frame: Frame<'a>,
    /// The form token.
    pub(super) csrf: &'a str,
    /// The version of the client that is shown.
    pub(super) version: i64,
    /// The fields by subject.
    pub(super) groups: Vec<Group>,
    /// Where the registration is less secure than it could be.
    pub(super) warnings: Vec<&'static str>,
    /// Whether it can be changed.
    pub(super) may_update: bool,
    /// Whether it can be disabled and enabled.
    pub(super) may_disable: bool,
    /// Whether it can be deleted.
    pub(super) may_delete: bool,
    /// The result of the last form.
    pub(super) notice: Option<Notice>,
    /// Whether the client was changed since the form was shown.
    pub(super) is_stale: bool,
    /// Why it was refused.
    pub(super) problem: Option<&'a Problem>,
}

/// Fields of one subject.
#[derive(Debug)]
pub(super) struct Group {
    /// The subject.
    pub(super) subject: Subject,
    /// Its fields.
    pub(super) fields: Vec<Field>,
}

/// A subject of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// How people see it.
    Appearance,
    /// Where browsers are sent.
    Addresses,
    /// What it may do.
    Access,
    /// How it authenticates.
    Authentication,
    /// What its tokens are like.
    Tokens,
}

impl Subject {
    /// All subjects, in their order on the page.
    pub(super) const ALL: [Self; 5] =
        [Self::Addresses, Self::Access, Self::Authentication, Self::Tokens, Self::Appearance];

    /// Its fields.
    pub(super) const fn members(self) -> &'static [Member] {
        match self {
            Self::Appearance => &[
                Member::ClientName,
                Member::ClientUri,
                Member::LogoUri,
                Member::PolicyUri,
                Member::TosUri,
                Member::Contacts,
            ],
            Self::Addresses => {
                &[Member::RedirectUris, Member::PostLogoutRedirectUris, Member::AllowedOrigins]
            }
            Self::Access => &[
                Member::GrantTypes,
                Member::Scope,
                Member::AllowedResources,
                Member::DefaultAudience,
                Member::SkipConsent,
            ],
            Self::Authentication => &[Member::AuthMethod, Member::RequirePkce],
            Self::Tokens => &[Member::IdTokenClaims, Member::TokenFormat, Member::TokenLifetime],
        }
    }

    /// Its heading, and what it is about.
    const fn text(self, words: &Words) -> (&'static str, &'static str) {
        match self {
            Self::Appearance => words.appearance,
            Self::Addresses => words.addresses,
            Self::Access => words.access,
            Self::Authentication => words.authentication,
            Self::Tokens => words.tokens,
        }
    }
}

/// The result of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// The settings were saved.
    Saved,
    /// There was nothing to save.
    Unchanged,
    /// The client was disabled.
    Disabled,
    /// The client was enabled.
    Enabled,
}

impl Notice {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "saved" => Some(Self::Saved),
            "unchanged" => Some(Self::Unchanged),
            "disabled" => Some(Self::Disabled),
            "enabled" => Some(Self::Enabled),
            _ => None,
        }
    }
}

impl Settings<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    fn notice_text(&self) -> Option<&'static str> {
        let words = self.words();
        self.notice.map(|notice| match notice {
            Notice::Saved => words.saved,
            Notice::Unchanged => words.unchanged,
            Notice::Disabled => words.disabled,
            Notice::Enabled => words.enabled,
        })
    }
}

/// `templates/console/application_metadata.html`.
#[derive(Debug, Template)]
#[template(path = "console/application_metadata.html")]
pub(super) struct Metadata<'a> {
    /// The frame of the console.
    pub(super) navigation: Navigation<'a>,
    /// The frame of the client.
    pub(super) frame: Frame<'a>,
    /// The form token.
    pub(super) csrf: &'a str,
    /// The version of the client that is shown.
    pub(super) version: i64,
    /// The metadata, or what was typed.
    pub(super) document: &'a str,
    /// Whether it can be changed.
    pub(super) may_update: bool,
    /// Whether the client was changed since the form was shown.
    pub(super) is_stale: bool,
    /// Why it was refused.
    pub(super) problem: Option<&'a Problem>,
}

/// The longest document that a form can send: a parameter has at most 8 KiB.
const LONGEST: usize = 8000;

impl Metadata<'_> {
    /// Whether the document is too long for a form.
    const fn is_too_long(&self) -> bool {
        self.document.len() > LONGEST
    }

    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }
}
