//! Registering clients: [RFC 7591], [OIDC Registration], by an administrator.
//!
//! What is fetched is fetched before the transaction; each change is one transaction, which tells the
//! other replicas and the audit trail.
//!
//! [RFC 7591]: https://www.rfc-editor.org/rfc/rfc7591
//! [OIDC Registration]: https://openid.net/specs/openid-connect-registration-1_0.html

mod certificate_names;

pub use self::certificate_names::settle;
use super::metadata::{judge, must_be_in_sector, warnings};
use crate::config::Config;
use crate::jose::Kek;
use crate::jose::seal::{self, Owner};
use crate::outbound::Outbound;
use crate::pki::issue::urn;
use crate::pki::{Reason, inventory};
use crate::record::{Event, Kind, Trace};
use crate::store::clients::{self, Logo};
use crate::store::{Store, Tx, certificates, enrolments, retrying, versions};
use crate::types::client::{AuthMethod, HeldSecret, Metadata};
use crate::types::token::ClientSecret;
use crate::types::{Client, ClientId, Code, Failure, Refusal, Result, Seconds, json};

/// As long as a secret may go on working after another took its place.
pub(super) const LONGEST_OVERLAP: Seconds = Seconds::days(90);

/// What registering needs.
#[derive(Clone, Copy)]
pub struct Registrar<'a> {
    /// The database.
    pub store: &'a Store,
    /// The one HTTP client.
    pub outbound: &'a Outbound,
    /// What the secrets of `client_secret_jwt` are sealed under. `None`: none of these are made here.
    pub kek: Option<&'a Kek>,
    /// The settings.
    pub config: &'a Config,
    /// When, and from where.
    pub trace: &'a Trace,
}

/// A client as it now stands, and its new secret, if it was given one: the only time that it is seen.
#[derive(Debug)]
pub struct Registered {
    /// The client.
    pub client: Client,
    /// `client_secret`
    pub secret: Option<ClientSecret>,
}

/// Metadata that has been judged, and what was fetched for it.
struct Judged {
    metadata: Metadata,
    /// `None`: the logo stays as it is.
    logo: Option<Option<Logo>>,
}

impl Registrar<'_> {
    /// Registers a client.
    ///
    /// # Errors
    /// `invalid_redirect_uri` or `invalid_client_metadata`, with what is wrong with it: also when a certificate
    /// of another client would prove this one.
    pub async fn create(&self, metadata: Metadata) -> Result<Registered> {
        let judged = self.judge(metadata, None).await?;
        retrying(|| self.insert(&judged)).await
    }

    /// Replaces the metadata of `client`, as it was read by whoever changed it. A client that from now
    /// on proves itself by a secret, or by one that must be sealed, is given a new one.
    ///
    /// # Errors
    /// Those of [`Registrar::create`], and `invalid_request` when somebody else changed it meanwhile.
    pub async fn update(&self, client: &Client, metadata: Metadata) -> Result<Registered> {
        let judged = self.judge(metadata, Some(&client.metadata)).await?;
        retrying(|| self.replace(client, &judged)).await
    }

    /// Gives a client a new secret; the present one works for `overlap` more, any older one no longer:
    /// two are live at most.
    ///
    /// # Errors
    /// `invalid_request` when the client has no secrets, or was changed meanwhile.
    pub async fn rotate_secret(&self, client: &Client, overlap: Seconds) -> Result<Registered> {
        if !has_secret(client.metadata.token_endpoint_auth_method) {
            return Err(Code::InvalidRequest.because("the client has no secret").into());
        }
        if !(Seconds(0)..=LONGEST_OVERLAP).contains(&overlap) {
            return Err(Code::InvalidRequest
                .because("the old secret may go on working for 90 days at most")
                .into());
        }
        retrying(|| self.add_secret(client, overlap)).await
    }

    /// Lets a client do nothing any more, until it is enabled. What it was issued counts for nothing, then
    /// either: codes, grants, tokens, tokens for enrolment (THREATS X-11). The certificates that we issued to it
    /// are revoked, and stay so: it then asks for a new one.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn disable(&self, id: &ClientId) -> Result<()> {
        retrying(|| async {
            let mut tx = self.store.write().await?;
            if !clients::disable(&mut tx, id, Some(self.trace.now())).await? {
                return Err(unknown().into());
            }
            enrolments::forget_of_client(&mut tx, id).await?;
            self.revoke_certificates(&mut tx, id, Reason::PrivilegeWithdrawn).await?;
            self.note(tx, Event::success(Kind::ClientDisabled), id).await
        })
        .await
    }

    /// Lets a disabled client work again.
    ///
    /// # Errors
    /// `not_found`; `invalid_client_metadata` when another client has its certificate name by now.
    pub async fn enable(&self, id: &ClientId) -> Result<()> {
        retrying(|| async {
            let mut tx = self.store.write().await?;
            if !clients::disable(&mut tx, id, None).await? {
                return Err(unknown().into());
            }
            // While it was disabled, its name was free for others.
            certificate_names::must_be_its_own(&mut tx, id, self.trace).await?;
            self.note(tx, Event::success(Kind::ClientEnabled), id).await
        })
        .await
    }

    /// Deletes a client, and with it its consents, its grants and all that descends from them. The
    /// certificates that we issued to it are revoked.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn delete(&self, id: &ClientId) -> Result<()> {
        retrying(|| async {
            let mut tx = self.store.write().await?;
            if !clients::delete(&mut tx, id).await? {
                return Err(unknown().into());
            }
            self.revoke_certificates(&mut tx, id, Reason::CessationOfOperation).await?;
            self.note(tx, Event::success(Kind::ClientDeleted), id).await
        })
        .await
    }

    /// Judges metadata and fetches what it leads to. A sector is read anew each time (THREATS JO-23),
    /// a logo when it is another than before.
    async fn judge(&self, metadata: Metadata, before: Option<&Metadata>) -> Result<Judged> {
        let metadata = judge(metadata, self.config)?;
        if let Some(uri) = &metadata.jwks_uri {
            // Fetched when the first assertion comes; judged then too (THREATS SS-08).
            self.outbound
                .check(uri)
                .map_err(|error| no("jwks_uri is not where we fetch from").with("reason", error))?;
        }
        if let Some(uri) = &metadata.sector_identifier_uri {
            let document =
                self.outbound.get_json(uri, "application/json").await.map_err(|error| {
                    no("sector_identifier_uri cannot be fetched").with("reason", error)
                })?;
            let document = json::read(&document)
                .map_err(|why| no("sector_identifier_uri leads to no JSON").with("reason", why))?;
            must_be_in_sector(&metadata, &document)?;
        }
        let logo = if before.is_some_and(|before| before.logo_uri == metadata.logo_uri) {
            None
        } else {
            Some(self.fetch_logo(metadata.logo_uri.as_deref()).await?)
        };
        Ok(Judged { metadata, logo })
    }

    async fn fetch_logo(&self, uri: Option<&str>) -> Result<Option<Logo>> {
        let Some(uri) = uri else {
            return Ok(None);
        };
        let image = self.outbound.get_image(uri).await.map_err(|error| {
            no("logo_uri leads to no PNG, JPEG or WebP of at most 256 KiB").with("reason", error)
        })?;
        Ok(Some(Logo { media_type: image.media_type.to_owned(), bytes: image.bytes }))
    }

    async fn insert(&self, judged: &Judged) -> Result<Registered> {
        let now = self.trace.now();
        let id = ClientId::new();
        let metadata = &named(&judged.metadata, &id);
        let mut tx = self.store.write().await?;
        clients::insert(&mut tx, &id, metadata, now).await?;
        certificate_names::keep(&mut tx, &id, metadata).await?;
        certificate_names::must_be_its_own(&mut tx, &id, self.trace).await?;
        self.note_certificates(&mut tx, &id, metadata).await?;
        let secret = if has_secret(metadata.token_endpoint_auth_method) {
            Some(self.give_secret(&mut tx, &id, metadata).await?)
        } else {
            None
        };
        if let Some(logo) = &judged.logo {
            clients::set_logo(&mut tx, &id, logo.as_ref(), now).await?;
        }
        self.finish(tx, Kind::ClientCreated, &id, secret).await
    }

    async fn replace(&self, client: &Client, judged: &Judged) -> Result<Registered> {
        let now = self.trace.now();
        let id = &client.id;
        let metadata = &named(&judged.metadata, id);
        let mut tx = self.store.write().await?;
        if !clients::update(&mut tx, id, client.version, metadata, now).await? {
            return Err(changed().into());
        }
        certificate_names::keep(&mut tx, id, metadata).await?;
        certificate_names::must_be_its_own(&mut tx, id, self.trace).await?;
        self.note_certificates(&mut tx, id, metadata).await?;
        let before = client.metadata.token_endpoint_auth_method;
        let after = metadata.token_endpoint_auth_method;
        let keeps =
            has_secret(after) == has_secret(before) && is_sealed(after) == is_sealed(before);
        let secret = if keeps {
            None
        } else {
            clients::expire_secrets(&mut tx, id, now).await?;
            match has_secret(after) {
                true => Some(self.give_secret(&mut tx, id, metadata).await?),
                false => None,
            }
        };
        if let Some(logo) = &judged.logo {
            clients::set_logo(&mut tx, id, logo.as_ref(), now).await?;
        }
        self.finish(tx, Kind::ClientUpdated, id, secret).await
    }

    async fn add_secret(&self, client: &Client, overlap: Seconds) -> Result<Registered> {
        let now = self.trace.now();
        let (id, metadata) = (&client.id, &client.metadata);
        let mut tx = self.store.write().await?;
        // Of two who rotate at once one fails here, so neither loses the secret it was shown.
        if !clients::update(&mut tx, id, client.version, metadata, now).await? {
            return Err(changed().into());
        }
        clients::expire_secrets(&mut tx, id, now + overlap).await?;
        let secret = self.give_secret(&mut tx, id, metadata).await?;
        self.finish(tx, Kind::ClientSecretRotated, id, Some(secret)).await
    }

    /// A new secret: kept as a digest, and sealed too where an HMAC will need the clear text.
    async fn give_secret(
        &self,
        tx: &mut Tx,
        id: &ClientId,
        metadata: &Metadata,
    ) -> Result<ClientSecret> {
        let secret = ClientSecret::generate();
        let sealed = if is_sealed(metadata.token_endpoint_auth_method) {
            let kek = self.kek.ok_or_else(|| Failure::internal("no key-encryption key is open"))?;
            Some(
                kek.seal(
                    Owner(seal::Kind::ClientSecret, id.as_str()),
                    secret.0.expose().as_bytes(),
                ),
            )
        } else {
            None
        };
        let held = HeldSecret { digest: secret.digest(), sealed, expires_at: None };
        clients::add_secret(tx, id, &held, self.trace.now()).await?;
        Ok(secret)
    }

    /// Notes the certificates that now stand in the registration.
    async fn note_certificates(
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

    /// Reads what was written, and makes it so.
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
        self.note(tx, event, id).await?;
        Ok(Registered { client, secret })
    }

    /// Revokes what we issued to a client that may act no more.
    async fn revoke_certificates(&self, tx: &mut Tx, id: &ClientId, reason: Reason) -> Result<()> {
        let now = self.trace.now();
        for row in certificates::revoke_of_client(tx, id, reason.as_str(), now).await? {
            inventory::record_revocation(tx, self.config, &row, reason, self.trace).await?;
        }
        Ok(())
    }

    /// Tells the other replicas and the audit trail, and makes it so.
    async fn note(&self, mut tx: Tx, event: Event, id: &ClientId) -> Result<()> {
        versions::bump(&mut tx, versions::Kind::Clients).await?;
        event.client(id).write(&mut tx, self.trace).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// A client of `tls_client_auth` that is registered by no name of its own is known by the one that the
/// authority inside gives to it.
fn named(metadata: &Metadata, id: &ClientId) -> Metadata {
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

const fn no(why: &'static str) -> Refusal {
    Code::InvalidClientMetadata.because(why)
}

const fn unknown() -> Refusal {
    Code::NotFound.because("there is no client of this identifier")
}

const fn changed() -> Refusal {
    Code::InvalidRequest.because("the client was changed or deleted meanwhile: read it again")
}

#[cfg(test)]
mod tests;
