//! Certificates: parsing and validation, revocation, the built-in CA, and the inventory.

pub mod acme;
pub mod anchors;
pub mod ca;
pub mod census;
pub mod crl_file;
pub mod expiry;
pub mod identity;
pub mod inventory;
pub mod issue;
mod publish;
pub mod revocation;
pub mod sightings;
mod signer;

#[cfg(test)]
use gatewright_x509::testing;
pub use gatewright_x509::{
    Certificate, Issuer, Name, Reason, chain, cms, crl, description, header, link, name, ocsp, pem,
    reason, request,
};
pub use identity::Identity;
