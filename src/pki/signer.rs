//! The private keys of the built-in CA, which sign certificates, CRLs and OCSP responses.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use der::asn1::{Any, ObjectIdentifier};
use rcgen::{PublicKeyData, SignatureAlgorithm, SigningKey};
use x509_cert::spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use crate::types::Failure;

/// A parsed private key. It has no `Debug` and does not expose the key (THREATS KE-05).
pub(super) struct Signer {
    pair: Pair,
    algorithm: &'static SignatureAlgorithm,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Signer {
    /// Generates a P-256 key; also returns its PKCS #8 form, to be sealed.
    pub(super) fn generate() -> Result<(Self, Zeroizing<Vec<u8>>), Failure> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
            .map_err(Failure::internal)?;
        let pkcs8 = Zeroizing::new(document.as_ref().to_vec());
        let signer = Self::from_pkcs8(&pkcs8).map_err(Failure::internal)?;
        Ok((signer, pkcs8))
    }

    /// Parses a PKCS #8 key: P-256, P-384, RSA of at least 2048 bits, Ed25519.
    ///
    /// # Errors
    /// When it is none of these.
    pub(super) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, &'static str> {
        let ec = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).ok().map(Pair::Ec);
        if let Some(pair) = ec(&ECDSA_P256_SHA256_ASN1_SIGNING) {
            return Ok(Self { pair, algorithm: &rcgen::PKCS_ECDSA_P256_SHA256 });
        }
        if let Some(pair) = ec(&ECDSA_P384_SHA384_ASN1_SIGNING) {
            return Ok(Self { pair, algorithm: &rcgen::PKCS_ECDSA_P384_SHA384 });
        }
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(pkcs8) {
            return Ok(Self { pair: Pair::Ed(pair), algorithm: &rcgen::PKCS_ED25519 });
        }
        // aws-lc rejects RSA keys below 2048 bits.
        match RsaKeyPair::from_pkcs8(pkcs8) {
            Ok(pair) => Ok(Self { pair: Pair::Rsa(pair), algorithm: &rcgen::PKCS_RSA_SHA256 }),
            Err(_) => {
                Err("the key is not PKCS #8 of P-256, P-384, Ed25519 or RSA of 2048 bits or more")
            }
        }
    }
}

/// `ecdsa-with-SHA256`, `ecdsa-with-SHA384` (RFC 5758 §3.2), `sha256WithRSAEncryption` (RFC 4055 §5),
/// `id-Ed25519` (RFC 8410 §3).
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const RSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

impl Signer {
    /// The algorithm identifier of its signatures.
    pub(super) fn signature_algorithm(&self) -> AlgorithmIdentifierOwned {
        let (oid, parameters) = match &self.pair {
            Pair::Ec(_) if self.algorithm == &rcgen::PKCS_ECDSA_P384_SHA384 => {
                (ECDSA_WITH_SHA384, None)
            }
            Pair::Ec(_) => (ECDSA_WITH_SHA256, None),
            Pair::Rsa(_) => (RSA_WITH_SHA256, Some(Any::null())),
            Pair::Ed(_) => (ED25519, None),
        };
        AlgorithmIdentifierOwned { oid, parameters }
    }
}

impl PublicKeyData for Signer {
    fn der_bytes(&self) -> &[u8] {
        match &self.pair {
            Pair::Ec(pair) => pair.public_key().as_ref(),
            Pair::Rsa(pair) => pair.public_key().as_ref(),
            Pair::Ed(pair) => pair.public_key().as_ref(),
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl SigningKey for Signer {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let failed = |_| rcgen::Error::RemoteKeyError;
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ec(pair) => {
                pair.sign(&random, message).map(|signed| signed.as_ref().to_vec()).map_err(failed)
            }
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Pair::Ed(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}
