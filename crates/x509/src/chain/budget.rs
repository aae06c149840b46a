//! Limits the number of signatures verified per chain: the party that presents a chain chooses its
//! keys and its length.

use std::sync::{Mutex, PoisonError};

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

/// A path with four certificates below the trust anchor takes five.
const MAX_SIGNATURES: usize = 8;

/// The signatures verified for one chain. The path search reaches the same signature repeatedly; it
/// is verified once.
#[derive(Debug, Default)]
pub(super) struct Budget(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    verified: Vec<(Signature, bool)>,
    is_exceeded: bool,
}

/// A signature over a certificate of the chain, identified by the public key and the address of the
/// signed message. The chain stays at the same address during validation.
#[derive(Debug, PartialEq, Eq)]
struct Signature {
    public_key: Vec<u8>,
    message: (usize, usize),
}

impl Budget {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The number of signatures that were verified.
    pub(super) fn spent(&self) -> u64 {
        self.lock().verified.len() as u64
    }

    /// Whether a signature was left unverified because of the limit.
    pub(super) fn is_exceeded(&self) -> bool {
        self.lock().is_exceeded
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A signature algorithm that counts against a budget.
#[derive(Debug)]
pub(super) struct Budgeted<'a> {
    pub(super) known: &'static dyn SignatureVerificationAlgorithm,
    pub(super) budget: &'a Budget,
}

impl SignatureVerificationAlgorithm for Budgeted<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let mut spent = self.budget.lock();
        let this = Signature {
            public_key: public_key.to_vec(),
            message: (message.as_ptr().addr(), message.len()),
        };
        let known = spent.verified.iter().find(|(known, _)| *known == this).map(|(_, good)| *good);
        let is_good = match known {
            Some(is_good) => is_good,
            None if spent.verified.len() >= MAX_SIGNATURES => {
                spent.is_exceeded = true;
                false
            }
            None => {
                let is_good = self.known.verify_signature(public_key, message, signature).is_ok();
                spent.verified.push((this, is_good));
                is_good
            }
        };
        if is_good { Ok(()) } else { Err(InvalidSignature) }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.known.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.known.signature_alg_id()
    }
}
