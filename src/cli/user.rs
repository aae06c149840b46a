//! `gatewright user`: user accounts.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::desk::{Desk, read_password};
use super::exit::{Absent, Wrong};
use super::named;
use super::print::Output;
use crate::people::account::{self, NewAccount};
use crate::people::update::{self, Changes};
use crate::people::{Hasher, People, claims};
use crate::record::Supervisor;
use crate::store::users;
use crate::types::{Secret, Timestamp, User};

/// As many accounts as are read at once.
const PAGE: i64 = 500;

/// `gatewright user …`
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Create a user.
    #[command(after_help = "\
Examples:
  gatewright user create --username alice --email alice@example.org --password-stdin   # prompts for it

  printf '%s\\n' \"$PASSWORD\" | gatewright user create --username alice --email alice@example.org \\
      --email-verified --password-stdin --claim name='Alice Liddell' --claim locale=en-GB

  gatewright user create --username bob --claim address.locality=Paris --claim address.country=France

Without --password-stdin the user has no password and cannot sign in until gatewright user set-password.")]
    Create(Create),
    /// List all users, oldest first.
    #[command(after_help = "\
Examples:
  gatewright user list
  gatewright --json user list | jq -r '.[] | select(.disabled_at) | .username'

The list is read in pages, so memory use does not grow with the number of users.")]
    List,
    /// Show a user and their claims.
    #[command(after_help = "\
Examples:
  gatewright user show alice
  gatewright --json user show alice@example.org")]
    Show(Which),
    /// Change the username, e-mail address or claims of a user.
    #[command(after_help = "\
Examples:
  gatewright user update alice --claim name='Alice Liddell' --claim address.locality=Oxford
  gatewright user update alice --email alice@example.com --email-verified
  gatewright user update alice@example.com --username liddell --remove-claim locale
  gatewright user update alice --remove-email

Values that no option names stay as they are. A new e-mail address is unverified unless --email-verified is
given too. Sessions and tokens stay valid; clients receive the new values with the next ID token or userinfo
response.")]
    Update(Update),
    /// Delete a user permanently, with all sessions, tokens and consents.
    #[command(after_help = "\
Example:
  gatewright user delete alice

The password, claims, consents, sessions and grants are deleted in one transaction, and the username and e-mail
address can be used again. Audit events are kept: query them with gatewright audit list --user and the
identifier that this command prints. APIs that verify JWT access tokens locally accept them until they
expire. To block a user temporarily, use gatewright user disable.")]
    Delete(Which),
    /// Disable a user: end all sessions, revoke all tokens, and refuse sign-in.
    #[command(after_help = "\
Example:
  gatewright user disable alice")]
    Disable(Which),
    /// Enable a disabled user.
    #[command(after_help = "\
Example:
  gatewright user enable alice")]
    Enable(Which),
    /// Reset the sign-in throttling of a user after too many failed attempts, for all networks.
    #[command(after_help = "\
Example:
  gatewright user unlock alice")]
    Unlock(Which),
    /// Set a user's password; end all their sessions and revoke all their tokens.
    #[command(after_help = "\
Examples:
  gatewright user set-password alice --password-stdin            # prompts for it at a terminal
  printf '%s\\n' \"$PASSWORD\" | gatewright user set-password alice --password-stdin")]
    SetPassword(SetPassword),
}

/// `gatewright user create`
#[derive(Debug, Args)]
pub(super) struct Create {
    /// The name for signing in; the claim preferred_username.
    #[arg(long)]
    username: String,
    /// The e-mail address; also accepted for signing in.
    #[arg(long)]
    email: Option<String>,
    /// Mark the e-mail address as verified.
    #[arg(long, requires = "email")]
    email_verified: bool,
    /// Read the password from the first line of standard input; at a terminal, prompt for it twice without
    /// echo.
    #[arg(long)]
    password_stdin: bool,
    /// A standard claim (OpenID Connect Core section 5.1); repeatable. Members of the address claim are
    /// written as address.locality=….
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<String>,
}

/// `gatewright user update`
#[derive(Debug, Args)]
pub(super) struct Update {
    /// Username, e-mail address or identifier.
    user: String,
    /// The new username.
    #[arg(long)]
    username: Option<String>,
    /// The new e-mail address.
    #[arg(long)]
    email: Option<String>,
    /// Remove the e-mail address.
    #[arg(long, conflicts_with_all = ["email", "email_verified"])]
    remove_email: bool,
    /// Mark the e-mail address as verified, or as unverified with =false.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    email_verified: Option<bool>,
    /// A standard claim to set, as with gatewright user create; repeatable.
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<String>,
    /// A claim to remove, such as locale or address.region; repeatable.
    #[arg(long = "remove-claim", value_name = "NAME")]
    removed: Vec<String>,
}

/// The user that a command is about.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Username, e-mail address or identifier.
    user: String,
}

/// `gatewright user set-password`
#[derive(Debug, Args)]
pub(super) struct SetPassword {
    /// Username, e-mail address or identifier.
    user: String,
    /// Read the password from the first line of standard input, because other users of the machine can see
    /// command lines; at a terminal, prompt for it twice without echo.
    #[arg(long, required = true)]
    password_stdin: bool,
}

impl UserCommand {
    /// Runs the command.
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Output> {
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
    People { context: desk.context(), hasher }
}

async fn create(desk: &Desk, new: Create) -> anyhow::Result<Output> {
    let claims = claims::parse(&new.claims)?;
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
    let mut text = format!("created user {} ({})", user.username, user.id);
    if password.is_none() {
        text.push_str("; no password is set yet: gatewright user set-password");
    }
    Ok(Output::line(text, in_json(&user)))
}

/// Makes an account of which nothing else is known.
pub(super) async fn make(
    desk: &Desk,
    username: &str,
    email: Option<&str>,
    password: Option<&Secret>,
) -> anyhow::Result<User> {
    let hasher = Hasher::start(&desk.config.passwords, &Supervisor::default())?;
    let claims = claims::parse(&[] as &[String])?;
    let account = NewAccount { username, email, email_verified: false, claims, password };
    Ok(account::create(&people(desk, &hasher), account).await?)
}

async fn list(desk: &Desk) -> anyhow::Result<Output> {
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
    Ok(Output::table(&headings, &rows, "no users", json))
}

fn shown(user: &User) -> Output {
    Output::document(in_json(user))
}

async fn update(desk: &Desk, asked: &Update) -> anyhow::Result<Output> {
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
        claims: claims::parse(&asked.claims)?,
        removed: &asked.removed,
    };
    let is_nothing = changes.username.is_none()
        && changes.email.is_none()
        && changes.email_verified.is_none()
        && changes.claims.is_empty()
        && changes.removed.is_empty();
    if is_nothing {
        return Err(Wrong("no change is given: gatewright user update --help".to_owned()).into());
    }
    let hasher = Hasher::start(&desk.config.passwords, &Supervisor::default())?;
    let user = update::update(&people(desk, &hasher), &user.id, &changes).await?;
    Ok(Output::line(format!("updated user {}", user.username), in_json(&user)))
}

async fn delete(desk: &Desk, who: &str) -> anyhow::Result<Output> {
    let user = named::user(desk, who).await?;
    let hasher = Hasher::start(&desk.config.passwords, &Supervisor::default())?;
    if !update::delete(&people(desk, &hasher), &user.id).await? {
        return Err(Absent(format!("user {who} has been deleted meanwhile")).into());
    }
    let text = format!("deleted user {} ({}); all tokens are revoked", user.username, user.id);
    Ok(Output::line(text, json!({ "id": user.id, "username": user.username })))
}

async fn disable(desk: &Desk, who: &str) -> anyhow::Result<Output> {
    let user = named::user(desk, who).await?;
    let hasher = Hasher::start(&desk.config.passwords, &Supervisor::default())?;
    account::disable(&people(desk, &hasher), &user.id).await?;
    let text = format!("disabled user {}; all sessions and tokens are revoked", user.username);
    Ok(Output::line(text, in_json(&named::user(desk, user.id.as_str()).await?)))
}

async fn enable(desk: &Desk, who: &str) -> anyhow::Result<Output> {
    let user = named::user(desk, who).await?;
    let hasher = Hasher::start(&desk.config.passwords, &Supervisor::default())?;
    account::enable(&people(desk, &hasher), &user.id).await?;
    let text = format!("enabled user {}", user.username);
    Ok(Output::line(text, in_json(&named::user(desk, user.id.as_str()).await?)))
}

async fn unlock(desk: &Desk, who: &str) -> anyhow::Result<Output> {
    let user = named::user(desk, who).await?;
    let hasher = Hasher::start(&desk.config.passwords, &Supervisor::default())?;
    account::unlock(&people(desk, &hasher), &user.id).await?;
    let text = format!("reset the sign-in throttling of user {}", user.username);
    Ok(Output::line(text, in_json(&user)))
}

async fn set_password(desk: &Desk, who: &str) -> anyhow::Result<Output> {
    let user = named::user(desk, who).await?;
    let password = read_password(&user.username)?;
    let hasher = Hasher::start(&desk.config.passwords, &Supervisor::default())?;
    account::set_password(&people(desk, &hasher), &user.id, &password).await?;
    let text =
        format!("set the password of user {}; all sessions and tokens are revoked", user.username);
    Ok(Output::line(text, in_json(&user)))
}

fn state(disabled_at: Option<Timestamp>) -> String {
    disabled_at.map_or_else(|| "enabled".to_owned(), |at| format!("disabled {at}"))
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
