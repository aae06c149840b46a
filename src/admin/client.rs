//! Clients.

use serde_json::{Map, Value, json};

use super::{Action, Allowed, Authority, Call, Done, Error, PAGE_SIZE, Page, Result, Subject};
pub use crate::flow::clients::registration::Registered;
use crate::flow::clients::resources::administration;
use crate::jose::Kek;
use crate::people::name;
use crate::record::Kind;
use crate::store::clients;
use crate::types::client::{AuthMethod, Client, Metadata};
use crate::types::language::LanguageTag;
use crate::types::{ClientId, Seconds, Timestamp};

/// Members that the server adds to the document of a client. They are ignored when the document is read back.
pub const READ_ONLY: [&str; 4] =
    ["client_id_issued_at", "client_secret_expires_at", "gw_disabled_at", "gw_secrets"];

/// Client metadata that is to be registered.
#[derive(Debug, Default)]
pub struct Description {
    /// A whole document (RFC 7591 §2). Without one, the metadata of the client is the base.
    pub document: Option<Map<String, Value>>,
    /// Members that replace those of the base.
    pub members: Map<String, Value>,
    /// Names in other languages; an empty one removes it.
    pub names: Vec<(LanguageTag, String)>,
}

impl Description {
    /// The metadata that `client` will have, or a new client.
    fn metadata(&self, client: Option<&Client>) -> Result<Metadata> {
        let mut document = match (&self.document, client) {
            (Some(document), _) => writable(document.clone(), client)?,
            (None, Some(client)) => object(json!(client.metadata)),
            (None, None) => Map::new(),
        };
        // A new certificate name or authentication method replaces the previous one.
        let is_name = |name: &str| name.starts_with("tls_client_auth_");
        if self.members.keys().any(|name| is_name(name) || name == "token_endpoint_auth_method") {
            document.retain(|name, _| !is_name(name) && name != "gw_shared_certificate_name");
        }
        document.extend(self.members.clone());
        let mut metadata: Metadata = serde_json::from_value(Value::Object(document))
            .map_err(|error| Error::Invalid(format!("the client metadata is invalid: {error}")))?;
        for (tag, name) in &self.names {
            metadata.translations.set("client_name", tag.clone(), name);
        }
        Ok(metadata)
    }
}

/// A document without its read-only members.
fn writable(
    mut document: Map<String, Value>,
    client: Option<&Client>,
) -> Result<Map<String, Value>> {
    document.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
    match (document.remove("client_id"), client) {
        // RFC 7592 §2.2: an update contains the client_id, which must match.
        (Some(id), Some(client)) if id.as_str() != Some(client.id.as_str()) => {
            return Err(Error::Invalid(format!(
                "the metadata describes another client: its client_id is {id}"
            )));
        }
        (Some(_) | None, _) => {}
    }
    if document.contains_key("client_secret") {
        let text = "the metadata has a client_secret: remove it, the server generates all secrets";
        return Err(Error::Invalid(text.to_owned()));
    }
    Ok(document)
}

/// Registers a client.
///
/// # Errors
/// The metadata is invalid, is refused, or the database fails.
pub async fn create(call: &Call<'_>, description: &Description) -> Result<Done<Registered>> {
    let authority = call.authority();
    let call = &call.allow(Action::CreateClient)?;
    let metadata = description.metadata(None)?;
    must_not_reach_api(call, authority, &metadata)?;
    let kek = kek_for(call, metadata.token_endpoint_auth_method).await?;
    let registered = call.registrar(kek.as_ref()).await?.create(metadata).await?;
    Ok(Done::new(registered, Kind::ClientCreated))
}

/// Changes the metadata of a client.
///
/// # Errors
/// The metadata is invalid, is refused, the client was changed meanwhile, or the database fails. What the client
/// authenticates with is changed only with the permission to issue secrets.
pub async fn update(
    call: &Call<'_>,
    client: &Client,
    description: &Description,
) -> Result<Done<Registered>> {
    let authority = call.authority();
    let permitted = &call.allow(Action::UpdateClient)?;
    let metadata = description.metadata(Some(client))?;
    if !authenticates_alike(&metadata, &client.metadata) {
        // Whoever sets what the client authenticates with can act as the client, as with a new secret.
        call.allow(Action::RotateClientSecret)?;
    }
    let call = permitted;
    must_not_reach_api(call, authority, &metadata)?;
    must_not_reach_api(call, authority, &client.metadata)?;
    let kek = kek_for(call, metadata.token_endpoint_auth_method).await?;
    let registered = call.registrar(kek.as_ref()).await?.update(client, metadata).await?;
    Ok(Done::new(registered, Kind::ClientUpdated))
}

/// Whether two registrations authenticate with the same method, keys and certificate names.
fn authenticates_alike(metadata: &Metadata, other: &Metadata) -> bool {
    let members = |metadata: &Metadata| {
        let mut document = object(json!(metadata));
        document.retain(|name, _| {
            name == "token_endpoint_auth_method"
                || name == "jwks"
                || name == "jwks_uri"
                || name == "gw_shared_certificate_name"
                || name.starts_with("tls_client_auth_")
        });
        document
    };
    members(metadata) == members(other)
}

/// Replaces the metadata of a client by a document that has only members an administrator can set.
///
/// # Errors
/// Those of [`update`]; a member is read-only.
pub async fn replace(
    call: &Call<'_>,
    client: &Client,
    document: Map<String, Value>,
) -> Result<Done<Registered>> {
    let read_only = READ_ONLY.into_iter().chain(["client_id"]);
    if let Some(member) = read_only.into_iter().find(|name| document.contains_key(*name)) {
        let text =
            format!("{member} is read-only: the server sets it. Remove it from the document");
        return Err(Error::Invalid(text));
    }
    update(call, client, &Description { document: Some(document), ..Description::default() }).await
}

/// Issues a new secret; the current one stays valid for `overlap`.
///
/// # Errors
/// The client has no secret, the overlap is too long, or the database fails.
pub async fn rotate_secret(
    call: &Call<'_>,
    client: &Client,
    overlap: Seconds,
) -> Result<Done<Registered>> {
    let authority = call.authority();
    let call = &call.allow(Action::RotateClientSecret)?;
    must_not_reach_api(call, authority, &client.metadata)?;
    let kek = kek_for(call, client.metadata.token_endpoint_auth_method).await?;
    let registered = call.registrar(kek.as_ref()).await?.rotate_secret(client, overlap).await?;
    Ok(Done::new(registered, Kind::ClientSecretRotated))
}

/// Checks that only owners decide on a client that can have tokens for the administration API: an owner may sign in to
/// it, and control of the client is control of the token (THREATS AD-05).
fn must_not_reach_api(
    call: &Allowed<'_>,
    authority: &Authority,
    metadata: &Metadata,
) -> Result<()> {
    let api = administration::id(&call.config.issuer);
    let reaches = metadata.gw_allowed_resources.contains(&api)
        || metadata.gw_default_audience.contains(&api)
        || metadata.gw_resources.contains(&api);
    if reaches {
        authority.must_be_owner("only an owner decides on a client for the administration API")?;
        // Its tokens are worth a secret, whatever is changed: the redirect URIs as well.
        authority.check(Action::RotateClientSecret, call.now)?;
    }
    Ok(())
}

/// The same for a registered client.
pub(super) async fn must_not_reach_api_by(
    call: &Allowed<'_>,
    authority: &Authority,
    id: &ClientId,
) -> Result<()> {
    match clients::find(call.store.db(), id).await? {
        Some(client) => must_not_reach_api(call, authority, &client.metadata),
        None => Ok(()),
    }
}

/// The key-encryption key, if the method needs a sealed secret. Administering other clients does not need it.
async fn kek_for(call: &Allowed<'_>, method: AuthMethod) -> Result<Option<Kek>> {
    if method != AuthMethod::ClientSecretJwt {
        return Ok(None);
    }
    call.kek().await.map(Some)
}

/// Disables a client.
///
/// # Errors
/// There is no such client, or the database fails.
pub async fn disable(call: &Call<'_>, id: &ClientId) -> Result<Done<Client>> {
    let authority = call.authority();
    let call = &call.allow(Action::DisableClient)?;
    must_not_reach_api_by(call, authority, id).await?;
    call.registrar(None).await?.disable(id).await?;
    Ok(Done::new(existing(call, id.as_str()).await?, Kind::ClientDisabled))
}

/// Enables a disabled client.
///
/// # Errors
/// There is no such client, another client has its certificate name, or the database fails.
pub async fn enable(call: &Call<'_>, id: &ClientId) -> Result<Done<Client>> {
    let authority = call.authority();
    let call = &call.allow(Action::EnableClient)?;
    must_not_reach_api_by(call, authority, id).await?;
    call.registrar(None).await?.enable(id).await?;
    Ok(Done::new(existing(call, id.as_str()).await?, Kind::ClientEnabled))
}

/// Deletes a client, with its consents and grants.
///
/// # Errors
/// There is no such client, or the database fails.
pub async fn delete(call: &Call<'_>, id: &ClientId) -> Result<Done<()>> {
    let authority = call.authority();
    let call = &call.allow(Action::DeleteClient)?;
    must_not_reach_api_by(call, authority, id).await?;
    call.registrar(None).await?.delete(id).await?;
    Ok(Done::new((), Kind::ClientDeleted))
}

/// A page of all clients, oldest first, after this one.
///
/// # Errors
/// The database fails.
pub async fn page(call: &Call<'_>, after: Option<&ClientId>, limit: i64) -> Result<Page<Client>> {
    read_page(&call.allow(Action::ReadClients)?, after, limit).await
}

async fn read_page(
    call: &Allowed<'_>,
    after: Option<&ClientId>,
    limit: i64,
) -> Result<Page<Client>> {
    Ok(Page::new(clients::page(call.store.db(), after, limit).await?, limit))
}

/// The client with this `client_id`.
///
/// # Errors
/// There is no such client, or the database fails.
pub async fn read(call: &Call<'_>, id: &ClientId) -> Result<Client> {
    by_id(&call.allow(Action::ReadClients)?, id).await
}

/// A client that the administrator has registered: what [`create`] returned.
///
/// # Errors
/// There is no such client any more, or the database fails.
pub async fn created(call: &Call<'_>, id: &ClientId) -> Result<Client> {
    by_id(&call.allow(Action::CreateClient)?, id).await
}

async fn by_id(call: &Allowed<'_>, id: &ClientId) -> Result<Client> {
    clients::find(call.store.db(), id).await?.ok_or_else(|| unknown(id.as_str()))
}

fn unknown(which: &str) -> Error {
    let text = format!("there is no client with the client_id or the name {which}");
    Error::NotFound(Subject::Client, text)
}

/// A page of the clients with this `client_id`, or whose name begins with this text, sorted by name, without their
/// secrets; all clients without a text. If the client of `after` was deleted, the listing starts over.
///
/// # Errors
/// The database fails.
pub async fn search(
    call: &Call<'_>,
    text: &str,
    after: Option<&ClientId>,
    limit: i64,
) -> Result<Page<Client>> {
    let call = &call.allow(Action::ReadClients)?;
    if !text.is_empty()
        && let Some(client) = clients::find(call.store.db(), &ClientId::from_text(text)).await?
    {
        return Ok(Page { items: vec![client], is_last: true });
    }
    index_names(call).await?;
    let after = match after {
        Some(id) => clients::find(call.store.db(), id).await?,
        None => None,
    };
    let found = clients::named(call.store.db(), text, after.as_ref(), limit).await?;
    Ok(Page::new(found, limit))
}

/// Computes the names of clients that a replica of an older version registered.
async fn index_names(call: &Allowed<'_>) -> Result<()> {
    loop {
        let clients = clients::without_name_key(call.store.db(), PAGE_SIZE).await?;
        if clients.is_empty() {
            return Ok(());
        }
        let mut tx = call.store.write().await?;
        for client in &clients {
            clients::set_name_key(&mut tx, client).await?;
        }
        tx.commit().await?;
    }
}

/// Finds a client by its `client_id` or its name.
///
/// # Errors
/// There is no such client, several have the name, or the database fails.
pub async fn find(call: &Call<'_>, which: &str) -> Result<Client> {
    existing(&call.allow(Action::ReadClients)?, which).await
}

async fn existing(call: &Allowed<'_>, which: &str) -> Result<Client> {
    known(call, which).await?.ok_or_else(|| unknown(which))
}

/// As many clients with one name as an error lists.
const NAMESAKES: i64 = 20;

pub(super) async fn known(call: &Allowed<'_>, which: &str) -> Result<Option<Client>> {
    if which.trim().is_empty() {
        return Err(Error::Invalid("the name of the client is empty".to_owned()));
    }
    if let Some(client) = clients::find(call.store.db(), &ClientId::from_text(which)).await? {
        return Ok(Some(client));
    }
    index_names(call).await?;
    // By the index: whoever asks for a name must not make the server read all clients. Equal names come first.
    let found = clients::named(call.store.db(), which.trim(), None, NAMESAKES).await?;
    let wanted = name::canonical(which);
    let named: Vec<_> =
        found.into_iter().filter(|client| name::canonical(client.name()) == wanted).collect();
    match named.as_slice() {
        [] => Ok(None),
        [only] => Ok(clients::find(call.store.db(), &only.id).await?),
        several => {
            let ids: Vec<_> = several.iter().map(|client| client.id.to_string()).collect();
            let ids = ids.join(", ");
            Err(Error::Invalid(format!("several clients have the name {which}; name one of {ids}")))
        }
    }
}

/// RFC 7591 §3.2.1: a client as JSON, without its secrets.
pub fn document(client: &Client, now: Timestamp) -> Value {
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| {
        document.insert(name.to_owned(), value);
    };
    put("client_id", json!(client.id));
    put("client_id_issued_at", json!(client.created_at));
    // > Time at which the client secret will expire [...] or 0 if it will not expire.
    let valid = client.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|at| at > now));
    let expiries: Vec<_> = valid.map(|secret| secret.expires_at.map_or(0, |at| at.0)).collect();
    if let Some(newest) = expiries.first() {
        put("client_secret_expires_at", json!(newest));
        let secrets: Vec<_> = expiries.iter().map(|at| json!({ "expires_at": at })).collect();
        put("gw_secrets", json!(secrets));
    }
    if let Some(at) = client.disabled_at {
        put("gw_disabled_at", json!(at));
    }
    document.extend(object(json!(client.metadata)));
    Value::Object(document)
}

/// RFC 7591 §3.2.1: a client as JSON, with its new secret if there is one. No other document contains client
/// secrets.
pub fn registered_document(registered: &Registered, now: Timestamp) -> Value {
    let mut document = document(&registered.client, now);
    if let (Some(secret), Some(document)) = (&registered.secret, document.as_object_mut()) {
        document.insert("client_secret".to_owned(), Value::from(secret.0.expose()));
    }
    document
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}
