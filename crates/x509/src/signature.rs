//! Verifies signatures of certification requests and certificates, and explains failures.

use rustls_pki_types::SubjectPublicKeyInfoDer;
use webpki::{ALL_VERIFICATION_ALGS, RawPublicKeyEntity};
use x509_parser::oid_registry::{
    OID_NIST_HASH_SHA256, OID_NIST_HASH_SHA384, OID_NIST_HASH_SHA512, OID_PKCS1_RSASSAPSS,
};
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::AlgorithmIdentifier;

/// Why a signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureError {
    /// Its algorithm is not supported: SHA-1, MD5, RSA keys below 2048 bits.
    Algorithm,
    /// It is RSASSA-PSS with parameters that the library does not support: see
    /// [`has_unsupported_pss_salt`].
    Salt,
    /// The signature is invalid.
    Signature,
}

/// Verifies a signature with a `SubjectPublicKeyInfo`.
pub(super) fn verify(
    public_key: &[u8],
    algorithm: &AlgorithmIdentifier<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    if has_unsupported_pss_salt(algorithm) {
        return Err(SignatureError::Salt);
    }
    let oid = algorithm.algorithm.as_bytes();
    let public_key = SubjectPublicKeyInfoDer::from(public_key);
    let key = RawPublicKeyEntity::try_from(&public_key).map_err(|_| SignatureError::Algorithm)?;
    let mut why = SignatureError::Algorithm;
    for known in ALL_VERIFICATION_ALGS {
        if !matches_algorithm(known.signature_alg_id().as_ref(), oid, algorithm) {
            continue;
        }
        match key.verify_signature(*known, message, signature) {
            Ok(()) => return Ok(()),
            // One identifier can stand for several curves; the curve of the key decides.
            Err(webpki::Error::InvalidSignatureForPublicKey) => why = SignatureError::Signature,
            Err(_) => {}
        }
    }
    Err(why)
}

/// Whether one of the library's algorithms is the one in `algorithm`. `id` is the contents of its
/// `AlgorithmIdentifier`: the object identifier, and for RSASSA-PSS its parameters.
fn matches_algorithm(id: &[u8], oid: &[u8], algorithm: &AlgorithmIdentifier<'_>) -> bool {
    let named = id.split_at_checked(2).and_then(|(_, rest)| rest.strip_prefix(oid));
    let Some(parameters) = named else { return false };
    if algorithm.algorithm != OID_PKCS1_RSASSAPSS {
        return true;
    }
    // A `NULL` beside the hash's identifier makes no difference (RFC 4055 §2.1), so only the hash
    // is compared.
    pss_hash_oid(algorithm)
        .is_some_and(|hash| parameters.windows(hash.len()).any(|part| part == hash))
}

/// The object identifier of the hash of an RSASSA-PSS signature.
fn pss_hash_oid(algorithm: &AlgorithmIdentifier<'_>) -> Option<Vec<u8>> {
    let parameters = RsaSsaPssParams::try_from(algorithm.parameters.as_ref()?).ok()?;
    Some(parameters.hash_algorithm_oid().as_bytes().to_vec())
}

/// Whether an algorithm is RSASSA-PSS with a salt that is not as long as its hash, or with a
/// different hash for the mask. RFC 4055 §3.1 recommends equal ones, and the library verifies
/// nothing else. OpenSSL uses the longest possible salt by default (`rsa_pss_saltlen:digest`
/// changes it).
pub(super) fn has_unsupported_pss_salt(algorithm: &AlgorithmIdentifier<'_>) -> bool {
    if algorithm.algorithm != OID_PKCS1_RSASSAPSS {
        return false;
    }
    let Some(parameters) =
        algorithm.parameters.as_ref().and_then(|any| RsaSsaPssParams::try_from(any).ok())
    else {
        return true;
    };
    let hash = parameters.hash_algorithm_oid();
    let length =
        [(OID_NIST_HASH_SHA256, 32), (OID_NIST_HASH_SHA384, 48), (OID_NIST_HASH_SHA512, 64)]
            .into_iter()
            .find_map(|(oid, length)| (oid == *hash).then_some(length));
    let mask = parameters.mask_gen_algorithm().map(|mask| mask.hash);
    // Signatures with SHA-1 are reported as an unsupported algorithm.
    length.is_some_and(|length| parameters.salt_length() != length)
        || length.is_some() && mask.is_ok_and(|mask| mask != *hash)
}
