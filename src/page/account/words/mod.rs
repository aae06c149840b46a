//! The texts of the account page: a file for each section.

pub mod details;
pub mod page;
pub mod password;
pub mod security;

use crate::render::activity;
use crate::render::words::Language;

/// The texts of the account page in one language.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// The sessions, the applications and the navigation.
    pub page: &'static page::Words,
    /// The stored details of the user.
    pub details: &'static details::Words,
    /// How the user authenticates.
    pub security: &'static security::Words,
    /// The recent events.
    pub activity: &'static activity::Words,
    /// The form that changes the password.
    pub password: &'static password::Words,
}

impl Words {
    /// The texts in this language.
    pub fn in_language(language: Language) -> Self {
        Self {
            page: page::WORDS.in_language(language),
            details: details::WORDS.in_language(language),
            security: security::WORDS.in_language(language),
            activity: activity::WORDS.in_language(language),
            password: password::WORDS.in_language(language),
        }
    }
}
