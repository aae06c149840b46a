//! Audit events.

use std::net::IpAddr;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::store::audit_events::{self, AuditRow};
use crate::store::{Executor, Store};
use crate::types::{
    Actor, ClientId, GrantId, Refusal, SessionId, Subscriber, Timestamp, UserId, wire_enum,
};

/// The origin and identifier of a request. The identifier is in the response, the log and the audit
/// events.
#[derive(Clone, Debug)]
pub struct Trace {
    /// `X-Request-Id`, which error pages show.
    pub request_id: String,
    /// The client's address as determined by the trusted proxies. `None`: the command line.
    pub address: Option<IpAddr>,
    /// When the request came, in Unix milliseconds.
    pub at_ms: i64,
    /// Who performs an administrative action. `None`: users and clients act for themselves, or it is a job.
    pub actor: Option<Actor>,
}

impl Trace {
    /// The trace of a command or job.
    pub fn of_command(at_ms: i64) -> Self {
        Self { request_id: Uuid::now_v7().to_string(), address: None, at_ms, actor: None }
    }

    /// When the request came.
    pub const fn now(&self) -> Timestamp {
        Timestamp(self.at_ms.div_euclid(1000))
    }

    /// The subscriber whose limits apply.
    pub fn subscriber(&self) -> Subscriber {
        Subscriber::from_address(self.address)
    }

    /// The address, as text.
    pub fn address(&self) -> String {
        self.address.map(|address| address.to_string()).unwrap_or_default()
    }
}

wire_enum! {
    /// What an audit event records.
    pub enum Kind {
        /// A sign-in, successful or not.
        SignIn = "sign_in",
        /// A sign-out.
        SignOut = "sign_out",
        /// A session was ended from another browser or by an administrator.
        SessionEnded = "session.ended",
        /// A user granted or denied consent.
        Consent = "consent.decided",
        /// A user withdrew a consent.
        ConsentWithdrawn = "consent.withdrawn",
        /// An authorization code was issued.
        CodeIssued = "code.issued",
        /// A code was replayed.
        CodeReplayed = "code.replayed",
        /// A code was exchanged for a grant.
        GrantCreated = "grant.created",
        /// A grant was revoked.
        GrantRevoked = "grant.revoked",
        /// A refresh token was replayed.
        RefreshReplayed = "refresh_token.replayed",
        /// A refresh token was newer than the database, which had lost rotations in a declared
        /// failover.
        RefreshRecovered = "refresh_token.recovered",
        /// Access tokens were issued; one row holds up to 500.
        TokenIssued = "token.issued",
        /// An access token was revoked.
        TokenRevoked = "token.revoked",
        /// A request was refused.
        Refused = "request.refused",
        /// A password was changed or set.
        PasswordChanged = "password.changed",
        /// An account was created.
        UserCreated = "user.created",
        /// An account was disabled.
        UserDisabled = "user.disabled",
        /// An account was enabled.
        UserEnabled = "user.enabled",
        /// Username, e-mail address or claims of an account were changed.
        UserUpdated = "user.updated",
        /// An account was deleted with all of its grants.
        UserDeleted = "user.deleted",
        /// The throttling of an account's sign-in was reset.
        UserUnlocked = "user.unlocked",
        /// A link was created by which a user sets a new password.
        RecoveryStarted = "recovery.started",
        /// A link to become owner was created.
        OwnerInvited = "administrator.invited",
        /// A role was given to a user or a client.
        RoleGranted = "administrator.role_granted",
        /// A role was taken away.
        RoleRevoked = "administrator.role_revoked",
        /// A client was registered.
        ClientCreated = "client.created",
        /// A client's metadata was changed.
        ClientUpdated = "client.updated",
        /// A client was disabled.
        ClientDisabled = "client.disabled",
        /// A client was enabled.
        ClientEnabled = "client.enabled",
        /// A client was deleted.
        ClientDeleted = "client.deleted",
        /// A client secret was generated.
        ClientSecretRotated = "client.secret_rotated",
        /// An API was registered.
        ResourceCreated = "resource.created",
        /// An API was changed.
        ResourceUpdated = "resource.updated",
        /// An API was deleted.
        ResourceDeleted = "resource.deleted",
        /// A certificate of a listener was replaced, or a new one was rejected.
        TlsCertificateReplaced = "tls_certificate.replaced",
        /// A certificate was ordered from an ACME server.
        TlsCertificateOrdered = "tls_certificate.ordered",
        /// A signing key was published.
        KeyPublished = "key.published",
        /// A signing key was activated.
        KeyActivated = "key.activated",
        /// A signing key was retired.
        KeyRetired = "key.retired",
        /// A signing key was compromised.
        KeyCompromised = "key.compromised",
        /// A secret of the server was rotated.
        SecretReplaced = "secret.replaced",
        /// A secret of the server was compromised: values derived from it are invalid.
        SecretCompromised = "secret.compromised",
        /// All grants were revoked, because the secret of their refresh tokens was compromised.
        GrantsRevoked = "grants.revoked",
        /// A certificate was revoked: by an administrator, by its CA, or with its client or issuing
        /// CA.
        CertificateRevoked = "certificate.revoked",
        /// A certificate of the built-in CA was created or imported.
        AuthorityCreated = "authority.created",
        /// The root's private key was exported.
        RootKeyExported = "authority.root_key_exported",
        /// The root's private key was deleted.
        RootKeyRemoved = "authority.root_key_removed",
        /// The built-in CA issued a certificate.
        CertificateIssued = "certificate.issued",
        /// An enrolment token was created.
        EnrolmentCreated = "enrolment.created",
        /// A certificate in use crossed a warning threshold.
        CertificateExpiring = "certificate.expiring",
        /// A certificate in use expired.
        CertificateExpired = "certificate.expired",
        /// A mail or a webhook failed permanently.
        NoticeUndelivered = "notice.undelivered",
        /// A failover was declared, which may have lost commits.
        FailedOver = "database.failed_over",
        /// Revocations lost in a failover were repeated.
        RevokedAgain = "database.revoked_again",
    }
}

impl Kind {
    /// Events that withdraw something. A failover that loses one would restore what was withdrawn,
    /// so these are also logged: the log is outside the database (decision 0029).
    const WITHDRAWALS: &[Self] = &[
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
        Self::RoleRevoked,
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

/// The log message of an event that withdraws something.
pub const WITHDRAWAL: &str = "taken away";

/// An audit event.
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
    /// An event with the outcome `success`.
    pub fn success(kind: Kind) -> Self {
        Self::of(kind, "success")
    }

    /// An event with the outcome `refused`.
    pub fn refused(kind: Kind, refusal: &Refusal) -> Self {
        let mut event = Self::of(kind, refusal.code.as_str());
        event = event.fact("why", refusal.why);
        for (name, value) in &refusal.facts {
            // Facts with a column of their own are stored there.
            match *name {
                "client_id" => event.client_id = Some(value.clone()),
                "grant_id" => event.grant_id = Some(value.clone()),
                name => event = event.fact(name, value.clone()),
            }
        }
        event
    }

    /// An event with another outcome.
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

    /// Sets the client.
    #[must_use]
    pub fn client(mut self, id: &ClientId) -> Self {
        self.client_id = Some(id.to_string());
        self
    }

    /// Sets the user.
    #[must_use]
    pub fn user(mut self, id: &UserId) -> Self {
        self.user_id = Some(id.to_string());
        self
    }

    /// Sets the session.
    #[must_use]
    pub fn session(mut self, id: &SessionId) -> Self {
        self.session_id = Some(id.to_string());
        self
    }

    /// Sets the grant.
    #[must_use]
    pub fn grant(mut self, id: &GrantId) -> Self {
        self.grant_id = Some(id.to_string());
        self
    }

    /// Adds a fact. Secrets cannot be converted into JSON values.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// Writes the event in the transaction of what it records.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write(self, on: impl Into<Executor<'_>>, trace: &Trace) -> sqlx::Result<()> {
        let is_withdrawal = Kind::WITHDRAWALS.contains(&self.kind);
        let row = self.row(trace);
        audit_events::insert(on, &row).await?;
        // Logged before the commit, which may fail: a superfluous line is harmless, a missing one
        // is not.
        if is_withdrawal {
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
                "{WITHDRAWAL}"
            );
        }
        Ok(())
    }

    /// Writes the event in a transaction of its own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_alone(self, store: &Store, trace: &Trace) -> sqlx::Result<()> {
        self.write(store.db(), trace).await
    }

    /// The row of the event, for a statement that writes it with what it records.
    pub fn row(self, trace: &Trace) -> AuditRow {
        AuditRow {
            id: Uuid::now_v7().to_string(),
            at_ms: trace.at_ms,
            kind: self.kind.as_str().to_owned(),
            outcome: self.outcome.to_owned(),
            client_id: self.client_id,
            user_id: self.user_id,
            session_id: self.session_id,
            grant_id: self.grant_id,
            actor: trace.actor.as_ref().map(Actor::to_string),
            address: trace.address.map(|address| address.to_string()),
            request_id: Some(trace.request_id.clone()),
            facts: Value::Object(self.facts).to_string(),
            count: 1,
        }
    }
}
