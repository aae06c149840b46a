//! The page that shows a recovery link once.

use super::words::LINK;
use crate::admin::user::Link;
use crate::console::desk::Desk;
use crate::console::error::ConsoleError;
use crate::console::layout::Section;
use crate::console::view::Secret;
use crate::render::Response;
use crate::render::layout::isolated;
use crate::types::User;

/// Shows a recovery link to the administrator who created it.
pub(super) async fn show(desk: &Desk, user: &User, link: &Link) -> Result<Response, ConsoleError> {
    let words = LINK.in_language(desk.layout().words.language);
    let endpoint = desk.visit.app().config.issuer.endpoint("/recovery");
    let url = format!("{endpoint}?link={}", link.secret.0.expose());
    let page = Secret {
        navigation: desk.navigation(Section::People),
        title: &(words.title)(&isolated(user.display_name())),
        detail: words.detail,
        values: &[(words.label, url.as_str(), true)],
        next: &format!("/admin/people/{}", user.id),
        submit: words.next,
    };
    desk.page(&page).await
}
