//! A server for OCSP (RFC 6960) and CRLs (RFC 5280 §5), which responds as a test configures and counts
//! the requests.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use gatewright::pki::ocsp::{CertificateStatus, Nonce, Request, Response, Status};
use gatewright::pki::{Issuer, Reason};
use gatewright::types::{Failure, Seconds, Timestamp};
use rcgen::{
    CertificateParams, CertificateRevocationListParams, CustomExtension, KeyIdMethod, KeyPair,
    RevocationReason, RevokedCertParams, SerialNumber, SigningKey as _,
};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::ca::{Ca, Identity};
use crate::server::START_TIME;

/// The response for a path and a body; `None` closes the connection.
type Handler = dyn Fn(&str, &[u8], Timestamp) -> Option<Vec<u8>> + Send;

pub struct Responder {
    address: SocketAddr,
    counts: Arc<watch::Sender<RequestCounts>>,
    handler: Arc<Mutex<Box<Handler>>>,
    clock: Arc<AtomicI64>,
    /// The paths that never get a response.
    unanswered: Arc<Mutex<HashSet<String>>>,
}

/// The requests so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// The number of requests.
    pub received: usize,
    /// The number of requests that get no response.
    pub pending: usize,
}

impl Responder {
    /// A responder that closes every connection without a response.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let handler: Box<Handler> = Box::new(|_, _, _| None);
        let responder = Self {
            address: listener.local_addr().unwrap(),
            counts: Arc::new(watch::Sender::new(RequestCounts::default())),
            handler: Arc::new(Mutex::new(handler)),
            clock: Arc::new(AtomicI64::new(START_TIME)),
            unanswered: Arc::default(),
        };
        let (counts, handler) = (responder.counts.clone(), responder.handler.clone());
        let (clock, unanswered) = (responder.clock.clone(), responder.unanswered.clone());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (counts, handler) = (counts.clone(), handler.clone());
                let (clock, unanswered) = (clock.clone(), unanswered.clone());
                tokio::spawn(async move {
                    let Some((path, body)) = read(&mut stream).await else { return };
                    let is_silent = unanswered.lock().unwrap().contains(&path);
                    counts.send_modify(|counts| {
                        counts.received += 1;
                        counts.pending += usize::from(is_silent);
                    });
                    if is_silent {
                        // Until the client closes the connection.
                        let _ = stream.read_to_end(&mut Vec::new()).await;
                        counts.send_modify(|counts| counts.pending -= 1);
                        return;
                    }
                    let now = Timestamp(clock.load(Ordering::SeqCst));
                    let response = handler.lock().unwrap()(&path, &body, now);
                    if let Some(response) = response {
                        let kind = if path == "/ocsp" { "ocsp-response" } else { "pkix-crl" };
                        let head = format!(
                            "HTTP/1.1 200 OK\r\ncontent-type: application/{kind}\r\n\
                             content-length: {}\r\n\r\n",
                            response.len()
                        );
                        let _ = stream.write_all(&[head.as_bytes(), &response].concat()).await;
                    }
                });
            }
        });
        responder
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The number of requests so far.
    pub fn request_count(&self) -> usize {
        self.counts.borrow().received
    }

    pub fn respond_with(
        &self,
        handler: impl Fn(&str, &[u8], Timestamp) -> Option<Vec<u8>> + Send + 'static,
    ) {
        *self.handler.lock().unwrap() = Box::new(handler);
    }

    pub fn close_connections(&self) {
        self.respond_with(|_, _, _| None);
    }

    /// From now on, requests to this path never get a response.
    pub fn stop_responding_to(&self, path: &str) {
        self.unanswered.lock().unwrap().insert(path.to_owned());
    }

    pub fn counts(&self) -> RequestCounts {
        *self.counts.borrow()
    }

    /// Waits until exactly this many requests were received and this many are pending.
    pub async fn wait_for_counts(&self, received: usize, pending: usize) {
        let wanted = RequestCounts { received, pending };
        self.counts.subscribe().wait_for(|counts| *counts == wanted).await.unwrap();
    }

    pub fn advance_clock(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// The path and the body of a request.
async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned)
        });
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        // The head is ASCII; the body need not be text.
        let begin = head.len() + 4;
        if bytes.len() >= begin + length {
            let path = head.split(' ').nth(1).unwrap().to_owned();
            return Some((path, bytes[begin..].to_vec()));
        }
    }
}

/// Adds the URL of an OCSP responder to a certificate: `authorityInfoAccess` (RFC 5280 §4.2.2.1).
pub fn add_ocsp_url(params: &mut CertificateParams, url: &str) {
    let tlv =
        |tag: u8, value: &[u8]| [&[tag, u8::try_from(value.len()).unwrap()][..], value].concat();
    let method = tlv(6, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1]);
    let description = tlv(0x30, &[method, tlv(0x86, url.as_bytes())].concat());
    let extension = tlv(0x30, &description);
    params
        .custom_extensions
        .push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], extension));
}

/// A single response that is valid for an hour.
pub fn single_response(status: Status, now: Timestamp) -> CertificateStatus {
    CertificateStatus { status, this_update: now, next_update: Some(now + Seconds::hours(1)) }
}

pub fn revoked_status(now: Timestamp) -> Status {
    Status::Revoked { at: now, reason: Reason::KeyCompromise }
}

/// The OCSP response to this request, signed by `signer` and with these certificates included.
pub fn ocsp_response(
    body: &[u8],
    response: CertificateStatus,
    (signer, key): (&CertificateDer<'_>, &KeyPair),
    included: &[CertificateDer<'_>],
) -> Vec<u8> {
    let Request { cert_ids, nonce } = Request::from_der(body).unwrap();
    let responses = cert_ids.into_iter().map(|id| (id, response)).collect();
    sign_response(responses, nonce, (signer, key), included)
}

pub fn sign_response(
    responses: Vec<(gatewright::pki::ocsp::CertId, CertificateStatus)>,
    nonce: Option<Nonce>,
    (signer, key): (&CertificateDer<'_>, &KeyPair),
    included: &[CertificateDer<'_>],
) -> Vec<u8> {
    let response = Response { responses, nonce, produced_at: Timestamp(START_TIME) };
    let sign = |message: &[u8]| key.sign(message).map_err(Failure::internal);
    response.sign(&Issuer::from_der(signer).unwrap(), included, sign).unwrap()
}

/// A CRL with these serial numbers, valid for an hour.
pub fn crl(ca: &Ca, serials: &[u64], now: Timestamp) -> Vec<u8> {
    crl_until(ca, serials, now, now + Seconds::hours(1))
}

pub fn crl_until(ca: &Ca, serials: &[u64], now: Timestamp, next: Timestamp) -> Vec<u8> {
    let date = |of: Timestamp| OffsetDateTime::from_unix_timestamp(of.0).unwrap();
    let one = |serial: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date(now),
        reason_code: Some(RevocationReason::KeyCompromise),
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: date(now),
        next_update: date(next),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: serials.iter().map(one).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(ca.issuer()).unwrap().der().to_vec()
}

impl Identity {
    /// The certificate and key as the signer of OCSP responses.
    pub fn ocsp_signer(&self) -> (&CertificateDer<'static>, &KeyPair) {
        (self.certificate(), &self.key)
    }
}
