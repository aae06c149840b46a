//! The rules of the RFCs: one file per grant and per document.

pub mod client_metadata;
pub mod redirect_uri;
pub mod resources;
mod uri;
