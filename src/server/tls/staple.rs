//! OCSP stapling of the server's certificates: [RFC 6066 §8], [RFC 6960].
//!
//! A response is read from a file that the operator updates, or fetched from the certificate's responder, in the
//! background and again after half of its validity. Only responses with status `good` are stapled, and no
//! handshake waits for one.
//!
//! [RFC 6066 §8]: https://www.rfc-editor.org/rfc/rfc6066#section-8
//! [RFC 6960]: https://www.rfc-editor.org/rfc/rfc6960

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::app::App;
use crate::pki::link::Link;
use crate::pki::ocsp::{
    self, CertId, CertificateStatus, Hash, Request, ResponseVerifier, Status, verify,
};
use crate::pki::{Identity, Issuer};
use crate::types::{Seconds, Thumbprint, Timestamp};

/// The timeout of a responder. No handshake waits for it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The minimum time between two requests to a responder.
const RETRY: Seconds = Seconds::minutes(1);

const NO_ISSUER: &str = "the issuer is not among the certificates that come with it";

/// The response in a file, if clients will accept it: signed by an authorised responder, for this certificate, with
/// status `good`, and current. No response is better than an invalid one.
///
/// # Errors
/// Why clients would not accept it.
pub(super) fn load(file: &Path, identity: &Identity, now: Timestamp) -> Result<Vec<u8>, String> {
    let response = std::fs::read(file).map_err(|error| error.to_string());
    let checked = response.and_then(|response| match read(&response, identity, now)?.status {
        Status::Good => Ok(response),
        Status::Revoked { .. } => Err("the certificate was revoked".to_owned()),
        Status::Unknown => Err("the responder does not know it".to_owned()),
    });
    checked.map_err(|why| format!("{}: {why}", file.display()))
}

/// Parses and verifies a response for this certificate.
fn read(response: &[u8], identity: &Identity, now: Timestamp) -> Result<CertificateStatus, String> {
    let issuer = identity.certificate.chain().first().ok_or(NO_ISSUER)?;
    let issuer = Issuer::from_der(issuer)?;
    let mut why = "";
    // The certificate may be identified by either hash.
    for hash in [Hash::Sha1, Hash::Sha256] {
        let id = CertId::new(hash, &issuer, &identity.serial).map_err(|error| error.to_string())?;
        match (ResponseVerifier { id: &id, issuer: &issuer, nonce: None, now }).verify(response) {
            Ok(status) => return Ok(status),
            Err(error) => why = error,
        }
    }
    Err(why.to_owned())
}

/// The responses fetched from the certificate's responder.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// Held during a request: concurrent refreshes use its result.
    querying: tokio::sync::Mutex<()>,
    /// `None`: no request was made yet.
    last: Mutex<Option<LastQuery>>,
}

#[derive(Clone, Debug)]
struct LastQuery {
    /// The certificate.
    certificate: Thumbprint,
    /// The last good response, and when it ends.
    good: Option<(Vec<u8>, Timestamp)>,
    /// When the next query is due.
    due_at: Timestamp,
    /// Why the last request failed.
    why: Option<String>,
}

impl Fetched {
    /// The response to staple to this certificate: the last good one, until it expires.
    pub(super) fn current(&self, identity: &Identity, now: Timestamp) -> Option<Vec<u8>> {
        let (response, expires_at) = self.last_query(identity)?.good?;
        (now < expires_at).then_some(response)
    }

    /// Requests a response for this certificate, if it names a responder and the request is due.
    pub(super) async fn refresh(&self, identity: &Identity, table: &'static str, app: &App) {
        let _one_at_a_time = self.querying.lock().await;
        let (now, before) = (app.clock.now(), self.last_query(identity));
        if before.as_ref().is_some_and(|last| now < last.due_at) {
            return;
        }
        let (previous, reported) = before.map(|last| (last.good, last.why)).unwrap_or_default();
        let later = |good, why| (good, now + RETRY, why);
        let (good, due_at, why) = match query(identity, app, now).await {
            // The certificate names no responder, and never will.
            Ok(None) => (None, Timestamp(i64::MAX), None),
            Ok(Some((response, status))) => match status.status {
                Status::Good => {
                    app.metrics.stapling("good");
                    let left = status.expires_at() - now;
                    let due_at = now + Seconds(left.0 / 2).max(RETRY);
                    (Some((response, status.expires_at())), due_at, None)
                }
                Status::Revoked { at, reason } => {
                    app.metrics.stapling("revoked");
                    tracing::error!(table, %at, %reason, "the certificate of the server was revoked, according to its responder");
                    later(None, None)
                }
                // `unknown` does not contradict an earlier response.
                Status::Unknown => {
                    app.metrics.stapling("unknown");
                    tracing::error!(
                        table,
                        "the responder of the server's certificate does not know it"
                    );
                    later(previous, None)
                }
            },
            Err(why) => {
                app.metrics.stapling("unreachable");
                if reported.as_ref() != Some(&why) {
                    tracing::warn!(
                        table,
                        why,
                        "the responder of the server's certificate does not respond"
                    );
                }
                later(previous, Some(why))
            }
        };
        let last = LastQuery { certificate: identity.certificate.thumbprint, good, due_at, why };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }

    fn last_query(&self, identity: &Identity) -> Option<LastQuery> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone().filter(|last| last.certificate == identity.certificate.thumbprint)
    }
}

/// Requests a response from the certificate's responder. `None`: it names none.
///
/// Without a nonce: the response is for all clients, and may be a pre-produced one (RFC 5019 §2.1.1).
async fn query(
    identity: &Identity,
    app: &App,
    now: Timestamp,
) -> Result<Option<(Vec<u8>, CertificateStatus)>, String> {
    let (certificate, issuer) = (identity.certificate.der(), identity.certificate.chain().first());
    let link = Link::from_der(certificate, issuer.unwrap_or(certificate))?;
    let Some(responder) = link.ocsp_url else { return Ok(None) };
    issuer.ok_or(NO_ISSUER)?;
    let id = CertId::new(Hash::Sha1, &link.issuer, &link.serial);
    let id = id.map_err(|error| error.to_string())?;
    let request = Request { cert_ids: vec![id], nonce: None }.to_der();
    let sent = (ocsp::REQUEST_MEDIA_TYPE, request.map_err(|error| error.to_string())?);
    let expected = (ocsp::RESPONSE_MEDIA_TYPE, verify::MAX_BYTES);
    let fetched = app.outbound.post_signed(&responder, sent, expected, TIMEOUT).await;
    let fetched = fetched.map_err(|error| format!("{responder}: {error}"))?;
    let status = read(&fetched, identity, now).map_err(|why| format!("{responder}: {why}"))?;
    Ok(Some((fetched, status)))
}
