//! Keys and secrets of the server, sealed.

pub mod server_secrets;
pub mod signing_keys;
