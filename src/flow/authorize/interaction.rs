//! Between an authorization request and its answer: requests that wait for a page, the user's
//! decision, the code.
//!
//! A request that waits is sealed whole and checked again at every step; what a form sends is a decision,
//! never the request (THREATS PK-07, UI-11). A decision is made once. The same form sent again by the same
//! browser leads to the application again, for a minute (decision 36).

use serde_json::json;

use super::waiting::{self, WaitingRequest};
use crate::flow::Call;
use crate::flow::authorize::{self, AuthorizationError, AuthorizationResponse, Next, Request};
use crate::jose::base64url;
use crate::people::session;
use crate::record::{Event, Kind};
use crate::store::codes::{self, Authorization, Ground};
use crate::store::consents;
use crate::store::decisions::{self, Decision, NewDecision};
use crate::store::sessions::SignedIn;
use crate::store::{Tx, retrying};
use crate::types::token::{AuthorizationCode, SealedRequest};
use crate::types::{Code, Digest, Error, Failure, GrantId, Params, Refusal, Result, Seconds};

/// For how long the same form, sent again, leads to the application again.
const REPEATED: Seconds = Seconds::minutes(1);

/// A request that waits, read again.
#[derive(Debug)]
pub struct Waiting {
    /// What is kept of it.
    pub kept: WaitingRequest,
    /// What is asked, as it is judged now.
    pub request: Request,
    /// The id of what the browser presented, for which its form was made.
    pub presented: String,
    /// Whether the page was open for too long, so that the request begins anew.
    pub is_renewed: bool,
}

/// Keeps a request that needs a page.
///
/// # Errors
/// 413 when it is longer than a form of ours may be.
pub fn wait(
    call: &Call<'_>,
    request: Request,
    params: &Params,
    browser: Digest,
) -> Result<Waiting> {
    let kept = WaitingRequest::new(params.encode(), browser, call.now)?;
    Ok(Waiting { presented: kept.id.clone(), kept, request, is_renewed: false })
}

/// Reads a request that waits, for the browser that brought it. One whose page was open for too long
/// begins anew: that is what the application would ask for as well.
///
/// # Errors
/// A page when it is not of this browser, or not ours; else as at the endpoint.
pub async fn resume(
    call: &Call<'_>,
    text: &str,
    browser: Option<Digest>,
) -> Result<Waiting, AuthorizationError> {
    let kept = WaitingRequest::open(call, text).await?.ok_or_else(gone)?;
    let request = authorize::read(call, &Params::parse(&kept.parameters)?).await;
    if !browser.is_some_and(|browser| kept.is_of(&browser)) {
        let home = request.ok().map(|request| request.home());
        return Err(AuthorizationError::OnPage(gone().into(), home));
    }
    let request = request?;
    // What was denied, or decided more than a minute ago, is said to be over before anybody is asked again.
    let decided = decisions::find(call.store.db(), &kept.digest()).await?;
    if decided.is_some_and(|decision| !may_repeat(call, &decision)) {
        return Err(AuthorizationError::OnPage(gone().into(), Some(request.home())));
    }
    let (presented, is_renewed) = (kept.id.clone(), kept.is_over(call));
    let kept = if is_renewed { kept.renewed(call.now) } else { kept };
    Ok(Waiting { kept, request, presented, is_renewed })
}

/// There is no such request, here or any more.
pub fn gone() -> Refusal {
    Code::NoSuchSignIn
        .because("this sign-in has expired, was finished already, or was begun in another browser")
}

impl Waiting {
    /// The response to an error during the decision: a page with a link back to the application.
    pub fn authorization_error(&self, error: Error) -> AuthorizationError {
        AuthorizationError::OnPage(error, Some(self.request.home()))
    }

    fn decision<'a>(
        &self,
        call: &Call<'_>,
        signed_in: &'a SignedIn,
        codes: i64,
    ) -> Result<NewDecision<'a>> {
        Ok(NewDecision {
            digest: self.kept.digest(),
            browser: self.kept.browser()?,
            user_id: &signed_in.user.id,
            codes,
            expires_at: self.kept.expires_at(call),
        })
    }

    /// The code of this number, as it is made now.
    fn code(&self, call: &Call<'_>, number: i64) -> Result<AuthorizationCode> {
        let made = self.kept.codes(call, number)?.into_iter().next();
        Ok(made.ok_or_else(|| Failure::internal("there is no secret that codes are made under"))?)
    }
}

/// Keeps a request that came by POST, so that it can go on as a GET: only then does the browser send
/// its Lax cookies (DESIGN §4).
///
/// # Errors
/// As [`wait`].
pub fn post(call: &Call<'_>, params: &Params) -> Result<SealedRequest> {
    waiting::post(call, params)
}

/// The parameters of a request that came by POST.
///
/// # Errors
/// When it is not ours, or too old.
pub async fn take_posted(call: &Call<'_>, text: &str) -> Result<Params> {
    Ok(waiting::posted(call, text).await?.ok_or_else(gone)?)
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
    waiting: Option<&Waiting>,
) -> Result<AuthorizationResponse> {
    let ground = match (next, &signed_in.consent) {
        (Next::IssueTrusted, _) => Ground::Trusted,
        (Next::Issue, Some(consent)) => Ground::Consent(consent),
        (Next::Issue, None)
        | (Next::SignIn | Next::Confirm | Next::SelectAccount | Next::Consent, _) => {
            return Err(Failure::internal("a code was to be issued without a ground").into());
        }
    };
    let code = match waiting {
        None => AuthorizationCode::generate(),
        Some(waiting) => waiting.code(call, 1)?,
    };
    let issued = Issued::of(code, request, signed_in);
    let decision = waiting.map(|waiting| waiting.decision(call, signed_in, 1)).transpose()?;
    let is_first = retrying(|| async {
        let mut tx = call.store.write().await?;
        if let Some(decision) = &decision
            && !decisions::insert(&mut tx, decision, call.now).await?
        {
            return Ok(false);
        }
        issued.write(call, &mut tx, ground).await?;
        tx.commit().await?;
        Ok::<_, Error>(true)
    })
    .await?;
    match waiting {
        Some(waiting) if !is_first => repeat(call, waiting, signed_in).await,
        Some(_) | None => issued.response(call, request, signed_in).await,
    }
}

/// Issues a code because the user has just consented, and stores the consent: one transaction.
///
/// # Errors
/// When the request was decided already, or the state that it rests on has changed meanwhile.
pub async fn allow(
    call: &Call<'_>,
    waiting: &Waiting,
    signed_in: &SignedIn,
) -> Result<AuthorizationResponse> {
    let request = &waiting.request;
    let now = authorize::asked(request);
    let all = signed_in.consent.clone().unwrap_or_default().and(&now);
    let issued = Issued::of(waiting.code(call, 1)?, request, signed_in);
    let decision = waiting.decision(call, signed_in, 1)?;
    let (user, client) = (&signed_in.user.id, &request.client.id);
    let is_first = retrying(|| async {
        let mut tx = call.store.write().await?;
        if !decisions::insert(&mut tx, &decision, call.now).await? {
            return Ok(false);
        }
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
        Ok(true)
    })
    .await?;
    if is_first {
        issued.response(call, request, signed_in).await
    } else {
        repeat(call, waiting, signed_in).await
    }
}

/// The same form again, of the same browser and the same person, within a minute: while the code of before
/// is unspent, that code again; else a fresh one of the same decision, and what came of the first one
/// stays. There are never two that are unspent.
async fn repeat(
    call: &Call<'_>,
    waiting: &Waiting,
    signed_in: &SignedIn,
) -> Result<AuthorizationResponse> {
    let request = &waiting.request;
    let (digest, browser) = (waiting.kept.digest(), waiting.kept.browser()?);
    let (user, client) = (&signed_in.user.id, &request.client.id);
    let issued = retrying(|| async {
        let mut tx = call.store.write().await?;
        // Held from here on, so that of two who repeat it the second one sees what the first one did.
        let decision = decisions::hold(&mut tx, &digest, &browser).await?.ok_or_else(gone)?;
        if !may_repeat(call, &decision) || decision.user_id != *user {
            return Err(gone().into());
        }
        let consent = consents::find(&mut tx, user, client).await?;
        let consent = consent.filter(|consent| consent.covers(&authorize::asked(request)));
        let ground = match &consent {
            Some(consent) => Ground::Consent(consent),
            None if authorize::is_trusted(call, request) => Ground::Trusted,
            None => return Err(gone().into()),
        };
        for code in waiting.kept.codes(call, decision.codes)? {
            let Some(standing) = codes::state(&mut tx, &code.digest()).await? else { continue };
            let is_unspent = standing.used_at.is_none() && standing.expires_at > call.now;
            if is_unspent && standing.session_id == signed_in.session.id {
                tx.commit().await?;
                return Ok(Issued::of(code, request, signed_in));
            }
            codes::void(&mut tx, &code.digest(), call.now).await?;
        }
        let number = decision.codes + 1;
        decisions::renumber(&mut tx, &digest, number).await?;
        let code = waiting.code(call, number)?;
        let issued = Issued::of(code, request, signed_in);
        issued.write(call, &mut tx, ground).await?;
        tx.commit().await?;
        Ok::<_, Error>(issued)
    })
    .await?;
    issued.response(call, request, signed_in).await
}

/// Whether the form that led to this decision leads to the application again.
fn may_repeat(call: &Call<'_>, decision: &Decision) -> bool {
    let age = call.now - decision.decided_at;
    decision.codes > 0 && age <= REPEATED && age >= Seconds(-REPEATED.0)
}

fn denied() -> Refusal {
    Code::AccessDenied.because("the user did not allow it")
}

/// The user says no, or leaves: RFC 6749 §4.1.2.1.
///
/// # Errors
/// When the request was decided already.
pub async fn deny(
    call: &Call<'_>,
    waiting: &Waiting,
    signed_in: Option<&SignedIn>,
) -> Result<AuthorizationResponse> {
    let (refusal, client) = (denied(), &waiting.request.client.id);
    let return_to = waiting.request.return_to.clone();
    let Some(signed_in) = signed_in else {
        // Nobody has decided: nothing is spent, and what strangers cause to be recorded is bounded.
        let refusal = refusal.with("client_id", client);
        call.metrics.refused(refusal.code);
        call.recorder.refused(&refusal, &call.trace);
        return Ok(return_to.refusal(call.issuer(), &refusal));
    };
    let decision = waiting.decision(call, signed_in, 0)?;
    retrying(|| async {
        let mut tx = call.store.write().await?;
        if !decisions::insert(&mut tx, &decision, call.now).await? {
            let (digest, browser) = (&decision.digest, &decision.browser);
            let before = decisions::hold(&mut tx, digest, browser).await?;
            let is_same = before.is_some_and(|before| {
                before.codes == 0 && call.now - before.decided_at <= REPEATED
            });
            return if is_same { Ok(()) } else { Err(gone().into()) };
        }
        Event::refused(Kind::Consent, &refusal)
            .client(client)
            .user(&signed_in.user.id)
            .session(&signed_in.session.id)
            .write(&mut tx, &call.trace)
            .await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    })
    .await?;
    Ok(return_to.refusal(call.issuer(), &refusal))
}

/// What the consent page shows, in one word: the answer must carry it, so that what is granted is what
/// was seen (THREATS UI-11). `texts`: those of the APIs, as they are shown; what is shown of the client changes
/// with its version.
pub fn shown(waiting: &Waiting, signed_in: &SignedIn, texts: &[&str]) -> String {
    let asked = authorize::asked(&waiting.request);
    let client = &waiting.request.client;
    let (of, who) = ((&client.id, client.version), &signed_in.user.id);
    let what = json!([of, who, asked.scope.to_string(), asked.resources, asked.claims, texts]);
    base64url::encode(Digest::of(what.to_string().as_bytes()).0)
}

/// A code that is about to be issued.
struct Issued {
    code: AuthorizationCode,
    authorization: Authorization,
}

impl Issued {
    fn of(code: AuthorizationCode, request: &Request, signed_in: &SignedIn) -> Self {
        Self {
            code,
            authorization: Authorization {
                grant_id: GrantId::new(),
                client_id: request.client.id.clone(),
                user_id: signed_in.user.id.clone(),
                session_id: signed_in.session.id.clone(),
                redirect_uri: request.return_to.redirect_uri.clone(),
                code_challenge: request.code_challenge.clone(),
                nonce: request.nonce.clone(),
                scope: request.scope.clone(),
                resources: request.resources.clone(),
                claims: request.claims.to_text(),
                dpop_jkt: request.dpop_jkt,
            },
        }
    }

    /// The authorization response with the code, to be sent after the commit.
    async fn response(
        &self,
        call: &Call<'_>,
        request: &Request,
        signed_in: &SignedIn,
    ) -> Result<AuthorizationResponse> {
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

/// Between the judgement and the deed the session ended, the user was disabled or the consent changed:
/// judged again, the request gets its right answer.
fn changed() -> Error {
    Failure::Changed("the sign-in or the consent changed while the request was judged").into()
}
