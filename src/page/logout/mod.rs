//! `/logout/confirm` and `/signed-out`: the pages of OIDC RP-Initiated Logout 1.0.

pub mod view;
pub mod words;

use axum::http::StatusCode;

use self::view::{Logout, SignedOut};
use super::view::{Client, Person};
use crate::flow::authorize::AuthorizationError;
use crate::flow::logout;
use crate::render::page::{Csp, Page};
use crate::render::visit::{Visit, home_link, name_of};
use crate::render::{Request, Response};
use crate::store::sessions::SignedIn;
use crate::types::{Code, Error, Params, Result};

/// The purpose of the form token: one session and one query, which is parsed again with the form.
fn purpose(query: &Params, signed_in: &SignedIn) -> String {
    format!("logout {} {}", signed_in.session.id, query.encode())
}

/// Shows the confirmation page.
pub(super) async fn get(request: Request) -> Result<Response, AuthorizationError> {
    let visit = &Visit::of(&request);
    let query = visit.head.query()?;
    let logout_request = logout::parse(&visit.call(), &query).await?;
    let Some(signed_in) = visit.signed_in(None).await? else {
        return Ok(visit.signed_out(&logout_request).await?);
    };
    Ok(page(visit, &query, &logout_request, &signed_in).await?)
}

async fn page(
    visit: &Visit,
    query: &Params,
    logout_request: &logout::Request,
    signed_in: &SignedIn,
) -> Result<Response> {
    let client = logout_request.client.as_deref();
    let logo = client.and_then(|client| visit.logo_of(client));
    let layout = visit.layout(logout_request.ui_locales.as_deref());
    let name = client.map(|client| name_of(client, layout.words));
    let page = Logout {
        layout: layout.at("/logout/confirm"),
        client: name.as_deref().map(|name| Client { name, logo: logo.as_deref() }),
        person: Person::of(&signed_in.user),
        csrf: &visit.csrf(&purpose(query, signed_in)).await?,
    };
    visit.page(&page, Csp::Leaving).await
}

/// Processes the form.
pub(super) async fn post(mut request: Request) -> Result<Response, AuthorizationError> {
    let form = request.form_beside_query().await?;
    let visit = &Visit::of(&request);
    let query = visit.head.query()?;
    let logout_request = logout::parse(&visit.call(), &query).await?;
    let Some(signed_in) = visit.signed_in(None).await? else {
        return Ok(visit.signed_out(&logout_request).await?);
    };
    match visit.must_be_own_form(&form, &purpose(&query, &signed_in)).await {
        Ok(()) => {}
        // The form has expired or is foreign: the page is shown again.
        Err(Error::Refused(refusal)) if refusal.code == Code::ForeignForm => {
            visit.head.report(&refusal);
            let mut response = page(visit, &query, &logout_request, &signed_in).await?;
            *response.status_mut() = StatusCode::FORBIDDEN;
            return Ok(response);
        }
        Err(error) => return Err(error.into()),
    }
    if form.one("answer")? != Some("yes") {
        return Ok(visit.redirect("/account").await?);
    }
    Ok(visit.sign_out(&logout_request, &signed_in).await?)
}

/// Shows the page after the sign-out.
pub(super) async fn signed_out(request: Request) -> Result<Response, Page> {
    let visit = &Visit::of(&request);
    let home = visit.signed_out_by().await?;
    let layout = visit.layout(None);
    let home = home.as_ref().and_then(|home| home_link(home, layout.words));
    Ok(visit.page(&SignedOut { layout, home }, Csp::Staying).await?)
}
