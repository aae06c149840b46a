//! Between an authorization request and its answer: requests that wait for a page, the user's
//! decision, the code.
//!
//! A request that waits is kept whole and checked again at every step; what a form sends is a decision,
//! never the request (THREATS PK-07, UI-11).

use super::Call;
use super::authorize::{self, Answer, Next, Request, Unanswered};
use crate::jose::base64url;
use crate::people::session;
use crate::record::{Event, Kind};
use crate::store::codes::{self, Authorization, Ground};
use crate::store::consents::{self, Consent};
use crate::store::requests::{self, NewRequest, WaitingRequest};
use crate::store::sessions::SignedIn;
use crate::store::{Tx, retrying};
use crate::types::token::{AuthorizationCode, RequestHandle};
use crate::types::{Code, Digest, Error, Failure, GrantId, Params, Refusal, Result, Scope};

/// A request that waits, as its browser names it.
#[derive(Clone, Debug)]
pub struct Handle {
    /// What stands in the address of the page.
    pub handle: RequestHandle,
    /// The digest of the secret in the cookie of the browser that brought the request.
    pub browser: Digest,
}

/// A request that waits, read again.
#[derive(Debug)]
pub struct Waiting {
    /// How its browser names it.
    pub handle: Handle,
    /// The row.
    pub row: WaitingRequest,
    /// What is asked, as it is judged now.
    pub request: Request,
}

/// Keeps a request that needs a page.
///
/// # Errors
/// 429 when too many wait already, from this subscriber or in all.
pub async fn wait(
    call: &Call<'_>,
    request: &Request,
    params: &Params,
    browser: Digest,
) -> Result<RequestHandle> {
    let handle = RequestHandle::generate();
    keep(call, request, params, handle.digest(), browser).await?;
    Ok(handle)
}

async fn keep(
    call: &Call<'_>,
    request: &Request,
    params: &Params,
    digest: Digest,
    browser: Digest,
) -> Result<()> {
    let limits = &call.config.limits;
    let new = NewRequest {
        digest,
        browser,
        client_id: &request.client.id,
        parameters: &params.encode(),
        subscriber: call.trace.subscriber(),
        expires_at: call.now + call.config.tokens.request_lifetime,
    };
    let (of_one, in_all) =
        (i64::from(limits.requests_per_address), i64::from(limits.requests_total));
    if requests::insert(call.store.db(), &new, of_one, in_all, call.now).await? {
        return Ok(());
    }
    Err(Code::TooManyRequests
        .because("too many sign-ins were begun and not finished; try again in some minutes")
        .into())
}

/// Finds a request that waits, for the browser that brought it, and reads it again.
///
/// # Errors
/// A page when it is unknown here, decided or forgotten; else as at the endpoint.
pub async fn resume(call: &Call<'_>, handle: Handle) -> Result<Waiting, Unanswered> {
    let digest = handle.handle.digest();
    let row = requests::find(call.store.db(), &digest, &handle.browser, call.now).await?;
    let row = row.ok_or_else(gone)?;
    let request = authorize::read(call, &Params::parse(&row.parameters)?).await?;
    Ok(Waiting { handle, row, request })
}

/// There is no such request, here or any more.
pub fn gone() -> Refusal {
    Code::NoSuchSignIn
        .because("this sign-in has expired, was finished already, or was begun in another browser")
}

/// Keeps a request that came by POST, so that it can go on as a GET: only then does the browser send
/// its Lax cookies (DESIGN §4). Whoever has the handle may use it, once: it is worth no more than the
/// address of a request.
///
/// # Errors
/// As [`wait`].
pub async fn post(call: &Call<'_>, request: &Request, params: &Params) -> Result<RequestHandle> {
    let handle = RequestHandle::generate();
    keep(call, request, params, handle.digest(), posted(&handle)).await?;
    Ok(handle)
}

/// The parameters of a request that came by POST.
///
/// # Errors
/// When they were taken before.
pub async fn take_posted(call: &Call<'_>, handle: &RequestHandle) -> Result<Params> {
    let (digest, browser) = (handle.digest(), posted(handle));
    let row = requests::find(call.store.db(), &digest, &browser, call.now).await?;
    let row = row.ok_or_else(gone)?;
    if !requests::consume(call.store.db(), &digest, &browser, call.now).await? {
        return Err(gone().into());
    }
    Ok(Params::parse(&row.parameters)?)
}

/// No browser's digest: no cookie is the text `posted` and a handle.
fn posted(handle: &RequestHandle) -> Digest {
    Digest::of(format!("posted {}", handle.0.expose()).as_bytes())
}

/// Notes that the user chose the account that is signed in: that is what satisfies
/// `prompt=select_account`.
///
/// # Errors
/// When the request is gone.
pub async fn choose_account(
    call: &Call<'_>,
    waiting: &Waiting,
    signed_in: &SignedIn,
) -> Result<()> {
    let digest = waiting.handle.handle.digest();
    let mut tx = call.store.write().await?;
    let browser = &waiting.handle.browser;
    if !requests::signed_in(&mut tx, &digest, browser, &signed_in.session.id, call.now).await? {
        return Err(gone().into());
    }
    tx.commit().await?;
    Ok(())
}

/// Issues a code where nobody needs to be asked.
///
/// # Errors
/// When the state that it rests on has changed meanwhile.
pub async fn issue(
    call: &Call<'_>,
    request: &Request,
    signed_in: &SignedIn,
    next: Next,
    waiting: Option<&Handle>,
) -> Result<Answer> {
    let ground = match (next, &signed_in.consent) {
        (Next::IssueTrusted, _) => Ground::Trusted,
        (Next::Issue, Some(consent)) => Ground::Consent(consent),
        (Next::Issue, None) | (Next::SignIn | Next::SelectAccount | Next::Consent, _) => {
            return Err(Failure::internal("a code was to be issued without a ground").into());
        }
    };
    let issued = Issued::of(request, signed_in, request.scope.clone());
    retrying(|| async {
        let mut tx = call.store.write().await?;
        if let Some(waiting) = waiting {
            consume(call, &mut tx, waiting).await?;
        }
        issued.write(call, &mut tx, ground).await?;
        tx.commit().await?;
        Ok(())
    })
    .await?;
    issued.answer(call, request, signed_in).await
}

/// Issues a code because the user has just allowed it, and remembers the consent: one transaction.
/// `scope` is what they left of what was asked.
///
/// # Errors
/// When the request was decided already, or the state that it rests on has changed meanwhile.
pub async fn allow(
    call: &Call<'_>,
    waiting: &Waiting,
    signed_in: &SignedIn,
    scope: Scope,
) -> Result<Answer> {
    let request = &waiting.request;
    let now = Consent { scope: scope.clone(), ..authorize::asked(request) };
    let all = signed_in.consent.clone().unwrap_or_default().and(&now);
    let issued = Issued::of(request, signed_in, scope);
    let (user, client) = (&signed_in.user.id, &request.client.id);
    retrying(|| async {
        let mut tx = call.store.write().await?;
        consume(call, &mut tx, &waiting.handle).await?;
        let seen = signed_in.consent.as_ref();
        if !consents::widen(&mut tx, user, client, seen, &all, call.now).await? {
            return Err(changed());
        }
        Event::success(Kind::Consent)
            .client(client)
            .user(user)
            .session(&signed_in.session.id)
            .fact("scope", now.scope.to_string())
            .fact("resources", now.resources.iter().map(ToString::to_string).collect::<Vec<_>>())
            .fact("claims", now.claims.clone())
            .write(&mut tx, &call.trace)
            .await?;
        issued.write(call, &mut tx, Ground::Consent(&all)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await?;
    issued.answer(call, request, signed_in).await
}

/// The user says no, or leaves: RFC 6749 §4.1.2.1.
///
/// # Errors
/// When the request was decided already.
pub async fn deny(
    call: &Call<'_>,
    waiting: &Waiting,
    signed_in: Option<&SignedIn>,
) -> Result<Answer> {
    let refusal = Code::AccessDenied.because("the user did not allow it");
    retrying(|| async {
        let mut tx = call.store.write().await?;
        consume(call, &mut tx, &waiting.handle).await?;
        let mut event = Event::refused(Kind::Consent, &refusal).client(&waiting.request.client.id);
        if let Some(signed_in) = signed_in {
            event = event.user(&signed_in.user.id).session(&signed_in.session.id);
        }
        event.write(&mut tx, &call.trace).await?;
        tx.commit().await?;
        Ok(())
    })
    .await?;
    let return_to = waiting.request.return_to.clone();
    Ok(return_to.refusal(call.issuer(), &refusal))
}

/// What the consent page shows, in one word: the answer must carry it, so that what is granted is what
/// was seen (THREATS UI-11).
pub fn shown(waiting: &Waiting, signed_in: &SignedIn) -> String {
    let asked = authorize::asked(&waiting.request);
    let client = &waiting.request.client;
    let text = format!(
        "{}\n{}\n{}\n{:?}\n{:?}\n{}",
        client.id, client.version, asked.scope, asked.resources, asked.claims, signed_in.user.id
    );
    base64url::encode(Digest::of(text.as_bytes()).0)
}

/// A code that is about to be issued.
struct Issued {
    code: AuthorizationCode,
    authorization: Authorization,
}

impl Issued {
    fn of(request: &Request, signed_in: &SignedIn, scope: Scope) -> Self {
        Self {
            code: AuthorizationCode::generate(),
            authorization: Authorization {
                grant_id: GrantId::new(),
                client_id: request.client.id.clone(),
                user_id: signed_in.user.id.clone(),
                session_id: signed_in.session.id.clone(),
                redirect_uri: request.return_to.redirect_uri.clone(),
                code_challenge: request.code_challenge.clone(),
                nonce: request.nonce.clone(),
                scope,
                resources: request.resources.clone(),
                claims: request.claims.to_text(),
                dpop_jkt: request.dpop_jkt,
            },
        }
    }

    /// The answer that carries it: after the commit.
    async fn answer(
        &self,
        call: &Call<'_>,
        request: &Request,
        signed_in: &SignedIn,
    ) -> Result<Answer> {
        session::touch(
            call.store,
            &call.config.sessions,
            &signed_in.session.id,
            signed_in.session.seen_at,
            call.now,
        )
        .await?;
        let return_to = request.return_to.clone();
        Ok(return_to.code(call.issuer(), self.code.0.expose()))
    }

    async fn write(&self, call: &Call<'_>, tx: &mut Tx, ground: Ground<'_>) -> Result<()> {
        let expires_at = call.now + call.config.tokens.code_lifetime;
        let (digest, of) = (self.code.digest(), &self.authorization);
        if !codes::issue(&mut *tx, &digest, of, ground, expires_at, call.now).await? {
            return Err(changed());
        }
        Event::success(Kind::CodeIssued)
            .client(&of.client_id)
            .user(&of.user_id)
            .session(&of.session_id)
            .grant(&of.grant_id)
            .fact("scope", of.scope.to_string())
            .write(tx, &call.trace)
            .await?;
        Ok(())
    }
}

async fn consume(call: &Call<'_>, tx: &mut Tx, waiting: &Handle) -> Result<()> {
    let digest = waiting.handle.digest();
    if requests::consume(tx, &digest, &waiting.browser, call.now).await? {
        return Ok(());
    }
    Err(gone().into())
}

/// Between the judgement and the deed the session ended, the user was disabled or the consent changed:
/// judged again, the request gets its right answer.
fn changed() -> Error {
    Failure::Busy("the sign-in or the consent changed while the request was judged").into()
}
