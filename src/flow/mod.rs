//! The rules of the protocol, one file per grant and per RFC.
//!
//! A rule takes a [`Call`] and the parameters of a request, and returns a result, a refusal or a failure. It contains
//! neither HTTP nor SQL.
//!
//! | module | rules |
//! |---|---|
//! | [`authorize`] | the authorization endpoint: the request, the user's decision, the response |
//! | [`grants`] | the token endpoint, by grant type; the end of grants |
//! | [`tokens`] | what tokens contain, how they are issued, accepted, introspected and revoked |
//! | [`clients`] | registration of clients and APIs; client authentication |
//! | [`keys`] | signing keys, the server's secrets, the key-encryption key |
//! | [`logout`], [`metadata`] | the logout endpoint; discovery |

pub mod authorize;
mod call;
pub mod clients;
pub mod grants;
pub mod keys;
pub mod logout;
pub mod metadata;
pub mod tokens;

pub use call::Call;
