//! The caller of the API: the access token of the request, and the roles of the user or client that it stands for.
//!
//! The audience of the token must be this API, so the tokens of ordinary applications are not accepted (THREATS
//! AD-02). What a token may do is the intersection of its scope and the roles, which are read from the database for
//! each request, so that a demotion counts at once (THREATS AD-14).

use super::endpoint::Access;
use crate::admin::{Administrator, Authority};
use crate::flow::clients::resources::administration;
use crate::flow::tokens::access_token::{self, Accepted, Behind, Demand};
use crate::flow::tokens::dpop as proofs;
use crate::render::access_token::in_header;
use crate::render::{Head, Problem, dpop};
use crate::store::roles;
use crate::types::{Code, Holder, Role, Scope};

/// The administrator who sends a request, if they may call the endpoint.
///
/// # Errors
/// 401 without a valid access token for this API; 403 without a role, or if the roles or the scope do not include
/// the action.
pub(super) async fn administrator(head: &Head, access: Access) -> Result<Administrator, Problem> {
    let accepted = accept(head).await?;
    let authority = authority(head, accepted).await?;
    let administrator = Administrator::new(authority, head.trace.clone());
    match access {
        Access::Administrators => {}
        Access::Action(action) => {
            head.app().administration(&administrator).check(action)?;
        }
    }
    Ok(administrator)
}

/// Accepts the access token of a request.
async fn accept(head: &Head) -> Result<Accepted, Problem> {
    if head.query()?.one("access_token")?.is_some() {
        return Err(Code::InvalidRequest.because("an access token must not be in the URI").into());
    }
    let (scheme, token) = in_header(head)?.ok_or(Problem::Missing)?;
    let mut call = head.call();
    let issuer = &call.config.issuer;
    let path = head.uri.path().strip_prefix(issuer.path()).unwrap_or_default();
    let urls = proofs::urls(&call, path);
    let method = head.method.as_str();
    dpop::prove_with_token(&mut call, head, (scheme, &token), method, &urls)?;
    let audience = administration::id(&head.app().config.issuer);
    let demand = Demand { audience: audience.as_str(), scope: &Scope::default(), user: false };
    Ok(access_token::accept(&call, token.expose(), demand).await?)
}

async fn authority(head: &Head, accepted: Accepted) -> Result<Authority, Problem> {
    let db = head.app().store.db();
    let Accepted { token, client, behind } = accepted;
    Ok(match behind {
        Behind::User(grant) => {
            let id = grant.user.id.clone();
            let roles = must_have_role(roles::of(db, &Holder::User(id.clone())).await?)?;
            let auth_time = grant.auth_time;
            Authority::User { id, roles, auth_time, scope: Some(token.scope) }
        }
        Behind::Client => {
            let id = client.id.clone();
            let roles = must_have_role(roles::of(db, &Holder::Client(id.clone())).await?)?;
            let is_bound = !token.confirmation.is_bearer();
            Authority::Client { id, roles, scope: token.scope, is_bound }
        }
    })
}

fn must_have_role(roles: Vec<Role>) -> Result<Vec<Role>, Problem> {
    if roles.is_empty() {
        return Err(Code::Forbidden.because("you have no role").into());
    }
    Ok(roles)
}
