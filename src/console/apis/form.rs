//! The form of an API: what was typed, and what it changes.

use crate::admin::resource::Changes;
use crate::types::client::TokenFormat;
use crate::types::{Code, Params, Refusal, Resource, Seconds};

/// The most rows: a form has at most 100 parameters.
pub(super) const MOST_ROWS: usize = 30;

/// The empty rows that are offered.
const SPARE: usize = 3;

/// What was typed.
#[derive(Clone, Debug, Default)]
pub(in crate::console) struct Form {
    /// The identifier, of a new API.
    pub(in crate::console) id: String,
    /// The name.
    pub(in crate::console) name: String,
    /// The scopes, then empty rows.
    pub(in crate::console) rows: Vec<Row>,
    /// The format of access tokens.
    pub(in crate::console) format: String,
    /// The lifetime of access tokens.
    pub(in crate::console) lifetime: String,
}

/// A scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::console) struct Row {
    /// The scope token.
    pub(in crate::console) name: String,
    /// What the user permits.
    pub(in crate::console) text: String,
    /// Whether users should take a second look.
    pub(in crate::console) is_sensitive: bool,
}

impl Row {
    const fn is_empty(&self) -> bool {
        self.name.is_empty() && self.text.is_empty()
    }
}

impl Form {
    /// The form of a new API.
    pub(super) fn empty() -> Self {
        Self::default().with_spare_rows()
    }

    /// The form of an API.
    pub(super) fn of(api: &Resource) -> Self {
        let rows = api.scopes.iter().map(|scope| Row {
            name: scope.name.clone(),
            text: scope.text.clone(),
            is_sensitive: scope.sensitive,
        });
        let form = Self {
            id: api.id.to_string(),
            name: api.name.clone(),
            rows: rows.collect(),
            format: api.access_token_format.map(TokenFormat::as_str).unwrap_or_default().to_owned(),
            lifetime: api.access_token_lifetime.map(|one| one.0.to_string()).unwrap_or_default(),
        };
        form.with_spare_rows()
    }

    /// Reads the form.
    ///
    /// # Errors
    /// `invalid_request` for a malformed parameter.
    pub(super) fn read(params: &Params) -> Result<Self, Refusal> {
        let text =
            |name: &str| Ok::<_, Refusal>(params.one(name)?.unwrap_or_default().trim().to_owned());
        let mut rows = Vec::new();
        for row in 0..MOST_ROWS {
            let row = Row {
                name: text(&format!("scope.{row}"))?,
                text: text(&format!("text.{row}"))?,
                is_sensitive: params.one(&format!("sensitive.{row}"))?.is_some(),
            };
            if !row.is_empty() {
                rows.push(row);
            }
        }
        let form = Self {
            id: text("id")?,
            name: text("name")?,
            rows,
            format: text("access_token_format")?,
            lifetime: text("access_token_lifetime")?,
        };
        Ok(form.with_spare_rows())
    }

    fn with_spare_rows(mut self) -> Self {
        if self.rows.len() <= MOST_ROWS {
            self.rows.resize((self.rows.len() + SPARE).min(MOST_ROWS), Row::default());
        }
        self
    }

    /// Whether the API has more scopes than the form has rows.
    pub(super) const fn is_too_long(&self) -> bool {
        self.rows.len() > MOST_ROWS
    }

    /// What the form declares.
    ///
    /// # Errors
    /// `invalid_request` for a lifetime that is not a number.
    pub(super) fn changes(&self) -> Result<Changes, Refusal> {
        let rows = self.rows.iter().filter(|row| !row.is_empty());
        let lifetime = match self.lifetime.as_str() {
            "" => None,
            text => Some(Seconds(text.parse().map_err(|_| {
                Code::InvalidRequest
                    .because("access_token_lifetime is not a number of seconds")
                    .with("access_token_lifetime", text.escape_debug())
            })?)),
        };
        Ok(Changes {
            name: Some(self.name.clone()),
            scopes: rows.clone().map(|row| (row.name.clone(), row.text.clone())).collect(),
            sensitive: rows.map(|row| (row.name.clone(), row.is_sensitive)).collect(),
            token_format: TokenFormat::parse(&self.format),
            token_lifetime: lifetime,
            ..Changes::default()
        })
    }
}
