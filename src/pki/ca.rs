//! Our own authority for client certificates: its root, its issuing certificate, and how they follow
//! one another ([RFC 5280 §3.2], docs/certificates.md).
//!
//! The root signs issuing certificates and is needed for nothing else, so its key may be taken
//! elsewhere. The issuing certificate signs those of clients, CRLs and OCSP answers. One that another
//! authority has made can take its place.
//!
//! [RFC 5280 §3.2]: https://www.rfc-editor.org/rfc/rfc5280#section-3.2

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyUsagePurpose, PublicKeyData as _, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;
use uuid::Uuid;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

use super::signer::Signer;
use super::{Certificate, inventory};
use crate::config::Config;
use crate::jose::Kek;
use crate::jose::seal::{self, Owner};
use crate::record::{Event, Kind, Trace};
use crate::store::authorities::{self, AuthorityRow};
use crate::store::certificates::{self, Origin, Revoked};
use crate::store::{Store, Tx, retrying, versions};
use crate::types::secret::entropy;
use crate::types::{Code, Failure, Refusal, Result, Seconds, Thumbprint, Timestamp};

/// How long a root counts.
const ROOT_LIFETIME: Seconds = Seconds::days(3653);

/// How long an issuing certificate counts.
const ISSUING_LIFETIME: Seconds = Seconds::days(731);

/// How far the clock of whoever looks at a new certificate may be behind ours.
pub(super) const SKEW: Seconds = Seconds::minutes(5);

/// What the rules about our authority may reach.
#[derive(Clone, Copy)]
pub struct BuiltInCa<'a> {
    /// The database.
    pub store: &'a Store,
    /// What its keys are sealed under.
    pub kek: &'a Kek,
    /// The settings.
    pub config: &'a Config,
    /// When, and from where.
    pub trace: &'a Trace,
}

/// An issuing certificate that another authority has made.
#[derive(Debug)]
pub struct ImportedCa {
    /// Itself.
    pub certificate: CertificateDer<'static>,
    /// What stands above it, nearest first; its root may be left out.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its private key, PKCS #8.
    pub key: Zeroizing<Vec<u8>>,
}

/// An issuing certificate whose key is open.
pub(super) struct Issuing {
    pub(super) row: AuthorityRow,
    pub(super) issuer: Issuer<'static, Signer>,
}

/// What our certificates chain to: issuing certificates, the superseded ones too. They are anchors
/// themselves, so no client needs to send a chain, and nobody who comes by the root's key makes clients.
pub fn issuing_certificates(rows: &[AuthorityRow]) -> impl Iterator<Item = CertificateDer<'_>> {
    let issuing = rows.iter().filter(|row| !row.is_root);
    issuing.map(|row| CertificateDer::from(row.certificate.as_slice()))
}

/// What others need who verify our client certificates: roots, issuing certificates and what stands above
/// imported ones, as long as they count.
pub fn published_certificates(
    rows: &[AuthorityRow],
    revoked: &Revoked,
    now: Timestamp,
) -> Vec<CertificateDer<'static>> {
    let is_valid = |row: &&AuthorityRow| {
        let read = Certificate::parse(&row.certificate, &[]);
        now <= row.not_after && read.is_ok_and(|one| !revoked.has(one.thumbprint, one.public_key))
    };
    let mut found = Vec::new();
    for row in rows.iter().filter(is_valid) {
        let own = CertificateDer::from(row.certificate.clone());
        for certificate in std::iter::once(own).chain(split_chain(&row.chain)) {
            if !found.contains(&certificate) {
                found.push(certificate);
            }
        }
    }
    found
}

/// What a certificate of the authority is called, for people.
pub fn subject_text(certificate: &[u8]) -> String {
    Certificate::parse(certificate, &[]).map(|one| one.describe().subject).unwrap_or_default()
}

/// The certificates of a chain that is kept DER after DER.
pub fn split_chain(chain: &[u8]) -> Vec<CertificateDer<'static>> {
    let mut found = Vec::new();
    let mut rest = chain;
    while let Ok((after, _)) = X509Certificate::from_der(rest) {
        let length = rest.len() - after.len();
        found.push(CertificateDer::from(rest.get(..length).unwrap_or_default().to_vec()));
        rest = after;
    }
    found
}

impl BuiltInCa<'_> {
    /// Makes a root and an issuing certificate below it.
    ///
    /// # Errors
    /// `invalid_request` when there is an authority already.
    pub async fn init(&self) -> Result<()> {
        let (root_key, root_pkcs8) = Signer::generate()?;
        let (key, pkcs8) = Signer::generate()?;
        let root = self.root_certificate(&root_key)?;
        let issuing = self.issuing_certificate(&root, root_key, &key)?;
        let rows = [
            self.row(&root, &[], Some(&root_pkcs8), true)?,
            self.row(&issuing, &[&root], Some(&pkcs8), false)?,
        ];
        retrying(|| async {
            let mut tx = self.store.write().await?;
            for row in &rows {
                self.insert(&mut tx, row).await?;
            }
            self.commit(tx).await
        })
        .await
    }

    /// Takes an issuing certificate that another authority has made.
    ///
    /// # Errors
    /// `invalid_request` when there is an authority already, and when the certificate cannot issue
    /// others, is not in force, has another key, or its chain does not hold.
    pub async fn import(&self, given: &ImportedCa) -> Result<()> {
        let row = self.verify_import(given)?;
        retrying(|| async {
            let mut tx = self.store.write().await?;
            self.insert(&mut tx, &row).await?;
            self.commit(tx).await
        })
        .await
    }

    /// Puts a new issuing certificate, with a new key, in the place of the present one, which counts until
    /// it expires. `root_key`: PKCS #8, where it is not kept here.
    ///
    /// # Errors
    /// `not_found` without an authority, `invalid_request` without a root here or without its key.
    pub async fn renew(&self, root_key: Option<&[u8]>) -> Result<()> {
        let current = self.current().await?;
        let root = authorities::present(self.store.db(), true).await?.ok_or_else(|| {
            invalid(
                "the issuing certificate was imported: renew it where it was made, and import that",
            )
        })?;
        if certificates::is_revoked(self.store.db(), Thumbprint::of(&root.certificate)).await? {
            return Err(invalid(
                "the root was revoked: import an issuing certificate of another authority",
            )
            .into());
        }
        let root_key = match (root_key, &root.sealed) {
            (Some(given), _) => Signer::from_pkcs8(given).map_err(invalid)?,
            (None, Some(_)) => self.open_key(&root)?,
            (None, None) => {
                return Err(invalid("the key of the root is not kept here: name it").into());
            }
        };
        must_match_key(&root.certificate, &root_key)?;
        let root = CertificateDer::from(root.certificate);
        let (key, pkcs8) = Signer::generate()?;
        let issuing = self.issuing_certificate(&root, root_key, &key)?;
        self.replace(&current, &self.row(&issuing, &[&root], Some(&pkcs8), false)?).await
    }

    /// Puts an issuing certificate that another authority has made in the place of the present one, which
    /// counts until it expires.
    ///
    /// # Errors
    /// Those of [`BuiltInCa::import`]; `not_found` without an authority.
    pub async fn renew_by(&self, given: &ImportedCa) -> Result<()> {
        let current = self.current().await?;
        self.replace(&current, &self.verify_import(given)?).await
    }

    /// The key of the root, PKCS #8: whoever has it can make authorities that others believe who trust the
    /// root. That it was given out is recorded first.
    ///
    /// # Errors
    /// `not_found` when there is no root, or its key is not here.
    pub async fn export_root_key(&self) -> Result<Zeroizing<Vec<u8>>> {
        let (root, key) = self.root_key().await?;
        Event::success(Kind::RootKeyExported)
            .fact("authority", root.id.as_str())
            .write_alone(self.store, self.trace)
            .await?;
        Ok(key)
    }

    /// Forgets the key of the root.
    ///
    /// # Errors
    /// `not_found` when there is no root, or its key is not here.
    pub async fn remove_root_key(&self) -> Result<()> {
        let (root, _) = self.root_key().await?;
        retrying(|| async {
            let mut tx = self.store.write().await?;
            if !authorities::forget_key(&mut tx, &root.id).await? {
                return Err(no_root_key().into());
            }
            Event::success(Kind::RootKeyRemoved)
                .fact("authority", root.id.as_str())
                .write(&mut tx, self.trace)
                .await?;
            self.commit(tx).await
        })
        .await
    }

    /// The present issuing certificate, with its key.
    pub(super) async fn open_current(&self) -> Result<Issuing> {
        let row = self.current().await?;
        self.open_row(row)
    }

    /// An issuing certificate, with its key.
    pub(super) fn open_row(&self, row: AuthorityRow) -> Result<Issuing> {
        let key = self.open_key(&row)?;
        let certificate = CertificateDer::from(row.certificate.as_slice());
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(Failure::internal)?;
        Ok(Issuing { row, issuer })
    }

    async fn current(&self) -> Result<AuthorityRow> {
        let current = authorities::present(self.store.db(), false).await?;
        let none = || Code::NotFound.because("there is no authority: make one with ca init");
        Ok(current.ok_or_else(none)?)
    }

    fn open_key(&self, row: &AuthorityRow) -> Result<Signer> {
        let sealed = row.sealed.as_ref();
        let sealed = sealed.ok_or_else(|| Failure::internal("the key of an authority is gone"))?;
        let pkcs8 = self
            .kek
            .open(Owner(seal::Kind::Authority, &row.id), sealed)
            .map_err(Failure::internal)?;
        Ok(Signer::from_pkcs8(&pkcs8).map_err(Failure::internal)?)
    }

    async fn root_key(&self) -> Result<(AuthorityRow, Zeroizing<Vec<u8>>)> {
        let root = authorities::present(self.store.db(), true).await?.ok_or_else(no_root_key)?;
        let sealed = root.sealed.as_ref().ok_or_else(no_root_key)?;
        let key = self
            .kek
            .open(Owner(seal::Kind::Authority, &root.id), sealed)
            .map_err(Failure::internal)?;
        Ok((root, key))
    }

    fn root_certificate(&self, key: &Signer) -> Result<CertificateDer<'static>> {
        let mut params = self.ca_params("root CA", self.trace.now() + ROOT_LIFETIME)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(params.self_signed(key).map_err(Failure::internal)?.into())
    }

    fn issuing_certificate(
        &self,
        root: &CertificateDer<'static>,
        root_key: Signer,
        key: &Signer,
    ) -> Result<CertificateDer<'static>> {
        let parsed = parse(root)?;
        let root_until = Timestamp(parsed.validity().not_after.timestamp());
        if root_until <= self.trace.now() {
            return Err(invalid("the root has expired").into());
        }
        let until = root_until.min(self.trace.now() + ISSUING_LIFETIME);
        let mut params = self.ca_params("issuing CA", until)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
        ];
        // Whatever becomes of its key: no server is certified with it.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let issuer = Issuer::from_ca_cert_der(root, root_key).map_err(Failure::internal)?;
        Ok(params.signed_by(key, &issuer).map_err(Failure::internal)?.into())
    }

    /// A certificate of the authority itself. The day in its name keeps it apart from those before and
    /// after it: software exists that looks for an issuer by the name alone.
    fn ca_params(&self, what: &str, until: Timestamp) -> Result<CertificateParams> {
        let now = self.trace.now();
        let day = now.to_string();
        let day = day.get(..10).unwrap_or_default();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, format!("{} {what} {day}", self.config.ca.name));
        params.serial_number = Some(serial());
        params.not_before = offset_date_time(now - SKEW)?;
        params.not_after = offset_date_time(until)?;
        Ok(params)
    }

    fn row(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[&CertificateDer<'_>],
        pkcs8: Option<&[u8]>,
        is_root: bool,
    ) -> Result<AuthorityRow> {
        let id = Uuid::now_v7().to_string();
        Ok(AuthorityRow {
            sealed: pkcs8.map(|pkcs8| self.kek.seal(Owner(seal::Kind::Authority, &id), pkcs8)),
            is_root,
            not_after: Timestamp(parse(certificate)?.validity().not_after.timestamp()),
            certificate: certificate.to_vec(),
            chain: chain.iter().flat_map(|one| one.iter().copied()).collect(),
            created_at: self.trace.now(),
            superseded_at: None,
            id,
        })
    }

    /// Judges an issuing certificate that another authority has made.
    fn verify_import(&self, given: &ImportedCa) -> Result<AuthorityRow> {
        let ImportedCa { certificate, chain, key } = given;
        let parsed = parse(certificate)?;
        let is_ca = matches!(parsed.basic_constraints(), Ok(Some(extension)) if extension.value.ca);
        let signs = matches!(parsed.key_usage(), Ok(Some(extension))
            if extension.value.key_cert_sign() && extension.value.crl_sign());
        if !is_ca || !signs {
            return Err(invalid(
                "the certificate is not one of an authority: it needs CA:TRUE, keyCertSign and cRLSign",
            )
            .into());
        }
        let now = self.trace.now().0;
        let validity = parsed.validity();
        if now < validity.not_before.timestamp() || now > validity.not_after.timestamp() {
            return Err(invalid("the certificate is not in force").into());
        }
        let signer = Signer::from_pkcs8(key).map_err(invalid)?;
        must_match_key(certificate, &signer)?;
        let mut below = parsed;
        for above in chain {
            let above = parse(above)?;
            if below.issuer().as_raw() != above.subject().as_raw()
                || below.verify_signature(Some(above.public_key())).is_err()
            {
                return Err(invalid(
                    "a certificate of the chain did not issue the one before it: nearest first",
                )
                .into());
            }
            below = above;
        }
        self.must_encode_its_name(certificate, signer)?;
        let chain: Vec<_> = chain.iter().collect();
        self.row(certificate, &chain, Some(key), false)
    }

    /// A name with parts that we do not write as they came would make certificates that nobody can
    /// follow to their issuer: found out before any is issued.
    fn must_encode_its_name(
        &self,
        certificate: &CertificateDer<'static>,
        signer: Signer,
    ) -> Result<()> {
        let unsupported = || {
            invalid(
                "the name of the certificate has several parts of one kind, or of a unsupported one",
            )
        };
        let issuer = Issuer::from_ca_cert_der(certificate, signer).map_err(|_| unsupported())?;
        let mut params = self.ca_params("trial", self.trace.now())?;
        params.use_authority_key_identifier_extension = true;
        let trial = params.signed_by(issuer.key(), &issuer).map_err(Failure::internal)?;
        let (trial, above) = (parse(trial.der())?, parse(certificate)?);
        if trial.issuer().as_raw() != above.subject().as_raw() {
            return Err(unsupported().into());
        }
        trial.verify_signature(Some(above.public_key())).map_err(Failure::internal)?;
        Ok(())
    }

    async fn replace(&self, current: &AuthorityRow, next: &AuthorityRow) -> Result<()> {
        retrying(|| async {
            let mut tx = self.store.write().await?;
            if !authorities::supersede(&mut tx, &current.id, self.trace.now()).await? {
                return Err(invalid("somebody else has renewed it meanwhile").into());
            }
            self.insert(&mut tx, next).await?;
            self.commit(tx).await
        })
        .await
    }

    async fn insert(&self, tx: &mut Tx, row: &AuthorityRow) -> Result<()> {
        if !authorities::insert(tx, row).await? {
            return Err(invalid("there is an authority already: see ca show and ca renew").into());
        }
        let certificate = Certificate::parse(&row.certificate, &[]).map_err(Failure::internal)?;
        let own = inventory::row(&certificate, Origin::Own, None, self.trace.now());
        certificates::note(&mut *tx, &own).await?;
        if certificates::is_revoked(&mut *tx, own.thumbprint).await? {
            return Err(invalid("the certificate was revoked, or somebody else has its key").into());
        }
        Event::success(Kind::AuthorityCreated)
            .fact("authority", row.id.as_str())
            .fact("is_root", row.is_root)
            .fact("not_after", row.not_after.0)
            .write(tx, self.trace)
            .await?;
        Ok(())
    }

    async fn commit(&self, mut tx: Tx) -> Result<()> {
        versions::bump(&mut tx, versions::Kind::Authorities).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// 128 random bits, in the one shape that has neither a sign nor a leading zero (RFC 5280 §4.1.2.2: positive,
/// and not more than 20 octets).
pub(super) fn serial() -> SerialNumber {
    let mut bytes = [1; 17];
    if let Some((_, random)) = bytes.split_first_mut() {
        entropy(random);
    }
    SerialNumber::from_slice(&bytes)
}

pub(super) fn offset_date_time(at: Timestamp) -> Result<OffsetDateTime> {
    Ok(OffsetDateTime::from_unix_timestamp(at.0).map_err(Failure::internal)?)
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>> {
    match X509Certificate::from_der(der) {
        Ok(([], parsed)) => Ok(parsed),
        Ok(_) | Err(_) => Err(invalid("this is not an X.509 certificate").into()),
    }
}

fn must_match_key(certificate: &[u8], key: &Signer) -> Result<()> {
    let certificate = CertificateDer::from(certificate);
    if *parse(&certificate)?.public_key().raw != *key.subject_public_key_info() {
        return Err(invalid("the key is not that of the certificate").into());
    }
    Ok(())
}

const fn invalid(why: &'static str) -> Refusal {
    Code::InvalidRequest.because(why)
}

const fn no_root_key() -> Refusal {
    Code::NotFound.because("there is no root here, or its key was taken away")
}
