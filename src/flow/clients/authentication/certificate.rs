//! Client authentication with the certificate of the connection: [RFC 8705 §2].
//!
//! [RFC 8705 §2]: https://www.rfc-editor.org/rfc/rfc8705#section-2

use std::sync::Arc;

use super::failed;
use crate::config::Revocation;
use crate::flow::Call;
use crate::jose::jwk::PublicKey;
use crate::pki::anchors::Chain;
use crate::pki::issue::{URN, urn};
use crate::pki::revocation::ChainStatus;
use crate::pki::{Certificate, Name};
use crate::types::client::{AuthMethod, Metadata};
use crate::types::{Client, Failure, Result, Thumbprint};

/// Refuses a certificate that this server has revoked, itself or in its chain, whoever issued it and however its client
/// authenticates: no token is bound to it, and no token that is bound to it is renewed.
///
/// # Errors
/// `invalid_client`; 503 if the cache of revoked certificates could not be confirmed.
pub(super) async fn must_not_be_revoked(call: &Call<'_>, client: &Client) -> Result<()> {
    let Some(presented) = &call.possession.certificate else {
        return Ok(());
    };
    if call.is_revoked(presented).await? {
        return Err(failed()
            .with("client_id", &client.id)
            .with("reason", "the client certificate was revoked")
            .with("x5t#S256", presented.thumbprint)
            .into());
    }
    Ok(())
}

/// Authenticates a client by the certificate that it presents. The TLS handshake proved possession of its key.
///
/// # Errors
/// `invalid_client`.
pub(super) async fn authenticate(call: &Call<'_>, client: &Client) -> Result<()> {
    let wrong =
        |reason: &'static str| failed().with("client_id", &client.id).with("reason", reason);
    let Some(presented) = &call.possession.certificate else {
        return Err(wrong("there is no client certificate").into());
    };
    let wrong = |reason| wrong(reason).with("x5t#S256", presented.thumbprint);
    if !presented.is_valid_at(call.now) {
        return Err(wrong("the client certificate has expired or is not yet valid")
            .with("not_before", presented.not_before)
            .with("not_after", presented.not_after)
            .into());
    }
    match client.metadata.token_endpoint_auth_method {
        AuthMethod::TlsClientAuth => {
            must_have_name(&client.metadata, presented)?.map_err(|expected| {
                wrong("the client certificate does not have the registered name")
                    .with("expected", expected)
                    .with("subject", &presented.subject)
                    .with("names", presented.names.to_texts().join(", ").escape_debug())
            })?;
            let chain = call.trust.chain(presented, call.now).await?.map_err(|why| {
                wrong("the client certificate has no valid chain to a trust anchor")
                    .with("chain", why)
                    .with("subject", &presented.subject)
            })?;
            // Another CA may issue any name, except those that belong to the built-in CA.
            if !chain.anchor.is_built_in && has_built_in_name(&client.metadata) {
                return Err(wrong("another CA has issued a name that belongs to the built-in CA")
                    .with("anchor", &chain.anchor.name)
                    .into());
            }
            // A certificate of the built-in CA authenticates only the client that it was issued to, whatever other names
            // it has: each has the client's own (`pki::issue`).
            if chain.anchor.is_built_in
                && presented.names.uri.iter().any(|uri| uri.starts_with(URN))
                && !presented.names.has_uri(&urn(&client.id))
            {
                return Err(wrong("the client certificate was issued to another client")
                    .with("names", presented.names.to_texts().join(", ").escape_debug())
                    .into());
            }
            must_be_good(call, client, presented, &chain).await?;
            tracing::debug!(client_id = %client.id, anchor = chain.anchor.name, "authenticated by a certificate");
            Ok(())
        }
        // > the certificate chain is not validated by the server in this case. [...] the client is
        // > successfully authenticated if the certificate that it presented during the handshake matches
        // > one of the certificates configured or registered for that particular client. (§2.2)
        AuthMethod::SelfSignedTlsClientAuth => {
            let der = presented.der();
            let keys =
                call.client_keys.with(call, client, |keys| keys.has_certificate(der)).await?;
            if keys.has_certificate(der) {
                Ok(())
            } else {
                Err(wrong("the client certificate is not one that is registered").into())
            }
        }
        AuthMethod::ClientSecretBasic
        | AuthMethod::ClientSecretPost
        | AuthMethod::ClientSecretJwt
        | AuthMethod::PrivateKeyJwt
        | AuthMethod::None => Err(wrong("another method than the registered one").into()),
    }
}

/// Refuses a registered key that was revoked as compromised, or whose certificate beside it (RFC 7517 §4.7) was revoked.
///
/// # Errors
/// `invalid_client`; 503 if the cache of revoked certificates could not be confirmed.
pub(super) async fn key_must_not_be_revoked(
    call: &Call<'_>,
    client: &Client,
    key: &PublicKey,
) -> Result<()> {
    let revoked = call.cache.revoked().await?;
    if revoked.is_empty() {
        return Ok(());
    }
    let public_key = key.public_key();
    let is_revoked = match (key.certificate(), public_key) {
        (Some(der), Some(public_key)) => revoked.has(Thumbprint::of(der), public_key),
        (None, Some(public_key)) => revoked.has_key(public_key),
        (Some(_) | None, None) => false,
    };
    if is_revoked {
        return Err(failed()
            .with("client_id", &client.id)
            .with("reason", "the key of the assertion, or its certificate, was revoked")
            .into());
    }
    Ok(())
}

/// Checks what the tokens of this response will be bound to, before anything is consumed for them. However the client
/// authenticates, no token is bound to a certificate that its CA has revoked. A certificate without a trust anchor,
/// such as a self-signed one, can be revoked at this server only.
///
/// # Errors
/// Those of [`confirmation`](crate::flow::tokens::possession::Possession::confirmation); `invalid_client`; 503 if the revocation status is unknown and the trust anchor requires it (`hard-fail`).
pub(in crate::flow) async fn must_bind(call: &Call<'_>, client: &Client) -> Result<()> {
    let confirmation = call.possession.confirmation(client, call.now)?;
    let Some(presented) =
        call.possession.certificate.as_ref().filter(|_| confirmation.certificate.is_some())
    else {
        return Ok(());
    };
    match client.metadata.token_endpoint_auth_method {
        // It was checked during authentication.
        AuthMethod::TlsClientAuth => Ok(()),
        AuthMethod::SelfSignedTlsClientAuth
        | AuthMethod::ClientSecretBasic
        | AuthMethod::ClientSecretPost
        | AuthMethod::ClientSecretJwt
        | AuthMethod::PrivateKeyJwt
        | AuthMethod::None => match call.trust.chain(presented, call.now).await? {
            Ok(chain) => Box::pin(must_be_good(call, client, presented, &chain)).await,
            Err(_) => Ok(()),
        },
    }
}

/// Whether a client is registered with a name that the built-in CA issues.
fn has_built_in_name(metadata: &Metadata) -> bool {
    metadata.tls_client_auth_san_uri.as_deref().is_some_and(|uri| uri.starts_with(URN))
}

/// Checks the revocation status of the certificate and its chain, as the trust anchor is configured.
async fn must_be_good(
    call: &Call<'_>,
    client: &Client,
    presented: &Arc<Certificate>,
    chain: &Arc<Chain>,
) -> Result<()> {
    let wrong = |reason: &'static str| {
        failed()
            .with("client_id", &client.id)
            .with("reason", reason)
            .with("x5t#S256", presented.thumbprint)
            .with("anchor", &chain.anchor.name)
    };
    match call.revocation_checker().check(presented, chain, &client.id).await? {
        ChainStatus::Good => Ok(()),
        ChainStatus::Revoked { at, reason } => {
            Err(wrong("the client certificate was revoked by its CA")
                .with("revoked_at", at)
                .with("revoked_for", reason)
                .into())
        }
        ChainStatus::Unknown if chain.anchor.revocation == Revocation::HardFail => {
            Err(wrong("the client certificate names no source of its revocation status").into())
        }
        ChainStatus::Unknown => Ok(()),
        ChainStatus::Unreadable(why) => Err(wrong(why).into()),
    }
}

/// Checks that the certificate has the registered name (RFC 8705 §2.1.2); the inner error is that name.
fn must_have_name(
    metadata: &Metadata,
    presented: &Certificate,
) -> Result<Result<(), String>, Failure> {
    let names = &presented.names;
    let Metadata {
        tls_client_auth_subject_dn: subject,
        tls_client_auth_san_dns: dns,
        tls_client_auth_san_uri: uri,
        tls_client_auth_san_ip: ip,
        tls_client_auth_san_email: mail,
        ..
    } = metadata;
    let (fits, expected) = if let Some(subject) = subject {
        let name = Name::parse(subject).map_err(Failure::internal)?;
        (name == presented.subject, subject.clone())
    } else if let Some(dns) = dns {
        (names.has_dns(dns), dns.clone())
    } else if let Some(uri) = uri {
        (names.has_uri(uri), uri.clone())
    } else if let Some(ip) = ip {
        (names.has_ip(*ip), ip.to_string())
    } else if let Some(mail) = mail {
        (names.has_email(mail), mail.clone())
    } else {
        (false, "no name is registered".to_owned())
    };
    Ok(if fits { Ok(()) } else { Err(expected) })
}
