//! What all pages about one client show above their content: its name, its state, and the tabs.

use super::kind::Kind;
use super::words::{self, Words};
use crate::admin::Action;
use crate::console::desk::Desk;
use crate::types::Client;

/// A tab of the pages about a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) enum Tab {
    /// Its metadata.
    Settings,
    /// What to configure in the application.
    Integrate,
    /// Its secrets.
    Secrets,
    /// Its refused requests.
    Refusals,
    /// Changes of its registration.
    History,
}

impl Tab {
    const ALL: [Self; 5] =
        [Self::Settings, Self::Integrate, Self::Secrets, Self::Refusals, Self::History];

    /// The path below that of the client.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Settings => "",
            Self::Integrate => "/integrate",
            Self::Secrets => "/secrets",
            Self::Refusals => "/refusals",
            Self::History => "/history",
        }
    }

    const fn action(self) -> Action {
        match self {
            Self::Settings | Self::Integrate | Self::Secrets => Action::ReadClients,
            Self::Refusals | Self::History => Action::ReadAudit,
        }
    }

    /// Its name.
    pub(super) const fn name(self, words: &Words) -> &'static str {
        match self {
            Self::Settings => words.settings,
            Self::Integrate => words.integrate,
            Self::Secrets => words.secrets,
            Self::Refusals => words.refusals,
            Self::History => words.history,
        }
    }
}

/// The frame of a page about a client.
#[derive(Debug)]
pub(in crate::console) struct Frame<'a> {
    /// The client.
    pub(in crate::console) client: &'a Client,
    /// The tab of the page.
    pub(in crate::console) tab: Tab,
    /// The tabs that the administrator may open.
    pub(in crate::console) tabs: Vec<Tab>,
    /// The texts of all pages about a client.
    pub(in crate::console) words: &'static Words,
}

impl<'a> Frame<'a> {
    pub(super) fn new(desk: &Desk, client: &'a Client, tab: Tab) -> Self {
        let tabs = Tab::ALL.into_iter().filter(|tab| desk.may(tab.action())).collect();
        let words = words::WORDS.in_language(desk.layout().words.language);
        Self { client, tab, tabs, words }
    }

    /// The URL of a page about the client, without what all links begin with.
    pub(super) fn path(&self, page: &str) -> String {
        path(self.client, page)
    }

    /// The name of the kind of the client.
    pub(super) fn kind(&self) -> &'static str {
        self.words.kind(Kind::of(&self.client.metadata)).name
    }
}

/// The path of a page about a client.
pub(super) fn path(client: &Client, page: &str) -> String {
    format!("/admin/applications/{}{page}", client.id)
}
