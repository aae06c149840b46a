//! `gatewright admin`: administrators and their roles.

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::Context;
use super::exit::Wrong;
use super::print::Output;
use crate::admin::role::{self, document};
use crate::types::{Holder, Role};

/// `gatewright admin …`
#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Create a one-time link to become owner.
    #[command(after_help = "\
Example:
  gatewright admin invite

Whoever opens the link creates an account or signs in, and becomes owner. It is valid for 24 hours and for one
use; the next invitation makes it invalid. Send it only to the person who is to own the server.")]
    Invite,
    /// List administrators and their roles.
    #[command(after_help = "\
Examples:
  gatewright admin list
  gatewright --json admin list | jq -r '.[] | select(.role == \"owner\") | .name'")]
    List,
    /// Give a role to a user or a client.
    #[command(after_help = "\
Examples:
  gatewright admin grant alice administrator
  gatewright admin grant 0198c2f0-7c1e-7d3a-9b4f-2f6c1a5e8d90 auditor   # a client, by its client_id

  owner          everything
  administrator  applications, APIs, users
  operator       sessions, keys, certificates
  support        reads users, ends sessions, starts recoveries
  auditor        reads everything, changes nothing")]
    Grant(Grant),
    /// Take a role away from a user or a client. The last owner stays.
    #[command(after_help = "\
Example:
  gatewright admin revoke alice administrator

It takes effect with the next request of the administrator.")]
    Revoke(Grant),
}

/// A user or a client, and a role.
#[derive(Debug, Args)]
pub(super) struct Grant {
    /// A user: username, e-mail address or identifier; or a client: client_id or name.
    #[arg(value_name = "USER|CLIENT")]
    holder: String,
    /// The role.
    #[arg(value_parser = role_names())]
    role: String,
}

fn role_names() -> PossibleValuesParser {
    Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>().into()
}

impl Grant {
    fn role(&self) -> Result<Role> {
        Ok(Role::parse(&self.role).ok_or_else(|| Wrong(format!("unknown role {}", self.role)))?)
    }
}

impl AdminCommand {
    /// Runs the command.
    pub(super) async fn run(self, context: &Context) -> Result<Output> {
        match self {
            Self::Invite => invite(context).await,
            Self::List => list(context).await,
            Self::Grant(grant) => give(context, &grant).await,
            Self::Revoke(grant) => take(context, &grant).await,
        }
    }
}

async fn invite(context: &Context) -> Result<Output> {
    let link = role::invite(&context.call()).await?.result;
    let url = format!(
        "{}?link={}",
        context.config.issuer.endpoint("/invitation"),
        link.secret.0.expose()
    );
    let text =
        format!("{url}\n\nvalid until {}, for one use: open it to become owner", link.expires_at);
    Ok(Output::line(text, json!({ "url": url, "expires_at": link.expires_at })))
}

async fn list(context: &Context) -> Result<Output> {
    let rows = role::list(&context.call()).await?;
    let cells = rows.iter().map(|row| {
        let state = row.disabled_at.map_or("enabled".to_owned(), |at| format!("disabled {at}"));
        let name = if row.name.is_empty() { row.id.clone() } else { row.name.clone() };
        vec![row.kind.clone(), name, row.role.clone(), row.granted_at.to_string(), state]
    });
    let headings = ["KIND", "NAME", "ROLE", "SINCE", "STATE"];
    let json: Vec<Value> = rows.iter().map(document).collect();
    let none = "no administrators yet: gatewright admin invite";
    Ok(Output::table(&headings, &cells.collect::<Vec<_>>(), none, json.into()))
}

async fn give(context: &Context, grant: &Grant) -> Result<Output> {
    let (call, role) = (context.call(), grant.role()?);
    let holder = role::holder(&call, &grant.holder).await?;
    let is_new = role::grant(&call, &holder, role).await?.result;
    let verb = if is_new { "is now" } else { "was already" };
    Ok(changed(format!("{} {verb} {role}", grant.holder), &holder, role))
}

async fn take(context: &Context, grant: &Grant) -> Result<Output> {
    let (call, role) = (context.call(), grant.role()?);
    let holder = role::holder(&call, &grant.holder).await?;
    if !role::revoke(&call, &holder, role).await?.result {
        return Err(Wrong(format!("{} does not have the role {role}", grant.holder)).into());
    }
    Ok(changed(format!("{} is no longer {role}", grant.holder), &holder, role))
}

fn changed(text: String, holder: &Holder, role: Role) -> Output {
    Output::line(text, json!({ "kind": holder.kind(), "id": holder.id(), "role": role }))
}
