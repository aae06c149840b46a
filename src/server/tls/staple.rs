//! The status of our own certificate, sent along in the handshake: [RFC 6066 §8], [RFC 6960].
//!
//! It is read from a file that the operator keeps up to date, or fetched from the responder that the
//! certificate names: beside the handshakes, and anew when half of the time is over for which it counts.
//! A response that is not good is never sent along, and one that is lets nobody wait.
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

/// As long as a responder may take. Nobody waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A responder is not asked again sooner.
const RETRY: Seconds = Seconds::minutes(1);

const NO_ISSUER: &str = "the issuer is not among the certificates that come with it";

/// The response in this file, if clients will take it: signed by whoever may, about this certificate,
/// good, and current. Otherwise none is sent, which is better than a bad one.
///
/// # Errors
/// Why not.
pub(super) fn load(file: &Path, identity: &Identity, now: Timestamp) -> Result<Vec<u8>, String> {
    let response = std::fs::read(file).map_err(|error| error.to_string());
    let checked = response.and_then(|response| match read(&response, identity, now)?.status {
        Status::Good => Ok(response),
        Status::Revoked { .. } => Err("the certificate was revoked".to_owned()),
        Status::Unknown => Err("the responder does not know it".to_owned()),
    });
    checked.map_err(|why| format!("{}: {why}", file.display()))
}

/// What a response says of this certificate.
fn read(response: &[u8], identity: &Identity, now: Timestamp) -> Result<CertificateStatus, String> {
    let issuer = identity.certificate.chain().first().ok_or(NO_ISSUER)?;
    let issuer = Issuer::from_der(issuer)?;
    let mut why = "";
    // Whoever asked chose by which hash the certificate is named.
    for hash in [Hash::Sha1, Hash::Sha256] {
        let id = CertId::new(hash, &issuer, &identity.serial).map_err(|error| error.to_string())?;
        match (ResponseVerifier { id: &id, issuer: &issuer, nonce: None, now }).verify(response) {
            Ok(answer) => return Ok(answer),
            Err(error) => why = error,
        }
    }
    Err(why.to_owned())
}

/// What the responder has said that our certificate names.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// Held while it is asked: whoever comes meanwhile finds what came of it.
    asking: tokio::sync::Mutex<()>,
    /// `None`: nobody was asked yet.
    said: Mutex<Option<Said>>,
}

#[derive(Clone, Debug)]
struct Said {
    /// About which certificate.
    of: Thumbprint,
    /// The last good response, and when it ends.
    good: Option<(Vec<u8>, Timestamp)>,
    /// When to ask again.
    ask_at: Timestamp,
    /// Why asking led nowhere the last time.
    why: Option<String>,
}

impl Fetched {
    /// What is sent along with this certificate: the last good response, until it says itself that it
    /// counts no more.
    pub(super) fn current(&self, identity: &Identity, now: Timestamp) -> Option<Vec<u8>> {
        let (response, expires_at) = self.said_of(identity)?.good?;
        (now < expires_at).then_some(response)
    }

    /// Asks the responder about this certificate, if it names one and it is time.
    pub(super) async fn refresh(&self, identity: &Identity, table: &'static str, app: &App) {
        let _one_asks = self.asking.lock().await;
        let (now, before) = (app.clock.now(), self.said_of(identity));
        if before.as_ref().is_some_and(|said| now < said.ask_at) {
            return;
        }
        let (kept, told) = before.map(|said| (said.good, said.why)).unwrap_or_default();
        let later = |good, why| (good, now + RETRY, why);
        let (good, ask_at, why) = match ask(identity, app, now).await {
            // Nothing that it says will change that.
            Ok(None) => (None, Timestamp(i64::MAX), None),
            Ok(Some((response, answer))) => match answer.status {
                Status::Good => {
                    app.metrics.stapling("good");
                    let left = answer.expires_at() - now;
                    let ask_at = now + Seconds(left.0 / 2).max(RETRY);
                    (Some((response, answer.expires_at())), ask_at, None)
                }
                Status::Revoked { at, reason } => {
                    app.metrics.stapling("revoked");
                    tracing::error!(table, %at, %reason, "our certificate was revoked, says its responder");
                    later(None, None)
                }
                // Who knows nothing of it contradicts nothing that was said before.
                Status::Unknown => {
                    app.metrics.stapling("unknown");
                    tracing::error!(table, "the responder of our certificate does not know it");
                    later(kept, None)
                }
            },
            Err(why) => {
                app.metrics.stapling("unreachable");
                if told.as_ref() != Some(&why) {
                    tracing::warn!(
                        table,
                        why,
                        "the responder of our certificate gives no response"
                    );
                }
                later(kept, Some(why))
            }
        };
        let said = Said { of: identity.certificate.thumbprint, good, ask_at, why };
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
    }

    fn said_of(&self, identity: &Identity) -> Option<Said> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.clone().filter(|said| said.of == identity.certificate.thumbprint)
    }
}

/// Asks the responder that this certificate names. `None`: it names none.
///
/// Without a nonce: the response is for everybody who shakes hands, and may have been made for
/// everybody (RFC 5019 §2.1.1).
async fn ask(
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
    let wanted = (ocsp::RESPONSE_MEDIA_TYPE, verify::MAX_BYTES);
    let fetched = app.outbound.post_signed(&responder, sent, wanted, PATIENCE).await;
    let fetched = fetched.map_err(|error| format!("{responder}: {error}"))?;
    let answer = read(&fetched, identity, now).map_err(|why| format!("{responder}: {why}"))?;
    Ok(Some((fetched, answer)))
}
