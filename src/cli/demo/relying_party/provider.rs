//! The OpenID Provider, from the side of the client: endpoints come from discovery, and the `oauth2` crate sends the
//! OAuth requests.

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

use super::error::Error;
use crate::jose::Jws;
use crate::types::{Algorithm, Secret, Timestamp, json};
use crate::verify::IssuerKeys;
use crate::verify::id_token::{self, Expected, IdToken, Occasion};

/// The algorithm of ID tokens that the application is registered for.
const ALGORITHM: Algorithm = Algorithm::Rs256;

/// The registration of the application.
#[derive(Debug)]
pub(in crate::cli::demo) struct Registration {
    /// The issuer: all other information about the provider comes from discovery.
    pub(in crate::cli::demo) issuer: String,
    /// `client_id`
    pub(in crate::cli::demo) client_id: String,
    /// `client_secret`
    pub(in crate::cli::demo) secret: Secret,
    /// `redirect_uris`, its only one.
    pub(in crate::cli::demo) redirect_uri: String,
    /// `post_logout_redirect_uris`, its only one.
    pub(in crate::cli::demo) signed_out_uri: String,
    /// The requested scopes.
    pub(in crate::cli::demo) scopes: Vec<String>,
    /// The audience of its access tokens: RFC 8707.
    pub(in crate::cli::demo) resources: Vec<String>,
}

/// Claims requested for the ID token (OIDC Core §5.5), so that the page can display the name at once; the others come
/// from userinfo.
const CLAIMS: &str = r#"{"id_token":{"name":null,"email":null}}"#;

/// The discovery document: OIDC Discovery 1.0 §3.
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

/// A pending authentication request, with the values that its response must match.
#[derive(Debug)]
pub(super) struct SignIn {
    /// `state`
    pub(super) state: CsrfToken,
    nonce: String,
    verifier: PkceCodeVerifier,
}

/// The tokens of a user.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    /// For userinfo and for APIs.
    pub(super) access: Secret,
    /// When it expires, by `expires_in`.
    pub(super) expires_at: Option<Timestamp>,
    /// For the next access token.
    pub(super) refresh: Option<Secret>,
    /// The granted scope.
    pub(super) scope: String,
    /// The verified ID token.
    pub(super) id_token: IdToken,
}

impl Provider {
    /// Fetches the discovery document.
    ///
    /// # Errors
    /// If the server does not respond, or the document is of another issuer.
    pub(super) async fn discover(registration: Registration) -> Result<Self, Error> {
        let http = http_client()?;
        let address = format!("{}/.well-known/openid-configuration", registration.issuer);
        let metadata: Metadata = serde_json::from_value(fetch(&http, &address).await?)
            .map_err(|_| Error::Malformed("the discovery document lacks an endpoint"))?;
        // > The issuer value returned MUST be identical to the Issuer URL that was used as the prefix
        // > (OIDC Discovery §4.3)
        if metadata.issuer != registration.issuer {
            return Err(Error::Invalid("the discovery document is of another issuer"));
        }
        let keys = IssuerKeys::at(metadata.jwks_uri.as_str(), http.clone());
        let redirect_uri = RedirectUrl::new(registration.redirect_uri.clone())
            .map_err(|_| Error::Malformed("the redirect URI is not a URL"))?;
        let client = oauth2::Client::new(ClientId::new(registration.client_id.clone()))
            .set_client_secret(ClientSecret::new(registration.secret.expose().to_owned()))
            .set_auth_uri(AuthUrl::from_url(metadata.authorization_endpoint.clone()))
            .set_token_uri(TokenUrl::from_url(metadata.token_endpoint.clone()))
            .set_redirect_uri(redirect_uri);
        Ok(Self { registration, metadata, client, http, keys })
    }

    /// The issuer identifier.
    pub(super) fn issuer(&self) -> &str {
        &self.registration.issuer
    }

    /// Creates an authentication request: its URL, and the values that its response must match.
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

    /// Exchanges a code for tokens, and verifies the ID token.
    ///
    /// # Errors
    /// See [`Error`].
    pub(super) async fn redeem(
        &self,
        sign_in: SignIn,
        code: String,
        now: Timestamp,
    ) -> Result<Tokens, Error> {
        let response = self
            .client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(sign_in.verifier)
            .request_async(&send(&self.http))
            .await
            .map_err(Error::at_token("The sign-in was refused"))?;
        self.verify_response(&response, Occasion::SignIn(&sign_in.nonce), now).await
    }

    /// Exchanges a refresh token for new tokens.
    ///
    /// # Errors
    /// See [`Error`].
    pub(super) async fn refresh(&self, current: &Tokens, now: Timestamp) -> Result<Tokens, Error> {
        let Some(token) = &current.refresh else {
            return Err(Error::Malformed("there is no refresh token"));
        };
        let token = RefreshToken::new(token.expose().to_owned());
        let response = self
            .client
            .exchange_refresh_token(&token)
            .request_async(&send(&self.http))
            .await
            .map_err(Error::at_token("The refresh was refused"))?;
        let mut tokens =
            self.verify_response(&response, Occasion::Refresh(&current.id_token), now).await?;
        // > The authorization server MAY issue a new refresh token (RFC 6749 §6)
        tokens.refresh = tokens.refresh.or_else(|| current.refresh.clone());
        Ok(tokens)
    }

    async fn verify_response(
        &self,
        response: &Output,
        occasion: Occasion<'_>,
        now: Timestamp,
    ) -> Result<Tokens, Error> {
        let access = response.access_token().secret();
        let id_token = match (&response.extra_fields().id_token, &occasion) {
            (None, Occasion::Refresh(before)) => (*before).clone(),
            (None, Occasion::SignIn(_)) => return Err(Error::Malformed("the ID token is missing")),
            (Some(compact), _) => {
                let expected = Expected {
                    issuer: &self.registration.issuer,
                    client_id: &self.registration.client_id,
                    algorithm: ALGORITHM,
                    occasion,
                    access_token: access,
                    now,
                };
                let jws = Jws::parse(compact).map_err(Error::Invalid)?;
                let keys = self.keys.keys_for(&jws, now).await.map_err(Error::NoKeys)?;
                id_token::verify(compact, &keys, &expected).map_err(Error::Invalid)?
            }
        };
        let seconds = response.expires_in().and_then(|time| i64::try_from(time.as_secs()).ok());
        let scopes = response.scopes().into_iter().flatten().map(|scope| scope.as_str());
        Ok(Tokens {
            access: Secret::new(access),
            expires_at: seconds.map(|seconds| Timestamp(now.0.saturating_add(seconds))),
            refresh: response.refresh_token().map(|token| Secret::new(token.secret())),
            scope: scopes.collect::<Vec<_>>().join(" "),
            id_token,
        })
    }

    /// The claims about the user of an access token.
    ///
    /// > The sub Claim in the UserInfo Response MUST be verified to exactly match the sub Claim in the
    /// > ID Token (OIDC Core §5.3.2)
    ///
    /// # Errors
    /// See [`Error`].
    pub(super) async fn userinfo(&self, tokens: &Tokens) -> Result<Map<String, Value>, Error> {
        let address = self.metadata.userinfo_endpoint.clone();
        let request = self.http.get(address).bearer_auth(tokens.access.expose());
        let response = request.send().await.map_err(Error::NoResponse)?;
        if !response.status().is_success() {
            return Err(refusal("Userinfo was refused", response).await);
        }
        let body = response.bytes().await.map_err(Error::NoResponse)?;
        let claims = json::parse_object(&body).map_err(Error::Malformed)?;
        if claims.get("sub").and_then(Value::as_str) != Some(&tokens.id_token.subject) {
            return Err(Error::Invalid("sub of userinfo is another user"));
        }
        Ok(claims)
    }

    /// Revokes the refresh token, and with it its grant and all tokens; without one, the access token. Not with the
    /// crate, because it revokes over https only.
    ///
    /// # Errors
    /// See [`Error`].
    pub(super) async fn revoke(&self, tokens: &Tokens) -> Result<(), Error> {
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
            .map_err(Error::NoResponse)?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(refusal("The revocation was refused", response).await)
    }

    /// The URL that ends the session at the provider: OIDC RP-Initiated Logout 1.0 §2.
    pub(super) fn sign_out(&self, id_token: &IdToken, state: &str) -> Url {
        let mut url = self.metadata.end_session_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("id_token_hint", &id_token.compact)
            .append_pair("post_logout_redirect_uri", &self.registration.signed_out_uri)
            .append_pair("state", state);
        url
    }
}

/// Adapts reqwest to the `oauth2` crate. The future is boxed, because the compiler cannot infer that it is `Send`
/// otherwise.
fn send(http: &reqwest::Client) -> impl Fn(HttpRequest) -> Sending {
    let http = http.clone();
    move |request| {
        let http = http.clone();
        Box::pin(async move {
            let response = http.execute(request.try_into()?).await?;
            let mut converted = HttpResponse::new(Vec::new());
            *converted.status_mut() = response.status();
            *converted.headers_mut() = response.headers().clone();
            *converted.body_mut() = response.bytes().await?.into();
            Ok(converted)
        })
    }
}

type Sending = Pin<Box<dyn Future<Output = reqwest::Result<HttpResponse>> + Send>>;

/// An HTTP client without redirects, which could send secrets to another server; without a proxy from the
/// environment; and without certification authorities, because it uses only http on loopback.
fn http_client() -> Result<reqwest::Client, Error> {
    reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .tls_certs_only([])
        .timeout(Duration::from_secs(10))
        .build()
        .map_err(Error::NoResponse)
}

async fn fetch(http: &reqwest::Client, address: &str) -> Result<Value, Error> {
    let response = http.get(address).send().await.and_then(reqwest::Response::error_for_status);
    let body = response.map_err(Error::NoResponse)?.bytes().await.map_err(Error::NoResponse)?;
    json::parse(&body).map_err(Error::Malformed)
}

/// An error response: in the body (RFC 6749 §5.2), or in the header if there is no body (RFC 6750 §3).
async fn refusal(what: &'static str, response: reqwest::Response) -> Error {
    let status = response.status();
    let challenge = response.headers().get("www-authenticate").and_then(|it| it.to_str().ok());
    let challenge = challenge.unwrap_or_default().to_owned();
    let body = response.bytes().await.unwrap_or_default();
    let body = json::parse_object(&body).unwrap_or_default();
    let parameter_value = |name: &str| {
        let in_body = body.get(name).and_then(Value::as_str).map(str::to_owned);
        in_body.or_else(|| parameter(&challenge, name).map(str::to_owned))
    };
    let code = parameter_value("error").unwrap_or_else(|| format!("HTTP {}", status.as_u16()));
    Error::refused(what, &code, parameter_value("error_description").as_deref())
}

/// A quoted parameter of a challenge.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}
