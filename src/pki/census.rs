//! What counts of the inventory, beside the clients that depend on it: what stops working when, and what
//! has to be told to whom.
//!
//! Every replica takes one each minute, of an inventory that may hold a hundred thousand certificates, most of
//! them over: those are counted where they are, and the others are read in pages and without themselves.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::ca::split_chain;
use super::inventory::{Inventory, State, late_after};
use crate::config::Config;
use crate::store::certificates::{self, Holder, Life, Origin};
use crate::store::{authorities, clients};
use crate::types::client::AuthMethod;
use crate::types::{Client, ClientId, Seconds, Thumbprint, Timestamp};

/// What was not used for so long is not depended on.
const IN_USE: Seconds = Seconds::days(30);

/// One of our own that no server shows any more was replaced, and an anchor that none believes.
const PRESENTED: Seconds = Seconds::hours(1);

/// A certificate of a longer life is not one that a machine renews day by day.
const SHORT_LIVED: Seconds = Seconds::days(30);

/// What ended longer ago than this, or than it had lived, is told to nobody any more: we were not running then.
pub const STALE: Seconds = Seconds::days(7);

/// As many certificates as one statement reads, so that none takes long.
const PAGE_SIZE: i64 = 5_000;

/// Everything that counts at one moment.
#[derive(Debug)]
pub struct Census<'a> {
    config: &'a Config,
    now: Timestamp,
    lives: Vec<Life>,
    clients: BTreeMap<ClientId, Client>,
    /// Indices into `lives`.
    of_client: HashMap<ClientId, Vec<usize>>,
    /// Those that have ever shown a certificate.
    presenting: HashSet<ClientId>,
    /// The certificates of the authority inside.
    ca_roles: HashMap<Thumbprint, CaRole>,
    expired: i64,
    revoked: i64,
}

/// What a certificate of the authority inside is to it.
#[derive(Clone, Copy, Debug)]
pub struct CaRole {
    /// Whether it is the root.
    pub is_root: bool,
    /// Whether it issues nothing any more, for another one has taken its place.
    pub is_superseded: bool,
}

/// Until when a client that needs a certificate goes on working.
#[derive(Clone, Debug)]
pub struct ClientForecast<'a> {
    /// Which client.
    pub client: &'a Client,
    /// The last of its certificates; `None`: none is known.
    pub last: Option<&'a Life>,
    /// Whether its certificates are of a short life and were renewed in time before, and there is time
    /// left to do so again: somebody's machine sees to it.
    pub renews: bool,
}

impl ClientForecast<'_> {
    /// When it stops working unless something is done.
    pub fn stops_at(&self) -> Option<Timestamp> {
        self.last.map(Life::ends_at)
    }
}

impl Inventory<'_> {
    /// Reads what counts.
    ///
    /// # Errors
    /// What the database says.
    pub async fn census(&self) -> sqlx::Result<Census<'_>> {
        let (on, now) = (self.store.db(), self.now);
        let mut lives: Vec<Life> = Vec::new();
        loop {
            let page = certificates::lives(on, now, lives.last(), PAGE_SIZE).await?;
            let is_last = i64::try_from(page.len()).is_ok_and(|read| read < PAGE_SIZE);
            lives.extend(page);
            if is_last {
                break;
            }
        }
        lives.sort_by_key(|life| (life.not_after, life.thumbprint));
        let (expired, revoked) = certificates::count_over(on, now).await?;
        let rows = authorities::all(on).await?;
        // A root that stands above none that issues is kept, and needed for nothing.
        let present = rows.iter().find(|row| !row.is_root && row.superseded_at.is_none());
        let above = present.map(|row| split_chain(&row.chain)).unwrap_or_default();
        let ca_roles = rows.iter().map(|row| {
            let is_above = above.iter().any(|one| **one == *row.certificate);
            let is_superseded = row.superseded_at.is_some() || row.is_root && !is_above;
            (Thumbprint::of(&row.certificate), CaRole { is_root: row.is_root, is_superseded })
        });
        let clients = clients::with_certificates(on).await?.into_iter();
        let mut census = Census {
            config: self.config,
            now,
            lives: Vec::with_capacity(lives.len()),
            clients: clients.map(|client| (client.id.clone(), client)).collect(),
            of_client: HashMap::new(),
            presenting: certificates::who_shows(on).await?,
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

    /// Of the clients that have stopped, what they went on with until then, however long ago.
    async fn last_of_stopped(&self, census: &Census<'_>) -> sqlx::Result<Vec<Life>> {
        let mut found: Vec<Life> = Vec::new();
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
        // Several clients may have had one together.
        let mut seen = HashSet::new();
        found.retain(|life| seen.insert(life.thumbprint));
        Ok(found)
    }
}

impl<'a> Census<'a> {
    fn add(&mut self, life: Life) {
        let at = self.lives.len();
        for holder in &life.holders {
            self.of_client.entry(holder.client_id.clone()).or_default().push(at);
        }
        self.lives.push(life);
    }

    /// When it was taken.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The settings.
    pub const fn config(&self) -> &'a Config {
        self.config
    }

    /// The certificates that count now or later, and of those that are over the ones that still mean
    /// something; what expires first comes first.
    pub fn lives(&self) -> &[Life] {
        &self.lives
    }

    /// A client that is not disabled, and has or needs a certificate.
    pub fn client(&self, id: &ClientId) -> Option<&Client> {
        self.clients.get(id)
    }

    /// How many certificates are in each state.
    pub fn counts(&self) -> [(State, i64); 5] {
        let warn_before = &self.config.certificates.warn_before;
        let mut counts = State::ALL.map(|state| match state {
            State::Expired => (state, self.expired),
            State::Revoked => (state, self.revoked),
            State::Pending | State::Valid | State::Expiring => (state, 0),
        });
        for life in self.lives.iter().filter(|life| self.now <= life.not_after) {
            let state =
                State::from_validity(life.not_before, life.not_after, warn_before, self.now);
            for (_, count) in counts.iter_mut().filter(|(other, _)| *other == state) {
                *count += 1;
            }
        }
        counts
    }

    /// The clients that depend on a certificate: it stands in their registration, was issued to them and is
    /// in use as far as we see, or was shown by them lately. Those that are disabled depend on nothing.
    pub fn dependents(&self, life: &Life) -> Vec<&Client> {
        let depends = |holder: &&Holder| {
            holder.registered_at.is_some()
                || holder.last_used_at.is_some_and(|at| self.now <= at + IN_USE)
                || life.origin == Origin::Issued && self.is_in_use(life, holder)
        };
        let held = life.holders.iter().filter(depends);
        held.filter_map(|holder| self.clients.get(&holder.client_id)).collect()
    }

    /// Whether a client may be taken to go on with a certificate. One that was issued to it may lie in a
    /// file that its program never read: it counts once it was shown. A client that shows none at all
    /// uses what it has elsewhere.
    fn is_in_use(&self, life: &Life, holder: &Holder) -> bool {
        life.origin != Origin::Issued
            || holder.last_used_at.is_some()
            || !self.presenting.contains(&holder.client_id)
    }

    /// Whether operators have to see to a certificate: one of ours that we still show, or may still sign
    /// with, an anchor that we believe, or what came between one and a client lately.
    pub fn is_monitored(&self, life: &Life) -> bool {
        let within = |length: Seconds| life.last_used_at.is_none_or(|at| self.now <= at + length);
        match life.origin {
            Origin::Own | Origin::Anchor => within(PRESENTED),
            Origin::Intermediate => within(IN_USE),
            Origin::Issued | Origin::Registered | Origin::Seen => false,
        }
    }

    /// What a certificate is to the authority inside; `None`: nothing.
    pub fn ca_role(&self, life: &Life) -> Option<CaRole> {
        self.ca_roles.get(&life.thumbprint).copied()
    }

    /// The certificate that a client goes on with instead of this one: it counts by now, and will longer.
    pub fn renewal(&self, client: &Client, life: &Life) -> Option<&Life> {
        self.usable(client)
            .filter(|other| other.ends_at() > life.ends_at() && other.not_before <= self.now)
            .max_by_key(|other| other.ends_at())
    }

    /// Whether nobody has to see to a certificate that is watched: the authority inside issues with another
    /// one, or another one for the same names counts by now and will longer. Of an authority it has to have
    /// the same key, or it stands above none of those below.
    pub fn is_replaced(&self, life: &Life) -> bool {
        if let Some(role) = self.ca_role(life) {
            return role.is_superseded;
        }
        let is_same = |other: &Life| match life.origin {
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

    /// The certificates that operators have to see to, of each name the one that counts longest.
    pub fn monitored(&self) -> impl Iterator<Item = &Life> {
        self.lives.iter().filter(|life| self.is_monitored(life) && !self.is_replaced(life))
    }

    /// Until when each client goes on working that needs a certificate: one that proves itself by it, or
    /// whose tokens are bound to it. What stops first comes first.
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

    /// Whether a certificate is of a short life, of which so much is left that nobody has to think of the
    /// next one yet.
    pub fn has_time_to_renew(&self, life: &Life) -> bool {
        life.length() <= SHORT_LIVED && life.ends_at() - self.now > late_after(life.length())
    }

    /// The certificates that a client can prove itself with as long as they count. With
    /// `self_signed_tls_client_auth` and keys by value these are the registered ones alone.
    fn usable(&self, client: &Client) -> impl Iterator<Item = &Life> {
        let of_client = self.of_client.get(&client.id).map(Vec::as_slice).unwrap_or_default();
        let (id, only_registered) = (client.id.clone(), only_registered(client));
        of_client.iter().filter_map(|at| self.lives.get(*at)).filter(move |life| {
            let mut held = life.holders.iter().filter(|holder| holder.client_id == id);
            held.any(|holder| {
                holder.registered_at.is_some() || !only_registered && self.is_in_use(life, holder)
            })
        })
    }
}

/// Whether a client stops without a certificate (RFC 8705 §2 and §3).
pub fn needs_certificate(client: &Client) -> bool {
    client.metadata.token_endpoint_auth_method.is_by_certificate()
        || client.metadata.tls_client_certificate_bound_access_tokens
}

/// RFC 8705 §2.2.
fn only_registered(client: &Client) -> bool {
    client.metadata.token_endpoint_auth_method == AuthMethod::SelfSignedTlsClientAuth
        && client.metadata.jwks.is_some()
}
