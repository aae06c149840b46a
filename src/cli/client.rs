//! `gatewright client`: applications.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::card;
use super::client_metadata::{Described, document};
use super::desk::Desk;
use super::named;
use super::print::Answer;
use crate::flow::client_metadata::warnings;
use crate::flow::kek;
use crate::flow::registration::{Registered, Registrar};
use crate::outbound::Outbound;
use crate::store::clients;
use crate::types::client::AuthMethod;
use crate::types::{ClientId, Seconds, Timestamp};

/// What can be done with clients.
#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Register an application; prints it as JSON, its secret for the only time. At a terminal it ends with
    /// a card instead: what to give the application, and what to do next.
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

The metadata has the names of RFC 7591 section 2 and OpenID Connect Registration section 2, and our
own, which begin with gw_. A flag stands above the same member of the file.")]
    Create(Create),
    /// List all applications.
    #[command(after_help = "\
Examples:
  gatewright client list
  gatewright --json client list | jq -r '.[].client_id'")]
    List,
    /// Print what is registered for an application, as JSON, without its secrets.
    #[command(after_help = "\
Example:
  gatewright client show 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f > photos.json")]
    Show(Which),
    /// Change what is registered: all of it by a file, or what the flags name.
    #[command(after_help = "\
Examples:
  gatewright client update 0198c2f0-… --redirect-uri https://photos.example.org/callback \\
      --redirect-uri https://beta.photos.example.org/callback

  gatewright client show 0198c2f0-… | jq '.gw_skip_consent = true' \\
      | gatewright client update 0198c2f0-… --metadata -

A file replaces everything that was registered; a flag replaces its member, lists as a whole. Where
the application proves itself in another way than before, it is given a new secret.")]
    Update(Update),
    /// Let an application do nothing any more, until it is enabled.
    #[command(after_help = "\
Examples:
  gatewright client disable 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f
  gatewright client disable Photos")]
    Disable(Which),
    /// Let a disabled application work again.
    #[command(after_help = "\
Example:
  gatewright client enable 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f")]
    Enable(Which),
    /// Give an application a new secret; the present one goes on working for a while.
    #[command(after_help = "\
Examples:
  gatewright client rotate-secret 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f
  gatewright client rotate-secret 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f --overlap 0

Two secrets work at most: whatever was older than the present one stops at once. With --overlap 0 the
present one stops at once too, which is right after a leak.")]
    RotateSecret(RotateSecret),
    /// Delete an application, and with it every consent and every token it was given.
    #[command(after_help = "\
Example:
  gatewright client delete 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f")]
    Delete(Which),
}

/// A new application.
#[derive(Debug, Args)]
pub(super) struct Create {
    #[command(flatten)]
    described: Described,
}

/// Changes to an application.
#[derive(Debug, Args)]
pub(super) struct Update {
    /// Its client_id or its name.
    client: String,
    #[command(flatten)]
    described: Described,
}

/// Which application it concerns.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Its client_id or its name.
    client: String,
}

/// A new secret.
#[derive(Debug, Args)]
pub(super) struct RotateSecret {
    /// Its client_id or its name.
    client: String,
    /// How long the present secret goes on working, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    overlap: i64,
}

impl ClientCommand {
    /// Does what was asked.
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        match self {
            Self::Create(new) => create(desk, &new.described).await,
            Self::List => list(desk).await,
            Self::Show(which) => {
                let client = named::client(desk, &which.client).await?;
                Ok(Answer::document(document(&client, desk.now())))
            }
            Self::Update(changes) => update(desk, &changes).await,
            Self::RotateSecret(which) => rotate_secret(desk, &which).await,
            Self::Disable(which) => {
                let id = named::client(desk, &which.client).await?.id;
                registrar(desk, &outbound(desk)?).disable(&id).await?;
                after(desk, &id, "the client is disabled").await
            }
            Self::Enable(which) => {
                let id = named::client(desk, &which.client).await?.id;
                registrar(desk, &outbound(desk)?).enable(&id).await?;
                after(desk, &id, "the client works again").await
            }
            Self::Delete(which) => {
                let id = named::client(desk, &which.client).await?.id;
                registrar(desk, &outbound(desk)?).delete(&id).await?;
                let text =
                    format!("the client {id} is deleted, and every token it was given is dead");
                Ok(Answer::line(text, json!({ "client_id": id })))
            }
        }
    }
}

fn outbound(desk: &Desk) -> anyhow::Result<Outbound> {
    Ok(Outbound::new(&desk.config.outbound)?)
}

fn registrar<'a>(desk: &'a Desk, outbound: &'a Outbound) -> Registrar<'a> {
    Registrar { store: &desk.store, outbound, kek: None, config: &desk.config, trace: &desk.trace }
}

async fn create(desk: &Desk, described: &Described) -> anyhow::Result<Answer> {
    let metadata = described.over(None)?;
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

async fn update(desk: &Desk, changes: &Update) -> anyhow::Result<Answer> {
    let client = named::client(desk, &changes.client).await?;
    let metadata = changes.described.over(Some(&client))?;
    let outbound = outbound(desk)?;
    let kek = kek_for(desk, metadata.token_endpoint_auth_method).await?;
    let registrar = Registrar { kek: kek.as_ref(), ..registrar(desk, &outbound) };
    Ok(registered(&registrar.update(&client, metadata).await?, desk.now()))
}

async fn rotate_secret(desk: &Desk, which: &RotateSecret) -> anyhow::Result<Answer> {
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

/// The key-encryption key, where a secret will be sealed under it; whoever administers other clients
/// need not have it.
async fn kek_for(desk: &Desk, method: AuthMethod) -> anyhow::Result<Option<crate::jose::Kek>> {
    if method != AuthMethod::ClientSecretJwt {
        return Ok(None);
    }
    Ok(Some(kek::open(&desk.config.keys, &desk.store).await?))
}

async fn list(desk: &Desk) -> anyhow::Result<Answer> {
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
    Ok(Answer::table(&headings, &rows, "there are no clients", json))
}

async fn after(desk: &Desk, id: &ClientId, what: &str) -> anyhow::Result<Answer> {
    let client = named::client(desk, id.as_str()).await?;
    Ok(Answer::line(format!("{what}: {id}"), document(&client, desk.now())))
}

/// RFC 7591 §3.2.1: the registered client, with its secret if it was given one. The one place where a
/// client secret leaves the house.
fn registered(registered: &Registered, now: Timestamp) -> Answer {
    let mut told = document(&registered.client, now);
    if let (Some(secret), Some(document)) = (&registered.secret, told.as_object_mut()) {
        document.insert("client_secret".to_owned(), Value::from(secret.0.expose()));
    }
    Answer::document(told).warning(warnings(&registered.client.metadata))
}
