//! What is at the root of the issuer.

use super::view::Home;
use crate::render::page::{Csp, html};
use crate::render::{Request, Response};

/// `GET /`
pub(super) async fn home(request: Request) -> Response {
    let head = &request.head;
    html(&Home { layout: head.layout(head.words()) }, Csp::Staying)
}
