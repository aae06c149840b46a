//! `gatewright user`: people's accounts.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::desk::{Desk, read_password};
use super::exit::{Absent, Wrong};
use super::named;
use super::print::Answer;
use crate::people::account::{self, NewAccount};
use crate::people::update::{self, Changes};
use crate::people::{Hasher, People, claims};
use crate::record::Supervisor;
use crate::store::users;
use crate::types::{Secret, Timestamp, User};

/// As many accounts as are read at once.
const PAGE: i64 = 500;

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Make an account.
    #[command(after_help = "\
Examples:
  gatewright user create --username alice --email alice@example.org --password-stdin   # asks for it

  printf '%s\\n' \"$PASSWORD\" | gatewright user create --username alice --email alice@example.org \\
      --email-verified --password-stdin --claim name='Alice Liddell' --claim locale=en-GB

  gatewright user create --username bob --claim address.locality=Paris --claim address.country=France

Without --password-stdin the person cannot sign in until `gatewright user set-password`.")]
    Create(Create),
    /// List all accounts.
    #[command(after_help = "\
Examples:
  gatewright user list
  gatewright --json user list | jq -r '.[] | select(.disabled_at) | .username'")]
    List,
    /// Show one account with its claims.
    #[command(after_help = "\
Examples:
  gatewright user show alice
  gatewright --json user show alice@example.org")]
    Show(Who),
    /// Change what an account is called and what is known of its person; the rest stays.
    #[command(after_help = "\
Examples:
  gatewright user update alice --claim name='Alice Liddell' --claim address.locality=Oxford
  gatewright user update alice --email alice@example.com --email-verified
  gatewright user update alice@example.com --username liddell --remove-claim locale
  gatewright user update alice --remove-email

A new e-mail address is not verified unless --email-verified stands beside it. Sessions and tokens go on;
applications see the change when they ask again.")]
    Update(Update),
    /// Delete an account for good: its sessions end, its tokens die, and its names are free again.
    #[command(after_help = "\
Example:
  gatewright user delete alice

With it go its password, its claims, its consents and everything that was granted, in one transaction. The
audit trail stays: gatewright audit list --user with the identifier that this prints. Access tokens that
an API verifies by itself are accepted there until they expire. To keep somebody out for a while, use
gatewright user disable.")]
    Delete(Who),
    /// Close an account: its sessions end, its tokens die, and it cannot sign in.
    #[command(after_help = "\
Example:
  gatewright user disable alice")]
    Disable(Who),
    /// Open a closed account again.
    #[command(after_help = "\
Example:
  gatewright user enable alice")]
    Enable(Who),
    /// Let somebody sign in again after too many failures: lifts every limit of the account, from
    /// wherever it was tried.
    #[command(after_help = "\
Example:
  gatewright user unlock alice")]
    Unlock(Who),
    /// Set somebody's password; every session and every token of theirs ends.
    #[command(after_help = "\
Examples:
  gatewright user set-password alice --password-stdin            # asks for it at a terminal
  printf '%s\\n' \"$PASSWORD\" | gatewright user set-password alice --password-stdin")]
    SetPassword(SetPassword),
}

/// A new account.
#[derive(Debug, Args)]
pub(super) struct Create {
    /// What the person is called when signing in: the claim preferred_username.
    #[arg(long)]
    username: String,
    /// The e-mail address; it serves to sign in too.
    #[arg(long)]
    email: Option<String>,
    /// Somebody has made sure that the address is theirs.
    #[arg(long, requires = "email")]
    email_verified: bool,
    /// Read the password from the first line of standard input; at a terminal, ask for it twice and show
    /// nothing.
    #[arg(long)]
    password_stdin: bool,
    /// A standard claim of OIDC Core section 5.1; may be repeated. The members of an address are
    /// written as address.locality=…, and so on.
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<String>,
}

/// Changes to an account.
#[derive(Debug, Args)]
pub(super) struct Update {
    /// Username, e-mail address or identifier.
    user: String,
    /// What the person is called when signing in from now on.
    #[arg(long)]
    username: Option<String>,
    /// Another e-mail address.
    #[arg(long)]
    email: Option<String>,
    /// Take the e-mail address away.
    #[arg(long, conflicts_with_all = ["email", "email_verified"])]
    remove_email: bool,
    /// Whether somebody has made sure that the address is theirs.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    email_verified: Option<bool>,
    /// A standard claim to add or change, as at the creation; may be repeated.
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<String>,
    /// A claim to take away, such as locale or address.region; may be repeated.
    #[arg(long = "remove-claim", value_name = "NAME")]
    removed: Vec<String>,
}

/// Whom it concerns.
#[derive(Debug, Args)]
pub(super) struct Who {
    /// Username, e-mail address or identifier.
    user: String,
}

/// A new password.
#[derive(Debug, Args)]
pub(super) struct SetPassword {
    /// Username, e-mail address or identifier.
    user: String,
    /// Read the password from the first line of standard input, for a command line is seen by others; at
    /// a terminal, ask for it twice and show nothing.
    #[arg(long, required = true)]
    password_stdin: bool,
}

impl UserCommand {
    /// Does what was asked.
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        match self {
            Self::Create(new) => create(desk, new).await,
            Self::List => list(desk).await,
            Self::Show(who) => Ok(shown(&named::user(desk, &who.user).await?)),
            Self::Update(changes) => update(desk, &changes).await,
            Self::Delete(who) => delete(desk, &who.user).await,
            Self::Disable(who) => disable(desk, &who.user).await,
            Self::Enable(who) => enable(desk, &who.user).await,
            Self::Unlock(who) => unlock(desk, &who.user).await,
            Self::SetPassword(new) => set_password(desk, &new.user).await,
        }
    }
}

/// Lends what the rules about accounts need.
fn people<'a>(desk: &'a Desk, hasher: &'a Hasher) -> People<'a> {
    People { store: &desk.store, hasher, config: &desk.config, trace: &desk.trace, now: desk.now() }
}

async fn create(desk: &Desk, new: Create) -> anyhow::Result<Answer> {
    let claims = claims::read(&new.claims)?;
    let password = if new.password_stdin { Some(read_password(&new.username)?) } else { None };
    let hasher = Hasher::start(&desk.config.passwords, &Supervisor::default())?;
    let account = NewAccount {
        username: &new.username,
        email: new.email.as_deref(),
        email_verified: new.email_verified,
        claims,
        password: password.as_ref(),
    };
    let user = account::create(&people(desk, &hasher), account).await?;
    let mut text = format!("made the account {} ({})", user.username, user.id);
    if password.is_none() {
        text.push_str("; it has no password yet: gatewright user set-password");
    }
    Ok(Answer::line(text, in_json(&user)))
}

/// Makes an account of which nothing else is known.
pub(super) async fn make(
    desk: &Desk,
    username: &str,
    email: Option<&str>,
    password: Option<&Secret>,
) -> anyhow::Result<User> {
    let hasher = Hasher::start(&desk.config.passwords, &Supervisor::default())?;
    let claims = claims::read(&[] as &[String])?;
    let account = NewAccount { username, email, email_verified: false, claims, password };
    Ok(account::create(&people(desk, &hasher), account).await?)
}

async fn list(desk: &Desk) -> anyhow::Result<Answer> {
    let mut all: Vec<User> = Vec::new();
    loop {
        let after = all.last().map(|user| user.id.clone());
        let page = users::page(desk.store.db(), after.as_ref(), PAGE).await?;
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    let rows: Vec<_> = all
        .iter()
        .map(|user| {
            vec![
                user.id.to_string(),
                user.username.clone(),
                user.email.clone().unwrap_or_default(),
                user.created_at.to_string(),
                state(user.disabled_at),
            ]
        })
        .collect();
    let headings = ["ID", "USERNAME", "EMAIL", "CREATED", "STATE"];
    let json = all.iter().map(in_json).collect();
    Ok(Answer::table(&headings, &rows, "there are no accounts", json))
}

fn shown(user: &User) -> Answer {
    Answer::document(in_json(user))
}

async fn update(desk: &Desk, asked: &Update) -> anyhow::Result<Answer> {
    let user = named::user(desk, &asked.user).await?;
    let email = match (&asked.email, asked.remove_email) {
        (Some(email), _) => Some(Some(email.as_str())),
        (None, true) => Some(None),
        (None, false) => None,
    };
    let changes = Changes {
        username: asked.username.as_deref(),
        email,
        email_verified: asked.email_verified,
        claims: claims::read(&asked.claims)?,
        removed: &asked.removed,
    };
    let is_nothing = changes.username.is_none()
        && changes.email.is_none()
        && changes.email_verified.is_none()
        && changes.claims.is_empty()
        && changes.removed.is_empty();
    if is_nothing {
        return Err(
            Wrong("nothing is to be changed: gatewright user update --help".to_owned()).into()
        );
    }
    let hasher = Hasher::start(&desk.config.passwords, &Supervisor::default())?;
    let user = update::update(&people(desk, &hasher), &user.id, &changes).await?;
    Ok(Answer::line(format!("the account {} is changed", user.username), in_json(&user)))
}

async fn delete(desk: &Desk, who: &str) -> anyhow::Result<Answer> {
    let user = named::user(desk, who).await?;
    let hasher = Hasher::start(&desk.config.passwords, &Supervisor::default())?;
    if !update::delete(&people(desk, &hasher), &user.id).await? {
        return Err(Absent(format!("the account {who} has been deleted meanwhile")).into());
    }
    let text = format!(
        "the account {} ({}) is deleted, and every token that it was given is dead",
        user.username, user.id
    );
    Ok(Answer::line(text, json!({ "id": user.id, "username": user.username })))
}

async fn disable(desk: &Desk, who: &str) -> anyhow::Result<Answer> {
    let user = named::user(desk, who).await?;
    let hasher = Hasher::start(&desk.config.passwords, &Supervisor::default())?;
    account::disable(&people(desk, &hasher), &user.id).await?;
    let text = format!("the account {} is closed: its sessions and tokens are dead", user.username);
    Ok(Answer::line(text, in_json(&named::user(desk, user.id.as_str()).await?)))
}

async fn enable(desk: &Desk, who: &str) -> anyhow::Result<Answer> {
    let user = named::user(desk, who).await?;
    let hasher = Hasher::start(&desk.config.passwords, &Supervisor::default())?;
    account::enable(&people(desk, &hasher), &user.id).await?;
    let text = format!("the account {} is open again", user.username);
    Ok(Answer::line(text, in_json(&named::user(desk, user.id.as_str()).await?)))
}

async fn unlock(desk: &Desk, who: &str) -> anyhow::Result<Answer> {
    let user = named::user(desk, who).await?;
    let hasher = Hasher::start(&desk.config.passwords, &Supervisor::default())?;
    account::unlock(&people(desk, &hasher), &user.id).await?;
    let text = format!("the failed sign-ins at the account {} are forgotten", user.username);
    Ok(Answer::line(text, in_json(&user)))
}

async fn set_password(desk: &Desk, who: &str) -> anyhow::Result<Answer> {
    let user = named::user(desk, who).await?;
    let password = read_password(&user.username)?;
    let hasher = Hasher::start(&desk.config.passwords, &Supervisor::default())?;
    account::set_password(&people(desk, &hasher), &user.id, &password).await?;
    let text =
        format!("the password of {} is set; their sessions and tokens are dead", user.username);
    Ok(Answer::line(text, in_json(&user)))
}

fn state(disabled_at: Option<Timestamp>) -> String {
    disabled_at.map_or_else(|| "open".to_owned(), |at| format!("closed {at}"))
}

fn in_json(user: &User) -> Value {
    json!({
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "email_verified": user.email_verified,
        "claims": user.claims,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "disabled_at": user.disabled_at,
    })
}
