//! Audit events.

use std::net::IpAddr;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::store::audit_events::{self, AuditRow};
use crate::store::{Executor, Store};
use crate::types::{
    ClientId, GrantId, Refusal, SessionId, Subscriber, Timestamp, UserId, wire_enum,
};

/// Where a request comes from and what it is called: the same id stands in the answer, in the log and
/// in the events.
#[derive(Clone, Debug)]
pub struct Trace {
    /// `X-Request-Id`: what the user sees on a refusal.
    pub request_id: String,
    /// The address of the client, as far as we believe it. `None`: the command line.
    pub address: Option<IpAddr>,
    /// When the request came, in Unix milliseconds.
    pub at_ms: i64,
}

impl Trace {
    /// The trace of something that no request asked for.
    pub fn of_command(at_ms: i64) -> Self {
        Self { request_id: Uuid::now_v7().to_string(), address: None, at_ms }
    }

    /// When the request came.
    pub const fn now(&self) -> Timestamp {
        Timestamp(self.at_ms.div_euclid(1000))
    }

    /// Who shares a limit with whoever sent it.
    pub fn subscriber(&self) -> Subscriber {
        Subscriber::of(self.address)
    }

    /// The address, as text.
    pub fn address(&self) -> String {
        self.address.map(|address| address.to_string()).unwrap_or_default()
    }
}

wire_enum! {
    /// What an audit event records.
    pub enum Kind {
        /// Somebody signed in, or tried.
        SignIn = "sign_in",
        /// Somebody signed out.
        SignOut = "sign_out",
        /// A sign-in was ended from elsewhere.
        SessionEnded = "session.ended",
        /// A person allowed a client something, or refused.
        Consent = "consent.decided",
        /// A person took a consent back.
        ConsentWithdrawn = "consent.withdrawn",
        /// An authorization code was issued.
        CodeIssued = "code.issued",
        /// A code was presented again.
        CodeReplayed = "code.replayed",
        /// A code became a grant.
        GrantCreated = "grant.created",
        /// A grant was revoked.
        GrantRevoked = "grant.revoked",
        /// A refresh token was presented again.
        RefreshReplayed = "refresh_token.replayed",
        /// A refresh token was newer than the database, which had lost rotations in a failover that was declared.
        RefreshRecovered = "refresh_token.recovered",
        /// Access tokens were issued; one row holds up to 500.
        TokenIssued = "token.issued",
        /// An access token was revoked.
        TokenRevoked = "token.revoked",
        /// A request was refused.
        Refused = "request.refused",
        /// A password was changed or set.
        PasswordChanged = "password.changed",
        /// An account was made.
        UserCreated = "user.created",
        /// An account was disabled.
        UserDisabled = "user.disabled",
        /// An account was enabled again.
        UserEnabled = "user.enabled",
        /// Names, e-mail address or claims of an account were changed.
        UserUpdated = "user.updated",
        /// An account was deleted, with everything that was granted by it.
        UserDeleted = "user.deleted",
        /// What failed sign-ins had brought upon an account was lifted.
        UserUnlocked = "user.unlocked",
        /// A client was registered.
        ClientCreated = "client.created",
        /// A client's metadata was changed.
        ClientUpdated = "client.updated",
        /// A client was disabled.
        ClientDisabled = "client.disabled",
        /// A client was enabled again.
        ClientEnabled = "client.enabled",
        /// A client was deleted.
        ClientDeleted = "client.deleted",
        /// A client was given a new secret.
        ClientSecretRotated = "client.secret_rotated",
        /// An API was registered.
        ResourceCreated = "resource.created",
        /// An API was changed.
        ResourceUpdated = "resource.updated",
        /// An API was deleted.
        ResourceDeleted = "resource.deleted",
        /// A certificate that we show was replaced, or what was put in its place was refused.
        TlsCertificateReplaced = "tls_certificate.replaced",
        /// A certificate of our own was ordered from an authority (ACME).
        TlsCertificateOrdered = "tls_certificate.ordered",
        /// A signing key was published ahead.
        KeyPublished = "key.published",
        /// A signing key began to sign.
        KeyActivated = "key.activated",
        /// A signing key signs no more.
        KeyRetired = "key.retired",
        /// A signing key is known to somebody else.
        KeyCompromised = "key.compromised",
        /// A secret of the server was replaced by its next version.
        SecretReplaced = "secret.replaced",
        /// A secret of the server is known to somebody else: what it made counts for nothing.
        SecretCompromised = "secret.compromised",
        /// All grants were revoked, because what their refresh tokens were made with is known to somebody else.
        GrantsRevoked = "grants.revoked",
        /// A certificate was revoked: by an administrator, by whoever issued it, or with its client or what issued it.
        CertificateRevoked = "certificate.revoked",
        /// A certificate of our authority was made or imported.
        AuthorityCreated = "authority.created",
        /// The key of our root was given out.
        RootKeyExported = "authority.root_key_exported",
        /// The key of our root is not kept here any more.
        RootKeyRemoved = "authority.root_key_removed",
        /// Our authority issued a certificate.
        CertificateIssued = "certificate.issued",
        /// A client was given a token to enrol with.
        EnrolmentCreated = "enrolment.created",
        /// A certificate that somebody depends on came closer to its end.
        CertificateExpiring = "certificate.expiring",
        /// The time of a certificate that somebody depends on is over.
        CertificateExpired = "certificate.expired",
        /// A mail or a webhook was given up.
        NoticeUndelivered = "notice.undelivered",
        /// The operator has declared that another database took over, which may have lost commits.
        FailedOver = "database.failed_over",
        /// What was lost of revocations in a failover was revoked again.
        RevokedAgain = "database.revoked_again",
    }
}

impl Kind {
    /// What takes something away from somebody. A failover that loses it gives that back, so it is logged as
    /// well: the log is the one place outside the database that knows (decision 0029).
    const TAKES_AWAY: &[Self] = &[
        Self::SignOut,
        Self::SessionEnded,
        Self::ConsentWithdrawn,
        Self::CodeReplayed,
        Self::GrantRevoked,
        Self::RefreshReplayed,
        Self::TokenRevoked,
        Self::PasswordChanged,
        Self::UserDisabled,
        Self::UserUpdated,
        Self::UserDeleted,
        Self::ClientUpdated,
        Self::ClientDisabled,
        Self::ClientDeleted,
        Self::ClientSecretRotated,
        Self::ResourceDeleted,
        Self::KeyRetired,
        Self::KeyCompromised,
        Self::SecretCompromised,
        Self::GrantsRevoked,
        Self::CertificateRevoked,
    ];
}

/// The message of the line of the log that tells of an event that takes something away.
pub const TAKEN_AWAY: &str = "taken away";

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    kind: Kind,
    outcome: &'static str,
    client_id: Option<String>,
    user_id: Option<String>,
    session_id: Option<String>,
    grant_id: Option<String>,
    facts: Map<String, Value>,
}

impl Event {
    /// It happened.
    pub fn success(kind: Kind) -> Self {
        Self::of(kind, "success")
    }

    /// It was refused.
    pub fn refused(kind: Kind, refusal: &Refusal) -> Self {
        let mut event = Self::of(kind, refusal.code.as_str());
        event = event.fact("why", refusal.why);
        for (name, value) in &refusal.facts {
            // What has a column of its own is found there.
            match *name {
                "client_id" => event.client_id = Some(value.clone()),
                "grant_id" => event.grant_id = Some(value.clone()),
                name => event = event.fact(name, value.clone()),
            }
        }
        event
    }

    /// It ended in another way.
    pub fn of(kind: Kind, outcome: &'static str) -> Self {
        Self {
            kind,
            outcome,
            client_id: None,
            user_id: None,
            session_id: None,
            grant_id: None,
            facts: Map::new(),
        }
    }

    /// Which client it concerns.
    #[must_use]
    pub fn client(mut self, id: &ClientId) -> Self {
        self.client_id = Some(id.to_string());
        self
    }

    /// Which user it concerns.
    #[must_use]
    pub fn user(mut self, id: &UserId) -> Self {
        self.user_id = Some(id.to_string());
        self
    }

    /// Which sign-in it concerns.
    #[must_use]
    pub fn session(mut self, id: &SessionId) -> Self {
        self.session_id = Some(id.to_string());
        self
    }

    /// Which grant it concerns.
    #[must_use]
    pub fn grant(mut self, id: &GrantId) -> Self {
        self.grant_id = Some(id.to_string());
        self
    }

    /// What else is to be known. Never a secret: no secret becomes a JSON value.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// Writes it, in the transaction of what it describes.
    ///
    /// # Errors
    /// What the database says.
    pub async fn write(self, on: impl Into<Executor<'_>>, trace: &Trace) -> sqlx::Result<()> {
        let takes_away = Kind::TAKES_AWAY.contains(&self.kind);
        let row = self.row(trace);
        audit_events::insert(on, &row).await?;
        // Before the commit, which may fail: a line too many is repeated in vain, one too few is missed.
        if takes_away {
            tracing::info!(
                kind = row.kind,
                outcome = row.outcome,
                at_ms = row.at_ms,
                client_id = row.client_id,
                user_id = row.user_id,
                session_id = row.session_id,
                grant_id = row.grant_id,
                request_id = row.request_id,
                facts = row.facts,
                "{TAKEN_AWAY}"
            );
        }
        Ok(())
    }

    /// Writes it by itself.
    ///
    /// # Errors
    /// What the database says.
    pub async fn write_alone(self, store: &Store, trace: &Trace) -> sqlx::Result<()> {
        self.write(store.db(), trace).await
    }

    pub(super) fn row(self, trace: &Trace) -> AuditRow {
        AuditRow {
            id: Uuid::now_v7().to_string(),
            at_ms: trace.at_ms,
            kind: self.kind.as_str().to_owned(),
            outcome: self.outcome.to_owned(),
            client_id: self.client_id,
            user_id: self.user_id,
            session_id: self.session_id,
            grant_id: self.grant_id,
            address: trace.address.map(|address| address.to_string()),
            request_id: Some(trace.request_id.clone()),
            facts: Value::Object(self.facts).to_string(),
            count: 1,
        }
    }
}
