//! The `DPoP` header: [RFC 9449 §4.1], and the `DPoP-Nonce` of the answer: [RFC 9449 §8].
//!
//! [RFC 9449 §4.1]: https://www.rfc-editor.org/rfc/rfc9449#section-4.1
//! [RFC 9449 §8]: https://www.rfc-editor.org/rfc/rfc9449#section-8

use axum::http::HeaderName;

use crate::flow::Call;
use crate::flow::tokens::dpop::{self, Proof, Purpose, Scheme};
use crate::render::Head;
use crate::types::{Code, Refusal, Result, Secret};

/// RFC 9449 §4.1.
static DPOP: HeaderName = HeaderName::from_static("dpop");

/// Notes the key that a request to this endpoint of ours proves, if it proves one.
pub(super) fn prove(call: &mut Call<'_>, head: &Head, path: &str) -> Result<()> {
    let Some(field) = field(head)? else {
        return Ok(());
    };
    let urls = dpop::urls(call, path);
    let purpose = Purpose { method: head.method.as_str(), urls: &urls, access_token: None };
    let read = dpop::read(call, field, purpose).map(Some);
    note(call, head, read)
}

/// Notes the key that a request proves which uses an access token. `method` and `urls` are what the proof
/// has to name: those of the request, or of the one that is asked about.
pub(super) fn prove_beside_token(
    call: &mut Call<'_>,
    head: &Head,
    (scheme, token): (Scheme, &Secret),
    method: &str,
    urls: &[String],
) -> Result<()> {
    let purpose = Purpose { method, urls, access_token: Some(token.expose()) };
    let read = dpop::read_beside_token(call, scheme, field(head)?, purpose);
    note(call, head, read)
}

/// > There is not more than one DPoP HTTP request header field (RFC 9449 §4.3)
///
/// Two that a proxy has joined with a comma are two: no JWT has one.
fn field(head: &Head) -> Result<Option<&str>, Refusal> {
    let mut fields = head.headers.get_all(&DPOP).iter();
    match (fields.next(), fields.next()) {
        (None, _) => Ok(None),
        (Some(field), None) => match field.to_str() {
            Ok(text) if !text.contains(',') => Ok(Some(text)),
            Ok(_) | Err(_) => {
                Err(Code::InvalidDpopProof.because("the DPoP header is not a single JWT"))
            }
        },
        (Some(_), Some(_)) => {
            Err(Code::InvalidDpopProof.because("there is more than one DPoP header"))
        }
    }
}

/// Keeps what was proven, and tells the nonce of the next proof (RFC 9449 §8.2).
fn note(call: &mut Call<'_>, head: &Head, read: Result<Option<Proof>>) -> Result<()> {
    let next = match &read {
        Ok(None) => None,
        Ok(Some(proof)) => dpop::next_nonce(call, Some(proof))?,
        Err(_) => dpop::next_nonce(call, None)?,
    };
    if let Some(nonce) = next {
        head.set_dpop_nonce(&nonce);
    }
    call.held.proof = read?;
    Ok(())
}
