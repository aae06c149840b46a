//! Clients: RFC 6749 §2, with the metadata of RFC 7591 §2 and OIDC Dynamic Client Registration 1.0
//! §2. These types hold registered, valid metadata (`flow::clients::registration` checks it).

mod one_or_many;

use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

pub use self::one_or_many::IdTokenClaims;
use super::language::Translations;
#[cfg(feature = "sql")]
use super::sql::sqlx;
use super::{Algorithm, ClientId, Digest, ResourceId, Scope, Seconds, Timestamp};

crate::wire_enum! {
    /// `token_endpoint_auth_method`: each client is registered for exactly one.
    pub enum AuthMethod {
        /// RFC 6749 §2.3.1, in the `Authorization` header.
        ClientSecretBasic = "client_secret_basic",
        /// RFC 6749 §2.3.1, in the body.
        ClientSecretPost = "client_secret_post",
        /// OIDC Core §9, RFC 7523: an assertion signed with a shared secret.
        ClientSecretJwt = "client_secret_jwt",
        /// OIDC Core §9, RFC 7523: an assertion signed with the client's private key.
        PrivateKeyJwt = "private_key_jwt",
        /// RFC 8705 §2.1: a certificate with a registered name, issued by a trusted CA.
        TlsClientAuth = "tls_client_auth",
        /// RFC 8705 §2.2: a registered certificate.
        SelfSignedTlsClientAuth = "self_signed_tls_client_auth",
        /// A public client: RFC 6749 §2.1.
        None = "none",
    }

    /// `grant_types`.
    pub enum GrantType {
        /// RFC 6749 §4.1.
        AuthorizationCode = "authorization_code",
        /// RFC 6749 §6.
        RefreshToken = "refresh_token",
        /// RFC 6749 §4.4.
        ClientCredentials = "client_credentials",
    }

    /// `response_types`.
    pub enum ResponseType {
        /// RFC 6749 §4.1.1.
        Code = "code",
    }

    /// `application_type`: OIDC Registration §2.
    pub enum ApplicationType {
        /// Runs on a server or in a browser.
        Web = "web",
        /// Runs on the user's device: RFC 8252.
        Native = "native",
    }

    /// `subject_type`: OIDC Core §8.
    pub enum SubjectType {
        /// Every client sees the same `sub`.
        Public = "public",
        /// Every sector sees a different `sub`.
        Pairwise = "pairwise",
    }

    /// `gw_profile`: the security profile of the client.
    pub enum Profile {
        /// OAuth 2.1 and RFC 9700.
        OAuth21 = "oauth21",
        /// FAPI 2.0 Security Profile.
        Fapi2 = "fapi2",
    }

    /// `gw_access_token_format`.
    pub enum TokenFormat {
        /// RFC 9068.
        Jwt = "jwt",
        /// A random string that is resolved by introspection.
        Opaque = "opaque",
    }

    /// `gw_assertion_audience`: the accepted `aud` of a client assertion (DESIGN §8).
    #[derive(Default)]
    pub enum AssertionAudience {
        /// The issuer alone, as a single string. An assertion for another server's endpoint is
        /// never accepted.
        #[default]
        Issuer = "issuer",
        /// Also the token endpoint or the called endpoint, as a string or an array.
        Endpoints = "endpoints",
    }

    /// `response_mode`: OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode.
    pub enum ResponseMode {
        /// In the query of the redirect URI.
        Query = "query",
        /// In its fragment.
        Fragment = "fragment",
        /// In the body of a POST that a page sends.
        FormPost = "form_post",
    }
}

impl AuthMethod {
    /// Whether a client authenticates with the certificate of its connection (RFC 8705 §2).
    pub const fn is_by_certificate(self) -> bool {
        matches!(self, Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }
}

impl Profile {
    /// Whether clients of the profile may use this algorithm, whatever their keys support.
    ///
    /// > shall use PS256, ES256, or EdDSA (using the Ed25519 variant) algorithms (FAPI 2.0 Security Profile
    /// > §5.4.1)
    pub const fn allows(self, algorithm: Algorithm) -> bool {
        match self {
            Self::OAuth21 => true,
            Self::Fapi2 => matches!(
                algorithm,
                Algorithm::Ps256 | Algorithm::Es256 | Algorithm::EdDsa | Algorithm::Ed25519
            ),
        }
    }
}

/// A registered client as it is cached: everything that a request needs.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "sql", derive(sqlx_macros::FromRow))]
pub struct Client {
    /// `client_id`
    pub id: ClientId,
    /// The registered metadata.
    #[cfg_attr(feature = "sql", sqlx(try_from = "super::sql::Json"))]
    pub metadata: Metadata,
    /// The valid secrets, newest first; at most two.
    #[cfg_attr(feature = "sql", sqlx(skip))]
    pub secrets: Vec<StoredSecret>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// If set, the client is disabled.
    pub disabled_at: Option<Timestamp>,
    /// If set, tokens issued up to then are invalid: the client was disabled then, and may be
    /// enabled again.
    pub ended_at: Option<Timestamp>,
    /// Incremented by every change (THREATS X-11).
    pub version: i64,
}

impl Client {
    /// Whether a token issued at this time can be valid: the client has not been disabled since.
    pub fn was_enabled_since(&self, issued_at: Timestamp) -> bool {
        self.disabled_at.is_none() && self.ended_at.is_none_or(|ended_at| ended_at < issued_at)
    }
}

/// A client secret as it is stored.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "sql", derive(sqlx_macros::FromRow))]
pub struct StoredSecret {
    /// Its digest, sufficient for `client_secret_basic` and `client_secret_post`.
    pub digest: Digest,
    /// For `client_secret_jwt` only: an HMAC needs the secret itself, so it is stored sealed.
    pub sealed: Option<Vec<u8>>,
    /// When a rotated secret expires.
    pub expires_at: Option<Timestamp>,
}

/// Client metadata, with the names of RFC 7591 §2, OIDC Registration §2 and our own (DESIGN §8).
/// Unknown names are rejected when `translations` is deserialized.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The name for users.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub client_name: String,
    /// Redirect URIs, compared byte by byte.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    /// `post_logout_redirect_uris`: OIDC RP-Initiated Logout 1.0 §3.1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// How the client authenticates.
    #[serde(default = "Metadata::default_auth_method")]
    pub token_endpoint_auth_method: AuthMethod,
    /// The algorithm of its assertions; `None`: any that its keys support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<Algorithm>,
    /// The grant types that it may use.
    #[serde(default = "Metadata::default_grant_types")]
    pub grant_types: Vec<GrantType>,
    /// The response types that it may request.
    #[serde(default = "Metadata::default_response_types")]
    pub response_types: Vec<ResponseType>,
    /// `web` or `native`.
    #[serde(default = "Metadata::default_application_type")]
    pub application_type: ApplicationType,
    /// Its home page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Its logo, fetched once at registration and served by this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// Its privacy policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Its terms of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Mail addresses of the persons responsible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// The scopes that it may request, space-delimited.
    #[serde(default = "Metadata::default_scope")]
    pub scope: String,
    /// Its keys by value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// The URL of its keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// `public` or `pairwise`.
    #[serde(default = "Metadata::default_subject_type")]
    pub subject_type: SubjectType,
    /// OIDC Core §8.1: a document that names all redirect URIs of a sector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    /// The signature algorithm of its ID tokens.
    #[serde(default = "Metadata::default_id_token_alg")]
    pub id_token_signed_response_alg: Algorithm,
    /// If set, userinfo responses are JWTs signed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<Algorithm>,
    /// The `max_age` of requests without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<Seconds>,
    /// ID tokens always have `auth_time`; stored because clients register it.
    #[serde(default)]
    pub require_auth_time: bool,
    /// The `acr_values` of requests without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    /// The software's identifier: RFC 7591 §2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// The software's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// RFC 8705 §2.1.2: the subject of its certificate (RFC 4514).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<String>,
    /// RFC 8705 §2.1.2: a `dNSName` of its certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_dns: Option<String>,
    /// RFC 8705 §2.1.2: a `uniformResourceIdentifier` of its certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_uri: Option<String>,
    /// RFC 8705 §2.1.2: an `iPAddress` of its certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_ip: Option<IpAddr>,
    /// RFC 8705 §2.1.2: an `rfc822Name` of its certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_email: Option<String>,
    /// RFC 8705 §3.4: its access tokens are bound to its certificate.
    #[serde(default)]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// RFC 9449 §5.2: its access tokens are bound to its key.
    #[serde(default)]
    pub dpop_bound_access_tokens: bool,
    /// The security profile.
    #[serde(default = "Metadata::default_profile")]
    pub gw_profile: Profile,
    /// Whether requests without `code_challenge` are refused; may be false only for a confidential
    /// client that requests `openid` with a `nonce`.
    #[serde(default = "default_true")]
    pub gw_require_pkce: bool,
    /// Whether that `nonce` is required; may be false only if `gw_require_pkce` is true.
    #[serde(default = "default_true", skip_serializing_if = "is_true")]
    pub gw_require_nonce: bool,
    /// The claims about the user in its ID tokens.
    #[serde(default, skip_serializing_if = "IdTokenClaims::is_default")]
    pub gw_id_token_claims: IdTokenClaims,
    /// Schemes without a reversed domain name that a native application may register, such as
    /// `vscode`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gw_allowed_schemes: Vec<String>,
    /// A trusted first-party client: users are not asked for consent.
    #[serde(default)]
    pub gw_skip_consent: bool,
    /// The format of its access tokens; `None`: the resource's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gw_access_token_format: Option<TokenFormat>,
    /// The lifetime of its access tokens; `None`: the resource's or the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gw_access_token_lifetime: Option<Seconds>,
    /// The audience of access tokens for requests without `resource`: one, or a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "one_or_many::audience")]
    pub gw_default_audience: Vec<ResourceId>,
    /// The `resource` values that it may request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gw_allowed_resources: Vec<ResourceId>,
    /// The resources whose tokens it may introspect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gw_resources: Vec<ResourceId>,
    /// The origins from which its scripts may call the server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gw_allowed_origins: Vec<String>,
    /// The accepted `aud` of its assertions; `None`: the server's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gw_assertion_audience: Option<AssertionAudience>,
    /// Whether other clients may register the same certificate name: an organisation may use one
    /// certificate for several clients.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gw_shared_certificate_name: bool,
    /// Name and links in other languages: `client_name#de` (RFC 7591 §2.2).
    #[serde(flatten, deserialize_with = "Metadata::read_translations")]
    pub translations: Translations,
}

const fn default_true() -> bool {
    true
}

/// Defaults are omitted, so a replica of an older version can parse the rest.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_true(value: &bool) -> bool {
    *value
}

impl Metadata {
    const fn default_auth_method() -> AuthMethod {
        AuthMethod::ClientSecretBasic
    }

    fn default_grant_types() -> Vec<GrantType> {
        vec![GrantType::AuthorizationCode]
    }

    fn default_response_types() -> Vec<ResponseType> {
        vec![ResponseType::Code]
    }

    const fn default_application_type() -> ApplicationType {
        ApplicationType::Web
    }

    fn default_scope() -> String {
        "openid profile email address phone".to_owned()
    }

    const fn default_subject_type() -> SubjectType {
        SubjectType::Public
    }

    const fn default_id_token_alg() -> Algorithm {
        Algorithm::Rs256
    }

    const fn default_profile() -> Profile {
        Profile::OAuth21
    }

    /// `logo_uri` has no translations: a client has one logo.
    fn read_translations<'de, D: Deserializer<'de>>(rest: D) -> Result<Translations, D::Error> {
        Translations::read(rest, &["client_name", "client_uri", "policy_uri", "tos_uri"])
    }

    /// `client_uri` in this language.
    pub fn client_uri_in(&self, language: &str) -> Option<&str> {
        self.translations.find("client_uri", language).or(self.client_uri.as_deref())
    }

    /// `policy_uri` in this language.
    pub fn policy_uri_in(&self, language: &str) -> Option<&str> {
        self.translations.find("policy_uri", language).or(self.policy_uri.as_deref())
    }

    /// `tos_uri` in this language.
    pub fn tos_uri_in(&self, language: &str) -> Option<&str> {
        self.translations.find("tos_uri", language).or(self.tos_uri.as_deref())
    }
}

impl Client {
    /// Whether it can keep a secret: RFC 6749 §2.1.
    pub fn is_confidential(&self) -> bool {
        self.metadata.token_endpoint_auth_method != AuthMethod::None
    }

    /// Whether it may use this grant type.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.metadata.grant_types.contains(&grant)
    }

    /// The scopes that it may request.
    pub fn scope(&self) -> Scope {
        Scope::from_tokens(self.metadata.scope.split(' ').filter(|token| !token.is_empty()))
    }

    /// The name to display.
    pub fn name(&self) -> &str {
        if self.metadata.client_name.is_empty() {
            self.id.as_str()
        } else {
            &self.metadata.client_name
        }
    }

    /// The name to display in this language.
    pub fn name_in(&self, language: &str) -> &str {
        self.metadata.translations.find("client_name", language).unwrap_or_else(|| self.name())
    }
}
