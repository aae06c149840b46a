//! The client certificate of a request, from the connection or from a trusted proxy.

use std::sync::Arc;

use axum::http::HeaderMap;

use super::router::Peer;
use crate::config::CertificateHeader;
use crate::pki::Certificate;
use crate::pki::header::{self, Form};

/// The certificate of the connection, or the one that a trusted proxy forwards. Header fields from other peers are
/// ignored (THREATS MT-06).
///
/// # Errors
/// The certificate cannot be parsed, or a trusted proxy forwards one in another form than the configured one.
pub(super) fn presented(
    peer: &Peer,
    headers: &HeaderMap,
    form: CertificateHeader,
    most: usize,
    is_from_proxy: bool,
) -> Result<Option<Arc<Certificate>>, &'static str> {
    let direct = peer.certificate.clone()?;
    let Some(form) = header_form(form).filter(|_| is_from_proxy) else {
        return Ok(direct);
    };
    let (field, chain) = header::fields(form);
    let fields = [Some(field), chain];
    for name in fields.into_iter().flatten() {
        // Many servers treat `Client_Cert` like `Client-Cert`: a proxy may remove one and pass on a forged other.
        if headers.contains_key(name.replace('-', "_")) {
            return Err("a field of the client certificate has underscores in its name");
        }
    }
    let [certificate, chain] = fields.map(|name| {
        let values = name.map(|name| headers.get_all(name).into_iter());
        values.into_iter().flatten().map(|value| value.as_bytes()).collect::<Vec<_>>()
    });
    let forwarded = header::parse(form, &certificate, &chain, most)?;
    match (direct, forwarded) {
        (None, forwarded) => Ok(forwarded.map(Arc::new)),
        // A proxy forwards nothing if the client presented no certificate; the certificate of the connection is
        // the proxy's own, not the client's (decision 20).
        (Some(_), None) => Ok(None),
        (Some(direct), Some(forwarded)) if forwarded.thumbprint == direct.thumbprint => {
            Ok(Some(direct))
        }
        (Some(_), Some(_)) => {
            Err("the proxy forwards a client certificate other than the one of its connection")
        }
    }
}

const fn header_form(configured: CertificateHeader) -> Option<Form> {
    match configured {
        CertificateHeader::None => None,
        CertificateHeader::Rfc9440 => Some(Form::Rfc9440),
        CertificateHeader::Nginx => Some(Form::Nginx),
        CertificateHeader::Envoy => Some(Form::Envoy),
        CertificateHeader::Haproxy => Some(Form::Haproxy),
    }
}
