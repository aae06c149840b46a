//! `/verify/NAME`: forward authentication. A gateway sends the headers of a request that it received, and passes the
//! request on only if the response is 200. The token is presented as in [RFC 6750 §2.1] or [RFC 9449 §7.1].
//!
//! [RFC 6750 §2.1]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
//! [RFC 9449 §7.1]: https://www.rfc-editor.org/rfc/rfc9449#section-7.1

use axum::http::{HeaderName, HeaderValue, StatusCode};

use crate::config::{GatewayRoute, OriginalRequest};
use crate::flow::metadata::path;
use crate::flow::tokens::gateway::{self, Identity};
use crate::render::access_token::in_header;
use crate::render::dpop;
use crate::render::{Bearer, Head, Json, Request, Response};
use crate::types::{Code, Failure, Scheme, Secret};

/// The sender of the request, for the API behind the gateway. All of these headers are always present, so that a
/// gateway that copies them overwrites any that a client has sent; those that do not apply are empty.
const IDENTITY: [&str; 7] = [
    "x-auth-subject",
    "x-auth-client",
    "x-auth-scope",
    "x-auth-token-id",
    "x-auth-expires",
    "x-auth-time",
    "x-auth-acr",
];

/// Whether a request may pass. It reads no body, and only the headers that docs/gateways.md lists.
pub(super) async fn verify(request: Request) -> Result<Response, Bearer> {
    let head = &request.head.clone();
    let mut call = request.call();
    let (name, behind) = route_and_path(head);
    let route = gateway::route(&call, name).filter(|route| {
        head.is_from_proxy && (behind.is_empty() || route.original == OriginalRequest::Path)
    });
    let Some(route) = route else {
        let why = "there is no resource at this address";
        return Ok(Json::plain(StatusCode::NOT_FOUND, Code::NotFound, why));
    };
    let (scheme, token) = token(head)?;
    let (method, urls) = original(head, route, behind);
    dpop::prove_with_token(&mut call, head, (scheme, &token), method, &urls)?;
    Ok(passed(&gateway::authorize(&call, route, token.expose()).await?)?)
}

/// The name of the route, and the rest of the path with its slash.
fn route_and_path(head: &Head) -> (&str, &str) {
    let base = head.app().config.issuer.path();
    let below = head.uri.path().strip_prefix(base).and_then(|path| path.strip_prefix(path::VERIFY));
    let below = below.and_then(|below| below.strip_prefix('/')).unwrap_or_default();
    below.split_at(below.find('/').unwrap_or(below.len()))
}

/// The token of the original request. A gateway passes on 401 and 403 and treats every other error as a fault, so there
/// is no 400 here: an invalid header is treated like a missing one.
fn token(head: &Head) -> Result<(Scheme, Secret), Bearer> {
    in_header(head).ok().flatten().ok_or(Bearer::Missing)
}

/// The method and URL that a DPoP proof of the original request must name. Scheme and host come from the configuration.
/// If the gateway omits a header, or sends it twice, no proof matches.
fn original<'a>(head: &'a Head, route: &GatewayRoute, behind: &'a str) -> (&'a str, Vec<String>) {
    let (method, target) = match route.original {
        OriginalRequest::XOriginal => (head.text("x-original-method"), head.text("x-original-uri")),
        OriginalRequest::XForwarded => {
            (head.text("x-forwarded-method"), head.text("x-forwarded-uri"))
        }
        OriginalRequest::Path => (Some(head.method.as_str()), Some(behind)),
    };
    let url = match (&route.origin, target) {
        (Some(origin), Some(path)) if path.starts_with('/') => Some(format!("{origin}{path}")),
        (Some(_) | None, _) => None,
    };
    (method.unwrap_or_default(), url.into_iter().collect())
}

/// 200, with the identity of the sender for the API.
fn passed(identity: &Identity) -> Result<Response, Failure> {
    let token = &identity.token;
    let values = [
        identity.subject.clone(),
        token.client_id.to_string(),
        token.scope.to_string(),
        token.jti.clone(),
        token.expires_at.0.to_string(),
        identity.auth_time.map(|time| time.0.to_string()).unwrap_or_default(),
        identity.acr.clone().unwrap_or_default(),
    ];
    let mut response = Response::default();
    for (name, value) in IDENTITY.into_iter().zip(values) {
        // A value that does not fit is not omitted: the API could mistake the sender for another one.
        let value = HeaderValue::from_str(&value);
        let value =
            value.map_err(|_| Failure::internal(format!("{name} is not a valid header value")))?;
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    Ok(response)
}
