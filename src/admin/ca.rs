//! The built-in CA.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Action, Allowed, Call, Done, Error, Result, Subject, client};
use crate::jose::Kek;
pub use crate::pki::ca::ImportedCa;
use crate::pki::ca::{BuiltInCa, split_chain, subject_text};
use crate::pki::{Certificate, pem};
use crate::record::Kind;
use crate::store::authorities::{self, AuthorityRow};
use crate::store::certificates::{self, Revoked};
use crate::types::token::EnrolmentToken;
use crate::types::{ClientId, Seconds, Thumbprint, Timestamp};

/// The rules of the built-in CA, for one call.
pub(super) fn built_in_ca<'a>(call: &Allowed<'a>, kek: &'a Kek) -> BuiltInCa<'a> {
    BuiltInCa { context: call.context, kek }
}

/// Creates the built-in CA: a root and an issuing CA, or the issuing CA `given`.
///
/// # Errors
/// There is a built-in CA, the given certificate cannot issue certificates, or the database fails.
pub async fn init(call: &Call<'_>, given: Option<&ImportedCa>) -> Result<Done<()>> {
    let call = &call.allow(Action::InitAuthority)?;
    let kek = call.kek().await?;
    let ca = built_in_ca(call, &kek);
    match given {
        Some(given) => ca.import(given).await?,
        None => ca.init().await?,
    }
    Ok(Done::new((), Kind::AuthorityCreated))
}

/// The source of a new issuing CA.
#[derive(Debug)]
pub enum Renewal {
    /// Certified by another CA.
    Imported(ImportedCa),
    /// Certified by our root, whose key is in the database.
    Root,
    /// Certified by our root, whose key is this one (PKCS #8).
    RootKey(Zeroizing<Vec<u8>>),
}

/// Replaces the issuing CA; the previous one stays valid until it expires.
///
/// # Errors
/// There is no built-in CA, the key of the root is missing or wrong, or the database fails.
pub async fn renew(call: &Call<'_>, renewal: &Renewal) -> Result<Done<()>> {
    let call = &call.allow(Action::RenewAuthority)?;
    let kek = call.kek().await?;
    let ca = built_in_ca(call, &kek);
    match renewal {
        Renewal::Imported(given) => ca.renew_by(given).await?,
        Renewal::Root => ca.renew(None).await?,
        Renewal::RootKey(key) => ca.renew(Some(key.as_slice())).await?,
    }
    Ok(Done::new((), Kind::AuthorityCreated))
}

/// Exports the private key of the root CA, PKCS #8.
///
/// # Errors
/// There is no such key in the database, or the database fails.
pub async fn export_root_key(call: &Call<'_>) -> Result<Done<Zeroizing<Vec<u8>>>> {
    let call = &call.allow(Action::ExportRootKey)?;
    let kek = call.kek().await?;
    let key = built_in_ca(call, &kek).export_root_key().await?;
    Ok(Done::new(key, Kind::RootKeyExported))
}

/// Deletes the private key of the root CA from the database.
///
/// # Errors
/// There is no such key in the database, or the database fails.
pub async fn remove_root_key(call: &Call<'_>) -> Result<Done<()>> {
    let call = &call.allow(Action::RemoveRootKey)?;
    let kek = call.kek().await?;
    built_in_ca(call, &kek).remove_root_key().await?;
    Ok(Done::new((), Kind::RootKeyRemoved))
}

/// A one-time token for enrolment over EST.
#[derive(Debug)]
pub struct Enrolment {
    /// The token. No other action returns it.
    pub token: EnrolmentToken,
    /// The end of its validity.
    pub expires_at: Timestamp,
}

/// Creates a one-time token for a client to enrol over EST.
///
/// # Errors
/// There is no built-in CA, the validity is too long, the client cannot have a certificate, or the database fails.
pub async fn enrol(call: &Call<'_>, id: &ClientId, valid: Seconds) -> Result<Done<Enrolment>> {
    let authority = call.authority();
    let call = &call.allow(Action::EnrolClient)?;
    client::must_not_reach_api_by(call, authority, id).await?;
    let kek = call.kek().await?;
    let token = built_in_ca(call, &kek).create_enrolment_token(id, valid).await?;
    let enrolment = Enrolment { token, expires_at: call.now + valid };
    Ok(Done::new(enrolment, Kind::EnrolmentCreated))
}

/// A certificate of the built-in CA.
#[derive(Debug)]
pub struct CaCertificate {
    /// Its row.
    pub row: AuthorityRow,
    /// `present`, `superseded`, `expired` or `revoked`.
    pub state: &'static str,
    /// Its subject.
    pub subject: String,
    /// The address of its CRL, and of itself; a root has none.
    pub published: Option<(String, String)>,
}

impl CaCertificate {
    fn new(call: &Allowed<'_>, row: AuthorityRow, revoked: &Revoked) -> Self {
        let address = |path: &str| format!("{}/{}", call.config.issuer.endpoint(path), row.id);
        let published = (!row.is_root).then(|| (address("/ca/crl"), address("/ca/certificate")));
        Self {
            state: state(&row, revoked, call.now),
            subject: subject_text(&row.certificate),
            published,
            row,
        }
    }

    /// The certificate as PEM.
    pub fn pem(&self) -> String {
        pem::certificate(&self.row.certificate)
    }

    /// The CA certificates above it, as PEM.
    pub fn chain(&self) -> String {
        split_chain(&self.row.chain).iter().map(|one| pem::certificate(one)).collect()
    }

    /// The certificate as JSON.
    pub fn document(&self) -> Value {
        let (crl, address) = self.published.clone().unzip();
        json!({
            "id": self.row.id,
            "subject": self.subject,
            "is_root": self.row.is_root,
            "state": self.state,
            "thumbprint": Thumbprint::of(&self.row.certificate).to_string(),
            "not_after": self.row.not_after,
            "created_at": self.row.created_at,
            "superseded_at": self.row.superseded_at,
            "has_key": self.row.sealed.is_some(),
            "certificate": self.pem(),
            "chain": self.chain(),
            "crl": crl,
            "address": address,
        })
    }
}

fn state(row: &AuthorityRow, revoked: &Revoked, now: Timestamp) -> &'static str {
    let read = Certificate::parse(&row.certificate, &[]);
    if read.is_ok_and(|one| revoked.has(one.thumbprint, one.public_key)) {
        "revoked"
    } else if row.not_after < now {
        "expired"
    } else if row.superseded_at.is_some() {
        "superseded"
    } else {
        "present"
    }
}

/// All certificates of the built-in CA. There is one root, and an issuing CA for each renewal.
///
/// # Errors
/// The database fails.
pub async fn list(call: &Call<'_>) -> Result<Vec<CaCertificate>> {
    let call = &call.allow(Action::ReadCertificates)?;
    let all = authorities::all(call.store.db()).await?;
    let revoked = certificates::revoked(call.store.db()).await?;
    Ok(all.into_iter().map(|row| CaCertificate::new(call, row, &revoked)).collect())
}

/// A certificate of the built-in CA; without an identifier, the current issuing one.
///
/// # Errors
/// There is no such certificate, or the database fails.
pub async fn find(call: &Call<'_>, id: Option<&str>) -> Result<CaCertificate> {
    let call = &call.allow(Action::ReadCertificates)?;
    let found = match id {
        Some(id) => authorities::find(call.store.db(), id).await?,
        None => authorities::current(call.store.db(), false).await?,
    };
    let row = found.ok_or_else(|| match id {
        Some(id) => {
            let text = format!("the built-in CA has no certificate {id}");
            Error::NotFound(Subject::CaCertificate, text)
        }
        None => Error::NotFound(Subject::Ca, "there is no built-in CA".to_owned()),
    })?;
    let revoked = certificates::revoked(call.store.db()).await?;
    Ok(CaCertificate::new(call, row, &revoked))
}
