//! Requests: [RFC 6960 §4.1].
//!
//! [RFC 6960 §4.1]: https://www.rfc-editor.org/rfc/rfc6960#section-4.1

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::{Decode as _, Encode as _};

use super::asn1::{OcspRequest, OneRequest, TbsRequest};
use super::{CertId, Nonce, find_nonce};
use crate::types::Failure;

/// The largest request.
pub const MAX_BYTES: usize = 8 * 1024;

/// The most certificates in one request.
const MAX_CERTIFICATES: usize = 32;

/// A request for the status of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The requested certificates.
    pub cert_ids: Vec<CertId>,
    /// A nonce that the response repeats.
    pub nonce: Option<Nonce>,
}

impl Request {
    /// The request in DER.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn to_der(&self) -> Result<Vec<u8>, Failure> {
        let one =
            |id: &CertId| OneRequest { req_cert: id.clone(), single_request_extensions: None };
        let tbs_request = TbsRequest {
            version: 0,
            requestor_name: None,
            request_list: self.cert_ids.iter().map(one).collect(),
            request_extensions: self.nonce.as_ref().map(Nonce::extension).transpose()?,
        };
        let request = OcspRequest { tbs_request, optional_signature: None };
        request.to_der().map_err(Failure::internal)
    }

    /// Parses a client's request. A signature is ignored, because anyone may send requests.
    ///
    /// # Errors
    /// When the response must be [`super::Unsuccessful::MalformedRequest`].
    pub fn from_der(der: &[u8]) -> Result<Self, &'static str> {
        if der.len() > MAX_BYTES {
            return Err("the request is larger than 8 KiB");
        }
        let request = OcspRequest::from_der(der).map_err(|_| "this is not an OCSP request")?;
        let tbs = request.tbs_request;
        if tbs.version != 0 {
            return Err("the version of the request is not v1");
        }
        if tbs.request_list.is_empty() || tbs.request_list.len() > MAX_CERTIFICATES {
            return Err("a request must have 1 to 32 certificates");
        }
        let nonce = find_nonce(tbs.request_extensions.as_ref())?;
        for one in &tbs.request_list {
            one.req_cert.must_have_serial()?;
            let critical = |extensions: &Vec<_>| {
                extensions.iter().any(|one: &x509_cert::ext::Extension| one.critical)
            };
            if one.single_request_extensions.as_ref().is_some_and(critical) {
                return Err("a critical extension is not supported");
            }
        }
        let cert_ids = tbs.request_list.into_iter().map(|one| one.req_cert).collect();
        Ok(Self { cert_ids, nonce })
    }
}

/// Limits for restoring slashes: the longest text, and the most candidates.
const MAX_REPAIRED_BYTES: usize = 512;
const MAX_REPAIRS: usize = 128;

/// Decodes a request from the path of a URL, in base64; empty when it is none. A proxy may have
/// merged two consecutive slashes into one, at an unknown position, so there can be several
/// candidates.
pub fn requests_from_path(text: &str) -> Vec<Vec<u8>> {
    let read = |text: &str| STANDARD.decode(text).ok().filter(|der| Request::from_der(der).is_ok());
    if let Ok(der) = STANDARD.decode(text) {
        return vec![der];
    }
    // Padded base64 consists of groups of four characters.
    let missing = text.len().next_multiple_of(4) - text.len();
    if missing == 0 || text.len() > MAX_REPAIRED_BYTES {
        return Vec::new();
    }
    let slashes: Vec<usize> = text.match_indices('/').map(|(at, _)| at).collect();
    let mut chosen: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..missing {
        let longer = chosen.iter().flat_map(|before| {
            // In ascending order, so that each combination is tried once.
            let from = before.last().copied().unwrap_or(0);
            let next = slashes.iter().copied().filter(move |at| *at >= from);
            next.map(|at| [before.as_slice(), &[at]].concat())
        });
        chosen = longer.take(MAX_REPAIRS).collect();
    }
    let repaired = |places: &Vec<usize>| {
        let mut text = text.to_owned();
        for at in places.iter().rev() {
            text.insert(*at, '/');
        }
        text
    };
    chosen.iter().filter_map(|places| read(&repaired(places))).collect()
}
