//! Proof of possession: the certificate and the DPoP key that come with a request, and the tokens that are bound to
//! them ([RFC 8705 §3], [RFC 9449 §5]).
//!
//! [RFC 8705 §3]: https://www.rfc-editor.org/rfc/rfc8705#section-3
//! [RFC 9449 §5]: https://www.rfc-editor.org/rfc/rfc9449#section-5

use std::sync::Arc;

use super::dpop::Proof;
use crate::pki::Certificate;
use crate::types::{Bonds, Client, Code, Confirmation, Refusal, Result, Thumbprint, Timestamp};
use crate::verify::PossessionProof;

/// What the sender of a request has proved to possess.
#[derive(Clone, Debug, Default)]
pub struct Possession {
    /// The certificate of the TLS connection, or the one that a trusted proxy forwards. The handshake proved
    /// possession of its key; its chain is not validated yet.
    pub certificate: Option<Arc<Certificate>>,
    /// The DPoP proof for this request.
    pub proof: Option<Proof>,
}

impl Possession {
    /// The key of the DPoP proof.
    pub fn key(&self) -> Option<Thumbprint> {
        self.proof.as_ref().map(|proof| proof.key)
    }

    /// `cnf`: what the access tokens of this response are bound to.
    ///
    /// # Errors
    /// `invalid_request` for a client whose tokens must be bound, if the request has nothing to bind them to: the
    /// binding is never dropped (THREATS DP-10). `invalid_dpop_proof` for a proof that its profile does not
    /// allow.
    pub fn confirmation(&self, client: &Client, now: Timestamp) -> Result<Confirmation, Refusal> {
        let certificate = match &self.certificate {
            Some(certificate) if client.metadata.tls_client_certificate_bound_access_tokens => {
                if !certificate.is_valid_at(now) {
                    return Err(Code::InvalidRequest
                        .because("the client certificate has expired or is not yet valid")
                        .with("not_before", certificate.not_before)
                        .with("not_after", certificate.not_after));
                }
                Some(certificate.thumbprint)
            }
            None if client.metadata.tls_client_certificate_bound_access_tokens => {
                return Err(Code::InvalidRequest.because(
                    "the tokens of this client are bound to its certificate, and the request came without one",
                ));
            }
            Some(_) | None => None,
        };
        if self.proof.is_none() && client.metadata.dpop_bound_access_tokens {
            // RFC 9449 §5 has invalid_dpop_proof for an invalid proof; this one is missing.
            return Err(Code::InvalidRequest.because(
                "the tokens of this client are bound to its key, and the request came without a DPoP proof",
            ));
        }
        self.must_meet_profile(client)?;
        Ok(Confirmation { certificate, key: self.key() })
    }

    /// Checks that the client's profile allows the algorithm of the proof.
    ///
    /// # Errors
    /// `invalid_dpop_proof`.
    pub fn must_meet_profile(&self, client: &Client) -> Result<(), Refusal> {
        let profile = client.metadata.gw_profile;
        match &self.proof {
            Some(proof) if !profile.allows(proof.algorithm) => Err(Code::InvalidDpopProof
                .because("the DPoP proof is not signed by an algorithm that the profile of this client allows")
                .with("alg", proof.algorithm)),
            Some(_) | None => Ok(()),
        }
    }

    /// When the certificate expires that a token is bound to: the token must not outlive it.
    pub fn certificate_expiry(&self, confirmation: &Confirmation) -> Option<Timestamp> {
        let bound = self.certificate.as_ref().filter(|_| confirmation.certificate.is_some());
        bound.map(|certificate| certificate.not_after)
    }

    /// What the refresh tokens of a public client are bound to, or must be presented with.
    pub fn bonds(&self, client: &Client) -> Bonds {
        if client.is_confidential() {
            return Bonds::default();
        }
        let certificate = self
            .certificate
            .as_ref()
            .filter(|_| client.metadata.tls_client_certificate_bound_access_tokens);
        Bonds {
            public_key: certificate.map(|certificate| certificate.public_key),
            proof_key: self.key(),
        }
    }

    /// Checks that the request came with what the token is bound to: RFC 8705 §3, RFC 9449 §7.1.
    ///
    /// # Errors
    /// `invalid_token`.
    pub fn must_match(&self, confirmation: &Confirmation, now: Timestamp) -> Result<(), Refusal> {
        let proof = PossessionProof { certificate: self.certificate.as_deref(), key: self.key() };
        proof.must_match(confirmation, now).map_err(|reason| {
            Code::InvalidToken
                .because(
                    "the access token is bound to a certificate or a key that was not presented",
                )
                .with("reason", reason)
        })
    }
}
