//! Certificates: what they say, whom they prove, and how long that counts.

pub mod anchors;
pub mod certificate;
pub mod chain;
pub mod description;
pub mod header;
pub mod identity;
pub mod inventory;
pub mod issuer;
pub mod name;
pub mod ocsp;
pub mod reason;
pub mod sightings;

pub use certificate::Certificate;
pub use identity::Identity;
pub use issuer::Issuer;
pub use name::Name;
pub use reason::Reason;
