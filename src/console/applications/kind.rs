//! The kinds of applications: what the wizard asks for, and how lists name a client.

use serde_json::{Map, Value, json};

use crate::types::client::{ApplicationType, AuthMethod, GrantType, Metadata};
use crate::types::wire_enum;

wire_enum! {
    /// A kind of application: RFC 6749 §2.1, and services.
    pub(in crate::console) enum Kind {
        /// Runs on a server, and keeps a secret.
        WebServer = "web",
        /// Runs in the browser.
        SinglePage = "spa",
        /// Runs on the device of the user (RFC 8252).
        Native = "native",
        /// Has no users (RFC 6749 §4.4).
        Service = "service",
    }
}

impl Kind {
    /// The kind of a client with this metadata.
    pub(super) fn of(metadata: &Metadata) -> Self {
        let has_users = metadata.grant_types.contains(&GrantType::AuthorizationCode);
        match (metadata.application_type, metadata.token_endpoint_auth_method) {
            _ if !has_users => Self::Service,
            (ApplicationType::Native, _) => Self::Native,
            (ApplicationType::Web, AuthMethod::None) => Self::SinglePage,
            (
                ApplicationType::Web,
                AuthMethod::ClientSecretBasic
                | AuthMethod::ClientSecretPost
                | AuthMethod::ClientSecretJwt
                | AuthMethod::PrivateKeyJwt
                | AuthMethod::TlsClientAuth
                | AuthMethod::SelfSignedTlsClientAuth,
            ) => Self::WebServer,
        }
    }

    /// The members that the kind decides. The rest has the defaults of every registration, such as PKCE.
    pub(super) fn members(self) -> Map<String, Value> {
        let signs_in = json!([GrantType::AuthorizationCode, GrantType::RefreshToken]);
        let members = match self {
            Self::WebServer => vec![
                ("grant_types", signs_in),
                ("token_endpoint_auth_method", json!(AuthMethod::ClientSecretBasic)),
            ],
            Self::SinglePage => vec![
                ("grant_types", signs_in),
                ("token_endpoint_auth_method", json!(AuthMethod::None)),
            ],
            Self::Native => vec![
                ("grant_types", signs_in),
                ("token_endpoint_auth_method", json!(AuthMethod::None)),
                ("application_type", json!(ApplicationType::Native)),
            ],
            Self::Service => vec![
                ("grant_types", json!([GrantType::ClientCredentials])),
                ("token_endpoint_auth_method", json!(AuthMethod::ClientSecretBasic)),
            ],
        };
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The scope that the form begins with.
    pub(super) const fn scope(self) -> &'static str {
        match self {
            Self::WebServer | Self::SinglePage | Self::Native => "openid profile email",
            Self::Service => "",
        }
    }
}
