//! `/admin/applications/{client}/integrate`: what to configure in the application.

mod snippets;
pub(super) mod view;
mod words;

use self::snippets::{Registration, snippets};
use self::view::Integrate;
use super::{Frame, Tab, client_of};
use crate::console::desk::Desk;
use crate::console::error::ConsoleError;
use crate::console::layout::Section;
use crate::flow::metadata::path as endpoint;
use crate::render::Response;

/// Shows the values and the snippets.
pub(in crate::console) async fn show(desk: Desk) -> Result<Response, ConsoleError> {
    let client = client_of(&desk).await?;
    let issuer = &desk.visit.app().config.issuer;
    let (issuer_text, token) = (issuer.to_string(), issuer.endpoint(endpoint::TOKEN));
    let registration = Registration { client: &client, issuer: &issuer_text, token: &token };
    let page = Integrate {
        navigation: desk.navigation(Section::Applications),
        frame: Frame::new(&desk, &client, Tab::Integrate),
        issuer: &issuer_text,
        discovery: issuer.endpoint("/.well-known/openid-configuration"),
        snippets: snippets(&registration),
    };
    desk.page(&page).await
}
