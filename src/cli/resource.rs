//! `gatewright resource`: APIs.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::json;

use super::desk::Desk;
use super::exit::{Absent, Wrong};
use super::language::{language, name_in};
use super::print::Answer;
use crate::flow::resources;
use crate::store;
use crate::types::client::TokenFormat;
use crate::types::language::Translations;
use crate::types::resource::DeclaredScope;
use crate::types::{Resource, ResourceId, Seconds};

/// What can be done with resources.
#[derive(Debug, Subcommand)]
pub(super) enum ResourceCommand {
    /// Register an API, its scopes and how its tokens look.
    #[command(after_help = "\
Examples:
  gatewright resource create https://api.example.org/invoices --name Invoices \\
      --scope invoices.read='Read your invoices' --scope invoices.pay='Pay your invoices'

  # Listed first and marked: invoices.pay. In English, and in German on German pages.
  gatewright resource create https://api.example.org/invoices --name Invoices --name-in de=Rechnungen \\
      --scope invoices.read='Read your invoices' --scope-in invoices.read#de='Ihre Rechnungen lesen' \\
      --scope invoices.pay='Pay your invoices' --scope-in invoices.pay#de='Ihre Rechnungen bezahlen' \\
      --sensitive invoices.pay

  gatewright resource create https://api.example.org/audit --name Audit --token-format opaque \\
      --token-lifetime 60")]
    Create(Create),
    /// List all APIs.
    #[command(after_help = "\
Examples:
  gatewright resource list
  gatewright --json resource list")]
    List,
    /// Change what was registered; what is not named stays as it is.
    #[command(after_help = "\
Examples:
  gatewright resource update https://api.example.org/invoices --token-lifetime 600
  gatewright resource update https://api.example.org/invoices --scope invoices.read='See invoices'
  gatewright resource update https://api.example.org/invoices --scope-in invoices.read#fr='Lire vos factures'
  gatewright resource update https://api.example.org/invoices --sensitive invoices.pay=false

Scopes that are given replace all of those that were registered. One of the same name stays sensitive, and keeps
its texts in other languages if its text is the same.")]
    Update(Update),
    /// Delete an API: nobody gets a token for it any more.
    #[command(after_help = "\
Example:
  gatewright resource delete https://api.example.org/invoices")]
    Delete(Which),
}

/// A new API.
#[derive(Debug, Args)]
pub(super) struct Create {
    /// Its identifier: an absolute URI, the `resource` of RFC 8707 and the `aud` of its tokens.
    resource: String,
    /// What people call it.
    #[arg(long)]
    name: String,
    #[command(flatten)]
    rest: Rest,
}

/// Changes to an API.
#[derive(Debug, Args)]
pub(super) struct Update {
    /// Its identifier.
    resource: String,
    /// What people call it.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    rest: Rest,
}

/// What both have.
#[derive(Debug, Args)]
pub(super) struct Rest {
    /// A scope, and what it allows in the words of the consent page; may be repeated.
    #[arg(long = "scope", value_name = "SCOPE=TEXT")]
    scopes: Vec<String>,
    /// A scope that deserves care: the consent page lists it first, and marks it; may be repeated.
    #[arg(long = "sensitive", value_name = "SCOPE[=BOOL]")]
    sensitive: Vec<String>,
    /// The text of a scope in this language; an empty text removes it; may be repeated.
    #[arg(long = "scope-in", value_name = "SCOPE#LANGUAGE=TEXT")]
    scopes_in: Vec<String>,
    /// Its name in this language; an empty name removes it; may be repeated.
    #[arg(long = "name-in", value_name = "LANGUAGE=NAME")]
    names_in: Vec<String>,
    /// The format of its access tokens; jwt by default.
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    token_format: Option<String>,
    /// The lifetime of its access tokens in seconds; that of the configuration by default.
    #[arg(long, value_name = "SECONDS")]
    token_lifetime: Option<i64>,
}

/// Which API it concerns.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Its identifier.
    resource: String,
}

fn formats() -> PossibleValuesParser {
    TokenFormat::ALL.iter().map(|format| format.as_str()).collect::<Vec<_>>().into()
}

impl ResourceCommand {
    /// Does what was asked.
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        match self {
            Self::Create(new) => create(desk, new).await,
            Self::List => list(desk).await,
            Self::Update(changes) => update(desk, changes).await,
            Self::Delete(which) => delete(desk, &which.resource).await,
        }
    }
}

impl Rest {
    fn put_into(self, resource: &mut Resource) -> anyhow::Result<()> {
        if !self.scopes.is_empty() {
            let before = std::mem::take(&mut resource.scopes);
            resource.scopes =
                self.scopes.iter().map(|text| scope(text, &before)).collect::<Result<_, _>>()?;
        }
        for text in &self.sensitive {
            let (name, is_so) = match text.split_once('=') {
                None => (text.as_str(), true),
                Some((name, "true")) => (name, true),
                Some((name, "false")) => (name, false),
                Some((_, other)) => {
                    return Err(
                        Wrong(format!("--sensitive {text}: {other} is not true or false")).into()
                    );
                }
            };
            declared(&mut resource.scopes, name)?.sensitive = is_so;
        }
        for given in &self.scopes_in {
            let Some(((name, tag), text)) =
                given.split_once('=').and_then(|(key, text)| Some((key.rsplit_once('#')?, text)))
            else {
                return Err(Wrong(format!(
                    "--scope-in {given}: write --scope-in invoices.read#de='Ihre Rechnungen lesen'"
                ))
                .into());
            };
            let scope = declared(&mut resource.scopes, name)?;
            scope.translations.set("text", language(tag)?, text.trim());
        }
        for given in &self.names_in {
            let (tag, name) = name_in(given)?;
            resource.translations.set("name", tag, name);
        }
        if let Some(format) = self.token_format {
            resource.access_token_format = TokenFormat::parse(&format);
        }
        if let Some(lifetime) = self.token_lifetime {
            resource.access_token_lifetime = Some(Seconds(lifetime));
        }
        Ok(())
    }
}

/// A scope as it is written. What was declared of it before stays, as far as it is of the same text.
fn scope(text: &str, before: &[DeclaredScope]) -> Result<DeclaredScope, Wrong> {
    let Some((name, text)) = text.split_once('=') else {
        return Err(Wrong(format!(
            "the scope {text} has no text: write --scope {text}='What it allows'"
        )));
    };
    let (name, text) = (name.to_owned(), text.trim().to_owned());
    let same = before.iter().find(|scope| scope.name == name);
    let is_same_text = same.is_some_and(|scope| scope.text == text);
    Ok(DeclaredScope {
        name,
        text,
        sensitive: same.is_some_and(|scope| scope.sensitive),
        translations: same
            .filter(|_| is_same_text)
            .map(|scope| scope.translations.clone())
            .unwrap_or_default(),
    })
}

fn declared<'a>(
    scopes: &'a mut [DeclaredScope],
    name: &str,
) -> Result<&'a mut DeclaredScope, Wrong> {
    scopes.iter_mut().find(|scope| scope.name == name).ok_or_else(|| {
        Wrong(format!(
            "the API has no scope {name}: declare it with --scope {name}='What it allows'"
        ))
    })
}

async fn create(desk: &Desk, new: Create) -> anyhow::Result<Answer> {
    let mut resource = Resource {
        id: ResourceId::from_text(new.resource),
        name: new.name,
        scopes: Vec::new(),
        access_token_format: None,
        access_token_lifetime: None,
        translations: Translations::default(),
    };
    new.rest.put_into(&mut resource)?;
    resources::create(&desk.store, &desk.config.issuer, &resource, &desk.trace).await?;
    Ok(Answer::line(format!("registered the API {}", resource.id), json!(resource)))
}

async fn list(desk: &Desk) -> anyhow::Result<Answer> {
    let all = store::resources::all(desk.store.db()).await?;
    let rows: Vec<_> = all
        .iter()
        .map(|resource| {
            let format = resource.access_token_format.unwrap_or(TokenFormat::Jwt);
            let lifetime = resource.access_token_lifetime;
            vec![
                resource.id.to_string(),
                resource.name.clone(),
                format.as_str().to_owned(),
                lifetime.map_or_else(|| "default".to_owned(), |seconds| format!("{} s", seconds.0)),
                resource.scope().to_string(),
            ]
        })
        .collect();
    let headings = ["RESOURCE", "NAME", "TOKENS", "LIFETIME", "SCOPES"];
    Ok(Answer::table(&headings, &rows, "there are no APIs", json!(all)))
}

async fn update(desk: &Desk, changes: Update) -> anyhow::Result<Answer> {
    let mut resource = find(desk, &changes.resource).await?;
    if let Some(name) = changes.name {
        resource.name = name;
    }
    changes.rest.put_into(&mut resource)?;
    resources::update(&desk.store, &desk.config.issuer, &resource, &desk.trace).await?;
    Ok(Answer::line(format!("changed the API {}", resource.id), json!(resource)))
}

async fn delete(desk: &Desk, id: &str) -> anyhow::Result<Answer> {
    let id = ResourceId::from_text(id);
    resources::delete(&desk.store, &id, &desk.trace).await?;
    Ok(Answer::line(format!("deleted the API {id}"), json!({ "id": id })))
}

async fn find(desk: &Desk, id: &str) -> anyhow::Result<Resource> {
    let all = store::resources::all(desk.store.db()).await?;
    let found = all.into_iter().find(|resource| resource.id.as_str() == id);
    let unknown = || Absent(format!("there is no API {id}: gatewright resource list"));
    Ok(found.ok_or_else(unknown)?)
}
