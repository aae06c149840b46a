//! `/logos/{client}`: the logos of clients.

use crate::flow::grants::applications;
use crate::render::page::Page;
use crate::render::{Request, Response, json};
use crate::types::{ClientId, Code, Result};

/// The logo of a client, as fetched at its registration, so that pages load nothing from third parties (THREATS
/// AZ-23).
pub(super) async fn get(request: Request) -> Result<Response, Page> {
    let id = ClientId::from_text(request.head.parameter("client"));
    let logo = applications::logo(&request.call(), &id).await?;
    let logo = logo.ok_or_else(|| Code::NotFound.because("there is no such logo"))?;
    // Only the types that registration accepts are served as images.
    let media_type = match logo.media_type.as_str() {
        "image/png" => "image/png",
        "image/jpeg" => "image/jpeg",
        "image/webp" => "image/webp",
        _ => "application/octet-stream",
    };
    Ok(json::typed(media_type, logo.bytes))
}
