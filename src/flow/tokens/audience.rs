//! For whom an access token is: resource indicators, [RFC 8707].
//!
//! [RFC 8707]: https://www.rfc-editor.org/rfc/rfc8707

use crate::flow::Call;
use crate::store::cache::Resources;
use crate::types::client::TokenFormat;
use crate::types::{Client, Code, Params, Refusal, ResourceId, Result, Seconds};

/// As many resources as one request names, and one client has by default.
pub(in crate::flow) const MOST: usize = 8;

/// The `resource` parameters of a request.
///
/// > Its value MUST be an absolute URI […] The URI MUST NOT include a fragment component. (§2)
///
/// # Errors
/// `invalid_target` for what the client may not ask for.
pub async fn asked(call: &Call<'_>, client: &Client, params: &Params) -> Result<Vec<ResourceId>> {
    let mut resources: Vec<ResourceId> = Vec::new();
    for text in params.many("resource")? {
        let id = ResourceId::from_text(text);
        if resources.contains(&id) {
            continue;
        }
        if resources.len() == MOST {
            return Err(Code::InvalidTarget.because("more than 8 resources are asked for").into());
        }
        if text.contains('#') || url::Url::parse(text).is_err() {
            return Err(Code::InvalidTarget
                .because("resource is not an absolute URI without a fragment")
                .into());
        }
        resources.push(id);
    }
    if !resources.is_empty() {
        must_be_open(call, &*call.cache.resources().await?, client, &resources)?;
    }
    Ok(resources)
}

/// The resources of an authorization request: those that it asks for, else the client's default audience.
/// So consent names them, however they come, and the grant is for those that it named.
///
/// # Errors
/// As [`asked`].
pub async fn authorized(
    call: &Call<'_>,
    client: &Client,
    params: &Params,
) -> Result<Vec<ResourceId>> {
    let asked = asked(call, client, params).await?;
    Ok(if asked.is_empty() { client.metadata.gw_default_audience.clone() } else { asked })
}

/// Whether a client may have tokens for these resources now: asked at every issuing, so that what was
/// taken from a client is not renewed.
///
/// # Errors
/// `invalid_target`.
pub fn must_be_open(
    call: &Call<'_>,
    known: &Resources,
    client: &Client,
    resources: &[ResourceId],
) -> Result<(), Refusal> {
    let metadata = &client.metadata;
    let is_open = |id: &&ResourceId| {
        id.as_str() == call.issuer()
            || metadata.gw_default_audience.contains(id)
            || (metadata.gw_allowed_resources.contains(id) && known.contains_key(*id))
    };
    match resources.iter().find(|id| !is_open(id)) {
        None => Ok(()),
        Some(id) => Err(Code::InvalidTarget
            .because("resource is unknown, or this client may not have tokens for it")
            .with("resource", id)),
    }
}

/// What a token request gets out of what was granted: less, never more.
///
/// # Errors
/// `invalid_target`.
pub fn narrowed(
    granted: &[ResourceId],
    asked: Vec<ResourceId>,
) -> Result<Vec<ResourceId>, Refusal> {
    if asked.is_empty() {
        return Ok(granted.to_vec());
    }
    match asked.iter().find(|id| !granted.contains(id)) {
        None => Ok(asked),
        Some(id) => {
            Err(Code::InvalidTarget.because("resource was not granted").with("resource", id))
        }
    }
}

/// How an access token is made.
#[derive(Debug)]
pub struct Shape {
    /// `aud`
    pub audience: Vec<String>,
    /// JWT or opaque.
    pub format: TokenFormat,
    /// How long it lives.
    pub lifetime: Seconds,
}

/// The requested resources, else the client's default audience, else the issuer (DESIGN §3); the
/// client's wishes before those of the resources. Of several resources the strictest decides: opaque if
/// one wants it, the shortest lifetime.
pub fn shape(
    call: &Call<'_>,
    known: &Resources,
    client: &Client,
    resources: &[ResourceId],
) -> Shape {
    let default = client.metadata.gw_default_audience.as_slice();
    let named = if resources.is_empty() { default } else { resources };
    let audience = if named.is_empty() {
        vec![call.issuer().to_owned()]
    } else {
        named.iter().map(ToString::to_string).collect()
    };
    let mut format = client.metadata.gw_access_token_format;
    let mut lifetime = client.metadata.gw_access_token_lifetime;
    if !named.is_empty() && (format.is_none() || lifetime.is_none()) {
        let of = || named.iter().filter_map(|id| known.get(id));
        let opaque = || of().any(|one| one.access_token_format == Some(TokenFormat::Opaque));
        format = format.or_else(|| opaque().then_some(TokenFormat::Opaque));
        lifetime = lifetime.or_else(|| of().filter_map(|one| one.access_token_lifetime).min());
    }
    Shape {
        audience,
        format: format.unwrap_or(TokenFormat::Jwt),
        lifetime: lifetime.unwrap_or(call.config.tokens.access_token_lifetime),
    }
}
