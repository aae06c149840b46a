//! Signature algorithms: [RFC 7518 §3], [RFC 8037 §3.1], [RFC 9864 §2.2].
//!
//! [RFC 7518 §3]: https://www.rfc-editor.org/rfc/rfc7518#section-3
//! [RFC 8037 §3.1]: https://www.rfc-editor.org/rfc/rfc8037#section-3.1
//! [RFC 9864 §2.2]: https://www.rfc-editor.org/rfc/rfc9864#section-2.2

crate::wire_enum! {
    /// The signature algorithms that the server supports. There is no `none`, so it cannot be
    /// allowed by mistake (THREATS JO-01).
    pub enum Algorithm {
        /// RSASSA-PKCS1-v1_5 with SHA-256, the default of OpenID Connect.
        Rs256 = "RS256",
        /// RSASSA-PKCS1-v1_5 with SHA-384.
        Rs384 = "RS384",
        /// RSASSA-PKCS1-v1_5 with SHA-512.
        Rs512 = "RS512",
        /// RSASSA-PSS with SHA-256.
        Ps256 = "PS256",
        /// RSASSA-PSS with SHA-384.
        Ps384 = "PS384",
        /// RSASSA-PSS with SHA-512.
        Ps512 = "PS512",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// ECDSA on P-384 with SHA-384.
        Es384 = "ES384",
        /// ECDSA on P-521 with SHA-512.
        Es512 = "ES512",
        /// EdDSA with Ed25519; Ed448 is not supported.
        EdDsa = "EdDSA",
        /// The same algorithm under its fully specified name.
        Ed25519 = "Ed25519",
        /// HMAC with SHA-256, for `client_secret_jwt`.
        Hs256 = "HS256",
    }
}

impl Algorithm {
    /// Algorithms of our own signing keys.
    pub const SIGNING: &[Self] = &[Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    /// Algorithms with which clients may sign DPoP proofs and client assertions under a public key.
    /// The metadata announces this list, so announced and accepted algorithms are the same
    /// (decision 0023).
    pub const ACCEPTED: &[Self] = &[
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
        Self::Ed25519,
    ];

    /// Whether the key is a shared secret.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// THREATS JO-01: no spelling of `none` is an algorithm.
    #[test]
    fn names_are_exact_and_none_is_not_an_algorithm() {
        for algorithm in Algorithm::ACCEPTED.iter().chain(&[Algorithm::Hs256]) {
            assert_eq!(Algorithm::parse(algorithm.as_str()), Some(*algorithm));
            assert_eq!(algorithm.is_symmetric(), *algorithm == Algorithm::Hs256);

            let wire = serde_json::to_string(algorithm).unwrap();
            assert_eq!(wire, format!("\"{algorithm}\""));
            assert_eq!(serde_json::from_str::<Algorithm>(&wire).unwrap(), *algorithm);
        }
        for name in [
            "none", "None", "nOnE", "NONE", "", "es256", "ES256 ", "ES256K", "Ed448", "EDDSA",
            "RS1",
        ] {
            assert_eq!(Algorithm::parse(name), None, "{name}");
        }
        assert!(Algorithm::SIGNING.iter().all(|algorithm| Algorithm::ACCEPTED.contains(algorithm)));
    }
}
