//! Bindings of tokens: the `cnf` claim of [RFC 7800 §3.1], with the members of [RFC 8705 §3.1] and
//! [RFC 9449 §6.1].
//!
//! [RFC 7800 §3.1]: https://www.rfc-editor.org/rfc/rfc7800#section-3.1
//! [RFC 8705 §3.1]: https://www.rfc-editor.org/rfc/rfc8705#section-3.1
//! [RFC 9449 §6.1]: https://www.rfc-editor.org/rfc/rfc9449#section-6.1

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::Digest;

/// SHA-256 of a certificate or public key. On the wire and in the database it is base64url without
/// padding.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Thumbprint(pub [u8; 32]);

impl Thumbprint {
    /// SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Digest::of(bytes).0)
    }

    /// Parses the form on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

impl From<Thumbprint> for String {
    fn from(thumbprint: Thumbprint) -> Self {
        thumbprint.to_string()
    }
}

impl TryFrom<String> for Thumbprint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a thumbprint is 32 bytes in base64url without padding")
    }
}

/// What the sender of an access token must prove possession of: each member that is present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// `x5t#S256`: the certificate of the TLS connection.
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Thumbprint>,
    /// `jkt`: the key of a DPoP proof.
    #[serde(rename = "jkt", default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Thumbprint>,
}

impl Confirmation {
    /// Whether the token is not bound (RFC 6750).
    pub const fn is_bearer(&self) -> bool {
        self.certificate.is_none() && self.key.is_none()
    }

    /// How the token is presented: RFC 9449 §5. A certificate-bound token is of the type `Bearer` (RFC 8705 §3).
    pub const fn scheme(&self) -> Scheme {
        if self.key.is_some() { Scheme::Dpop } else { Scheme::Bearer }
    }

    /// `token_type`.
    pub const fn token_type(&self) -> &'static str {
        self.scheme().as_str()
    }
}

/// How an access token is presented. Its name is the `token_type` of the token response, the scheme of the
/// `Authorization` header and the scheme of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 6750 §2.1.
    Bearer,
    /// RFC 9449 §7.1.
    Dpop,
}

impl Scheme {
    const ALL: [Self; 2] = [Self::Bearer, Self::Dpop];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }

    /// Parses the value of an `Authorization` header: the scheme, case-insensitively (RFC 9110
    /// §11.1), and the token. `None`: another form or another scheme.
    pub fn of_authorization(value: &str) -> Option<(Self, &str)> {
        let (name, token) = value.split_once(' ')?;
        let scheme = Self::ALL.into_iter().find(|one| one.as_str().eq_ignore_ascii_case(name))?;
        Some((scheme, token.trim_matches(' ')))
    }
}

/// The binding of a public client's refresh tokens. Those of a confidential client are bound to the
/// client by its authentication (RFC 8705 §4, RFC 9449 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bonds {
    /// The public key of the certificate, so a renewal for the same key keeps the grant.
    pub public_key: Option<Thumbprint>,
    /// The key of the DPoP proofs.
    pub proof_key: Option<Thumbprint>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8705 §3.1, RFC 9449 §6.1.
    #[test]
    fn the_members_are_those_of_the_rfcs() {
        let one = Thumbprint::of(b"one");
        let both = Confirmation { certificate: Some(one), key: Some(one) };
        let text = serde_json::to_string(&both).unwrap();
        assert_eq!(text, format!(r##"{{"x5t#S256":"{one}","jkt":"{one}"}}"##));
        assert_eq!(serde_json::from_str::<Confirmation>(&text).unwrap(), both);
        assert_eq!(serde_json::to_string(&Confirmation::default()).unwrap(), "{}");
        assert!(Thumbprint::parse("AAAA").is_none() && Thumbprint::parse("=").is_none());
    }
}
