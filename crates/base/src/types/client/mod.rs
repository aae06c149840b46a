//! Clients: RFC 6749 §2, with the metadata names of RFC 7591 §2 and OIDC Dynamic Client
//! Registration 1.0 §2. What stands here is registered, that is: checked (`flow::clients::registration`).

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
        /// OIDC Core §9, RFC 7523: an assertion under a shared secret.
        ClientSecretJwt = "client_secret_jwt",
        /// OIDC Core §9, RFC 7523: an assertion under the client's own key.
        PrivateKeyJwt = "private_key_jwt",
        /// RFC 8705 §2.1: a certificate of an authority that we believe, and a name in it.
        TlsClientAuth = "tls_client_auth",
        /// RFC 8705 §2.2: a certificate that is registered itself.
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
        /// Runs on the person's device: RFC 8252.
        Native = "native",
    }

    /// `subject_type`: OIDC Core §8.
    pub enum SubjectType {
        /// Every client sees the same `sub`.
        Public = "public",
        /// Every sector sees another `sub`.
        Pairwise = "pairwise",
    }

    /// `gw_profile`: which rules apply to the client.
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
        /// A random string that only introspection explains.
        Opaque = "opaque",
    }

    /// `gw_assertion_audience`: what the `aud` of a client assertion may be (DESIGN §8).
    #[derive(Default)]
    pub enum AssertionAudience {
        /// The issuer alone, as a single string.
        #[default]
        Issuer = "issuer",
        /// Also our token endpoint or the endpoint called, string or array.
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
    /// Whether a client proves itself by the certificate of its connection (RFC 8705 §2).
    pub const fn is_by_certificate(self) -> bool {
        matches!(self, Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }
}

impl Profile {
    /// Whether a client of the profile may sign with this algorithm, whatever its key would do.
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

/// A registered client as the cache holds it: everything that a request needs, read once.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "sql", derive(sqlx_macros::FromRow))]
pub struct Client {
    /// `client_id`
    pub id: ClientId,
    /// What was registered.
    #[cfg_attr(feature = "sql", sqlx(try_from = "super::sql::Json"))]
    pub metadata: Metadata,
    /// The live secrets, newest first; at most two.
    #[cfg_attr(feature = "sql", sqlx(skip))]
    pub secrets: Vec<HeldSecret>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Set: the client may do nothing.
    pub disabled_at: Option<Timestamp>,
    /// Set: what it was issued up to then counts no more. It was disabled then, and may be enabled again.
    pub ended_at: Option<Timestamp>,
    /// Grows with every change (THREATS X-11).
    pub version: i64,
}

impl Client {
    /// Whether what it was issued at this time may still count: it is not disabled, nor was it since.
    pub fn stands_by(&self, issued_at: Timestamp) -> bool {
        self.disabled_at.is_none() && self.ended_at.is_none_or(|ended_at| ended_at < issued_at)
    }
}

/// What we hold of a client secret.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "sql", derive(sqlx_macros::FromRow))]
pub struct HeldSecret {
    /// Its digest: all that `client_secret_basic` and `client_secret_post` need.
    pub digest: Digest,
    /// For `client_secret_jwt` only: an HMAC needs the clear text, so it is kept sealed.
    pub sealed: Option<Vec<u8>>,
    /// When it stops working, if it was rotated away.
    pub expires_at: Option<Timestamp>,
}

/// Client metadata, by the names of RFC 7591 §2, OIDC Registration §2 and our own (DESIGN §8). Other names are
/// refused, by what reads `translations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// What people call it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub client_name: String,
    /// Where answers may go; compared byte by byte.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    /// `post_logout_redirect_uris`: OIDC RP-Initiated Logout 1.0 §3.1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// How the client proves who it is.
    #[serde(default = "Metadata::default_auth_method")]
    pub token_endpoint_auth_method: AuthMethod,
    /// The algorithm of its assertions; absent: any that fits its keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<Algorithm>,
    /// What it may come to the token endpoint with.
    #[serde(default = "Metadata::default_grant_types")]
    pub grant_types: Vec<GrantType>,
    /// What it may ask of the authorization endpoint.
    #[serde(default = "Metadata::default_response_types")]
    pub response_types: Vec<ResponseType>,
    /// `web` or `native`.
    #[serde(default = "Metadata::default_application_type")]
    pub application_type: ApplicationType,
    /// Its home page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Fetched once at registration; served by us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// Its privacy policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Its terms of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Mail addresses of the people responsible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// The scopes it may ask for, space-delimited.
    #[serde(default = "Metadata::default_scope")]
    pub scope: String,
    /// Its keys by value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where its keys are found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// `public` or `pairwise`.
    #[serde(default = "Metadata::default_subject_type")]
    pub subject_type: SubjectType,
    /// OIDC Core §8.1: a document that names all redirect URIs of a sector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    /// The algorithm of its ID tokens.
    #[serde(default = "Metadata::default_id_token_alg")]
    pub id_token_signed_response_alg: Algorithm,
    /// Set: userinfo is answered as a JWT signed so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<Algorithm>,
    /// The `max_age` of requests that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<Seconds>,
    /// `auth_time` always stands in the ID token; kept because clients register it.
    #[serde(default)]
    pub require_auth_time: bool,
    /// The `acr_values` of requests that name none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    /// Whose software it is: RFC 7591 §2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// Which version of it.
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
    /// Which rules apply.
    #[serde(default = "Metadata::default_profile")]
    pub gw_profile: Profile,
    /// Whether a request without a `code_challenge` is refused; may be false only for a
    /// confidential client, which then asks for `openid` with a `nonce`.
    #[serde(default = "yes")]
    pub gw_require_pkce: bool,
    /// Whether it has to send that `nonce`; may be false only where `gw_require_pkce` is.
    #[serde(default = "yes", skip_serializing_if = "is_so")]
    pub gw_require_nonce: bool,
    /// Which claims about the user stand in its ID tokens.
    #[serde(default, skip_serializing_if = "IdTokenClaims::is_default")]
    pub gw_id_token_claims: IdTokenClaims,
    /// Schemes that are no reversed domain name and may be registered all the same for a native
    /// application, such as `vscode`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gw_allowed_schemes: Vec<String>,
    /// A trusted first-party client: nobody is asked for consent.
    #[serde(default)]
    pub gw_skip_consent: bool,
    /// JWT or opaque; absent: as the resource says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gw_access_token_format: Option<TokenFormat>,
    /// How long its access tokens live; absent: as the resource or the server says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gw_access_token_lifetime: Option<Seconds>,
    /// The audience of its access tokens where a request names no `resource`: one, or a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "one_or_many::audience")]
    pub gw_default_audience: Vec<ResourceId>,
    /// The `resource` values it may ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gw_allowed_resources: Vec<ResourceId>,
    /// What it may introspect, as an API.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gw_resources: Vec<ResourceId>,
    /// The origins from which its scripts may call us.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gw_allowed_origins: Vec<String>,
    /// Which `aud` its assertions may have; absent: as the server says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gw_assertion_audience: Option<AssertionAudience>,
    /// Its certificate name may also be that of other clients which say the same: an organisation has one
    /// certificate for several of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gw_shared_certificate_name: bool,
    /// The name and the links for people in further languages: `client_name#de` (RFC 7591 §2.2).
    #[serde(flatten, deserialize_with = "Metadata::read_translations")]
    pub translations: Translations,
}

const fn yes() -> bool {
    true
}

/// Left out where it is as by default, so that a replica of an older version can read the others.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_so(value: &bool) -> bool {
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

    /// `logo_uri` is not among them: a client has one logo, which is kept here.
    fn read_translations<'de, D: Deserializer<'de>>(rest: D) -> Result<Translations, D::Error> {
        Translations::read(rest, &["client_name", "client_uri", "policy_uri", "tos_uri"])
    }

    /// `client_uri` for a page in this language.
    pub fn client_uri_in(&self, language: &str) -> Option<&str> {
        self.translations.find("client_uri", language).or(self.client_uri.as_deref())
    }

    /// `policy_uri` for a page in this language.
    pub fn policy_uri_in(&self, language: &str) -> Option<&str> {
        self.translations.find("policy_uri", language).or(self.policy_uri.as_deref())
    }

    /// `tos_uri` for a page in this language.
    pub fn tos_uri_in(&self, language: &str) -> Option<&str> {
        self.translations.find("tos_uri", language).or(self.tos_uri.as_deref())
    }
}

impl Client {
    /// RFC 6749 §2.1: whether it can keep a secret.
    pub fn is_confidential(&self) -> bool {
        self.metadata.token_endpoint_auth_method != AuthMethod::None
    }

    /// Whether it may use this grant.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.metadata.grant_types.contains(&grant)
    }

    /// The scopes it may ask for.
    pub fn scope(&self) -> Scope {
        Scope::of(self.metadata.scope.split(' ').filter(|token| !token.is_empty()))
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        if self.metadata.client_name.is_empty() {
            self.id.as_str()
        } else {
            &self.metadata.client_name
        }
    }

    /// What people call it who read pages in this language.
    pub fn name_in(&self, language: &str) -> &str {
        self.metadata.translations.find("client_name", language).unwrap_or_else(|| self.name())
    }
}
