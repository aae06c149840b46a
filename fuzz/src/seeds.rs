//! Seeds: valid inputs for each target, from which broken ones are derived. They are generated with
//! new keys each time.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::{Decode as _, Encode as _, asn1::AnyRef};
use gatewright::pki::Issuer;
use gatewright::pki::ocsp::{CertId, CertificateStatus, Hash, Nonce, Request, Response, Status};
use gatewright::types::{Failure, Seconds, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    CrlDistributionPoint, CrlIssuingDistributionPoint, CustomExtension, DnType, IsCa, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SanType, SerialNumber,
    SigningKey as _,
};
use time::OffsetDateTime;

/// The time of all verifications.
pub const NOW: Timestamp = Timestamp(1_790_000_000);

/// The CA that signs everything.
pub static AUTHORITY: LazyLock<CertifiedIssuer<'static, KeyPair>> = LazyLock::new(|| {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::OrganizationName, "Example");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
});

/// The CA as an issuer.
pub static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::from_der(AUTHORITY.der()).unwrap());

/// The requested certificate.
pub fn asked() -> CertId {
    CertId::new(Hash::Sha1, &ISSUER, &[1, 2, 3]).unwrap()
}

/// The status that the CA signs: no other may come out of an OCSP response.
pub fn said() -> CertificateStatus {
    CertificateStatus {
        status: Status::Good,
        this_update: NOW,
        next_update: Some(NOW + Seconds::hours(1)),
    }
}

/// A signature of the CA.
pub fn signature(message: &[u8]) -> Vec<u8> {
    AUTHORITY.key().sign(message).unwrap()
}

/// The seeds of a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "certificate" | "inventory" | "envelope" => certificates(),
        "header" => headers(),
        "name" => names(),
        "request" => requests(),
        "ocsp_request" => vec![request(None), request(Nonce::generate().ok())],
        "ocsp_response" => vec![response(None), response(Nonce::generate().ok())],
        "ocsp_response_signed" => {
            vec![first(&response(None)), first(&response(Nonce::generate().ok()))]
        }
        "crl" => vec![list(false), list(true)],
        "crl_signed" => vec![first(&list(false)), first(&list(true))],
        other => panic!("{other} has no examples"),
    }
}

fn certificates() -> Vec<Vec<u8>> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::OrganizationName, "Example, Inc.");
    params.distinguished_name.push(DnType::CommonName, "Löschzug +7");
    params.serial_number = Some(SerialNumber::from(0x00c0_ffee_u64));
    params.subject_alt_names = vec![
        SanType::DnsName("a.example".try_into().unwrap()),
        SanType::URI("spiffe://example/a".try_into().unwrap()),
        SanType::IpAddress([127, 0, 0, 1].into()),
        SanType::IpAddress([1_u16; 8].into()),
        SanType::Rfc822Name("a@example".try_into().unwrap()),
    ];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.crl_distribution_points =
        vec![CrlDistributionPoint { uris: vec!["http://ca.example/crl".to_owned()] }];
    // id-pe-authorityInfoAccess: an OCSP responder.
    let access = b"\x30\x1d\x30\x1b\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x01\x86\x0fhttp://ca/ocsp/";
    params.custom_extensions =
        vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], access.to_vec())];
    let key = KeyPair::generate().unwrap();
    let signed = params.signed_by(&key, &AUTHORITY).unwrap();
    vec![AUTHORITY.der().to_vec(), signed.der().to_vec()]
}

fn headers() -> Vec<Vec<u8>> {
    let [authority, client] = &certificates()[..] else { panic!("there are two") };
    let base64 = |der: &[u8]| STANDARD.encode(der);
    let escaped = |der: &[u8]| {
        let text =
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64(der));
        text.replace('\n', "%0A").replace(' ', "%20").replace('+', "%2B").replace('=', "%3D")
    };
    let (pem, above) = (escaped(client), escaped(authority));
    [
        format!("\u{1}:{}:\n\n:{}:, :{}:", base64(client), base64(authority), base64(authority)),
        format!("\u{2}{pem}"),
        format!("\u{3}By=spiffe://a;Hash=00;Cert=\"{pem}\";Chain=\"{pem}{above}\";Subject=\"CN=a\";URI=b"),
        format!("\u{4}{}\n\n{}", base64(client), base64(&[&authority[..], &authority[..]].concat())),
    ]
    .map(String::into_bytes)
    .to_vec()
}

fn requests() -> Vec<Vec<u8>> {
    let mut params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "somebody");
    let key = KeyPair::generate().unwrap();
    let request = params.serialize_request(&key).unwrap();
    let base64 = STANDARD.encode(request.der());
    // RFC 7030 §4.2.1; many clients break lines as in RFC 2045 §6.8.
    let lines = base64.as_bytes().chunks(76).collect::<Vec<_>>().join(&b"\r\n"[..]);
    let pem = request.pem().unwrap().into_bytes();
    vec![request.der().to_vec(), base64.into_bytes(), lines, pem]
}

/// RFC 4514 §4.
fn names() -> Vec<Vec<u8>> {
    [
        "UID=jsmith,DC=example,DC=net",
        "OU=Sales+CN=J.  Smith,DC=example,DC=net",
        "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net",
        "CN=Before\\0dAfter,DC=example,DC=net",
        "1.3.6.1.4.1.1466.0=#04024869",
        "CN=Lu\\C4\\8Di\\C4\\87,O=Ex\\ ",
    ]
    .map(|name| name.as_bytes().to_vec())
    .to_vec()
}

fn request(nonce: Option<Nonce>) -> Vec<u8> {
    Request { cert_ids: vec![asked()], nonce }.to_der().unwrap()
}

fn response(nonce: Option<Nonce>) -> Vec<u8> {
    let response = Response { responses: vec![(asked(), said())], nonce, produced_at: NOW };
    let sign = |message: &[u8]| AUTHORITY.key().sign(message).map_err(Failure::internal);
    response.sign(&ISSUER, &[AUTHORITY.der().clone()], sign).unwrap()
}

fn list(with_scope: bool) -> Vec<u8> {
    let date = |of: Timestamp| OffsetDateTime::from_unix_timestamp(of.0).unwrap();
    let uris = vec!["http://ca.example/crl".to_owned()];
    let point = CrlIssuingDistributionPoint {
        distribution_point: CrlDistributionPoint { uris },
        scope: None,
    };
    let revoked = RevokedCertParams {
        serial_number: SerialNumber::from(7_u64),
        revocation_time: date(NOW),
        reason_code: Some(RevocationReason::Superseded),
        invalidity_date: Some(date(NOW)),
    };
    let params = CertificateRevocationListParams {
        this_update: date(NOW),
        next_update: date(NOW + Seconds::hours(1)),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: with_scope.then_some(point),
        revoked_certs: vec![revoked],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(&AUTHORITY).unwrap().der().to_vec()
}

/// The signed part of a CRL or an OCSP response.
fn first(signed: &[u8]) -> Vec<u8> {
    // OCSPResponse: status, [0] { SEQUENCE { OBJECT IDENTIFIER, OCTET STRING { BasicOCSPResponse } } }
    let basic =
        signed.windows(11).position(|part| part == b"\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01");
    let signed = match basic {
        Some(at) => AnyRef::from_der(&signed[at + 11..]).unwrap().value(),
        None => signed,
    };
    let mut inside = der::SliceReader::new(AnyRef::from_der(signed).unwrap().value()).unwrap();
    let first: AnyRef<'_> = der::Reader::decode(&mut inside).unwrap();
    first.to_der().unwrap()
}
