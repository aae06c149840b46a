//! Validation of client metadata: [RFC 7591 §2], [OIDC Registration §2], and the extensions of DESIGN §8.
//!
//! One function validates the whole document, for a registration and for every update (THREATS DC-03).
//!
//! [RFC 7591 §2]: https://www.rfc-editor.org/rfc/rfc7591#section-2
//! [OIDC Registration §2]: https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata

mod certificate;
mod fapi2;

use url::Url;

pub(super) use self::certificate::compared_name;
use super::{redirect_uri, uri};
use crate::config::Config;
use crate::flow::tokens::{audience, claims};
use crate::jose::Jwks;
use crate::types::client::{
    AuthMethod, GrantType, IdTokenClaims, Metadata, ResponseType, SubjectType,
};
use crate::types::scope::PERSONAL;
use crate::types::{Algorithm, Code, Refusal, ResourceId, Scope, Seconds};

/// The most entries of a list.
const MOST: usize = 64;

/// The longest lifetime of an access token: a key stays published that long after its last signature.
pub(super) const LONGEST_TOKEN: Seconds = Seconds::hours(24);

/// The shortest lifetime, so that the token is still valid when it arrives.
pub(super) const SHORTEST_TOKEN: Seconds = Seconds(10);

/// Validates metadata and returns it as it is stored. It fetches nothing: the document at `sector_identifier_uri` is
/// for the caller to check.
///
/// # Errors
/// `invalid_redirect_uri` or `invalid_client_metadata`: RFC 7591 §3.2.2.
pub fn validate(metadata: Metadata, config: &Config) -> Result<Metadata, Refusal> {
    let metadata = with_defaults(metadata)?;
    lists(&metadata)?;
    texts(&metadata)?;
    grants(&metadata)?;
    authentication(&metadata)?;
    certificate::validate(&metadata)?;
    algorithms(&metadata, config)?;
    redirects(&metadata)?;
    sector(&metadata)?;
    addresses(&metadata, config)?;
    tokens(&metadata)?;
    fapi2::validate(&metadata)?;
    Ok(metadata)
}

/// Warnings about a registration that is less secure than it could be, for the administrator and the audit trail.
pub fn warnings(metadata: &Metadata) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if !metadata.gw_require_nonce {
        warnings.push(
            "gw_require_nonce is false: a stolen code can be injected into a sign-in of this client wherever it sends neither PKCE nor a nonce (RFC 9700 section 4.5)",
        );
    }
    if !metadata.gw_allowed_schemes.is_empty() {
        warnings.push(
            "gw_allowed_schemes is present: any program on a device can register these schemes and receive the responses (RFC 8252 section 7.1)",
        );
    }
    warnings
}

const fn invalid(why: &'static str) -> Refusal {
    Code::InvalidClientMetadata.because(why)
}

fn must(is_met: bool, why: &'static str) -> Result<(), Refusal> {
    if is_met { Ok(()) } else { Err(invalid(why)) }
}

/// > The authorization server MAY reject or replace any of the client's requested metadata values
/// > (RFC 7591 §2)
///
/// Replaced are only defaults that would be wrong for a client without users.
fn with_defaults(mut metadata: Metadata) -> Result<Metadata, Refusal> {
    let scope = Scope::parse(&metadata.scope)
        .map_err(|refusal| Refusal { code: Code::InvalidClientMetadata, ..refusal })?;
    let has_users = metadata.grant_types.contains(&GrantType::AuthorizationCode);
    let scope = if has_users {
        scope
    } else {
        metadata.response_types.clear();
        Scope::from_tokens(scope.iter().filter(|token| !PERSONAL.contains(token)))
    };
    metadata.scope = scope.to_string();
    remove_duplicates(&mut metadata.grant_types);
    remove_duplicates(&mut metadata.response_types);
    remove_duplicates(&mut metadata.redirect_uris);
    remove_duplicates(&mut metadata.post_logout_redirect_uris);
    remove_duplicates(&mut metadata.gw_allowed_origins);
    remove_duplicates(&mut metadata.gw_allowed_resources);
    remove_duplicates(&mut metadata.gw_default_audience);
    remove_duplicates(&mut metadata.gw_allowed_schemes);
    remove_duplicates(&mut metadata.gw_resources);
    Ok(metadata)
}

/// Removes repeated values.
fn remove_duplicates<T: PartialEq>(values: &mut Vec<T>) {
    let mut unique = Vec::with_capacity(values.len());
    for value in values.drain(..) {
        if !unique.contains(&value) {
            unique.push(value);
        }
    }
    *values = unique;
}

fn lists(metadata: &Metadata) -> Result<(), Refusal> {
    let longest = [
        metadata.redirect_uris.len(),
        metadata.post_logout_redirect_uris.len(),
        metadata.gw_allowed_origins.len(),
        metadata.gw_allowed_resources.len(),
        metadata.gw_allowed_schemes.len(),
        metadata.gw_resources.len(),
        metadata.contacts.len(),
        metadata.default_acr_values.len(),
    ]
    .into_iter()
    .chain(metadata.translations.iter().map(|(_, texts)| texts.len()));
    must(
        longest.into_iter().all(|length| length <= MOST),
        "a list has more than 64 members, or a text more than 64 languages",
    )
}

fn texts(metadata: &Metadata) -> Result<(), Refusal> {
    must(
        is_plain(&metadata.client_name, 200),
        "client_name is longer than 200 bytes, or has an invisible character",
    )?;
    if let Some(names) = metadata.translations.of("client_name") {
        must(
            names.values().all(|name| !name.is_empty() && is_plain(name, 200)),
            "client_name in a language is empty, longer than 200 bytes, or has an invisible character",
        )?;
    }
    for text in [&metadata.software_id, &metadata.software_version].into_iter().flatten() {
        must(
            is_plain(text, 200),
            "software_id or software_version is longer than 200 bytes, or has an invisible character",
        )?;
    }
    let is_mail = |contact: &String| {
        let ends = contact.split_once('@').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
        ends && is_plain(contact, 254) && !contact.contains(' ')
    };
    must(metadata.contacts.iter().all(is_mail), "contacts has an invalid mail address")?;
    let is_word = |word: &String| {
        !word.is_empty() && word.len() <= 200 && word.bytes().all(|byte| byte.is_ascii_graphic())
    };
    must(
        metadata.default_acr_values.iter().all(is_word),
        "default_acr_values has an invalid acr value",
    )
}

/// Text for users: without control characters, and without characters that change the reading direction and make a
/// name look like another (THREATS DC-08).
pub(super) fn is_plain(text: &str, most: usize) -> bool {
    let unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}')
    };
    text.len() <= most && text.trim() == text && !text.contains(unseen)
}

/// RFC 7591 §2.1: grant types and response types go together.
fn grants(metadata: &Metadata) -> Result<(), Refusal> {
    let may = |grant| metadata.grant_types.contains(&grant);
    let is_public = metadata.token_endpoint_auth_method == AuthMethod::None;
    must(
        !may(GrantType::AuthorizationCode) || metadata.response_types == [ResponseType::Code],
        "grant_types has authorization_code, and response_types lacks code",
    )?;
    must(
        !may(GrantType::RefreshToken) || may(GrantType::AuthorizationCode),
        "grant_types has refresh_token, and nothing that a refresh token could come from",
    )?;
    // RFC 6749 §4.4: "The client credentials grant type MUST only be used by confidential clients."
    must(
        !may(GrantType::ClientCredentials) || !is_public,
        "grant_types has client_credentials, which a client without authentication may not use",
    )?;
    must(
        !metadata.grant_types.is_empty() || !is_public,
        "grant_types is empty, and a client without authentication can do nothing else",
    )?;
    must(
        metadata.gw_require_nonce || (!is_public && !metadata.gw_require_pkce),
        "gw_require_nonce may be false only for a confidential client, and only beside gw_require_pkce: false",
    )?;
    let asks_for_identity = metadata.scope.split(' ').any(|token| token == "openid");
    must(
        metadata.gw_require_pkce || (!is_public && asks_for_identity),
        "gw_require_pkce may be false only for a confidential client with the scope openid, whose nonce then takes its place",
    )
}

const SIGNS_NOTHING: &str =
    "token_endpoint_auth_signing_alg is present, and token_endpoint_auth_method signs nothing";

/// Each client has exactly one authentication method and the keys that it needs.
fn authentication(metadata: &Metadata) -> Result<(), Refusal> {
    must(
        metadata.jwks.is_none() || metadata.jwks_uri.is_none(),
        // RFC 7591 §2: "The "jwks_uri" and "jwks" parameters MUST NOT both be present"
        "jwks and jwks_uri are both present",
    )?;
    let keys = match &metadata.jwks {
        Some(jwks) => Some(Jwks::registered(jwks).map_err(|why| {
            invalid("jwks is not a set of public keys that we verify signatures with")
                .with("jwks", why)
        })?),
        None => None,
    };
    let alg = metadata.token_endpoint_auth_signing_alg;
    match metadata.token_endpoint_auth_method {
        AuthMethod::PrivateKeyJwt => {
            must(
                keys.is_some() || metadata.jwks_uri.is_some(),
                "token_endpoint_auth_method is private_key_jwt, and there is neither jwks nor jwks_uri",
            )?;
            must(
                alg.is_none_or(|alg| !alg.is_symmetric()),
                "token_endpoint_auth_signing_alg is HS256, which private_key_jwt does not use",
            )?;
            let fits = |alg: Algorithm, keys: &Jwks| {
                keys.iter().any(|key| key.algorithms().contains(&alg))
            };
            must(
                alg.zip(keys.as_ref()).is_none_or(|(alg, keys)| fits(alg, keys)),
                "jwks has no key for token_endpoint_auth_signing_alg",
            )
        }
        AuthMethod::ClientSecretJwt => must(
            alg.is_none_or(Algorithm::is_symmetric),
            "token_endpoint_auth_signing_alg is not HS256, which client_secret_jwt uses",
        ),
        AuthMethod::SelfSignedTlsClientAuth => {
            must(
                metadata.jwks_uri.is_some()
                    || keys.iter().flat_map(Jwks::iter).any(|key| key.certificate().is_some()),
                "token_endpoint_auth_method is self_signed_tls_client_auth, and there is neither jwks_uri nor a key with x5c in jwks",
            )?;
            must(alg.is_none(), SIGNS_NOTHING)
        }
        AuthMethod::ClientSecretBasic
        | AuthMethod::ClientSecretPost
        | AuthMethod::TlsClientAuth
        | AuthMethod::None => must(alg.is_none(), SIGNS_NOTHING),
    }?;
    must(
        metadata.gw_assertion_audience.is_none()
            || matches!(
                metadata.token_endpoint_auth_method,
                AuthMethod::PrivateKeyJwt | AuthMethod::ClientSecretJwt
            ),
        "gw_assertion_audience is present, and token_endpoint_auth_method signs nothing",
    )
}

/// The server must have a key for each algorithm that it is to sign with. It signs nothing with a shared secret, which
/// the client could use to sign as the server.
fn algorithms(metadata: &Metadata, config: &Config) -> Result<(), Refusal> {
    let can_sign = |alg: Algorithm| !alg.is_symmetric() && config.keys.algorithms.contains(&alg);
    must(
        can_sign(metadata.id_token_signed_response_alg),
        "id_token_signed_response_alg is not an algorithm that this server signs with",
    )?;
    must(
        metadata.userinfo_signed_response_alg.is_none_or(can_sign),
        "userinfo_signed_response_alg is not an algorithm that this server signs with",
    )
}

fn redirects(metadata: &Metadata) -> Result<(), Refusal> {
    let has_users = metadata.grant_types.contains(&GrantType::AuthorizationCode);
    if has_users && metadata.redirect_uris.is_empty() {
        return Err(Code::InvalidRedirectUri
            .because("grant_types has authorization_code, and there are no redirect_uris"));
    }
    must(
        has_users
            || (metadata.redirect_uris.is_empty() && metadata.post_logout_redirect_uris.is_empty()),
        "redirect_uris or post_logout_redirect_uris are present, and grant_types lacks authorization_code",
    )?;
    let uris = metadata.redirect_uris.iter().chain(&metadata.post_logout_redirect_uris);
    for uri in uris {
        redirect_uri::register(uri, metadata.application_type, &metadata.gw_allowed_schemes)?;
    }
    match metadata.gw_allowed_schemes.iter().find(|scheme| !redirect_uri::may_be_allowed(scheme)) {
        None => Ok(()),
        Some(scheme) => Err(invalid(
            "gw_allowed_schemes has an invalid scheme: it must be in lower case, and none that browsers handle themselves",
        )
        .with("scheme", scheme.escape_debug())),
    }
}

/// OIDC Core §8.1:
///
/// > When pairwise Subject Identifiers are used with a client that has multiple hostnames registered,
/// > it MUST register a sector_identifier_uri
fn sector(metadata: &Metadata) -> Result<(), Refusal> {
    if metadata.subject_type == SubjectType::Public || metadata.sector_identifier_uri.is_some() {
        return Ok(());
    }
    let host = |uri: &String| Url::parse(uri).ok()?.host_str().map(str::to_owned);
    let hosts: Vec<_> = metadata.redirect_uris.iter().map(host).collect();
    let is_one = hosts.windows(2).all(|pair| pair.first() == pair.last());
    must(
        is_one && hosts.iter().all(Option::is_some),
        "subject_type is pairwise, redirect_uris do not share one host, and there is no sector_identifier_uri",
    )
}

/// Whether a document of a sector names all redirect URIs: a JSON array of them (OIDC Core §8.1).
///
/// # Errors
/// `invalid_client_metadata`: OIDC Registration §5.
pub(super) fn must_be_in_sector(
    metadata: &Metadata,
    document: &serde_json::Value,
) -> Result<(), Refusal> {
    let Some(named) = document.as_array() else {
        return Err(invalid("the document at sector_identifier_uri is not a JSON array"));
    };
    let is_named = |uri: &&String| named.iter().any(|one| one.as_str() == Some(uri.as_str()));
    match metadata.redirect_uris.iter().find(|uri| !is_named(uri)) {
        None => Ok(()),
        Some(missing) => Err(invalid("the document at sector_identifier_uri lacks a redirect URI")
            .with("redirect_uri", missing)),
    }
}

/// URLs that the server fetches, or that users are sent to (THREATS AZ-06, DC-06).
fn addresses(metadata: &Metadata, config: &Config) -> Result<(), Refusal> {
    let pages = [
        (&metadata.client_uri, "client_uri is not an https URI in its normal form"),
        (&metadata.logo_uri, "logo_uri is not an https URI in its normal form"),
        (&metadata.policy_uri, "policy_uri is not an https URI in its normal form"),
        (&metadata.tos_uri, "tos_uri is not an https URI in its normal form"),
        (&metadata.jwks_uri, "jwks_uri is not an https URI in its normal form"),
        (
            &metadata.sector_identifier_uri,
            "sector_identifier_uri is not an https URI in its normal form",
        ),
    ];
    for (address, why) in pages {
        if let Some(address) = address {
            web_address(address, config).map_err(|reason| {
                invalid(why).with("uri", address.escape_debug()).with("reason", reason)
            })?;
        }
    }
    let links = metadata.translations.iter().filter(|(member, _)| *member != "client_name");
    for (tag, address) in links.flat_map(|(_, texts)| texts) {
        web_address(address, config).map_err(|reason| {
            invalid("client_uri, policy_uri or tos_uri in a language is not an https URI in its normal form")
                .with("language", tag)
                .with("uri", address.escape_debug())
                .with("reason", reason)
        })?;
    }
    for origin in &metadata.gw_allowed_origins {
        must_be_origin(origin).map_err(|reason| {
            invalid(
                "gw_allowed_origins has an invalid origin: it must be like https://app.example.com",
            )
            .with("origin", origin.escape_debug())
            .with("reason", reason)
        })?;
    }
    Ok(())
}

fn web_address(address: &str, config: &Config) -> Result<(), &'static str> {
    let url = uri::canonical(address)?;
    match url.scheme() {
        "https" => uri::must_have_plain_host(&url),
        "http" if config.outbound.allow_private_networks && uri::is_loopback(&url) => Ok(()),
        _ => Err("it is not an https URI"),
    }
}

/// Scheme, host and port as browsers send them in `Origin`; https, or http on loopback.
fn must_be_origin(origin: &str) -> Result<(), &'static str> {
    let url = uri::canonical(origin)?;
    uri::must_have_plain_host(&url)?;
    if url.scheme() != "https" && !(url.scheme() == "http" && uri::is_loopback(&url)) {
        return Err("it is neither https nor http on loopback");
    }
    if url.origin().ascii_serialization() != origin {
        return Err("it is more than scheme, host and port");
    }
    Ok(())
}

fn tokens(metadata: &Metadata) -> Result<(), Refusal> {
    must(
        metadata.gw_access_token_lifetime.is_none_or(is_lifetime),
        "gw_access_token_lifetime is not between 10 seconds and 24 hours",
    )?;
    must(
        metadata.default_max_age.is_none_or(|age| (0..=Seconds::days(3650).0).contains(&age.0)),
        "default_max_age is negative, or more than ten years",
    )?;
    must(
        metadata.gw_default_audience.len() <= audience::MAX_RESOURCES,
        "gw_default_audience has more than 8 members",
    )?;
    if let IdTokenClaims::Named(names) = &metadata.gw_id_token_claims
        && let Some(unknown) = names.iter().find(|name| claims::scope_of(name).is_none())
    {
        return Err(invalid(
            "gw_id_token_claims has a claim that is not a user claim of claims_supported",
        )
        .with("claim", unknown.escape_debug()));
    }
    let named = metadata.gw_allowed_resources.iter().chain(&metadata.gw_resources);
    for resource in named.chain(&metadata.gw_default_audience) {
        must_be_resource(resource).map_err(|reason| {
            invalid("gw_allowed_resources, gw_resources or gw_default_audience has an invalid resource identifier")
                .with("resource", resource.as_str().escape_debug())
                .with("reason", reason)
        })?;
    }
    must(
        metadata.gw_resources.is_empty() || metadata.token_endpoint_auth_method != AuthMethod::None,
        "gw_resources is present, and a client without authentication may not introspect",
    )
}

/// Whether an access token may have this lifetime.
pub(super) fn is_lifetime(lifetime: Seconds) -> bool {
    (SHORTEST_TOKEN..=LONGEST_TOKEN).contains(&lifetime)
}

/// RFC 8707 §2:
///
/// > Its value MUST be an absolute URI, as specified by Section 4.3 of RFC 3986. The URI MUST NOT
/// > include a fragment component.
pub(super) fn must_be_resource(resource: &ResourceId) -> Result<(), &'static str> {
    uri::canonical(resource.as_str()).map(drop)
}

#[cfg(test)]
mod tests;
