//! `GET` and `POST /userinfo`: [OIDC Core §5.3], with the token as in [RFC 6750 §2] or [RFC 9449 §7.1].
//!
//! [OIDC Core §5.3]: https://openid.net/specs/openid-connect-core-1_0.html#UserInfo
//! [RFC 6750 §2]: https://www.rfc-editor.org/rfc/rfc6750#section-2
//! [RFC 9449 §7.1]: https://www.rfc-editor.org/rfc/rfc9449#section-7.1

use axum::http::Method;
use axum::http::header::CONTENT_TYPE;

use crate::flow::metadata::path;
use crate::flow::tokens::access_token;
use crate::flow::tokens::dpop::{self as proofs, Scheme};
use crate::flow::tokens::userinfo::{self, Body};
use crate::render::access_token::in_header;
use crate::render::dpop;
use crate::render::{Bearer, Request, Response, json};
use crate::types::{Code, Secret};

/// The claims about the user of an access token.
pub(super) async fn userinfo(mut request: Request) -> Result<Response, Bearer> {
    let (scheme, token) = token(&mut request).await?;
    let mut call = request.call();
    // The origins of the token's client may read the response even if the token is expired or revoked: the application
    // must be able to read why.
    if request.head.headers.contains_key(axum::http::header::ORIGIN)
        && let Some(client) = access_token::client(&call, token.expose()).await?
    {
        request.head.allow_origin_of(&client);
    }
    let urls = proofs::urls(&call, path::USERINFO);
    let method = request.head.method.as_str();
    dpop::prove_with_token(&mut call, &request.head, (scheme, &token), method, &urls)?;
    Ok(match userinfo::userinfo(&call, token.expose()).await? {
        Body::Json(claims) => json::ok(&claims),
        Body::Jwt(jwt) => json::typed("application/jwt", jwt.expose().to_owned()),
    })
}

/// > Clients MUST NOT use more than one method to transmit the token in each request. (RFC 6750 §2)
///
/// The third method, the query, is not supported: URLs are stored in logs and histories (RFC 9700 §4.3.2).
async fn token(request: &mut Request) -> Result<(Scheme, Secret), Bearer> {
    if request.head.query()?.one("access_token")?.is_some() {
        return Err(Code::InvalidRequest.because("an access token must not be in the URI").into());
    }
    let in_header = in_header(&request.head)?;
    // A body of another type contains no token; it is refused only if there is no other token.
    let has_form = request.head.method == Method::POST
        && (request.head.announces_form()
            || (in_header.is_none() && request.head.headers.contains_key(CONTENT_TYPE)));
    let in_body = if has_form {
        let form = request.form_beside_query().await?;
        form.one("access_token")?.map(Secret::new)
    } else {
        None
    };
    match (in_header, in_body) {
        (Some(token), None) => Ok(token),
        (None, Some(token)) => Ok((Scheme::Bearer, token)),
        (Some(_), Some(_)) => {
            Err(Code::InvalidRequest.because("the access token is sent by two methods").into())
        }
        (None, None) => Err(Bearer::Missing),
    }
}
