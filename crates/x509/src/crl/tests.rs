//! CRLs of `rcgen` and `openssl`, and CRLs that must be rejected.

use std::fs;

use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, CrlIssuingDistributionPoint,
    CrlScope, IsCa, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber,
};

use super::*;
use crate::testing::{Folder, SERIAL, TestCa, clock, date};

const NOW: Timestamp = Timestamp(1_790_000_000);
const MADE: Timestamp = Timestamp(NOW.0 - 3600);
const NEXT: Timestamp = Timestamp(NOW.0 + 3600);
const POINT: &str = "http://ca.example/list.crl";

fn link(ca: &TestCa, change: impl FnOnce(&mut CertificateParams)) -> Link {
    let issued = ca.issue_with("client", change);
    Link::from_der(&issued.certificate(), &ca.certificate()).unwrap()
}

fn revoked(reason: Option<RevocationReason>) -> RevokedCertParams {
    RevokedCertParams {
        serial_number: SerialNumber::from(SERIAL),
        revocation_time: date(MADE),
        reason_code: reason,
        invalidity_date: None,
    }
}

#[test]
fn a_crl_has_the_revoked_certificates_and_the_reasons() {
    let ca = TestCa::new("CA");
    let link = link(&ca, |_| {});
    let status = |revoked_certs: Vec<RevokedCertParams>| {
        let list = ca.crl(MADE, NEXT, |params| params.revoked_certs = revoked_certs);
        Crl::parse(&list, &ca.issuer).unwrap().status(&link, NOW).unwrap()
    };

    assert_eq!(status(vec![]), Status::Good);
    let other = RevokedCertParams { serial_number: SerialNumber::from(1), ..revoked(None) };
    assert_eq!(status(vec![other]), Status::Good);
    for (written, reason) in [
        (None, Reason::Unspecified),
        (Some(RevocationReason::KeyCompromise), Reason::KeyCompromise),
        (Some(RevocationReason::CertificateHold), Reason::CertificateHold),
        (Some(RevocationReason::AaCompromise), Reason::AaCompromise),
    ] {
        assert_eq!(status(vec![revoked(written)]), Status::Revoked { at: MADE, reason });
    }
}

/// RFC 5280 §6.3.3 (f), (g). THREATS MT-03.
#[test]
fn a_crl_of_another_signer_is_rejected() {
    let (ca, other) = (TestCa::new("CA"), TestCa::new("CA"));
    let list = ca.crl(MADE, NEXT, |_| {});
    let read = |bytes: &[u8], issuer: &TestCa| Crl::parse(bytes, &issuer.issuer).map(drop);
    let mut forged = list.clone();
    *forged.last_mut().unwrap() ^= 1;
    let same_key = KeyPair::try_from(ca.key.key().serialized_der()).unwrap();
    let no_signer = TestCa::with_key("CA", same_key, &[KeyUsagePurpose::KeyCertSign]);

    assert_eq!(read(&list, &ca), Ok(()));
    assert_eq!(
        read(&list, &other),
        Err("the signature of the CRL is invalid"),
        "another CA with the same name"
    );
    assert_eq!(read(&list, &TestCa::new("B")), Err("the CRL is of another issuer"));
    assert_eq!(read(&forged, &ca), Err("the signature of the CRL is invalid"));
    assert_eq!(
        read(&list, &no_signer),
        Err("the issuer may not sign CRLs: keyUsage lacks cRLSign")
    );
    assert_eq!(read(&ca.certificate(), &ca), Err("this is not a CRL of a supported kind"));
    assert_eq!(read(b"{}", &ca), Err("this is not a CRL"));
}

/// RFC 5280 §5.1.2.4, §5.1.2.5.
#[test]
fn a_crl_is_valid_from_this_update_to_next_update() {
    let ca = TestCa::new("CA");
    let link = link(&ca, |_| {});
    let status = |this, next| {
        Crl::parse(&ca.crl(this, next, |_| {}), &ca.issuer).unwrap().status(&link, NOW)
    };

    assert_eq!(status(MADE, NOW + Seconds(1)), Ok(Status::Good));
    assert_eq!(status(MADE, NOW), Err("the CRL has expired"));
    assert_eq!(status(NOW + Seconds::minutes(5), NEXT), Ok(Status::Good));
    assert_eq!(
        status(NOW + Seconds::minutes(6), NEXT),
        Err("thisUpdate of the CRL is in the future")
    );
}

/// RFC 5280 §6.3.3 (b) (2).
#[test]
fn a_crl_covers_its_scope_only() {
    let ca = TestCa::new("CA");
    let named = |uri: &str| {
        let uris = vec![uri.to_owned()];
        link(&ca, |params| params.crl_distribution_points = vec![CrlDistributionPoint { uris }])
    };
    let authority = link(&ca, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let scoped = |scope| {
        let distribution_point = CrlDistributionPoint { uris: vec![POINT.to_owned()] };
        let point = CrlIssuingDistributionPoint { distribution_point, scope };
        let list = ca.crl(MADE, NEXT, |params| params.issuing_distribution_point = Some(point));
        Crl::parse(&list, &ca.issuer).unwrap()
    };
    let (all, users, authorities) =
        (scoped(None), scoped(Some(CrlScope::UserCertsOnly)), scoped(Some(CrlScope::CaCertsOnly)));
    let (covered, elsewhere) = (named(POINT), named("http://ca.example/other.crl"));

    for (list, link, is_covered) in [
        (&all, &covered, true),
        (&all, &elsewhere, false),
        (&all, &authority, true),
        (&users, &covered, true),
        (&users, &authority, false),
        (&authorities, &covered, false),
        (&authorities, &authority, true),
    ] {
        assert_eq!(list.status(link, NOW).is_ok(), is_covered, "{list:?} {link:?}");
    }
}

/// CRLs that webpki does not support are rejected as a whole: RFC 5280 §5.2.4.
#[test]
fn crls_of_openssl_are_parsed_except_delta_crls() {
    let ca = TestCa::new("CA");
    let link = link(&ca, |_| {});
    let folder = Folder::new("crl");
    folder.put("ca.pem", &ca.pem);
    folder.put("ca.key", ca.key.key().serialize_pem());
    folder.put(
        "index",
        "R\t991231235959Z\t260101000000Z,superseded\tC0FFEE00000001\tunknown\t/CN=a\n",
    );
    folder.put("number", "01");
    folder.put(
        "conf",
        "[ca]\ndefault_ca = here\n[here]\ndatabase = index\ncrlnumber = number\ndefault_md = sha256\n\
         default_crl_days = 1\n[whole]\nfreshestCRL = URI:http://ca.example/delta.crl\n\
         [delta]\n2.5.29.27 = critical,DER:020101\n",
    );
    let generate = |extensions: &str, form: &str| {
        folder.openssl(&format!(
            "ca -config conf -gencrl -cert ca.pem -keyfile ca.key -crlexts {extensions} -out list.pem"
        ));
        folder.openssl(&format!("crl -in list.pem -outform {form} -out list"));
        fs::read(folder.0.join("list")).unwrap()
    };

    for form in ["DER", "PEM"] {
        let list = Crl::parse(&generate("whole", form), &ca.issuer).unwrap();
        let revoked = Status::Revoked { at: Timestamp(1_767_225_600), reason: Reason::Superseded };
        assert_eq!(list.status(&link, clock()), Ok(revoked));
        assert_eq!(list.next_update - list.this_update, Seconds::days(1));
        let delta = Crl::parse(&generate("delta", form), &ca.issuer);
        assert_eq!(delta.map(drop), Err("this is a delta CRL"));
    }
}

/// Changes every byte and truncates at every position: no panic, and never another status than the
/// signed one.
#[test]
fn a_corrupted_crl_is_rejected() {
    let ca = TestCa::new("CA");
    let list = ca.crl(MADE, NEXT, |params| params.revoked_certs = vec![revoked(None)]);

    for at in 0..list.len() {
        let mut broken = list.clone();
        broken[at] ^= 0x11;
        assert!(Crl::parse(&broken, &ca.issuer).is_err(), "{at}");
        assert!(Crl::parse(&list[..at], &ca.issuer).is_err(), "{at}");
    }
}
