//! Certificates: what they say, whom they prove, and how long that counts.

pub mod certificate;

pub use certificate::Certificate;
