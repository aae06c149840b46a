//! `[http]` and `[operations]`.

use std::net::{Ipv4Addr, SocketAddr};

use super::Tls;
use crate::amount::Bytes;
use crate::network::Network;
use crate::problem::Contradictions;
use crate::table::{optional, table};
use crate::text::{CertificateHeader, ReadyCheck};
use crate::types::Seconds;

table! {
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
}

table! {
    /// The listener for operators: metrics and health checks. It reports on all clients and users
    /// and is unauthenticated; bind it to an internal address.
    operations: Operations {
        /// Its address and port. Not set, there is no such listener.
        listen: Option<SocketAddr> = None, such as "127.0.0.1:9090";
        /// When `/readyz` is 200: `reads`, while this process works and the database responds;
        /// `writes`, while the database accepts writes too, as `/readyz?writes` checks in any case.
        /// With `writes`, a read-only database takes every replica out of the load balancer, and
        /// with them what needs no write: the JWKS, client credentials, introspection.
        ready: ReadyCheck = ReadyCheck::Reads;
    }
}

impl Http {
    pub(super) fn check(&self, tls: &Tls, contradictions: &mut Contradictions) {
        if self.listen.is_empty() && tls.listen.is_empty() {
            let remedy = "name at least one address and port, here or in tls.listen";
            contradictions.add(&["http.listen"], "is empty", remedy);
        }
        if self.client_certificate_header != CertificateHeader::None
            && self.trusted_proxies.is_empty()
        {
            contradictions.add(
                &["http.client_certificate_header", "http.trusted_proxies"],
                "is set, but http.trusted_proxies names no proxy",
                "name the proxies that send it, or leave it out",
            );
        }
    }
}

impl Operations {
    pub(super) fn check(&self, http: &Http, contradictions: &mut Contradictions) {
        if self.listen.is_some_and(|address| http.listen.contains(&address)) {
            contradictions.add(
                &["operations.listen", "http.listen"],
                "is also in http.listen",
                "use another port, which only operators reach",
            );
        }
    }
}
