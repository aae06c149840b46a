//! `gatewright key`: signing keys and their life (DESIGN §3).

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::desk::Desk;
use super::print::Answer;
use crate::flow::kek;
use crate::flow::keys::{self, Keyring, Replaced, Schedule};
use crate::store::signing_keys::{self, SigningKeyRow, State};
use crate::types::{Algorithm, Timestamp};

/// What can be done with signing keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// List the signing keys: pending ones wait, active ones sign, retiring ones still verify.
    #[command(after_help = "\
Examples:
  gatewright key list
  gatewright --json key list | jq -r '.[] | select(.state == \"active\") | .kid'")]
    List,
    /// Let the pending keys sign now, before their time.
    #[command(after_help = "\
Examples:
  gatewright key rotate
  gatewright key rotate ES256 RS256
  gatewright key rotate --secrets
  gatewright key rotate --secrets --compromised

The pending key has been in the JWKS for a while, so verifiers have it. One that was published less
than keys.jwks_max_age ago is refused, unless --force: some verifiers will then meet a key that they do
not know, and must fetch the JWKS again.

--secrets replaces the server's own secrets instead: the MAC keys of refresh tokens, of DPoP nonces and of
the state that browsers keep. What the versions before have made stays valid until it expires; with
--compromised they are dropped at once, every grant ends, and people sign in again. The salt of pairwise
subjects and the key of sid stay: clients know people by what they make.")]
    Rotate(Rotate),
    /// Take a key out of use; the pending one of its algorithm takes over.
    #[command(after_help = "\
Examples:
  gatewright key retire 2j8T0v7Zl0s6bM0h1oQy3w
  gatewright key retire 2j8T0v7Zl0s6bM0h1oQy3w --compromised

What a retired key signed stays valid until it expires; what a compromised key signed is refused within
a second wherever the server is asked. APIs that verify by themselves refuse it once they fetch the JWKS
again (keys.jwks_max_age). Applications get new tokens with their refresh tokens.")]
    Retire(Retire),
}

/// Which keys are to change.
#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// Of these algorithms; without any, of all that are configured.
    #[arg(value_name = "ALG", value_parser = algorithms(), conflicts_with = "secrets")]
    algorithms: Vec<String>,
    /// Although verifiers may not have the pending key yet.
    #[arg(long, conflicts_with = "secrets")]
    force: bool,
    /// The server's own secrets, and no signing keys.
    #[arg(long)]
    secrets: bool,
    /// Somebody else may know the secrets: what they made counts for nothing, and every grant ends.
    #[arg(long, requires = "secrets")]
    compromised: bool,
}

/// Which key is to go.
#[derive(Debug, Args)]
pub(super) struct Retire {
    /// Its kid, as `gatewright key list` shows it.
    kid: String,
    /// Somebody else may know it: what it signed counts for nothing.
    #[arg(long)]
    compromised: bool,
}

fn algorithms() -> PossibleValuesParser {
    Algorithm::OURS.iter().map(|algorithm| algorithm.as_str()).collect::<Vec<_>>().into()
}

impl KeyCommand {
    /// Does what was asked.
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        match self {
            Self::List => {}
            Self::Rotate(Rotate { secrets: true, compromised, .. }) => {
                return rotate_secrets(desk, compromised).await;
            }
            Self::Rotate(which) => rotate(desk, &which).await?,
            Self::Retire(which) => {
                let keyring = keyring(desk).await?;
                let Retire { kid, compromised } = which;
                keyring.retire(&desk.store, &kid, compromised, &desk.trace).await?;
            }
        }
        list(desk).await
    }
}

async fn keyring(desk: &Desk) -> anyhow::Result<Keyring> {
    let kek = kek::open(&desk.config.keys, &desk.store).await?;
    let schedule = Schedule::of(&desk.config);
    Ok(Keyring::open(&desk.store, kek, schedule, &desk.trace).await?)
}

async fn rotate(desk: &Desk, which: &Rotate) -> anyhow::Result<()> {
    let keyring = keyring(desk).await?;
    let named: Vec<_> = which.algorithms.iter().filter_map(|name| Algorithm::parse(name)).collect();
    let algorithms = if named.is_empty() { &desk.config.keys.algorithms } else { &named };
    let mut done: Vec<&str> = Vec::new();
    for algorithm in algorithms {
        let rotated = keyring.rotate(&desk.store, *algorithm, which.force, &desk.trace).await;
        rotated.with_context(|| match done.as_slice() {
            [] => format!("{algorithm} is as before; --force rotates all the same"),
            done => format!("{algorithm} is as before; {} has been rotated", done.join(" ")),
        })?;
        done.push(algorithm.as_str());
    }
    Ok(())
}

async fn rotate_secrets(desk: &Desk, compromised: bool) -> anyhow::Result<Answer> {
    let kek = kek::open(&desk.config.keys, &desk.store).await?;
    let schedule = Schedule::of(&desk.config);
    let Replaced { secrets, grants } =
        keys::replace_secrets(&desk.store, &kek, &schedule, compromised, &desk.trace).await?;
    let mut text: Vec<_> =
        secrets.iter().map(|(name, version)| format!("{name}: version {version}")).collect();
    if compromised {
        text.push(match grants {
            1 => "1 grant has ended: its person signs in again".to_owned(),
            grants => format!("{grants} grants have ended: their people sign in again"),
        });
    }
    let secrets: Vec<_> =
        secrets.iter().map(|(name, version)| json!({ "name": name, "version": version })).collect();
    Ok(Answer::line(text.join("\n"), json!({ "secrets": secrets, "grants_ended": grants })))
}

async fn list(desk: &Desk) -> anyhow::Result<Answer> {
    let mut all = signing_keys::all(desk.store.db()).await?;
    all.sort_by_key(|key| (key.alg, key.published_at));
    let rows: Vec<_> = all.iter().map(row).collect();
    let headings = ["KID", "ALG", "STATE", "PUBLISHED", "SIGNS SINCE", "SIGNED UNTIL"];
    let none = "there are no keys yet: the server makes them when it first starts";
    Ok(Answer::table(&headings, &rows, none, all.iter().map(in_json).collect()))
}

const fn state(key: &SigningKeyRow) -> &'static str {
    match key.state() {
        State::Pending => "pending",
        State::Active => "active",
        State::Retiring => "retiring",
        State::Retired => "retired",
        State::Compromised => "compromised",
    }
}

fn row(key: &SigningKeyRow) -> Vec<String> {
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

fn in_json(key: &SigningKeyRow) -> Value {
    json!({
        "kid": key.id,
        "alg": key.alg,
        "state": state(key),
        "published_at": key.published_at,
        "activated_at": key.activated_at,
        "retiring_at": key.retiring_at,
        "retired_at": key.retired_at,
        "compromised_at": key.compromised_at,
    })
}
