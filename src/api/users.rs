//! Users.

use axum::http::{Method, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::endpoint::Endpoint;
use super::idempotency::replayed;
use super::input::{self, pointer};
use super::list::{CURSOR, LIMIT, Page};
use super::request::{ApiRequest, JSON, MERGE_PATCH};
use super::response::{created, no_content};
use super::schema;
use super::version::{self, Version};
use crate::admin::idempotency::Begun;
use crate::admin::user::{self, Changes, Document, NewAccount, claims, version};
use crate::admin::{Action, Done};
use crate::render::problem::Invalid;
use crate::render::{Problem, Response};
use crate::types::{User, UserId};

const USERS: &str = "/api/v1/users";
const USER: &str = "/api/v1/users/{id}";

/// Members that only the server sets.
const READ_ONLY: &[&str] = &["id", "created_at", "updated_at", "disabled_at"];

/// The endpoints of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, USERS, Action::ReadUsers, list)
            .summary("List users, the oldest first")
            .query("username", "The user with this username.")
            .query("email", "The user with this e-mail address.")
            .query(LIMIT.0, LIMIT.1)
            .query(CURSOR.0, CURSOR.1)
            .answers(StatusCode::OK, schema::of::<Page<Document>>),
        Endpoint::new(Method::POST, USERS, Action::CreateUser, create)
            .summary("Create a user, who has no password until a recovery sets one")
            .body(JSON, schema::of::<NewUser>)
            .idempotent()
            .answers(StatusCode::CREATED, schema::of::<Document>),
        Endpoint::new(Method::GET, USER, Action::ReadUsers, read)
            .summary("Show a user")
            .answers(StatusCode::OK, schema::of::<Document>),
        Endpoint::new(Method::PATCH, USER, Action::UpdateUser, update)
            .summary("Change the names and claims of a user (RFC 7396)")
            .body(MERGE_PATCH, schema::of::<UserPatch>)
            .versioned()
            .answers(StatusCode::OK, schema::of::<Document>),
        Endpoint::new(Method::DELETE, USER, Action::DeleteUser, delete)
            .summary("Delete a user with all sessions, grants and consents"),
        Endpoint::new(Method::POST, "/api/v1/users/{id}/disable", Action::DisableUser, disable)
            .summary("Disable a user: sessions end and grants are revoked")
            .answers(StatusCode::OK, schema::of::<Document>),
        Endpoint::new(Method::POST, "/api/v1/users/{id}/enable", Action::EnableUser, enable)
            .summary("Enable a disabled user")
            .answers(StatusCode::OK, schema::of::<Document>),
        Endpoint::new(Method::POST, "/api/v1/users/{id}/unlock", Action::UnlockUser, unlock)
            .summary("Reset the sign-in throttling of a user"),
    ]
}

/// A user to create.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct NewUser {
    /// The name to sign in with: `preferred_username`.
    #[schema(required)]
    username: String,
    /// The e-mail address, with which the user can sign in too.
    email: Option<String>,
    /// Whether the address is verified.
    email_verified: bool,
    /// The other standard claims (OIDC Core §5.1).
    claims: Map<String, Value>,
}

/// A merge patch for a user.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct UserPatch {
    /// The new username.
    #[schema(nullable = false)]
    #[serde(deserialize_with = "present")]
    username: Option<String>,
    /// The new e-mail address, unverified unless `email_verified` is set as well; null removes it.
    #[schema(value_type = Option<String>)]
    #[serde(deserialize_with = "present")]
    email: Option<Option<String>>,
    /// Whether the address is verified.
    #[schema(nullable = false)]
    #[serde(deserialize_with = "present")]
    email_verified: Option<bool>,
    /// Claims to add or replace; null removes one.
    #[schema(nullable = false)]
    #[serde(deserialize_with = "present")]
    claims: Option<Map<String, Value>>,
}

/// A member that is present, null or not.
fn present<'de, T, D>(member: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(member).map(Some)
}

/// Reads claims, and names all that are not valid.
fn read_claims(members: &Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    claims::from_json(members).map_err(|wrong| {
        let wrong = wrong.into_iter().map(|(name, member, detail)| {
            let member = member.map(pointer).unwrap_or_default();
            Invalid { pointer: format!("/claims{}{member}", pointer(name)), detail }
        });
        Problem::Invalid(wrong.collect())
    })
}

async fn list(request: ApiRequest) -> Result<Response, Problem> {
    let call = request.call();
    let (username, email) = (request.query("username")?, request.query("email")?);
    if username.is_some() || email.is_some() {
        let names = user::Names { username: username.as_deref(), email: email.as_deref() };
        let found = user::named(&call, &names).await?;
        let found: Vec<_> = found.iter().map(Document::from).collect();
        return Ok(request.page(found, None));
    }
    let after = request.after().await?.map(UserId::from_text);
    let page = user::page(&call, after.as_ref(), request.limit()?).await?;
    let next = page.items.last().filter(|_| !page.is_last).map(|user| user.id.as_str());
    let users: Vec<_> = page.items.iter().map(Document::from).collect();
    Ok(request.page(users, next))
}

async fn create(request: ApiRequest) -> Result<Response, Problem> {
    let new: NewUser = input::read(request.body().clone(), READ_ONLY)?;
    let account = NewAccount {
        username: &new.username,
        email: new.email.as_deref(),
        email_verified: new.email_verified,
        claims: read_claims(&new.claims)?,
        password: None,
    };
    let call = request.call();
    match request.begin(Action::CreateUser).await? {
        Begun::First(reservation) => {
            let done = user::create(&call, account).await;
            let id = |done: &Done<User>| done.result.id.to_string();
            let user = reservation.settle(done, id).await?.result;
            Ok(created(&request, user.id.as_str(), shown(&user)))
        }
        Begun::Repeated(id) => {
            let user = user::created(&call, &UserId::from_text(&*id)).await?;
            Ok(replayed(created(&request, &id, shown(&user))))
        }
    }
}

fn shown(user: &User) -> Response {
    version::object(StatusCode::OK, &Document::from(user))
}

fn id(request: &ApiRequest) -> Result<UserId, Problem> {
    Ok(UserId::from_text(request.parameter("id")?))
}

async fn read(request: ApiRequest) -> Result<Response, Problem> {
    Ok(shown(&user::read(&request.call(), &id(&request)?).await?))
}

async fn update(request: ApiRequest) -> Result<Response, Problem> {
    let patch: UserPatch = input::read(request.body().clone(), READ_ONLY)?;
    let call = request.call();
    let before = user::read(&call, &id(&request)?).await?;
    Version::of(&Document::from(&before)).must_match(request.head())?;
    let (set, removed) = split(patch.claims.unwrap_or_default(), &before.claims);
    let changes = Changes {
        username: patch.username.as_deref(),
        email: patch.email.as_ref().map(Option::as_deref),
        email_verified: patch.email_verified,
        claims: read_claims(&set)?,
        removed: &removed,
        base: Some(version(&before)),
    };
    Ok(shown(&user::update(&call, &before.id, &changes).await?.result))
}

/// Separates the claims of a merge patch into those to set and those to remove. What is not there need not be removed
/// (RFC 7396 §2).
fn split(
    patch: Map<String, Value>,
    before: &Map<String, Value>,
) -> (Map<String, Value>, Vec<String>) {
    let (mut set, mut removed) = (Map::new(), Vec::new());
    for (name, value) in patch {
        match value {
            Value::Null => removed.extend(before.contains_key(&name).then_some(name)),
            Value::Object(members) if before.get(&name).is_some_and(Value::is_object) => {
                let old = before.get(&name).and_then(Value::as_object);
                let (kept, gone) = split(members, old.unwrap_or(&Map::new()));
                removed.extend(gone.into_iter().map(|member| format!("{name}.{member}")));
                if !kept.is_empty() {
                    set.insert(name, Value::Object(kept));
                }
            }
            Value::Object(mut members) => {
                members.retain(|_, value| !value.is_null());
                set.insert(name, Value::Object(members));
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                set.insert(name, value);
            }
        }
    }
    (set, removed)
}

async fn delete(request: ApiRequest) -> Result<Response, Problem> {
    user::delete(&request.call(), &id(&request)?).await?;
    Ok(no_content())
}

async fn disable(request: ApiRequest) -> Result<Response, Problem> {
    Ok(shown(&user::disable(&request.call(), &id(&request)?).await?.result))
}

async fn enable(request: ApiRequest) -> Result<Response, Problem> {
    Ok(shown(&user::enable(&request.call(), &id(&request)?).await?.result))
}

async fn unlock(request: ApiRequest) -> Result<Response, Problem> {
    user::unlock(&request.call(), &id(&request)?).await?;
    Ok(no_content())
}
