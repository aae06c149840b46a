//! The `DPoP` header: [RFC 9449 §4.1], and the `DPoP-Nonce` of the response: [RFC 9449 §8].
//!
//! [RFC 9449 §4.1]: https://www.rfc-editor.org/rfc/rfc9449#section-4.1
//! [RFC 9449 §8]: https://www.rfc-editor.org/rfc/rfc9449#section-8

use axum::http::HeaderName;

use super::Head;
use crate::flow::Call;
use crate::flow::tokens::dpop::{self, Proof, Purpose, Scheme};
use crate::types::{Code, Refusal, Result, Secret};

/// RFC 9449 §4.1.
static DPOP: HeaderName = HeaderName::from_static("dpop");

/// Verifies the DPoP proof of a request to this endpoint, if there is one.
pub fn prove(call: &mut Call<'_>, head: &Head, path: &str) -> Result<()> {
    let Some(field) = field(head)? else {
        return Ok(());
    };
    let urls = dpop::urls(call, path);
    let purpose = Purpose { method: head.method.as_str(), urls: &urls, access_token: None };
    let verified = dpop::verify(call, field, purpose).map(Some);
    store(call, head, verified)
}

/// Verifies the DPoP proof of a request with an access token. The proof must name `method` and one of `urls`: those of
/// this request, or of the original request at a gateway.
pub fn prove_with_token(
    call: &mut Call<'_>,
    head: &Head,
    (scheme, token): (Scheme, &Secret),
    method: &str,
    urls: &[String],
) -> Result<()> {
    let purpose = Purpose { method, urls, access_token: Some(token.expose()) };
    let verified = dpop::verify_with_token(call, scheme, field(head)?, purpose);
    store(call, head, verified)
}

/// > There is not more than one DPoP HTTP request header field (RFC 9449 §4.3)
///
/// A comma joins two fields: no JWT contains one.
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

/// Stores the verified proof, and sends the nonce for the next one (RFC 9449 §8.2).
fn store(call: &mut Call<'_>, head: &Head, verified: Result<Option<Proof>>) -> Result<()> {
    let next = match &verified {
        Ok(None) => None,
        Ok(Some(proof)) => dpop::next_nonce(call, Some(proof))?,
        Err(_) => dpop::next_nonce(call, None)?,
    };
    if let Some(nonce) = next {
        head.set_dpop_nonce(&nonce);
    }
    call.possession.proof = verified?;
    Ok(())
}
