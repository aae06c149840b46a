//! Certificates as data ([RFC 5280]): contents, path validation, revocation. No I/O and no clock:
//! the caller passes bytes and the time.
//!
//! | module        | contents                                                                       |
//! |---------------|--------------------------------------------------------------------------------|
//! | `certificate` | a client certificate and the chain that accompanies it                         |
//! | `chain`       | from a certificate to a trust anchor (RFC 5280 §6)                              |
//! | `name`        | distinguished names, compared by RFC 5280 §7.1                                 |
//! | `issuer`      | a CA: its name, and the key that verifies its signatures                       |
//! | `description` | a certificate as text, for inventories                                         |
//! | `crl`         | certificate revocation lists                                                   |
//! | `ocsp`        | OCSP requests and responses, in both roles                                     |
//! | `link`        | a certificate of a chain, its issuer, and the sources of its revocation status |
//! | `reason`      | reasons for a revocation                                                       |
//! | `request`     | certification requests (PKCS #10)                                              |
//! | `cms`         | certificates in a CMS message, the response of EST                             |
//! | `pem`         | writing PEM                                                                    |
//! | `header`      | client certificates in the header fields of proxies                            |
//!
//! [RFC 5280]: https://www.rfc-editor.org/rfc/rfc5280

use gatewright_base::types;

pub mod certificate;
pub mod chain;
pub mod cms;
pub mod crl;
pub mod description;
pub mod header;
pub mod issuer;
pub mod link;
pub mod name;
pub mod ocsp;
pub mod pem;
pub mod reason;
pub mod request;
mod signature;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use certificate::Certificate;
pub use issuer::Issuer;
pub use name::Name;
pub use reason::Reason;
