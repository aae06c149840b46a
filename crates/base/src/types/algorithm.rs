//! Signature algorithms: [RFC 7518 §3], [RFC 8037 §3.1], [RFC 9864 §2.2].
//!
//! [RFC 7518 §3]: https://www.rfc-editor.org/rfc/rfc7518#section-3
//! [RFC 8037 §3.1]: https://www.rfc-editor.org/rfc/rfc8037#section-3.1
//! [RFC 9864 §2.2]: https://www.rfc-editor.org/rfc/rfc9864#section-2.2

use std::fmt;

use serde::{Deserialize, Serialize};

/// The algorithms we sign and verify with. There is no `none`, so nobody can allow it by mistake
/// (THREATS JO-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, what OpenID Connect clients expect.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// EdDSA with Ed25519 (never Ed448).
    EdDsa,
    /// The same, by the name that says the curve.
    Ed25519,
    /// HMAC with SHA-256, for clients that share a secret with us (`client_secret_jwt`).
    Hs256,
}

impl Algorithm {
    /// What we sign with.
    pub const OURS: &[Self] = &[Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    /// What others may sign with who show us a public key: proofs and assertions. What is announced is this very
    /// table, so that nothing is taken that is not told, nor the other way round (decision 0023).
    pub const THEIRS: &[Self] = &[
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

    /// The `alg` of the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
            Self::Hs256 => "HS256",
        }
    }

    /// Reads an `alg`, case and all. `None`: one that we do not know, `none` among them.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "RS256" => Some(Self::Rs256),
            "RS384" => Some(Self::Rs384),
            "RS512" => Some(Self::Rs512),
            "PS256" => Some(Self::Ps256),
            "PS384" => Some(Self::Ps384),
            "PS512" => Some(Self::Ps512),
            "ES256" => Some(Self::Es256),
            "ES384" => Some(Self::Es384),
            "ES512" => Some(Self::Es512),
            "EdDSA" => Some(Self::EdDsa),
            "Ed25519" => Some(Self::Ed25519),
            "HS256" => Some(Self::Hs256),
            _ => None,
        }
    }

    /// Whether both sides hold the same secret.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Algorithm> for &'static str {
    fn from(algorithm: Algorithm) -> Self {
        algorithm.as_str()
    }
}

impl TryFrom<String> for Algorithm {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or(
            "the algorithm is not one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, \
             Ed25519, HS256",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// THREATS JO-01: no spelling of `none` is an algorithm.
    #[test]
    fn a_name_is_read_as_it_is_written_and_none_is_no_algorithm() {
        for algorithm in Algorithm::THEIRS.iter().chain(&[Algorithm::Hs256]) {
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
        assert!(Algorithm::OURS.iter().all(|ours| Algorithm::THEIRS.contains(ours)));
    }
}
