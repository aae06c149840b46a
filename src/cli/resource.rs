//! `gatewright resource`: APIs (resource servers).

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::json;

use super::context::Context;
use super::exit::Wrong;
use super::language::{language, name_in};
use super::print::Output;
use crate::admin::resource::{self, Changes};
use crate::types::client::TokenFormat;
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
    pub(super) async fn run(self, context: &Context) -> Result<Output> {
        let call = context.call();
        match self {
            Self::Create(new) => {
                let changes = Changes { name: Some(new.name), ..new.options.changes()? };
                let id = ResourceId::from_text(new.resource);
                let created = resource::create(&call, id, &changes).await?.result;
                Ok(Output::line(format!("registered API {}", created.id), json!(created)))
            }
            Self::List => list(context).await,
            Self::Update(options) => {
                let changes = Changes { name: options.name, ..options.options.changes()? };
                let id = ResourceId::from_text(options.resource);
                let updated = resource::update(&call, &id, &changes).await?.result;
                Ok(Output::line(format!("updated API {}", updated.id), json!(updated)))
            }
            Self::Delete(which) => {
                let id = ResourceId::from_text(which.resource);
                resource::delete(&call, &id).await?;
                Ok(Output::line(format!("deleted API {id}"), json!({ "id": id })))
            }
        }
    }
}

impl Options {
    fn changes(&self) -> Result<Changes> {
        let mut changes = Changes {
            token_format: self.token_format.as_deref().and_then(TokenFormat::parse),
            token_lifetime: self.token_lifetime.map(Seconds),
            ..Changes::default()
        };
        for option in &self.scopes {
            let Some((name, text)) = option.split_once('=') else {
                return Err(Wrong(format!(
                    "scope {option} has no text: expected a form such as --scope {option}='What it allows'"
                ))
                .into());
            };
            changes.scopes.push((name.to_owned(), text.trim().to_owned()));
        }
        for option in &self.sensitive {
            let (name, is_sensitive) = match option.split_once('=') {
                None => (option.as_str(), true),
                Some((name, "true")) => (name, true),
                Some((name, "false")) => (name, false),
                Some((_, other)) => {
                    let text = format!("--sensitive {option}: {other} is not true or false");
                    return Err(Wrong(text).into());
                }
            };
            changes.sensitive.push((name.to_owned(), is_sensitive));
        }
        for option in &self.scopes_in {
            let Some(((name, tag), text)) =
                option.split_once('=').and_then(|(key, text)| Some((key.rsplit_once('#')?, text)))
            else {
                return Err(Wrong(format!(
                    "--scope-in {option}: expected a form such as --scope-in invoices.read#de='Ihre Rechnungen lesen'"
                ))
                .into());
            };
            changes.scope_texts.push((name.to_owned(), language(tag)?, text.trim().to_owned()));
        }
        for option in &self.names_in {
            let (tag, name) = name_in(option)?;
            changes.names.push((tag, name.to_owned()));
        }
        Ok(changes)
    }
}

async fn list(context: &Context) -> Result<Output> {
    let all = resource::list(&context.call()).await?;
    let rows: Vec<_> = all.iter().map(cells).collect();
    let headings = ["RESOURCE", "NAME", "TOKENS", "LIFETIME", "SCOPES"];
    Ok(Output::table(&headings, &rows, "no APIs", json!(all)))
}

fn cells(resource: &Resource) -> Vec<String> {
    let format = resource.access_token_format.unwrap_or(TokenFormat::Jwt);
    let lifetime = resource.access_token_lifetime;
    vec![
        resource.id.to_string(),
        resource.name.clone(),
        format.as_str().to_owned(),
        lifetime.map_or_else(|| "default".to_owned(), |seconds| format!("{} s", seconds.0)),
        resource.scope().to_string(),
    ]
}
