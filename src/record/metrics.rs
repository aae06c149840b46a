//! Prometheus metrics. All labels come from enumerations, so their number is bounded.

use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Supervisor;
use crate::types::{Code, Seconds};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Endpoint {
    endpoint: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct At {
    endpoint: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Grant {
    grant_type: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Error {
    error: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Job {
    job: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StatusQuery {
    source: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Connections {
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Certificates {
    state: &'static str,
}

/// Labels of a certificate in `gatewright_certificate_expiry_seconds`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Expiring {
    /// `own`, `anchor`, `intermediate` or `client`.
    pub origin: &'static str,
    /// The client's identifier, or empty.
    pub client: String,
    /// The subject in the form of RFC 4514.
    pub subject: String,
}

/// The most certificates per kind in the metrics: those that expire first.
const EXPIRING: usize = 100;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Notices {
    way: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outbox {
    state: &'static str,
}

static LOG_LINES_DROPPED: LazyLock<Counter> = LazyLock::new(Counter::default);

/// Dropped log lines. A process has one log, so there is one counter.
pub fn log_lines_dropped() -> &'static Counter {
    &LOG_LINES_DROPPED
}

/// All metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    supervisor: Supervisor,
    requests: Family<Endpoint, Counter>,
    seconds: Family<At, Histogram>,
    tokens: Family<Grant, Counter>,
    refusals: Family<Error, Counter>,
    sign_ins: Family<Outcome, Counter>,
    jobs: Family<Job, Counter>,
    revocation: Family<StatusQuery, Counter>,
    connections: Family<Connections, Gauge>,
    writable: Gauge,
    failures: Counter<u64, AtomicU64>,
    unauthenticated_certificates: Counter<u64, AtomicU64>,
    certificates: Family<Certificates, Gauge>,
    expiring: Family<Expiring, Gauge>,
    notices: Family<Notices, Counter>,
    outbox: Family<Outbox, Gauge>,
    certificates_refused: Gauge,
    staples: Family<Outcome, Counter>,
    failed_handshakes: Family<Reason, Counter>,
    closed_connections: Family<Reason, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("gatewright");
        let requests = Family::default();
        registry.register("http_requests", "Requests, by endpoint and status", requests.clone());
        let seconds = Family::<At, Histogram>::new_with_constructor(|| {
            Histogram::new([0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0])
        });
        registry.register("http_request_seconds", "Time to respond, by endpoint", seconds.clone());
        let tokens = Family::default();
        registry.register("tokens_issued", "Access tokens issued, by grant type", tokens.clone());
        let refusals = Family::default();
        registry.register("refusals", "Requests refused, by error code", refusals.clone());
        let sign_ins = Family::default();
        registry.register("sign_ins", "Sign-in attempts, by outcome", sign_ins.clone());
        let jobs = Family::default();
        registry.register("jobs", "Background jobs run, by outcome", jobs.clone());
        let supervisor = Supervisor::default();
        registry.register(
            "panics",
            "Panics in background tasks and in requests, by task",
            supervisor.panics().clone(),
        );
        let revocation = Family::default();
        registry.register(
            "revocation_checks",
            "Queries for the revocation status of client certificates, by source and outcome",
            revocation.clone(),
        );
        let connections = Family::default();
        registry.register(
            "database_connections",
            "Database connections, by state",
            connections.clone(),
        );
        let writable = Gauge::default();
        registry.register(
            "database_writable",
            "Whether the database accepted the last write probe: 1 or 0",
            writable.clone(),
        );
        let failures = Counter::default();
        registry.register(
            "failures",
            "Requests that failed because of a fault of the server",
            failures.clone(),
        );
        registry.register(
            "log_lines_dropped",
            "Lines of the log that were dropped because its reader did not keep up",
            log_lines_dropped().clone(),
        );
        let unauthenticated_certificates = Counter::default();
        registry.register(
            "strange_certificates",
            "Requests with a certificate that authenticated no client",
            unauthenticated_certificates.clone(),
        );
        let certificates = Family::default();
        registry.register(
            "certificates",
            "Certificates of the inventory, by state",
            certificates.clone(),
        );
        let expiring = Family::default();
        registry.register(
            "certificate_expiry_seconds",
            "Time until the last certificate of a client, or one of the server, expires; the first 100 of each",
            expiring.clone(),
        );
        let notices = Family::default();
        registry.register(
            "notices",
            "Delivery attempts of mails and webhooks, by outcome",
            notices.clone(),
        );
        let outbox = Family::default();
        registry.register("outbox", "Mails and webhooks, by state", outbox.clone());
        let certificates_refused = Gauge::default();
        registry.register(
            "tls_certificates_refused",
            "New certificates of the server that cannot be used",
            certificates_refused.clone(),
        );
        let staples = Family::default();
        registry.register(
            "ocsp_staples",
            "Queries of OCSP responders about certificates of the server, by outcome",
            staples.clone(),
        );
        let failed_handshakes = Family::default();
        registry.register(
            "tls_handshakes_failed",
            "TLS handshakes that failed, by kind of reason",
            failed_handshakes.clone(),
        );
        let closed_connections = Family::default();
        registry.register(
            "connections_cut",
            "Connections that were closed because of their peer, by reason",
            closed_connections.clone(),
        );
        Self {
            closed_connections,
            staples,
            failed_handshakes,
            certificates_refused,
            registry,
            supervisor,
            requests,
            seconds,
            tokens,
            refusals,
            sign_ins,
            jobs,
            revocation,
            connections,
            writable,
            failures,
            unauthenticated_certificates,
            certificates,
            expiring,
            notices,
            outbox,
        }
    }
}

impl Metrics {
    /// The supervisor that counts panics.
    pub fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// A request was completed.
    pub fn request_completed(&self, endpoint: &'static str, status: u16, seconds: f64) {
        self.requests.get_or_create(&Endpoint { endpoint, status }).inc();
        self.seconds.get_or_create(&At { endpoint }).observe(seconds);
    }

    /// An access token was issued.
    pub fn issued(&self, grant_type: &'static str) {
        self.tokens.get_or_create(&Grant { grant_type }).inc();
    }

    /// A request was refused.
    pub fn refused(&self, code: Code) {
        self.refusals.get_or_create(&Error { error: code.as_str() }).inc();
    }

    /// A request failed because of a fault of the server.
    pub fn failed(&self) {
        self.failures.inc();
    }

    /// A certificate did not authenticate a client.
    pub fn certificate_not_authenticated(&self) {
        self.unauthenticated_certificates.inc();
    }

    /// The number of certificates in each state, and the expiry of the last certificate of each
    /// client, of trust anchors, and of our own.
    pub fn certificates(
        &self,
        counts: impl IntoIterator<Item = (&'static str, i64)>,
        expiring: impl IntoIterator<Item = Vec<(Expiring, Seconds)>>,
    ) {
        for (state, count) in counts {
            self.certificates.get_or_create(&Certificates { state }).set(count);
        }
        // Certificates of the previous report may be gone.
        self.expiring.clear();
        for mut kind in expiring {
            kind.sort_by_key(|(_, left)| *left);
            for (labels, Seconds(left)) in kind.into_iter().take(EXPIRING).rev() {
                // Of two with equal labels, the one that expires first is reported.
                self.expiring.get_or_create(&labels).set(left);
            }
        }
    }

    /// Whether the database accepted a write.
    pub fn writable(&self, is_writable: bool) {
        self.writable.set(i64::from(is_writable));
    }

    /// A delivery of a mail or webhook was attempted: `sent`, `retried`, `failed`.
    pub fn notice(&self, way: &'static str, outcome: &'static str) {
        self.notices.get_or_create(&Notices { way, outcome }).inc();
    }

    /// The number of waiting and of failed mails and webhooks.
    pub fn outbox(&self, waiting: i64, failed: i64) {
        self.outbox.get_or_create(&Outbox { state: "waiting" }).set(waiting);
        self.outbox.get_or_create(&Outbox { state: "failed" }).set(failed);
    }

    /// A sign-in was attempted: `success`, `wrong`, `throttled`.
    pub fn sign_in(&self, outcome: &'static str) {
        self.sign_ins.get_or_create(&Outcome { outcome }).inc();
    }

    /// The number of certificates of listeners that cannot be loaded; their predecessors are in
    /// use.
    pub fn certificates_refused(&self, count: usize) {
        self.certificates_refused.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// An OCSP responder was queried about a certificate of the server: `good`, `revoked`, `unknown`,
    /// `unreachable`, `unreadable`.
    pub fn stapling(&self, outcome: &'static str) {
        self.staples.get_or_create(&Outcome { outcome }).inc();
    }

    /// A TLS handshake failed: `timeout`, `closed`, `no_tls`, `incompatible`, `certificate`, `alert`,
    /// `other`.
    pub fn handshake_failed(&self, reason: &'static str) {
        self.failed_handshakes.get_or_create(&Reason { reason }).inc();
    }

    /// A connection was closed: too many from an `address`, a `head` that was not received in time,
    /// a response that was `not_read`.
    pub fn connection_closed(&self, reason: &'static str) {
        self.closed_connections.get_or_create(&Reason { reason }).inc();
    }

    /// A background job was run.
    pub fn job(&self, job: &'static str, done: bool) {
        let outcome = if done { "success" } else { "failure" };
        self.jobs.get_or_create(&Job { job, outcome }).inc();
    }

    /// The revocation status of a certificate was queried: `ocsp`, `crl`; `good`, `revoked`,
    /// `unknown`, `unreachable`.
    pub fn revocation(&self, source: &'static str, outcome: &'static str) {
        self.revocation.get_or_create(&StatusQuery { source, outcome }).inc();
    }

    /// The metrics in the text format of OpenMetrics 1.0.
    pub fn render(&self, open: u32, idle: usize) -> String {
        let gauge = |state, count: i64| {
            self.connections.get_or_create(&Connections { state }).set(count);
        };
        gauge("open", i64::from(open));
        gauge("idle", i64::try_from(idle).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_client_certificates_do_not_displace_the_servers_own() {
        let metrics = Metrics::default();
        let of = |origin: &'static str, number: i64| {
            let labels =
                Expiring { origin, client: number.to_string(), subject: format!("CN={origin}") };
            (labels, Seconds(number))
        };
        let clients = (0..150).map(|number| of("client", number)).collect();

        metrics.certificates([], [vec![of("own", 1_000)], vec![of("anchor", 2_000)], clients]);

        let text = metrics.render(0, 0);
        let count = |origin: &str| {
            let start = format!("gatewright_certificate_expiry_seconds{{origin=\"{origin}\"");
            text.lines().filter(|line| line.starts_with(&start)).count()
        };
        assert_eq!((count("own"), count("anchor"), count("client")), (1, 1, EXPIRING));
        assert!(!text.contains("client=\"100\""), "only those that expire first");
    }
}
