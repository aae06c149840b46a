//! The crate `openidconnect`, unmodified, as a relying party and as a service.

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient,
    CoreClientAuthMethod, CoreErrorResponseType, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode,
    CoreResponseType, CoreRevocableToken, CoreSubjectIdentifierType, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AdditionalProviderMetadata, AuthorizationCode, ClientId, ClientSecret,
    CsrfToken, HttpRequest, HttpResponse, IntrospectionUrl, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, ProviderMetadata, RedirectUrl, RequestTokenError, RevocationUrl, Scope,
    TokenIntrospectionResponse as _, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::application::Application;
use crate::browser::Browser;
use crate::server::Server;

/// The metadata of RFC 8414 that the crate does not include.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Endpoints {
    introspection_endpoint: IntrospectionUrl,
    revocation_endpoint: String,
}

impl AdditionalProviderMetadata for Endpoints {}

type Metadata = ProviderMetadata<
    Endpoints,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// Sends the crate's requests. It revokes over https only, so those requests are sent over http on
/// loopback too.
async fn send(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let mut url = Url::parse(&request.uri().to_string()).unwrap();
    url.set_scheme("http").unwrap();
    let (parts, body) = request.into_parts();
    let request = crate::http().request(parts.method, url).headers(parts.headers).body(body);
    let received = request.send().await?;
    let mut response = axum::http::Response::builder().status(received.status());
    response.headers_mut().unwrap().extend(received.headers().clone());
    Ok(response.body(received.bytes().await?.to_vec()).unwrap())
}

#[tokio::test]
async fn openidconnect_for_rust() {
    let mut server = Server::start().await;
    let mut browser = Browser::new(&server.create_user("ada").await);
    let photos = server.application("Photos").await;
    let issuer = IssuerUrl::new(server.issuer.clone()).unwrap();

    // Discovery and the JWKS.
    let metadata = Metadata::discover_async(issuer, &send).await.unwrap();
    let endpoints = metadata.additional_metadata().clone();
    let over_https = endpoints.revocation_endpoint.replacen("http:", "https:", 1);
    let secret = ClientSecret::new(photos.secret.clone());
    let id = ClientId::new(photos.id.clone());
    let client = CoreClient::from_provider_metadata(metadata.clone(), id, Some(secret))
        .set_redirect_uri(RedirectUrl::new(Application::REDIRECT_URI.to_owned()).unwrap())
        .set_introspection_url(endpoints.introspection_endpoint.clone())
        .set_revocation_url(RevocationUrl::new(over_https).unwrap());

    // Code and PKCE; the ID token and its `at_hash` are verified.
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let (url, state, nonce) = client
        .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
        .add_scope(Scope::new("email".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    let back = browser.visit(url, Application::REDIRECT_URI).await.unwrap();
    let parameters: std::collections::HashMap<_, _> = back.query_pairs().into_owned().collect();
    assert_eq!(parameters["state"], *state.secret());
    let code = AuthorizationCode::new(parameters["code"].clone());
    let exchange = client.exchange_code(code).unwrap().set_pkce_verifier(verifier);
    let tokens = exchange.request_async(&send).await.unwrap();
    let (id_token, verifier) = (tokens.id_token().unwrap(), client.id_token_verifier());
    let claims = id_token.claims(&verifier, &nonce).unwrap();
    let algorithm = id_token.signing_alg().unwrap();
    let key = id_token.signing_key(&verifier).unwrap();
    let hash = AccessTokenHash::from_token(tokens.access_token(), algorithm, key).unwrap();
    assert_eq!(claims.access_token_hash(), Some(&hash));

    let subject = claims.subject().clone();
    let access = tokens.access_token().clone();
    let userinfo = client.user_info(access, Some(subject.clone())).unwrap();
    let userinfo: CoreUserInfoClaims = userinfo.request_async(&send).await.unwrap();
    assert_eq!(userinfo.email().unwrap().as_str(), "ada@example.org");

    let refresh = client.exchange_refresh_token(tokens.refresh_token().unwrap()).unwrap();
    let fresh = refresh.request_async(&send).await.unwrap();
    let claims = fresh.id_token().unwrap().claims(&verifier, |_: Option<&Nonce>| Ok(())).unwrap();
    assert_eq!(*claims.subject(), subject);
    let introspected = client.introspect(fresh.access_token()).request_async(&send).await.unwrap();
    assert!(introspected.active());
    assert_eq!(introspected.sub(), Some(subject.as_str()));

    let revocable = CoreRevocableToken::from(fresh.refresh_token().unwrap().clone());
    client.revoke_token(revocable).unwrap().request_async(&send).await.unwrap();
    let introspected = client.introspect(fresh.access_token()).request_async(&send).await.unwrap();
    assert!(!introspected.active());
    let refresh = client.exchange_refresh_token(fresh.refresh_token().unwrap()).unwrap();
    let refused = refresh.request_async(&send).await.unwrap_err();
    let RequestTokenError::ServerResponse(refused) = refused else { panic!("{refused:?}") };
    assert_eq!(*refused.error(), CoreErrorResponseType::InvalidGrant);

    // A service.
    let backup = server.service("Backup").await;
    let secret = ClientSecret::new(backup.secret.clone());
    let id = ClientId::new(backup.id.clone());
    let client = CoreClient::from_provider_metadata(metadata, id, Some(secret))
        .set_introspection_url(endpoints.introspection_endpoint);
    let tokens = client.exchange_client_credentials().unwrap().request_async(&send).await.unwrap();
    assert!(tokens.refresh_token().is_none());
    let introspected = client.introspect(tokens.access_token()).request_async(&send).await.unwrap();
    assert!(introspected.active());
    assert_eq!(introspected.client_id().map(|id| id.as_str()), Some(backup.id.as_str()));
    server.stop().await;
}
