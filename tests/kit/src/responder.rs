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
use crate::server::BEGINNING;

/// The response for a path and a body; `None` closes the connection.
type Says = dyn Fn(&str, &[u8], Timestamp) -> Option<Vec<u8>> + Send;

pub struct Responder {
    at: SocketAddr,
    state: Arc<watch::Sender<State>>,
    says: Arc<Mutex<Box<Says>>>,
    clock: Arc<AtomicI64>,
    /// The paths that never get a response.
    silent: Arc<Mutex<HashSet<String>>>,
}

/// The requests so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The number of requests.
    pub asked: usize,
    /// The number of requests that wait for a response that never comes.
    pub waiting: usize,
}

impl Responder {
    /// A responder that closes every connection without a response.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent: Box<Says> = Box::new(|_, _, _| None);
        let responder = Self {
            at: listener.local_addr().unwrap(),
            state: Arc::new(watch::Sender::new(State::default())),
            says: Arc::new(Mutex::new(silent)),
            clock: Arc::new(AtomicI64::new(BEGINNING)),
            silent: Arc::default(),
        };
        let (state, says) = (responder.state.clone(), responder.says.clone());
        let (clock, silent) = (responder.clock.clone(), responder.silent.clone());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (state, says) = (state.clone(), says.clone());
                let (clock, silent) = (clock.clone(), silent.clone());
                tokio::spawn(async move {
                    let Some((path, body)) = read(&mut stream).await else { return };
                    let is_silent = silent.lock().unwrap().contains(&path);
                    state.send_modify(|state| {
                        state.asked += 1;
                        state.waiting += usize::from(is_silent);
                    });
                    if is_silent {
                        // Until the client gives up.
                        let _ = stream.read_to_end(&mut Vec::new()).await;
                        state.send_modify(|state| state.waiting -= 1);
                        return;
                    }
                    let now = Timestamp(clock.load(Ordering::SeqCst));
                    let said = says.lock().unwrap()(&path, &body, now);
                    if let Some(said) = said {
                        let kind = if path == "/ocsp" { "ocsp-response" } else { "pkix-crl" };
                        let head = format!(
                            "HTTP/1.1 200 OK\r\ncontent-type: application/{kind}\r\n\
                             content-length: {}\r\n\r\n",
                            said.len()
                        );
                        let _ = stream.write_all(&[head.as_bytes(), &said].concat()).await;
                    }
                });
            }
        });
        responder
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    /// The number of requests so far.
    pub fn asked(&self) -> usize {
        self.state.borrow().asked
    }

    pub fn say(&self, says: impl Fn(&str, &[u8], Timestamp) -> Option<Vec<u8>> + Send + 'static) {
        *self.says.lock().unwrap() = Box::new(says);
    }

    pub fn hang_up(&self) {
        self.say(|_, _, _| None);
    }

    /// From now on, requests to this path never get a response.
    pub fn fall_silent(&self, path: &str) {
        self.silent.lock().unwrap().insert(path.to_owned());
    }

    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Waits until exactly this many requests were made and this many are waiting.
    pub async fn reaches(&self, asked: usize, waiting: usize) {
        let wanted = State { asked, waiting };
        self.state.subscribe().wait_for(|state| *state == wanted).await.unwrap();
    }

    pub fn wait(&self, seconds: i64) {
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
pub fn names_responder(contents: &mut CertificateParams, url: &str) {
    let tlv =
        |tag: u8, value: &[u8]| [&[tag, u8::try_from(value.len()).unwrap()][..], value].concat();
    let method = tlv(6, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1]);
    let description = tlv(0x30, &[method, tlv(0x86, url.as_bytes())].concat());
    let extension = tlv(0x30, &description);
    contents
        .custom_extensions
        .push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], extension));
}

/// A single response that is valid for an hour.
pub fn answer(status: Status, now: Timestamp) -> CertificateStatus {
    CertificateStatus { status, this_update: now, next_update: Some(now + Seconds::hours(1)) }
}

pub fn revoked(now: Timestamp) -> Status {
    Status::Revoked { at: now, reason: Reason::KeyCompromise }
}

/// The OCSP response to this request, signed by `signer` and with these certificates included.
pub fn respond(
    body: &[u8],
    answer: CertificateStatus,
    (signer, key): (&CertificateDer<'_>, &KeyPair),
    shows: &[CertificateDer<'_>],
) -> Vec<u8> {
    let Request { cert_ids, nonce } = Request::from_der(body).unwrap();
    let responses = cert_ids.into_iter().map(|id| (id, answer)).collect();
    sign(responses, nonce, (signer, key), shows)
}

pub fn sign(
    responses: Vec<(gatewright::pki::ocsp::CertId, CertificateStatus)>,
    nonce: Option<Nonce>,
    (signer, key): (&CertificateDer<'_>, &KeyPair),
    shows: &[CertificateDer<'_>],
) -> Vec<u8> {
    let response = Response { responses, nonce, produced_at: Timestamp(BEGINNING) };
    let sign = |message: &[u8]| key.sign(message).map_err(Failure::internal);
    response.sign(&Issuer::from_der(signer).unwrap(), shows, sign).unwrap()
}

/// A CRL with these serial numbers, valid for an hour.
pub fn list(ca: &Ca, serials: &[u64], now: Timestamp) -> Vec<u8> {
    list_until(ca, serials, now, now + Seconds::hours(1))
}

pub fn list_until(ca: &Ca, serials: &[u64], now: Timestamp, next: Timestamp) -> Vec<u8> {
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
