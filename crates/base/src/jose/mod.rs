//! Signatures, sealing, keys as JWK. Independent of tokens and clients.
//!
//! | file        | document                                   | contents                               |
//! |-------------|--------------------------------------------|----------------------------------------|
//! | `base64url` | RFC 7515 §2                                | the strict encoding                    |
//! | `jwk`       | RFC 7517, RFC 7518 §6, RFC 7638, RFC 8037  | public keys of clients and issuers     |
//! | `jws`       | RFC 7515, RFC 8725                         | verification of signatures             |
//! | `claims`    | RFC 7519 §4.1                              | the registered claims, strictly typed  |
//! | `sign`      | RFC 7515, RFC 7518 §3                      | our signing keys, and signatures       |
//! | `seal`      | NIST SP 800-38D                            | encryption of stored values            |
//! | `mac`       | RFC 2104                                   | message authentication codes           |
//!
//! Every private operation, RSA among them, runs in aws-lc (THREATS JO-14).

pub mod base64url;
pub mod claims;
pub mod jwk;
pub mod jws;
pub mod mac;
pub mod seal;
pub mod sign;

pub use claims::Claims;
pub use jwk::{Jwks, PublicKey};
pub use jws::{Jws, Keys, Typ, Verified, verify};
pub use mac::Mac;
pub use seal::Kek;
pub use sign::SigningKey;
