//! Certificates: what they say, whom they prove, and how long that counts.

pub mod acme;
pub mod anchors;
pub mod authority;
pub mod census;
pub mod certificate;
pub mod chain;
pub mod cms;
pub mod crl;
pub mod crl_file;
pub mod description;
pub mod expiry;
pub mod header;
pub mod identity;
pub mod inventory;
pub mod issue;
pub mod issuer;
pub mod link;
pub mod name;
pub mod ocsp;
pub mod pem;
mod publish;
pub mod reason;
pub mod request;
pub mod revocation;
pub mod sightings;
mod signature;
mod signer;
#[cfg(test)]
mod testing;

pub use certificate::Certificate;
pub use identity::Identity;
pub use issuer::Issuer;
pub use name::Name;
pub use reason::Reason;
