//! What several pages show: applications and users.

use crate::render::layout::initials;
use crate::types::User;

/// An application, as people see it.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// Its name, as it stands in a sentence: see [`isolated`].
    ///
    /// [`isolated`]: crate::render::layout::isolated
    pub name: &'a str,
    /// Where we serve its logo.
    pub logo: Option<&'a str>,
}

impl Client<'_> {
    pub(super) fn initials(&self) -> String {
        initials(self.name)
    }
}

/// A person, as shown to themselves.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The display name, else the username.
    pub name: &'a str,
    /// What they sign in with: e-mail address or username.
    pub handle: &'a str,
}

impl<'a> Person<'a> {
    /// An account, as its owner sees it.
    pub fn of(user: &'a User) -> Self {
        Self { name: user.display_name(), handle: user.email.as_deref().unwrap_or(&user.username) }
    }

    pub(super) fn initials(&self) -> String {
        initials(self.name)
    }

    /// The handle in two, where a long address may break: before its `@`.
    pub(super) fn halves(&self) -> (&'a str, &'a str) {
        self.handle.split_at(self.handle.rfind('@').unwrap_or(self.handle.len()))
    }
}
