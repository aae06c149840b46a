//! Client metadata on the command line: RFC 7591 §2, §3.2.1.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Map, Value, json};

use super::exit::Wrong;
use super::input;
use super::language::name_in;
use crate::admin::client::Description;
use crate::types::client::{AuthMethod, GrantType, SubjectType, TokenFormat};
use crate::types::json as strict;

/// Client metadata from a file, from options, or both.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// A file with client metadata as a JSON object (RFC 7591 section 2), or - for standard input.
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
    /// client_name: the name shown to users.
    #[arg(long)]
    name: Option<String>,
    /// client_name#LANGUAGE: the name in another language; an empty name removes it; repeatable.
    #[arg(long = "name-in", value_name = "LANGUAGE=NAME")]
    names_in: Vec<String>,
    /// redirect_uris: a URI for authorization responses; repeatable.
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// post_logout_redirect_uris: a URI to return to after logout; repeatable.
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    post_logout_redirect_uris: Vec<String>,
    /// grant_types: a grant that the client may use; repeatable.
    #[arg(long = "grant-type", value_name = "GRANT", value_parser = words(GrantType::ALL, GrantType::as_str))]
    grant_types: Vec<String>,
    /// scope: the scopes that the client may request, separated by spaces.
    #[arg(long)]
    scope: Option<String>,
    /// token_endpoint_auth_method: how the client authenticates.
    #[arg(long, value_name = "METHOD", value_parser = words(AuthMethod::ALL, AuthMethod::as_str))]
    auth_method: Option<String>,
    /// A public client, which cannot keep a secret: the same as --auth-method none.
    #[arg(long, conflicts_with = "auth_method")]
    public: bool,
    /// application_type native: an application on the user's device.
    #[arg(long)]
    native: bool,
    /// jwks_uri: the URI of the client's public keys, a JWK set.
    #[arg(long, value_name = "URI", conflicts_with = "jwks")]
    jwks_uri: Option<String>,
    /// jwks: a file with the client's public keys, a JWK set.
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// tls_client_auth_subject_dn: the subject of the client's certificate, in the format of RFC 4514.
    #[arg(long, value_name = "NAME", group = "certificate")]
    tls_subject: Option<String>,
    /// tls_client_auth_san_dns: a DNS name in the client's certificate.
    #[arg(long, value_name = "NAME", group = "certificate")]
    tls_san_dns: Option<String>,
    /// tls_client_auth_san_uri: a URI in the client's certificate, such as a SPIFFE ID.
    #[arg(long, value_name = "URI", group = "certificate")]
    tls_san_uri: Option<String>,
    /// tls_client_auth_san_ip: an IP address in the client's certificate.
    #[arg(long, value_name = "ADDRESS", group = "certificate")]
    tls_san_ip: Option<String>,
    /// tls_client_auth_san_email: an e-mail address in the client's certificate.
    #[arg(long, value_name = "ADDRESS", group = "certificate")]
    tls_san_email: Option<String>,
    /// gw_shared_certificate_name: allow the same certificate name for other clients that set this too.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    shared_certificate_name: Option<bool>,
    /// tls_client_certificate_bound_access_tokens: bind access tokens to the client's certificate.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    tls_bound_tokens: Option<bool>,
    /// subject_type: whether all clients receive the same sub for a user (public), or each its own (pairwise).
    #[arg(long, value_name = "TYPE", value_parser = words(SubjectType::ALL, SubjectType::as_str))]
    subject_type: Option<String>,
    /// gw_skip_consent: do not ask users for consent, for a first-party application.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    skip_consent: Option<bool>,
    /// dpop_bound_access_tokens: require DPoP, and bind access tokens to the client's key.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    dpop_bound_access_tokens: Option<bool>,
    /// gw_require_pkce: require PKCE (code_challenge); only confidential clients may set false.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    require_pkce: Option<bool>,
    /// gw_require_nonce: require a nonce in requests without a code_challenge.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    require_nonce: Option<bool>,
    /// gw_id_token_claims: requested, scopes, or the name of a claim; repeatable.
    #[arg(long = "id-token-claims", value_name = "CLAIM")]
    id_token_claims: Vec<String>,
    /// gw_allowed_schemes: a redirect URI scheme without a dot, such as vscode; repeatable.
    #[arg(long = "allow-scheme", value_name = "SCHEME")]
    schemes: Vec<String>,
    /// gw_default_audience: the audience of tokens that are requested without a resource; repeatable.
    #[arg(long = "default-audience", value_name = "URI")]
    default_audience: Vec<String>,
    /// gw_allowed_resources: an API that the client may request tokens for; repeatable.
    #[arg(long = "resource", value_name = "URI")]
    resources: Vec<String>,
    /// gw_resources: an API that this client is, whose tokens it may introspect; repeatable.
    #[arg(long = "introspects", value_name = "URI")]
    introspects: Vec<String>,
    /// gw_allowed_origins: an origin whose scripts may call the server (CORS); repeatable.
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    /// gw_access_token_format: the format of access tokens.
    #[arg(long, value_name = "FORMAT", value_parser = words(TokenFormat::ALL, TokenFormat::as_str))]
    token_format: Option<String>,
    /// gw_access_token_lifetime: the lifetime of access tokens, in seconds.
    #[arg(long, value_name = "SECONDS")]
    token_lifetime: Option<i64>,
}

fn words<T: Copy>(all: &[T], as_str: fn(T) -> &'static str) -> PossibleValuesParser {
    all.iter().map(|word| as_str(*word)).collect::<Vec<_>>().into()
}

impl Options {
    /// The metadata of the file and the options.
    pub(super) fn description(&self) -> anyhow::Result<Description> {
        let document = self.metadata.as_deref().map(read_object).transpose()?;
        let names = self.names_in.iter().map(|option| {
            let (tag, name) = name_in(option)?;
            Ok::<_, Wrong>((tag, name.to_owned()))
        });
        let names = names.collect::<Result<_, _>>()?;
        Ok(Description { document, members: self.members()?, names })
    }

    /// The members that options set.
    fn members(&self) -> anyhow::Result<Map<String, Value>> {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| {
            members.insert(name.to_owned(), value);
        };
        for (name, list) in [
            ("redirect_uris", &self.redirect_uris),
            ("post_logout_redirect_uris", &self.post_logout_redirect_uris),
            ("grant_types", &self.grant_types),
            ("gw_allowed_resources", &self.resources),
            ("gw_default_audience", &self.default_audience),
            ("gw_allowed_schemes", &self.schemes),
            ("gw_resources", &self.introspects),
            ("gw_allowed_origins", &self.origins),
        ] {
            if !list.is_empty() {
                put(name, json!(list));
            }
        }
        for (name, text) in [
            ("client_name", &self.name),
            ("scope", &self.scope),
            ("token_endpoint_auth_method", &self.auth_method),
            ("jwks_uri", &self.jwks_uri),
            ("tls_client_auth_subject_dn", &self.tls_subject),
            ("tls_client_auth_san_dns", &self.tls_san_dns),
            ("tls_client_auth_san_uri", &self.tls_san_uri),
            ("tls_client_auth_san_ip", &self.tls_san_ip),
            ("tls_client_auth_san_email", &self.tls_san_email),
            ("subject_type", &self.subject_type),
            ("gw_access_token_format", &self.token_format),
        ] {
            if let Some(text) = text {
                put(name, json!(text));
            }
        }
        for (name, is_set, value) in [
            ("token_endpoint_auth_method", self.public, json!("none")),
            ("application_type", self.native, json!("native")),
        ] {
            if is_set {
                put(name, value);
            }
        }
        for (name, value) in [
            ("tls_client_certificate_bound_access_tokens", self.tls_bound_tokens),
            ("gw_shared_certificate_name", self.shared_certificate_name),
            ("gw_skip_consent", self.skip_consent),
            ("dpop_bound_access_tokens", self.dpop_bound_access_tokens),
            ("gw_require_pkce", self.require_pkce),
            ("gw_require_nonce", self.require_nonce),
        ] {
            if let Some(value) = value {
                put(name, json!(value));
            }
        }
        match self.id_token_claims.as_slice() {
            [] => {}
            [word] if word == "requested" || word == "scopes" => {
                put("gw_id_token_claims", json!(word));
            }
            names => put("gw_id_token_claims", json!(names)),
        }
        if let Some(lifetime) = self.token_lifetime {
            put("gw_access_token_lifetime", json!(lifetime));
        }
        if let Some(path) = &self.jwks {
            put("jwks", Value::Object(read_object(path)?));
        }
        Ok(members)
    }
}

fn read_object(path: &Path) -> anyhow::Result<Map<String, Value>> {
    let text = input::read(path)?;
    let object = strict::parse_object(text.as_bytes());
    Ok(object.map_err(|why| Wrong(format!("{} cannot be read: {why}", path.display())))?)
}
