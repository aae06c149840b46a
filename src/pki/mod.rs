//! Certificates: what they say, whom they prove, and how long that counts.

pub mod certificate;
pub mod description;
pub mod identity;
pub mod inventory;
pub mod issuer;
pub mod ocsp;
pub mod reason;
pub mod sightings;

pub use certificate::Certificate;
pub use identity::Identity;
pub use issuer::Issuer;
pub use reason::Reason;
