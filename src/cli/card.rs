//! The summary of a client at a terminal: what to configure in the application, and the next steps.

use super::print::{pairs, plain};
use crate::config::Issuer;
use crate::flow::clients::registration::Registered;
use crate::flow::metadata::path;
use crate::types::client::{AuthMethod, GrantType};

/// The summary of a client. `done` is what the command did: `is registered`, `has a new secret`.
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
        rows.push(("", "shown once: store it now, it cannot be retrieved later".to_owned()));
    }
    rows.push(("authentication", method.as_str().to_owned()));
    rows.extend(metadata.redirect_uris.iter().map(|uri| ("redirect_uri", uri.clone())));

    let name = match metadata.client_name.as_str() {
        "" => "The application",
        name => name,
    };
    format!(
        "{} {done}.\n\n{}\n\nNext: {}\nAll metadata: gatewright client show {}",
        plain(name),
        pairs(&rows),
        next(issuer, registered),
        client.id
    )
}

/// The next step.
fn next(issuer: &Issuer, registered: &Registered) -> String {
    let client = &registered.client;
    let id = &client.id;
    let token = issuer.endpoint(path::TOKEN);
    let signs_in = client.metadata.grant_types.contains(&GrantType::AuthorizationCode);
    let library = |with: &str| {
        format!("configure the application's OpenID Connect library with the issuer and {with}.")
    };
    match client.metadata.token_endpoint_auth_method {
        AuthMethod::None => library("the client_id; it uses PKCE and has no secret"),
        AuthMethod::ClientSecretBasic
        | AuthMethod::ClientSecretPost
        | AuthMethod::ClientSecretJwt
            if signs_in =>
        {
            library("these credentials")
        }
        AuthMethod::ClientSecretBasic => format!(
            "request a token (curl prompts for the secret):\n  \
             curl --user {id} {token} --data grant_type=client_credentials"
        ),
        AuthMethod::ClientSecretPost | AuthMethod::ClientSecretJwt => {
            format!("the service requests tokens from {token} with these credentials.")
        }
        AuthMethod::PrivateKeyJwt => {
            format!("the application signs client assertions with the audience {issuer}.")
        }
        AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth => format!(
            "the application presents its certificate at the endpoints of mtls_endpoint_aliases; the \
             built-in CA can issue one:\n  gatewright ca enrol --client {id}"
        ),
    }
}
