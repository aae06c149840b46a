//! How many signatures are verified for one chain: whoever shows it has chosen its keys and how many there are.

use std::sync::{Mutex, PoisonError};

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

/// As many signatures as are verified for one chain: a path of four below an anchor takes five.
const MAX_SIGNATURES: usize = 8;

/// What was verified for one chain. The search for a path comes to the same signature again and again; it is
/// verified once.
#[derive(Debug, Default)]
pub(super) struct Budget(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    verified: Vec<(Signature, bool)>,
    is_exceeded: bool,
}

/// A signature over a certificate of this chain, which stays where it is in memory while the chain is judged: by
/// which key it is verified, and where what was signed begins.
#[derive(Debug, PartialEq, Eq)]
struct Signature {
    public_key: Vec<u8>,
    message: (usize, usize),
}

impl Budget {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// How many signatures were verified.
    pub(super) fn spent(&self) -> u64 {
        self.lock().verified.len() as u64
    }

    /// Whether another one would have had to be.
    pub(super) fn is_exceeded(&self) -> bool {
        self.lock().is_exceeded
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An algorithm that verifies within a budget.
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
