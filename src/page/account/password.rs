//! `/account/password`: changing one's own.
//!
//! A password is never written into a page. What need not be typed again is the current one, once it was right: a
//! proof of that stands for it in the form, sealed and bound to the sign-in (decision 48).

use super::view::{Notice, PasswordForm, PasswordProblem};
use super::{done, form, page};
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

/// Changes one's password; all other sign-ins end.
pub(in crate::page) async fn post(mut request: Request) -> Result<Response, Page> {
    let visit = &Visit::of(&request);
    let (signed_in, params) = match form(&mut request, visit).await? {
        Ok(form) => form,
        Err(response) => return Ok(response),
    };
    let secret = |name| Ok::<_, Refusal>(Secret::new(params.one(name)?.unwrap_or_default()));
    let new = NewPassword { typed: secret("new")?, again: secret("again")? };
    let filled = filled(&params, &new.typed)?;
    if visit.is_done(&filled).await? {
        return Ok(done(visit, Notice::PasswordChanged).await?);
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
            visit.note_done(&filled).await?;
            let response = done(visit, Notice::PasswordChanged).await?;
            let kept = session.remembered.then_some(visit.app().config.sessions.remember_absolute);
            return Ok(visit.with_device(visit.with_session(response, &secret, kept), &device));
        }
        Ok(Changed::Wrong) => (PasswordProblem::Wrong, None),
        Ok(Changed::Unproven) => (PasswordProblem::Unproven, None),
        Ok(Changed::Throttled { until }) => (PasswordProblem::Throttled(until - visit.now()), None),
        Ok(Changed::Unfit(unfit, proof)) => {
            let problem = problem(&unfit, visit.app().config.passwords.min_length);
            (problem, Some(seal(visit, &session.id, &proof)))
        }
        // Nothing was compared: what was proven before still is.
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

/// What stands for the current password in the form, in this sign-in alone.
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
    Ok(clear.and_then(|clear| PasswordProof::read(&clear)))
}

/// Names this form as it is filled in, so that it is known when it comes twice. The key is in the form and
/// kept nowhere else: what the browser keeps of it is no digest of a password.
fn filled(params: &Params, new: &Secret) -> Result<String> {
    let key = Digest::of(params.one("form")?.unwrap_or_default().as_bytes());
    let mac = Mac::new(&key.0, "a form that was filled in").sign(new.expose().as_bytes());
    Ok(base64url::encode(mac))
}
