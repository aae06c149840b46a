//! Certificates in an unsigned CMS message: the *certs-only* form of [RFC 5652 §5], as [RFC 7030
//! §4.1.3] requires.
//!
//! [RFC 5652 §5]: https://www.rfc-editor.org/rfc/rfc5652#section-5
//! [RFC 7030 §4.1.3]: https://www.rfc-editor.org/rfc/rfc7030#section-4.1.3

use der::asn1::{Any, ObjectIdentifier, SetOfVec};
use der::{Decode as _, Encode as _, Sequence};
use rustls_pki_types::CertificateDer;

use crate::types::Failure;

const ID_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ID_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// `ContentInfo`: RFC 5652 §3.
#[derive(Sequence)]
struct ContentInfo {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: SignedData,
}

/// `SignedData`: RFC 5652 §5.1, without content and signers.
#[derive(Sequence)]
struct SignedData {
    version: u8,
    digest_algorithms: SetOfVec<Any>,
    encap_content_info: EncapsulatedContentInfo,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    certificates: SetOfVec<Any>,
    signer_infos: SetOfVec<Any>,
}

/// `EncapsulatedContentInfo`: RFC 5652 §5.2, without content.
#[derive(Sequence)]
struct EncapsulatedContentInfo {
    content_type: ObjectIdentifier,
}

/// Encodes certificates as an unordered set.
///
/// # Errors
/// When one of them is not DER.
pub fn certs_only(certificates: &[CertificateDer<'_>]) -> Result<Vec<u8>, Failure> {
    let mut set = SetOfVec::new();
    for certificate in certificates {
        let any = Any::from_der(certificate).map_err(Failure::internal)?;
        set.insert(any).map_err(Failure::internal)?;
    }
    let content = SignedData {
        // > If [...] all of the SignerInfo structures [are] version 1 [...] then version shall be 1
        version: 1,
        digest_algorithms: SetOfVec::new(),
        encap_content_info: EncapsulatedContentInfo { content_type: ID_DATA },
        certificates: set,
        signer_infos: SetOfVec::new(),
    };
    ContentInfo { content_type: ID_SIGNED_DATA, content }.to_der().map_err(Failure::internal)
}
