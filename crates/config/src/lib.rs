//! `gatewright.toml`: every key, its type and its default. Loading is the validation.
//!
//! An unknown key is an error: a misspelt security setting must not be silence. Every value can be
//! overridden by an environment variable, every secret can come from a file, and all problems are
//! told at once.

mod acme;
mod alias;
mod amount;
mod anchor;
mod check;
mod describe;
mod file;
mod https;
mod issuer;
mod network;
mod notices;
mod problem;
mod protected;
mod secrets;
mod show;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod unknown;
mod value;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use gatewright_base::types;

use self::types::{Algorithm, Seconds};
use table::{given, settings};

pub use self::types::colour::Colour;
pub use acme::{AcmeDirectory, Domain};
pub use alias::Alias;
pub use amount::Bytes;
pub use anchor::Anchor;
pub use describe::{example, reference, schema};
pub use issuer::Issuer;
pub use network::Network;
pub use notices::{Mailbox, Password, Webhook, WebhookSecret};
pub use problem::{Origin, Problem, Problems};
pub use protected::Protected;
pub use secrets::{DatabaseUrl, EncryptionKeys};
pub use source::environment;
pub use text::{
    AcmeChallenge, AssertionAudience, CertificateHeader, DpopNonce, Filter, Link, LogFormat,
    MailTls, NoticeKind, OriginalRequest, Pooler, Ready, Revocation,
};
pub use value::{Raw, Value, Wrong};

settings! {
    /// The whole configuration. What [`Config::load`] returns is valid.
    Config {
        /// The issuer identifier (RFC 8414 §2): an https URL without query, fragment and trailing
        /// slash; http on loopback only. Clients know the server by it, and the URL of every
        /// endpoint begins with it. It never comes from a request.
        issuer: Issuer = Issuer::default(), such as "https://id.example.org",
            required "clients know the server by it";
    }

    /// The listener for browsers and clients.
    http: Http {
        /// Addresses and ports for plain http: one, or several. They are for this machine, or for a
        /// proxy that ends TLS. The list may be empty where `tls.listen` is set.
        listen: Vec<SocketAddr> = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))];
        /// The proxies in front of this server. Their `X-Forwarded-For` names the address of the
        /// client, which throttling and the audit trail need. From any other address the header is
        /// ignored.
        trusted_proxies: Vec<Network> = Vec::new();
        /// The header in which a proxy that ends TLS passes on the client's certificate. It is
        /// accepted only from `trusted_proxies`, which must remove these headers from what clients
        /// send: `rfc9440`, `Client-Cert` and `Client-Cert-Chain`; `nginx`, `X-SSL-Client-Cert`
        /// with `$ssl_client_escaped_cert`; `envoy`, `X-Forwarded-Client-Cert`; `haproxy`,
        /// `X-SSL-Client-DER` and `X-SSL-Client-Chain-DER` in base64. `none`: every such header is
        /// ignored.
        client_certificate_header: CertificateHeader = CertificateHeader::None;
        /// How long a client may take for the TLS handshake, and to send the header of a request.
        header_timeout: Seconds = Seconds(10), within Seconds(1), Seconds::minutes(5);
        /// How long an idle connection is kept open for the next request. It should be longer than
        /// the keep-alive time of the proxy or load balancer in front of this server: `"75s"` for
        /// the 60 seconds of nginx and of most load balancers, `"620s"` for those that use 600.
        keep_alive: Seconds = Seconds(75), within Seconds(1), Seconds::hours(1);
        /// How long a whole request may take, the response included. A response that the client
        /// does not read is aborted after the same time without progress.
        request_timeout: Seconds = Seconds(30), within Seconds(1), Seconds::minutes(10);
        /// How long a shutdown waits for requests in progress.
        shutdown_timeout: Seconds = Seconds(30), within Seconds(0), Seconds::minutes(10);
        /// How long a shutdown keeps idle connections open, at most half of `shutdown_timeout`:
        /// requests that still arrive on them are served, with `Connection: close`.
        shutdown_grace: Seconds = Seconds(2), within Seconds(0), Seconds::minutes(5);
        /// The largest body of a request.
        max_body: Bytes = Bytes::kib(64), within Bytes::kib(16), Bytes::mib(16);
        /// How many connections may be open at once at each listener; more wait in the queue of the
        /// operating system.
        max_connections: usize = 10_000, within 1, 1_000_000;
        /// How many of them one address may have (of IPv6, one /64), at most half of
        /// `max_connections`; more are closed. Connections of `trusted_proxies` are not limited.
        max_connections_per_address: usize = 1000, within 1, 1_000_000;
        /// Whether `Strict-Transport-Security` covers every subdomain of the issuer's host too:
        /// only where all of them are served over https (RFC 6797 §6.1.2).
        hsts_include_subdomains: bool = false;
        /// How many threads serve requests; 0 means one for each core.
        threads: usize = 0, within 0, 1024;
    }

    /// HTTPS, where this server ends TLS itself, without a proxy: TLS 1.3 and 1.2, forward secrecy
    /// only.
    tls: Tls {
        /// Addresses and ports for https: one, or several.
        listen: Vec<SocketAddr> = Vec::new();
        /// The certificate of the issuer's host, followed by its intermediate certificates, as PEM.
        certificate_file: Option<PathBuf> = None, such as "/etc/gatewright/tls/fullchain.pem";
        /// The private key of the certificate, as PEM, readable only by the server. Both files are
        /// read again when they change, and on SIGHUP.
        key_file: Option<PathBuf> = None, such as "/etc/gatewright/tls/privkey.pem";
        /// An OCSP response for the certificate (DER), stapled in the handshake. It is read again
        /// when it changes, and left out when it is not good or no longer current. Not set, the
        /// response is fetched from the OCSP responder that the certificate names, if it names one.
        ocsp_file: Option<PathBuf> = None, such as "/etc/gatewright/tls/ocsp.der";
        /// Addresses and ports, mostly port 80, where plain http is redirected to https for
        /// browsers and refused for clients. ACME's http-01 challenge is answered there too.
        redirect_listen: Vec<SocketAddr> = Vec::new();
    }

    /// The host name at which client certificates are requested (RFC 8705). It serves the endpoints
    /// of clients and no pages, so that a browser never asks a user for a certificate.
    mtls: Mtls {
        /// Its URL: the metadata names it for the endpoints that accept a certificate
        /// (`mtls_endpoint_aliases`, RFC 8705 §5). Not set, this server requests no client
        /// certificates. It receives them by `mtls.listen` or `tls.listen`, or from a proxy that
        /// passes them on (`http.client_certificate_header`).
        url: Option<Alias> = None, such as "https://mtls.id.example.org";
        /// Addresses and ports for it. Not set, it shares `tls.listen` and is recognised by the
        /// host name in the TLS handshake (SNI), which must then be another one than the issuer's.
        listen: Vec<SocketAddr> = Vec::new();
        /// Its certificate, in the form of `tls.certificate_file`. Not set, that one serves both
        /// host names.
        certificate_file: Option<PathBuf> = None, such as "/etc/gatewright/mtls/fullchain.pem";
        /// The private key of its certificate.
        key_file: Option<PathBuf> = None, such as "/etc/gatewright/mtls/privkey.pem";
        /// An OCSP response for its certificate (DER), as for `tls.ocsp_file`.
        ocsp_file: Option<PathBuf> = None, such as "/etc/gatewright/mtls/ocsp.der";
    }

    /// The certificate of `[tls]` from a certification authority that speaks ACME (RFC 8555),
    /// instead of files. It is stored in the database, its private key sealed; one replica orders
    /// and renews it, all of them use it.
    acme: Acme {
        /// The directory URL of the certification authority (RFC 8555 §7.1.1). Not set,
        /// certificates are files.
        directory: Option<AcmeDirectory> = None,
            such as "https://acme-v02.api.letsencrypt.org/directory";
        /// Whether you agree to the terms of service of the certification authority, as it requires
        /// (RFC 8555 §7.3).
        terms_agreed: bool = false;
        /// Addresses at which the certification authority reaches you, as `mailto:` URLs.
        contacts: Vec<Link> = Vec::new();
        /// The host names in the certificate. Empty: the hosts of the issuer and of `mtls.url`.
        domains: Vec<Domain> = Vec::new();
        /// The challenge that validates the host names: `tls-alpn-01`, on port 443 of each (RFC
        /// 8737), or `http-01`, on port 80 of each (RFC 8555 §8.3): by `tls.redirect_listen`, or by
        /// a proxy in front of `http.listen`.
        challenge: AcmeChallenge = AcmeChallenge::TlsAlpn01;
    }

    /// The listener for operators: metrics and health checks. It reports on all clients and users
    /// and is unauthenticated; bind it to an internal address.
    operations: Operations {
        /// Its address and port. Not set, there is no such listener.
        listen: Option<SocketAddr> = None, such as "127.0.0.1:9090";
        /// When `/readyz` is 200: `reads`, while this process works and the database responds;
        /// `writes`, while the database accepts writes too, as `/readyz?writes` checks in any case.
        /// With `writes`, a read-only database takes every replica out of the load balancer, and
        /// with them what needs no write: the JWKS, client credentials, introspection.
        ready: Ready = Ready::Reads;
    }

    /// The database.
    database: Database {
        /// `sqlite:` and a path, or the URL of a PostgreSQL 14 or newer. It may contain a password,
        /// so it is never printed.
        url: DatabaseUrl = DatabaseUrl::default(), required "it names the database",
            or url_file;
        /// The largest number of open connections.
        max_connections: u32 = 16, within 1, 1000;
        /// A connection pooler in front of PostgreSQL: `none`, also for a pooler in session mode;
        /// or `transaction`, a pooler in transaction mode such as PgBouncer. Behind the latter no
        /// statement is prepared by name and no session parameter is set, so the time limit of a
        /// statement must be set for the role: `ALTER ROLE gatewright SET statement_timeout =
        /// '2s'`.
        pooler: Pooler = Pooler::None;
        /// How long a request waits for a connection, or for the lock of an SQLite file, before the
        /// response is 503.
        acquire_timeout: Seconds = Seconds(1), within Seconds(1), Seconds::minutes(1);
        /// How long one statement may take on PostgreSQL. A connection that has not responded half
        /// a second later is closed.
        statement_timeout: Seconds = Seconds(2), within Seconds(1), Seconds::minutes(1);
    }

    /// Signing keys, and the key-encryption key that seals them.
    keys: Keys {
        /// The directory of local key material: the key-encryption key is generated there at the
        /// first start, unless `encryption_key` is set. It and the database together suffice to
        /// sign as this server.
        dir: PathBuf = PathBuf::from("keys");
        /// The key-encryption key, under which private keys are sealed in the database: 32 random
        /// bytes in base64. Several may be given, one a line: the first one seals, the others still
        /// open what they sealed. Not set, the key is a file in `dir`.
        encryption_key: Option<EncryptionKeys> = None,
            such as "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", or encryption_key_file;
        /// The signature algorithms that have a key. RS256 must be among them (OIDC Discovery §3).
        algorithms: Vec<Algorithm> = vec![
            Algorithm::Es256,
            Algorithm::Rs256,
            Algorithm::Ps256,
            Algorithm::Es384,
            Algorithm::EdDsa,
        ];
        /// How long a key signs before the next one replaces it.
        rotation: Seconds = Seconds::days(30), within Seconds::days(1), Seconds::days(365);
        /// How long verifiers may cache the JWKS and the discovery document. A new key is published
        /// for at least that long before it signs.
        jwks_max_age: Seconds = Seconds::minutes(15), within Seconds::minutes(1), Seconds::hours(12);
    }

    /// The lifetimes of tokens, codes and requests.
    tokens: Tokens {
        /// Access tokens. A resource server that does not use introspection accepts them until they
        /// expire, even when they are revoked.
        access_token_lifetime: Seconds = Seconds::minutes(5), within Seconds(10), Seconds::days(1);
        /// The signature algorithm of access tokens.
        access_token_alg: Algorithm = Algorithm::Es256;
        /// ID tokens.
        id_token_lifetime: Seconds = Seconds::minutes(5), within Seconds(10), Seconds::days(1);
        /// Authorization codes. RFC 6749 §4.1.2 recommends ten minutes at most.
        code_lifetime: Seconds = Seconds(60), within Seconds(5), Seconds::minutes(10);
        /// Authorization requests that wait for a user's decision on a page.
        request_lifetime: Seconds = Seconds::minutes(10), within Seconds::minutes(1), Seconds::hours(1);
        /// Refresh tokens that are not used.
        refresh_idle: Seconds = Seconds::days(14), within Seconds::minutes(1), Seconds::days(400);
        /// Refresh tokens, however often they are used.
        refresh_absolute: Seconds = Seconds::days(90), within Seconds::minutes(1), Seconds::days(3650);
        /// The grace period: how long after a refresh the same request receives the same response
        /// again, so that a lost response does not end the user's session.
        refresh_grace: Seconds = Seconds(10), within Seconds(0), Seconds(60);
    }

    /// The lifetimes of sessions in browsers.
    sessions: Sessions {
        /// Without activity.
        idle: Seconds = Seconds::minutes(30), within Seconds::minutes(1), Seconds::days(30);
        /// Regardless of activity.
        absolute: Seconds = Seconds::hours(12), within Seconds::minutes(5), Seconds::days(90);
        /// Without activity, where the user chose to stay signed in.
        remember_idle: Seconds = Seconds::days(14), within Seconds::minutes(5), Seconds::days(365);
        /// Regardless of activity, where the user chose to stay signed in.
        remember_absolute: Seconds = Seconds::days(30), within Seconds::minutes(5), Seconds::days(365);
    }

    /// The rules for passwords, and the cost of hashing them.
    passwords: Passwords {
        /// The minimum length of a new password, in characters. NIST SP 800-63B-4 §3.1.1.2 requires
        /// 15 where a password is the only factor.
        min_length: usize = 15, within 8, 64;
        /// The maximum length of a password, in bytes; a longer one is refused, never truncated. 64
        /// characters always fit.
        max_bytes: usize = 1024, within 256, 4096;
        /// The memory of one argon2id hash, in KiB.
        memory_kib: u32 = 19_456, within 8192, 1_048_576;
        /// The passes of one argon2id hash.
        iterations: u32 = 2, within 1, 100;
        /// The lanes of one argon2id hash.
        parallelism: u32 = 1, within 1, 16;
        /// How many passwords are hashed at once. Each takes a core and `memory_kib`: the limit
        /// keeps a burst of sign-ins from slowing down token requests. One for each core, and no
        /// more than four, is enough.
        hashing_slots: usize = 1, within 1, 64;
        /// How many sign-ins may wait for a slot. Networks take turns. When the queue is full, the
        /// network with the most waiting sign-ins gives up one for a network with fewer; the rest
        /// receive 503.
        queue: usize = 200, within 1, 100_000;
    }

    /// Limits for failed sign-ins.
    throttle: Throttle {
        /// Failures with one user name, and at one account, from one network within `window`; after
        /// that, passwords from there are no longer compared. A network is an IPv4 address or an
        /// IPv6 /64; the limit is twice as high for a /56, four times as high for a /48.
        account_attempts: u32 = 10, within 1, 1000;
        /// Failures from one network within `window`, for all accounts together.
        network_attempts: u32 = 100, within 1, 100_000;
        /// Consecutive failures at one account, from all networks together. After that, browsers
        /// that have not signed in to it before have one attempt a minute from their network, and
        /// sixty an hour in all; `gatewright user unlock` lifts that. NIST SP 800-63B-4 §3.2.2
        /// allows no more than 100.
        consecutive_failures: u32 = 100, within 10, 100;
        /// How long a failure is counted, except consecutive ones.
        window: Seconds = Seconds::minutes(10), within Seconds::minutes(1), Seconds::days(1);
    }

    /// Defaults for clients.
    clients: Clients {
        /// The `aud` values accepted in a client assertion: `issuer`, only the issuer, as a single
        /// string; or `endpoints`, also the token endpoint or the endpoint called. The metadata
        /// `gw_assertion_audience` of a client overrides it.
        assertion_audience: AssertionAudience = AssertionAudience::Issuer;
    }

    /// Verification of tokens for API gateways (docs/gateways.md).
    verify: Verify {
        /// The APIs behind gateways. Each has a `name`, for the gateway calls `/verify/NAME`; the
        /// `audience` that tokens must be issued for, and the `scope` that they must have: both
        /// come from here, never from a request. For DPoP-bound tokens: `origin`, scheme and host
        /// at which clients call the API; and `original`, how the gateway passes on the client's
        /// request: `x-original`, in `X-Original-Method` and `X-Original-URI` (nginx with the
        /// configuration of docs/gateways.md); `x-forwarded`, in `X-Forwarded-Method` and
        /// `X-Forwarded-Uri` (Traefik, Caddy); `path`, by the method of its own call and the path
        /// after `/verify/NAME` (Envoy, Istio). The gateway must not let a client set any of these.
        /// Only `http.trusted_proxies` may call it.
        routes: Vec<Protected> = Vec::new();
    }

    /// The trust anchors for client certificates of `tls_client_auth` (RFC 8705 §2.1).
    client_certificates: ClientCertificates {
        /// The certification authorities (CA) that issue client certificates. Each has a `name`,
        /// for the log and the audit trail; a `file` with the CA certificates (PEM, DER or base64),
        /// which is read again when it changes; `revocation`: `off`, `soft-fail` (the default) or
        /// `hard-fail`, that is, whether a certificate is accepted whose revocation status is
        /// unknown; and `crl_files`, certificate revocation lists (PEM, DER or base64) that another
        /// program keeps up to date there, read before anything is fetched: one that cannot be read
        /// is an error, never treated as absent. A CA can authenticate as any client that is
        /// registered by a name which that CA certifies. The built-in CA (`gatewright ca`) is
        /// always a trust anchor, as `gatewright`.
        anchors: Vec<Anchor> = Vec::new();
        /// How long the revocation status from an OCSP responder or a CRL is cached at most; its
        /// own `nextUpdate` may be earlier. It is renewed in the background before that.
        revocation_max_age: Seconds = Seconds::hours(1), within Seconds::minutes(1), Seconds::days(7);
        /// How many certificates may accompany a client's own, in any order; a request with more is
        /// refused before they are parsed. At most eight signatures are verified for all of them.
        max_intermediates: usize = 4, within 0, 6;
        /// The largest CRL that is read.
        max_crl_bytes: Bytes = Bytes(10 << 20), within Bytes(64 << 10), Bytes(128 << 20);
    }

    /// The built-in CA for client certificates: `gatewright ca init` creates it.
    ca: Ca {
        /// Its name: the common name of the root certificate is this and `root CA`.
        name: String = "Gatewright".to_owned();
        /// The lifetime of a client certificate. A short lifetime limits the use of a stolen one;
        /// clients renew theirs automatically.
        lifetime: Seconds = Seconds::hours(24), within Seconds::minutes(5), Seconds::days(397);
        /// The lifetime of a certificate revocation list (CRL). A new one is published immediately
        /// after a revocation, and after half of this time; verifiers may use the old one until it
        /// expires.
        crl_lifetime: Seconds = Seconds::hours(24), within Seconds::minutes(10), Seconds::days(30);
    }

    /// DPoP: proofs of possession of a key, to which clients have their tokens bound (RFC 9449).
    dpop: Dpop {
        /// Whether a proof must carry a nonce of this server, a new one each minute: `off` or
        /// `required`. It prevents an attacker with temporary use of a client's key from making
        /// proofs in advance, and costs a client one more request whenever its nonce is too old.
        nonce: DpopNonce = DpopNonce::Off;
    }

    /// Requests of this server: to `jwks_uri`, `sector_identifier_uri`, logos, CRLs, OCSP
    /// responders.
    outbound: Outbound {
        /// Whether private and loopback addresses may be fetched from: for development, tests and
        /// intranets. Registering a client then makes this server call any address that it can
        /// reach (SSRF).
        allow_private_networks: bool = false;
        /// Files with CA certificates (PEM) to trust, in addition to those of the system.
        ca_files: Vec<PathBuf> = Vec::new();
        /// How long a fetch may take.
        timeout: Seconds = Seconds(5), within Seconds(1), Seconds::minutes(1);
        /// The largest response that is read.
        max_bytes: Bytes = Bytes::mib(1), within Bytes::kib(16), Bytes::mib(16);
    }

    /// Warnings about certificates that are about to expire.
    certificates: Certificates {
        /// How long before the expiry of a certificate a warning is sent: at each of these. Values
        /// longer than a third of a certificate's lifetime are ignored for it; where none remains,
        /// one warning is sent when a quarter of the lifetime is left.
        warn_before: Vec<Seconds> = [60, 30, 14, 7, 1].map(Seconds::days).into();
        /// Recipients of mails about the server's own certificates, about the trust anchors for
        /// client certificates, and about the certificates of clients that have registered no
        /// `contacts`.
        notify: Vec<Mailbox> = Vec::new();
    }

    /// The mail server that delivers the server's mails. Without one no mail is sent.
    mail: Mail {
        /// Its host name.
        host: Option<String> = None, such as "smtp.example.org";
        /// Its port: usually 587 for `starttls`, 465 for `required`, 25 for `none`.
        port: u16 = 587, within 1, 65_535;
        /// How the connection is protected: `starttls`, `required` (TLS from the first byte on), or
        /// `none`, which is for a mail server on this machine only.
        tls: MailTls = MailTls::StartTls;
        /// The user name, if the mail server requires authentication.
        username: Option<String> = None, such as "gatewright";
        /// The password for it.
        password: Option<Password> = None, such as "…", or password_file;
        /// The sender of the mails.
        from: Option<Mailbox> = None, such as "Gatewright <gatewright@example.org>";
    }

    /// Programs that are notified of events, by a signed `POST`.
    webhooks: Webhooks {
        /// A table each: `url`; `secret`, `whsec_` and 24 to 64 random bytes in base64, or
        /// `secret_file`; and `events`, those of `certificate.expiring`, `certificate.expired`,
        /// `certificate.revoked` to be sent; all where none is named.
        endpoints: Vec<Webhook> = Vec::new();
    }

    /// The look of the pages.
    brand: Brand {
        /// The name of the organisation that users sign in to.
        organisation: String = "Gatewright".to_owned();
        /// The logo: PNG, SVG, JPEG or WebP.
        logo: Option<PathBuf> = None, such as "brand/logo.svg";
        /// The logo for the dark scheme. Without it, `brand.logo` is placed on a light background
        /// there.
        logo_dark: Option<PathBuf> = None, such as "brand/logo-dark.svg";
        /// A square icon that browsers show beside the title of a page. Without it, they show
        /// `brand.logo`.
        icon: Option<PathBuf> = None, such as "brand/icon.svg";
        /// The colour of buttons and links. Not set, it is that of the design.
        accent: Option<Colour> = None, such as "#2f5bd7";
        /// The same in the dark scheme.
        accent_dark: Option<Colour> = None, such as "#8fb0ff";
        /// The help page, or a mail address. On an error page, `{reference}` in it is replaced by
        /// the reference by which the error is found in the log and the audit trail, as in
        /// `https://example.org/help?ref={reference}`; elsewhere by nothing. A `mailto:` address
        /// without `{reference}` gets a subject and a body with the reference.
        support_url: Option<Link> = None, such as "https://example.org/help";
        /// The privacy policy.
        privacy_url: Option<Link> = None, such as "https://example.org/privacy";
        /// The imprint: the legally responsible operator.
        imprint_url: Option<Link> = None, such as "https://example.org/imprint";
    }

    /// The log.
    log: Log {
        /// `json`, one object a line; or `text`, for people.
        format: LogFormat = LogFormat::Json;
        /// `error`, `warn`, `info`, `debug`, `trace`, or a filter of `tracing` such as
        /// `info,gatewright::flow=debug`. `GATEWRIGHT_LOG` is a short name for its variable.
        level: Filter = Filter::default();
    }
}

/// A configuration that has passed its checks, and where each of its values came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// The file, if there was one.
    pub file: Option<PathBuf>,
    /// Where each key was set, by its path (`http.listen`); defaults are not in it.
    pub origins: BTreeMap<String, Origin>,
}

impl Config {
    /// Everything at its default. For Rust programs; a file must name its database.
    pub fn of(issuer: Issuer) -> Self {
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

    /// Whether a server of this configuration that listens for https itself, or does not, sees the
    /// certificate of a client: where nobody does, nothing is promised that needs one.
    pub fn sees_client_certificates(&self, listens_for_https: bool) -> bool {
        let is_asked_here = self.mtls.url.is_some() && listens_for_https;
        is_asked_here || self.http.client_certificate_header != CertificateHeader::None
    }

    /// Reads and checks the file and the environment. What this returns is valid; nobody checks
    /// again.
    ///
    /// A file that is missing is a problem only where somebody named it (`explicit`): the
    /// environment alone is enough. `env` is [`environment`], or what a test says.
    ///
    /// # Errors
    /// All problems at once, each with its line, its key, the reason and the remedy.
    pub fn load(
        path: &Path,
        explicit: bool,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Loaded, Problems> {
        source::load(path, explicit, env)
    }
}
