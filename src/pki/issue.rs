//! Issues client certificates, with the public key of a request and the names of a registration.

use der::Encode as _;
use der::asn1::{Ia5String, ObjectIdentifier};
use rcgen::{
    CertificateParams, CrlDistributionPoint, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, PublicKeyData as _, SanType,
};
use rustls_pki_types::CertificateDer;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{AccessDescription, AuthorityInfoAccessSyntax};

use super::ca::{BuiltInCa, Issuing, SKEW, offset_date_time, serial, split_chain};
use super::request::CertificationRequest;
use super::{Certificate, description, inventory};
use crate::record::{Event, Kind};
use crate::store::certificates::{self, Origin};
use crate::store::{Tx, authorities, clients, enrolments, retrying};
use crate::types::token::EnrolmentToken;
use crate::types::{
    Client, ClientId, Code, Failure, Refusal, Result, Seconds, Thumbprint, Timestamp,
};

/// The [RFC 5280 §4.2.2.1] extension of a certificate.
///
/// [RFC 5280 §4.2.2.1]: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.2.1
const AUTHORITY_INFORMATION_ACCESS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
const CA_ISSUERS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.2");

/// Prefix of the URNs of clients.
pub const URN: &str = "urn:gatewright:client:";

/// The longest lifetime of an enrolment token.
const MAX_ENROLMENT: Seconds = Seconds::days(30);

/// What authorizes a certification request.
#[derive(Clone, Copy, Debug)]
pub enum Right<'a> {
    /// An administrator requests it, or the client has authenticated.
    Proven,
    /// A single-use enrolment token.
    Token(&'a EnrolmentToken),
    /// A certificate of ours, with this thumbprint, that authenticated the client in TLS.
    Certificate(Thumbprint),
}

/// A certificate that was issued.
#[derive(Clone, Debug)]
pub struct IssuedCertificate {
    /// The client.
    pub client_id: ClientId,
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// Its chain, the issuing certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// `x5t#S256`
    pub thumbprint: Thumbprint,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// When it expires.
    pub not_after: Timestamp,
}

/// The name of a client in its certificates: a URN with other characters percent-encoded (RFC 8141
/// §2.2), so that clients cannot share one.
pub fn urn(client: &ClientId) -> String {
    let mut urn = URN.to_owned();
    for byte in client.as_str().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                urn.push(char::from(byte));
            }
            other => urn.push_str(&format!("%{other:02X}")),
        }
    }
    urn
}

impl BuiltInCa<'_> {
    /// Issues a certificate to an enabled client, for the key of a request. Earlier certificates
    /// stay valid until they expire.
    ///
    /// # Errors
    /// `invalid_client` when the client is unknown or disabled or the right is invalid;
    /// `invalid_request` when the key of the request is compromised; `not_found` without a built-in
    /// CA; a failure when the issuing certificate has expired, was revoked or is not valid yet.
    pub async fn issue(
        &self,
        client: Option<&ClientId>,
        request: &CertificationRequest,
        right: Right<'_>,
    ) -> Result<IssuedCertificate> {
        let issuing = self.open_current().await?;
        let now = self.now;
        if issuing.row.not_after <= now {
            return Err(
                Failure::internal("the issuing certificate has expired: run ca renew").into()
            );
        }
        // Created while a clock was ahead: verifiers would reject what it issues.
        let not_before =
            Certificate::parse(&issuing.row.certificate, &[]).map(|one| one.not_before);
        if now < not_before.map_err(Failure::internal)? {
            return Err(Failure::internal(
                "the issuing certificate is not valid yet: correct the clock, or run ca renew",
            )
            .into());
        }
        let client = self.find_client(client, right).await?;
        retrying(|| self.issue_once(&issuing, &client, request, right)).await
    }

    /// Checks a right before the request is parsed. Verifying the request's signature can be made
    /// expensive by its sender, so it is done only for authenticated requests (RFC 7030 §3.2.3).
    ///
    /// # Errors
    /// `invalid_client`.
    pub async fn check_right(&self, client: Option<&ClientId>, right: Right<'_>) -> Result<()> {
        let (db, now) = (self.store.db(), self.now);
        match (right, client) {
            (Right::Proven, _) => Ok(()),
            (Right::Token(token), Some(client)) => {
                match enrolments::is_live(db, &token.digest(), client, now).await? {
                    true => Ok(()),
                    false => Err(wrong_token(client).into()),
                }
            }
            (Right::Token(_), None) => Err(unauthenticated_because("no client").into()),
            (Right::Certificate(thumbprint), _) => {
                match authorities::is_renewable(db, thumbprint, now).await? {
                    true => Ok(()),
                    false => Err(not_renewable().into()),
                }
            }
        }
    }

    /// Creates a single-use enrolment token for a client.
    ///
    /// # Errors
    /// `not_found` when the client does not exist or is disabled; `invalid_request` for a lifetime
    /// above 30 days.
    pub async fn create_enrolment_token(
        &self,
        client: &ClientId,
        valid: Seconds,
    ) -> Result<EnrolmentToken> {
        if !(Seconds(1)..=MAX_ENROLMENT).contains(&valid) {
            return Err(Code::InvalidRequest
                .because("an enrolment token is valid for at most 30 days")
                .into());
        }
        let now = self.now;
        let token = EnrolmentToken::generate();
        retrying(|| async {
            let mut tx = self.store.write().await?;
            let until = now + valid;
            if !enrolments::insert(&mut tx, &token.digest(), client, now, until).await? {
                return Err(Code::NotFound
                    .because("there is no enabled client with this identifier")
                    .into());
            }
            Event::success(Kind::EnrolmentCreated)
                .client(client)
                .fact("expires_at", until.0)
                .write(&mut tx, self.trace)
                .await?;
            tx.commit().await?;
            Ok(())
        })
        .await?;
        Ok(token)
    }

    async fn issue_once(
        &self,
        issuing: &Issuing,
        client: &ClientId,
        request: &CertificationRequest,
        right: Right<'_>,
    ) -> Result<IssuedCertificate> {
        let now = self.now;
        let mut tx = self.store.write().await?;
        // Locks the issuing certificate first, like its revocation does.
        let above = Thumbprint::of(&issuing.row.certificate);
        if !authorities::may_issue(&mut tx, above).await? {
            return Err(
                Failure::internal("the issuing certificate was revoked: run ca renew").into()
            );
        }
        let client = self.lock_client(&mut tx, client, right).await?;
        let public_key = Thumbprint::of(&request.key.subject_public_key_info());
        if certificates::is_compromised(&mut tx, public_key).await? {
            return Err(Code::InvalidRequest
                .because("the private key of the request is compromised: generate a new one")
                .with("client_id", &client.id)
                .into());
        }
        let issued = self.sign(issuing, &client, request)?;
        let certificate =
            Certificate::parse(&issued.certificate, &[]).map_err(Failure::internal)?;
        let row = inventory::row(&certificate, Origin::Issued, Some(&client.id), now);
        certificates::record(&mut tx, &row).await?;
        let authority = &issuing.row.id;
        authorities::record_issued(&mut tx, authority, &issued.serial, issued.thumbprint).await?;
        let mut event = Event::success(Kind::CertificateIssued)
            .client(&client.id)
            .fact("thumbprint", issued.thumbprint.to_string())
            .fact("serial", issued.serial.as_str())
            .fact("authority", authority.as_str())
            .fact("not_after", issued.not_after.0)
            .fact("by", right.name());
        if let Right::Certificate(renewed) = right {
            certificates::set_renewed_from(&mut tx, issued.thumbprint, renewed).await?;
            event = event.fact("renewed", renewed.to_string());
        }
        event.write(&mut tx, self.trace).await?;
        tx.commit().await?;
        Ok(issued)
    }

    /// The client that the certificate is issued to.
    async fn find_client(&self, named: Option<&ClientId>, right: Right<'_>) -> Result<ClientId> {
        match (named, right) {
            (Some(named), Right::Proven | Right::Token(_)) => Ok(named.clone()),
            (None, Right::Proven | Right::Token(_)) => {
                Err(unauthenticated_because("no client").into())
            }
            (_, Right::Certificate(thumbprint)) => {
                let found = certificates::find(self.store.db(), thumbprint).await?;
                Ok(found.and_then(|row| row.client_id).ok_or_else(not_renewable)?)
            }
        }
    }

    /// Locks the client until the certificate is issued, so that disabling the client at the same
    /// time also revokes this certificate. Then consumes or locks the right. Disabling a client
    /// takes the locks in the same order, which prevents deadlocks.
    async fn lock_client(&self, tx: &mut Tx, id: &ClientId, right: Right<'_>) -> Result<Client> {
        let now = self.now;
        if !clients::lock(tx, id).await? {
            return Err(unauthenticated_because("unknown or disabled client")
                .with("client_id", id)
                .into());
        }
        match right {
            Right::Proven => {}
            Right::Token(token) => {
                if !enrolments::spend(tx, &token.digest(), id, now).await? {
                    return Err(wrong_token(id).into());
                }
            }
            Right::Certificate(thumbprint) => {
                if !authorities::may_be_renewed(tx, thumbprint, id, now).await? {
                    return Err(not_renewable().with("client_id", id).into());
                }
            }
        }
        let client = clients::find(tx, id).await?;
        Ok(client.ok_or_else(|| unauthenticated_because("unknown client"))?)
    }

    fn sign(
        &self,
        issuing: &Issuing,
        client: &Client,
        request: &CertificationRequest,
    ) -> Result<IssuedCertificate> {
        let now = self.now;
        let not_after = issuing.row.not_after.min(now + self.config.ca.lifetime);
        let serial = serial();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, client.id.as_str());
        params.subject_alt_names = subject_alt_names(client)?;
        params.serial_number = Some(serial.clone());
        params.not_before = offset_date_time(now - SKEW)?;
        params.not_after = offset_date_time(not_after)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let uris = vec![self.url("/ca/crl", &issuing.row.id)];
        params.crl_distribution_points = vec![CrlDistributionPoint { uris }];
        params.custom_extensions = vec![self.authority_information_access(&issuing.row.id)?];
        let certificate =
            params.signed_by(&request.key, &issuing.issuer).map_err(Failure::internal)?;
        let mut chain = vec![CertificateDer::from(issuing.row.certificate.clone())];
        chain.extend(split_chain(&issuing.row.chain));
        Ok(IssuedCertificate {
            client_id: client.id.clone(),
            thumbprint: Thumbprint::of(certificate.der()),
            certificate: certificate.into(),
            chain,
            serial: description::serial(serial.as_ref()),
            not_after,
        })
    }

    /// URLs of the OCSP responder and the issuing certificate.
    fn authority_information_access(&self, authority: &str) -> Result<CustomExtension> {
        let located = |access_method, uri: String| {
            let uri = Ia5String::new(&uri).map_err(Failure::internal)?;
            let access_location = GeneralName::UniformResourceIdentifier(uri);
            Ok::<_, Failure>(AccessDescription { access_method, access_location })
        };
        let access = AuthorityInfoAccessSyntax(vec![
            located(OCSP, self.config.issuer.endpoint("/ca/ocsp"))?,
            located(CA_ISSUERS, self.url("/ca/certificate", authority))?,
        ]);
        let content = access.to_der().map_err(Failure::internal)?;
        Ok(CustomExtension::from_oid_content(AUTHORITY_INFORMATION_ACCESS, content))
    }

    fn url(&self, path: &str, authority: &str) -> String {
        format!("{}/{authority}", self.config.issuer.endpoint(path))
    }
}

impl Right<'_> {
    const fn name(self) -> &'static str {
        match self {
            Self::Proven => "client or administrator",
            Self::Token(_) => "enrolment token",
            Self::Certificate(_) => "certificate",
        }
    }
}

/// The names of the client. Names in the request are ignored.
fn subject_alt_names(client: &Client) -> Result<Vec<SanType>> {
    let mut names = vec![SanType::URI(urn(&client.id).try_into().map_err(Failure::internal)?)];
    if let Some(dns) = &client.metadata.tls_client_auth_san_dns {
        names.push(SanType::DnsName(dns.as_str().try_into().map_err(Failure::internal)?));
    }
    Ok(names)
}

const fn unauthenticated() -> Refusal {
    Code::InvalidClient.because("the client is unknown, disabled or not authenticated")
}

fn unauthenticated_because(reason: &'static str) -> Refusal {
    unauthenticated().with("reason", reason)
}

fn wrong_token(client: &ClientId) -> Refusal {
    unauthenticated_because("the token is another client's, was used, or has expired")
        .with("client_id", client)
}

fn not_renewable() -> Refusal {
    unauthenticated_because(
        "the certificate was not issued by the built-in CA, has expired, or was revoked",
    )
}
