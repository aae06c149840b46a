//! Fields of client metadata, as templates see them.

use super::words::{FieldText, WORDS, Words};
use super::{Member, Shape, Typed, lines};
use crate::render::words::Language;
use crate::types::Resource;
use crate::types::client::{AuthMethod, GrantType, TokenFormat};

/// A field of a form.
#[derive(Debug)]
pub(in crate::console) struct Field {
    /// The member.
    pub(in crate::console) member: Member,
    /// Its label and its meaning.
    pub(in crate::console) text: &'static FieldText,
    /// What is shown if there is nothing to choose.
    pub(in crate::console) none: &'static str,
    /// Whether it must be filled in.
    pub(in crate::console) is_required: bool,
    /// How it is filled in.
    pub(in crate::console) control: Control,
    /// The present value, for administrators who cannot change it.
    pub(in crate::console) values: Vec<String>,
}

/// How a field is filled in.
#[derive(Debug)]
pub(in crate::console) enum Control {
    /// One line.
    Line(String),
    /// One value a line: the text, and the number of lines to show.
    Lines(String, usize),
    /// A number.
    Number(String),
    /// A box to tick.
    Flag(bool),
    /// One of several.
    One(Vec<Choice>),
    /// Some of several.
    Many(Vec<Choice>),
}

/// A value to choose.
#[derive(Debug)]
pub(in crate::console) struct Choice {
    /// The value.
    pub(in crate::console) value: String,
    /// Its name, if it has one.
    pub(in crate::console) name: String,
    /// Whether it is chosen.
    pub(in crate::console) is_chosen: bool,
}

/// What fields are made from.
#[derive(Clone, Copy, Debug)]
pub(in crate::console) struct Source<'a> {
    pub(super) typed: &'a Typed,
    pub(super) apis: &'a [Resource],
    pub(super) language: Language,
}

impl<'a> Source<'a> {
    /// Fields with what was typed, in this language. `apis` are the APIs to choose from.
    pub(in crate::console) const fn new(
        typed: &'a Typed,
        apis: &'a [Resource],
        language: Language,
    ) -> Self {
        Self { typed, apis, language }
    }

    /// The field of a member.
    pub(in crate::console) fn field(&self, member: Member) -> Field {
        let words = WORDS.in_language(self.language);
        let control = self.control(member, words);
        Field {
            member,
            text: words.field(member),
            none: words.no_apis,
            is_required: false,
            values: self.values(&control, words),
            control,
        }
    }

    fn control(&self, member: Member, words: &Words) -> Control {
        let text = self.typed.text(member).to_owned();
        match member.shape() {
            Shape::Text | Shape::Optional | Shape::Claims => Control::Line(text),
            Shape::Lines => {
                let rows = text.lines().count().clamp(2, 10);
                Control::Lines(text, rows)
            }
            Shape::Number => Control::Number(text),
            Shape::Flag => Control::Flag(text == "true"),
            Shape::Method => {
                Control::One(choices(AuthMethod::ALL.iter().map(|one| one.as_str()), &text))
            }
            Shape::Grants => {
                Control::Many(choices(GrantType::ALL.iter().map(|one| one.as_str()), &text))
            }
            Shape::Format => {
                let default = Choice {
                    value: String::new(),
                    name: words.default_format.to_owned(),
                    is_chosen: text.is_empty(),
                };
                let formats = choices(TokenFormat::ALL.iter().map(|one| one.as_str()), &text);
                Control::One(std::iter::once(default).chain(formats).collect())
            }
            Shape::Apis => Control::Many(self.api_choices(&text)),
        }
    }

    /// The registered APIs, and those that are chosen without being registered.
    fn api_choices(&self, text: &str) -> Vec<Choice> {
        let is_chosen = |id: &str| lines(text).any(|line| line == id);
        let registered = self.apis.iter().map(|api| Choice {
            value: api.id.to_string(),
            name: api.name.clone(),
            is_chosen: is_chosen(api.id.as_str()),
        });
        let others =
            lines(text).filter(|line| self.apis.iter().all(|api| api.id.as_str() != *line));
        let others = others.map(|line| Choice {
            value: line.to_owned(),
            name: String::new(),
            is_chosen: true,
        });
        registered.chain(others).collect()
    }

    fn values(&self, control: &Control, words: &Words) -> Vec<String> {
        match control {
            Control::Line(text) | Control::Lines(text, _) | Control::Number(text) => {
                lines(text).map(str::to_owned).collect()
            }
            Control::Flag(is_set) => {
                vec![if *is_set { words.yes } else { words.no }.to_owned()]
            }
            Control::One(choices) | Control::Many(choices) => {
                let chosen = choices.iter().filter(|choice| choice.is_chosen);
                chosen.map(|one| one.shown().to_owned()).collect()
            }
        }
    }
}

impl Choice {
    /// What identifies it.
    fn shown(&self) -> &str {
        if self.value.is_empty() { &self.name } else { &self.value }
    }
}

fn choices(values: impl Iterator<Item = &'static str>, chosen: &str) -> Vec<Choice> {
    let choice = |value: &str| Choice {
        value: value.to_owned(),
        name: String::new(),
        is_chosen: lines(chosen).any(|line| line == value),
    };
    values.map(choice).collect()
}

impl Field {
    /// The same field, which must be filled in.
    pub(in crate::console) fn required(self) -> Self {
        Self { is_required: true, ..self }
    }
}
