//! `gatewright.toml`: every key, its type and its default. Loading validates it.
//!
//! An unknown key is an error, because a misspelt security setting must not be ignored. Every value
//! can be overridden by an environment variable, every secret can come from a file, and all problems
//! are reported at once. Decision 0051 says why this is not a crate off the shelf.
//!
//! | module | content |
//! |---|---|
//! | `tables` | the declaration: every table with its keys, and the checks across keys |
//! | `table` | the macros that turn a declaration into a struct, a reader and documentation |
//! | `value` and the types beside it | what a value can be, how it is parsed and shown |
//! | `source`, `file`, `unknown`, `load` | environment, file, default; unknown keys; [`Config::load`] |
//! | `check` | configurations that are valid but insecure |
//! | `describe`, `show` | reference, example, JSON Schema; `config show` |

mod acme;
mod amount;
mod check;
mod describe;
mod file;
mod gateway_route;
mod issuer;
mod load;
mod mtls_url;
mod network;
mod notices;
mod problem;
mod secrets;
mod show;
mod source;
mod spelling;
mod table;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod trust_anchor_set;
mod unknown;
mod value;

use gatewright_base::types;

pub use self::types::colour::Colour;
pub use acme::{AcmeDirectory, Domain};
pub use amount::Bytes;
pub use describe::{example, reference, schema};
pub use gateway_route::GatewayRoute;
pub use issuer::Issuer;
pub use load::Loaded;
pub use mtls_url::MtlsUrl;
pub use network::Network;
pub use notices::{Mailbox, Password, Webhook, WebhookSecret};
pub use problem::{Origin, Problem, Problems};
pub use secrets::{DatabaseUrl, EncryptionKeys};
pub use source::environment;
pub use tables::{
    Acme, Brand, Ca, Certificates, ClientCertificates, Clients, Config, Database, Dpop, Http, Keys,
    Log, Mail, Mtls, Operations, Outbound, Passwords, Sessions, Throttle, Tls, Tokens, Verify,
    Webhooks,
};
pub use text::{
    AcmeChallenge, AssertionAudience, CertificateHeader, DpopNonce, Link, LogFilter, LogFormat,
    MailTls, NoticeKind, OriginalRequest, Pooler, ReadyCheck, Revocation,
};
pub use trust_anchor_set::TrustAnchorSet;
pub use value::{InvalidValue, RawValue, Value};
