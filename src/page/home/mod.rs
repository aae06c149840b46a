//! The page at `/`.

pub mod view;
pub mod words;

use self::view::Home;
use crate::render::page::{self, Csp};
use crate::render::{Request, Response};

/// Shows the page.
pub(super) async fn get(request: Request) -> Response {
    let layout = request.head.layout(request.head.words());
    page::html(&Home { layout }, Csp::Staying)
}
