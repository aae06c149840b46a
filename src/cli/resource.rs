//! `gatewright resource`: APIs (resource servers).

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::json;

use super::desk::Desk;
use super::exit::{Absent, Wrong};
use super::language::{language, name_in};
use super::print::Output;
use crate::flow::clients::resources;
use crate::store;
use crate::types::client::TokenFormat;
use crate::types::language::Translations;
use crate::types::resource::DeclaredScope;
use crate::types::{Resource, ResourceId, Seconds};

/// `gatewright resource …`
#[derive(Debug, Subcommand)]
pub(super) enum ResourceCommand {
    /// Register an API with its scopes and the format of its access tokens.
    #[command(after_help = "\
Examples:
  gatewright resource create https://api.example.org/invoices --name Invoices \\
      --scope invoices.read='Read your invoices' --scope invoices.pay='Pay your invoices'

  # invoices.pay is marked as sensitive and listed first; all texts also in German.
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
    /// Change an API. Values that no option names stay as they are.
    #[command(after_help = "\
Examples:
  gatewright resource update https://api.example.org/invoices --token-lifetime 600
  gatewright resource update https://api.example.org/invoices --scope invoices.read='See invoices'
  gatewright resource update https://api.example.org/invoices --scope-in invoices.read#fr='Lire vos factures'
  gatewright resource update https://api.example.org/invoices --sensitive invoices.pay=false

--scope options replace all registered scopes. A scope of the same name stays sensitive, and keeps its
translations if its text is unchanged.")]
    Update(Update),
    /// Delete an API; no more tokens are issued for it.
    #[command(after_help = "\
Example:
  gatewright resource delete https://api.example.org/invoices")]
    Delete(Which),
}

/// `gatewright resource create`
#[derive(Debug, Args)]
pub(super) struct Create {
    /// The identifier of the API: an absolute URI, the resource of RFC 8707 and the aud of its tokens.
    resource: String,
    /// The name shown to users.
    #[arg(long)]
    name: String,
    #[command(flatten)]
    options: Options,
}

/// `gatewright resource update`
#[derive(Debug, Args)]
pub(super) struct Update {
    /// The identifier of the API.
    resource: String,
    /// The name shown to users.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    options: Options,
}

/// The options that `create` and `update` share.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// A scope and its text for the consent page; repeatable.
    #[arg(long = "scope", value_name = "SCOPE=TEXT")]
    scopes: Vec<String>,
    /// Mark a scope as sensitive: the consent page lists it first, with a mark; repeatable.
    #[arg(long = "sensitive", value_name = "SCOPE[=BOOL]")]
    sensitive: Vec<String>,
    /// The text of a scope in another language; an empty text removes it; repeatable.
    #[arg(long = "scope-in", value_name = "SCOPE#LANGUAGE=TEXT")]
    scopes_in: Vec<String>,
    /// The name in another language; an empty name removes it; repeatable.
    #[arg(long = "name-in", value_name = "LANGUAGE=NAME")]
    names_in: Vec<String>,
    /// The format of access tokens [default: jwt].
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    token_format: Option<String>,
    /// The lifetime of access tokens in seconds [default: tokens.access_token_lifetime].
    #[arg(long, value_name = "SECONDS")]
    token_lifetime: Option<i64>,
}

/// The API that a command is about.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// The identifier of the API.
    resource: String,
}

fn formats() -> PossibleValuesParser {
    TokenFormat::ALL.iter().map(|format| format.as_str()).collect::<Vec<_>>().into()
}

impl ResourceCommand {
    /// Runs the command.
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Output> {
        match self {
            Self::Create(new) => create(desk, new).await,
            Self::List => list(desk).await,
            Self::Update(changes) => update(desk, changes).await,
            Self::Delete(which) => delete(desk, &which.resource).await,
        }
    }
}

impl Options {
    fn apply_to(self, resource: &mut Resource) -> anyhow::Result<()> {
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
                    return Err(Wrong(format!(
                        "--sensitive {text}: {other} is neither true nor false"
                    ))
                    .into());
                }
            };
            declared(&mut resource.scopes, name)?.sensitive = is_so;
        }
        for given in &self.scopes_in {
            let Some(((name, tag), text)) =
                given.split_once('=').and_then(|(key, text)| Some((key.rsplit_once('#')?, text)))
            else {
                return Err(Wrong(format!(
                    "--scope-in {given}: expected a form such as --scope-in invoices.read#de='Ihre Rechnungen lesen'"
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

/// Parses `SCOPE=TEXT`. An existing scope of that name stays sensitive, and keeps the translations of an
/// unchanged text.
fn scope(text: &str, before: &[DeclaredScope]) -> Result<DeclaredScope, Wrong> {
    let Some((name, text)) = text.split_once('=') else {
        return Err(Wrong(format!(
            "scope {text} has no text: expected a form such as --scope {text}='What it allows'"
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

async fn create(desk: &Desk, new: Create) -> anyhow::Result<Output> {
    let mut resource = Resource {
        id: ResourceId::from_text(new.resource),
        name: new.name,
        scopes: Vec::new(),
        access_token_format: None,
        access_token_lifetime: None,
        translations: Translations::default(),
    };
    new.options.apply_to(&mut resource)?;
    resources::create(&desk.store, &desk.config.issuer, &resource, &desk.trace).await?;
    Ok(Output::line(format!("registered API {}", resource.id), json!(resource)))
}

async fn list(desk: &Desk) -> anyhow::Result<Output> {
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
    Ok(Output::table(&headings, &rows, "no APIs", json!(all)))
}

async fn update(desk: &Desk, changes: Update) -> anyhow::Result<Output> {
    let mut resource = find(desk, &changes.resource).await?;
    if let Some(name) = changes.name {
        resource.name = name;
    }
    changes.options.apply_to(&mut resource)?;
    resources::update(&desk.store, &desk.config.issuer, &resource, &desk.trace).await?;
    Ok(Output::line(format!("updated API {}", resource.id), json!(resource)))
}

async fn delete(desk: &Desk, id: &str) -> anyhow::Result<Output> {
    let id = ResourceId::from_text(id);
    resources::delete(&desk.store, &id, &desk.trace).await?;
    Ok(Output::line(format!("deleted API {id}"), json!({ "id": id })))
}

async fn find(desk: &Desk, id: &str) -> anyhow::Result<Resource> {
    let all = store::resources::all(desk.store.db()).await?;
    let found = all.into_iter().find(|resource| resource.id.as_str() == id);
    let unknown = || Absent(format!("there is no API {id}: gatewright resource list"));
    Ok(found.ok_or_else(unknown)?)
}
