//! `/account/password`: changes the user's password.
//!
//! A password is never written into a page. Once the current one was correct, it need not be typed again: the form has
//! a sealed proof instead, bound to the session (decision 48).

use super::view::{Notice, PasswordForm, PasswordProblem};
use super::{page, parse_form, redirect_with_notice};
use crate::jose::base64url;
use crate::jose::mac::Mac;
use crate::jose::seal::{Kind, Owner};
use crate::people::account::{
    Changed, Current, NewPassword, PasswordProof, Unfit, change_password,
};
use crate::render::page::Page;
use crate::render::visit::Visit;
use crate::render::{Request, Response};
use crate::types::{Digest, Error, Failure, Params, Refusal, Result, Secret, SessionId};

/// Changes the password and ends all other sessions.
pub(in crate::page) async fn post(mut request: Request) -> Result<Response, Page> {
    let visit = &Visit::of(&request);
    let (signed_in, params) = match parse_form(&mut request, visit).await? {
        Ok(form) => form,
        Err(response) => return Ok(response),
    };
    let secret = |name| Ok::<_, Refusal>(Secret::new(params.one(name)?.unwrap_or_default()));
    let new = NewPassword { typed: secret("new")?, again: secret("again")? };
    let form_id = form_id(&params, &new.typed)?;
    if visit.is_processed(&form_id).await? {
        return Ok(redirect_with_notice(visit, Notice::PasswordChanged).await?);
    }
    let (typed, session) = (secret("current")?, &signed_in.session);
    let sealed = params.one("proof")?;
    let again = async |problem, proof: Option<&str>| {
        let password = PasswordForm { problem: Some(problem), proof };
        page(visit, &signed_in, None, &password).await
    };
    let current = match sealed {
        None => Current::Typed(&typed),
        Some(sealed) => match open(visit, &session.id, sealed).await? {
            Some(proof) => Current::Proven(proof),
            None => return Ok(again(PasswordProblem::Unproven, None).await?),
        },
    };
    let device = visit.device();
    let changed = change_password(&visit.people(), session, device.as_ref(), current, &new).await;
    let (problem, proof) = match changed {
        Ok(Changed::Done { secret, session, device }) => {
            visit.set_processed(&form_id).await?;
            let response = redirect_with_notice(visit, Notice::PasswordChanged).await?;
            let age = session.remembered.then_some(visit.app().config.sessions.remember_absolute);
            return Ok(visit
                .with_device_cookie(visit.with_session_cookie(response, &secret, age), &device));
        }
        Ok(Changed::Wrong) => (PasswordProblem::Wrong, None),
        Ok(Changed::Unproven) => (PasswordProblem::Unproven, None),
        Ok(Changed::Throttled { until }) => (PasswordProblem::Throttled(until - visit.now()), None),
        Ok(Changed::Unfit(unfit, proof)) => {
            let problem = problem(&unfit, visit.app().config.passwords.min_length);
            (problem, Some(seal(visit, &session.id, &proof)))
        }
        // Nothing was compared: an earlier proof stays valid.
        Err(Error::Failed(Failure::Busy(_))) => (PasswordProblem::Busy, sealed.map(str::to_owned)),
        Err(error) => return Err(error.into()),
    };
    Ok(again(problem, proof.as_deref()).await?)
}

fn problem(unfit: &Unfit, least: usize) -> PasswordProblem {
    match unfit {
        Unfit::Differs => PasswordProblem::Differ,
        Unfit::Same => PasswordProblem::Same,
        Unfit::Refused(refusal) => match refusal.why {
            "the password is too short" => PasswordProblem::Short(least),
            "the password is too long" => PasswordProblem::Long,
            _ => PasswordProblem::Weak,
        },
    }
}

/// Seals the proof for the form, bound to this session.
fn seal(visit: &Visit, session: &SessionId, proof: &PasswordProof) -> String {
    let owner = Owner(Kind::PasswordProof, session.as_str());
    base64url::encode(visit.app().keyring.keys().pages.seal(owner, &proof.to_bytes()))
}

async fn open(visit: &Visit, session: &SessionId, sealed: &str) -> Result<Option<PasswordProof>> {
    let Some(sealed) = base64url::decode(sealed) else {
        return Ok(None);
    };
    let (app, owner) = (visit.app(), Owner(Kind::PasswordProof, session.as_str()));
    let clear = app.keyring.open_page(&app.store, owner, &sealed).await?;
    Ok(clear.and_then(|clear| PasswordProof::from_bytes(&clear)))
}

/// Identifies this form with its content, to recognize it when it is sent twice. The key of the MAC is stored only in
/// the form, so the cookie contains no digest of the password.
fn form_id(params: &Params, new: &Secret) -> Result<String> {
    let key = Digest::of(params.one("form")?.unwrap_or_default().as_bytes());
    let mac = Mac::new(&key.0, "a form that was filled in").sign(new.expose().as_bytes());
    Ok(base64url::encode(mac))
}
