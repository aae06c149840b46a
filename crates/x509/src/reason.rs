//! Reasons for a revocation: [RFC 5280 §5.3.1].
//!
//! [RFC 5280 §5.3.1]: https://www.rfc-editor.org/rfc/rfc5280#section-5.3.1

use der::Enumerated;
use gatewright_base::wire_enum;

wire_enum! {
    /// `CRLReason`, with the numbers of CRLs and OCSP responses, and the names of the ASN.1, which
    /// commands accept and the inventory stores.
    #[derive(Default, Enumerated)]
    #[asn1(type = "ENUMERATED")]
    #[repr(u8)]
    pub enum Reason {
        /// No reason is stated.
        #[default]
        Unspecified = "unspecified" as 0,
        /// The private key is known or suspected to be compromised.
        KeyCompromise = "keyCompromise" as 1,
        /// The private key of the issuing CA is known or suspected to be compromised.
        CaCompromise = "cACompromise" as 2,
        /// The subject's name or other information in the certificate has changed.
        AffiliationChanged = "affiliationChanged" as 3,
        /// Another certificate replaces it.
        Superseded = "superseded" as 4,
        /// The certificate is no longer needed.
        CessationOfOperation = "cessationOfOperation" as 5,
        /// The certificate is on hold: temporarily not valid.
        CertificateHold = "certificateHold" as 6,
        /// The certificate was on hold and is valid again; only in delta CRLs. (7 is unassigned.)
        RemoveFromCrl = "removeFromCRL" as 8,
        /// A privilege that the certificate grants was withdrawn.
        PrivilegeWithdrawn = "privilegeWithdrawn" as 9,
        /// The key of an attribute authority is known or suspected to be compromised.
        AaCompromise = "aACompromise" as 10,
    }
}

impl Reason {
    /// The reason for certificates that were issued by a certificate revoked for this reason. Their
    /// own keys are not compromised.
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
}
