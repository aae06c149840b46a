//! The status of our own certificate, sent along in the handshake: [RFC 6066 §8], [RFC 6960].
//!
//! [RFC 6066 §8]: https://www.rfc-editor.org/rfc/rfc6066#section-8
//! [RFC 6960]: https://www.rfc-editor.org/rfc/rfc6960

use std::path::Path;

use crate::pki::ocsp::{Asked, CertId, Hash, Status};
use crate::pki::{Identity, Issuer};
use crate::types::Timestamp;

/// As large as a response may be.
const LARGEST: usize = 64 * 1024;

/// The response in this file, if clients will take it: signed by whoever may, about this certificate,
/// good, and current. Otherwise none is sent, which is better than a bad one.
///
/// # Errors
/// Why not.
pub(super) fn load(file: &Path, identity: &Identity, now: Timestamp) -> Result<Vec<u8>, String> {
    let response = std::fs::read(file).map_err(|error| error.to_string());
    let checked = response.and_then(|response| check(&response, identity, now).map(|()| response));
    checked.map_err(|why| format!("{}: {why}", file.display()))
}

fn check(response: &[u8], identity: &Identity, now: Timestamp) -> Result<(), String> {
    if response.len() > LARGEST {
        return Err("it is too large".to_owned());
    }
    let issuer = identity.certificate.chain().first();
    let issuer = issuer.ok_or("the issuer is not in the file of certificates")?;
    let issuer = Issuer::read(issuer)?;
    let mut why = "";
    // Whoever asked chose by which hash the certificate is named.
    for hash in [Hash::Sha1, Hash::Sha256] {
        let id = CertId::of(hash, &issuer, &identity.serial).map_err(|error| error.to_string())?;
        match (Asked { id: &id, issuer: &issuer, nonce: None, now }).read(response) {
            Ok(answer) => {
                return match answer.status {
                    Status::Good => Ok(()),
                    Status::Revoked { .. } => Err("the certificate was revoked".to_owned()),
                    Status::Unknown => Err("the responder does not know it".to_owned()),
                };
            }
            Err(error) => why = error,
        }
    }
    Err(why.to_owned())
}
