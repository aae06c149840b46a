//! Certificates still in use and the clients that depend on them: which client stops working when,
//! and which expiry warnings are due.
//!
//! Every replica takes a census each minute. The inventory may hold a hundred thousand
//! certificates, most of them expired; these are only counted, and the others are read in pages,
//! without their DER.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Deref;

use super::ca::split_chain;
use super::inventory::{Inventory, State, late_after};
use crate::record::Context;
use crate::store::certificates::{self, CertificateLifetime, Holder, Origin};
use crate::store::{authorities, clients};
use crate::types::client::AuthMethod;
use crate::types::{Client, ClientId, Seconds, Thumbprint, Timestamp};

/// A certificate that was not used for this long is not in use.
const IN_USE: Seconds = Seconds::days(30);

/// A certificate of our listeners that was not presented for this long was replaced; a trust anchor
/// was removed.
const PRESENTED: Seconds = Seconds::hours(1);

/// Certificates with a longer lifetime are assumed to be renewed by hand.
const SHORT_LIVED: Seconds = Seconds::days(30);

/// Certificates that expired before this period, or before a period as long as their lifetime,
/// cause no warning: the server was not running then.
pub const STALE: Seconds = Seconds::days(7);

/// The most certificates that one statement reads, to bound its duration.
const PAGE_SIZE: i64 = 500;

/// A snapshot of the certificates in use.
#[derive(Debug)]
pub struct Census<'a> {
    context: Context<'a>,
    lives: Vec<CertificateLifetime>,
    clients: BTreeMap<ClientId, Client>,
    /// Indices into `lives`.
    of_client: HashMap<ClientId, Vec<usize>>,
    /// Clients that have ever presented a certificate.
    presenting: HashSet<ClientId>,
    /// The certificates of the built-in CA.
    ca_roles: HashMap<Thumbprint, CaRole>,
    expired: i64,
    revoked: i64,
}

/// The time of the context is that of the census.
impl<'a> Deref for Census<'a> {
    type Target = Context<'a>;

    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}

/// The role of a certificate in the built-in CA.
#[derive(Clone, Copy, Debug)]
pub struct CaRole {
    /// Whether it is the root.
    pub is_root: bool,
    /// Whether it no longer issues certificates because another one replaced it.
    pub is_superseded: bool,
}

/// When a client that needs a certificate will stop working.
#[derive(Clone, Debug)]
pub struct ClientForecast<'a> {
    /// The client.
    pub client: &'a Client,
    /// The certificate that it can use longest; `None`: none is known.
    pub last: Option<&'a CertificateLifetime>,
    /// Whether its certificates are short-lived, were renewed in time before, and there is time
    /// left to renew again: an automated renewal.
    pub renews: bool,
}

impl ClientForecast<'_> {
    /// When the client stops working without another certificate.
    pub fn stops_at(&self) -> Option<Timestamp> {
        self.last.map(CertificateLifetime::ends_at)
    }
}

impl<'a> Inventory<'a> {
    /// Takes a census.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn census(&self) -> sqlx::Result<Census<'a>> {
        let (on, now) = (self.store.db(), self.now);
        let mut lives: Vec<CertificateLifetime> = Vec::new();
        loop {
            let page = certificates::lifetimes(on, now, lives.last(), PAGE_SIZE).await?;
            let is_last = i64::try_from(page.len()).is_ok_and(|read| read < PAGE_SIZE);
            lives.extend(page);
            if is_last {
                break;
            }
        }
        lives.sort_by_key(|life| (life.not_after, life.thumbprint));
        let (expired, revoked) = certificates::count_ended(on, now).await?;
        let rows = authorities::all(on).await?;
        // A root above no issuing certificate is stored but not needed.
        let present = rows.iter().find(|row| !row.is_root && row.superseded_at.is_none());
        let above = present.map(|row| split_chain(&row.chain)).unwrap_or_default();
        let ca_roles = rows.iter().map(|row| {
            let is_above = above.iter().any(|one| **one == *row.certificate);
            let is_superseded = row.superseded_at.is_some() || row.is_root && !is_above;
            (Thumbprint::of(&row.certificate), CaRole { is_root: row.is_root, is_superseded })
        });
        let clients = clients::with_certificates(on).await?.into_iter();
        let mut census = Census {
            context: self.context,
            lives: Vec::with_capacity(lives.len()),
            clients: clients.map(|client| (client.id.clone(), client)).collect(),
            of_client: HashMap::new(),
            presenting: certificates::presenting_clients(on).await?,
            ca_roles: ca_roles.collect(),
            expired,
            revoked,
        };
        lives.into_iter().for_each(|life| census.add(life));
        for life in self.last_of_stopped(&census).await? {
            census.add(life);
        }
        Ok(census)
    }

    /// For clients without a valid certificate: the last one that each could use, however long ago.
    async fn last_of_stopped(&self, census: &Census<'_>) -> sqlx::Result<Vec<CertificateLifetime>> {
        let mut found: Vec<CertificateLifetime> = Vec::new();
        for client in census.clients.values().filter(|client| needs_certificate(client)) {
            if census.usable(client).next().is_none() {
                let (on, never_presented) =
                    (self.store.db(), !census.presenting.contains(&client.id));
                let registered = only_registered(client);
                found.extend(
                    certificates::last_of_client(on, &client.id, registered, never_presented)
                        .await?,
                );
            }
        }
        // Several clients may have shared a certificate.
        let mut seen = HashSet::new();
        found.retain(|life| seen.insert(life.thumbprint));
        Ok(found)
    }
}

impl Census<'_> {
    fn add(&mut self, life: CertificateLifetime) {
        let at = self.lives.len();
        for holder in &life.holders {
            self.of_client.entry(holder.client_id.clone()).or_default().push(at);
        }
        self.lives.push(life);
    }

    /// Certificates that are valid or will be, and expired ones that still matter, by expiry.
    pub fn lives(&self) -> &[CertificateLifetime] {
        &self.lives
    }

    /// A client that is enabled and has or needs a certificate.
    pub fn client(&self, id: &ClientId) -> Option<&Client> {
        self.clients.get(id)
    }

    /// The number of certificates in each state.
    pub fn counts(&self) -> [(State, i64); 5] {
        let warn_before = &self.config.certificates.warn_before;
        let mut counts = [
            (State::Pending, 0),
            (State::Valid, 0),
            (State::Expiring, 0),
            (State::Expired, self.expired),
            (State::Revoked, self.revoked),
        ];
        for life in self.lives.iter().filter(|life| self.now <= life.not_after) {
            let state =
                State::from_validity(life.not_before, life.not_after, warn_before, self.now);
            for (_, count) in counts.iter_mut().filter(|(other, _)| *other == state) {
                *count += 1;
            }
        }
        counts
    }

    /// The clients that depend on a certificate: it is registered for them, was issued to them and
    /// may be in use, or they presented it recently. Disabled clients depend on nothing.
    pub fn dependents(&self, life: &CertificateLifetime) -> Vec<&Client> {
        let depends = |holder: &&Holder| {
            holder.registered_at.is_some()
                || holder.last_used_at.is_some_and(|at| self.now <= at + IN_USE)
                || life.origin == Origin::Issued && self.is_in_use(life, holder)
        };
        let dependents = life.holders.iter().filter(depends);
        dependents.filter_map(|holder| self.clients.get(&holder.client_id)).collect()
    }

    /// Whether a client is assumed to use a certificate. An issued certificate may lie unused in a
    /// file, so a client that presents certificates must have presented this one. A client that
    /// never presents any here uses its certificate elsewhere.
    fn is_in_use(&self, life: &CertificateLifetime, holder: &Holder) -> bool {
        life.origin != Origin::Issued
            || holder.last_used_at.is_some()
            || !self.presenting.contains(&holder.client_id)
    }

    /// Whether operators are responsible for a certificate: one that our listeners present or the
    /// built-in CA signs with, a configured trust anchor, or an intermediate certificate that was
    /// used recently.
    pub fn is_monitored(&self, life: &CertificateLifetime) -> bool {
        let within = |length: Seconds| life.last_used_at.is_none_or(|at| self.now <= at + length);
        match life.origin {
            Origin::Own | Origin::Anchor => within(PRESENTED),
            Origin::Intermediate => within(IN_USE),
            Origin::Issued | Origin::Registered | Origin::Seen => false,
        }
    }

    /// The role of a certificate in the built-in CA, if it has one.
    pub fn ca_role(&self, life: &CertificateLifetime) -> Option<CaRole> {
        self.ca_roles.get(&life.thumbprint).copied()
    }

    /// The certificate with which a client can replace this one: it is valid now, and expires
    /// later.
    pub fn renewal(
        &self,
        client: &Client,
        life: &CertificateLifetime,
    ) -> Option<&CertificateLifetime> {
        self.usable(client)
            .filter(|other| other.ends_at() > life.ends_at() && other.not_before <= self.now)
            .max_by_key(|other| other.ends_at())
    }

    /// Whether a monitored certificate needs no action: the built-in CA issues with another one, or
    /// another certificate with the same names is valid and expires later. For CA certificates the
    /// key must be the same, because the certificates below were signed with it.
    pub fn is_replaced(&self, life: &CertificateLifetime) -> bool {
        if let Some(role) = self.ca_role(life) {
            return role.is_superseded;
        }
        let is_same = |other: &CertificateLifetime| match life.origin {
            Origin::Anchor | Origin::Intermediate => other.public_key == life.public_key,
            Origin::Own | Origin::Issued | Origin::Registered | Origin::Seen => {
                other.names == life.names
            }
        };
        self.lives.iter().any(|other| {
            other.origin == life.origin
                && other.subject == life.subject
                && is_same(other)
                && self.is_monitored(other)
                && other.not_after > life.not_after
                && other.not_before <= self.now
        })
    }

    /// The certificates that operators are responsible for; of each name the one that expires last.
    pub fn monitored(&self) -> impl Iterator<Item = &CertificateLifetime> {
        self.lives.iter().filter(|life| self.is_monitored(life) && !self.is_replaced(life))
    }

    /// When each client stops working that authenticates with a certificate or has
    /// certificate-bound tokens, the earliest first.
    pub fn forecasts(&self) -> Vec<ClientForecast<'_>> {
        let mut found: Vec<_> = self
            .clients
            .values()
            .filter(|client| needs_certificate(client))
            .map(|client| self.forecast(client))
            .collect();
        found.sort_by_key(|forecast| (forecast.stops_at(), forecast.client.id.clone()));
        found
    }

    fn forecast<'s>(&'s self, client: &'s Client) -> ClientForecast<'s> {
        let mut usable: Vec<_> = self.usable(client).collect();
        usable.sort_by_key(|life| (life.ends_at(), life.not_before));
        let last = usable.pop();
        let renews = last.is_some_and(|last| {
            let in_time = usable.last().is_some_and(|before| last.not_before <= before.not_after);
            in_time && self.has_time_to_renew(last)
        });
        ClientForecast { client, last, renews }
    }

    /// Whether a certificate is short-lived and its renewal is not late yet.
    pub fn has_time_to_renew(&self, life: &CertificateLifetime) -> bool {
        life.length() <= SHORT_LIVED && life.ends_at() - self.now > late_after(life.length())
    }

    /// The certificates that a client can authenticate with while they are valid. With
    /// `self_signed_tls_client_auth` and keys by value, only the registered ones.
    fn usable(&self, client: &Client) -> impl Iterator<Item = &CertificateLifetime> {
        let of_client = self.of_client.get(&client.id).map(Vec::as_slice).unwrap_or_default();
        let (id, only_registered) = (client.id.clone(), only_registered(client));
        of_client.iter().filter_map(|at| self.lives.get(*at)).filter(move |life| {
            let mut own = life.holders.iter().filter(|holder| holder.client_id == id);
            own.any(|holder| {
                holder.registered_at.is_some() || !only_registered && self.is_in_use(life, holder)
            })
        })
    }
}

/// Whether a client cannot work without a certificate (RFC 8705 §2 and §3).
pub fn needs_certificate(client: &Client) -> bool {
    client.metadata.token_endpoint_auth_method.is_by_certificate()
        || client.metadata.tls_client_certificate_bound_access_tokens
}

/// RFC 8705 §2.2.
fn only_registered(client: &Client) -> bool {
    client.metadata.token_endpoint_auth_method == AuthMethod::SelfSignedTlsClientAuth
        && client.metadata.jwks.is_some()
}
