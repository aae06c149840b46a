//! The credentials of a client: [RFC 6749 §2.3], [RFC 7521 §4.2].
//!
//! [RFC 6749 §2.3]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3
//! [RFC 7521 §4.2]: https://www.rfc-editor.org/rfc/rfc7521#section-4.2

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::flow::Call;
use crate::flow::clients::authentication::{self, Presented};
use crate::render::Head;
use crate::types::{Client, ClientId, Code, Params, Refusal, Result, Secret, params};

/// RFC 7523 §2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Authenticates the client of a request, and permits its origins to read the response.
pub(super) async fn authenticate(
    call: &Call<'_>,
    head: &Head,
    form: &Params,
) -> Result<Arc<Client>> {
    let presented = presented(head, form)?;
    let client = authentication::authenticate(call, &presented, head.uri.path()).await;
    let client = client.inspect_err(|_| {
        if head.certificate.is_some() {
            call.metrics.certificate_not_authenticated();
        }
    })?;
    // A public client is not authenticated: its certificate is recorded once a token is bound to it.
    if client.is_confidential() {
        call.note_certificate(&client.id);
    }
    head.allow_origin_of(&client);
    Ok(client)
}

/// The credentials of the request.
///
/// > The client MUST NOT use more than one authentication method in each request. (RFC 6749 §2.3)
fn presented(head: &Head, form: &Params) -> Result<Presented, Refusal> {
    let id = form.one("client_id")?.map(ClientId::from_text);
    let secret = form.one("client_secret")?.map(Secret::new);
    let assertion = assertion(form)?;
    let basic = basic(head)?;
    match (basic, secret, assertion, id) {
        (Some((named, secret)), None, None, id) => {
            if id.is_some_and(|id| id != named) {
                return Err(Code::InvalidRequest
                    .because("client_id differs from that of the Authorization header"));
            }
            Ok(Presented::Basic { id: named, secret })
        }
        (None, Some(secret), None, Some(id)) => Ok(Presented::Post { id, secret }),
        (None, None, Some(jwt), id) => Ok(Presented::Assertion { id, jwt }),
        (None, None, None, Some(id)) => Ok(Presented::Named { id }),
        (None, None, None, None) => {
            Err(Code::InvalidClient.because("the request does not identify the client"))
        }
        (None, Some(_), None, None) => Err(Code::InvalidRequest.because("client_id is missing")),
        (Some(_), _, _, _) | (None, Some(_), Some(_), _) => Err(Code::InvalidRequest
            .because("the client uses more than one authentication method (RFC 6749 section 2.3)")),
    }
}

fn assertion(form: &Params) -> Result<Option<Secret>, Refusal> {
    match (form.one("client_assertion_type")?, form.one("client_assertion")?) {
        (None, None) => Ok(None),
        (Some(JWT_BEARER), Some(jwt)) => Ok(Some(Secret::new(jwt))),
        (Some(_), Some(_)) => Err(Code::InvalidClient.because("client_assertion_type is unknown")),
        (None, Some(_)) | (Some(_), None) => Err(Code::InvalidRequest
            .because("client_assertion and client_assertion_type must be sent together")),
    }
}

/// > The client identifier is encoded using the "application/x-www-form-urlencoded" encoding algorithm
/// > per Appendix B, and the encoded value is used as the username; the client password is encoded using
/// > the same algorithm and used as the password. (RFC 6749 §2.3.1)
///
/// Invalid encodings are refused, not repaired (THREATS TE-05).
pub(super) fn basic(head: &Head) -> Result<Option<(ClientId, Secret)>, Refusal> {
    let mut fields = head.headers.get_all(AUTHORIZATION).iter();
    let Some(field) = fields.next() else {
        return Ok(None);
    };
    if fields.next().is_some() {
        return Err(Code::InvalidRequest.because("there are two Authorization headers"));
    }
    let read = || {
        let (scheme, credentials) = field.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Basic") {
            return None;
        }
        let bytes = Zeroizing::new(STANDARD.decode(credentials.trim_start_matches(' ')).ok()?);
        let (id, secret) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
        let decoded = |text| params::decode(text).ok();
        Some((ClientId::from_text(decoded(id)?), Secret::new(decoded(secret)?)))
    };
    let malformed = || {
        Code::InvalidClient
            .because("the Authorization header is not Basic with form-encoded credentials")
    };
    read().map(Some).ok_or_else(malformed)
}
