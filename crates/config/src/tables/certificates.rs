//! `[client_certificates]`, `[ca]` and `[certificates]`.

use crate::amount::Bytes;
use crate::notices::Mailbox;
use crate::problem::{Contradictions, not_a_file};
use crate::table::{optional, table};
use crate::trust_anchor_set::TrustAnchorSet;
use crate::types::Seconds;

table! {
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
        anchors: Vec<TrustAnchorSet> = Vec::new();
        /// How long the revocation status from an OCSP responder or a CRL is cached at most; its
        /// own `nextUpdate` may be earlier. It is renewed in the background before that.
        revocation_max_age: Seconds = Seconds::hours(1), within Seconds::minutes(1), Seconds::days(7);
        /// How many certificates may accompany a client's own, in any order; a request with more is
        /// refused before they are parsed. At most eight signatures are verified for all of them.
        max_intermediates: usize = 4, within 0, 6;
        /// The largest CRL that is read.
        max_crl_bytes: Bytes = Bytes(10 << 20), within Bytes(64 << 10), Bytes(128 << 20);
    }
}

table! {
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
}

table! {
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
}

impl ClientCertificates {
    pub(super) fn check(&self, contradictions: &mut Contradictions) {
        const KEY: &[&str] = &["client_certificates.anchors"];
        for (n, anchor) in self.anchors.iter().enumerate() {
            if self.anchors.iter().take(n).any(|other| other.name == anchor.name) {
                let reason = format!("has two that are named {}", anchor.name);
                contradictions.add(KEY, reason, "give each a name of its own");
            }
            if anchor.name == "gatewright" {
                let reason = "has one that is named gatewright, like the built-in CA";
                contradictions.add(KEY, reason, "give it another name");
            }
            if !anchor.file.is_file() {
                contradictions.add(
                    KEY,
                    not_a_file(&anchor.file),
                    "put the certificates there, as PEM",
                );
            }
            for file in anchor.crl_files.iter().filter(|file| !file.is_file()) {
                contradictions.add(
                    KEY,
                    not_a_file(file),
                    "put the list of revoked certificates there",
                );
            }
        }
    }
}
