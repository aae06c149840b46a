//! `/logos/{client}`: the logos of clients.

use crate::flow::grants::applications;
use crate::render::page::Page;
use crate::render::{Request, Response, json};
use crate::types::{ClientId, Code, Result};

/// A client's logo, as it was fetched when the client was registered: no page of ours makes a browser
/// ask anybody else (THREATS AZ-23).
pub(super) async fn get(request: Request) -> Result<Response, Page> {
    let id = ClientId::from_text(request.head.segment());
    let logo = applications::logo(&request.call(), &id).await?;
    let logo = logo.ok_or_else(|| Code::NotFound.because("there is no such logo"))?;
    // One of the types that registration lets in, not one that somebody wrote there.
    let media_type = match logo.media_type.as_str() {
        "image/png" => "image/png",
        "image/jpeg" => "image/jpeg",
        "image/webp" => "image/webp",
        _ => "application/octet-stream",
    };
    Ok(json::typed(media_type, logo.bytes))
}
