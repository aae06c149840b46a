//! Parsers of input from others. Each returns for any input, and what it accepts is encoded to the
//! same bytes.

use gatewright::pki::crl::Crl;
use gatewright::pki::header::Form;
use gatewright::pki::link::Link;
use gatewright::pki::ocsp::{Request, ResponseVerifier};
use gatewright::pki::request::CertificationRequest;
use gatewright::pki::{Certificate, Name, cms, header, inventory, pem};
use gatewright::store::certificates::Origin;
use gatewright::types::Thumbprint;
use rustls_pki_types::CertificateDer;

use super::seeds;

/// A parser and its name.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const ALL: &[Target] = &[
    ("certificate", certificate),
    ("inventory", inventory),
    ("envelope", envelope),
    ("header", header),
    ("name", name),
    ("ocsp_request", ocsp_request),
    ("ocsp_response", ocsp_response),
    ("ocsp_response_signed", ocsp_response_signed),
    ("request", request),
    ("crl", crl),
    ("crl_signed", crl_signed),
];

/// Certificates in a TLS handshake.
fn certificate(data: &[u8]) {
    if let Ok(read) = Certificate::parse(data, &[]) {
        assert_eq!(read.thumbprint, Thumbprint::of(data));
    }
    let (leaf, other) = data.split_at(data.len() / 2);
    let _read_or_refused = Certificate::parse(leaf, &[other]);
    let issuer = seeds::ISSUER.certificate();
    let _read_or_refused = Link::from_der(&CertificateDer::from(data), issuer);
}

/// The inventory row of a certificate.
fn inventory(data: &[u8]) {
    if let Ok(read) = Certificate::parse(data, &[]) {
        let row = inventory::row(&read, Origin::Seen, None, seeds::NOW);
        assert_eq!((row.der.as_slice(), row.thumbprint), (data, Thumbprint::of(data)));
    }
}

/// The certificates of an imported CA in EST responses.
fn envelope(data: &[u8]) {
    let certificate = CertificateDer::from(data);
    if let Ok(envelope) = cms::certs_only(&[certificate]) {
        assert!(envelope.windows(data.len()).any(|part| part == data));
        let text = pem::lines(&envelope);
        assert!(text.lines().all(|line| line.len() <= 64));
    }
}

/// Header fields of a proxy: the format, then a line per field; an empty line separates the
/// chain's.
fn header(data: &[u8]) {
    const FORMS: [Form; 4] = [Form::Rfc9440, Form::Nginx, Form::Envoy, Form::Haproxy];
    let Some((form, fields)) = data.split_first() else {
        return;
    };
    let form = FORMS[usize::from(*form) % FORMS.len()];
    let lines: Vec<_> = fields.split(|byte| *byte == b'\n').collect();
    let mut parts = lines.split(|line| line.is_empty());
    let (certificate, chain) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let _read_or_refused = header::parse(form, certificate, chain, 4);
}

/// A subject in a client registration.
fn name(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(name) = Name::parse(text) {
        assert_eq!(Name::parse(&name.to_string()), Ok(name), "{text}");
    }
}

/// A certification request, also in EST: PKCS #10, in three encodings.
fn request(data: &[u8]) {
    let _read_or_refused = CertificationRequest::parse(data);
}

/// A request to our OCSP responder.
fn ocsp_request(data: &[u8]) {
    if let Ok(read) = Request::from_der(data) {
        let again = Request::from_der(&read.to_der().unwrap()).unwrap();
        assert_eq!(again, read);
    }
}

/// A response from an OCSP responder or a party in between.
fn ocsp_response(data: &[u8]) {
    let verifier = ResponseVerifier {
        id: &seeds::asked(),
        issuer: &seeds::ISSUER,
        nonce: None,
        now: seeds::NOW,
    };
    if let Ok(read) = verifier.verify(data) {
        assert_eq!(read, seeds::said(), "nobody else can sign");
    }
}

/// A response that an authorized responder signed.
fn ocsp_response_signed(data: &[u8]) {
    let basic = signed(data);
    let octets = tlv(0x04, &basic);
    let id = b"\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01";
    let bytes = tlv(0xa0, &tlv(0x30, &[&id[..], &octets].concat()));
    let response = tlv(0x30, &[&[0x0a, 1, 0][..], &bytes].concat());
    let verifier = ResponseVerifier {
        id: &seeds::asked(),
        issuer: &seeds::ISSUER,
        nonce: None,
        now: seeds::NOW,
    };
    let _read_or_refused = verifier.verify(&response);
}

/// A CRL from a distribution point or a party in between.
fn crl(data: &[u8]) {
    judged(data);
}

/// A CRL that the CA signed.
fn crl_signed(data: &[u8]) {
    judged(&signed(data));
}

fn judged(list: &[u8]) {
    if let Ok(list) = Crl::parse(list, &seeds::ISSUER) {
        let issuer = seeds::ISSUER.certificate();
        let link = Link::from_der(issuer, issuer).unwrap();
        let _status_or_none = list.status(&link, seeds::NOW);
    }
}

/// `SEQUENCE { toBeSigned, ecdsa-with-SHA256, BIT STRING }`
fn signed(to_be_signed: &[u8]) -> Vec<u8> {
    let algorithm = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
    let bits = [&[0][..], &seeds::signature(to_be_signed)].concat();
    tlv(0x30, &[to_be_signed, algorithm, &tlv(0x03, &bits)].concat())
}

fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len();
    let head = match length {
        0..0x80 => vec![tag, length as u8],
        0x80..0x1_0000 => vec![tag, 0x82, (length >> 8) as u8, length as u8],
        _ => vec![tag, 0x83, (length >> 16) as u8, (length >> 8) as u8, length as u8],
    };
    [&head[..], value].concat()
}
