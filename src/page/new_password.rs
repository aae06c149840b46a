//! The two fields of a new password that is set without a current one: at an invitation and a recovery.

use super::account::words::password::{WORDS, Words};
use crate::render::words::Language;
use crate::types::secret::same;
use crate::types::{Params, Refusal, Secret};

/// Why a new password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordProblem {
    /// The two entries differ.
    Differ,
    /// It is shorter than this.
    Short(usize),
    /// It is too long.
    Long,
    /// It is easy to guess.
    Weak,
}

impl PasswordProblem {
    /// The problem of a refusal; `None` if it is not about the password.
    pub(super) fn of(refusal: &Refusal, least: usize) -> Option<Self> {
        match refusal.why {
            "the password is too short" => Some(Self::Short(least)),
            "the password is too long" => Some(Self::Long),
            why if why.contains("password") => Some(Self::Weak),
            _ => None,
        }
    }
}

/// The new password of a form, typed twice.
pub(super) fn typed_twice(params: &Params) -> Result<Result<Secret, PasswordProblem>, Refusal> {
    let [new, again] = ["new", "again"].map(|name| params.one(name));
    let (new, again) = (new?.unwrap_or_default(), again?.unwrap_or_default());
    if !same(new.as_bytes(), again.as_bytes()) {
        return Ok(Err(PasswordProblem::Differ));
    }
    Ok(Ok(Secret::new(new)))
}

/// The fields, as `_new_password.html` sees them.
#[derive(Debug)]
pub(super) struct Fields {
    words: &'static Words,
    least: usize,
    problem: Option<PasswordProblem>,
}

impl Fields {
    pub(super) fn new(language: Language, least: usize, problem: Option<PasswordProblem>) -> Self {
        Self { words: WORDS.in_language(language), least, problem }
    }

    pub(super) const fn words(&self) -> &'static Words {
        self.words
    }

    pub(super) fn rule(&self) -> String {
        (self.words.rule)(self.least)
    }

    pub(super) const fn has_problem(&self) -> bool {
        self.problem.is_some()
    }

    /// The problem of the field with this name.
    pub(super) fn problem_of(&self, field: &str) -> Option<String> {
        let (at, text) = match self.problem? {
            PasswordProblem::Differ => ("again", self.words.differ.to_owned()),
            PasswordProblem::Short(least) => ("new", (self.words.short)(least)),
            PasswordProblem::Long => ("new", self.words.long.to_owned()),
            PasswordProblem::Weak => ("new", self.words.weak.to_owned()),
        };
        (at == field).then_some(text)
    }
}
