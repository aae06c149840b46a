//! Client and responder, against each other and against `openssl ocsp`.

use std::fs;

use rcgen::{ExtendedKeyUsagePurpose, SigningKey as _};
use rustls_pki_types::CertificateDer;

use super::*;
use crate::testing::{Folder, SERIAL, TestCa, clock};
use crate::types::Seconds;

const NOW: Timestamp = Timestamp(1_790_000_000);

impl TestCa {
    fn sign(&self, response: &Response, certificates: &[CertificateDer<'_>]) -> Vec<u8> {
        let sign = |message: &[u8]| self.key.key().sign(message).map_err(Failure::internal);
        response.sign(&self.issuer, certificates, sign).unwrap()
    }
}

fn serial() -> [u8; 8] {
    // A leading zero keeps the number positive.
    SERIAL.to_be_bytes()
}

fn id(hash: Hash, of: &TestCa) -> CertId {
    CertId::new(hash, &of.issuer, &serial()).unwrap()
}

fn good() -> CertificateStatus {
    let next_update = Some(NOW + Seconds::hours(1));
    CertificateStatus { status: Status::Good, this_update: NOW - Seconds::hours(1), next_update }
}

fn response(id: &CertId, status: CertificateStatus) -> Response {
    Response { responses: vec![(id.clone(), status)], nonce: None, produced_at: NOW }
}

fn read(der: &[u8], id: &CertId, of: &TestCa) -> Result<CertificateStatus, &'static str> {
    ResponseVerifier { id, issuer: &of.issuer, nonce: None, now: NOW }.verify(der)
}

#[test]
fn a_request_round_trips() {
    let ca = TestCa::new("CA");
    let cert_ids = vec![id(Hash::Sha1, &ca), id(Hash::Sha256, &ca)];
    let request = Request { cert_ids, nonce: Some(Nonce::generate().unwrap()) };

    let read = Request::from_der(&request.to_der().unwrap()).unwrap();

    assert_eq!(read, request);
    for id in &read.cert_ids {
        assert!(id.is_issued_by(&ca.issuer) && !id.is_issued_by(&TestCa::new("CA").issuer));
        assert_eq!(id.serial(), serial());
    }
}

#[test]
fn a_response_round_trips() {
    let ca = TestCa::new("CA");
    let delegate = ca.issue("responder", &[ExtendedKeyUsagePurpose::OcspSigning]);
    let revoked = |reason| Status::Revoked { at: NOW - Seconds::days(1), reason };
    let revoked = Reason::ALL.iter().copied().map(revoked);

    for status in [Status::Good, Status::Unknown].into_iter().chain(revoked) {
        let id = id(Hash::Sha256, &ca);
        let status = CertificateStatus { status, ..good() };

        let by_authority = ca.sign(&response(&id, status), &[]);
        let by_delegate = delegate.sign(&response(&id, status), &[delegate.certificate()]);

        assert_eq!(read(&by_authority, &id, &ca), Ok(status));
        assert_eq!(read(&by_delegate, &id, &ca), Ok(status));
    }
}

/// RFC 6960 §3.2, (1) to (4). THREATS MT-03.
#[test]
fn a_response_of_another_signer_is_rejected() {
    let (ca, other) = (TestCa::new("CA"), TestCa::new("CA"));
    let status = response(&id(Hash::Sha1, &ca), good());
    let verified = |signer: &TestCa, certificates: &[CertificateDer<'_>]| {
        read(&signer.sign(&status, certificates), &id(Hash::Sha1, &ca), &ca)
    };

    let unknown = verified(&other, &[other.certificate()]);
    let client = ca.issue("client", &[ExtendedKeyUsagePurpose::ClientAuth]);
    let no_purpose = ca.issue("client", &[]);
    let foreign = other.issue("responder", &[ExtendedKeyUsagePurpose::OcspSigning]);
    let mut forged = ca.sign(&status, &[]);
    *forged.last_mut().unwrap() ^= 1;

    assert!(unknown.is_err(), "another CA with the same name");
    assert!(verified(&client, &[client.certificate()]).is_err(), "another extended key usage");
    assert!(verified(&no_purpose, &[no_purpose.certificate()]).is_err(), "no extended key usage");
    assert!(verified(&foreign, &[foreign.certificate()]).is_err(), "a responder of another CA");
    assert!(verified(&foreign, &[]).is_err(), "an unknown responder");
    assert!(read(&forged, &id(Hash::Sha1, &ca), &ca).is_err(), "an invalid signature");
    let serial_of_another = CertId::new(Hash::Sha1, &ca.issuer, &[1]).unwrap();
    for another in [serial_of_another, id(Hash::Sha1, &other), id(Hash::Sha256, &ca)] {
        let of_another = ca.sign(&response(&another, good()), &[]);
        assert_eq!(
            read(&of_another, &id(Hash::Sha1, &ca), &ca),
            Err("the response is about another certificate")
        );
    }
}

/// RFC 6960 §3.2, (5) and (6). Clocks may differ by five minutes.
#[test]
fn a_response_is_valid_from_this_update_to_next_update() {
    let ca = TestCa::new("CA");
    let id = id(Hash::Sha1, &ca);
    let verified = |this_update, next_update| {
        let status = CertificateStatus { status: Status::Good, this_update, next_update };
        read(&ca.sign(&response(&id, status), &[]), &id, &ca).map(|status| status.expires_at())
    };
    let minutes = Seconds::minutes;

    assert!(verified(NOW - minutes(60), Some(NOW - minutes(4))).is_ok());
    assert_eq!(
        verified(NOW - minutes(60), Some(NOW - minutes(5))),
        Err("the response has expired")
    );
    assert!(verified(NOW + minutes(5), Some(NOW + minutes(60))).is_ok());
    assert_eq!(
        verified(NOW + minutes(6), Some(NOW + minutes(60))),
        Err("thisUpdate of the response is in the future")
    );
    assert_eq!(verified(NOW - minutes(59), None), Ok(NOW + minutes(1)));
    assert_eq!(verified(NOW - minutes(65), None), Err("the response has expired"));
}

/// RFC 9654 §2.1.
#[test]
fn a_repeated_nonce_must_be_the_sent_one() {
    let ca = TestCa::new("CA");
    let id = id(Hash::Sha1, &ca);
    let (sent, other) = (Nonce::generate().unwrap(), Nonce::generate().unwrap());
    let verified = |nonce: Option<&Nonce>, expected: Option<&Nonce>| {
        let response = Response { nonce: nonce.cloned(), ..response(&id, good()) };
        let der = ca.sign(&response, &[]);
        ResponseVerifier { id: &id, issuer: &ca.issuer, nonce: expected, now: NOW }.verify(&der)
    };

    assert!(verified(Some(&sent), Some(&sent)).is_ok());
    assert!(verified(None, Some(&sent)).is_ok(), "a response created in advance");
    assert_eq!(verified(Some(&other), Some(&sent)), Err("the nonce is not the one that was sent"));
    assert!(verified(Some(&other), None).is_ok(), "a cached response");
}

/// > servers MUST reject any OCSP request that has a nonce […] with a length of 0 octets or more than 128
/// > octets (RFC 9654 §2.1)
#[test]
fn a_nonce_has_1_to_128_octets() {
    let ca = TestCa::new("CA");
    let with = |length: usize| {
        let nonce = Some(Nonce(OctetString::new(vec![7; length]).unwrap()));
        let request = Request { cert_ids: vec![id(Hash::Sha1, &ca)], nonce };
        Request::from_der(&request.to_der().unwrap())
    };

    assert!(with(1).is_ok() && with(128).is_ok());
    assert!(with(0).is_err() && with(129).is_err());
}

#[test]
fn an_unsuccessful_response_has_the_reason() {
    let ca = TestCa::new("CA");
    let id = id(Hash::Sha1, &ca);

    assert_eq!(Unsuccessful::MalformedRequest.to_der().unwrap(), [0x30, 3, 0x0a, 1, 1]);
    for (unsuccessful, why) in [
        (Unsuccessful::MalformedRequest, "the responder rejected the request as malformed"),
        (Unsuccessful::InternalError, "the responder has an internal error"),
        (Unsuccessful::TryLater, "the responder is busy"),
        (Unsuccessful::Unauthorized, "the responder is not authorized for this certificate"),
    ] {
        assert_eq!(read(&unsuccessful.to_der().unwrap(), &id, &ca), Err(why));
    }
}

/// Changes every byte and truncates at every position: no panic, and no other status than the
/// signed one.
#[test]
fn a_corrupted_response_is_rejected() {
    let ca = TestCa::new("CA");
    let id = id(Hash::Sha1, &ca);
    let der = ca.sign(&response(&id, good()), &[ca.certificate()]);
    let request = Request { cert_ids: vec![id.clone()], nonce: Some(Nonce::generate().unwrap()) };
    let question = request.to_der().unwrap();

    for at in 0..der.len() {
        let mut broken = der.clone();
        broken[at] ^= 0x11;
        assert!(
            read(&broken, &id, &ca).is_ok_and(|verified| verified == good())
                || read(&broken, &id, &ca).is_err()
        );
        assert!(read(&der[..at], &id, &ca).is_err());
    }
    for at in 0..question.len() {
        let mut broken = question.clone();
        broken[at] ^= 0x11;
        let _read_or_refused = Request::from_der(&broken);
        assert!(Request::from_der(&question[..at]).is_err());
    }
    assert!(read(&vec![0x30; 65 * 1024], &id, &ca).is_err());
    assert!(Request::from_der(&vec![0x30; 9 * 1024]).is_err());
}

#[test]
fn openssl_responds_to_our_requests() {
    let ca = TestCa::new("CA");
    let delegate = ca.issue("responder", &[ExtendedKeyUsagePurpose::OcspSigning]);
    let folder = Folder::new("ocsp-asks");
    folder.put("ca.pem", &ca.pem);
    folder.put("responder.pem", &delegate.pem);
    folder.put("responder.key", delegate.key.key().serialize_pem());
    folder.put("ca.key", ca.key.key().serialize_pem());
    let revoked =
        "R\t991231235959Z\t260101000000Z,keyCompromise\tC0FFEE00000001\tunknown\t/CN=client\n";
    let valid = "V\t991231235959Z\t\tC0FFEE00000001\tunknown\t/CN=client\n";
    let at = Timestamp(1_767_225_600);
    let reason = Reason::KeyCompromise;

    for (index, status) in
        [(valid, Status::Good), (revoked, Status::Revoked { at, reason }), ("", Status::Unknown)]
    {
        for (signer, hash) in [("ca", Hash::Sha1), ("responder", Hash::Sha256)] {
            let id = id(hash, &ca);
            let nonce = Nonce::generate().unwrap();
            let request = Request { cert_ids: vec![id.clone()], nonce: Some(nonce.clone()) };
            folder.put("request", request.to_der().unwrap());
            folder.put("index", index);

            folder.openssl(&format!(
                "ocsp -index index -CA ca.pem -rsigner {signer}.pem -rkey {signer}.key -reqin request \
                 -respout response -ndays 1"
            ));
            let response = fs::read(folder.0.join("response")).unwrap();
            let verifier =
                ResponseVerifier { id: &id, issuer: &ca.issuer, nonce: Some(&nonce), now: clock() };
            let verified = verifier.verify(&response).unwrap();

            assert_eq!(verified.status, status);
            assert_eq!(verified.next_update, Some(verified.this_update + Seconds::days(1)));
            let other = Nonce::generate().unwrap();
            let another = ResponseVerifier { nonce: Some(&other), ..verifier };
            assert_eq!(another.verify(&response), Err("the nonce is not the one that was sent"));
        }
    }
}

#[test]
fn openssl_verifies_our_responses() {
    let ca = TestCa::new("CA");
    let delegate = ca.issue("responder", &[ExtendedKeyUsagePurpose::OcspSigning]);
    let client = ca.issue("client", &[]);
    let folder = Folder::new("ocsp-answers");
    folder.put("ca.pem", &ca.pem);
    folder.put("client.pem", &client.pem);
    let (at, reason) = (Timestamp(1_767_225_600), Reason::CessationOfOperation);

    for (status, expected) in [
        (Status::Good, "client.pem: good"),
        (Status::Revoked { at, reason }, "Reason: cessationOfOperation"),
        (Status::Unknown, "client.pem: unknown"),
    ] {
        for (signer, hash) in [(&ca, "sha1"), (&delegate, "sha256")] {
            folder
                .openssl(&format!("ocsp -{hash} -issuer ca.pem -cert client.pem -reqout request"));
            let request = Request::from_der(&fs::read(folder.0.join("request")).unwrap()).unwrap();
            let id = &request.cert_ids[0];
            let certificate_status = CertificateStatus {
                status,
                this_update: clock(),
                next_update: Some(clock() + Seconds::hours(1)),
            };
            let mut response = response(id, certificate_status);
            response.nonce = request.nonce.clone();
            folder.put("response", signer.sign(&response, &[signer.certificate()]));

            let status = folder.openssl(&format!(
                "ocsp -{hash} -issuer ca.pem -cert client.pem -respin response -CAfile ca.pem -no_nonce"
            ));
            let nonce = folder.openssl("ocsp -reqin request -respin response -CAfile ca.pem");

            assert!(id.is_issued_by(&ca.issuer) && id.serial() == serial());
            assert!(request.nonce.is_some());
            assert!(status.contains("Response verify OK"), "{status}");
            assert!(status.contains(expected), "{status}");
            assert!(nonce.contains("Response verify OK"), "{nonce}");
            assert!(!nonce.contains("Nonce Verify error"), "{nonce}");
        }
    }
}
