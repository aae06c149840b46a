//! The server, as an application meets it: everything but the issuer comes from discovery, and what
//! OAuth is done by the `oauth2` crate.

use std::pin::Pin;
use std::time::Duration;

use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RefreshToken, Scope, StandardRevocableToken, StandardTokenResponse, TokenResponse as _,
    TokenUrl,
};
use reqwest::redirect::Policy;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::trouble::Trouble;
use crate::jose::Jws;
use crate::types::{Algorithm, Secret, Timestamp, json};
use crate::verify::IssuerKeys;
use crate::verify::id_token::{self, Expected, IdToken, Occasion};

/// The algorithm of ID tokens that the application is registered for.
const ALGORITHM: Algorithm = Algorithm::Rs256;

/// The application, as it was registered.
#[derive(Debug)]
pub(in crate::cli::demo) struct Registration {
    /// The one thing that an application knows about its provider.
    pub(in crate::cli::demo) issuer: String,
    /// `client_id`
    pub(in crate::cli::demo) client_id: String,
    /// `client_secret`
    pub(in crate::cli::demo) secret: Secret,
    /// `redirect_uris`, its only one.
    pub(in crate::cli::demo) redirect_uri: String,
    /// `post_logout_redirect_uris`, its only one.
    pub(in crate::cli::demo) signed_out_uri: String,
    /// What it asks for.
    pub(in crate::cli::demo) scopes: Vec<String>,
    /// For whom its access tokens are: RFC 8707.
    pub(in crate::cli::demo) resources: Vec<String>,
}

/// What the ID token should say beside who it is, so that somebody can be called by name at once
/// (OIDC Core §5.5); the rest is for userinfo to tell.
const CLAIMS: &str = r#"{"id_token":{"name":null,"email":null}}"#;

/// What the discovery document says: OIDC Discovery 1.0 §3.
#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    userinfo_endpoint: Url,
    revocation_endpoint: Url,
    end_session_endpoint: Url,
    jwks_uri: Url,
}

/// The field of a token response that OpenID Connect adds (OIDC Core §3.1.3.3).
#[derive(Clone, Debug, Deserialize, Serialize)]
struct OpenIdFields {
    id_token: Option<String>,
}

impl ExtraTokenFields for OpenIdFields {}

type Output = StandardTokenResponse<OpenIdFields, BasicTokenType>;

type Client = oauth2::Client<
    BasicErrorResponse,
    Output,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The provider, discovered.
#[derive(Debug)]
pub(super) struct Provider {
    registration: Registration,
    metadata: Metadata,
    client: Client,
    http: reqwest::Client,
    keys: IssuerKeys,
}

/// A sign-in that has begun, and what its answer must fit.
#[derive(Debug)]
pub(super) struct SignIn {
    /// `state`
    pub(super) state: CsrfToken,
    nonce: String,
    verifier: PkceCodeVerifier,
}

/// What the application holds for somebody.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    /// For userinfo and for APIs.
    pub(super) access: Secret,
    /// When it expires, by what the server said.
    pub(super) expires_at: Option<Timestamp>,
    /// For the next access token.
    pub(super) refresh: Option<Secret>,
    /// What was granted.
    pub(super) scope: String,
    /// Who signed in.
    pub(super) id_token: IdToken,
}

impl Provider {
    /// Asks the server what it is.
    ///
    /// # Errors
    /// When it does not answer, or is another than the one that was asked.
    pub(super) async fn discover(registration: Registration) -> Result<Self, Trouble> {
        let http = http_client()?;
        let address = format!("{}/.well-known/openid-configuration", registration.issuer);
        let metadata: Metadata = serde_json::from_value(fetch(&http, &address).await?)
            .map_err(|_| Trouble::Odd("its discovery document lacks an endpoint"))?;
        // > The issuer value returned MUST be identical to the Issuer URL that was used as the prefix
        // > (OIDC Discovery §4.3)
        if metadata.issuer != registration.issuer {
            return Err(Trouble::Untrusted("the discovery document is of another issuer"));
        }
        let keys = IssuerKeys::at(metadata.jwks_uri.as_str(), http.clone());
        let redirect_uri = RedirectUrl::new(registration.redirect_uri.clone())
            .map_err(|_| Trouble::Odd("the redirect URI is not a URL"))?;
        let client = oauth2::Client::new(ClientId::new(registration.client_id.clone()))
            .set_client_secret(ClientSecret::new(registration.secret.expose().to_owned()))
            .set_auth_uri(AuthUrl::from_url(metadata.authorization_endpoint.clone()))
            .set_token_uri(TokenUrl::from_url(metadata.token_endpoint.clone()))
            .set_redirect_uri(redirect_uri);
        Ok(Self { registration, metadata, client, http, keys })
    }

    /// By whom people are signed in.
    pub(super) fn issuer(&self) -> &str {
        &self.registration.issuer
    }

    /// Begins a sign-in: where the browser goes, and what its answer must fit.
    pub(super) fn begin(&self) -> (Url, SignIn) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = Secret::generate().expose().to_owned();
        let scopes = self.registration.scopes.iter().cloned().map(Scope::new);
        let mut request = self
            .client
            .authorize_url(CsrfToken::new_random)
            .add_scopes(scopes)
            .add_extra_param("nonce", nonce.clone())
            .add_extra_param("claims", CLAIMS)
            .set_pkce_challenge(challenge);
        for resource in &self.registration.resources {
            request = request.add_extra_param("resource", resource);
        }
        let (url, state) = request.url();
        (url, SignIn { state, nonce, verifier })
    }

    /// Trades a code for tokens, and believes the ID token only after it was checked.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub(super) async fn redeem(
        &self,
        sign_in: SignIn,
        code: String,
        now: Timestamp,
    ) -> Result<Tokens, Trouble> {
        let answer = self
            .client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(sign_in.verifier)
            .request_async(&send(&self.http))
            .await
            .map_err(Trouble::at_token("The sign-in was refused"))?;
        self.believe(&answer, Occasion::SignIn(&sign_in.nonce), now).await
    }

    /// Trades a refresh token for new tokens.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub(super) async fn refresh(&self, held: &Tokens, now: Timestamp) -> Result<Tokens, Trouble> {
        let Some(token) = &held.refresh else {
            return Err(Trouble::Odd("there is no refresh token"));
        };
        let token = RefreshToken::new(token.expose().to_owned());
        let answer = self
            .client
            .exchange_refresh_token(&token)
            .request_async(&send(&self.http))
            .await
            .map_err(Trouble::at_token("The refresh was refused"))?;
        let mut tokens = self.believe(&answer, Occasion::Refresh(&held.id_token), now).await?;
        // > The authorization server MAY issue a new refresh token (RFC 6749 §6)
        tokens.refresh = tokens.refresh.or_else(|| held.refresh.clone());
        Ok(tokens)
    }

    async fn believe(
        &self,
        answer: &Output,
        occasion: Occasion<'_>,
        now: Timestamp,
    ) -> Result<Tokens, Trouble> {
        let access = answer.access_token().secret();
        let id_token = match (&answer.extra_fields().id_token, &occasion) {
            (None, Occasion::Refresh(before)) => (*before).clone(),
            (None, Occasion::SignIn(_)) => return Err(Trouble::Odd("there is no ID token in it")),
            (Some(compact), _) => {
                let expected = Expected {
                    issuer: &self.registration.issuer,
                    client_id: &self.registration.client_id,
                    algorithm: ALGORITHM,
                    occasion,
                    access_token: access,
                    now,
                };
                let jws = Jws::parse(compact).map_err(Trouble::Untrusted)?;
                let keys = self.keys.keys_for(&jws, now).await.map_err(Trouble::NoKeys)?;
                id_token::verify(compact, &keys, &expected).map_err(Trouble::Untrusted)?
            }
        };
        let seconds = answer.expires_in().and_then(|time| i64::try_from(time.as_secs()).ok());
        let scopes = answer.scopes().into_iter().flatten().map(|scope| scope.as_str());
        Ok(Tokens {
            access: Secret::new(access),
            expires_at: seconds.map(|seconds| Timestamp(now.0.saturating_add(seconds))),
            refresh: answer.refresh_token().map(|token| Secret::new(token.secret())),
            scope: scopes.collect::<Vec<_>>().join(" "),
            id_token,
        })
    }

    /// What the server tells about whose access token this is.
    ///
    /// > The sub Claim in the UserInfo Response MUST be verified to exactly match the sub Claim in the
    /// > ID Token (OIDC Core §5.3.2)
    ///
    /// # Errors
    /// See [`Trouble`].
    pub(super) async fn userinfo(&self, tokens: &Tokens) -> Result<Map<String, Value>, Trouble> {
        let address = self.metadata.userinfo_endpoint.clone();
        let request = self.http.get(address).bearer_auth(tokens.access.expose());
        let response = request.send().await.map_err(Trouble::Silent)?;
        if !response.status().is_success() {
            return Err(refusal("Userinfo was refused", response).await);
        }
        let body = response.bytes().await.map_err(Trouble::Silent)?;
        let claims = json::parse_object(&body).map_err(Trouble::Odd)?;
        if claims.get("sub").and_then(Value::as_str) != Some(&tokens.id_token.subject) {
            return Err(Trouble::Untrusted("userinfo is about somebody else"));
        }
        Ok(claims)
    }

    /// Gives back what was granted: the refresh token, and with it everything that came of it; without
    /// one, the access token. By hand, because the crate revokes over https only.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub(super) async fn revoke(&self, tokens: &Tokens) -> Result<(), Trouble> {
        let (token, hint) = match &tokens.refresh {
            Some(token) => (token, "refresh_token"),
            None => (&tokens.access, "access_token"),
        };
        let response = self
            .http
            .post(self.metadata.revocation_endpoint.clone())
            .basic_auth(&self.registration.client_id, Some(self.registration.secret.expose()))
            .form(&[("token", token.expose()), ("token_type_hint", hint)])
            .send()
            .await
            .map_err(Trouble::Silent)?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(refusal("The revocation was refused", response).await)
    }

    /// Where the browser goes to be signed out at the server too: OIDC RP-Initiated Logout 1.0 §2.
    pub(super) fn sign_out(&self, id_token: &IdToken, state: &str) -> Url {
        let mut url = self.metadata.end_session_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("id_token_hint", &id_token.compact)
            .append_pair("post_logout_redirect_uri", &self.registration.signed_out_uri)
            .append_pair("state", state);
        url
    }
}

/// reqwest, as the `oauth2` crate wants it. The future is boxed, or the compiler cannot tell that it may
/// be sent to another thread.
fn send(http: &reqwest::Client) -> impl Fn(HttpRequest) -> Sending {
    let http = http.clone();
    move |request| {
        let http = http.clone();
        Box::pin(async move {
            let response = http.execute(request.try_into()?).await?;
            let mut answer = HttpResponse::new(Vec::new());
            *answer.status_mut() = response.status();
            *answer.headers_mut() = response.headers().clone();
            *answer.body_mut() = response.bytes().await?.into();
            Ok(answer)
        })
    }
}

type Sending = Pin<Box<dyn Future<Output = reqwest::Result<HttpResponse>> + Send>>;

/// Follows no redirects, for a server that could send us anywhere could send our secrets there; heeds
/// no proxy of the environment; and trusts no certificate authority, for all it speaks is http on
/// loopback.
fn http_client() -> Result<reqwest::Client, Trouble> {
    reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .tls_certs_only([])
        .timeout(Duration::from_secs(10))
        .build()
        .map_err(Trouble::Silent)
}

async fn fetch(http: &reqwest::Client, address: &str) -> Result<Value, Trouble> {
    let response = http.get(address).send().await.and_then(reqwest::Response::error_for_status);
    let body = response.map_err(Trouble::Silent)?.bytes().await.map_err(Trouble::Silent)?;
    json::parse(&body).map_err(Trouble::Odd)
}

/// A refusal in the body (RFC 6749 §5.2), or in the header where there is no body (RFC 6750 §3).
async fn refusal(what: &'static str, response: reqwest::Response) -> Trouble {
    let status = response.status();
    let challenge = response.headers().get("www-authenticate").and_then(|it| it.to_str().ok());
    let challenge = challenge.unwrap_or_default().to_owned();
    let body = response.bytes().await.unwrap_or_default();
    let body = json::parse_object(&body).unwrap_or_default();
    let said = |name: &str| {
        let in_body = body.get(name).and_then(Value::as_str).map(str::to_owned);
        in_body.or_else(|| parameter(&challenge, name).map(str::to_owned))
    };
    let code = said("error").unwrap_or_else(|| format!("HTTP {}", status.as_u16()));
    Trouble::refused(what, &code, said("error_description").as_deref())
}

/// A quoted parameter of a challenge.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}
