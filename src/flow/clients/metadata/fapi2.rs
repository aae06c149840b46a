//! The requirements on a client with `gw_profile: fapi2`: [FAPI 2.0 Security Profile §5.3, §5.4].
//!
//! [FAPI 2.0 Security Profile §5.3, §5.4]: https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3

use super::{invalid, must};
use crate::types::Refusal;
use crate::types::client::{ApplicationType, AuthMethod, Metadata, Profile};

/// Refuses with the first requirement that the client does not meet, or if it meets all, with what this server
/// lacks. A profile is never applied in part, since the client relies on all of it.
pub(super) fn validate(metadata: &Metadata) -> Result<(), Refusal> {
    if metadata.gw_profile != Profile::Fapi2 {
        return Ok(());
    }
    // > shall authenticate clients using […] MTLS […] or private_key_jwt (§5.3.2.1)
    must(
        matches!(
            metadata.token_endpoint_auth_method,
            AuthMethod::PrivateKeyJwt
                | AuthMethod::TlsClientAuth
                | AuthMethod::SelfSignedTlsClientAuth
        ),
        "gw_profile is fapi2, which demands private_key_jwt, tls_client_auth or self_signed_tls_client_auth as token_endpoint_auth_method",
    )?;
    // > shall only issue sender-constrained access tokens (§5.3.2.1)
    must(
        metadata.dpop_bound_access_tokens || metadata.tls_client_certificate_bound_access_tokens,
        "gw_profile is fapi2, which demands dpop_bound_access_tokens or tls_client_certificate_bound_access_tokens",
    )?;
    must(
        metadata.gw_require_pkce,
        "gw_profile is fapi2, which demands PKCE: gw_require_pkce is false",
    )?;
    // > shall use PS256, ES256, or EdDSA (using the Ed25519 variant) algorithms (§5.4.1)
    let signed = [
        Some(metadata.id_token_signed_response_alg),
        metadata.userinfo_signed_response_alg,
        metadata.token_endpoint_auth_signing_alg,
    ];
    must(
        signed.into_iter().flatten().all(|algorithm| Profile::Fapi2.allows(algorithm)),
        "gw_profile is fapi2, which allows no algorithm but PS256, ES256 and EdDSA: see id_token_signed_response_alg, userinfo_signed_response_alg and token_endpoint_auth_signing_alg",
    )?;
    // > shall require the redirect_uri to use the https URI scheme unless […] native applications
    // > […] on the loopback interface (§5.3.2.2, in substance)
    let is_native = metadata.application_type == ApplicationType::Native;
    let is_safe =
        |uri: &String| uri.starts_with("https://") || (is_native && uri.starts_with("http://"));
    must(
        metadata.redirect_uris.iter().all(is_safe),
        "gw_profile is fapi2, which demands https in redirect_uris",
    )?;
    // > shall require pushed authorization requests (§5.3.2.2, in substance)
    Err(invalid(
        "gw_profile is fapi2, which demands pushed authorization requests (RFC 9126): this server has none yet, all else about the client is in order",
    ))
}
