//! Searches of the inventory: listings in pages, and single certificates by name.

use std::collections::{HashMap, HashSet};

use super::tokens::Jwts;
use super::{Inventory, State, Tokens};
use crate::pki::description::serial;
use crate::store::certificates::{self, CertificateRow, Filter, Holder, Position, Range};
use crate::store::clients;
use crate::types::{ClientId, Thumbprint};

/// A certificate of the inventory with the clients and tokens that depend on it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The certificate.
    pub certificate: CertificateRow,
    /// Its state.
    pub state: State,
    /// The clients that use it.
    pub holders: Vec<Holder>,
    /// Those of the clients that share a certificate name with other clients.
    pub sharing: HashSet<ClientId>,
    /// The tokens bound to it.
    pub tokens: Tokens,
}

/// A listing by expiry, and how far it has been read.
#[derive(Debug)]
pub struct Listing {
    filter: Filter,
    /// The position of the last certificate that was read.
    after: Option<Position>,
    is_complete: bool,
    /// Counted once, because the audit trail cannot be searched for the certificates of a page.
    jwts: Jwts,
}

impl Listing {
    /// Whether all certificates have been read.
    pub const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The position of the last certificate that was read.
    pub const fn position(&self) -> Option<Position> {
        self.after
    }
}

impl Inventory<'_> {
    /// Begins to list the certificates that match a filter, by expiry. Memory use does not grow with
    /// the inventory, but with the number of certificates that valid JWTs are bound to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, filter: Filter) -> sqlx::Result<Listing> {
        self.list_after(filter, None).await
    }

    /// Continues to list the certificates that match a filter, after this position.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_after(
        &self,
        filter: Filter,
        after: Option<Position>,
    ) -> sqlx::Result<Listing> {
        let jwts = self.count_jwts().await?;
        Ok(Listing { filter, after, is_complete: false, jwts })
    }

    /// Reads the next page of a listing: of up to `limit` certificates, those in a state that is
    /// included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_page(
        &self,
        listing: &mut Listing,
        limit: i64,
        includes: impl Fn(State) -> bool,
    ) -> sqlx::Result<Vec<Entry>> {
        let Listing { filter, after, is_complete, jwts } = listing;
        let mut rows = certificates::page(self.store.db(), filter, *after, limit).await?;
        *is_complete = i64::try_from(rows.len()).is_ok_and(|count| count < limit);
        *after = rows.last().map(CertificateRow::position).or(*after);
        rows.retain(|row| includes(self.state(row)));
        match filter.client_id {
            None => self.entries(rows, jwts).await,
            // Between the certificates of a client there may be any number of others.
            Some(_) => self.single_entries(rows, jwts).await,
        }
    }

    /// Finds certificates by thumbprint, as in tokens or as `openssl x509 -fingerprint -sha256`
    /// prints it, or by serial number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, text: &str) -> sqlx::Result<Vec<Entry>> {
        let on = self.store.db();
        let hex = parse_hex(text);
        let by_hex = hex.as_deref().and_then(|bytes| bytes.try_into().ok()).map(Thumbprint);
        let mut rows = Vec::new();
        for thumbprint in [Thumbprint::parse(text), by_hex].into_iter().flatten() {
            rows.extend(certificates::find(on, thumbprint).await?);
        }
        if let (Some(bytes), true) = (&hex, rows.is_empty()) {
            rows = certificates::by_serial(on, &serial(bytes)).await?;
        }
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.single_entries(rows, &self.count_jwts().await?).await
    }

    fn state(&self, row: &CertificateRow) -> State {
        State::from_row(row, &self.config.certificates.warn_before, self.now)
    }

    async fn single_entries(
        &self,
        rows: Vec<CertificateRow>,
        jwts: &Jwts,
    ) -> sqlx::Result<Vec<Entry>> {
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            entries.extend(self.entries(vec![row], jwts).await?);
        }
        Ok(entries)
    }

    /// The entries of certificates that follow each other in the order by expiry.
    async fn entries(&self, rows: Vec<CertificateRow>, jwts: &Jwts) -> sqlx::Result<Vec<Entry>> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok(Vec::new());
        };
        let range = Range { first: first.position(), last: last.position() };
        let on = self.store.db();
        let mut holders: HashMap<Thumbprint, Vec<Holder>> = HashMap::new();
        for holder in certificates::holders(on, &range).await? {
            holders.entry(holder.thumbprint).or_default().push(holder);
        }
        let sharing = clients::sharing_certificate_names(on, &range).await?;
        let bound = self.count_stored(&range).await?;
        let entry = |certificate: CertificateRow| {
            let holders = holders.remove(&certificate.thumbprint).unwrap_or_default();
            let ids = holders.iter().map(|holder| &holder.client_id);
            Entry {
                state: self.state(&certificate),
                sharing: ids.filter(|id| sharing.contains(*id)).cloned().collect(),
                holders,
                tokens: bound.for_certificate(&certificate, jwts),
                certificate,
            }
        };
        Ok(rows.into_iter().map(entry).collect())
    }
}

/// Parses hexadecimal with or without colons. An odd number of digits gets a leading zero.
fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let mut digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    if !digits.len().is_multiple_of(2) {
        digits.insert(0, b'0');
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}
