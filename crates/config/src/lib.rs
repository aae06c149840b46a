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
        /// The issuer identifier (RFC 8414 §2), by which clients know us and below which every
        /// address lies that we hand out: an https URL without query, fragment and trailing slash;
        /// http on loopback only. It never comes from a request.
        issuer: Issuer = Issuer::default(), such as "https://id.example.org",
            required "clients know us by it";
    }

    /// The listener for browsers and clients.
    http: Http {
        /// Where to listen for plain http: one address and port, or several. It is for this machine,
        /// or for a proxy that ends TLS; where `tls.listen` is set, the list may be empty.
        listen: Vec<SocketAddr> = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))];
        /// The proxies before us: their `X-Forwarded-For` names the address of the client, which
        /// throttling and the audit trail need. From everybody else the header is ignored.
        trusted_proxies: Vec<Network> = Vec::new();
        /// How a proxy that ends TLS tells us of the client's certificate. It is believed from
        /// `trusted_proxies` alone, which must take these fields away from what clients send:
        /// `rfc9440`, `Client-Cert` and `Client-Cert-Chain`; `nginx`, `X-SSL-Client-Cert` with
        /// `$ssl_client_escaped_cert`; `envoy`, `X-Forwarded-Client-Cert`; `haproxy`,
        /// `X-SSL-Client-DER` and `X-SSL-Client-Chain-DER` in base64. `none`: no field is looked at.
        client_certificate_header: CertificateHeader = CertificateHeader::None;
        /// How long a client may take to shake hands (TLS), and to send the head of a request.
        header_timeout: Seconds = Seconds(10), within Seconds(1), Seconds::minutes(5);
        /// How long a connection is kept open for the next request. It should be longer than whoever is
        /// before this server keeps its own: `"75s"` for the 60 seconds of nginx and of most balancers,
        /// `"620s"` for those that keep 600.
        keep_alive: Seconds = Seconds(75), within Seconds(1), Seconds::hours(1);
        /// How long a whole request may take, its answer included. An answer that is not read is given
        /// up after the same time without any progress.
        request_timeout: Seconds = Seconds(30), within Seconds(1), Seconds::minutes(10);
        /// How long a server that was told to stop waits for what is in flight.
        shutdown_timeout: Seconds = Seconds(30), within Seconds(0), Seconds::minutes(10);
        /// How long it keeps connections open that nothing is asked over, at most half of
        /// `shutdown_timeout`: what is still asked is answered, with `Connection: close`.
        shutdown_grace: Seconds = Seconds(2), within Seconds(0), Seconds::minutes(5);
        /// The largest body of a request.
        max_body: Bytes = Bytes::kib(64), within Bytes::kib(16), Bytes::mib(16);
        /// How many connections may be open at once at each listener; more wait in the queue of the
        /// system.
        max_connections: usize = 10_000, within 1, 1_000_000;
        /// How many of them one address may have (of IPv6, one /64), at most half of
        /// `max_connections`; more are closed. `trusted_proxies` may have all.
        max_connections_per_address: usize = 1000, within 1, 1_000_000;
        /// Whether `Strict-Transport-Security` covers every subdomain of the issuer's host too: only where
        /// all of them are served over https (RFC 6797 §6.1.2).
        hsts_include_subdomains: bool = false;
        /// How many threads serve requests; 0 means one for each core.
        threads: usize = 0, within 0, 1024;
    }

    /// HTTPS, ended here and not at a proxy: TLS 1.3 and 1.2, forward secrecy only.
    tls: Tls {
        /// Where to listen for https: one address and port, or several.
        listen: Vec<SocketAddr> = Vec::new();
        /// The certificate of the issuer's host and what certifies it, as PEM, the certificate first.
        certificate_file: Option<PathBuf> = None, such as "/etc/gatewright/tls/fullchain.pem";
        /// Its private key, as PEM, readable by the server alone. Both files are read again when they
        /// change, and on SIGHUP.
        key_file: Option<PathBuf> = None, such as "/etc/gatewright/tls/privkey.pem";
        /// A response of the OCSP responder for it (DER), sent along in the handshake. It is read again
        /// when it changes, and left out when it is not good or no longer current. Not set, the
        /// responder that the certificate names is asked, if it names one.
        ocsp_file: Option<PathBuf> = None, such as "/etc/gatewright/tls/ocsp.der";
        /// Where plain http is answered by sending people on to https, and applications away; mostly
        /// port 80. ACME's http-01 is answered there too.
        redirect_listen: Vec<SocketAddr> = Vec::new();
    }

    /// The name under which client certificates are asked for (RFC 8705). It serves applications and no
    /// pages, so that no browser ever asks a person for a certificate.
    mtls: Mtls {
        /// Its address: the metadata names it for the endpoints that take a certificate
        /// (`mtls_endpoint_aliases`, RFC 8705 §5). Not set, nobody is asked for one here. Certificates
        /// are seen there by `mtls.listen` or `tls.listen`, or by a proxy that tells of them
        /// (`http.client_certificate_header`).
        url: Option<Alias> = None, such as "https://mtls.id.example.org";
        /// Where to listen for it. Not set, it shares `tls.listen` and is told apart by the name that
        /// the client asks for (SNI), which must then be another one than the issuer's.
        listen: Vec<SocketAddr> = Vec::new();
        /// Its certificate, in the form of `tls.certificate_file`. Not set, that one serves both
        /// names.
        certificate_file: Option<PathBuf> = None, such as "/etc/gatewright/mtls/fullchain.pem";
        /// The private key of its certificate.
        key_file: Option<PathBuf> = None, such as "/etc/gatewright/mtls/privkey.pem";
        /// A response of the OCSP responder for it (DER), as for `tls.ocsp_file`.
        ocsp_file: Option<PathBuf> = None, such as "/etc/gatewright/mtls/ocsp.der";
    }

    /// The certificate of `[tls]` from an authority that speaks ACME (RFC 8555), instead of files. It
    /// lies in the database, its key sealed; one replica orders and renews it, all of them use it.
    acme: Acme {
        /// The directory of the authority (RFC 8555 §7.1.1). Not set, certificates are files.
        directory: Option<AcmeDirectory> = None,
            such as "https://acme-v02.api.letsencrypt.org/directory";
        /// Whether you agree to the terms of service of the authority, which it asks (RFC 8555 §7.3).
        terms_agreed: bool = false;
        /// Where the authority reaches you, as `mailto:` addresses.
        contacts: Vec<Link> = Vec::new();
        /// The names that the certificate is for. Empty: the hosts of the issuer and of `mtls.url`.
        domains: Vec<Domain> = Vec::new();
        /// How the names are proven: `tls-alpn-01`, on port 443 of each (RFC 8737), or `http-01`, on
        /// port 80 of each (RFC 8555 §8.3): by `tls.redirect_listen`, or by a proxy before `http.listen`.
        challenge: AcmeChallenge = AcmeChallenge::TlsAlpn01;
    }

    /// The listener for operators: metrics. It tells about everybody and asks nobody who they are,
    /// so it belongs on an address that only operators reach.
    operations: Operations {
        /// Where to listen. Not set, there is no such listener.
        listen: Option<SocketAddr> = None, such as "127.0.0.1:9090";
        /// When `/readyz` is 200: `reads`, while this process can work and the database answers;
        /// `writes`, while the database takes writes too, as `/readyz?writes` says in any case. With
        /// `writes`, a database that only reads takes every replica out of the load balancer, and with them
        /// what needs no write: the JWKS, client credentials, introspection.
        ready: Ready = Ready::Reads;
    }

    /// Where everything is kept.
    database: Database {
        /// `sqlite:` and a path, or the URL of a PostgreSQL 14 or newer. It may carry a password,
        /// so it is never shown.
        url: DatabaseUrl = DatabaseUrl::default(), required "it says where everything is kept",
            or url_file;
        /// How many connections to open at most.
        max_connections: u32 = 16, within 1, 1000;
        /// What stands between us and PostgreSQL: `none`, which a pooler in session mode counts as; or
        /// `transaction`, a pooler in transaction mode such as PgBouncer. Behind it nothing is prepared
        /// by name and no session is set up, so the limit of a statement is the role's:
        /// `ALTER ROLE gatewright SET statement_timeout = '2s'`.
        pooler: Pooler = Pooler::None;
        /// How long a request waits for a connection, or for the lock of an SQLite file, before it is
        /// answered with 503.
        acquire_timeout: Seconds = Seconds(1), within Seconds(1), Seconds::minutes(1);
        /// How long one statement may take on PostgreSQL. A connection that has not answered half a
        /// second later is given up.
        statement_timeout: Seconds = Seconds(2), within Seconds(1), Seconds::minutes(1);
    }

    /// Signing keys, and the key that seals them.
    keys: Keys {
        /// The directory of local key material: the key-encryption key is generated there at the
        /// first start, unless one is given here. Whoever has it and the database can sign as us.
        dir: PathBuf = PathBuf::from("keys");
        /// The key-encryption key, under which private keys are sealed in the database: 32 random
        /// bytes in base64. Of several, a line each, the first one seals and the others still open.
        /// Not set, they lie in `dir`.
        encryption_key: Option<EncryptionKeys> = None,
            such as "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", or encryption_key_file;
        /// The signature algorithms that have a key. RS256 is among them, for OpenID Connect
        /// demands it (OIDC Discovery §3).
        algorithms: Vec<Algorithm> = vec![
            Algorithm::Es256,
            Algorithm::Rs256,
            Algorithm::Ps256,
            Algorithm::Es384,
            Algorithm::EdDsa,
        ];
        /// How long a key signs before the next one takes over.
        rotation: Seconds = Seconds::days(30), within Seconds::days(1), Seconds::days(365);
        /// How long verifiers may keep the JWKS and the discovery document. A new key is published
        /// for at least that long before it signs.
        jwks_max_age: Seconds = Seconds::minutes(15), within Seconds::minutes(1), Seconds::hours(12);
    }

    /// How long what we issue lives.
    tokens: Tokens {
        /// Access tokens. A resource server that does not ask us accepts them until they expire,
        /// whatever is revoked meanwhile.
        access_token_lifetime: Seconds = Seconds::minutes(5), within Seconds(10), Seconds::days(1);
        /// What access tokens are signed with.
        access_token_alg: Algorithm = Algorithm::Es256;
        /// ID tokens.
        id_token_lifetime: Seconds = Seconds::minutes(5), within Seconds(10), Seconds::days(1);
        /// Authorization codes. RFC 6749 §4.1.2 recommends ten minutes at most.
        code_lifetime: Seconds = Seconds(60), within Seconds(5), Seconds::minutes(10);
        /// Authorization requests that wait for a person on a page.
        request_lifetime: Seconds = Seconds::minutes(10), within Seconds::minutes(1), Seconds::hours(1);
        /// Refresh tokens that nobody uses.
        refresh_idle: Seconds = Seconds::days(14), within Seconds::minutes(1), Seconds::days(400);
        /// Refresh tokens, however often they are used.
        refresh_absolute: Seconds = Seconds::days(90), within Seconds::minutes(1), Seconds::days(3650);
        /// How long after a refresh the same request is given the same answer again, so that a lost
        /// answer costs nobody a sign-in.
        refresh_grace: Seconds = Seconds(10), within Seconds(0), Seconds(60);
    }

    /// How long a browser stays signed in.
    sessions: Sessions {
        /// Without activity.
        idle: Seconds = Seconds::minutes(30), within Seconds::minutes(1), Seconds::days(30);
        /// In any case.
        absolute: Seconds = Seconds::hours(12), within Seconds::minutes(5), Seconds::days(90);
        /// Without activity, where the person asked to be kept signed in.
        remember_idle: Seconds = Seconds::days(14), within Seconds::minutes(5), Seconds::days(365);
        /// In any case, where the person asked to be kept signed in.
        remember_absolute: Seconds = Seconds::days(30), within Seconds::minutes(5), Seconds::days(365);
    }

    /// What a password must be, and what it costs to try one.
    passwords: Passwords {
        /// The fewest characters of a new password. NIST SP 800-63B-4 §3.1.1.2 asks for 15 where a
        /// password is all that is asked for.
        min_length: usize = 15, within 8, 64;
        /// The most bytes of a password; more is refused, never cut. 64 characters always fit.
        max_bytes: usize = 1024, within 256, 4096;
        /// The memory of one argon2id hash, in KiB.
        memory_kib: u32 = 19_456, within 8192, 1_048_576;
        /// The passes of one argon2id hash.
        iterations: u32 = 2, within 1, 100;
        /// The lanes of one argon2id hash.
        parallelism: u32 = 1, within 1, 16;
        /// How many passwords are hashed at once. Each takes a core and `memory_kib`, so that a
        /// storm of sign-ins never slows a token; one a core, and no more than four, is plenty.
        hashing_slots: usize = 1, within 1, 64;
        /// How many sign-ins may wait for a slot. Subscribers take turns, and when the queue is full,
        /// whoever has the most places makes room for who has fewer; the rest is answered with 503.
        queue: usize = 200, within 1, 100_000;
    }

    /// How failed sign-ins are slowed down.
    throttle: Throttle {
        /// Failures by one name, and at one account, from one network within `window`; then nothing
        /// from there is compared. A network is an IPv4 address or an IPv6 /64; twice as many hold for a
        /// /56, four times as many for a /48.
        account_attempts: u32 = 10, within 1, 1000;
        /// Failures from one network within `window`, whatever the account.
        network_attempts: u32 = 100, within 1, 100_000;
        /// Failures in a row at one account, from all networks together. Then browsers that have not
        /// signed in to it before have one try a minute from their network, and sixty an hour in all;
        /// `gatewright user unlock` lifts that. NIST SP 800-63B-4 §3.2.2 allows no more than 100.
        consecutive_failures: u32 = 100, within 10, 100;
        /// How long a failure counts, except those in a row.
        window: Seconds = Seconds::minutes(10), within Seconds::minutes(1), Seconds::days(1);
    }

    /// What holds for clients that say nothing else.
    clients: Clients {
        /// Whom a client assertion may be addressed to: `issuer`, the issuer alone as a single
        /// string; or `endpoints`, also the token endpoint or the endpoint called. The metadata
        /// `gw_assertion_audience` of a client overrides it.
        assertion_audience: AssertionAudience = AssertionAudience::Issuer;
    }

    /// What API gateways ask us about the requests that come to them (docs/gateways.md).
    verify: Verify {
        /// The APIs behind them. Each has a `name`, for the gateway asks at `/verify/NAME`; the
        /// `audience` that its tokens have to be for, and the `scope` that they have to have, which are
        /// what this says, whatever a request says. For tokens that are bound to a key (DPoP):
        /// `origin`, the scheme and the host by which clients know the API; and `original`, how the
        /// gateway tells of their request: `x-original`, in `X-Original-Method` and `X-Original-URI`
        /// (nginx as we configure it); `x-forwarded`, in `X-Forwarded-Method` and `X-Forwarded-Uri`
        /// (Traefik, Caddy); `path`, by asking with its method at `/verify/NAME` followed by its path
        /// (Envoy, Istio). It must not let a client write any of these. Only `http.trusted_proxies` may
        /// ask.
        routes: Vec<Protected> = Vec::new();
    }

    /// Whose certificates prove a client by `tls_client_auth` (RFC 8705 §2.1).
    client_certificates: ClientCertificates {
        /// The authorities that issue certificates for clients. Each has a `name`, for the log and
        /// the audit trail; a `file` with the certificates of its authorities (PEM, DER or base64), which
        /// is read again when it changes; `revocation`: `off`, `soft-fail` or `hard-fail`, that is,
        /// whether a certificate is good whose revocation nobody can tell (`soft-fail` when
        /// unsaid); and `crl_files`, lists of revoked certificates (PEM, DER or base64) that somebody
        /// keeps up to date there, read before anything is fetched: one that cannot be read is an error,
        /// and never as good as none. Whoever can have a certificate from one of
        /// them can be any client that is registered by a name that they put into it. Our own
        /// authority (`gatewright ca`) is among them by itself, as `gatewright`.
        anchors: Vec<Anchor> = Vec::new();
        /// How long it counts at most what an OCSP responder or a CRL says of a certificate, if that
        /// does not end sooner by itself. It is asked anew before, beside the requests.
        revocation_max_age: Seconds = Seconds::hours(1), within Seconds::minutes(1), Seconds::days(7);
        /// How many certificates may come with a client's own, in any order: what comes with more is refused
        /// unread. At most eight signatures are verified for all of them.
        max_intermediates: usize = 4, within 0, 6;
        /// The largest CRL that is read.
        max_crl_bytes: Bytes = Bytes(10 << 20), within Bytes(64 << 10), Bytes(128 << 20);
    }

    /// Our own authority for client certificates: `gatewright ca init` makes it.
    ca: Ca {
        /// What its certificates are called: the common name of the root is this and `root CA`.
        name: String = "Gatewright".to_owned();
        /// How long a client certificate counts. The shorter, the less a stolen one is worth; clients
        /// renew theirs by themselves.
        lifetime: Seconds = Seconds::hours(24), within Seconds::minutes(5), Seconds::days(397);
        /// How long a list of revoked certificates (CRL) counts. A new one is there at once when something was
        /// revoked, and when half of this time is over; verifiers may go on with the old one.
        crl_lifetime: Seconds = Seconds::hours(24), within Seconds::minutes(10), Seconds::days(30);
    }

    /// Proofs of possession of a key, to which clients have their tokens bound (RFC 9449).
    dpop: Dpop {
        /// Whether a proof must carry a nonce of ours, a new one each minute: `off` or `required`.
        /// It keeps whoever may use a client's key for a moment from making proofs for later, and
        /// costs a client one request more whenever its nonce is too old.
        nonce: DpopNonce = DpopNonce::Off;
    }

    /// What we fetch from others: `jwks_uri`, `sector_identifier_uri`, logos, CRLs, OCSP responses.
    outbound: Outbound {
        /// Whether private and loopback addresses may be fetched from: for development, tests and
        /// intranets. Whoever registers clients can then make us call whatever we can reach.
        allow_private_networks: bool = false;
        /// Files with certificates (PEM) to trust, beside those of the system.
        ca_files: Vec<PathBuf> = Vec::new();
        /// How long a fetch may take.
        timeout: Seconds = Seconds(5), within Seconds(1), Seconds::minutes(1);
        /// The largest answer that is read.
        max_bytes: Bytes = Bytes::mib(1), within Bytes::kib(16), Bytes::mib(16);
    }

    /// When certificates are warned of that are about to expire.
    certificates: Certificates {
        /// How long before the end of a certificate to tell those who depend on it: at each of these.
        /// One that is longer than a third of a certificate's life does not count for it; where none
        /// counts, it is told once that a quarter is left.
        warn_before: Vec<Seconds> = [60, 30, 14, 7, 1].map(Seconds::days).into();
        /// Who is told by mail of our own certificates, of the authorities that are believed about clients,
        /// and of the certificates of clients that have registered no `contacts`.
        notify: Vec<Mailbox> = Vec::new();
    }

    /// The mail server that sends for us. Without one nobody is told anything by mail.
    mail: Mail {
        /// Its name.
        host: Option<String> = None, such as "smtp.example.org";
        /// Its port: 587 for `starttls`, 465 for `required`, 25 for `none`, as a rule.
        port: u16 = 587, within 1, 65_535;
        /// How the connection is protected: `starttls`, `required` (TLS from the first byte on), or
        /// `none`, which is for a server on this machine alone.
        tls: MailTls = MailTls::StartTls;
        /// The name we sign in with, if it asks for one.
        username: Option<String> = None, such as "gatewright";
        /// The password beside it.
        password: Option<Password> = None, such as "…", or password_file;
        /// Who our mails come from.
        from: Option<Mailbox> = None, such as "Gatewright <gatewright@example.org>";
    }

    /// The programs that are told what happens, by a signed `POST`.
    webhooks: Webhooks {
        /// A table each: `url`; `secret`, `whsec_` and 24 to 64 random bytes in base64, or
        /// `secret_file`; and `events`, those of `certificate.expiring`, `certificate.expired`,
        /// `certificate.revoked` that it is told of, all where none is named.
        endpoints: Vec<Webhook> = Vec::new();
    }

    /// How the pages look.
    brand: Brand {
        /// Who people sign in to.
        organisation: String = "Gatewright".to_owned();
        /// A picture: PNG, SVG, JPEG or WebP.
        logo: Option<PathBuf> = None, such as "brand/logo.svg";
        /// The same for the dark scheme. Without it, `brand.logo` lies on a light plate there.
        logo_dark: Option<PathBuf> = None, such as "brand/logo-dark.svg";
        /// A square picture that browsers show beside the title of a page. Without it, they show
        /// `brand.logo`.
        icon: Option<PathBuf> = None, such as "brand/icon.svg";
        /// The colour of buttons and links. Not set, it is that of the design.
        accent: Option<Colour> = None, such as "#2f5bd7";
        /// The same in the dark scheme.
        accent_dark: Option<Colour> = None, such as "#8fb0ff";
        /// Where people find help. From an error, `{reference}` in it is replaced by the reference that leads to
        /// the log and the audit trail, as in `https://example.org/help?ref={reference}`; elsewhere by nothing. A
        /// `mailto:` address without one is given a subject and a body with the reference.
        support_url: Option<Link> = None, such as "https://example.org/help";
        /// The privacy policy.
        privacy_url: Option<Link> = None, such as "https://example.org/privacy";
        /// Who is responsible.
        imprint_url: Option<Link> = None, such as "https://example.org/imprint";
    }

    /// What the log says.
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
