//! What a person is told of an application at the end of `client create`: what to give it, and what to do
//! next.

use super::print::{pairs, plain};
use crate::config::Issuer;
use crate::flow::metadata::path;
use crate::flow::registration::Registered;
use crate::types::client::{AuthMethod, GrantType};

/// The card of an application. `done` is what was done to it: `is registered`, `has a new secret`.
pub(super) fn card(issuer: &Issuer, registered: &Registered, done: &str) -> String {
    let client = &registered.client;
    let metadata = &client.metadata;
    let method = metadata.token_endpoint_auth_method;
    let mut rows = vec![
        ("issuer", issuer.to_string()),
        ("discovery", issuer.endpoint("/.well-known/openid-configuration")),
        ("client_id", client.id.to_string()),
    ];
    if let Some(secret) = &registered.secret {
        rows.push(("client_secret", secret.0.expose().to_owned()));
        rows.push(("", "shown once: keep it now, it cannot be shown again".to_owned()));
    }
    rows.push(("authentication", method.as_str().to_owned()));
    rows.extend(metadata.redirect_uris.iter().map(|uri| ("redirect_uri", uri.clone())));

    let name = match metadata.client_name.as_str() {
        "" => "The application",
        name => name,
    };
    format!(
        "{} {done}.\n\n{}\n\nNext: {}\nAll of it: gatewright client show {}",
        plain(name),
        pairs(&rows),
        next(issuer, registered),
        client.id
    )
}

/// What to do with it now.
fn next(issuer: &Issuer, registered: &Registered) -> String {
    let client = &registered.client;
    let id = &client.id;
    let token = issuer.endpoint(path::TOKEN);
    let signs_in = client.metadata.grant_types.contains(&GrantType::AuthorizationCode);
    let library = |with: &str| {
        format!("give the OpenID Connect library of the application the issuer and {with}.")
    };
    match client.metadata.token_endpoint_auth_method {
        AuthMethod::None => library("the client_id; it uses PKCE, and has no secret"),
        AuthMethod::ClientSecretBasic
        | AuthMethod::ClientSecretPost
        | AuthMethod::ClientSecretJwt
            if signs_in =>
        {
            library("both of these")
        }
        AuthMethod::ClientSecretBasic => format!(
            "fetch a token (curl asks for the secret):\n  \
             curl --user {id} {token} --data grant_type=client_credentials"
        ),
        AuthMethod::ClientSecretPost | AuthMethod::ClientSecretJwt => {
            format!("the service fetches tokens from {token} with both of these.")
        }
        AuthMethod::PrivateKeyJwt => {
            format!("the application signs its assertions for the audience {issuer}.")
        }
        AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth => format!(
            "the application shows its certificate at the endpoints of mtls_endpoint_aliases; the \
             authority inside issues one to it:\n  gatewright ca enrol --client {id}"
        ),
    }
}
