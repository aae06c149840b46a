//! `[keys]`.

use std::path::PathBuf;

use super::Tokens;
use crate::problem::Contradictions;
use crate::secrets::EncryptionKeys;
use crate::table::{optional, table};
use crate::types::{Algorithm, Seconds};

table! {
    /// Signing keys, and the key-encryption key that seals them.
    keys: Keys {
        /// The directory of local key material: the key-encryption key is generated there at the
        /// first start, unless `encryption_key` is set. It and the database together suffice to
        /// sign as this server.
        dir: PathBuf = PathBuf::from("keys");
        /// The key-encryption key, under which private keys are sealed in the database: 32 random
        /// bytes in base64. Several may be given, one a line: the first one seals, the others still
        /// open what they sealed. Not set, the key is a file in `dir`.
        encryption_key: Option<EncryptionKeys> = None,
            such as "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", or encryption_key_file;
        /// The signature algorithms that have a key. RS256 must be among them (OIDC Discovery §3).
        algorithms: Vec<Algorithm> = vec![
            Algorithm::Es256,
            Algorithm::Rs256,
            Algorithm::Ps256,
            Algorithm::Es384,
            Algorithm::EdDsa,
        ];
        /// How long a key signs before the next one replaces it.
        rotation: Seconds = Seconds::days(30), within Seconds::days(1), Seconds::days(365);
        /// How long verifiers may cache the JWKS and the discovery document. A new key is published
        /// for at least that long before it signs.
        jwks_max_age: Seconds = Seconds::minutes(15), within Seconds::minutes(1), Seconds::hours(12);
    }
}

impl Keys {
    pub(super) fn check(&self, tokens: &Tokens, contradictions: &mut Contradictions) {
        if !self.algorithms.contains(&Algorithm::Rs256) {
            let reason = "lacks RS256, which OIDC Discovery §3 requires";
            contradictions.add(&["keys.algorithms"], reason, "add \"RS256\"");
        }
        if !self.algorithms.contains(&tokens.access_token_alg) {
            contradictions.add(
                &["tokens.access_token_alg", "keys.algorithms"],
                "is not among keys.algorithms",
                "add it there, or choose one of those",
            );
        }
    }
}
