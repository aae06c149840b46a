//! `gatewright key`: signing keys and server secrets.

use anyhow::{Context as _, Result};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::json;

use super::context::Context;
use super::print::Output;
use crate::admin::key::{self, Replaced, document, state};
use crate::store::signing_keys::SigningKeyRow;
use crate::types::{Algorithm, Timestamp};

/// `gatewright key …`
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// List the signing keys. Pending keys are published ahead, active keys sign, retiring keys only verify.
    #[command(after_help = "\
Examples:
  gatewright key list
  gatewright --json key list | jq -r '.[] | select(.state == \"active\") | .kid'")]
    List,
    /// Activate the pending signing keys now, ahead of schedule.
    #[command(after_help = "\
Examples:
  gatewright key rotate
  gatewright key rotate ES256 RS256
  gatewright key rotate --secrets
  gatewright key rotate --secrets --compromised

The pending key has already been published in the JWKS, so verifiers have it. A key that was published less
than keys.jwks_max_age ago is refused, unless --force: some verifiers may then see an unknown kid and must
fetch the JWKS again.

--secrets rotates the server secrets instead: the MAC keys of refresh tokens, of DPoP nonces and of the
state that browsers carry. Values made with earlier versions stay valid until they expire; with --compromised
the earlier versions are deleted, all grants are revoked, and users must sign in again. The salt of pairwise
subjects and the key of sid are not rotated, because clients identify users by the values they produce.")]
    Rotate(Rotate),
    /// Retire a signing key; the pending key of its algorithm becomes active.
    #[command(after_help = "\
Examples:
  gatewright key retire 2j8T0v7Zl0s6bM0h1oQy3w
  gatewright key retire 2j8T0v7Zl0s6bM0h1oQy3w --compromised

Tokens signed with a retired key stay valid until they expire. With --compromised they are rejected within a
second at this server, and at APIs that verify tokens locally once these fetch the JWKS again
(keys.jwks_max_age). Clients obtain new tokens with their refresh tokens.")]
    Retire(Retire),
}

/// `gatewright key rotate`
#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// The algorithms whose keys to rotate; all configured ones by default.
    #[arg(value_name = "ALG", value_parser = algorithms(), conflicts_with = "secrets")]
    algorithms: Vec<String>,
    /// Activate the pending key even if some verifiers may not have it yet.
    #[arg(long, conflicts_with = "secrets")]
    force: bool,
    /// Rotate the server secrets instead of signing keys.
    #[arg(long)]
    secrets: bool,
    /// Treat the secrets as compromised: invalidate everything made with them and revoke all grants.
    #[arg(long, requires = "secrets")]
    compromised: bool,
}

/// `gatewright key retire`
#[derive(Debug, Args)]
pub(super) struct Retire {
    /// The kid of the key, from gatewright key list.
    kid: String,
    /// Treat the key as compromised: reject all tokens signed with it.
    #[arg(long)]
    compromised: bool,
}

fn algorithms() -> PossibleValuesParser {
    Algorithm::SIGNING.iter().map(|algorithm| algorithm.as_str()).collect::<Vec<_>>().into()
}

impl KeyCommand {
    /// Runs the command.
    pub(super) async fn run(self, context: &Context) -> Result<Output> {
        match self {
            Self::List => {}
            Self::Rotate(Rotate { secrets: true, compromised, .. }) => {
                return rotate_secrets(context, compromised).await;
            }
            Self::Rotate(which) => rotate(context, &which).await?,
            Self::Retire(Retire { kid, compromised }) => {
                key::retire(&context.call(), &kid, compromised).await?;
            }
        }
        list(context).await
    }
}

async fn rotate(context: &Context, which: &Rotate) -> Result<()> {
    let named: Vec<_> = which.algorithms.iter().filter_map(|name| Algorithm::parse(name)).collect();
    let algorithms = if named.is_empty() { &context.config.keys.algorithms } else { &named };
    let mut done: Vec<&str> = Vec::new();
    for algorithm in algorithms {
        let rotated = key::rotate(&context.call(), *algorithm, which.force).await;
        rotated.with_context(|| match done.as_slice() {
            [] => format!("{algorithm} was not rotated; --force rotates it anyway"),
            done => format!("{algorithm} was not rotated; {} was rotated", done.join(" ")),
        })?;
        done.push(algorithm.as_str());
    }
    Ok(())
}

async fn rotate_secrets(context: &Context, compromised: bool) -> Result<Output> {
    let Replaced { secrets, grants } =
        key::rotate_secrets(&context.call(), compromised).await?.result;
    let mut text: Vec<_> =
        secrets.iter().map(|(name, version)| format!("{name}: version {version}")).collect();
    if compromised {
        text.push(match grants {
            1 => "revoked 1 grant; its user must sign in again".to_owned(),
            grants => format!("revoked {grants} grants; their users must sign in again"),
        });
    }
    let secrets: Vec<_> =
        secrets.iter().map(|(name, version)| json!({ "name": name, "version": version })).collect();
    Ok(Output::line(text.join("\n"), json!({ "secrets": secrets, "grants_ended": grants })))
}

async fn list(context: &Context) -> Result<Output> {
    let all = key::list(&context.call()).await?;
    let rows: Vec<_> = all.iter().map(cells).collect();
    let headings = ["KID", "ALG", "STATE", "PUBLISHED", "SIGNS SINCE", "SIGNED UNTIL"];
    let none = "no keys yet; the server creates them at its first start";
    Ok(Output::table(&headings, &rows, none, all.iter().map(document).collect()))
}

fn cells(key: &SigningKeyRow) -> Vec<String> {
    let at = |time: Option<Timestamp>| time.map(|at| at.to_string()).unwrap_or_default();
    vec![
        key.id.clone(),
        key.alg.to_string(),
        state(key).to_owned(),
        key.published_at.to_string(),
        at(key.activated_at),
        at(key.retiring_at),
    ]
}
