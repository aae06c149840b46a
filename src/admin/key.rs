//! Signing keys and server secrets.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Action, Call, Done, Result};
pub use crate::flow::keys::Replaced;
use crate::flow::keys::{Schedule, replace_secrets};
use crate::record::Kind;
use crate::store::signing_keys::{self, SigningKeyRow, State};
use crate::types::Algorithm;

/// All signing keys, by algorithm and time of publication. There are a few for each algorithm.
///
/// # Errors
/// The database fails.
pub async fn list(call: &Call<'_>) -> Result<Vec<SigningKeyRow>> {
    let call = &call.allow(Action::ReadKeys)?;
    let mut all = signing_keys::all(call.store.db()).await?;
    all.sort_by_key(|key| (key.alg, key.published_at));
    Ok(all)
}

/// Activates the pending key of an algorithm; with `force`, even if some verifiers may not have it yet.
///
/// # Errors
/// The key was published too recently, or the database fails.
pub async fn rotate(call: &Call<'_>, algorithm: Algorithm, force: bool) -> Result<Done<()>> {
    let call = &call.allow(Action::RotateKey)?;
    call.keyring().await?.rotate(call.store, algorithm, force, call.trace).await?;
    Ok(Done::new((), Kind::KeyActivated))
}

/// Retires a signing key; a compromised one invalidates all tokens that it signed.
///
/// # Errors
/// There is no such key, or the database fails.
pub async fn retire(call: &Call<'_>, kid: &str, is_compromised: bool) -> Result<Done<()>> {
    let call = &call.allow(Action::RetireKey)?;
    call.keyring().await?.retire(call.store, kid, is_compromised, call.trace).await?;
    let event = if is_compromised { Kind::KeyCompromised } else { Kind::KeyRetired };
    Ok(Done::new((), event))
}

/// Rotates the server secrets; compromised ones invalidate everything made with them, and all grants.
///
/// # Errors
/// The database fails.
pub async fn rotate_secrets(call: &Call<'_>, are_compromised: bool) -> Result<Done<Replaced>> {
    let call = &call.allow(Action::RotateSecrets)?;
    let (kek, schedule) = (call.kek().await?, Schedule::of(call.config));
    let replaced =
        replace_secrets(call.store, &kek, &schedule, are_compromised, call.trace).await?;
    let event = if are_compromised { Kind::SecretCompromised } else { Kind::SecretReplaced };
    Ok(Done::new(replaced, event))
}

/// The state of a key, as text.
pub const fn state(key: &SigningKeyRow) -> &'static str {
    match key.state() {
        State::Pending => "pending",
        State::Active => "active",
        State::Retiring => "retiring",
        State::Retired => "retired",
        State::Compromised => "compromised",
    }
}

/// A signing key as JSON.
pub fn document(key: &SigningKeyRow) -> Value {
    json!(Document::from(key))
}

/// A signing key; never the key itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigningKey)]
pub struct Document {
    /// The `kid` of tokens and of the JWKS.
    kid: String,
    /// The algorithm (RFC 7518 §3.1).
    alg: String,
    /// `pending`, `active`, `retiring`, `retired` or `compromised`.
    state: &'static str,
    /// When it was published in the JWKS, in Unix seconds.
    published_at: i64,
    /// When it began to sign, in Unix seconds.
    #[schema(required)]
    activated_at: Option<i64>,
    /// When it stopped to sign, in Unix seconds.
    #[schema(required)]
    retiring_at: Option<i64>,
    /// When it was removed from the JWKS, in Unix seconds.
    #[schema(required)]
    retired_at: Option<i64>,
    /// When it was declared compromised, in Unix seconds.
    #[schema(required)]
    compromised_at: Option<i64>,
}

impl From<&SigningKeyRow> for Document {
    fn from(key: &SigningKeyRow) -> Self {
        Self {
            kid: key.id.clone(),
            alg: key.alg.to_string(),
            state: state(key),
            published_at: key.published_at.0,
            activated_at: key.activated_at.map(|at| at.0),
            retiring_at: key.retiring_at.map(|at| at.0),
            retired_at: key.retired_at.map(|at| at.0),
            compromised_at: key.compromised_at.map(|at| at.0),
        }
    }
}
