//! The built-in CA for client certificates: its root, its issuing certificate, and their renewal
//! ([RFC 5280 §3.2], docs/certificates.md).
//!
//! The root only signs issuing certificates, so its key can be moved offline. The issuing
//! certificate signs client certificates, CRLs and OCSP responses. An issuing certificate of
//! another CA can be imported instead.
//!
//! [RFC 5280 §3.2]: https://www.rfc-editor.org/rfc/rfc5280#section-3.2

use std::ops::Deref;

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
use crate::jose::Kek;
use crate::jose::seal::{self, Owner};
use crate::record::{Context, Event, Kind};
use crate::store::authorities::{self, AuthorityRow};
use crate::store::certificates::{self, Origin, Revoked};
use crate::store::{Tx, retrying, versions};
use crate::types::secret::entropy;
use crate::types::{Code, Failure, Refusal, Result, Seconds, Thumbprint, Timestamp};

/// Lifetime of a root.
const ROOT_LIFETIME: Seconds = Seconds::days(3653);

/// Lifetime of an issuing certificate.
const ISSUING_LIFETIME: Seconds = Seconds::days(731);

/// Tolerated clock difference of verifiers: new certificates are valid from this long ago.
pub(super) const SKEW: Seconds = Seconds::minutes(5);

/// The built-in CA.
#[derive(Clone, Copy)]
pub struct BuiltInCa<'a> {
    /// The shared dependencies.
    pub context: Context<'a>,
    /// The key-encryption key.
    pub kek: &'a Kek,
}

impl<'a> Deref for BuiltInCa<'a> {
    type Target = Context<'a>;

    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}

/// An issuing certificate of another CA, to be imported.
#[derive(Debug)]
pub struct ImportedCa {
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// Its chain, nearest first; the root may be left out.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its private key, PKCS #8.
    pub key: Zeroizing<Vec<u8>>,
}

/// An issuing certificate with its key.
pub(super) struct Issuing {
    pub(super) row: AuthorityRow,
    pub(super) issuer: Issuer<'static, Signer>,
}

/// The trust anchors of client certificates: all issuing certificates, including superseded ones.
/// They are trust anchors themselves, so clients need not send a chain, and the root's key alone
/// does not suffice to create accepted client certificates.
pub fn issuing_certificates(rows: &[AuthorityRow]) -> impl Iterator<Item = CertificateDer<'_>> {
    let issuing = rows.iter().filter(|row| !row.is_root);
    issuing.map(|row| CertificateDer::from(row.certificate.as_slice()))
}

/// The certificates that resource servers need to verify our client certificates: valid roots and
/// issuing certificates, and the chains of imported ones.
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

/// The subject of a CA certificate, for operators.
pub fn subject_text(certificate: &[u8]) -> String {
    Certificate::parse(certificate, &[]).map(|one| one.describe().subject).unwrap_or_default()
}

/// Splits a chain that is stored as concatenated DER.
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
    /// Creates a root and an issuing certificate.
    ///
    /// # Errors
    /// `invalid_request` when there already is a CA.
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

    /// Imports an issuing certificate of another CA.
    ///
    /// # Errors
    /// `invalid_request` when there already is a CA, and when the certificate may not issue
    /// certificates, is not valid now, does not match the key, or its chain is invalid.
    pub async fn import(&self, given: &ImportedCa) -> Result<()> {
        let row = self.verify_import(given)?;
        retrying(|| async {
            let mut tx = self.store.write().await?;
            self.insert(&mut tx, &row).await?;
            self.commit(tx).await
        })
        .await
    }

    /// Replaces the current issuing certificate by a new one with a new key; the old one stays
    /// valid until it expires. `root_key`: PKCS #8, if it is not stored here.
    ///
    /// # Errors
    /// `not_found` without a CA, `invalid_request` without a root or its key.
    pub async fn renew(&self, root_key: Option<&[u8]>) -> Result<()> {
        let current = self.current().await?;
        let root = authorities::current(self.store.db(), true).await?.ok_or_else(|| {
            invalid(
                "the issuing certificate was imported: renew it at its CA, and import the new one",
            )
        })?;
        if certificates::is_revoked(self.store.db(), Thumbprint::of(&root.certificate)).await? {
            return Err(invalid(
                "the root was revoked: import an issuing certificate of another CA",
            )
            .into());
        }
        let root_key = match (root_key, &root.sealed) {
            (Some(given), _) => Signer::from_pkcs8(given).map_err(invalid)?,
            (None, Some(_)) => self.open_key(&root)?,
            (None, None) => {
                return Err(invalid(
                    "the key of the root is not stored here: pass it with --root-key",
                )
                .into());
            }
        };
        must_match_key(&root.certificate, &root_key)?;
        let root = CertificateDer::from(root.certificate);
        let (key, pkcs8) = Signer::generate()?;
        let issuing = self.issuing_certificate(&root, root_key, &key)?;
        self.replace(&current, &self.row(&issuing, &[&root], Some(&pkcs8), false)?).await
    }

    /// Replaces the current issuing certificate by one of another CA; the old one stays valid until
    /// it expires.
    ///
    /// # Errors
    /// Those of [`BuiltInCa::import`]; `not_found` without a CA.
    pub async fn renew_by(&self, given: &ImportedCa) -> Result<()> {
        let current = self.current().await?;
        self.replace(&current, &self.verify_import(given)?).await
    }

    /// The root's private key in PKCS #8. It can create CAs that every relying party of the root
    /// trusts, so the export is recorded first.
    ///
    /// # Errors
    /// `not_found` when there is no root, or its key is not stored here.
    pub async fn export_root_key(&self) -> Result<Zeroizing<Vec<u8>>> {
        let (root, key) = self.root_key().await?;
        Event::success(Kind::RootKeyExported)
            .fact("authority", root.id.as_str())
            .write_alone(self.store, self.trace)
            .await?;
        Ok(key)
    }

    /// Deletes the root's private key.
    ///
    /// # Errors
    /// `not_found` when there is no root, or its key is not stored here.
    pub async fn remove_root_key(&self) -> Result<()> {
        let (root, _) = self.root_key().await?;
        retrying(|| async {
            let mut tx = self.store.write().await?;
            if !authorities::delete_key(&mut tx, &root.id).await? {
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

    /// The current issuing certificate with its key.
    pub(super) async fn open_current(&self) -> Result<Issuing> {
        let row = self.current().await?;
        self.open_row(row)
    }

    /// An issuing certificate with its key.
    pub(super) fn open_row(&self, row: AuthorityRow) -> Result<Issuing> {
        let key = self.open_key(&row)?;
        let certificate = CertificateDer::from(row.certificate.as_slice());
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(Failure::internal)?;
        Ok(Issuing { row, issuer })
    }

    async fn current(&self) -> Result<AuthorityRow> {
        let current = authorities::current(self.store.db(), false).await?;
        let none = || Code::NotFound.because("there is no built-in CA: create one with ca init");
        Ok(current.ok_or_else(none)?)
    }

    fn open_key(&self, row: &AuthorityRow) -> Result<Signer> {
        let sealed = row.sealed.as_ref();
        let sealed =
            sealed.ok_or_else(|| Failure::internal("the key of a CA certificate is missing"))?;
        let pkcs8 = self
            .kek
            .open(Owner(seal::Kind::Authority, &row.id), sealed)
            .map_err(Failure::internal)?;
        Ok(Signer::from_pkcs8(&pkcs8).map_err(Failure::internal)?)
    }

    async fn root_key(&self) -> Result<(AuthorityRow, Zeroizing<Vec<u8>>)> {
        let root = authorities::current(self.store.db(), true).await?.ok_or_else(no_root_key)?;
        let sealed = root.sealed.as_ref().ok_or_else(no_root_key)?;
        let key = self
            .kek
            .open(Owner(seal::Kind::Authority, &root.id), sealed)
            .map_err(Failure::internal)?;
        Ok((root, key))
    }

    fn root_certificate(&self, key: &Signer) -> Result<CertificateDer<'static>> {
        let mut params = self.ca_params("root CA", self.now + ROOT_LIFETIME)?;
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
        if root_until <= self.now {
            return Err(invalid("the root has expired").into());
        }
        let until = root_until.min(self.now + ISSUING_LIFETIME);
        let mut params = self.ca_params("issuing CA", until)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
        ];
        // Even if its key is compromised, it cannot issue server certificates.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let issuer = Issuer::from_ca_cert_der(root, root_key).map_err(Failure::internal)?;
        Ok(params.signed_by(key, &issuer).map_err(Failure::internal)?.into())
    }

    /// Parameters of a CA certificate. Its name contains the date, because some software finds an
    /// issuer by name alone.
    fn ca_params(&self, what: &str, until: Timestamp) -> Result<CertificateParams> {
        let now = self.now;
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
            created_at: self.now,
            superseded_at: None,
            id,
        })
    }

    /// Verifies an issuing certificate of another CA.
    fn verify_import(&self, given: &ImportedCa) -> Result<AuthorityRow> {
        let ImportedCa { certificate, chain, key } = given;
        let parsed = parse(certificate)?;
        let is_ca = matches!(parsed.basic_constraints(), Ok(Some(extension)) if extension.value.ca);
        let signs = matches!(parsed.key_usage(), Ok(Some(extension))
            if extension.value.key_cert_sign() && extension.value.crl_sign());
        if !is_ca || !signs {
            return Err(invalid(
                "the certificate is not a CA certificate: it needs CA:TRUE, keyCertSign and cRLSign",
            )
            .into());
        }
        let now = self.now.0;
        let validity = parsed.validity();
        if now < validity.not_before.timestamp() || now > validity.not_after.timestamp() {
            return Err(invalid("the certificate is expired or not valid yet").into());
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

    /// rcgen cannot reproduce every distinguished name. With an unsupported one, issued
    /// certificates would not chain to their issuer, so this is checked before any is issued.
    fn must_encode_its_name(
        &self,
        certificate: &CertificateDer<'static>,
        signer: Signer,
    ) -> Result<()> {
        let unsupported = || {
            invalid(
                "the subject of the certificate has several attributes of one type, or one of an unsupported type",
            )
        };
        let issuer = Issuer::from_ca_cert_der(certificate, signer).map_err(|_| unsupported())?;
        let mut params = self.ca_params("trial", self.now)?;
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
            if !authorities::supersede(&mut tx, &current.id, self.now).await? {
                return Err(invalid("the issuing certificate was renewed in the meantime").into());
            }
            self.insert(&mut tx, next).await?;
            self.commit(tx).await
        })
        .await
    }

    async fn insert(&self, tx: &mut Tx, row: &AuthorityRow) -> Result<()> {
        if !authorities::insert(tx, row).await? {
            return Err(invalid("there already is a built-in CA: see ca show and ca renew").into());
        }
        let certificate = Certificate::parse(&row.certificate, &[]).map_err(Failure::internal)?;
        let own = inventory::row(&certificate, Origin::Own, None, self.now);
        certificates::record(&mut *tx, &own).await?;
        if certificates::is_revoked(&mut *tx, own.thumbprint).await? {
            return Err(invalid("the certificate was revoked, or its key is compromised").into());
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

/// 128 random bits, in a form that is positive and has at most 20 octets (RFC 5280 §4.1.2.2).
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
        return Err(invalid("the key does not match the certificate").into());
    }
    Ok(())
}

const fn invalid(why: &'static str) -> Refusal {
    Code::InvalidRequest.because(why)
}

const fn no_root_key() -> Refusal {
    Code::NotFound.because("there is no root here, or its key was removed")
}
