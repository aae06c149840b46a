//! What happened to an account of late, as its owner is told.

use serde_json::Value;

use crate::record::Kind;
use crate::store::Store;
use crate::store::audit_events::{self, OwnRow};
use crate::types::{ClientId, Result, SessionId, Timestamp, UserId};

/// As many lines as are told.
const LINES: usize = 10;

/// As many events as are read of each outcome: where so many failed in a row, there may have been more.
pub const MANY: usize = 20;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A sign-in.
    SignedIn,
    /// A sign-in that failed.
    SignInFailed,
    /// A sign-out.
    SignedOut,
    /// A sign-in was ended from elsewhere.
    SessionEnded,
    /// All sign-ins but one were ended.
    OthersEnded,
    /// An application was let in.
    Allowed,
    /// An application was turned away.
    Denied,
    /// The access of an application was withdrawn.
    Withdrawn,
    /// The person changed the password.
    PasswordChanged,
    /// The person's present password was not known to whoever would have changed it.
    PasswordFailed,
    /// An administrator set the password.
    PasswordSet,
    /// The account was made.
    Created,
    /// Names, e-mail address or other details were changed.
    Updated,
    /// What failed sign-ins had brought upon the account was lifted.
    Unlocked,
    /// The account was disabled.
    Disabled,
    /// The account was enabled again.
    Enabled,
}

impl What {
    /// Whether somebody did not know the password.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::SignInFailed | Self::PasswordFailed)
    }
}

/// The outcomes that are asked for, each by itself: failures, which anybody can cause, push nothing out.
const OUTCOMES: [&str; 4] = ["success", "access_denied", "wrong", "throttled"];

/// What an event is called; `access_denied` is the person's own no. Everything else in the audit trail is for
/// operators.
const MEANINGS: [(Kind, &str, What); 15] = [
    (Kind::SignIn, "success", What::SignedIn),
    (Kind::SignIn, "wrong", What::SignInFailed),
    (Kind::SignIn, "throttled", What::SignInFailed),
    (Kind::SignOut, "success", What::SignedOut),
    (Kind::SessionEnded, "success", What::SessionEnded),
    (Kind::Consent, "success", What::Allowed),
    (Kind::Consent, "access_denied", What::Denied),
    (Kind::ConsentWithdrawn, "success", What::Withdrawn),
    (Kind::PasswordChanged, "success", What::PasswordChanged),
    (Kind::PasswordChanged, "wrong", What::PasswordFailed),
    (Kind::UserCreated, "success", What::Created),
    (Kind::UserUpdated, "success", What::Updated),
    (Kind::UserUnlocked, "success", What::Unlocked),
    (Kind::UserDisabled, "success", What::Disabled),
    (Kind::UserEnabled, "success", What::Enabled),
];

/// A line of what happened: one event, or several failures in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// What.
    pub what: What,
    /// When, at last.
    pub at: Timestamp,
    /// Which application it was about.
    pub client: Option<ClientId>,
    /// Which sign-in it was about, or came from.
    pub session: Option<SessionId>,
    /// What the browser called itself, if that is known.
    pub user_agent: Option<String>,
    /// From where; `None`: no request asked for it, or failures came from several places.
    pub address: Option<String>,
    /// How many events in a row.
    pub count: usize,
}

/// What happened to an account of late, the newest first. Nothing of what was compared is told, but for what the
/// browser called itself.
///
/// # Errors
/// When the store fails.
pub async fn recent(store: &Store, user: &UserId) -> Result<Vec<Happened>> {
    let mut events = Vec::new();
    for outcome in OUTCOMES {
        let rows = audit_events::of_user(store.db(), user, outcome, MANY as i64).await?;
        let read = |row: OwnRow| Some((row.id.clone(), read(row, outcome)?));
        events.extend(rows.into_iter().filter_map(read));
    }
    events.sort_by(|(one, _), (other, _)| other.cmp(one));
    let mut lines: Vec<Happened> = Vec::new();
    for (_, event) in events {
        match lines.last_mut() {
            Some(last) if last.what == event.what && event.what.is_failure() => {
                last.count += 1;
                if last.address != event.address {
                    last.address = None;
                }
                if last.user_agent != event.user_agent {
                    last.user_agent = None;
                }
            }
            Some(_) | None => lines.push(event),
        }
    }
    lines.truncate(LINES);
    Ok(lines)
}

fn read(row: OwnRow, outcome: &str) -> Option<Happened> {
    let (.., what) =
        MEANINGS.iter().find(|(kind, of, _)| kind.as_str() == row.kind && *of == outcome)?;
    let facts: Value = serde_json::from_str(&row.facts).unwrap_or_default();
    let fact = |name: &str| facts.get(name).and_then(Value::as_str);
    let what = if *what == What::PasswordChanged && fact("by") == Some("an administrator") {
        What::PasswordSet
    } else if *what == What::SessionEnded && row.session_id.is_none() {
        What::OthersEnded
    } else {
        *what
    };
    Some(Happened {
        what,
        at: Timestamp(row.at_ms.div_euclid(1000)),
        client: row.client_id,
        session: row.session_id,
        user_agent: fact("user_agent").map(str::to_owned).or(row.user_agent),
        address: row.address,
        count: 1,
    })
}
