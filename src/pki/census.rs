//! The whole inventory at once, beside the clients that depend on it: what stops working when, and what
//! has to be told to whom.

use std::collections::{BTreeMap, HashMap};

use super::inventory::{Inventory, State};
use crate::config::Config;
use crate::store::certificates::{self, CertificateRow, Filter, Holder, Origin};
use crate::store::clients;
use crate::types::client::AuthMethod;
use crate::types::{Client, ClientId, Seconds, Thumbprint, Timestamp};

/// What was not used for so long is not depended on.
const LATELY: Seconds = Seconds::days(30);

/// One of our own that no server shows any more was replaced.
const SHOWN: Seconds = Seconds::hours(1);

/// A certificate of a longer life is not one that a machine renews day by day.
const SHORT: Seconds = Seconds::days(30);

/// Everything that is known at one moment.
#[derive(Debug)]
pub struct Census<'a> {
    config: &'a Config,
    now: Timestamp,
    rows: Vec<CertificateRow>,
    holders: HashMap<Thumbprint, Vec<Holder>>,
    clients: BTreeMap<ClientId, Client>,
    /// Indices into `rows`.
    of_client: HashMap<ClientId, Vec<usize>>,
}

/// Until when a client that needs a certificate goes on working.
#[derive(Clone, Debug)]
pub struct Outlook<'a> {
    /// Which client.
    pub client: &'a Client,
    /// The last of its certificates; `None`: none is known.
    pub last: Option<&'a CertificateRow>,
    /// Whether its certificates are of a short life and were renewed in time before, and there is time
    /// left to do so again: somebody's machine sees to it.
    pub renews: bool,
}

impl Outlook<'_> {
    /// When it stops working unless something is done.
    pub fn stops_at(&self) -> Option<Timestamp> {
        self.last.map(|row| row.not_after)
    }
}

impl Inventory<'_> {
    /// Reads everything.
    ///
    /// # Errors
    /// What the database says.
    pub async fn census(&self) -> sqlx::Result<Census<'_>> {
        let (on, always) = (self.store.db(), Timestamp(i64::MIN));
        let all =
            Filter { client_id: None, not_after_from: always, not_after_to: Timestamp(i64::MAX) };
        let rows = certificates::list(on, &all).await?;
        let mut holders: HashMap<Thumbprint, Vec<Holder>> = HashMap::new();
        for holder in certificates::holders(on, always).await? {
            holders.entry(holder.thumbprint).or_default().push(holder);
        }
        let clients = clients::with_certificates(on).await?.into_iter();
        let mut of_client: HashMap<ClientId, Vec<usize>> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            let held = holders.get(&row.thumbprint).into_iter().flatten();
            let held = held.map(|holder| &holder.client_id);
            let issued = row.client_id.as_ref().filter(|_| row.origin == Origin::Issued);
            for client in held.chain(issued) {
                let own = of_client.entry(client.clone()).or_default();
                if own.last() != Some(&at) {
                    own.push(at);
                }
            }
        }
        Ok(Census {
            config: self.config,
            now: self.now,
            clients: clients.map(|client| (client.id.clone(), client)).collect(),
            rows,
            holders,
            of_client,
        })
    }
}

impl<'a> Census<'a> {
    /// When it was taken.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The settings.
    pub const fn config(&self) -> &'a Config {
        self.config
    }

    /// All certificates; what expires first comes first.
    pub fn rows(&self) -> &[CertificateRow] {
        &self.rows
    }

    /// How many certificates are in each state.
    pub fn counts(&self) -> [(State, i64); 5] {
        let warn_before = &self.config.certificates.warn_before;
        let mut counts = State::ALL.map(|state| (state, 0));
        for row in &self.rows {
            let state = State::of(row, warn_before, self.now);
            for (_, count) in counts.iter_mut().filter(|(other, _)| *other == state) {
                *count += 1;
            }
        }
        counts
    }

    /// The clients that depend on a certificate: it stands in their registration, was issued to them, or
    /// was shown by them lately. Those that are disabled depend on nothing.
    pub fn dependants(&self, row: &CertificateRow) -> Vec<&Client> {
        let held = self.holders.get(&row.thumbprint).into_iter().flatten();
        let depends = |holder: &&Holder| {
            holder.registered_at.is_some()
                || holder.last_used_at.is_some_and(|at| self.now <= at + LATELY)
        };
        let held = held.filter(depends).map(|holder| &holder.client_id);
        let issued = row.client_id.as_ref().filter(|_| row.origin == Origin::Issued);
        let mut found: Vec<_> = held.chain(issued).collect();
        found.sort();
        found.dedup();
        found.into_iter().filter_map(|id| self.clients.get(id)).collect()
    }

    /// Whether a certificate is one of ours that we still show, or may still sign with.
    pub fn is_own(&self, row: &CertificateRow) -> bool {
        row.origin == Origin::Own && row.last_used_at.is_none_or(|at| self.now <= at + SHOWN)
    }

    /// Whether a client has another certificate, which counts by now and will longer.
    pub fn is_renewed(&self, client: &Client, row: &CertificateRow) -> bool {
        self.usable(client)
            .any(|other| other.not_after > row.not_after && other.not_before <= self.now)
    }

    /// Whether another certificate of ours for the same names counts by now and will longer.
    pub fn is_own_renewed(&self, row: &CertificateRow) -> bool {
        let replaces = |other: &&CertificateRow| {
            self.is_own(other)
                && other.revoked_at.is_none()
                && (&other.subject, &other.names) == (&row.subject, &row.names)
                && other.not_after > row.not_after
                && other.not_before <= self.now
        };
        self.rows.iter().any(|other| replaces(&other))
    }

    /// Our own certificates, of each name the one that counts longest.
    pub fn own(&self) -> Vec<&CertificateRow> {
        let own = self.rows.iter().filter(|row| self.is_own(row) && row.revoked_at.is_none());
        own.filter(|row| !self.is_own_renewed(row)).collect()
    }

    /// Until when each client goes on working that needs a certificate: one that proves itself by it, or
    /// whose tokens are bound to it. What stops first comes first.
    pub fn outlooks(&self) -> Vec<Outlook<'_>> {
        let mut found: Vec<_> = self
            .clients
            .values()
            .filter(|client| needs_certificate(client))
            .map(|client| self.outlook(client))
            .collect();
        found.sort_by_key(|outlook| (outlook.stops_at(), outlook.client.id.clone()));
        found
    }

    fn outlook<'s>(&'s self, client: &'s Client) -> Outlook<'s> {
        let mut usable: Vec<_> = self.usable(client).collect();
        usable.sort_by_key(|row| (row.not_after, row.not_before));
        let last = usable.pop();
        let renews = last.is_some_and(|last| {
            let life = last.not_after - last.not_before;
            let in_time = usable.last().is_some_and(|before| last.not_before <= before.not_after);
            life <= SHORT && in_time && (last.not_after - self.now).0 > life.0 / 3
        });
        Outlook { client, last, renews }
    }

    /// The certificates that a client can prove itself with as long as they count. With
    /// `self_signed_tls_client_auth` and keys by value these are the registered ones alone.
    fn usable(&self, client: &Client) -> impl Iterator<Item = &CertificateRow> {
        let of_client = self.of_client.get(&client.id).map(Vec::as_slice).unwrap_or_default();
        let only_registered = is_self_signed(client) && client.metadata.jwks.is_some();
        let is_registered = {
            let id = client.id.clone();
            move |row: &CertificateRow| {
                let held = self.holders.get(&row.thumbprint).into_iter().flatten();
                held.into_iter()
                    .any(|holder| holder.client_id == id && holder.registered_at.is_some())
            }
        };
        of_client
            .iter()
            .filter_map(|at| self.rows.get(*at))
            .filter(|row| row.revoked_at.is_none())
            .filter(move |row| !only_registered || is_registered(row))
    }
}

/// RFC 8705 §2 and §3.
fn needs_certificate(client: &Client) -> bool {
    client.metadata.token_endpoint_auth_method.is_by_certificate()
        || client.metadata.tls_client_certificate_bound_access_tokens
}

/// RFC 8705 §2.2.
fn is_self_signed(client: &Client) -> bool {
    client.metadata.token_endpoint_auth_method == AuthMethod::SelfSignedTlsClientAuth
}
