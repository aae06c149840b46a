//! Pending authorization requests: sealed, in the browser that sent them (decision 35).
//!
//! They are not stored, so unauthenticated requests cannot fill the database. A sealed request is bound to the
//! browser by the secret of its cookie, expires, and has an id that is consumed by the user's decision.

use serde::{Deserialize, Serialize};

use crate::flow::Call;
use crate::jose::base64url;
use crate::jose::seal::{Kind, Owner};
use crate::types::secret::same;
use crate::types::token::{AuthorizationCode, SealedRequest};
use crate::types::{Code, Digest, Failure, Params, Result, Seconds, Secret, SessionId, Timestamp};

/// The most bytes of parameters in a sealed request: more than a head may have (DESIGN §8), and sealed still less
/// than a body.
const LONGEST: usize = 40 * 1024;

/// How far the clocks of replicas may differ.
const CLOCKS: Seconds = Seconds::minutes(2);

/// The kinds of sealed requests: pending in one browser, or between a POST and the GET that follows it.
const WAITING: Owner<'static> = Owner(Kind::WaitingRequest, "");
const POSTED: Owner<'static> = Owner(Kind::PostedRequest, "");

/// A pending authorization request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WaitingRequest {
    /// Unique: 256 random bits.
    pub id: String,
    /// The digest of the secret in the cookie of the browser that sent it.
    browser: String,
    /// When it was received.
    pub created_at: Timestamp,
    /// The session that was started or selected for this request.
    pub session_id: Option<SessionId>,
    /// The parameters as received; they are validated again at every step.
    pub parameters: String,
}

impl WaitingRequest {
    /// A request received now.
    ///
    /// # Errors
    /// 413 if it is longer than a form may be.
    pub(super) fn new(parameters: String, browser: Digest, now: Timestamp) -> Result<Self> {
        must_fit(&parameters)?;
        Ok(Self {
            id: Secret::generate().expose().to_owned(),
            browser: base64url::encode(browser.0),
            created_at: now,
            session_id: None,
            parameters,
        })
    }

    /// The same request, as if it was received now.
    pub(super) fn renewed(self, now: Timestamp) -> Self {
        let id = Secret::generate().expose().to_owned();
        Self { id, created_at: now, session_id: None, ..self }
    }

    /// The sealed form, for the browser.
    ///
    /// # Errors
    /// If the keys could not be confirmed.
    pub fn seal(&self, call: &Call<'_>) -> Result<SealedRequest> {
        seal(call, WAITING, self)
    }

    /// Opens the sealed form. `None` if this server did not seal it.
    pub(super) async fn open(call: &Call<'_>, text: &str) -> Result<Option<Self>> {
        open(call, WAITING, text).await
    }

    /// Whether this browser sent it (THREATS AZ-26).
    pub(super) fn is_of(&self, browser: &Digest) -> bool {
        same(self.browser.as_bytes(), base64url::encode(browser.0).as_bytes())
    }

    /// Whether it has expired, or was received at a time in the future.
    pub(super) fn is_expired(&self, call: &Call<'_>) -> bool {
        is_expired(call, self.created_at)
    }

    /// When it expires.
    pub(super) fn expires_at(&self, call: &Call<'_>) -> Timestamp {
        self.created_at + call.config.tokens.request_lifetime
    }

    /// The digest of its id, for the store.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(self.id.as_bytes())
    }

    /// The digest of its browser, for the store.
    pub(super) fn browser(&self) -> Result<Digest> {
        let bytes = base64url::decode(&self.browser).and_then(|bytes| bytes.try_into().ok());
        let bytes = bytes
            .ok_or_else(|| Failure::internal("the browser in a sealed request is not a digest"))?;
        Ok(Digest(bytes))
    }

    /// The code with this number: under the current secret first, then under previous ones, which may have issued it
    /// before the secret was replaced. The code is computed again for a repeated form and never stored.
    pub(super) fn codes(&self, call: &Call<'_>, number: i64) -> Result<Vec<AuthorizationCode>> {
        let message = format!("{} {number}", self.id);
        let keys = call.keys()?;
        Ok(keys
            .codes
            .each(message.as_bytes())
            .map(|mac| AuthorizationCode::from_mac(&mac))
            .collect())
    }
}

/// A request received by POST.
#[derive(Serialize, Deserialize)]
struct PostedRequest {
    created_at: Timestamp,
    parameters: String,
}

/// Seals a request received by POST, so that it can continue as a GET: only then does the browser send its
/// Lax cookies (DESIGN §4). It is not bound to a browser: it grants no more than the URL of a request.
pub(super) fn post(call: &Call<'_>, params: &Params) -> Result<SealedRequest> {
    let parameters = params.encode();
    must_fit(&parameters)?;
    seal(call, POSTED, &PostedRequest { created_at: call.now, parameters })
}

/// The parameters of a request received by POST. `None` if this server did not seal it, or it has expired.
pub(super) async fn posted(call: &Call<'_>, text: &str) -> Result<Option<Params>> {
    let posted: Option<PostedRequest> = open(call, POSTED, text).await?;
    let posted = posted.filter(|posted| !is_expired(call, posted.created_at));
    Ok(posted.map(|posted| Params::parse(posted.parameters)).transpose()?)
}

fn must_fit(parameters: &str) -> Result<()> {
    if parameters.len() > LONGEST {
        return Err(Code::TooLarge.because("the request is too long").into());
    }
    Ok(())
}

fn is_expired(call: &Call<'_>, created_at: Timestamp) -> bool {
    let age = call.now - created_at;
    age >= call.config.tokens.request_lifetime || age < Seconds(-CLOCKS.0)
}

fn seal(call: &Call<'_>, owner: Owner<'_>, clear: &impl Serialize) -> Result<SealedRequest> {
    let clear = serde_json::to_vec(clear).map_err(Failure::internal)?;
    Ok(SealedRequest::from_sealed(&call.keys()?.pages.seal(owner, &clear)))
}

async fn open<T: for<'de> Deserialize<'de>>(
    call: &Call<'_>,
    owner: Owner<'_>,
    text: &str,
) -> Result<Option<T>> {
    let Some(sealed) = SealedRequest::parse(text).and_then(|request| request.sealed()) else {
        return Ok(None);
    };
    let clear = call.keyring.open_page(call.store, owner, &sealed).await?;
    let parse = |clear: &[u8]| serde_json::from_slice(clear).map_err(Failure::internal);
    Ok(clear.map(|clear| parse(&clear)).transpose()?)
}
