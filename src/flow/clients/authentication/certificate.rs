//! A client that proves itself by the certificate of its connection: [RFC 8705 §2].
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

/// A certificate that was revoked here, or that one above it was, counts for nothing, whoever issued it and
/// whatever its client proves itself by: no token is bound to it any more, and none that is bound to it is renewed.
///
/// # Errors
/// `invalid_client`; 503 when nobody can say what was revoked.
pub(super) async fn must_not_be_revoked(call: &Call<'_>, client: &Client) -> Result<()> {
    let Some(shown) = &call.held.certificate else {
        return Ok(());
    };
    if call.is_revoked(shown).await? {
        return Err(failed()
            .with("client_id", &client.id)
            .with("reason", "the client certificate was revoked")
            .with("x5t#S256", shown.thumbprint)
            .into());
    }
    Ok(())
}

/// Proves a client by the certificate that it shows. That it has the key of it was proven in the TLS
/// handshake.
///
/// # Errors
/// `invalid_client`.
pub(super) async fn prove(call: &Call<'_>, client: &Client) -> Result<()> {
    let wrong =
        |reason: &'static str| failed().with("client_id", &client.id).with("reason", reason);
    let Some(shown) = &call.held.certificate else {
        return Err(wrong("there is no client certificate").into());
    };
    let wrong = |reason| wrong(reason).with("x5t#S256", shown.thumbprint);
    if !shown.is_valid_at(call.now) {
        return Err(wrong("the client certificate has expired, or does not count yet")
            .with("not_before", shown.not_before)
            .with("not_after", shown.not_after)
            .into());
    }
    match client.metadata.token_endpoint_auth_method {
        AuthMethod::TlsClientAuth => {
            must_be_named(&client.metadata, shown)?.map_err(|expected| {
                wrong("the client certificate is of somebody else")
                    .with("expected", expected)
                    .with("subject", &shown.subject)
                    .with("names", shown.names.to_texts().join(", ").escape_debug())
            })?;
            let chain = call.trust.chain(shown, call.now).await?.map_err(|why| {
                wrong("nobody whom we believe stands behind the client certificate")
                    .with("chain", why)
                    .with("subject", &shown.subject)
            })?;
            // Whoever else is believed may put any name into a certificate, but not one that is ours to give.
            if !chain.anchor.is_built_in && has_our_name(&client.metadata) {
                return Err(wrong("another authority has given away a name that only ours gives")
                    .with("anchor", &chain.anchor.name)
                    .into());
            }
            // What our authority has issued belongs to the client that it was issued to, whatever other names stand
            // in it: each has the client's own (`pki::issue`).
            if chain.anchor.is_built_in
                && shown.names.uri.iter().any(|uri| uri.starts_with(URN))
                && !shown.names.has_uri(&urn(&client.id))
            {
                return Err(wrong("the client certificate was issued to another client")
                    .with("names", shown.names.to_texts().join(", ").escape_debug())
                    .into());
            }
            must_stand(call, client, shown, &chain).await?;
            tracing::debug!(client_id = %client.id, anchor = chain.anchor.name, "proven by a certificate");
            Ok(())
        }
        // > the certificate chain is not validated by the server in this case. [...] the client is
        // > successfully authenticated if the certificate that it presented during the handshake matches
        // > one of the certificates configured or registered for that particular client. (§2.2)
        AuthMethod::SelfSignedTlsClientAuth => {
            let der = shown.der();
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

/// A key that somebody else has proves nobody, whatever it is registered in; nor does one whose certificate was
/// revoked that stands beside it (RFC 7517 §4.7).
///
/// # Errors
/// `invalid_client`; 503 when nobody can say what was revoked.
pub(super) async fn must_be_its_own(
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

/// Judges what the tokens of this answer will be bound to, before anything is spent for it: whatever the client
/// proves itself by, nothing is bound to a certificate that its authority has revoked. One that leads to nobody
/// whom we believe, as those do that signed themselves, can be revoked here alone.
///
/// # Errors
/// Those of [`confirmation`](crate::flow::tokens::possession::Held::confirmation); `invalid_client`; 503 when nobody can tell, and the anchor says `hard-fail`.
pub(in crate::flow) async fn must_bind(call: &Call<'_>, client: &Client) -> Result<()> {
    let confirmation = call.held.confirmation(client, call.now)?;
    let Some(shown) = call.held.certificate.as_ref().filter(|_| confirmation.certificate.is_some())
    else {
        return Ok(());
    };
    match client.metadata.token_endpoint_auth_method {
        // It was judged when it proved itself.
        AuthMethod::TlsClientAuth => Ok(()),
        AuthMethod::SelfSignedTlsClientAuth
        | AuthMethod::ClientSecretBasic
        | AuthMethod::ClientSecretPost
        | AuthMethod::ClientSecretJwt
        | AuthMethod::PrivateKeyJwt
        | AuthMethod::None => match call.trust.chain(shown, call.now).await? {
            Ok(chain) => Box::pin(must_stand(call, client, shown, &chain)).await,
            Err(_) => Ok(()),
        },
    }
}

/// Whether a client is registered by a name that the authority inside gives.
fn has_our_name(metadata: &Metadata) -> bool {
    metadata.tls_client_auth_san_uri.as_deref().is_some_and(|uri| uri.starts_with(URN))
}

/// Whether its authority, and those above it, have not revoked it: as much as its anchor wants to know that.
async fn must_stand(
    call: &Call<'_>,
    client: &Client,
    shown: &Arc<Certificate>,
    chain: &Arc<Chain>,
) -> Result<()> {
    let wrong = |reason: &'static str| {
        failed()
            .with("client_id", &client.id)
            .with("reason", reason)
            .with("x5t#S256", shown.thumbprint)
            .with("anchor", &chain.anchor.name)
    };
    match call.revocation_checker().check(shown, chain, &client.id).await? {
        ChainStatus::Good => Ok(()),
        ChainStatus::Revoked { at, reason } => {
            Err(wrong("the client certificate was revoked by its authority")
                .with("revoked_at", at)
                .with("revoked_for", reason)
                .into())
        }
        ChainStatus::Unknown if chain.anchor.revocation == Revocation::HardFail => {
            Err(wrong("the client certificate does not say who knows whether it was revoked")
                .into())
        }
        ChainStatus::Unknown => Ok(()),
        ChainStatus::Unreadable(why) => Err(wrong(why).into()),
    }
}

/// Whether the certificate has the one name that is registered (RFC 8705 §2.1.2); if not, that name.
fn must_be_named(metadata: &Metadata, shown: &Certificate) -> Result<Result<(), String>, Failure> {
    let names = &shown.names;
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
        (name == shown.subject, subject.clone())
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
