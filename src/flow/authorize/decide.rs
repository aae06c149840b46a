//! The next step of an authorization request: a page, a code or an error ([OIDC Core §3.1.2.3]).
//!
//! [OIDC Core §3.1.2.3]: https://openid.net/specs/openid-connect-core-1_0.html#Authenticates

use super::Request;
use super::waiting::WaitingRequest;
use crate::flow::Call;
use crate::flow::clients::resources::administration;
use crate::flow::tokens::subject;
use crate::store::consents::Consent;
use crate::store::sessions::SignedIn;
use crate::types::client::ApplicationType;
use crate::types::{Code, Error, Result, Seconds};

/// The next step of an authorization request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The user authenticates.
    SignIn,
    /// The user authenticates again (`prompt=login`, `max_age`: OIDC Core §3.1.2.1).
    Confirm,
    /// The user selects an account.
    SelectAccount,
    /// The user is asked for consent.
    Consent,
    /// A code is issued, by a stored consent.
    Issue,
    /// A code is issued to a client that needs no consent.
    IssueTrusted,
}

/// The consent that a request needs.
pub fn required_consent(request: &Request) -> Consent {
    Consent {
        scope: request.scope.clone(),
        resources: request.resources.clone(),
        claims: request.claims.beyond(&request.scope),
    }
}

/// Decides the next step. With `prompt=none` that is a code or an error, never a page (OIDC Core §3.1.2.6).
///
/// `waiting` is the request after a page was shown for it. A session that was started for this request
/// satisfies `prompt=login` and `max_age`.
///
/// # Errors
/// `login_required`, `consent_required`.
pub fn decide(
    call: &Call<'_>,
    request: &Request,
    signed_in: Option<&SignedIn>,
    waiting: Option<&WaitingRequest>,
) -> Result<Next> {
    let silent = |code: Code, why: &'static str, next| {
        if request.prompt.none { Err(Error::Refused(code.because(why))) } else { Ok(next) }
    };
    let Some(SignedIn { session, user, consent }) = signed_in else {
        return silent(Code::LoginRequired, "the user is not signed in", Next::SignIn);
    };
    let for_this = waiting.filter(|waiting| waiting.session_id.as_ref() == Some(&session.id));
    let is_fresh = for_this.is_some_and(|waiting| session.auth_time >= waiting.created_at);

    if let Some(requested) = &request.subject {
        let is_requested =
            *requested == subject::for_client(&*call.keys()?, &request.client, &user.id);
        let why = "the requested user is not signed in, or has not consented to this client";
        if is_fresh && !is_requested {
            return Err(Code::LoginRequired.because(why).into());
        }
        // One error for both cases, or a client could test which user is signed in without the user's consent.
        if !is_requested || (request.prompt.none && !may_identify(call, request, consent.as_ref()))
        {
            return silent(Code::LoginRequired, why, Next::SignIn);
        }
    }
    let age = call.now - session.auth_time;
    let is_too_old = request.max_age.is_some_and(|max| max == Seconds(0) || age > max);
    if !is_fresh && (request.prompt.login || is_too_old) {
        let why =
            "the user has to authenticate again: the session is older than the request allows";
        return silent(Code::LoginRequired, why, Next::Confirm);
    }
    if request.prompt.select_account && for_this.is_none() {
        let why = "the user has to select an account";
        return silent(Code::LoginRequired, why, Next::SelectAccount);
    }
    if request.prompt.consent {
        return silent(Code::ConsentRequired, "the user has to give consent", Next::Consent);
    }
    if is_trusted(call, request) {
        return Ok(Next::IssueTrusted);
    }
    let is_covered =
        consent.as_ref().is_some_and(|consent| consent.covers(&required_consent(request)));
    if is_covered && !can_be_impersonated(call, request) {
        return Ok(Next::Issue);
    }
    silent(Code::ConsentRequired, "the stored consent does not cover the request", Next::Consent)
}

/// Whether the client needs no consent. A client that other programs can impersonate always needs it
/// (THREATS UI-10), and so does one that would administer this server for the user (THREATS AD-05).
pub fn is_trusted(call: &Call<'_>, request: &Request) -> bool {
    request.client.metadata.gw_skip_consent
        && !can_be_impersonated(call, request)
        && !request.resources.contains(&administration::id(&call.config.issuer))
}

/// Whether the response may reveal to this client which user is signed in.
fn may_identify(call: &Call<'_>, request: &Request, consent: Option<&Consent>) -> bool {
    let has_consented = consent.is_some_and(|consent| consent.scope.has("openid"));
    is_trusted(call, request) || (has_consented && !can_be_impersonated(call, request))
}

/// > authorization servers SHOULD NOT process authorization requests automatically without user consent
/// > or interaction, except when the identity of the client can be assured. (RFC 8252 §8.6)
///
/// Any program on the device can receive the response to a custom scheme or the loopback interface and so act as the
/// public client that uses them. Only the owner of an https address receives the response sent to it.
fn can_be_impersonated(call: &Call<'_>, request: &Request) -> bool {
    let is_at_https = request.return_to.redirect_uri.starts_with("https://");
    !request.client.is_confidential() && !is_at_https && !is_in_development(call, request)
}

/// Whether the client is a web application on the same machine as an issuer that only this machine reaches: an
/// `http` issuer has a loopback name. It is treated as it will be at its https address, silent renewal
/// included (decision 0026).
fn is_in_development(call: &Call<'_>, request: &Request) -> bool {
    let is_local = !call.config.issuer.is_https();
    let is_web = request.client.metadata.application_type == ApplicationType::Web;
    is_local && is_web && request.return_to.redirect_uri.starts_with("http://")
}
