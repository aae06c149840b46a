//! The declaration of the configuration: a struct for each table, with its keys and the checks that
//! concern several keys.
//!
//! A check that needs other tables takes them as arguments, so its signature says what depends on what.

mod authentication;
mod certificates;
mod clients;
mod database;
mod http;
mod keys;
mod notices;
mod pages;
mod tls;
mod tokens;

pub use authentication::{Passwords, Throttle};
pub use certificates::{Ca, Certificates, ClientCertificates};
pub use clients::{Clients, Dpop, Verify};
pub use database::Database;
pub use http::{Http, Operations};
pub use keys::Keys;
pub use notices::{Mail, Outbound, Webhooks};
pub use pages::{Brand, Log};
pub use tls::{Acme, Mtls, Tls};
pub use tokens::{Sessions, Tokens};

use crate::acme::Domain;
use crate::issuer::Issuer;
use crate::problem::Contradictions;
use crate::source::Reader;
use crate::table::root;

root! {
    /// The whole configuration. What [`Config::load`] returns is valid.
    Config {
        /// The issuer identifier (RFC 8414 §2): an https URL without query, fragment and trailing
        /// slash; http on loopback only. Clients know the server by it, and the URL of every
        /// endpoint begins with it. It never comes from a request.
        issuer: Issuer = Issuer::default(), such as "https://id.example.org",
            required "clients know the server by it";
    }

    http: Http,
    tls: Tls,
    mtls: Mtls,
    acme: Acme,
    operations: Operations,
    database: Database,
    keys: Keys,
    tokens: Tokens,
    sessions: Sessions,
    passwords: Passwords,
    throttle: Throttle,
    clients: Clients,
    verify: Verify,
    client_certificates: ClientCertificates,
    ca: Ca,
    dpop: Dpop,
    outbound: Outbound,
    certificates: Certificates,
    mail: Mail,
    webhooks: Webhooks,
    brand: Brand,
    log: Log,
}

impl Config {
    /// The defaults, for Rust programs. A configuration file must also name its database.
    pub fn with_defaults(issuer: Issuer) -> Self {
        Self {
            issuer,
            http: Http::default(),
            tls: Tls::default(),
            mtls: Mtls::default(),
            acme: Acme::default(),
            operations: Operations::default(),
            database: Database::default(),
            keys: Keys::default(),
            tokens: Tokens::default(),
            sessions: Sessions::default(),
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            clients: Clients::default(),
            verify: Verify::default(),
            client_certificates: ClientCertificates::default(),
            ca: Ca::default(),
            dpop: Dpop::default(),
            outbound: Outbound::default(),
            certificates: Certificates::default(),
            mail: Mail::default(),
            webhooks: Webhooks::default(),
            brand: Brand::default(),
            log: Log::default(),
        }
    }

    /// The values that contradict each other.
    pub(crate) fn contradictions(&self) -> Contradictions {
        let Self { issuer, http, tls, mtls, acme, tokens, outbound, .. } = self;
        let mut contradictions = Contradictions::default();
        http.check(tls, &mut contradictions);
        self.operations.check(http, &mut contradictions);
        tls.check(acme, &mut contradictions);
        mtls.check(issuer, http, tls, acme, &mut contradictions);
        acme.check(issuer, http, tls, mtls, &mut contradictions);
        tls::check_ports(http, tls, mtls, &self.operations, &mut contradictions);
        self.keys.check(tokens, &mut contradictions);
        tokens.check(&mut contradictions);
        self.sessions.check(&mut contradictions);
        self.throttle.check(&mut contradictions);
        self.verify.check(http, &mut contradictions);
        self.client_certificates.check(&mut contradictions);
        outbound.check(&mut contradictions);
        self.mail.check(&mut contradictions);
        self.webhooks.check(outbound, &mut contradictions);
        self.brand.check(&mut contradictions);
        contradictions
    }

    /// Whether client certificates reach a server of this configuration that listens for https
    /// itself, or does not. Where they do not, the metadata announces nothing that needs one.
    pub fn sees_client_certificates(&self, listens_for_https: bool) -> bool {
        tls::sees_client_certificates(&self.http, &self.mtls, listens_for_https)
    }

    /// Whether the host name at which client certificates are requested shares the port of the issuer.
    pub fn mtls_shares_a_port(&self) -> bool {
        self.mtls.shares_a_port(&self.tls)
    }

    /// The host names in the certificate from ACME, sorted.
    pub fn acme_domains(&self) -> Vec<Domain> {
        self.acme.effective_domains(&self.issuer, self.mtls.url.as_ref())
    }
}
