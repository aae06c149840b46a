//! APIs (resource servers).

use serde_json::json;

use super::{Action, Allowed, Call, Done, Error, Result, Subject};
use crate::flow::clients::resources as rules;
use crate::jose::base64url;
use crate::record::Kind;
use crate::store::resources;
use crate::types::client::TokenFormat;
use crate::types::language::{LanguageTag, Translations};
use crate::types::resource::DeclaredScope;
use crate::types::{Digest, Resource, ResourceId, Seconds};

/// What is to be changed of an API; the rest stays.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The name shown to users.
    pub name: Option<String>,
    /// All scopes, with their texts; if empty, the scopes stay.
    pub scopes: Vec<(String, String)>,
    /// Whether a scope is sensitive.
    pub sensitive: Vec<(String, bool)>,
    /// Texts of scopes in other languages; an empty one is removed.
    pub scope_texts: Vec<(String, LanguageTag, String)>,
    /// Names in other languages; an empty one is removed.
    pub names: Vec<(LanguageTag, String)>,
    /// The format of access tokens.
    pub token_format: Option<TokenFormat>,
    /// The lifetime of access tokens.
    pub token_lifetime: Option<Seconds>,
}

impl Changes {
    fn apply_to(&self, resource: &mut Resource) -> Result<()> {
        if let Some(name) = &self.name {
            resource.name.clone_from(name);
        }
        if !self.scopes.is_empty() {
            let before = std::mem::take(&mut resource.scopes);
            let scopes = self.scopes.iter();
            resource.scopes = scopes.map(|(name, text)| declare(name, text, &before)).collect();
        }
        for (name, is_sensitive) in &self.sensitive {
            declared(&mut resource.scopes, name)?.sensitive = *is_sensitive;
        }
        for (name, tag, text) in &self.scope_texts {
            let scope = declared(&mut resource.scopes, name)?;
            scope.translations.set("text", tag.clone(), text);
        }
        for (tag, name) in &self.names {
            resource.translations.set("name", tag.clone(), name);
        }
        if let Some(format) = self.token_format {
            resource.access_token_format = Some(format);
        }
        if let Some(lifetime) = self.token_lifetime {
            resource.access_token_lifetime = Some(lifetime);
        }
        Ok(())
    }
}

/// Declares a scope. An existing one of that name stays sensitive, and keeps the translations of an unchanged
/// text.
fn declare(name: &str, text: &str, before: &[DeclaredScope]) -> DeclaredScope {
    let same = before.iter().find(|scope| scope.name == name);
    let is_same_text = same.is_some_and(|scope| scope.text == text);
    DeclaredScope {
        name: name.to_owned(),
        text: text.to_owned(),
        sensitive: same.is_some_and(|scope| scope.sensitive),
        translations: same
            .filter(|_| is_same_text)
            .map(|scope| scope.translations.clone())
            .unwrap_or_default(),
    }
}

fn declared<'a>(scopes: &'a mut [DeclaredScope], name: &str) -> Result<&'a mut DeclaredScope> {
    scopes.iter_mut().find(|scope| scope.name == name).ok_or_else(|| {
        Error::Invalid(format!(
            "the API has no scope {name}: declare it with --scope {name}='What it allows'"
        ))
    })
}

/// Registers an API.
///
/// # Errors
/// The identifier is in use, a value is invalid, or the database fails.
pub async fn create(call: &Call<'_>, id: ResourceId, new: &Changes) -> Result<Done<Resource>> {
    let call = &call.allow(Action::CreateResource)?;
    let mut resource = Resource {
        id,
        name: String::new(),
        scopes: Vec::new(),
        access_token_format: None,
        access_token_lifetime: None,
        translations: Translations::default(),
    };
    new.apply_to(&mut resource)?;
    rules::create(call.store, &call.config.issuer, &resource, call.trace).await?;
    Ok(Done::new(resource, Kind::ResourceCreated))
}

/// Changes an API.
///
/// # Errors
/// There is no such API, a value is invalid, or the database fails.
pub async fn update(call: &Call<'_>, id: &ResourceId, changes: &Changes) -> Result<Done<Resource>> {
    let call = &call.allow(Action::UpdateResource)?;
    let mut resource = existing(call, id).await?;
    changes.apply_to(&mut resource)?;
    rules::update(call.store, &call.config.issuer, &resource, call.trace).await?;
    Ok(Done::new(resource, Kind::ResourceUpdated))
}

/// Registers an API as described.
///
/// # Errors
/// The identifier is in use, a value is invalid, or the database fails.
pub async fn register(call: &Call<'_>, resource: Resource) -> Result<Done<Resource>> {
    let call = &call.allow(Action::CreateResource)?;
    rules::create(call.store, &call.config.issuer, &resource, call.trace).await?;
    Ok(Done::new(resource, Kind::ResourceCreated))
}

/// Replaces the registration of an API that is as the caller has read it.
///
/// # Errors
/// A value is invalid, the API was changed meanwhile, or the database fails.
pub async fn replace(
    call: &Call<'_>,
    read: &Resource,
    resource: Resource,
) -> Result<Done<Resource>> {
    let call = &call.allow(Action::UpdateResource)?;
    rules::replace(call.store, &call.config.issuer, Some(read), &resource, call.trace).await?;
    Ok(Done::new(resource, Kind::ResourceUpdated))
}

/// Replaces what an API declares: what is absent has the server's default afterwards. `seen` is the [`fingerprint`] of
/// the API that the change was made from (THREATS AD-10).
///
/// # Errors
/// There is no such API, it has another fingerprint, a value is invalid, or the database fails.
pub async fn redeclare(
    call: &Call<'_>,
    id: &ResourceId,
    seen: &str,
    changes: &Changes,
) -> Result<Done<Resource>> {
    let call = &call.allow(Action::UpdateResource)?;
    let before = existing(call, id).await?;
    if fingerprint(&before) != seen {
        return Err(rules::changed().into());
    }
    let mut resource = Resource {
        scopes: if changes.scopes.is_empty() { Vec::new() } else { before.scopes.clone() },
        access_token_format: None,
        access_token_lifetime: None,
        ..before.clone()
    };
    changes.apply_to(&mut resource)?;
    rules::replace(call.store, &call.config.issuer, Some(&before), &resource, call.trace).await?;
    Ok(Done::new(resource, Kind::ResourceUpdated))
}

/// Identifies what an API declares.
pub fn fingerprint(resource: &Resource) -> String {
    base64url::encode(Digest::of(json!(resource).to_string().as_bytes()).0)
}

/// Deletes an API.
///
/// # Errors
/// There is no such API, or the database fails.
pub async fn delete(call: &Call<'_>, id: &ResourceId) -> Result<Done<()>> {
    let call = &call.allow(Action::DeleteResource)?;
    rules::delete(call.store, &call.config.issuer, id, call.trace).await?;
    Ok(Done::new((), Kind::ResourceDeleted))
}

/// All APIs, in the order of their registration. Every replica keeps all of them in memory, so there are few.
///
/// # Errors
/// The database fails.
pub async fn list(call: &Call<'_>) -> Result<Vec<Resource>> {
    let call = &call.allow(Action::ReadResources)?;
    Ok(resources::all(call.store.db()).await?)
}

/// The API with this identifier.
///
/// # Errors
/// There is no such API, or the database fails.
pub async fn read(call: &Call<'_>, id: &ResourceId) -> Result<Resource> {
    existing(&call.allow(Action::ReadResources)?, id).await
}

/// An API that the administrator has registered: what [`register`] returned.
///
/// # Errors
/// There is no such API any more, or the database fails.
pub async fn created(call: &Call<'_>, id: &ResourceId) -> Result<Resource> {
    existing(&call.allow(Action::CreateResource)?, id).await
}

async fn existing(call: &Allowed<'_>, id: &ResourceId) -> Result<Resource> {
    let found =
        resources::all(call.store.db()).await?.into_iter().find(|resource| resource.id == *id);
    found.ok_or_else(|| Error::NotFound(Subject::Resource, format!("there is no API {id}")))
}
