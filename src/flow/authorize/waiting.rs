//! Authorization requests that wait for a page: sealed, in the browser that brought them (decision 35).
//!
//! Nothing is written for them, so there is nothing that a stranger could fill. What is sealed is bound to
//! the browser by the secret of its cookie, expires, and has an id that is spent when somebody decides.

use serde::{Deserialize, Serialize};

use crate::flow::Call;
use crate::jose::base64url;
use crate::jose::seal::{Kind, Owner};
use crate::types::secret::same;
use crate::types::token::{AuthorizationCode, SealedRequest};
use crate::types::{Code, Digest, Failure, Params, Result, Seconds, Secret, SessionId, Timestamp};

/// As long as the parameters of a request may be that is kept in the browser: more than any head holds
/// (DESIGN §8), and with what sealing adds to them less than a body.
const LONGEST: usize = 40 * 1024;

/// How much the clocks of replicas may differ.
const CLOCKS: Seconds = Seconds::minutes(2);

/// What is sealed, for one browser or for the way from a POST to the GET that follows it.
const WAITING: Owner<'static> = Owner(Kind::WaitingRequest, "");
const POSTED: Owner<'static> = Owner(Kind::PostedRequest, "");

/// An authorization request that waits for a page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WaitingRequest {
    /// Names it among all: 256 random bits.
    pub id: String,
    /// Of the secret in the cookie of the browser that brought it.
    browser: String,
    /// When it came.
    pub created_at: Timestamp,
    /// The sign-in that was made on behalf of this request, or chosen for it.
    pub session_id: Option<SessionId>,
    /// The parameters, as they came: checked again at every step.
    pub parameters: String,
}

impl WaitingRequest {
    /// One that has just come.
    ///
    /// # Errors
    /// 413 when it is longer than a form of ours may be.
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

    /// The same request, as if it had just come.
    pub(super) fn renewed(self, now: Timestamp) -> Self {
        let id = Secret::generate().expose().to_owned();
        Self { id, created_at: now, session_id: None, ..self }
    }

    /// What the browser keeps.
    ///
    /// # Errors
    /// When our keys cannot be had.
    pub fn seal(&self, call: &Call<'_>) -> Result<SealedRequest> {
        seal(call, WAITING, self)
    }

    /// Opens what a browser has kept. `None`: we did not seal it.
    pub(super) async fn open(call: &Call<'_>, text: &str) -> Result<Option<Self>> {
        open(call, WAITING, text).await
    }

    /// Whether this browser brought it (THREATS AZ-26).
    pub(super) fn is_of(&self, browser: &Digest) -> bool {
        same(self.browser.as_bytes(), base64url::encode(browser.0).as_bytes())
    }

    /// Whether it waits no longer: it came too long ago, or at a time that has yet to come.
    pub(super) fn is_over(&self, call: &Call<'_>) -> bool {
        is_over(call, self.created_at)
    }

    /// Until when it could be presented again.
    pub(super) fn expires_at(&self, call: &Call<'_>) -> Timestamp {
        self.created_at + call.config.tokens.request_lifetime
    }

    /// What the store keeps of its id.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(self.id.as_bytes())
    }

    /// What the store keeps of its browser.
    pub(super) fn browser(&self) -> Result<Digest> {
        let bytes = base64url::decode(&self.browser).and_then(|bytes| bytes.try_into().ok());
        let bytes = bytes.ok_or_else(|| Failure::internal("a sealed browser is no digest"))?;
        Ok(Digest(bytes))
    }

    /// The code of this number that is issued for it: under the newest secret first, then under those that
    /// may have made it before the secret was replaced. It is computed again where the same form comes
    /// again, and stored nowhere.
    pub(super) fn codes(&self, call: &Call<'_>, number: i64) -> Result<Vec<AuthorizationCode>> {
        let message = format!("{} {number}", self.id);
        let keys = call.keys()?;
        Ok(keys.codes.each(message.as_bytes()).map(|mac| AuthorizationCode::of(&mac)).collect())
    }
}

/// A request that came by POST.
#[derive(Serialize, Deserialize)]
struct PostedRequest {
    created_at: Timestamp,
    parameters: String,
}

/// Seals a request that came by POST, so that it can go on as a GET: only then does the browser send its
/// Lax cookies (DESIGN §4). Whoever has it may use it: it is worth no more than the address of a request.
pub(super) fn post(call: &Call<'_>, params: &Params) -> Result<SealedRequest> {
    let parameters = params.encode();
    must_fit(&parameters)?;
    seal(call, POSTED, &PostedRequest { created_at: call.now, parameters })
}

/// The parameters of a request that came by POST. `None`: we did not seal it, or it is too old.
pub(super) async fn posted(call: &Call<'_>, text: &str) -> Result<Option<Params>> {
    let posted: Option<PostedRequest> = open(call, POSTED, text).await?;
    let posted = posted.filter(|posted| !is_over(call, posted.created_at));
    Ok(posted.map(|posted| Params::parse(posted.parameters)).transpose()?)
}

fn must_fit(parameters: &str) -> Result<()> {
    if parameters.len() > LONGEST {
        return Err(Code::TooLarge.because("the request is too long to wait for a page").into());
    }
    Ok(())
}

fn is_over(call: &Call<'_>, created_at: Timestamp) -> bool {
    let age = call.now - created_at;
    age >= call.config.tokens.request_lifetime || age < Seconds(-CLOCKS.0)
}

fn seal(call: &Call<'_>, owner: Owner<'_>, clear: &impl Serialize) -> Result<SealedRequest> {
    let clear = serde_json::to_vec(clear).map_err(Failure::internal)?;
    Ok(SealedRequest::of(&call.keys()?.pages.seal(owner, &clear)))
}

async fn open<T: for<'de> Deserialize<'de>>(
    call: &Call<'_>,
    owner: Owner<'_>,
    text: &str,
) -> Result<Option<T>> {
    let Some(sealed) = SealedRequest::read(text).and_then(|request| request.sealed()) else {
        return Ok(None);
    };
    let clear = call.keyring.open_page(call.store, owner, &sealed).await?;
    let read = |clear: &[u8]| serde_json::from_slice(clear).map_err(Failure::internal);
    Ok(clear.map(|clear| read(&clear)).transpose()?)
}
