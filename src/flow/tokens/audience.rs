//! The audience of access tokens: resource indicators, [RFC 8707].
//!
//! [RFC 8707]: https://www.rfc-editor.org/rfc/rfc8707

use crate::flow::Call;
use crate::store::cache::Resources;
use crate::types::client::TokenFormat;
use crate::types::{Client, Code, Params, Refusal, ResourceId, Result, Seconds};

/// The most resources that a request, or a client's default audience, may name.
pub(in crate::flow) const MAX_RESOURCES: usize = 8;

/// The `resource` parameters of a request.
///
/// > Its value MUST be an absolute URI […] The URI MUST NOT include a fragment component. (§2)
///
/// # Errors
/// `invalid_target` for a resource that the client may not request.
pub async fn requested(
    call: &Call<'_>,
    client: &Client,
    params: &Params,
) -> Result<Vec<ResourceId>> {
    let mut resources: Vec<ResourceId> = Vec::new();
    for text in params.many("resource")? {
        let id = ResourceId::from_text(text);
        if resources.contains(&id) {
            continue;
        }
        if resources.len() == MAX_RESOURCES {
            return Err(Code::InvalidTarget.because("more than 8 resources are requested").into());
        }
        if text.contains('#') || url::Url::parse(text).is_err() {
            return Err(Code::InvalidTarget
                .because("resource is not an absolute URI without a fragment")
                .into());
        }
        resources.push(id);
    }
    if !resources.is_empty() {
        must_be_allowed(call, &*call.cache.resources().await?, client, &resources)?;
    }
    Ok(resources)
}

/// The resources of an authorization request: those that it names, else the client's default audience. Consent and
/// grant are for these.
///
/// # Errors
/// Those of [`requested`].
pub async fn authorized(
    call: &Call<'_>,
    client: &Client,
    params: &Params,
) -> Result<Vec<ResourceId>> {
    let requested = requested(call, client, params).await?;
    Ok(if requested.is_empty() { client.metadata.gw_default_audience.clone() } else { requested })
}

/// Checks that a client may have tokens for these resources. The check is made whenever a token is issued, so that a
/// permission that was withdrawn is not renewed.
///
/// # Errors
/// `invalid_target`.
pub fn must_be_allowed(
    call: &Call<'_>,
    known: &Resources,
    client: &Client,
    resources: &[ResourceId],
) -> Result<(), Refusal> {
    let metadata = &client.metadata;
    let is_allowed = |id: &&ResourceId| {
        id.as_str() == call.issuer()
            || metadata.gw_default_audience.contains(id)
            || (metadata.gw_allowed_resources.contains(id) && known.contains_key(*id))
    };
    match resources.iter().find(|id| !is_allowed(id)) {
        None => Ok(()),
        Some(id) => Err(Code::InvalidTarget
            .because("resource is unknown, or this client may not have tokens for it")
            .with("resource", id)),
    }
}

/// The resources of a token request: a subset of those granted.
///
/// # Errors
/// `invalid_target`.
pub fn narrowed(
    granted: &[ResourceId],
    requested: Vec<ResourceId>,
) -> Result<Vec<ResourceId>, Refusal> {
    if requested.is_empty() {
        return Ok(granted.to_vec());
    }
    match requested.iter().find(|id| !granted.contains(id)) {
        None => Ok(requested),
        Some(id) => {
            Err(Code::InvalidTarget.because("resource was not granted").with("resource", id))
        }
    }
}

/// What resources and client determine about an access token.
#[derive(Debug)]
pub struct Shape {
    /// `aud`
    pub audience: Vec<String>,
    /// JWT or opaque.
    pub format: TokenFormat,
    /// How long it is valid.
    pub lifetime: Seconds,
}

/// The audience is the requested resources, else the client's default audience, else the issuer (DESIGN §3). The
/// settings of the client take precedence over those of the resources; of several resources the strictest decides:
/// opaque if one is, and the shortest lifetime.
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
