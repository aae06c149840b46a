//! `resources`: APIs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx_macros::FromRow;

use crate::types::client::TokenFormat;
use crate::types::language::{Texts, Translations};
use crate::types::resource::{DeclaredScope, Resource};
use crate::types::{ResourceId, Seconds, Timestamp};
use crate::{Executor, Tx, from_json, sql, to_json};

#[derive(FromRow)]
struct Row {
    id: ResourceId,
    name: String,
    scopes: String,
    sensitive: String,
    texts: String,
    access_token_format: Option<String>,
    access_token_lifetime: Option<Seconds>,
}

/// A scope in the column `scopes`.
#[derive(Serialize, Deserialize)]
struct Plain {
    name: String,
    text: String,
}

/// Translations by scope; those of the API's name are under [`NAME`].
type AllTexts = BTreeMap<String, Texts>;

/// Not the name of a scope, which is never empty (RFC 6749 §3.3).
const NAME: &str = "";

impl Row {
    fn read(self) -> sqlx::Result<Resource> {
        let sensitive: BTreeSet<String> = from_json(&self.sensitive)?;
        let mut texts: AllTexts = from_json(&self.texts)?;
        let mut translated = |name: &str, member| {
            let mut translations = Translations::default();
            translations.put(member, texts.remove(name).unwrap_or_default());
            translations
        };
        let translations = translated(NAME, "name");
        let scopes =
            from_json::<Vec<Plain>>(&self.scopes)?.into_iter().map(|scope| DeclaredScope {
                sensitive: sensitive.contains(&scope.name),
                translations: translated(&scope.name, "text"),
                name: scope.name,
                text: scope.text,
            });
        Ok(Resource {
            scopes: scopes.collect(),
            translations,
            id: self.id,
            name: self.name,
            access_token_format: self.access_token_format.as_deref().and_then(TokenFormat::parse),
            access_token_lifetime: self.access_token_lifetime,
        })
    }
}

/// The columns of a resource that are JSON.
struct Written {
    scopes: String,
    sensitive: String,
    texts: String,
}

impl Written {
    fn of(resource: &Resource) -> sqlx::Result<Self> {
        let scopes = resource.scopes.iter();
        let plain: Vec<_> = scopes
            .clone()
            .map(|scope| Plain { name: scope.name.clone(), text: scope.text.clone() })
            .collect();
        let sensitive: Vec<_> =
            scopes.clone().filter(|scope| scope.sensitive).map(|scope| &scope.name).collect();
        let own = resource.translations.of("name").map(|texts| (NAME, texts));
        let texts: BTreeMap<&str, &Texts> = scopes
            .filter_map(|scope| Some((scope.name.as_str(), scope.translations.of("text")?)))
            .chain(own)
            .collect();
        Ok(Self {
            scopes: to_json(&plain)?,
            sensitive: to_json(&sensitive)?,
            texts: to_json(&texts)?,
        })
    }
}

/// All resources, in the order in which they were registered.
///
/// # Errors
/// When the database fails.
pub async fn all(on: impl Into<Executor<'_>>) -> sqlx::Result<Vec<Resource>> {
    let rows: Vec<Row> =
        sql("SELECT id, name, scopes, sensitive, texts, access_token_format, access_token_lifetime
           FROM resources
          ORDER BY ordinal, id")
        .fetch_all(on)
        .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Registers a resource as the last one: the caller has locked the version of the resources first
/// (`versions::bump`). `false`: the identifier is taken.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, resource: &Resource, now: Timestamp) -> sqlx::Result<bool> {
    let written = Written::of(resource)?;
    let inserted = sql("INSERT INTO resources
            (id, name, scopes, sensitive, texts, access_token_format, access_token_lifetime,
             created_at, updated_at, ordinal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, (SELECT COALESCE(MAX(ordinal), 0) + 1 FROM resources))
         ON CONFLICT (id) DO NOTHING")
    .bind(&resource.id)
    .bind(&resource.name)
    .bind(written.scopes)
    .bind(written.sensitive)
    .bind(written.texts)
    .bind(resource.access_token_format.map(TokenFormat::as_str))
    .bind(resource.access_token_lifetime)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(inserted == 1)
}

/// Updates a resource.
///
/// # Errors
/// When the database fails.
pub async fn update(tx: &mut Tx, resource: &Resource, now: Timestamp) -> sqlx::Result<bool> {
    let written = Written::of(resource)?;
    let updated = sql("UPDATE resources
            SET name = $1, scopes = $2, sensitive = $3, texts = $4, access_token_format = $5,
                access_token_lifetime = $6, updated_at = $7
          WHERE id = $8")
    .bind(&resource.name)
    .bind(written.scopes)
    .bind(written.sensitive)
    .bind(written.texts)
    .bind(resource.access_token_format.map(TokenFormat::as_str))
    .bind(resource.access_token_lifetime)
    .bind(now)
    .bind(&resource.id)
    .execute(tx)
    .await?;
    Ok(updated == 1)
}

/// Deletes a resource: no more tokens are issued for it.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, id: &ResourceId) -> sqlx::Result<bool> {
    let deleted = sql("DELETE FROM resources WHERE id = $1").bind(id).execute(tx).await?;
    Ok(deleted == 1)
}
