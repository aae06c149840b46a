//! The parameters of an authorization request: [RFC 6749 §4.1.1], [OIDC Core §3.1.2.1].
//!
//! [RFC 6749 §4.1.1]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1
//! [OIDC Core §3.1.2.1]: https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest

use std::sync::Arc;

use super::interaction::gone;
use super::response::{AuthorizationError, Home, ReturnTo, to_client_or_page};
use super::{Prompt, Request, id_token_hint, waiting};
use crate::flow::clients::redirect_uri;
use crate::flow::tokens::audience;
use crate::flow::{Call, tokens};
use crate::jose::base64url;
use crate::types::client::{GrantType, ResponseMode, ResponseType};
use crate::types::token::SealedRequest;
use crate::types::{
    Acr, Client, ClientId, Code, Params, Refusal, Result, Scope, Seconds, Thumbprint,
};

/// The parameter with a request that came by POST and continues as a GET.
pub const POSTED: &str = "gw_posted";

/// Where the parameters of a request come from.
#[derive(Debug)]
pub enum Source {
    /// The query of a GET.
    Query(Params),
    /// The form of a POST.
    Form(Params),
}

/// The parameters of a request.
#[derive(Debug)]
pub struct Parameters {
    /// As the client sent them.
    pub params: Params,
    /// Whether the request has to continue as a GET: a form of another site came without the Lax cookies
    /// (DESIGN §4).
    pub continues_as_get: bool,
}

impl Source {
    /// The parameters, whatever carries them.
    ///
    /// # Errors
    /// If what carries them is not valid.
    pub async fn parameters(self, call: &Call<'_>) -> Result<Parameters> {
        let (params, continues_as_get) = match self {
            Self::Query(params) => (params, false),
            Self::Form(params) => (params, true),
        };
        let Some(sealed) = params.one(POSTED)? else {
            return Ok(Parameters { params, continues_as_get });
        };
        let params = waiting::posted(call, sealed).await?.ok_or_else(gone)?;
        Ok(Parameters { params, continues_as_get: false })
    }
}

impl Parameters {
    /// The parameters sealed: the value of [`POSTED`].
    ///
    /// # Errors
    /// 413 if they are longer than the browser can carry.
    pub fn seal(&self, call: &Call<'_>) -> Result<SealedRequest> {
        waiting::post(call, &self.params)
    }
}

/// Parses and validates a request: the client, then the redirect URI, then everything else.
///
/// # Errors
/// An error page until client and redirect URI are verified, then as `to_client_or_page` decides.
pub async fn parse(call: &Call<'_>, params: &Params) -> Result<Request, AuthorizationError> {
    let id = params.need("client_id", "client_id is missing")?;
    let client = call.cache.client(&ClientId::from_text(id)).await?;
    // The same text for an unknown and a disabled client (THREATS AZ-01).
    let Some(client) = client.filter(|client| client.disabled_at.is_none()) else {
        return Err(Code::UnknownClient
            .because("client_id is not registered")
            .with("client_id", id)
            .into());
    };
    let uri = params.need("redirect_uri", "redirect_uri is missing")?;
    if let Err(mismatch) = redirect_uri::matches(&client, uri) {
        let refusal = Code::UnknownRedirectUri
            .because("redirect_uri is not registered for this client")
            .with("client_id", &client.id)
            .with("presented", uri)
            .with("comparison", mismatch);
        // Only the registered home page is linked, never the presented URI.
        return Err(AuthorizationError::OnPage(refusal.into(), Some(Home::of(&client))));
    }
    let mut return_to =
        ReturnTo { redirect_uri: uri.to_owned(), mode: ResponseMode::Query, state: None };
    let state = state(params);
    // A state that cannot be returned unchanged is not returned.
    return_to.state = state.as_ref().ok().copied().flatten().map(str::to_owned);
    let error = |return_to: &ReturnTo, error| to_client_or_page(&client, return_to, error);
    return_to.mode = mode(params).map_err(|refusal| error(&return_to, refusal.into()))?;
    state.map_err(|refusal| error(&return_to, refusal.into()))?;
    remaining(call, client.clone(), return_to.clone(), params)
        .await
        .map_err(|failed| error(&return_to, failed))
}

/// > REQUIRED if the "state" parameter was present in the client authorization request. The exact value
/// > received from the client. (RFC 6749 §4.1.2)
///
/// Appendix A.5 does not allow line breaks, and browsers rewrite them in forms (THREATS AZ-14).
fn state(params: &Params) -> Result<Option<&str>, Refusal> {
    let state = params.one("state")?;
    if state.is_some_and(|state| state.contains(char::is_control)) {
        return Err(Code::InvalidRequest.because("state has a control character"));
    }
    Ok(state)
}

fn mode(params: &Params) -> Result<ResponseMode, Refusal> {
    params.one("response_mode")?.map_or(Ok(ResponseMode::Query), |text| {
        ResponseMode::parse(text).ok_or_else(|| {
            Code::InvalidRequest.because("response_mode is none of query, fragment, form_post")
        })
    })
}

/// Everything but `client_id`, `redirect_uri`, `response_mode` and `state`.
async fn remaining(
    call: &Call<'_>,
    client: Arc<Client>,
    return_to: ReturnTo,
    params: &Params,
) -> Result<Request> {
    params.must_be_unique()?;
    if params.one("request")?.is_some() {
        return Err(Code::RequestNotSupported.because("request objects are not supported").into());
    }
    if params.one("request_uri")?.is_some() {
        return Err(Code::RequestUriNotSupported.because("request_uri is not supported").into());
    }
    let response_type = params.need("response_type", "response_type is missing")?;
    if response_type != ResponseType::Code.as_str() {
        return Err(Code::UnsupportedResponseType
            .because("the only response_type is code")
            .with("response_type", response_type)
            .into());
    }
    if !client.may_use(GrantType::AuthorizationCode) {
        return Err(Code::UnauthorizedClient
            .because("this client is not registered for authorization_code")
            .into());
    }
    let scope = scope(&client, params)?;
    let claims = params.one("claims")?.map(tokens::claims::parse).transpose()?.unwrap_or_default();
    if let Some(wanted) = claims.essential_acr
        && !wanted.iter().any(|acr| Acr::parse(acr).is_some())
    {
        return Err(Code::UnmetAuthenticationRequirements
            .because("an essential acr is requested that this server does not support")
            .with("acr", wanted.join(" "))
            .into());
    }
    let hinted = match params.one("id_token_hint")? {
        Some(hint) => Some(id_token_hint::subject(call, &client, hint)?),
        None => None,
    };
    let nonce = params.one("nonce")?.map(str::to_owned);
    Ok(Request {
        code_challenge: code_challenge(&client, params, &scope, nonce.is_some())?,
        dpop_jkt: params.one("dpop_jkt")?.map(dpop_jkt).transpose()?,
        prompt: prompt(params)?,
        max_age: max_age(params)?.or(client.metadata.default_max_age),
        resources: audience::authorized(call, &client, params).await?,
        login_hint: params.one("login_hint")?.map(str::to_owned),
        ui_locales: params.one("ui_locales")?.map(str::to_owned),
        subject: same_user(claims.subject, hinted)?,
        claims: claims.claims,
        client,
        return_to,
        scope,
        nonce,
    })
}

/// The user that `claims` and `id_token_hint` request; both may.
fn same_user(claimed: Option<String>, hinted: Option<String>) -> Result<Option<String>, Refusal> {
    if let (Some(claimed), Some(hinted)) = (&claimed, &hinted)
        && claimed != hinted
    {
        return Err(Code::InvalidRequest.because("claims and id_token_hint name different users"));
    }
    Ok(claimed.or(hinted))
}

/// RFC 6749 §3.3: a request without a scope fails, one of the two options that the section has.
fn scope(client: &Client, params: &Params) -> Result<Scope, Refusal> {
    let scope = Scope::parse(params.one("scope")?.unwrap_or_default())?;
    if scope.is_empty() {
        return Err(Code::InvalidScope.because("scope is missing"));
    }
    let allowed = client.scope();
    if !scope.within(&allowed) {
        return Err(Code::InvalidScope
            .because("a scope is requested that this client is not registered for")
            .with("asked", &scope)
            .with("registered", &allowed));
    }
    // > The Authorization Server MUST ignore the offline_access request unless the Client is using a
    // > response_type value that would result in an Authorization Code (OIDC Core §11)
    //
    // Without the refresh_token grant, offline_access has no effect either.
    if client.may_use(GrantType::RefreshToken) {
        Ok(scope)
    } else {
        Ok(scope.without("offline_access"))
    }
}

/// > Public clients MUST use PKCE […] confidential OpenID Connect clients MAY use the nonce parameter and
/// > the respective Claim in the ID Token instead. (RFC 9700 §2.1.1)
///
/// PKCE is required of all clients. Registration can make the exception with a nonce, and a second one for
/// clients that send neither.
fn code_challenge(
    client: &Client,
    params: &Params,
    scope: &Scope,
    has_nonce: bool,
) -> Result<Option<String>, Refusal> {
    let method = params.one("code_challenge_method")?;
    let Some(challenge) = params.one("code_challenge")? else {
        let metadata = &client.metadata;
        if metadata.gw_require_pkce || !client.is_confidential() || method.is_some() {
            return Err(Code::InvalidRequest.because(
                if client.is_confidential() && metadata.gw_require_pkce {
                    "code_challenge is missing: PKCE with S256 is required (RFC 7636); gw_require_pkce: false in the registration of this client would allow a nonce in its place"
                } else {
                    "code_challenge is missing: PKCE with S256 is required (RFC 7636)"
                },
            ));
        }
        if metadata.gw_require_nonce && !(scope.has("openid") && has_nonce) {
            return Err(Code::InvalidRequest.because(
                "code_challenge is missing, and so is openid with a nonce; gw_require_nonce: false in the registration of this client would allow that",
            ));
        }
        return Ok(None);
    };
    if method != Some("S256") {
        return Err(Code::InvalidRequest.because("code_challenge_method must be S256"));
    }
    // > BASE64URL-ENCODE(SHA256(ASCII(code_verifier))) (RFC 7636 §4.2): 43 characters for 32 bytes.
    if base64url::decode(challenge).is_none_or(|digest| digest.len() != 32) {
        return Err(Code::InvalidRequest
            .because("code_challenge is not the base64url form of a SHA-256 digest"));
    }
    Ok(Some(challenge.to_owned()))
}

/// > The value of the dpop_jkt authorization request parameter is the JWK Thumbprint \[RFC7638\] of the proof
/// > of possession public key using the SHA-256 hash function (RFC 9449 §10)
fn dpop_jkt(text: &str) -> Result<Thumbprint, Refusal> {
    Thumbprint::parse(text).ok_or_else(|| {
        Code::InvalidRequest.because("dpop_jkt is not the SHA-256 thumbprint of a key (RFC 7638)")
    })
}

fn prompt(params: &Params) -> Result<Prompt, Refusal> {
    let mut prompt = Prompt::default();
    for word in params.one("prompt")?.unwrap_or_default().split(' ').filter(|word| !word.is_empty())
    {
        let value = match word {
            "none" => &mut prompt.none,
            "login" => &mut prompt.login,
            "consent" => &mut prompt.consent,
            "select_account" => &mut prompt.select_account,
            _ => return Err(Code::InvalidRequest.because("prompt has an unknown value")),
        };
        if std::mem::replace(value, true) {
            return Err(Code::InvalidRequest.because("prompt has a value twice"));
        }
    }
    // > If this parameter contains none with any other value, an error is returned. (§3.1.2.1)
    if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
        return Err(Code::InvalidRequest.because("prompt has none together with another value"));
    }
    Ok(prompt)
}

fn max_age(params: &Params) -> Result<Option<Seconds>, Refusal> {
    let Some(text) = params.one("max_age")? else {
        return Ok(None);
    };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| digits);
    seconds
        .map(|seconds| Some(Seconds(seconds)))
        .ok_or_else(|| Code::InvalidRequest.because("max_age is not a number of seconds"))
}
