//! `certificates`: the inventory of all that we know of.

use std::collections::HashSet;

use sqlx_macros::FromRow;

use gatewright_base::text_columns;

use super::db::{Joined, JoinedRow};
use super::versions::{self, Kind};
use super::{On, Tx, sql, to_json};
use crate::types::sql::{Json, sqlx};
use crate::types::{ClientId, Seconds, Thumbprint, Timestamp};

/// How we came to know a certificate. Of several ways the first one listed is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// One of the server's own.
    Own,
    /// One of those that are believed about clients, by the configuration.
    Anchor,
    /// Our authority issued it.
    Issued,
    /// It stands in the registration of a client.
    Registered,
    /// It came between a client's certificate and its anchor.
    Intermediate,
    /// Somebody showed it in a TLS handshake.
    Seen,
}

impl Origin {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Own, Self::Anchor, Self::Issued, Self::Registered, Self::Intermediate, Self::Seen];

    /// As it stands in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Anchor => "anchor",
            Self::Issued => "issued",
            Self::Registered => "registered",
            Self::Intermediate => "intermediate",
            Self::Seen => "seen",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.as_str() == text)
    }
}

text_columns! {
    Origin: Self::parse, "the column is not an origin of a certificate";
}

/// A certificate as the inventory holds it.
#[derive(Clone, Debug, FromRow)]
pub struct CertificateRow {
    /// SHA-256 of the certificate: `x5t#S256`.
    pub thumbprint: Thumbprint,
    /// SHA-256 of its `SubjectPublicKeyInfo`.
    pub public_key: Thumbprint,
    /// How we came to know it.
    pub origin: Origin,
    /// The client that it was issued to, or that showed it first; `None`: nobody's, or ours. All that
    /// it proves: [`holders`].
    pub client_id: Option<ClientId>,
    /// Its subject, as RFC 4514 writes it.
    pub subject: String,
    /// Its `subjectAltName`s, each with its kind before it: `DNS:…`, `URI:…`, `IP:…`, `email:…`.
    #[sqlx(try_from = "Json")]
    pub names: Vec<String>,
    /// Who issued it, as RFC 4514 writes it.
    pub issuer: String,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// The kind of its key: `RSA`, `EC P-256`, `Ed25519`, …
    pub key_type: String,
    /// How large that key is.
    pub key_bits: i64,
    /// When it begins to count.
    pub not_before: Timestamp,
    /// When it counts no more.
    pub not_after: Timestamp,
    /// Itself.
    pub der: Vec<u8>,
    /// When we first met it.
    pub first_seen_at: Timestamp,
    /// When it was last shown.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked, by whom ever.
    pub revoked_at: Option<Timestamp>,
    /// Why (RFC 5280 §5.3.1).
    pub reason: Option<String>,
    /// When the first one ends of it and of those above it, the anchor included, as it was last shown;
    /// `None`: it was not, or leads to nobody we believe.
    pub chain_ends_at: Option<Timestamp>,
}

macro_rules! columns {
    () => {
        "thumbprint, public_key, origin, client_id, subject, names, issuer, serial, key_type, key_bits,
                not_before, not_after, der, first_seen_at, last_used_at, revoked_at, reason,
                chain_ends_at"
    };
}

/// What makes a certificate of the statement count for nothing: it was revoked, or its key is known to
/// somebody else, whichever certificate of that key this was said of. The one text of that rule; in memory it
/// is [`Revoked::has`].
macro_rules! dead {
    () => {
        "(certificates.revoked_at IS NOT NULL
              OR EXISTS (SELECT 1 FROM certificates AS known
                          WHERE known.public_key = certificates.public_key
                            AND known.reason = 'keyCompromise'))"
    };
}
pub(super) use dead;

/// The later of two uses, where either may be unknown.
macro_rules! later {
    ($table:literal) => {
        concat!(
            "CASE WHEN ",
            $table,
            ".last_used_at IS NULL OR excluded.last_used_at > ",
            $table,
            ".last_used_at THEN excluded.last_used_at ELSE ",
            $table,
            ".last_used_at END"
        )
    };
}

/// Notes a certificate. One that is known keeps what is known of it: only a nearer origin, a client
/// where there was none, and a later use are taken over; a revocation is never undone.
///
/// # Errors
/// What the database says.
pub async fn note(on: impl Into<On<'_>>, row: &CertificateRow) -> sqlx::Result<()> {
    let mut on = on.into();
    sql(concat!(
        "INSERT INTO certificates (",
        columns!(),
        ")
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         ON CONFLICT (thumbprint) DO UPDATE SET
            origin = CASE WHEN 'own' IN (certificates.origin, excluded.origin) THEN 'own'
                          WHEN 'anchor' IN (certificates.origin, excluded.origin) THEN 'anchor'
                          WHEN 'issued' IN (certificates.origin, excluded.origin) THEN 'issued'
                          WHEN 'registered' IN (certificates.origin, excluded.origin) THEN 'registered'
                          WHEN 'intermediate' IN (certificates.origin, excluded.origin)
                          THEN 'intermediate' ELSE 'seen' END,
            client_id = COALESCE(certificates.client_id, excluded.client_id),
            last_used_at = ",
        later!("certificates"),
        ",
            revoked_at = COALESCE(certificates.revoked_at, excluded.revoked_at),
            reason = COALESCE(certificates.reason, excluded.reason),
            chain_ends_at = COALESCE(excluded.chain_ends_at, certificates.chain_ends_at)"
    ))
    .bind(row.thumbprint)
    .bind(row.public_key)
    .bind(row.origin.as_str())
    .bind(row.client_id.as_ref())
    .bind(&row.subject)
    .bind(to_json(&row.names)?)
    .bind(&row.issuer)
    .bind(&row.serial)
    .bind(&row.key_type)
    .bind(row.key_bits)
    .bind(row.not_before)
    .bind(row.not_after)
    .bind(row.der.as_slice())
    .bind(row.first_seen_at)
    .bind(row.last_used_at)
    .bind(row.revoked_at)
    .bind(row.reason.as_deref())
    .bind(row.chain_ends_at)
    .run(&mut on)
    .await?;
    let Some(client) = &row.client_id else {
        return Ok(());
    };
    let registered_at = (row.origin == Origin::Registered).then_some(row.first_seen_at);
    sql(concat!(
        "INSERT INTO certificate_clients (thumbprint, client_id, registered_at, last_used_at)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (thumbprint, client_id) DO UPDATE SET
            registered_at = COALESCE(certificate_clients.registered_at, excluded.registered_at),
            last_used_at = ",
        later!("certificate_clients")
    ))
    .bind(row.thumbprint)
    .bind(client)
    .bind(registered_at)
    .bind(row.last_used_at)
    .run(on)
    .await
    .map(drop)
}

/// Notes the certificates that stand in the registration of a client, and that no others do any more.
///
/// # Errors
/// What the database says.
pub async fn register(tx: &mut Tx, client: &ClientId, rows: &[CertificateRow]) -> sqlx::Result<()> {
    sql("UPDATE certificate_clients SET registered_at = NULL
          WHERE client_id = $1 AND registered_at IS NOT NULL")
    .bind(client)
    .run(&mut *tx)
    .await?;
    for row in rows {
        note(&mut *tx, row).await?;
    }
    sql("UPDATE certificates SET origin = 'seen'
          WHERE origin = 'registered'
            AND thumbprint IN (SELECT thumbprint FROM certificate_clients WHERE client_id = $1)
            AND NOT EXISTS (SELECT 1 FROM certificate_clients
                             WHERE certificate_clients.thumbprint = certificates.thumbprint
                               AND registered_at IS NOT NULL)")
    .bind(client)
    .run(tx)
    .await
    .map(drop)
}

/// Forgets those that a client merely showed, but for the latest `most`: nobody fills the inventory.
///
/// # Errors
/// What the database says.
pub async fn forget_surplus(tx: &mut Tx, client: &ClientId, most: i64) -> sqlx::Result<u64> {
    sql("DELETE FROM certificates
          WHERE origin = 'seen' AND revoked_at IS NULL
            AND thumbprint IN (SELECT thumbprint FROM certificate_clients
                                WHERE client_id = $1
                                ORDER BY COALESCE(last_used_at, 0) DESC, thumbprint
                                LIMIT 1000 OFFSET $2)")
    .bind(client)
    .bind(most)
    .run(tx)
    .await
}

/// Which certificates are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// Of this client; `None`: of all.
    pub client_id: Option<&'a ClientId>,
    /// Those that count at least until then.
    pub not_after_from: Timestamp,
    /// Those that count no longer than until then.
    pub not_after_to: Timestamp,
}

/// The certificates asked for; what expires first comes first.
///
/// # Errors
/// What the database says.
pub async fn list(on: impl Into<On<'_>>, filter: &Filter<'_>) -> sqlx::Result<Vec<CertificateRow>> {
    sql(concat!(
        "SELECT ",
        columns!(),
        " FROM certificates
          WHERE not_after >= $1 AND not_after <= $2
            AND ($3 = '' OR client_id = $3
                 OR thumbprint IN (SELECT thumbprint FROM certificate_clients WHERE client_id = $3))
          ORDER BY not_after, thumbprint"
    ))
    .bind(filter.not_after_from)
    .bind(filter.not_after_to)
    .bind(filter.client_id.map_or("", ClientId::as_str))
    .all(on)
    .await
}

/// The certificates of this serial number; issuers choose them for themselves, so there may be several.
///
/// # Errors
/// What the database says.
pub async fn by_serial(on: impl Into<On<'_>>, serial: &str) -> sqlx::Result<Vec<CertificateRow>> {
    sql(concat!("SELECT ", columns!(), " FROM certificates WHERE serial = $1"))
        .bind(serial)
        .all(on)
        .await
}

/// The authorities of this name that we know: several, where one has renewed its certificate.
///
/// # Errors
/// What the database says.
pub async fn authorities_called(
    on: impl Into<On<'_>>,
    subject: &str,
) -> sqlx::Result<Vec<CertificateRow>> {
    sql(concat!(
        "SELECT ",
        columns!(),
        " FROM certificates
          WHERE subject = $1 AND origin IN ('anchor', 'intermediate')
          ORDER BY not_after DESC, thumbprint"
    ))
    .bind(subject)
    .all(on)
    .await
}

/// A client that a certificate proves.
#[derive(Clone, Debug, FromRow)]
pub struct Holder {
    /// Which certificate.
    pub thumbprint: Thumbprint,
    /// Which client.
    pub client_id: ClientId,
    /// Since when it stands in the client's registration.
    pub registered_at: Option<Timestamp>,
    /// When the client last showed it.
    pub last_used_at: Option<Timestamp>,
}

impl JoinedRow for Holder {
    const KEY: &'static str = "client_id";
}

/// Who holds the certificates that count at least until `from`.
///
/// # Errors
/// What the database says.
pub async fn holders(on: impl Into<On<'_>>, from: Timestamp) -> sqlx::Result<Vec<Holder>> {
    sql("SELECT thumbprint, client_id, registered_at, last_used_at
           FROM certificate_clients
          WHERE thumbprint IN (SELECT thumbprint FROM certificates WHERE not_after >= $1)
          ORDER BY thumbprint, client_id")
    .bind(from)
    .all(on)
    .await
}

/// Of a certificate that is not revoked, what somebody needs who looks at very many.
#[derive(Clone, Debug, FromRow)]
pub struct Life {
    /// SHA-256 of the certificate.
    pub thumbprint: Thumbprint,
    /// SHA-256 of its `SubjectPublicKeyInfo`.
    pub public_key: Thumbprint,
    /// How we came to know it.
    pub origin: Origin,
    /// Its subject, as RFC 4514 writes it.
    pub subject: String,
    /// Its `subjectAltName`s.
    #[sqlx(try_from = "Json")]
    pub names: Vec<String>,
    /// When it begins to count.
    pub not_before: Timestamp,
    /// When it counts no more.
    pub not_after: Timestamp,
    /// See [`CertificateRow::chain_ends_at`].
    pub chain_ends_at: Option<Timestamp>,
    /// When it was last shown, by whom ever.
    #[sqlx(rename = "shown_at")]
    pub last_used_at: Option<Timestamp>,
    /// Whom it proves.
    #[sqlx(skip)]
    pub holders: Vec<Holder>,
    /// The last step towards its end that was told of, as long before it.
    #[sqlx(rename = "threshold")]
    pub told: Option<Seconds>,
    /// Whom a mail went to about that step.
    #[sqlx(try_from = "Json")]
    pub warned: Vec<ClientId>,
}

impl Life {
    /// When it proves nobody any more: when it ends itself, or what stands above it.
    pub fn ends_at(&self) -> Timestamp {
        self.chain_ends_at.map_or(self.not_after, |chain| chain.min(self.not_after))
    }

    /// How long it counts in all.
    pub fn length(&self) -> Seconds {
        self.not_after - self.not_before
    }
}

/// A certificate and one of its holders, if there is one.
#[derive(FromRow)]
struct LifeRow {
    #[sqlx(flatten)]
    life: Life,
    #[sqlx(flatten, try_from = "Joined<Holder>")]
    holder: Option<Holder>,
}

/// A certificate has as many rows, one after the other, as it has holders.
fn gathered(rows: Vec<LifeRow>) -> Vec<Life> {
    let mut found: Vec<Life> = Vec::new();
    for LifeRow { mut life, holder } in rows {
        match found.last_mut() {
            Some(last) if last.thumbprint == life.thumbprint => last.holders.extend(holder),
            Some(_) | None => {
                life.holders.extend(holder);
                found.push(life);
            }
        }
    }
    found
}

macro_rules! of_life {
    ($certificates:literal, $order:literal) => {
        concat!(
            "SELECT c.thumbprint, c.public_key, c.origin, c.subject, c.names, c.not_before, c.not_after,
                    c.chain_ends_at, c.last_used_at AS shown_at,
                    h.client_id, h.registered_at, h.last_used_at, w.threshold,
                    COALESCE(w.warned, '[]') AS warned
               FROM (SELECT thumbprint, public_key, origin, subject, names, not_before, not_after,
                            chain_ends_at, last_used_at
                       FROM certificates
                      WHERE ",
            $certificates,
            ") c
               LEFT JOIN certificate_clients h ON h.thumbprint = c.thumbprint
               LEFT JOIN certificate_warnings w
                 ON w.thumbprint = c.thumbprint
                AND w.threshold = (SELECT MIN(threshold) FROM certificate_warnings
                                    WHERE certificate_warnings.thumbprint = c.thumbprint)
              ORDER BY ",
            $order,
            ", c.thumbprint, h.client_id"
        )
    };
}

/// The certificates that are not revoked and count at `now` or later, and those that ended no longer ago than
/// they had lived: they tell how their successors were renewed, and their end may have to be told of. At most
/// `most` of them, those behind `after`; there is an index for this, by which the others are not even read.
///
/// # Errors
/// What the database says.
pub async fn lives(
    on: impl Into<On<'_>>,
    now: Timestamp,
    after: Option<&Life>,
    most: i64,
) -> sqlx::Result<Vec<Life>> {
    let rows: Vec<LifeRow> = sql(of_life!(
        "revoked_at IS NULL
                        AND 2 * not_after - not_before >= $1
                        AND (2 * not_after - not_before > $1 OR thumbprint > $2)
                      ORDER BY 2 * not_after - not_before, thumbprint
                      LIMIT $3",
        "2 * c.not_after - c.not_before"
    ))
    .bind(after.map_or(now, |life| life.not_after + life.length()))
    .bind(after.map(|life| String::from(life.thumbprint)).unwrap_or_default())
    .bind(most)
    .all(on)
    .await?;
    Ok(gathered(rows))
}

/// The one that a client went on with longest, among those that are not revoked: any that it has shown or
/// registered, and one that was merely issued to it where `unshown` says that it counts; of those that are
/// registered alone where `registered` says so.
///
/// # Errors
/// What the database says.
pub async fn last_of_client(
    on: impl Into<On<'_>>,
    client: &ClientId,
    registered: bool,
    unshown: bool,
) -> sqlx::Result<Option<Life>> {
    let rows: Vec<LifeRow> = sql(of_life!(
        "revoked_at IS NULL
                        AND thumbprint IN (SELECT held.thumbprint FROM certificate_clients held
                                            WHERE held.client_id = $1
                                              AND (held.registered_at IS NOT NULL
                                                   OR NOT $2 AND (held.last_used_at IS NOT NULL OR $3
                                                                  OR certificates.origin <> 'issued')))
                      ORDER BY not_after DESC, thumbprint
                      LIMIT 1",
        "c.not_after"
    ))
    .bind(client)
    .bind(registered)
    .bind(unshown)
    .all(on)
    .await?;
    Ok(gathered(rows).pop())
}

/// How many certificates are over: those that expired, and those that were revoked.
///
/// # Errors
/// What the database says.
pub async fn count_over(on: impl Into<On<'_>>, now: Timestamp) -> sqlx::Result<(i64, i64)> {
    #[derive(FromRow)]
    struct Over {
        ended: i64,
        revoked: i64,
        twice: i64,
    }
    let over: Over = sql("SELECT
            (SELECT COUNT(*) FROM certificates WHERE not_after < $1) AS ended,
            (SELECT COUNT(*) FROM certificates WHERE revoked_at IS NOT NULL) AS revoked,
            (SELECT COUNT(*) FROM certificates
              WHERE revoked_at IS NOT NULL AND not_after < $1) AS twice")
    .bind(now)
    .one(on)
    .await?;
    Ok((over.ended - over.twice, over.revoked))
}

/// The clients that have ever shown a certificate.
///
/// # Errors
/// What the database says.
pub async fn who_shows(on: impl Into<On<'_>>) -> sqlx::Result<HashSet<ClientId>> {
    let rows: Vec<(ClientId,)> = sql("SELECT id FROM clients
          WHERE EXISTS (SELECT 1 FROM certificate_clients
                         WHERE client_id = clients.id AND last_used_at IS NOT NULL)")
    .all(on)
    .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The certificate of this thumbprint.
///
/// # Errors
/// What the database says.
pub async fn find(
    on: impl Into<On<'_>>,
    thumbprint: Thumbprint,
) -> sqlx::Result<Option<CertificateRow>> {
    sql(concat!("SELECT ", columns!(), " FROM certificates WHERE thumbprint = $1"))
        .bind(thumbprint)
        .opt(on)
        .await
}

/// Whether a certificate was revoked, or its key is known to somebody else, as far as we know: what each
/// token that is bound to it asks.
///
/// # Errors
/// What the database says.
pub async fn is_revoked(on: impl Into<On<'_>>, thumbprint: Thumbprint) -> sqlx::Result<bool> {
    let found: Option<(String,)> =
        sql(concat!("SELECT thumbprint FROM certificates WHERE thumbprint = $1 AND ", dead!()))
            .bind(thumbprint)
            .opt(on)
            .await?;
    Ok(found.is_some())
}

/// Whether a public key is known to somebody else: no certificate for it counts.
///
/// # Errors
/// What the database says.
pub async fn is_compromised(on: impl Into<On<'_>>, public_key: Thumbprint) -> sqlx::Result<bool> {
    let found: Option<(String,)> = sql("SELECT thumbprint FROM certificates
          WHERE public_key = $1 AND reason = 'keyCompromise' LIMIT 1")
    .bind(public_key)
    .opt(on)
    .await?;
    Ok(found.is_some())
}

/// Certificates that are revoked, expired or not.
#[derive(Debug, Default)]
pub struct Revoked {
    certificates: HashSet<Thumbprint>,
    /// Those that somebody else may have as well: he can put them into other certificates.
    keys: HashSet<Thumbprint>,
}

impl Revoked {
    /// Whether a certificate is one of them, or is made for a key that is known to somebody else.
    pub fn has(&self, certificate: Thumbprint, public_key: Thumbprint) -> bool {
        self.certificates.contains(&certificate) || self.has_key(public_key)
    }

    /// Whether a key is known to somebody else.
    pub fn has_key(&self, public_key: Thumbprint) -> bool {
        self.keys.contains(&public_key)
    }

    /// Whether none is revoked.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }
}

/// All that are revoked.
///
/// # Errors
/// What the database says.
pub async fn revoked(on: impl Into<On<'_>>) -> sqlx::Result<Revoked> {
    let rows: Vec<(Thumbprint, Thumbprint, bool)> = sql("SELECT thumbprint, public_key,
                (reason IS NOT NULL AND reason = 'keyCompromise') AS is_compromised
           FROM certificates WHERE revoked_at IS NOT NULL")
    .all(on)
    .await?;
    let mut revoked = Revoked::default();
    for (thumbprint, public_key, is_compromised) in rows {
        revoked.certificates.insert(thumbprint);
        if is_compromised {
            revoked.keys.insert(public_key);
        }
    }
    Ok(revoked)
}

/// Revokes a certificate, from `now` on and for ever. `false`: it is unknown, or was revoked before. One
/// that was revoked for another reason can still be said to have a key that somebody else knows: that is
/// worse than all the others, and it is never taken back. Whoever calls this tells the replicas, by
/// [`versions::bump`].
///
/// # Errors
/// What the database says.
pub async fn revoke(
    tx: &mut Tx,
    thumbprint: Thumbprint,
    reason: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let revoked = sql("UPDATE certificates SET revoked_at = COALESCE(revoked_at, $1), reason = $2
          WHERE thumbprint = $3
            AND (revoked_at IS NULL
                 OR ($2 = 'keyCompromise' AND COALESCE(reason, '') <> 'keyCompromise'))")
    .bind(now)
    .bind(reason)
    .bind(thumbprint)
    .run(tx)
    .await?;
    Ok(revoked == 1)
}

/// The certificates that would count at `now` and say that they were issued in this name, which anybody can
/// write into one.
///
/// # Errors
/// What the database says.
pub async fn issued_in_the_name_of(
    tx: &mut Tx,
    issuer: &str,
    now: Timestamp,
) -> sqlx::Result<Vec<CertificateRow>> {
    sql(concat!(
        "SELECT ",
        columns!(),
        " FROM certificates
          WHERE issuer = $1 AND revoked_at IS NULL AND not_after >= $2
          ORDER BY thumbprint"
    ))
    .bind(issuer)
    .bind(now)
    .all(tx)
    .await
}

/// The certificates of this key that would count at `now` and of which it is not said that somebody else knows it.
///
/// # Errors
/// What the database says.
pub async fn of_key(
    tx: &mut Tx,
    public_key: Thumbprint,
    now: Timestamp,
) -> sqlx::Result<Vec<CertificateRow>> {
    sql(concat!(
        "SELECT ",
        columns!(),
        " FROM certificates
          WHERE public_key = $1 AND not_after >= $2 AND COALESCE(reason, '') <> 'keyCompromise'
          ORDER BY thumbprint"
    ))
    .bind(public_key)
    .bind(now)
    .all(tx)
    .await
}

/// Keeps by which certificate another one was asked for.
///
/// # Errors
/// What the database says.
pub async fn set_renewed_from(
    tx: &mut Tx,
    thumbprint: Thumbprint,
    from: Thumbprint,
) -> sqlx::Result<()> {
    sql("UPDATE certificates SET renewed_from = $1 WHERE thumbprint = $2")
        .bind(from)
        .bind(thumbprint)
        .run(tx)
        .await
        .map(drop)
}

/// The certificates that were asked for by this one, those included that have expired: others may have been asked
/// for by them.
///
/// # Errors
/// What the database says.
pub async fn renewed_from(
    tx: &mut Tx,
    thumbprint: Thumbprint,
) -> sqlx::Result<Vec<CertificateRow>> {
    sql(concat!(
        "SELECT ",
        columns!(),
        " FROM certificates WHERE renewed_from = $1 ORDER BY thumbprint"
    ))
    .bind(thumbprint)
    .all(tx)
    .await
}

/// Revokes all certificates of a client that our authority issued and that have not expired: it was disabled
/// or deleted. Returns them.
///
/// # Errors
/// What the database says.
pub async fn revoke_of_client(
    tx: &mut Tx,
    client: &ClientId,
    reason: &str,
    now: Timestamp,
) -> sqlx::Result<Vec<CertificateRow>> {
    let revoked = sql(concat!(
        "UPDATE certificates SET revoked_at = $1, reason = $2
          WHERE client_id = $3 AND origin = 'issued' AND revoked_at IS NULL AND not_after >= $1
      RETURNING ",
        columns!()
    ))
    .bind(now)
    .bind(reason)
    .bind(client)
    .all(&mut *tx)
    .await?;
    versions::bump(tx, Kind::Revocations).await?;
    Ok(revoked)
}
