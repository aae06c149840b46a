//! Data of several pages: applications and users.

use crate::render::layout::initials;
use crate::types::User;

/// An application, as shown to users.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// Its name for use within a sentence: see [`isolated`].
    ///
    /// [`isolated`]: crate::render::layout::isolated
    pub name: &'a str,
    /// The URL of its logo.
    pub logo: Option<&'a str>,
}

impl Client<'_> {
    pub(super) fn initials(&self) -> String {
        initials(self.name)
    }
}

/// A user, as shown to themselves.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The display name, else the username.
    pub name: &'a str,
    /// The e-mail address, else the username.
    pub handle: &'a str,
}

impl<'a> Person<'a> {
    /// The user of an account.
    pub fn of(user: &'a User) -> Self {
        Self { name: user.display_name(), handle: user.email.as_deref().unwrap_or(&user.username) }
    }

    pub(super) fn initials(&self) -> String {
        initials(self.name)
    }

    /// The handle in two parts, between which a long address may wrap: before its `@`.
    pub(super) fn halves(&self) -> (&'a str, &'a str) {
        self.handle.split_at(self.handle.rfind('@').unwrap_or(self.handle.len()))
    }
}
