//! The authorization endpoint: [RFC 6749 §4.1.1], [OIDC Core §3.1.2], [RFC 9700].
//!
//! Checks come in this order: the client, the redirect URI, the rest. Until the first two are proven
//! nothing is sent anywhere; after that every answer goes to the client, with `iss` ([RFC 9207]).
//!
//! [RFC 6749 §4.1.1]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1
//! [OIDC Core §3.1.2]: https://openid.net/specs/openid-connect-core-1_0.html#AuthorizationEndpoint
//! [RFC 9700]: https://www.rfc-editor.org/rfc/rfc9700
//! [RFC 9207]: https://www.rfc-editor.org/rfc/rfc9207

pub mod interaction;
mod waiting;

use std::sync::Arc;

use serde_json::Value;

use self::waiting::WaitingRequest;
use crate::flow::Call;
use crate::flow::clients::redirect_uri;
use crate::flow::tokens::claims::{self, ClaimsRequest};
use crate::flow::tokens::{audience, subject};
use crate::jose::base64url;
use crate::jose::claims::{Audience, Claims};
use crate::jose::jws::{self, Keys, Typ};
use crate::store::consents::Consent;
use crate::store::sessions::SignedIn;
use crate::types::client::{ApplicationType, GrantType, ResponseMode, ResponseType};
use crate::types::{
    Acr, Algorithm, Client, ClientId, Code, Error, Params, Refusal, ResourceId, Result, Scope,
    Seconds, Thumbprint,
};

/// Where the authorization response goes. Client and redirect URI are verified.
#[derive(Clone, Debug)]
pub struct ReturnTo {
    /// As registered.
    pub redirect_uri: String,
    /// How.
    pub mode: ResponseMode,
    /// Returned unchanged.
    pub state: Option<String>,
}

/// An authorization response: RFC 6749 §4.1.2, and §4.1.2.1 for errors.
#[derive(Debug)]
pub struct AuthorizationResponse {
    /// Where it goes.
    pub return_to: ReturnTo,
    /// `code` or `error`, and what belongs to them.
    pub parameters: Vec<(&'static str, String)>,
}

impl ReturnTo {
    /// The successful response, with a code: RFC 6749 §4.1.2.
    pub fn code(self, issuer: &str, code: &str) -> AuthorizationResponse {
        self.response(issuer, vec![("code", code.to_owned())])
    }

    /// The error response: RFC 6749 §4.1.2.1.
    pub fn refusal(self, issuer: &str, refusal: &Refusal) -> AuthorizationResponse {
        let error = ("error", refusal.code.as_str().to_owned());
        self.response(issuer, vec![error, ("error_description", refusal.why.to_owned())])
    }

    /// > In authorization responses to the client, including error responses, an authorization server
    /// > supporting this specification MUST indicate its identity by including the iss parameter
    /// > (RFC 9207 §2)
    fn response(
        self,
        issuer: &str,
        mut parameters: Vec<(&'static str, String)>,
    ) -> AuthorizationResponse {
        if let Some(state) = &self.state {
            parameters.push(("state", state.clone()));
        }
        parameters.push(("iss", issuer.to_owned()));
        AuthorizationResponse { return_to: self, parameters }
    }
}

/// Why an authorization request ends without a code.
#[derive(Debug)]
pub enum AuthorizationError {
    /// An error page and no redirect: the client or its redirect URI is not verified, the request has expired, or
    /// the server failed. With a link back to the application, if that is known.
    OnPage(Error, Option<Home>),
    /// An error response to the client.
    ToClient(ReturnTo, Refusal),
}

/// Where an application is at home.
#[derive(Debug)]
pub struct Home {
    /// The application, which may have registered a home page.
    pub client: Arc<Client>,
    /// The origin of the redirect URI, if that is on the web.
    pub origin: Option<String>,
}

impl Home {
    /// As registered: nothing that a request says leads there (THREATS UI-07, M9).
    pub fn of(client: &Arc<Client>) -> Self {
        Self { client: client.clone(), origin: None }
    }

    /// Where the answer would have gone, to a redirect URI that is proven.
    fn behind(client: &Arc<Client>, return_to: &ReturnTo) -> Self {
        let url = url::Url::parse(&return_to.redirect_uri);
        let on_the_web = url.ok().filter(|url| matches!(url.scheme(), "https" | "http"));
        let origin = on_the_web.map(|url| format!("{}/", url.origin().ascii_serialization()));
        Self { origin, ..Self::of(client) }
    }
}

impl From<Error> for AuthorizationError {
    fn from(error: Error) -> Self {
        Self::OnPage(error, None)
    }
}

impl From<Refusal> for AuthorizationError {
    fn from(refusal: Refusal) -> Self {
        Self::OnPage(refusal.into(), None)
    }
}

impl From<sqlx::Error> for AuthorizationError {
    fn from(error: sqlx::Error) -> Self {
        Self::OnPage(error.into(), None)
    }
}

/// `prompt`: OIDC Core §3.1.2.1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Prompt {
    /// No page may be shown.
    pub none: bool,
    /// The user must prove again who they are.
    pub login: bool,
    /// The user must be asked for consent.
    pub consent: bool,
    /// The user must be asked which account to use.
    pub select_account: bool,
}

/// An authorization request that has passed its checks.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub client: Arc<Client>,
    /// Where the answer goes.
    pub return_to: ReturnTo,
    /// What is asked for.
    pub scope: Scope,
    /// For which APIs.
    pub resources: Vec<ResourceId>,
    /// Single claims (OIDC Core §5.5).
    pub claims: ClaimsRequest,
    /// Given back in the ID token.
    pub nonce: Option<String>,
    /// PKCE S256.
    pub code_challenge: Option<String>,
    /// `dpop_jkt`: only who holds this key may redeem the code (RFC 9449 §10).
    pub dpop_jkt: Option<Thumbprint>,
    /// `prompt`
    pub prompt: Prompt,
    /// How long ago the user may have signed in at most.
    pub max_age: Option<Seconds>,
    /// What to write into the sign-in form.
    pub login_hint: Option<String>,
    /// Only the user whom this client knows by this `sub` will do.
    pub subject: Option<String>,
    /// The languages that the user reads.
    pub ui_locales: Option<String>,
}

impl Request {
    /// The response to an error after client and redirect URI were verified: a refusal goes to the client, a failure
    /// to the user, who can try again.
    pub fn authorization_error(&self, error: Error) -> AuthorizationError {
        match error {
            Error::Refused(refusal) => {
                let refusal = refusal.with("client_id", &self.client.id);
                AuthorizationError::ToClient(self.return_to.clone(), refusal)
            }
            Error::Failed(failure) => AuthorizationError::OnPage(failure.into(), Some(self.home())),
        }
    }

    /// Where the application is at home.
    pub fn home(&self) -> Home {
        Home::behind(&self.client, &self.return_to)
    }
}

/// Reads a request.
///
/// # Errors
/// A page before client and redirect URI are proven, an answer to the client after.
pub async fn read(call: &Call<'_>, params: &Params) -> Result<Request, AuthorizationError> {
    let id = params.need("client_id", "client_id is missing")?;
    let client = call.cache.client(&ClientId::from_text(id)).await?;
    // Unknown and disabled in the same words (THREATS AZ-01).
    let Some(client) = client.filter(|client| client.disabled_at.is_none()) else {
        return Err(Code::UnknownClient
            .because("client_id names no client of ours")
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
        // The home page was registered; what was presented leads nowhere.
        return Err(AuthorizationError::OnPage(refusal.into(), Some(Home::of(&client))));
    }
    let mut return_to =
        ReturnTo { redirect_uri: uri.to_owned(), mode: ResponseMode::Query, state: None };
    let state = state(params);
    // One that cannot be given back as it came is not given back.
    return_to.state = state.as_ref().ok().copied().flatten().map(str::to_owned);
    let error_response = |return_to: &ReturnTo, error: Error| match error {
        Error::Refused(refusal) => {
            AuthorizationError::ToClient(return_to.clone(), refusal.with("client_id", &client.id))
        }
        Error::Failed(failure) => {
            AuthorizationError::OnPage(failure.into(), Some(Home::behind(&client, return_to)))
        }
    };
    return_to.mode = mode(params).map_err(|refusal| error_response(&return_to, refusal.into()))?;
    state.map_err(|refusal| error_response(&return_to, refusal.into()))?;
    rest(call, client.clone(), return_to.clone(), params)
        .await
        .map_err(|error| error_response(&return_to, error))
}

/// > REQUIRED if the "state" parameter was present in the client authorization request. The exact value
/// > received from the client. (RFC 6749 §4.1.2)
///
/// Line breaks are not of the characters of appendix A.5, and browsers rewrite them in forms
/// (THREATS AZ-14).
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

async fn rest(
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
    let asked = params.one("claims")?.map(claims::read).transpose()?.unwrap_or_default();
    if let Some(wanted) = asked.essential_acr
        && !wanted.iter().any(|acr| Acr::parse(acr).is_some())
    {
        return Err(Code::UnmetAuthenticationRequirements
            .because("an essential acr is asked for that we cannot give")
            .with("acr", wanted.join(" "))
            .into());
    }
    let hinted = match params.one("id_token_hint")? {
        Some(hint) => Some(hinted(call, &client, hint)?),
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
        subject: the_same(asked.subject, hinted)?,
        claims: asked.claims,
        client,
        return_to,
        scope,
        nonce,
    })
}

/// Whom `claims` and `id_token_hint` name, each in its way.
fn the_same(asked: Option<String>, hinted: Option<String>) -> Result<Option<String>, Refusal> {
    if let (Some(asked), Some(hinted)) = (&asked, &hinted)
        && asked != hinted
    {
        return Err(Code::InvalidRequest.because("two different users are asked for"));
    }
    Ok(asked.or(hinted))
}

/// RFC 6749 §3.3: a request without a scope fails, as one of the two things that the section allows.
fn scope(client: &Client, params: &Params) -> Result<Scope, Refusal> {
    let scope = Scope::parse(params.one("scope")?.unwrap_or_default())?;
    if scope.is_empty() {
        return Err(Code::InvalidScope.because("scope is missing"));
    }
    let allowed = client.scope();
    if !scope.within(&allowed) {
        return Err(Code::InvalidScope
            .because("a scope is asked for that this client is not registered for")
            .with("asked", &scope)
            .with("registered", &allowed));
    }
    // > The Authorization Server MUST ignore the offline_access request unless the Client is using a
    // > response_type value that would result in an Authorization Code (OIDC Core §11); without the
    // > refresh_token grant there is nothing that it could ask for either.
    if client.may_use(GrantType::RefreshToken) {
        Ok(scope)
    } else {
        Ok(scope.without("offline_access"))
    }
}

/// > Public clients MUST use PKCE […] confidential OpenID Connect clients MAY use the nonce parameter and
/// > the respective Claim in the ID Token instead. (RFC 9700 §2.1.1)
///
/// We ask it of all clients; that exception has to be registered, and so has one from the nonce, for
/// programs that send neither.
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
                "neither code_challenge nor openid with a nonce is there; gw_require_nonce: false in the registration of this client would allow that",
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
        let asked = match word {
            "none" => &mut prompt.none,
            "login" => &mut prompt.login,
            "consent" => &mut prompt.consent,
            "select_account" => &mut prompt.select_account,
            _ => return Err(Code::InvalidRequest.because("prompt has a value that we do not know")),
        };
        if std::mem::replace(asked, true) {
            return Err(Code::InvalidRequest.because("prompt has a value twice"));
        }
    }
    // > If this parameter contains none with any other value, an error is returned. (§3.1.2.1)
    if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
        return Err(Code::InvalidRequest.because("prompt has none beside another value"));
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

/// The `sub` of an `id_token_hint`. It may have expired; it must be one of ours, for this client.
///
/// # Errors
/// `invalid_request`.
pub fn hinted(call: &Call<'_>, client: &Client, hint: &str) -> Result<String> {
    let hint = read_hint(call, hint)?;
    if hint.client_id != client.id {
        return Err(Code::InvalidRequest.because("id_token_hint is for another client").into());
    }
    Ok(hint.subject)
}

/// What an `id_token_hint` says.
#[derive(Debug)]
pub struct Hint {
    /// To which client we gave it.
    pub client_id: ClientId,
    /// What that client calls the user.
    pub subject: String,
    /// What that client calls the sign-in: [`crate::flow::tokens::sid`].
    pub sid: String,
}

/// Reads an ID token of ours, however old.
///
/// # Errors
/// `invalid_request` for what we did not sign, and for what we signed as something else: a signed
/// answer of userinfo has neither `exp` nor `sid` (THREATS JO-07).
pub fn read_hint(call: &Call<'_>, hint: &str) -> Result<Hint> {
    let wrong = |why| {
        Code::InvalidRequest.because("id_token_hint is not an ID token of ours").with("reason", why)
    };
    let keys = call.keys()?;
    let verified =
        jws::verify(hint, Keys::Published(&keys.hints), Algorithm::OURS, Typ::AbsentOr(&["JWT"]))
            .map_err(wrong)?;
    let claims = Claims::read(&verified.claims).map_err(wrong)?;
    if claims.issuer.as_deref() != Some(call.issuer()) {
        return Err(wrong("iss is not our issuer identifier").into());
    }
    if claims.issued_at.is_none_or(|issued_at| issued_at.is_ahead_of(call.now)) {
        return Err(wrong("it was issued at a time to come (iat)").into());
    }
    let sid = verified.claims.get("sid").and_then(Value::as_str);
    match (claims.audience, claims.subject, sid, claims.expires_at) {
        (Some(Audience::One(client)), Some(subject), Some(sid), Some(_)) => {
            Ok(Hint { client_id: ClientId::from_text(client), subject, sid: sid.to_owned() })
        }
        _ => Err(wrong("it lacks a claim that our ID tokens have").into()),
    }
}

/// What has to happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The user proves who they are.
    SignIn,
    /// The user who is signed in proves it again (`prompt=login`, `max_age`: OIDC Core §3.1.2.1).
    Confirm,
    /// The user says which account they want.
    SelectAccount,
    /// The user is asked.
    Consent,
    /// A code is issued, on the ground of the consent that stands.
    Issue,
    /// A code is issued to a client that needs no consent.
    IssueTrusted,
}

/// What the user is asked to allow.
pub fn asked(request: &Request) -> Consent {
    Consent {
        scope: request.scope.clone(),
        resources: request.resources.clone(),
        claims: request.claims.beyond(&request.scope),
    }
}

/// Judges what has to happen next. With `prompt=none` there is a code or an error, never a page
/// (OIDC Core §3.1.2.6).
///
/// `waiting` is a request that has seen a page; a sign-in that was made on its behalf is
/// what satisfies `prompt=login` and `max_age`.
///
/// # Errors
/// `login_required`, `consent_required`.
pub fn decide(
    call: &Call<'_>,
    request: &Request,
    signed_in: Option<&SignedIn>,
    waiting: Option<&WaitingRequest>,
) -> Result<Next> {
    let silent = |code: Code, why: &'static str, next| {
        if request.prompt.none { Err(Error::Refused(code.because(why))) } else { Ok(next) }
    };
    let Some(SignedIn { session, user, consent }) = signed_in else {
        return silent(Code::LoginRequired, "nobody is signed in", Next::SignIn);
    };
    let on_behalf = waiting.filter(|waiting| waiting.session_id.as_ref() == Some(&session.id));
    let is_fresh = on_behalf.is_some_and(|waiting| session.auth_time >= waiting.created_at);

    if let Some(wanted) = &request.subject {
        let is_wanted = *wanted == subject::of(&*call.keys()?, &request.client, &user.id);
        let why = "the user that is asked for is not signed in, or has not agreed to be known here";
        if is_fresh && !is_wanted {
            return Err(Code::LoginRequired.because(why).into());
        }
        // One answer for both, or a client could ask who somebody is whom it may not know.
        if !is_wanted || (request.prompt.none && !may_know(call, request, consent.as_ref())) {
            return silent(Code::LoginRequired, why, Next::SignIn);
        }
    }
    let age = call.now - session.auth_time;
    let is_too_old = request.max_age.is_some_and(|max| max == Seconds(0) || age > max);
    if !is_fresh && (request.prompt.login || is_too_old) {
        let why = "the user has to sign in again: the last time is too long ago";
        return silent(Code::LoginRequired, why, Next::Confirm);
    }
    if request.prompt.select_account && on_behalf.is_none() {
        let why = "the user has to choose an account";
        return silent(Code::LoginRequired, why, Next::SelectAccount);
    }
    if request.prompt.consent {
        return silent(Code::ConsentRequired, "the user has to be asked", Next::Consent);
    }
    if is_trusted(call, request) {
        return Ok(Next::IssueTrusted);
    }
    let is_covered = consent.as_ref().is_some_and(|consent| consent.covers(&asked(request)));
    if is_covered && !can_be_impersonated(call, request) {
        return Ok(Next::Issue);
    }
    silent(Code::ConsentRequired, "the user has not agreed to all that is asked for", Next::Consent)
}

/// Whether the client needs no consent. Nobody can be trusted whom anybody can pass for (THREATS UI-10).
pub fn is_trusted(call: &Call<'_>, request: &Request) -> bool {
    request.client.metadata.gw_skip_consent && !can_be_impersonated(call, request)
}

/// Whether the user has told this client who they are.
fn may_know(call: &Call<'_>, request: &Request, consent: Option<&Consent>) -> bool {
    let has_told = consent.is_some_and(|consent| consent.scope.has("openid"));
    is_trusted(call, request) || (has_told && !can_be_impersonated(call, request))
}

/// > authorization servers SHOULD NOT process authorization requests automatically without user consent
/// > or interaction, except when the identity of the client can be assured. (RFC 8252 §8.6)
///
/// A public client whose answer goes to a custom scheme or to the loopback interface may be any program
/// on the device; one that is answered at an https address is at least the owner of that address.
fn can_be_impersonated(call: &Call<'_>, request: &Request) -> bool {
    let is_at_https = request.return_to.redirect_uri.starts_with("https://");
    !request.client.is_confidential() && !is_at_https && !is_in_development(call, request)
}

/// Whether it is a web application on the same machine as an issuer that no other machine reaches: an `http` issuer
/// has a loopback name. It is answered as it will be at its https address, silent renewal included (decision 0026).
fn is_in_development(call: &Call<'_>, request: &Request) -> bool {
    let is_local = !call.config.issuer.is_https();
    let is_web = request.client.metadata.application_type == ApplicationType::Web;
    is_local && is_web && request.return_to.redirect_uri.starts_with("http://")
}
