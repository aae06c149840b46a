//! Certificates: what they say, whom they prove, and how long that counts.

pub mod certificate;
pub mod issuer;
pub mod ocsp;
pub mod reason;

pub use certificate::Certificate;
pub use issuer::Issuer;
pub use reason::Reason;
