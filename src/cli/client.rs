//! `gatewright client`: OAuth clients.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::card;
use super::client_metadata::{Described, document};
use super::desk::Desk;
use super::named;
use super::print::Output;
use crate::flow::clients::metadata::warnings;
use crate::flow::clients::registration::{Registered, Registrar};
use crate::flow::keys::kek;
use crate::outbound::Outbound;
use crate::store::clients;
use crate::types::client::AuthMethod;
use crate::types::{ClientId, Seconds, Timestamp};

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
    described: Described,
}

/// `gatewright client update`
#[derive(Debug, Args)]
pub(super) struct Update {
    /// The client_id or name of the client.
    client: String,
    #[command(flatten)]
    described: Described,
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
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Output> {
        match self {
            Self::Create(new) => create(desk, &new.described).await,
            Self::List => list(desk).await,
            Self::Show(which) => {
                let client = named::client(desk, &which.client).await?;
                Ok(Output::document(document(&client, desk.now())))
            }
            Self::Update(changes) => update(desk, &changes).await,
            Self::RotateSecret(which) => rotate_secret(desk, &which).await,
            Self::Disable(which) => {
                let id = named::client(desk, &which.client).await?.id;
                registrar(desk, &outbound(desk)?).disable(&id).await?;
                after(desk, &id, "disabled client").await
            }
            Self::Enable(which) => {
                let id = named::client(desk, &which.client).await?.id;
                registrar(desk, &outbound(desk)?).enable(&id).await?;
                after(desk, &id, "enabled client").await
            }
            Self::Delete(which) => {
                let id = named::client(desk, &which.client).await?.id;
                registrar(desk, &outbound(desk)?).delete(&id).await?;
                let text = format!("deleted client {id}; all its tokens are revoked");
                Ok(Output::line(text, json!({ "client_id": id })))
            }
        }
    }
}

fn outbound(desk: &Desk) -> anyhow::Result<Outbound> {
    Ok(Outbound::new(&desk.config.outbound)?)
}

fn registrar<'a>(desk: &'a Desk, outbound: &'a Outbound) -> Registrar<'a> {
    Registrar { context: desk.context(), outbound, kek: None }
}

async fn create(desk: &Desk, described: &Described) -> anyhow::Result<Output> {
    let metadata = described.applied_to(None)?;
    let outbound = outbound(desk)?;
    let kek = kek_for(desk, metadata.token_endpoint_auth_method).await?;
    let registrar = Registrar { kek: kek.as_ref(), ..registrar(desk, &outbound) };
    let made = registrar.create(metadata).await?;
    Ok(registered(&made, desk.now()).with_card(card::card(
        &desk.config.issuer,
        &made,
        "is registered",
    )))
}

async fn update(desk: &Desk, changes: &Update) -> anyhow::Result<Output> {
    let client = named::client(desk, &changes.client).await?;
    let metadata = changes.described.applied_to(Some(&client))?;
    let outbound = outbound(desk)?;
    let kek = kek_for(desk, metadata.token_endpoint_auth_method).await?;
    let registrar = Registrar { kek: kek.as_ref(), ..registrar(desk, &outbound) };
    Ok(registered(&registrar.update(&client, metadata).await?, desk.now()))
}

async fn rotate_secret(desk: &Desk, which: &RotateSecret) -> anyhow::Result<Output> {
    let client = named::client(desk, &which.client).await?;
    let outbound = outbound(desk)?;
    let kek = kek_for(desk, client.metadata.token_endpoint_auth_method).await?;
    let registrar = Registrar { kek: kek.as_ref(), ..registrar(desk, &outbound) };
    let renewed = registrar.rotate_secret(&client, Seconds(which.overlap)).await?;
    Ok(registered(&renewed, desk.now()).with_card(card::card(
        &desk.config.issuer,
        &renewed,
        "has a new secret",
    )))
}

/// The key-encryption key, if the method needs a sealed secret. Administering other clients does not need it.
async fn kek_for(desk: &Desk, method: AuthMethod) -> anyhow::Result<Option<crate::jose::Kek>> {
    if method != AuthMethod::ClientSecretJwt {
        return Ok(None);
    }
    Ok(Some(kek::open(&desk.config.keys, &desk.store).await?))
}

async fn list(desk: &Desk) -> anyhow::Result<Output> {
    let all = clients::all(desk.store.db()).await?;
    let rows: Vec<_> = all
        .iter()
        .map(|client| {
            let grants: Vec<_> =
                client.metadata.grant_types.iter().map(|grant| grant.as_str()).collect();
            let state = client.disabled_at.map(|at| format!("disabled {at}"));
            vec![
                client.id.to_string(),
                client.metadata.client_name.clone(),
                client.metadata.token_endpoint_auth_method.as_str().to_owned(),
                grants.join(" "),
                state.unwrap_or_else(|| "enabled".to_owned()),
            ]
        })
        .collect();
    let headings = ["CLIENT_ID", "NAME", "AUTHENTICATION", "GRANTS", "STATE"];
    let json = all.iter().map(|client| document(client, desk.now())).collect();
    Ok(Output::table(&headings, &rows, "no clients", json))
}

async fn after(desk: &Desk, id: &ClientId, what: &str) -> anyhow::Result<Output> {
    let client = named::client(desk, id.as_str()).await?;
    Ok(Output::line(format!("{what} {id}"), document(&client, desk.now())))
}

/// RFC 7591 §3.2.1: the registered client, with its new secret if there is one. No other command prints
/// client secrets.
fn registered(registered: &Registered, now: Timestamp) -> Output {
    let mut told = document(&registered.client, now);
    if let (Some(secret), Some(document)) = (&registered.secret, told.as_object_mut()) {
        document.insert("client_secret".to_owned(), Value::from(secret.0.expose()));
    }
    Output::document(told).with_warnings(warnings(&registered.client.metadata))
}
