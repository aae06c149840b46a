//! `gatewright user`: user accounts.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;

use super::context::Context;
use super::exit::Absent;
use super::input::read_password;
use super::print::{Listing, Output};
use crate::admin::user::{self, Changes, NewAccount, claims, document};
use crate::admin::{PAGE_SIZE, client, session};
use crate::types::{SessionId, Timestamp, User};

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
    /// Create a one-time link by which a user sets a new password.
    #[command(after_help = "\
Example:
  gatewright user recover alice

The link is valid for 24 hours and for one use; the next one makes it invalid. The new password ends all sessions
and revokes all tokens of the user; until then, the current one stays valid.")]
    Recover(Which),
    /// List the sessions of a user, and the applications with access to the account.
    #[command(after_help = "\
Examples:
  gatewright user sessions alice
  gatewright --json user sessions alice | jq -r '.sessions[].address'")]
    Sessions(Which),
    /// End all sessions of a user, or one of them.
    #[command(after_help = "\
Examples:
  gatewright user end-sessions alice
  gatewright user end-sessions alice --session 0198c2f0-7c1e-7d3a-9b4f-2f6c1a5e8d90

The user can sign in again. Applications with offline access keep it: gatewright user revoke-access.")]
    EndSessions(EndSessions),
    /// Withdraw the access of an application to a user's account.
    #[command(after_help = "\
Example:
  gatewright user revoke-access alice Photos

The consent is withdrawn and all tokens of the application for this user are revoked.")]
    RevokeAccess(RevokeAccess),
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

/// `gatewright user end-sessions`
#[derive(Debug, Args)]
pub(super) struct EndSessions {
    /// Username, e-mail address or identifier.
    user: String,
    /// Only this session, as gatewright user sessions lists it.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
}

/// `gatewright user revoke-access`
#[derive(Debug, Args)]
pub(super) struct RevokeAccess {
    /// Username, e-mail address or identifier.
    user: String,
    /// The application: its client_id or name.
    client: String,
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
    pub(super) async fn run(self, context: &Context) -> Result<Output> {
        match self {
            Self::Create(new) => create(context, new).await,
            Self::List => list(context).await,
            Self::Show(which) => {
                let user = user::find(&context.call(), &which.user).await?;
                Ok(Output::document(document(&user)))
            }
            Self::Update(changes) => update(context, &changes).await,
            Self::Delete(which) => delete(context, &which.user).await,
            Self::Disable(which) => disable(context, &which.user).await,
            Self::Enable(which) => enable(context, &which.user).await,
            Self::Unlock(which) => unlock(context, &which.user).await,
            Self::Recover(which) => recover(context, &which.user).await,
            Self::Sessions(which) => sessions(context, &which.user).await,
            Self::EndSessions(which) => end_sessions(context, &which).await,
            Self::RevokeAccess(which) => revoke_access(context, &which).await,
            Self::SetPassword(new) => set_password(context, &new.user).await,
        }
    }
}

async fn create(context: &Context, new: Create) -> Result<Output> {
    let claims = claims::parse(&new.claims)?;
    let password = if new.password_stdin { Some(read_password(&new.username)?) } else { None };
    let account = NewAccount {
        username: &new.username,
        email: new.email.as_deref(),
        email_verified: new.email_verified,
        claims,
        password: password.as_ref(),
    };
    let user = user::create(&context.call(), account).await?.result;
    let mut text = format!("created user {} ({})", user.username, user.id);
    if password.is_none() {
        text.push_str("; no password is set yet: gatewright user set-password");
    }
    Ok(Output::line(text, document(&user)))
}

async fn list(context: &Context) -> Result<Output> {
    let headings = ["ID", "USERNAME", "EMAIL", "CREATED", "STATE"];
    let mut listing = Listing::new(headings, context.is_json);
    let mut after = None;
    loop {
        let page = user::page(&context.call(), after.as_ref(), PAGE_SIZE).await?;
        listing.page(&page.items, cells, document)?;
        if page.is_last {
            return Ok(listing.end("no users")?);
        }
        after = page.items.last().map(|user| user.id.clone());
    }
}

fn cells(user: &User) -> [String; 5] {
    let state = user.disabled_at.map(|at| format!("disabled {at}"));
    [
        user.id.to_string(),
        user.username.clone(),
        user.email.clone().unwrap_or_default(),
        user.created_at.to_string(),
        state.unwrap_or_else(|| "enabled".to_owned()),
    ]
}

async fn update(context: &Context, options: &Update) -> Result<Output> {
    let call = context.call();
    let user = user::find(&call, &options.user).await?;
    let email = match (&options.email, options.remove_email) {
        (Some(email), _) => Some(Some(email.as_str())),
        (None, true) => Some(None),
        (None, false) => None,
    };
    let changes = Changes {
        username: options.username.as_deref(),
        email,
        email_verified: options.email_verified,
        claims: claims::parse(&options.claims)?,
        removed: &options.removed,
        base: None,
    };
    let user = user::update(&call, &user.id, &changes).await?.result;
    Ok(Output::line(format!("updated user {}", user.username), document(&user)))
}

async fn delete(context: &Context, name: &str) -> Result<Output> {
    let call = context.call();
    let User { id, username, .. } = user::find(&call, name).await?;
    user::delete(&call, &id).await?;
    let text = format!("deleted user {username} ({id}); all tokens are revoked");
    Ok(Output::line(text, json!({ "id": id, "username": username })))
}

async fn disable(context: &Context, name: &str) -> Result<Output> {
    let call = context.call();
    let user = user::find(&call, name).await?;
    let user = user::disable(&call, &user.id).await?.result;
    let text = format!("disabled user {}; all sessions and tokens are revoked", user.username);
    Ok(Output::line(text, document(&user)))
}

async fn enable(context: &Context, name: &str) -> Result<Output> {
    let call = context.call();
    let user = user::find(&call, name).await?;
    let user = user::enable(&call, &user.id).await?.result;
    Ok(Output::line(format!("enabled user {}", user.username), document(&user)))
}

async fn unlock(context: &Context, name: &str) -> Result<Output> {
    let call = context.call();
    let user = user::find(&call, name).await?;
    user::unlock(&call, &user.id).await?;
    let text = format!("reset the sign-in throttling of user {}", user.username);
    Ok(Output::line(text, document(&user)))
}

async fn recover(context: &Context, name: &str) -> Result<Output> {
    let call = context.call();
    let user = user::find(&call, name).await?;
    let link = user::start_recovery(&call, &user.id).await?.result;
    let url =
        format!("{}?link={}", context.config.issuer.endpoint("/recovery"), link.secret.0.expose());
    let text = format!(
        "{url}\n\nvalid until {}, for one use: {} sets a new password there",
        link.expires_at, user.username
    );
    let json = json!({ "url": url, "expires_at": link.expires_at, "id": user.id, "username": user.username });
    Ok(Output::line(text, json))
}

async fn sessions(context: &Context, name: &str) -> Result<Output> {
    let call = context.call();
    let user = user::find(&call, name).await?;
    let sessions = session::list(&call, &user.id).await?;
    let applications = session::applications(&call, &user.id).await?;
    let row = |kind: &str, id: String, since: Timestamp, last: Option<Timestamp>, from: &str| {
        let last = last.map(|at| at.to_string()).unwrap_or_default();
        vec![kind.to_owned(), id, since.to_string(), last, from.to_owned()]
    };
    let mut rows: Vec<_> = sessions
        .iter()
        .map(|one| {
            row("session", one.id.to_string(), one.created_at, Some(one.seen_at), &one.address)
        })
        .collect();
    rows.extend(
        applications
            .iter()
            .map(|one| row("application", one.client_id.to_string(), one.since, one.used_at, "")),
    );
    let headings = ["KIND", "ID", "SINCE", "LAST USED", "ADDRESS"];
    let json = json!({
        "sessions": sessions.iter().map(session::document).collect::<Vec<_>>(),
        "applications": applications
            .iter()
            .map(|one| json!({ "client_id": one.client_id, "since": one.since, "used_at": one.used_at }))
            .collect::<Vec<_>>(),
    });
    Ok(Output::table(&headings, &rows, "no sessions, and no applications with access", json))
}

async fn end_sessions(context: &Context, which: &EndSessions) -> Result<Output> {
    let call = context.call();
    let user = user::find(&call, &which.user).await?;
    let ended = match &which.session {
        Some(id) => {
            let id = SessionId::from_text(id);
            u64::from(session::end(&call, &user.id, &id).await?.result)
        }
        None => session::end_all(&call, &user.id).await?.result,
    };
    if which.session.is_some() && ended == 0 {
        return Err(Absent(format!("{} has no such session", user.username)).into());
    }
    let text = format!("ended {ended} sessions of user {}", user.username);
    Ok(Output::line(text, json!({ "id": user.id, "ended": ended })))
}

async fn revoke_access(context: &Context, which: &RevokeAccess) -> Result<Output> {
    let call = context.call();
    let user = user::find(&call, &which.user).await?;
    let client = client::find(&call, &which.client).await?;
    if !session::revoke_access(&call, &user.id, &client.id).await?.result {
        let text = format!("{} has no access to the account of {}", client.name(), user.username);
        return Err(Absent(text).into());
    }
    let text = format!(
        "withdrew the access of {} to the account of {}; its tokens are revoked",
        client.name(),
        user.username
    );
    Ok(Output::line(text, json!({ "id": user.id, "client_id": client.id })))
}

async fn set_password(context: &Context, name: &str) -> Result<Output> {
    let call = context.call();
    let user = user::find(&call, name).await?;
    let password = read_password(&user.username)?;
    user::set_password(&call, &user.id, &password).await?;
    let text =
        format!("set the password of user {}; all sessions and tokens are revoked", user.username);
    Ok(Output::line(text, document(&user)))
}
