//! Clients and APIs: their registration, and how a client authenticates.

pub mod authentication;
pub mod enrolment;
pub mod keys;
pub mod metadata;
pub mod redirect_uri;
pub mod registration;
pub mod resources;
pub mod uri;
