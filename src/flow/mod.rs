//! The rules of the RFCs: one file per grant and per document.

pub mod redirect_uri;
