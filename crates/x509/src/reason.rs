//! Why a certificate was revoked: [RFC 5280 §5.3.1].
//!
//! [RFC 5280 §5.3.1]: https://www.rfc-editor.org/rfc/rfc5280#section-5.3.1

use std::fmt;

use der::Enumerated;

/// `CRLReason`, with the numbers that CRLs and OCSP responses carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enumerated)]
#[asn1(type = "ENUMERATED")]
#[repr(u8)]
pub enum Reason {
    /// Nobody says.
    #[default]
    Unspecified = 0,
    /// Somebody else may have its private key.
    KeyCompromise = 1,
    /// The same, of the authority that issued it.
    CaCompromise = 2,
    /// What it says of its holder is true no more.
    AffiliationChanged = 3,
    /// Another one took its place.
    Superseded = 4,
    /// It is not needed any more.
    CessationOfOperation = 5,
    /// It does not count at present.
    CertificateHold = 6,
    /// It was on hold, and counts again: only in delta CRLs. (7 was never given away.)
    RemoveFromCrl = 8,
    /// What it allowed was taken away.
    PrivilegeWithdrawn = 9,
    /// The key of an attribute authority may be known.
    AaCompromise = 10,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::CertificateHold,
        Self::RemoveFromCrl,
        Self::PrivilegeWithdrawn,
        Self::AaCompromise,
    ];

    /// Its name in the ASN.1 of the RFC: what commands take, and what the inventory holds.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::RemoveFromCrl => "removeFromCRL",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        }
    }

    /// Why a certificate counts no more when one above it was revoked for this: its own key is as it was.
    #[must_use]
    pub const fn for_issued(self) -> Self {
        match self {
            Self::KeyCompromise | Self::CaCompromise | Self::AaCompromise => Self::CaCompromise,
            Self::Unspecified
            | Self::AffiliationChanged
            | Self::Superseded
            | Self::CessationOfOperation
            | Self::CertificateHold
            | Self::RemoveFromCrl
            | Self::PrivilegeWithdrawn => self,
        }
    }

    /// The reason of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
