//! The metadata of this server: [RFC 8414 §2], [OIDC Discovery §3]. Each list comes from the enumeration that the
//! rules use, so that it names only what is supported (THREATS JO-22).
//!
//! [RFC 8414 §2]: https://www.rfc-editor.org/rfc/rfc8414#section-2
//! [OIDC Discovery §3]: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata

use serde_json::{Value, json};

use crate::config::Config;
use crate::flow::keys::Document;
use crate::flow::tokens::claims;
use crate::flow::tokens::dpop::Proof;
use crate::types::client::{AuthMethod, GrantType, ResponseMode, ResponseType, SubjectType};
use crate::types::scope::PERSONAL;
use crate::types::{Acr, Algorithm};

/// The path of each endpoint below the issuer: the router and the metadata read the same names.
pub mod path {
    /// RFC 6749 §3.1.
    pub const AUTHORIZE: &str = "/authorize";
    /// RFC 6749 §3.2.
    pub const TOKEN: &str = "/token";
    /// OIDC Core §5.3.
    pub const USERINFO: &str = "/userinfo";
    /// RFC 7662 §2.
    pub const INTROSPECT: &str = "/introspect";
    /// RFC 7009 §2.
    pub const REVOKE: &str = "/revoke";
    /// OIDC RP-Initiated Logout 1.0 §2.
    pub const LOGOUT: &str = "/logout";
    /// RFC 7517 §5.
    pub const JWKS: &str = "/jwks";
    /// Forward authentication; the name of a route follows.
    pub const VERIFY: &str = "/verify";
}

/// The endpoints that take a client certificate, by their names in the metadata: RFC 8705 §5.
const MTLS: [(&str, &str); 4] = [
    ("token_endpoint", path::TOKEN),
    ("userinfo_endpoint", path::USERINFO),
    ("introspection_endpoint", path::INTROSPECT),
    ("revocation_endpoint", path::REVOKE),
];

/// The languages of the pages.
pub const UI_LOCALES: [&str; 4] = ["en", "de", "fr", "es"];

/// The document, for a server that receives the certificates of clients or does not.
pub fn document(
    config: &Config,
    with_certificates: bool,
    algorithms: impl Iterator<Item = Algorithm>,
) -> Document {
    let at = |path: &str| config.issuer.endpoint(path);
    let algorithms: Vec<Algorithm> = algorithms.collect();
    let grants: Vec<_> = GrantType::ALL.iter().map(|one| one.as_str()).collect();
    let responses: Vec<_> = ResponseType::ALL.iter().map(|one| one.as_str()).collect();
    let modes: Vec<_> = ResponseMode::ALL.iter().map(|one| one.as_str()).collect();
    let subjects: Vec<_> = SubjectType::ALL.iter().map(|one| one.as_str()).collect();
    // RFC 8705 §2.1.1, §2.2.1, §3.3: only if the server receives certificates.
    let methods: Vec<_> = AuthMethod::ALL
        .iter()
        .filter(|one| with_certificates || !one.is_by_certificate())
        .map(|one| one.as_str())
        .collect();
    let none = AuthMethod::None.as_str();
    let confidential: Vec<_> = methods.iter().copied().filter(|one| *one != none).collect();
    let assertions: Vec<_> =
        Algorithm::ACCEPTED.iter().copied().chain([Algorithm::Hs256]).collect();
    let mut about: Vec<&str> = vec![
        "sub",
        "iss",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "nonce",
        "acr",
        "amr",
        "sid",
        "at_hash",
    ];
    about.extend(claims::supported());

    let mut metadata = json!({
        "issuer": config.issuer.as_str(),
        "authorization_endpoint": at(path::AUTHORIZE),
        "token_endpoint": at(path::TOKEN),
        "userinfo_endpoint": at(path::USERINFO),
        "jwks_uri": at(path::JWKS),
        "introspection_endpoint": at(path::INTROSPECT),
        "revocation_endpoint": at(path::REVOKE),
        "end_session_endpoint": at(path::LOGOUT),
        "scopes_supported": PERSONAL,
        "response_types_supported": responses,
        "response_modes_supported": modes,
        "grant_types_supported": grants,
        "subject_types_supported": subjects,
        "id_token_signing_alg_values_supported": algorithms,
        "userinfo_signing_alg_values_supported": algorithms,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": assertions,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": assertions,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": assertions,
        "dpop_signing_alg_values_supported": Proof::ALGORITHMS,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "acr_values_supported": Acr::ALL,
        "claim_types_supported": ["normal"],
        "claims_supported": about,
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
        "ui_locales_supported": UI_LOCALES,
    });
    if let Value::Object(members) = &mut metadata {
        if let Some(policy) = &config.brand.privacy_url {
            members.insert("op_policy_uri".to_owned(), policy.0.as_str().into());
        }
        if with_certificates {
            members.insert("tls_client_certificate_bound_access_tokens".to_owned(), true.into());
        }
        if let Some(url) = &config.mtls.url {
            let alias = |(name, path): (&str, &str)| {
                (name.to_owned(), Value::from(url.endpoint(&config.issuer, path)))
            };
            let aliases = MTLS.into_iter().map(alias).collect();
            members.insert("mtls_endpoint_aliases".to_owned(), Value::Object(aliases));
        }
    }
    Document::from_json(&metadata)
}
