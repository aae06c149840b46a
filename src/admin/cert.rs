//! The certificate inventory.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Action, Allowed, Call, Done, Error, Page, Result, Subject, ca, client};
use crate::config::Config;
use crate::pki::census::ClientForecast;
use crate::pki::inventory::{self, Entry, Inventory, Listing, State};
use crate::pki::issue::{IssuedCertificate, Right};
use crate::pki::request::CertificationRequest;
use crate::pki::revocation::CachedStatus;
use crate::pki::{Certificate, Reason};
use crate::record::Kind;
pub use crate::store::certificates::Position;
use crate::store::certificates::{CertificateRow, Filter};
use crate::store::signing_keys::{self, SigningKeyRow};
use crate::types::{Client, ClientId, Seconds, Thumbprint, Timestamp};

/// The rules of the inventory, for one call.
const fn inventory<'a>(call: &Allowed<'a>) -> Inventory<'a> {
    Inventory { context: call.context }
}

/// Which certificates and signing keys to list.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Only valid ones that expire within this time.
    pub expiring: Option<Seconds>,
    /// Only those of this client.
    pub client: Option<ClientId>,
    /// Only those in these states.
    pub states: States,
}

/// Which states to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum States {
    /// All but expired ones; with [`Query::expiring`], only valid ones.
    #[default]
    Usual,
    /// All.
    All,
    /// This one.
    Only(State),
}

impl Query {
    fn includes(&self, state: State) -> bool {
        match (self.states, self.expiring) {
            (States::All, _) => true,
            (States::Only(only), _) => only == state,
            (States::Usual, Some(_)) => matches!(state, State::Valid | State::Expiring),
            (States::Usual, None) => state != State::Expired,
        }
    }

    fn includes_key(&self, call: &Allowed<'_>, key: &SigningKeyRow) -> bool {
        let ends_in_time = |time| ends_at(call.config, key).is_some_and(|at| at <= call.now + time);
        self.includes(key_state(key)) && self.expiring.is_none_or(ends_in_time)
    }
}

/// An item of the inventory.
#[derive(Debug)]
pub enum Item {
    /// A certificate.
    Certificate(Box<Entry>),
    /// A signing key, which has a lifetime but no certificate.
    Key(Box<SigningKeyRow>),
}

/// A query, and how far its result has been read.
#[derive(Debug)]
pub struct Cursor {
    query: Query,
    listing: Listing,
}

impl Cursor {
    /// The position of the last certificate that was read.
    pub const fn position(&self) -> Option<Position> {
        self.listing.position()
    }
}

/// Begins to read certificates by expiry, then signing keys.
///
/// # Errors
/// The database fails.
pub async fn query(call: &Call<'_>, query: Query) -> Result<Cursor> {
    query_after(call, query, None).await
}

/// Continues to read certificates after this position.
///
/// # Errors
/// The database fails.
pub async fn query_after(call: &Call<'_>, query: Query, after: Option<Position>) -> Result<Cursor> {
    let call = &call.allow(Action::ReadCertificates)?;
    // A revoked certificate whose validity has ended is in state expired.
    let with_expired = query.includes(State::Expired)
        || query.states != States::Usual && query.includes(State::Revoked);
    let filter = Filter {
        client_id: query.client.clone(),
        not_after_from: if with_expired { Timestamp(i64::MIN) } else { call.now },
        not_after_to: query.expiring.map_or(Timestamp(i64::MAX), |time| call.now + time),
    };
    let listing = inventory(call).list_after(filter, after).await?;
    Ok(Cursor { query, listing })
}

/// The next page: of up to `limit` certificates, those that match. All signing keys are on the last page; there are a
/// few for each algorithm, and none if a client is named.
///
/// # Errors
/// The database fails.
pub async fn page(call: &Call<'_>, cursor: &mut Cursor, limit: i64) -> Result<Page<Item>> {
    let call = &call.allow(Action::ReadCertificates)?;
    let Cursor { query, listing } = cursor;
    let inventory = inventory(call);
    let entries = inventory.next_page(listing, limit, |state| query.includes(state)).await?;
    let mut items: Vec<_> =
        entries.into_iter().map(|entry| Item::Certificate(Box::new(entry))).collect();
    let is_last = listing.is_complete();
    if is_last && query.client.is_none() {
        let mut keys = inventory.keys().await?;
        keys.retain(|key| query.includes_key(call, key));
        items.extend(keys.into_iter().map(|key| Item::Key(Box::new(key))));
    }
    Ok(Page { items, is_last })
}

/// The state of a signing key, in the terms of certificates.
pub const fn key_state(key: &SigningKeyRow) -> State {
    match key.state() {
        signing_keys::State::Pending => State::Pending,
        signing_keys::State::Active => State::Valid,
        signing_keys::State::Retiring => State::Expiring,
        signing_keys::State::Retired => State::Expired,
        signing_keys::State::Compromised => State::Revoked,
    }
}

/// When a signing key stops signing: the actual time, or the scheduled one.
pub fn ends_at(config: &Config, key: &SigningKeyRow) -> Option<Timestamp> {
    key.retiring_at.or_else(|| Some(key.activated_at? + config.keys.rotation))
}

/// A certificate or a signing key.
#[derive(Debug)]
pub enum Found {
    /// A certificate, with its last known revocation status.
    Certificate(Box<Entry>, Vec<CachedStatus>),
    /// A signing key.
    Key(Box<SigningKeyRow>),
}

/// Finds a signing key by its `kid`, or a certificate by its thumbprint or serial number.
///
/// # Errors
/// There is none, several have the serial number, or the database fails.
pub async fn show(call: &Call<'_>, name: &str) -> Result<Found> {
    let call = &call.allow(Action::ReadCertificates)?;
    let keys = inventory(call).keys().await?;
    if let Some(key) = keys.into_iter().find(|key| key.id == name) {
        return Ok(Found::Key(Box::new(key)));
    }
    let entry = existing(call, name).await?;
    let status = inventory(call).cached_statuses(&entry.certificate).await?;
    Ok(Found::Certificate(Box::new(entry), status))
}

/// Finds a certificate by its thumbprint or serial number.
///
/// # Errors
/// There is none, several have the serial number, or the database fails.
pub async fn find(call: &Call<'_>, name: &str) -> Result<Entry> {
    existing(&call.allow(Action::ReadCertificates)?, name).await
}

async fn existing(call: &Allowed<'_>, name: &str) -> Result<Entry> {
    let mut found = inventory(call).find(name).await?;
    match (found.pop(), found.is_empty()) {
        (None, _) => {
            let text = format!("there is no certificate {name}");
            Err(Error::NotFound(Subject::Certificate, text))
        }
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            let all = found.iter().chain([&last]);
            let all: Vec<_> = all.map(|one| one.certificate.thumbprint.to_string()).collect();
            let all = all.join(", ");
            Err(Error::Invalid(format!(
                "several certificates have that serial number; name one of {all}"
            )))
        }
    }
}

/// The row of a certificate that need not be in the inventory.
pub fn row_of(call: &Call<'_>, certificate: &Certificate) -> CertificateRow {
    inventory::seen_row(certificate, call.now())
}

/// Revokes a certificate. Returns how many others were revoked with it.
///
/// # Errors
/// It is revoked already, a client may do more than the administrator may, or the database fails.
pub async fn revoke(
    call: &Call<'_>,
    certificate: &CertificateRow,
    reason: Reason,
) -> Result<Done<usize>> {
    let call = &call.allow(Action::RevokeCertificate)?;
    let others = inventory(call).revoke(certificate, reason).await?;
    Ok(Done::new(others, Kind::CertificateRevoked))
}

/// Issues a certificate of the built-in CA to a client.
///
/// # Errors
/// There is no built-in CA, the client cannot have a certificate, or the database fails.
pub async fn issue(
    call: &Call<'_>,
    id: &ClientId,
    request: &CertificationRequest,
) -> Result<Done<IssuedCertificate>> {
    let authority = call.authority();
    let call = &call.allow(Action::IssueCertificate)?;
    client::must_not_reach_api_by(call, authority, id).await?;
    let kek = call.kek().await?;
    let ca = ca::built_in_ca(call, &kek);
    let issued = ca.issue(Some(id), request, Right::Proven).await?;
    Ok(Done::new(issued, Kind::CertificateIssued))
}

/// When a client stops working because its certificates expire.
#[derive(Debug)]
pub struct Forecast {
    /// The client.
    pub client: Client,
    /// Thumbprint and subject of its last valid certificate; `None`: none is known.
    pub last: Option<(Thumbprint, String)>,
    /// When that certificate expires.
    pub stops_at: Option<Timestamp>,
    /// Whether its certificates are renewed automatically.
    pub renews: bool,
}

impl Forecast {
    fn new(forecast: &ClientForecast<'_>) -> Self {
        Self {
            client: forecast.client.clone(),
            last: forecast.last.map(|last| (last.thumbprint, last.subject.clone())),
            stops_at: forecast.stops_at(),
            renews: forecast.renews,
        }
    }
}

/// The clients that stop working within `horizon` because their certificates expire. `all`: also those that renew
/// automatically, and those without a known certificate.
///
/// # Errors
/// The database fails.
pub async fn forecast(call: &Call<'_>, horizon: Seconds, all: bool) -> Result<Vec<Forecast>> {
    let call = &call.allow(Action::ReadCertificates)?;
    let inventory = inventory(call);
    let census = inventory.census().await?;
    let end = call.now + horizon;
    let mut forecasts = census.forecasts();
    forecasts.retain(|forecast| {
        all && forecast.last.is_none()
            || (all || !forecast.renews) && forecast.stops_at().is_some_and(|at| at <= end)
    });
    Ok(forecasts.iter().map(Forecast::new).collect())
}

/// A certificate as JSON.
pub fn document(entry: &Entry) -> Value {
    json!(Document::from(entry))
}

/// A client that uses a certificate.
#[derive(Debug, Serialize, ToSchema)]
pub struct CertificateClient {
    /// The client.
    client_id: String,
    /// When the certificate was registered for it, in Unix seconds.
    #[schema(required)]
    registered_at: Option<i64>,
    /// When the client last presented it, in Unix seconds.
    #[schema(required)]
    last_used_at: Option<i64>,
    /// Whether the client shares its certificate name with others.
    shares_name: bool,
}

/// A certificate of the inventory.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Certificate)]
pub struct Document {
    /// Always `certificate`.
    kind: &'static str,
    /// The SHA-256 of the certificate, in base64url.
    thumbprint: String,
    /// The SHA-256 of its public key, in base64url.
    public_key: String,
    /// Where it comes from.
    origin: String,
    /// `pending`, `valid`, `expiring`, `expired` or `revoked`.
    state: String,
    /// The client that the built-in CA issued it to.
    #[schema(required)]
    issued_to: Option<String>,
    /// The clients that use it.
    clients: Vec<CertificateClient>,
    /// The subject (RFC 4514).
    subject: String,
    /// The subject alternative names.
    names: Vec<String>,
    /// The issuer (RFC 4514).
    issuer: String,
    /// The serial number.
    serial: String,
    /// The type of the public key.
    key_type: String,
    /// Its size in bits.
    key_bits: i64,
    /// The begin of its validity, in Unix seconds.
    not_before: i64,
    /// The end of its validity, in Unix seconds.
    not_after: i64,
    /// When the server first saw it, in Unix seconds.
    first_seen_at: i64,
    /// When it was last presented, in Unix seconds.
    #[schema(required)]
    last_used_at: Option<i64>,
    /// How many valid tokens are bound to it, by kind.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    tokens: Value,
    /// When it was revoked, in Unix seconds.
    #[schema(required)]
    revoked_at: Option<i64>,
    /// The reason (RFC 5280 §5.3.1).
    #[schema(required)]
    reason: Option<String>,
}

impl From<&Entry> for Document {
    fn from(entry: &Entry) -> Self {
        let row = &entry.certificate;
        let clients = entry.holders.iter().map(|holder| CertificateClient {
            client_id: holder.client_id.to_string(),
            registered_at: holder.registered_at.map(|at| at.0),
            last_used_at: holder.last_used_at.map(|at| at.0),
            shares_name: entry.sharing.contains(&holder.client_id),
        });
        Self {
            kind: "certificate",
            thumbprint: row.thumbprint.to_string(),
            public_key: row.public_key.to_string(),
            origin: row.origin.as_str().to_owned(),
            state: entry.state.to_string(),
            issued_to: row.client_id.as_ref().map(ToString::to_string),
            clients: clients.collect(),
            subject: row.subject.clone(),
            names: row.names.clone(),
            issuer: row.issuer.clone(),
            serial: row.serial.clone(),
            key_type: row.key_type.clone(),
            key_bits: row.key_bits,
            not_before: row.not_before.0,
            not_after: row.not_after.0,
            first_seen_at: row.first_seen_at.0,
            last_used_at: row.last_used_at.map(|at| at.0),
            tokens: json!(entry.tokens),
            revoked_at: row.revoked_at.map(|at| at.0),
            reason: row.reason.clone(),
        }
    }
}

/// A signing key as JSON, in the terms of certificates.
pub fn key_document(config: &Config, key: &SigningKeyRow) -> Value {
    json!({
        "kind": "signing_key",
        "kid": key.id,
        "origin": "own",
        "alg": key.alg,
        "state": key_state(key),
        "not_before": key.activated_at,
        "not_after": ends_at(config, key),
    })
}
