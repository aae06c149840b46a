//! The client certificate of a request, as far as we believe it.

use std::sync::Arc;

use axum::http::HeaderMap;

use super::router::Peer;
use crate::config::CertificateHeader;
use crate::pki::Certificate;
use crate::pki::header::{self, Form};

/// The certificate of the connection, or the one that a proxy of ours tells of. What anybody else writes
/// into these fields was never there (THREATS MT-06).
///
/// # Errors
/// When it cannot be read, or a proxy of ours tells of one in a form that is not the configured one.
pub(super) fn of(
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
        // Many servers take `Client_Cert` for `Client-Cert`: a proxy may take away the one, and let
        // somebody's other one through.
        if headers.contains_key(name.replace('-', "_")) {
            return Err("a field of the client certificate has underscores in its name");
        }
    }
    let [certificate, chain] = fields.map(|name| {
        let values = name.map(|name| headers.get_all(name).into_iter());
        values.into_iter().flatten().map(|value| value.as_bytes()).collect::<Vec<_>>()
    });
    let told = header::parse(form, &certificate, &chain, most)?;
    match (direct, told) {
        (None, told) => Ok(told.map(Arc::new)),
        // A proxy that has seen no certificate says nothing, and then its own is not the client's
        // (decision 20).
        (Some(_), None) => Ok(None),
        (Some(direct), Some(told)) if told.thumbprint == direct.thumbprint => Ok(Some(direct)),
        (Some(_), Some(_)) => {
            Err("the proxy tells of another client certificate than that of its own connection")
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
