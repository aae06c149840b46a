//! Registration of APIs, the resources of [RFC 8707], with their scopes and the format of their tokens.
//!
//! [RFC 8707]: https://www.rfc-editor.org/rfc/rfc8707

pub mod administration;

use super::metadata::{is_lifetime, is_plain, must_be_resource};
use crate::config::Issuer;
use crate::record::{Event, Kind, Trace};
use crate::store::{Store, Tx, resources, retrying, versions};
use crate::types::language::Translations;
use crate::types::scope::PERSONAL;
use crate::types::{Code, Refusal, Resource, ResourceId, Result, Scope};

/// Registers a resource.
///
/// # Errors
/// `invalid_request` if it is invalid, or its identifier is registered already; `conflict` for the built-in one.
pub async fn create(
    store: &Store,
    issuer: &Issuer,
    resource: &Resource,
    trace: &Trace,
) -> Result<()> {
    must_not_be_built_in(&resource.id, issuer)?;
    validate(resource, issuer)?;
    retrying(|| async {
        let mut tx = changing(store).await?;
        if !resources::insert(&mut tx, resource, trace.now()).await? {
            return Err(invalid("a resource with this identifier exists already").into());
        }
        commit(tx, Kind::ResourceCreated, &resource.id, trace).await
    })
    .await
}

/// Replaces the registration of a resource.
///
/// # Errors
/// `not_found`, or `invalid_request` if it is invalid; `conflict` for the built-in one.
pub async fn update(
    store: &Store,
    issuer: &Issuer,
    resource: &Resource,
    trace: &Trace,
) -> Result<()> {
    replace(store, issuer, None, resource, trace).await
}

/// Replaces the registration of a resource that is as the caller has read it (THREATS AD-10).
///
/// # Errors
/// Those of [`update`]; `precondition_failed` if it was changed since it was read.
pub async fn replace(
    store: &Store,
    issuer: &Issuer,
    read: Option<&Resource>,
    resource: &Resource,
    trace: &Trace,
) -> Result<()> {
    must_not_be_built_in(&resource.id, issuer)?;
    validate(resource, issuer)?;
    retrying(|| async {
        let mut tx = changing(store).await?;
        if let Some(read) = read
            && !resources::all(&mut tx).await?.contains(read)
        {
            return Err(changed().into());
        }
        if !resources::update(&mut tx, resource, trace.now()).await? {
            return Err(unknown().into());
        }
        commit(tx, Kind::ResourceUpdated, &resource.id, trace).await
    })
    .await
}

/// Deletes a resource: no more tokens are issued for it.
///
/// # Errors
/// `not_found`; `conflict` for the built-in one.
pub async fn delete(store: &Store, issuer: &Issuer, id: &ResourceId, trace: &Trace) -> Result<()> {
    must_not_be_built_in(id, issuer)?;
    retrying(|| async {
        let mut tx = changing(store).await?;
        if !resources::delete(&mut tx, id).await? {
            return Err(unknown().into());
        }
        commit(tx, Kind::ResourceDeleted, id, trace).await
    })
    .await
}

/// Begins a change and increments the version, so that other replicas invalidate their caches. Concurrent changes wait,
/// which gives the registered APIs one order.
async fn changing(store: &Store) -> Result<Tx> {
    let mut tx = store.write().await?;
    versions::bump(&mut tx, versions::Kind::Resources).await?;
    Ok(tx)
}

/// Writes the audit event and commits.
async fn commit(mut tx: Tx, kind: Kind, id: &ResourceId, trace: &Trace) -> Result<()> {
    Event::success(kind).fact("resource", id.as_str()).write(&mut tx, trace).await?;
    tx.commit().await?;
    Ok(())
}

const fn invalid(why: &'static str) -> Refusal {
    Code::InvalidRequest.because(why)
}

/// Why a change is refused that was made from an earlier registration.
pub const fn changed() -> Refusal {
    Code::PreconditionFailed.because("the API was changed or deleted meanwhile: read it again")
}

const fn unknown() -> Refusal {
    Code::NotFound.because("there is no resource with this identifier")
}

fn must_not_be_built_in(id: &ResourceId, issuer: &Issuer) -> Result<(), Refusal> {
    if *id == administration::id(issuer) {
        let why = "the administration API is built in: it cannot be changed or deleted";
        return Err(Code::Conflict.because(why));
    }
    Ok(())
}

fn validate(resource: &Resource, issuer: &Issuer) -> Result<(), Refusal> {
    must_be_resource(&resource.id).map_err(|reason| {
        invalid("the identifier of a resource is an absolute URI in its normal form, without a fragment")
            .with("id", resource.id.as_str().escape_debug())
            .with("reason", reason)
    })?;
    // Userinfo accepts tokens whose audience is the issuer.
    if resource.id.as_str().trim_end_matches('/') == issuer.as_str() {
        return Err(invalid("a resource cannot have the issuer identifier"));
    }
    if resource.name.is_empty() || !is_plain(&resource.name, 200) {
        return Err(invalid(
            "the name is empty, longer than 200 bytes, or has an invisible character",
        ));
    }
    texts(&resource.translations)?;
    if resource.access_token_lifetime.is_some_and(|lifetime| !is_lifetime(lifetime)) {
        return Err(invalid("access_token_lifetime is not between 10 seconds and 24 hours"));
    }
    scopes(resource)
}

fn scopes(resource: &Resource) -> Result<(), Refusal> {
    let named = resource.scope();
    if resource.scopes.len() > Scope::MOST || named.iter().count() != resource.scopes.len() {
        return Err(invalid("a scope is declared twice, or there are more than 64"));
    }
    for scope in &resource.scopes {
        let is_one = Scope::parse(&scope.name).is_ok_and(|one| one.has(&scope.name));
        if !is_one {
            return Err(invalid(
                "a scope has a character that RFC 6749 section 3.3 does not allow",
            )
            .with("scope", scope.name.escape_debug()));
        }
        if PERSONAL.contains(&scope.name.as_str()) {
            return Err(invalid("a resource cannot declare a scope of OpenID Connect")
                .with("scope", &scope.name));
        }
        if scope.text.is_empty() || !is_plain(&scope.text, 200) {
            return Err(invalid("the text of a scope is empty, longer than 200 bytes, or has an invisible character")
                .with("scope", &scope.name));
        }
        texts(&scope.translations).map_err(|refusal| refusal.with("scope", &scope.name))?;
    }
    Ok(())
}

/// A name or a text in further languages.
fn texts(translations: &Translations) -> Result<(), Refusal> {
    for (member, texts) in translations.iter() {
        if texts.len() > Translations::MOST {
            return Err(invalid("a name or a text has more than 64 languages"));
        }
        let wrong = texts.iter().find(|(_, text)| text.is_empty() || !is_plain(text, 200));
        if let Some((tag, _)) = wrong {
            return Err(invalid("a name or a text in a language is empty, longer than 200 bytes, or has an invisible character")
                .with("member", format!("{member}#{tag}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
