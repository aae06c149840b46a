//! The frame of every page of the console: navigation and account.

use super::words::{self, Words};
use crate::admin::Action;
use crate::render::layout::{Layout, initials};
use crate::types::User;

/// A section of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// What needs attention.
    Overview,
    /// Applications.
    Applications,
    /// APIs.
    Apis,
    /// Users.
    People,
    /// Administrators.
    Administrators,
    /// Certificates.
    Certificates,
    /// Signing keys.
    Keys,
    /// The audit trail.
    Audit,
    /// Refused requests.
    Refusals,
}

impl Section {
    /// All sections, in the order of the navigation.
    const ALL: [Self; 9] = [
        Self::Overview,
        Self::Applications,
        Self::Apis,
        Self::People,
        Self::Administrators,
        Self::Certificates,
        Self::Keys,
        Self::Refusals,
        Self::Audit,
    ];

    /// The path of its first page.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/admin",
            Self::Applications => "/admin/applications",
            Self::Apis => "/admin/apis",
            Self::People => "/admin/people",
            Self::Administrators => "/admin/administrators",
            Self::Certificates => "/admin/certificates",
            Self::Keys => "/admin/keys",
            Self::Audit => "/admin/audit",
            Self::Refusals => "/admin/refusals",
        }
    }

    /// The action of that page.
    pub(super) const fn action(self) -> Action {
        match self {
            Self::Overview | Self::Audit | Self::Refusals => Action::ReadAudit,
            Self::Applications => Action::ReadClients,
            Self::Apis => Action::ReadResources,
            Self::People => Action::ReadUsers,
            Self::Administrators => Action::ReadAdministrators,
            Self::Certificates => Action::ReadCertificates,
            Self::Keys => Action::ReadKeys,
        }
    }

    /// Its name.
    pub(super) const fn name(self, words: &Words) -> &'static str {
        match self {
            Self::Overview => words.overview,
            Self::Applications => words.applications,
            Self::Apis => words.apis,
            Self::People => words.people,
            Self::Administrators => words.administrators,
            Self::Certificates => words.certificates,
            Self::Keys => words.keys,
            Self::Audit => words.audit,
            Self::Refusals => words.refusals,
        }
    }
}

/// A link of the navigation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// The section.
    pub(super) section: Section,
    /// Whether the page belongs to it.
    pub(super) is_current: bool,
    /// Whether a new group begins with it.
    pub(super) begins_group: bool,
}

/// The frame of a page.
#[derive(Debug)]
pub(super) struct Navigation<'a> {
    /// The data of every page.
    pub(super) layout: Layout<'a>,
    /// The sections that the administrator may see.
    pub(super) items: Vec<Item>,
    /// The name of the administrator.
    pub(super) name: &'a str,
    /// The username or e-mail address.
    pub(super) handle: &'a str,
    section: Section,
}

impl<'a> Navigation<'a> {
    pub(super) fn new(
        current: Section,
        layout: Layout<'a>,
        user: &'a User,
        may: impl Fn(Action) -> bool,
    ) -> Self {
        let shown = Section::ALL.into_iter().filter(|section| may(section.action()));
        let items = shown.map(|section| Item {
            section,
            is_current: section == current,
            begins_group: matches!(section, Section::Certificates | Section::Refusals),
        });
        Self {
            layout,
            items: items.collect(),
            name: user.display_name(),
            handle: user.email.as_deref().unwrap_or(&user.username),
            section: current,
        }
    }

    /// The texts of the frame.
    pub(super) fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.layout.words.language)
    }

    /// The name of the current section.
    pub(super) fn section_name(&self) -> &'static str {
        self.section.name(self.words())
    }

    /// The path of the current section.
    pub(super) const fn section_path(&self) -> &'static str {
        self.section.path()
    }

    /// The initials of the administrator.
    pub(super) fn initials(&self) -> String {
        initials(self.name)
    }
}
