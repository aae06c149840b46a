//! `gatewright client`: OAuth clients.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;

use super::card::card;
use super::client_metadata::Options;
use super::context::Context;
use super::print::{Listing, Output};
use crate::admin::PAGE_SIZE;
use crate::admin::client::{self, document, registered_document};
use crate::flow::clients::metadata::warnings;
use crate::flow::clients::registration::Registered;
use crate::types::{Client, Seconds};

/// `gatewright client …`
#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Register a client. Prints its metadata and its secret, which is never shown again, as JSON; at a
    /// terminal, as a summary with the next steps.
    #[command(after_help = "\
Examples:
  gatewright client create --name Photos --redirect-uri https://photos.example.org/callback \\
      --grant-type authorization_code --grant-type refresh_token

  gatewright client create --name 'Photos on the phone' --public --native \\
      --redirect-uri org.example.photos:/callback

  gatewright client create --name Nightly --grant-type client_credentials --scope invoices.read \\
      --resource https://api.example.org/invoices

  gatewright client create --metadata photos.json
  jq '.client_name = \"Copy\"' photos.json | gatewright client create --metadata -

Metadata is named as in RFC 7591 section 2 and OpenID Connect Registration section 2; extensions begin
with gw_. An option overrides the same member of the file.")]
    Create(Create),
    /// List all clients.
    #[command(after_help = "\
Examples:
  gatewright client list
  gatewright --json client list | jq -r '.[].client_id'")]
    List,
    /// Print the metadata of a client as JSON, without its secrets.
    #[command(after_help = "\
Example:
  gatewright client show 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f > photos.json")]
    Show(Which),
    /// Change the metadata of a client: replace it by a file, or change single members.
    #[command(after_help = "\
Examples:
  gatewright client update 0198c2f0-… --redirect-uri https://photos.example.org/callback \\
      --redirect-uri https://beta.photos.example.org/callback

  gatewright client show 0198c2f0-… | jq '.gw_skip_consent = true' \\
      | gatewright client update 0198c2f0-… --metadata -

A file replaces all metadata; an option replaces its member, a list as a whole. If the authentication method
changes to one that needs a secret, a new secret is issued.")]
    Update(Update),
    /// Disable a client: refuse its requests and its tokens until it is enabled.
    #[command(after_help = "\
Examples:
  gatewright client disable 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f
  gatewright client disable Photos")]
    Disable(Which),
    /// Enable a disabled client.
    #[command(after_help = "\
Example:
  gatewright client enable 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f")]
    Enable(Which),
    /// Issue a new client secret; the current one stays valid for an overlap period.
    #[command(after_help = "\
Examples:
  gatewright client rotate-secret 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f
  gatewright client rotate-secret 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f --overlap 0

At most two secrets are valid: any older one is revoked immediately. --overlap 0 revokes the current one
immediately too; use it after a leak.")]
    RotateSecret(RotateSecret),
    /// Delete a client, with its consents and tokens.
    #[command(after_help = "\
Example:
  gatewright client delete 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f")]
    Delete(Which),
}

/// `gatewright client create`
#[derive(Debug, Args)]
pub(super) struct Create {
    #[command(flatten)]
    options: Options,
}

/// `gatewright client update`
#[derive(Debug, Args)]
pub(super) struct Update {
    /// The client_id or name of the client.
    client: String,
    #[command(flatten)]
    options: Options,
}

/// The client that a command is about.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// The client_id or name of the client.
    client: String,
}

/// `gatewright client rotate-secret`
#[derive(Debug, Args)]
pub(super) struct RotateSecret {
    /// The client_id or name of the client.
    client: String,
    /// How long the current secret stays valid, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    overlap: i64,
}

impl ClientCommand {
    /// Runs the command.
    pub(super) async fn run(self, context: &Context) -> Result<Output> {
        let call = context.call();
        match self {
            Self::Create(new) => {
                let created = client::create(&call, &new.options.description()?).await?.result;
                let card = card(&context.config.issuer, &created, "is registered");
                Ok(registered(context, &created).with_card(card))
            }
            Self::List => list(context).await,
            Self::Show(which) => {
                let client = client::find(&call, &which.client).await?;
                Ok(Output::document(document(&client, context.now())))
            }
            Self::Update(changes) => {
                let client = client::find(&call, &changes.client).await?;
                let description = changes.options.description()?;
                let updated = client::update(&call, &client, &description).await?.result;
                Ok(registered(context, &updated))
            }
            Self::RotateSecret(which) => {
                let client = client::find(&call, &which.client).await?;
                let rotated = client::rotate_secret(&call, &client, Seconds(which.overlap)).await?;
                let card = card(&context.config.issuer, &rotated.result, "has a new secret");
                Ok(registered(context, &rotated.result).with_card(card))
            }
            Self::Disable(which) => {
                let id = client::find(&call, &which.client).await?.id;
                let client = client::disable(&call, &id).await?.result;
                let text = format!("disabled client {id}");
                Ok(Output::line(text, document(&client, context.now())))
            }
            Self::Enable(which) => {
                let id = client::find(&call, &which.client).await?.id;
                let client = client::enable(&call, &id).await?.result;
                let text = format!("enabled client {id}");
                Ok(Output::line(text, document(&client, context.now())))
            }
            Self::Delete(which) => {
                let id = client::find(&call, &which.client).await?.id;
                client::delete(&call, &id).await?;
                let text = format!("deleted client {id}; all its tokens are revoked");
                Ok(Output::line(text, json!({ "client_id": id })))
            }
        }
    }
}

async fn list(context: &Context) -> Result<Output> {
    let headings = ["CLIENT_ID", "NAME", "AUTHENTICATION", "GRANTS", "STATE"];
    let mut listing = Listing::new(headings, context.is_json);
    let mut after = None;
    loop {
        let page = client::page(&context.call(), after.as_ref(), PAGE_SIZE).await?;
        listing.page(&page.items, cells, |client| document(client, context.now()))?;
        if page.is_last {
            return Ok(listing.end("no clients")?);
        }
        after = page.items.last().map(|client| client.id.clone());
    }
}

fn cells(client: &Client) -> [String; 5] {
    let grants: Vec<_> = client.metadata.grant_types.iter().map(|grant| grant.as_str()).collect();
    let state = client.disabled_at.map(|at| format!("disabled {at}"));
    [
        client.id.to_string(),
        client.metadata.client_name.clone(),
        client.metadata.token_endpoint_auth_method.as_str().to_owned(),
        grants.join(" "),
        state.unwrap_or_else(|| "enabled".to_owned()),
    ]
}

/// The registered client, with its new secret if there is one, and warnings about its metadata.
fn registered(context: &Context, registered: &Registered) -> Output {
    let document = registered_document(registered, context.now());
    Output::document(document).with_warnings(warnings(&registered.client.metadata))
}
