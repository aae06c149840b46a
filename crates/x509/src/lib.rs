//! Certificates as data ([RFC 5280]): contents, path validation, revocation. No I/O and no clock:
//! the caller passes bytes and the time.
//!
//! | module        | what is in it                                                                  |
//! |---------------|--------------------------------------------------------------------------------|
//! | `certificate` | a client certificate and what came with it                                     |
//! | `chain`       | from a certificate to a trust anchor (RFC 5280 §6)                              |
//! | `name`        | distinguished names, compared as RFC 5280 §7.1 says                            |
//! | `issuer`      | the issuer and serial number by which lists and responders name a certificate  |
//! | `description` | a certificate in words, for inventories                                        |
//! | `crl`         | certificate revocation lists                                                   |
//! | `ocsp`        | OCSP requests and responses, in both roles                                     |
//! | `link`        | what links a certificate to the lists and responders of its issuer             |
//! | `reason`      | reasons for a revocation                                                       |
//! | `request`     | certification requests (PKCS #10)                                              |
//! | `cms`         | certificates in a CMS message, as EST answers                                  |
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
