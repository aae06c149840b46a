//! TLS certificates from an ACME server: [RFC 8555].
//!
//! Account, certificate and keys are in the database, secrets sealed, and so are responses to
//! challenges, because the ACME server may connect to any replica. A lease makes sure that one
//! replica orders at a time.
//!
//! [RFC 8555]: https://www.rfc-editor.org/rfc/rfc8555

pub mod challenge;
mod http;

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, Order,
    OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use zeroize::Zeroizing;

use super::Identity;
use crate::config::AcmeChallenge;
use crate::jose::Kek;
use crate::jose::seal::{self, Owner};
use crate::outbound::Outbound;
use crate::record::{Context, Event, Kind};
use crate::store::acme as rows;
use crate::types::{Failure, Result, Seconds};

/// How long a response to a challenge is stored: longer than any order takes.
const KEEP_RESPONSES: Seconds = Seconds::hours(1);

/// The longest duration of an order: less than the lease.
const ORDER_TIMEOUT: Duration = Duration::from_secs(240);

/// How often the ACME server is polled.
const POLL_POLICY: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(500)).timeout(Duration::from_secs(90));

/// The wait after the first failure; it doubles with each further one. ACME servers limit failures.
const FIRST_RETRY: Seconds = Seconds::minutes(10);

/// The longest wait.
const MAX_RETRY: Seconds = Seconds::hours(12);

/// The ACME client.
#[derive(Clone, Copy)]
pub struct Acme<'a> {
    /// The shared dependencies.
    pub context: Context<'a>,
    /// The key-encryption key.
    pub kek: &'a Kek,
    /// The HTTP client, which trusts the configured roots.
    pub outbound: &'a Outbound,
}

impl<'a> Deref for Acme<'a> {
    type Target = Context<'a>;

    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}

impl fmt::Debug for Acme<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Acme")
    }
}

impl Acme<'_> {
    /// The identifier of the configured certificate in the database; `None`: none is configured.
    fn id(&self) -> Option<String> {
        let directory = self.config.acme.directory.as_ref()?;
        let domains = self.config.acme_domains();
        let names = domains.iter().map(|domain| domain.as_str());
        let parts: Vec<&str> = std::iter::once(directory.0.as_str()).chain(names).collect();
        Some(parts.join(" "))
    }

    /// The certificate that was ordered last, if there is one.
    ///
    /// # Errors
    /// When the database does not respond, or the stored key cannot be opened.
    pub async fn identity(&self) -> Result<Option<Identity>> {
        let Some(id) = self.id() else { return Ok(None) };
        let row = rows::certificate(self.store.db(), &id).await?;
        let Some((chain, sealed)) = row.and_then(|row| row.chain.zip(row.sealed)) else {
            return Ok(None);
        };
        let key = self
            .kek
            .open(Owner(seal::Kind::AcmeCertificate, &id), &sealed)
            .map_err(Failure::internal)?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let identity = Identity::parse(chain.as_bytes(), &key, &provider);
        identity.map(Some).map_err(|why| Failure::internal(why).into())
    }

    /// Orders a certificate if it is due: there is none, two thirds of its lifetime have passed, or
    /// it is time to retry. The caller holds the lease.
    ///
    /// # Errors
    /// When the database does not respond or the order fails. Then it is retried later, and the
    /// current certificate stays.
    pub async fn order_if_due(&self) -> Result<()> {
        let (Some(id), now) = (self.id(), self.now) else { return Ok(()) };
        let row = rows::certificate(self.store.db(), &id).await?;
        if row.as_ref().is_some_and(|row| now < row.due_at) {
            return Ok(());
        }
        // Recorded before the order: whatever fails from here on, the retry waits, because ACME
        // servers limit orders.
        let failures = row.map_or(0, |row| row.failures);
        if !rows::take_turn(self.store.db(), &id, now, now + retry_after(failures)).await? {
            return Ok(());
        }
        let ordered = tokio::time::timeout(ORDER_TIMEOUT, self.order()).await;
        let ordered = ordered.unwrap_or_else(|_| Err("the order took too long".to_owned()));
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let ordered = ordered.and_then(|(chain, key)| {
            let identity = Identity::parse(chain.as_bytes(), key.as_bytes(), &provider);
            let identity = identity.map_err(|why| format!("the issued certificate {why}"))?;
            Ok((chain, key, identity))
        });
        let (chain, key, identity) = match ordered {
            Ok(ordered) => ordered,
            Err(why) => {
                let event = Event::of(Kind::TlsCertificateOrdered, "failure");
                let event = event.fact("certificate", id.as_str()).fact("why", why.as_str());
                event.write_alone(self.store, self.trace).await?;
                return Err(Failure::internal(format!("no certificate from ACME: {why}")).into());
            }
        };
        let certificate = &identity.certificate;
        let life = certificate.not_after - certificate.not_before;
        let due_at = certificate.not_before + Seconds(life.0 / 3 * 2);
        // A wrong clock must not cause orders in a loop.
        let due_at = due_at.max(now + FIRST_RETRY);
        let sealed = self.kek.seal(Owner(seal::Kind::AcmeCertificate, &id), key.as_bytes());
        let mut tx = self.store.write().await?;
        rows::store_certificate(&mut tx, &id, &chain, &sealed, due_at).await?;
        let event = Event::success(Kind::TlsCertificateOrdered).fact("certificate", id.as_str());
        let event = event.fact("not_after", certificate.not_after.0).fact("due_at", due_at.0);
        event.write(&mut tx, self.trace).await?;
        tx.commit().await?;
        Ok(())
    }

    /// From an order to its certificate and key: RFC 8555 §7.4.
    async fn order(&self) -> Result<(String, Zeroizing<String>), String> {
        let account = self.account().await?;
        let domains = self.config.acme_domains();
        let names: Vec<String> = domains.iter().map(|name| name.as_str().to_owned()).collect();
        let identifiers: Vec<_> = names.iter().cloned().map(Identifier::Dns).collect();
        let mut order = match account.new_order(&NewOrder::new(&identifiers)).await {
            Ok(order) => order,
            Err(error) => return Err(self.order_error(error).await),
        };
        self.respond_to_challenges(&mut order).await?;
        match order.poll_ready(&POLL_POLICY).await.map_err(to_text)? {
            OrderStatus::Ready => {}
            OrderStatus::Pending
            | OrderStatus::Processing
            | OrderStatus::Valid
            | OrderStatus::Invalid => {
                return Err("the ACME server could not validate the names".to_owned());
            }
        }
        let key = KeyPair::generate().map_err(to_text)?;
        let mut request = CertificateParams::new(names).map_err(to_text)?;
        request.distinguished_name = DistinguishedName::new();
        let request = request.serialize_request(&key).map_err(to_text)?;
        order.finalize_csr(request.der()).await.map_err(to_text)?;
        let chain = order.poll_certificate(&POLL_POLICY).await.map_err(to_text)?;
        Ok((chain, Zeroizing::new(key.serialize_pem())))
    }

    /// Stores responses to the challenges and asks the ACME server to validate them: §7.5.1.
    async fn respond_to_challenges(&self, order: &mut Order) -> Result<(), String> {
        let kind = match self.config.acme.challenge {
            AcmeChallenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
            AcmeChallenge::Http01 => ChallengeType::Http01,
        };
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(to_text)?;
            match authorization.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => {}
                AuthorizationStatus::Invalid
                | AuthorizationStatus::Revoked
                | AuthorizationStatus::Expired
                | AuthorizationStatus::Deactivated => {
                    return Err("an authorization of the order is no longer valid".to_owned());
                }
            }
            let mut challenge = authorization
                .challenge(kind.clone())
                .ok_or("the ACME server does not offer the challenge of acme.challenge")?;
            let name = challenge.identifier().to_string();
            let answer = challenge.key_authorization();
            let (token, kept_until) = (challenge.token.clone(), self.now + KEEP_RESPONSES);
            rows::store_challenge(self.store.db(), &token, &name, answer.as_str(), kept_until)
                .await
                .map_err(to_text)?;
            challenge.set_ready().await.map_err(to_text)?;
        }
        Ok(())
    }

    /// The account at the ACME server; created if there is none.
    async fn account(&self) -> Result<Account, String> {
        let directory = self.directory();
        let contacts: Vec<&str> =
            self.config.acme.contacts.iter().map(|contact| contact.0.as_str()).collect();
        let client = http::Client(self.outbound.for_operators().map_err(to_text)?);
        let builder = Account::builder_with_http(Box::new(client));
        if let Some(sealed) = rows::account(self.store.db(), &directory).await.map_err(to_text)? {
            let credentials = self
                .kek
                .open(Owner(seal::Kind::AcmeAccount, &directory), &sealed)
                .map_err(to_text)?;
            let credentials = serde_json::from_slice(&credentials).map_err(to_text)?;
            let account = builder.from_credentials(credentials).await.map_err(to_text)?;
            return match account.update_contacts(&contacts).await {
                Ok(()) => Ok(account),
                Err(error) => Err(self.order_error(error).await),
            };
        }
        let new = NewAccount {
            contact: &contacts,
            terms_of_service_agreed: self.config.acme.terms_agreed,
            only_return_existing: false,
        };
        let (account, credentials) =
            builder.create(&new, directory.clone(), None).await.map_err(to_text)?;
        let credentials = Zeroizing::new(serde_json::to_vec(&credentials).map_err(to_text)?);
        let sealed = self.kek.seal(Owner(seal::Kind::AcmeAccount, &directory), &credentials);
        rows::store_account(self.store.db(), &directory, &sealed, self.now)
            .await
            .map_err(to_text)?;
        Ok(account)
    }

    /// An account that the server does not know (§6.7) is created again at the next attempt.
    async fn order_error(&self, error: instant_acme::Error) -> String {
        const UNKNOWN: &str = "urn:ietf:params:acme:error:accountDoesNotExist";
        if let instant_acme::Error::Api(problem) = &error
            && problem.r#type.as_deref() == Some(UNKNOWN)
            && let Err(error) = rows::delete_account(self.store.db(), &self.directory()).await
        {
            return error.to_string();
        }
        to_text(error)
    }

    fn directory(&self) -> String {
        let directory = self.config.acme.directory.as_ref();
        directory.map(|directory| directory.0.to_string()).unwrap_or_default()
    }
}

/// The wait after a failure, by the number of failures before it.
fn retry_after(failures: i64) -> Seconds {
    let doublings = u32::try_from(failures.clamp(0, 10)).unwrap_or(0);
    Seconds((FIRST_RETRY.0 << doublings).min(MAX_RETRY.0))
}

fn to_text(error: impl fmt::Display) -> String {
    error.to_string()
}
