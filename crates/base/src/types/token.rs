//! Opaque secrets: a prefix, 256 bits, a checksum.
//!
//! Secret scanners find leaked ones by the prefix, and the checksum rejects garbage without a
//! query. Each kind is a type of its own, so one is not accepted as another (THREATS CO-06).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::secret::{Digest, Secret};

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident $prefix:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name(pub Secret);

        impl $name {
            /// Prefix of this kind.
            pub const PREFIX: &str = $prefix;

            /// Generates one, with 256 bits.
            pub fn generate() -> Self {
                Self(seal(Self::PREFIX, Secret::generate().expose()))
            }

            /// Parses a presented one. `None`: its prefix or checksum is wrong.
            pub fn parse(text: &str) -> Option<Self> {
                unseal(Self::PREFIX, text).map(|_| Self(Secret::new(text)))
            }

            /// Its digest, which the store keeps.
            pub fn digest(&self) -> Digest {
                self.0.digest()
            }
        }
    )*};
}

kinds! {
    /// An authorization code (RFC 6749 §1.3.1).
    AuthorizationCode "gw_code_";
    /// An opaque access token (RFC 6749 §1.4).
    OpaqueAccessToken "gw_at_";
    /// A generated client secret (RFC 6749 §2.3.1).
    ClientSecret "gw_cs_";
    /// The secret in the session cookie.
    SessionSecret "gw_ss_";
    /// The secret in the device cookie, by which an account recognizes a browser.
    DeviceSecret "gw_dc_";
    /// A single-use token with which a client enrols for a certificate.
    EnrolmentToken "gw_en_";
    /// The secret in a one-time link: an invitation, a recovery.
    LinkSecret "gw_ln_";
    /// An authorization request that waits for the user, sealed.
    SealedRequest "gw_rq_";
}

impl AuthorizationCode {
    /// The code with these 256 bits: a MAC, so that it can be computed again.
    pub fn from_mac(mac: &[u8; 32]) -> Self {
        Self(seal(Self::PREFIX, &URL_SAFE_NO_PAD.encode(mac)))
    }
}

impl SealedRequest {
    /// Encodes a sealed request.
    pub fn from_sealed(sealed: &[u8]) -> Self {
        Self(seal(Self::PREFIX, &URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// The sealed bytes.
    pub fn sealed(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(unseal(Self::PREFIX, self.0.expose())?).ok()
    }
}

/// Prefix of a refresh token (RFC 6749 §1.5), which is not a random secret but a MAC (`jose::mac`).
pub const REFRESH_PREFIX: &str = "gw_rt_";

/// Whether a text may contain one of our secrets or a JWT (whose header begins with `{"`). Checked
/// before a client's input is logged.
pub fn may_contain_secret(text: &str) -> bool {
    const MARKS: [&str; 10] = [
        REFRESH_PREFIX,
        "eyJ",
        AuthorizationCode::PREFIX,
        OpaqueAccessToken::PREFIX,
        ClientSecret::PREFIX,
        SessionSecret::PREFIX,
        DeviceSecret::PREFIX,
        EnrolmentToken::PREFIX,
        LinkSecret::PREFIX,
        SealedRequest::PREFIX,
    ];
    MARKS.iter().any(|mark| text.contains(mark))
}

/// Adds prefix and checksum to `body`.
pub fn seal(prefix: &str, body: &str) -> Secret {
    let sum = crc32fast::hash(format!("{prefix}{body}").as_bytes());
    Secret::new(format!("{prefix}{body}{}", URL_SAFE_NO_PAD.encode(sum.to_be_bytes())))
}

/// Removes prefix and checksum, if they are correct.
pub fn unseal<'a>(prefix: &str, text: &'a str) -> Option<&'a str> {
    const SUM: usize = 6;
    let end = text.len().checked_sub(SUM)?;
    let (sealed, sum) = text.split_at_checked(end)?;
    let body = sealed.strip_prefix(prefix)?;
    let right = URL_SAFE_NO_PAD.encode(crc32fast::hash(sealed.as_bytes()).to_be_bytes());
    (right == sum && !body.is_empty()).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// THREATS CO-11, JO-24: no truncation, no change of case or of any other byte passes.
    #[test]
    fn the_checksum_detects_every_changed_byte() {
        let code = AuthorizationCode::generate();
        let text = code.0.expose();

        assert!(AuthorizationCode::parse(text).is_some());
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = if *byte == b'A' { b'B' } else { b'A' };
            }
            let changed = String::from_utf8(bytes).unwrap_or_default();
            assert!(AuthorizationCode::parse(&changed).is_none(), "byte {at}");
            assert!(AuthorizationCode::parse(&text[..at]).is_none(), "cut at {at}");
        }
        assert!(AuthorizationCode::parse(&format!("{text} ")).is_none());
        assert!(OpaqueAccessToken::parse(text).is_none(), "one kind is not accepted as another");
    }
}
