//! Between an authorization request and its response: pending requests, the user's decision, the code.
//!
//! A pending request is sealed as a whole and validated again at every step. A form sends a decision, never
//! parameters of the request (THREATS PK-07, UI-11). A decision is made once; for a minute, the same form from the
//! same browser leads to the application again (decision 36).

use serde_json::json;

use super::waiting::WaitingRequest;
use super::{AuthorizationError, Next, Outcome, Request, is_trusted, parse, required_consent};
use crate::flow::Call;
use crate::jose::base64url;
use crate::people::session;
use crate::record::{Event, Kind};
use crate::store::codes::{self, Authorization, Ground, NewCode};
use crate::store::consents;
use crate::store::decisions::{self, Decision, NewDecision};
use crate::store::sessions::SignedIn;
use crate::store::{Tx, retrying};
use crate::types::token::AuthorizationCode;
use crate::types::{
    Code, Digest, Error, Failure, GrantId, Params, Refusal, Result, Seconds, Timestamp,
};

/// How long the same form, sent again, leads to the application again.
const REPEATED: Seconds = Seconds::minutes(1);

/// A pending request that was opened and validated.
#[derive(Debug)]
pub struct Waiting {
    /// The sealed form.
    pub pending: WaitingRequest,
    /// The request, as it was validated now.
    pub request: Request,
    /// The id that the browser presented: forms are bound to it.
    pub presented: String,
    /// Whether the page was open for longer than a request lives, so that the request starts again.
    pub is_renewed: bool,
}

/// Makes a request pending because it needs a page.
///
/// # Errors
/// 413 if it is longer than a form may be.
pub fn suspend(
    call: &Call<'_>,
    request: Request,
    params: &Params,
    browser: Digest,
) -> Result<Waiting> {
    let pending = WaitingRequest::new(params.encode(), browser, call.now)?;
    Ok(Waiting { presented: pending.id.clone(), pending, request, is_renewed: false })
}

/// Opens a pending request of this browser. One whose page was open for too long starts again, as it would if the
/// application sent it again.
///
/// # Errors
/// An error page if it is invalid or of another browser; otherwise those of [`parse`].
pub async fn resume(
    call: &Call<'_>,
    text: &str,
    browser: Option<Digest>,
) -> Result<Waiting, AuthorizationError> {
    let pending = WaitingRequest::open(call, text).await?.ok_or_else(gone)?;
    let request = parse(call, &Params::parse(&pending.parameters)?).await;
    if !browser.is_some_and(|browser| pending.is_of(&browser)) {
        let home = request.ok().map(|request| request.home());
        return Err(AuthorizationError::OnPage(gone().into(), home));
    }
    let request = request?;
    // A request that was denied, or decided more than a minute ago, has ended.
    let decided = decisions::find(call.store.db(), &pending.digest()).await?;
    if decided.is_some_and(|decision| !may_repeat(call, &decision)) {
        return Err(AuthorizationError::OnPage(gone().into(), Some(request.home())));
    }
    let (presented, is_renewed) = (pending.id.clone(), pending.is_expired(call));
    let pending = if is_renewed { pending.renewed(call.now) } else { pending };
    Ok(Waiting { pending, request, presented, is_renewed })
}

/// The error for a pending request that is unknown, expired or decided.
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
            digest: self.pending.digest(),
            browser: self.pending.browser()?,
            user_id: &signed_in.user.id,
            codes,
            expires_at: self.pending.expires_at(call),
        })
    }

    /// The code with this number, under the current secret.
    fn code(&self, call: &Call<'_>, number: i64) -> Result<AuthorizationCode> {
        let code = self.pending.codes(call, number)?.into_iter().next();
        Ok(code.ok_or_else(|| Failure::internal("there is no secret for codes"))?)
    }
}

/// Issues a code without asking the user.
///
/// # Errors
/// If the session or the consent has changed since the decision.
pub async fn issue(
    call: &Call<'_>,
    request: &Request,
    signed_in: &SignedIn,
    next: Next,
    waiting: Option<&Waiting>,
) -> Result<Outcome> {
    let ground = match (next, &signed_in.consent) {
        (Next::IssueTrusted, _) => Ground::Trusted,
        (Next::Issue, Some(consent)) => Ground::Consent(consent),
        (Next::Issue, None)
        | (Next::SignIn | Next::Confirm | Next::SelectAccount | Next::Consent, _) => {
            return Err(Failure::internal("a code was to be issued without consent").into());
        }
    };
    let code = match waiting {
        None => AuthorizationCode::generate(),
        Some(waiting) => waiting.code(call, 1)?,
    };
    let issued = Issued::of(code, request, signed_in);
    let Some(waiting) = waiting else {
        issued.write_alone(call, ground).await?;
        return Ok(issued.outcome(call, request));
    };
    let decision = waiting.decision(call, signed_in, 1)?;
    let is_first = retrying(|| async {
        let mut tx = call.store.write().await?;
        if !decisions::insert(&mut tx, &decision, call.now).await? {
            return Ok(false);
        }
        issued.write(call, &mut tx, ground).await?;
        tx.commit().await?;
        Ok::<_, Error>(true)
    })
    .await?;
    if is_first {
        Ok(issued.outcome(call, request))
    } else {
        repeat(call, waiting, signed_in).await
    }
}

/// Issues a code because the user has just consented, and stores the consent: one transaction.
///
/// # Errors
/// If the request was decided already, or the session or the consent has changed since the page was shown.
pub async fn allow(call: &Call<'_>, waiting: &Waiting, signed_in: &SignedIn) -> Result<Outcome> {
    let request = &waiting.request;
    let now = required_consent(request);
    let all = signed_in.consent.clone().unwrap_or_default().and(&now);
    let issued = Issued::of(waiting.code(call, 1)?, request, signed_in);
    let decision = waiting.decision(call, signed_in, 1)?;
    let (user, client) = (&signed_in.user.id, &request.client.id);
    let is_first = retrying(|| async {
        let mut tx = call.store.write().await?;
        if !decisions::insert(&mut tx, &decision, call.now).await? {
            return Ok(false);
        }
        let previous = signed_in.consent.as_ref();
        if !consents::widen(&mut tx, user, client, previous, &all, call.now).await? {
            return Err(changed());
        }
        Event::success(Kind::Consent)
            .client(client)
            .user(user)
            .session(&signed_in.session.id)
            .fact("scope", now.scope.to_string())
            .fact("resources", now.resources.iter().map(ToString::to_string).collect::<Vec<_>>())
            .fact("claims", now.claims.clone())
            .write(&mut tx, call.trace)
            .await?;
        issued.write(call, &mut tx, Ground::Consent(&all)).await?;
        tx.commit().await?;
        Ok(true)
    })
    .await?;
    if is_first {
        Ok(issued.outcome(call, request))
    } else {
        repeat(call, waiting, signed_in).await
    }
}

/// The same form again, from the same browser and user, within a minute. If the previous code is unused, the
/// response is that code again; otherwise a new code of the same decision, and the tokens of the first one stay
/// valid. Two unused codes never exist at once.
async fn repeat(call: &Call<'_>, waiting: &Waiting, signed_in: &SignedIn) -> Result<Outcome> {
    let request = &waiting.request;
    let (digest, browser) = (waiting.pending.digest(), waiting.pending.browser()?);
    let (user, client) = (&signed_in.user.id, &request.client.id);
    let issued = retrying(|| async {
        let mut tx = call.store.write().await?;
        // Locks the row, so that of two repetitions the second sees the result of the first.
        let decision = decisions::lock(&mut tx, &digest, &browser).await?.ok_or_else(gone)?;
        if !may_repeat(call, &decision) || decision.user_id != *user {
            return Err(gone().into());
        }
        let consent = consents::find(&mut tx, user, client).await?;
        let consent = consent.filter(|consent| consent.covers(&required_consent(request)));
        let ground = match &consent {
            Some(consent) => Ground::Consent(consent),
            None if is_trusted(call, request) => Ground::Trusted,
            None => return Err(gone().into()),
        };
        for code in waiting.pending.codes(call, decision.codes)? {
            let Some(state) = codes::state(&mut tx, &code.digest()).await? else { continue };
            let is_unspent = state.used_at.is_none() && state.expires_at > call.now;
            if is_unspent && state.session_id == signed_in.session.id {
                tx.commit().await?;
                return Ok(Issued::of(code, request, signed_in));
            }
            codes::invalidate(&mut tx, &code.digest(), call.now).await?;
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
    Ok(issued.outcome(call, request))
}

/// Whether the form of this decision still leads to the application.
fn may_repeat(call: &Call<'_>, decision: &Decision) -> bool {
    let age = call.now - decision.decided_at;
    decision.codes > 0 && age <= REPEATED && age >= Seconds(-REPEATED.0)
}

fn denied() -> Refusal {
    Code::AccessDenied.because("the user denied the request")
}

/// The user denies the request: RFC 6749 §4.1.2.1.
///
/// # Errors
/// If the request was decided already.
pub async fn deny(
    call: &Call<'_>,
    waiting: &Waiting,
    signed_in: Option<&SignedIn>,
) -> Result<Outcome> {
    let (refusal, client) = (denied(), &waiting.request.client.id);
    let return_to = waiting.request.return_to.clone();
    let Some(signed_in) = signed_in else {
        // Without a session nothing is stored, and the number of audit events is bounded.
        let refusal = refusal.with("client_id", client);
        call.metrics.refused(refusal.code);
        call.recorder.refused(&refusal, call.trace);
        return Ok(Outcome::Response(return_to.refusal(call.issuer(), &refusal)));
    };
    let decision = waiting.decision(call, signed_in, 0)?;
    retrying(|| async {
        let mut tx = call.store.write().await?;
        if !decisions::insert(&mut tx, &decision, call.now).await? {
            let (digest, browser) = (&decision.digest, &decision.browser);
            let before = decisions::lock(&mut tx, digest, browser).await?;
            let is_same = before.is_some_and(|before| {
                before.codes == 0 && call.now - before.decided_at <= REPEATED
            });
            return if is_same { Ok(()) } else { Err(gone().into()) };
        }
        Event::refused(Kind::Consent, &refusal)
            .client(client)
            .user(&signed_in.user.id)
            .session(&signed_in.session.id)
            .write(&mut tx, call.trace)
            .await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    })
    .await?;
    Ok(Outcome::Response(return_to.refusal(call.issuer(), &refusal)))
}

/// A digest of the contents of the consent page. The form must carry it, so that the user grants exactly what the
/// page displayed (THREATS UI-11). `texts` are those of the APIs as displayed; the version of the client stands for
/// its name, logo and links.
pub fn consent_digest(waiting: &Waiting, signed_in: &SignedIn, texts: &[&str]) -> String {
    let consent = required_consent(&waiting.request);
    let client = &waiting.request.client;
    let contents = json!([
        (&client.id, client.version),
        &signed_in.user.id,
        consent.scope.to_string(),
        consent.resources,
        consent.claims,
        texts
    ]);
    base64url::encode(Digest::of(contents.to_string().as_bytes()).0)
}

/// A code and what it authorizes.
struct Issued {
    code: AuthorizationCode,
    authorization: Authorization,
    /// When its session was last recorded as used.
    seen_at: Timestamp,
}

impl Issued {
    fn of(code: AuthorizationCode, request: &Request, signed_in: &SignedIn) -> Self {
        Self {
            code,
            seen_at: signed_in.session.seen_at,
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

    /// The response with the code, to be sent after the commit.
    fn outcome(&self, call: &Call<'_>, request: &Request) -> Outcome {
        Outcome::Response(request.return_to.clone().code(call.issuer(), self.code.0.expose()))
    }

    async fn write(&self, call: &Call<'_>, tx: &mut Tx, ground: Ground<'_>) -> Result<()> {
        if !codes::issue(&mut *tx, &self.new_code(call, ground), call.now).await? {
            return Err(changed());
        }
        self.event().write(&mut *tx, call.trace).await?;
        let (config, session) = (&call.config.sessions, &self.authorization.session_id);
        session::touch(tx, config, session, self.seen_at, call.now).await
    }

    /// The same as a transaction of its own, in one round trip.
    async fn write_alone(&self, call: &Call<'_>, ground: Ground<'_>) -> Result<()> {
        let (code, event) = (self.new_code(call, ground), self.event().row(call.trace));
        let (config, session) = (&call.config.sessions, &self.authorization.session_id);
        let used = session::due_use(config, session, self.seen_at, call.now);
        let issued = retrying(|| async {
            Ok(codes::issue_with_event(call.store.db(), &code, &event, used, call.now).await?)
        });
        if issued.await? { Ok(()) } else { Err(changed()) }
    }

    fn new_code<'a>(&'a self, call: &Call<'_>, ground: Ground<'a>) -> NewCode<'a> {
        NewCode {
            digest: self.code.digest(),
            authorization: &self.authorization,
            ground,
            expires_at: call.now + call.config.tokens.code_lifetime,
        }
    }

    fn event(&self) -> Event {
        let of = &self.authorization;
        Event::success(Kind::CodeIssued)
            .client(&of.client_id)
            .user(&of.user_id)
            .session(&of.session_id)
            .grant(&of.grant_id)
            .fact("scope", of.scope.to_string())
    }
}

/// The session ended, the user was disabled or the consent changed between the decision and the write. The client
/// may repeat the request.
fn changed() -> Error {
    Failure::Changed("the session or the consent changed during the request").into()
}
