//! Registration of clients by an administrator: [RFC 7591], [OIDC Registration].
//!
//! Documents are fetched before the transaction. Each change is one transaction with its audit event, and increments
//! the version, so that other replicas invalidate their caches.
//!
//! [RFC 7591]: https://www.rfc-editor.org/rfc/rfc7591
//! [OIDC Registration]: https://openid.net/specs/openid-connect-registration-1_0.html

mod certificate_names;

use std::ops::Deref;

pub use self::certificate_names::settle;
use super::metadata::{must_be_in_sector, validate, warnings};
use crate::jose::Kek;
use crate::jose::seal::{self, Owner};
use crate::outbound::Outbound;
use crate::pki::issue::urn;
use crate::pki::{Reason, inventory};
use crate::record::{Context, Event, Kind};
use crate::roles;
use crate::store::clients::{self, Logo};
use crate::store::{Tx, certificates, enrolments, retrying, versions};
use crate::types::client::{AuthMethod, Metadata, StoredSecret};
use crate::types::token::ClientSecret;
use crate::types::{Client, ClientId, Code, Failure, Holder, Refusal, Result, Seconds, json};

/// The longest time that a secret stays valid after the next one was issued.
pub(super) const LONGEST_OVERLAP: Seconds = Seconds::days(90);

/// Registers clients.
#[derive(Clone, Copy)]
pub struct Registrar<'a> {
    /// The shared dependencies.
    pub context: Context<'a>,
    /// The one HTTP client.
    pub outbound: &'a Outbound,
    /// The key that seals the secrets of `client_secret_jwt`; `None` if no such client is registered here.
    pub kek: Option<&'a Kek>,
}

impl<'a> Deref for Registrar<'a> {
    type Target = Context<'a>;

    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}

/// A client and its new secret, if there is one; only this value has the secret in clear.
#[derive(Debug)]
pub struct Registered {
    /// The client.
    pub client: Client,
    /// `client_secret`
    pub secret: Option<ClientSecret>,
}

/// Validated metadata, and what was fetched for it.
struct Validated {
    metadata: Metadata,
    /// `None` if the logo does not change.
    logo: Option<Option<Logo>>,
}

impl Registrar<'_> {
    /// Registers a client.
    ///
    /// # Errors
    /// `invalid_redirect_uri` or `invalid_client_metadata`, also if a certificate of another client would authenticate
    /// this one.
    pub async fn create(&self, metadata: Metadata) -> Result<Registered> {
        let validated = self.validate(metadata, None).await?;
        retrying(|| self.insert(&validated)).await
    }

    /// Replaces the metadata of `client`, which is as the caller read it. If the new authentication method needs a
    /// secret, or a sealed one, that the client does not have, it is issued.
    ///
    /// # Errors
    /// Those of [`Registrar::create`], and `precondition_failed` if the client was changed meanwhile.
    pub async fn update(&self, client: &Client, metadata: Metadata) -> Result<Registered> {
        let validated = self.validate(metadata, Some(&client.metadata)).await?;
        retrying(|| self.replace(client, &validated)).await
    }

    /// Issues a new secret. The current one stays valid for `overlap`, older ones expire: at most two are valid.
    ///
    /// # Errors
    /// `invalid_request` if the client has no secrets; `precondition_failed` if it was changed meanwhile.
    pub async fn rotate_secret(&self, client: &Client, overlap: Seconds) -> Result<Registered> {
        if !has_secret(client.metadata.token_endpoint_auth_method) {
            return Err(Code::InvalidRequest.because("the client has no secret").into());
        }
        if !(Seconds(0)..=LONGEST_OVERLAP).contains(&overlap) {
            return Err(Code::InvalidRequest
                .because("the previous secret may stay valid for at most 90 days")
                .into());
        }
        retrying(|| self.add_secret(client, overlap)).await
    }

    /// Disables a client until it is enabled. Its codes, grants, tokens and enrolment tokens are invalid, even after it
    /// is enabled again (THREATS X-11). Its certificates of the built-in CA are revoked for good; it needs a new one.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn disable(&self, id: &ClientId) -> Result<()> {
        retrying(|| async {
            let mut tx = self.store.write().await?;
            if !clients::disable(&mut tx, id, Some(self.trace.now())).await? {
                return Err(unknown().into());
            }
            roles::must_cover(&mut tx, self.trace, &Holder::Client(id.clone())).await?;
            enrolments::delete_of_client(&mut tx, id).await?;
            self.revoke_certificates(&mut tx, id, Reason::PrivilegeWithdrawn).await?;
            self.commit(tx, Event::success(Kind::ClientDisabled), id).await
        })
        .await
    }

    /// Enables a disabled client.
    ///
    /// # Errors
    /// `not_found`; `invalid_client_metadata` if another client has its certificate name now.
    pub async fn enable(&self, id: &ClientId) -> Result<()> {
        retrying(|| async {
            let mut tx = self.store.write().await?;
            if !clients::disable(&mut tx, id, None).await? {
                return Err(unknown().into());
            }
            roles::must_cover(&mut tx, self.trace, &Holder::Client(id.clone())).await?;
            // Another client could take the name while this one was disabled.
            certificate_names::must_be_its_own(&mut tx, id, self.trace).await?;
            self.commit(tx, Event::success(Kind::ClientEnabled), id).await
        })
        .await
    }

    /// Deletes a client with its consents, grants and tokens. Its certificates of the built-in CA are revoked.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn delete(&self, id: &ClientId) -> Result<()> {
        retrying(|| async {
            let mut tx = self.store.write().await?;
            // Its roles are deleted with it.
            versions::bump(&mut tx, versions::Kind::Clients).await?;
            roles::must_cover(&mut tx, self.trace, &Holder::Client(id.clone())).await?;
            if !clients::delete(&mut tx, id).await? {
                return Err(unknown().into());
            }
            self.revoke_certificates(&mut tx, id, Reason::CessationOfOperation).await?;
            self.commit(tx, Event::success(Kind::ClientDeleted), id).await
        })
        .await
    }

    /// Validates metadata and fetches what it refers to: a sector every time (THREATS JO-23), a logo if its URL changed.
    async fn validate(&self, metadata: Metadata, before: Option<&Metadata>) -> Result<Validated> {
        let metadata = validate(metadata, self.config)?;
        if let Some(uri) = &metadata.jwks_uri {
            // Fetched, and checked again, with the first assertion (THREATS SS-08).
            self.outbound.check(uri).map_err(|error| {
                invalid("jwks_uri has an address that this server does not fetch from")
                    .with("reason", error)
            })?;
        }
        if let Some(uri) = &metadata.sector_identifier_uri {
            let document =
                self.outbound.get_json(uri, "application/json").await.map_err(|error| {
                    invalid("sector_identifier_uri cannot be fetched").with("reason", error)
                })?;
            let document = json::parse(&document).map_err(|why| {
                invalid("sector_identifier_uri does not lead to JSON").with("reason", why)
            })?;
            must_be_in_sector(&metadata, &document)?;
        }
        let logo = if before.is_some_and(|before| before.logo_uri == metadata.logo_uri) {
            None
        } else {
            Some(self.fetch_logo(metadata.logo_uri.as_deref()).await?)
        };
        Ok(Validated { metadata, logo })
    }

    async fn fetch_logo(&self, uri: Option<&str>) -> Result<Option<Logo>> {
        let Some(uri) = uri else {
            return Ok(None);
        };
        let image = self.outbound.get_image(uri).await.map_err(|error| {
            invalid("logo_uri does not lead to a PNG, JPEG or WebP image of at most 256 KiB")
                .with("reason", error)
        })?;
        Ok(Some(Logo { media_type: image.media_type.to_owned(), bytes: image.bytes }))
    }

    async fn insert(&self, validated: &Validated) -> Result<Registered> {
        let now = self.trace.now();
        let id = ClientId::new();
        let metadata = &with_certificate_name(&validated.metadata, &id);
        let mut tx = self.store.write().await?;
        clients::insert(&mut tx, &id, metadata, now).await?;
        certificate_names::insert(&mut tx, &id, metadata).await?;
        certificate_names::must_be_its_own(&mut tx, &id, self.trace).await?;
        self.record_certificates(&mut tx, &id, metadata).await?;
        let secret = if has_secret(metadata.token_endpoint_auth_method) {
            Some(self.issue_secret(&mut tx, &id, metadata).await?)
        } else {
            None
        };
        if let Some(logo) = &validated.logo {
            clients::set_logo(&mut tx, &id, logo.as_ref(), now).await?;
        }
        self.finish(tx, Kind::ClientCreated, &id, secret).await
    }

    async fn replace(&self, client: &Client, validated: &Validated) -> Result<Registered> {
        let now = self.trace.now();
        let id = &client.id;
        let metadata = &with_certificate_name(&validated.metadata, id);
        let mut tx = self.store.write().await?;
        if !clients::update(&mut tx, id, client.version, metadata, now).await? {
            return Err(changed().into());
        }
        roles::must_cover(&mut tx, self.trace, &Holder::Client(id.clone())).await?;
        certificate_names::insert(&mut tx, id, metadata).await?;
        certificate_names::must_be_its_own(&mut tx, id, self.trace).await?;
        self.record_certificates(&mut tx, id, metadata).await?;
        let before = client.metadata.token_endpoint_auth_method;
        let after = metadata.token_endpoint_auth_method;
        let keeps =
            has_secret(after) == has_secret(before) && is_sealed(after) == is_sealed(before);
        let secret = if keeps {
            None
        } else {
            clients::expire_secrets(&mut tx, id, now).await?;
            match has_secret(after) {
                true => Some(self.issue_secret(&mut tx, id, metadata).await?),
                false => None,
            }
        };
        if let Some(logo) = &validated.logo {
            clients::set_logo(&mut tx, id, logo.as_ref(), now).await?;
        }
        self.finish(tx, Kind::ClientUpdated, id, secret).await
    }

    async fn add_secret(&self, client: &Client, overlap: Seconds) -> Result<Registered> {
        let now = self.trace.now();
        let (id, metadata) = (&client.id, &client.metadata);
        let mut tx = self.store.write().await?;
        // Of two concurrent rotations one fails here, so that no returned secret is lost.
        if !clients::update(&mut tx, id, client.version, metadata, now).await? {
            return Err(changed().into());
        }
        roles::must_cover(&mut tx, self.trace, &Holder::Client(id.clone())).await?;
        clients::expire_secrets(&mut tx, id, now + overlap).await?;
        let secret = self.issue_secret(&mut tx, id, metadata).await?;
        self.finish(tx, Kind::ClientSecretRotated, id, Some(secret)).await
    }

    /// Issues a secret. It is stored as a digest, and sealed too if an HMAC needs the clear text.
    async fn issue_secret(
        &self,
        tx: &mut Tx,
        id: &ClientId,
        metadata: &Metadata,
    ) -> Result<ClientSecret> {
        let secret = ClientSecret::generate();
        let sealed = if is_sealed(metadata.token_endpoint_auth_method) {
            let kek =
                self.kek.ok_or_else(|| Failure::internal("the key-encryption key is not open"))?;
            Some(
                kek.seal(
                    Owner(seal::Kind::ClientSecret, id.as_str()),
                    secret.0.expose().as_bytes(),
                ),
            )
        } else {
            None
        };
        let stored = StoredSecret { digest: secret.digest(), sealed, expires_at: None };
        clients::add_secret(tx, id, &stored, self.trace.now()).await?;
        Ok(secret)
    }

    /// Records the certificates of the registration in the inventory.
    async fn record_certificates(
        &self,
        tx: &mut Tx,
        id: &ClientId,
        metadata: &Metadata,
    ) -> Result<()> {
        let jwks = metadata.jwks.as_ref();
        let rows = jwks.map(|jwks| inventory::registered_rows(jwks, id, self.trace.now()));
        certificates::register(tx, id, &rows.unwrap_or_default()).await?;
        Ok(())
    }

    /// Reads the client as it was written, and commits.
    async fn finish(
        &self,
        mut tx: Tx,
        kind: Kind,
        id: &ClientId,
        secret: Option<ClientSecret>,
    ) -> Result<Registered> {
        let client = clients::find(&mut tx, id).await?.ok_or_else(unknown)?;
        let mut event = Event::success(kind);
        if client.metadata.gw_shared_certificate_name {
            event = event.fact("shared_certificate_name", true);
        }
        let warnings = warnings(&client.metadata);
        if !warnings.is_empty() {
            event = event.fact("warnings", warnings);
        }
        self.commit(tx, event, id).await?;
        Ok(Registered { client, secret })
    }

    /// Revokes the certificates of the built-in CA for a client.
    async fn revoke_certificates(&self, tx: &mut Tx, id: &ClientId, reason: Reason) -> Result<()> {
        let now = self.trace.now();
        for row in certificates::revoke_of_client(tx, id, reason.as_str(), now).await? {
            inventory::record_revocation(tx, self, &row, reason).await?;
        }
        Ok(())
    }

    /// Increments the version, writes the audit event and commits.
    async fn commit(&self, mut tx: Tx, event: Event, id: &ClientId) -> Result<()> {
        versions::bump(&mut tx, versions::Kind::Clients).await?;
        event.client(id).write(&mut tx, self.trace).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// A client of `tls_client_auth` without a registered name is identified by the name that the built-in CA issues.
fn with_certificate_name(metadata: &Metadata, id: &ClientId) -> Metadata {
    let mut metadata = metadata.clone();
    let has_name = metadata.tls_client_auth_subject_dn.is_some()
        || metadata.tls_client_auth_san_dns.is_some()
        || metadata.tls_client_auth_san_uri.is_some()
        || metadata.tls_client_auth_san_ip.is_some()
        || metadata.tls_client_auth_san_email.is_some();
    if metadata.token_endpoint_auth_method == AuthMethod::TlsClientAuth && !has_name {
        metadata.tls_client_auth_san_uri = Some(urn(id));
    }
    metadata
}

const fn has_secret(method: AuthMethod) -> bool {
    match method {
        AuthMethod::ClientSecretBasic
        | AuthMethod::ClientSecretPost
        | AuthMethod::ClientSecretJwt => true,
        AuthMethod::PrivateKeyJwt
        | AuthMethod::TlsClientAuth
        | AuthMethod::SelfSignedTlsClientAuth
        | AuthMethod::None => false,
    }
}

const fn is_sealed(method: AuthMethod) -> bool {
    matches!(method, AuthMethod::ClientSecretJwt)
}

const fn invalid(why: &'static str) -> Refusal {
    Code::InvalidClientMetadata.because(why)
}

const fn unknown() -> Refusal {
    Code::NotFound.because("there is no client with this identifier")
}

/// Why a change is refused that was made from an earlier registration.
pub const fn changed() -> Refusal {
    Code::PreconditionFailed.because("the client was changed or deleted meanwhile: read it again")
}

#[cfg(test)]
mod tests;
