//! The recent events of an account, as shown to its owner.

use serde_json::Value;

use crate::record::Kind;
use crate::store::Store;
use crate::store::audit_events::{self, OwnRow};
use crate::types::{ClientId, Result, SessionId, Timestamp, UserId};

/// The maximum number of lines.
const LINES: usize = 10;

/// The maximum number of events that are read per outcome. A row of that many failures may have been longer.
pub const MANY: usize = 20;

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityKind {
    /// A sign-in.
    SignedIn,
    /// A sign-in that failed.
    SignInFailed,
    /// A sign-out.
    SignedOut,
    /// A session was ended from another one.
    SessionEnded,
    /// All sessions except one were ended.
    OthersEnded,
    /// The user consented to an application.
    Allowed,
    /// The user denied an application access.
    Denied,
    /// The user withdrew the consent for an application.
    Withdrawn,
    /// The user changed the password.
    PasswordChanged,
    /// A change of the password failed: the current one was wrong.
    PasswordFailed,
    /// An administrator set the password.
    PasswordSet,
    /// The account was created.
    Created,
    /// Names, e-mail address or other claims were changed.
    Updated,
    /// An administrator reset the throttling of the account.
    Unlocked,
    /// The account was disabled.
    Disabled,
    /// The account was enabled again.
    Enabled,
}

impl ActivityKind {
    /// Whether the password was wrong.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::SignInFailed | Self::PasswordFailed)
    }
}

/// The outcomes, each queried separately: failures, which an attacker can cause, do not displace other events.
const OUTCOMES: [&str; 4] = ["success", "access_denied", "wrong", "throttled"];

/// The kind by audit event and outcome; `access_denied` is the decision of the user. All other audit events are for
/// operators only.
const MEANINGS: [(Kind, &str, ActivityKind); 15] = [
    (Kind::SignIn, "success", ActivityKind::SignedIn),
    (Kind::SignIn, "wrong", ActivityKind::SignInFailed),
    (Kind::SignIn, "throttled", ActivityKind::SignInFailed),
    (Kind::SignOut, "success", ActivityKind::SignedOut),
    (Kind::SessionEnded, "success", ActivityKind::SessionEnded),
    (Kind::Consent, "success", ActivityKind::Allowed),
    (Kind::Consent, "access_denied", ActivityKind::Denied),
    (Kind::ConsentWithdrawn, "success", ActivityKind::Withdrawn),
    (Kind::PasswordChanged, "success", ActivityKind::PasswordChanged),
    (Kind::PasswordChanged, "wrong", ActivityKind::PasswordFailed),
    (Kind::UserCreated, "success", ActivityKind::Created),
    (Kind::UserUpdated, "success", ActivityKind::Updated),
    (Kind::UserUnlocked, "success", ActivityKind::Unlocked),
    (Kind::UserDisabled, "success", ActivityKind::Disabled),
    (Kind::UserEnabled, "success", ActivityKind::Enabled),
];

/// One event, or several failures in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// The kind.
    pub kind: ActivityKind,
    /// The time of the latest event.
    pub at: Timestamp,
    /// The application.
    pub client: Option<ClientId>,
    /// The session that the event is about or came from.
    pub session: Option<SessionId>,
    /// The `User-Agent`, if known.
    pub user_agent: Option<String>,
    /// The address; `None` for a command, and for failures from several addresses.
    pub address: Option<String>,
    /// The number of events in a row.
    pub count: usize,
}

/// The recent events of an account, the newest first. Of their facts, only the `User-Agent` is returned.
///
/// # Errors
/// When the store fails.
pub async fn recent(store: &Store, user: &UserId) -> Result<Vec<Activity>> {
    let mut events = Vec::new();
    for outcome in OUTCOMES {
        let rows = audit_events::of_user(store.db(), user, outcome, MANY as i64).await?;
        let parse = |row: OwnRow| Some((row.id.clone(), from_row(row, outcome)?));
        events.extend(rows.into_iter().filter_map(parse));
    }
    events.sort_by(|(one, _), (other, _)| other.cmp(one));
    let mut lines: Vec<Activity> = Vec::new();
    for (_, event) in events {
        match lines.last_mut() {
            Some(last) if last.kind == event.kind && event.kind.is_failure() => {
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

fn from_row(row: OwnRow, outcome: &str) -> Option<Activity> {
    let (.., kind) =
        MEANINGS.iter().find(|(event, of, _)| event.as_str() == row.kind && *of == outcome)?;
    let facts: Value = serde_json::from_str(&row.facts).unwrap_or_default();
    let fact = |name: &str| facts.get(name).and_then(Value::as_str);
    let kind = if *kind == ActivityKind::PasswordChanged && fact("by") == Some("an administrator") {
        ActivityKind::PasswordSet
    } else if *kind == ActivityKind::SessionEnded && row.session_id.is_none() {
        ActivityKind::OthersEnded
    } else {
        *kind
    };
    Some(Activity {
        kind,
        at: Timestamp(row.at_ms.div_euclid(1000)),
        client: row.client_id,
        session: row.session_id,
        user_agent: fact("user_agent").map(str::to_owned).or(row.user_agent),
        address: row.address,
        count: 1,
    })
}
