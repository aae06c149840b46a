//! `/admin/people`: the list of users, with a search.

pub(super) mod link;
pub(super) mod new;
pub(super) mod person;
pub(super) mod view;
pub(super) mod words;

use self::view::{Notice, People, PersonLine};
use super::desk::Desk;
use super::error::ConsoleError;
use super::layout::Section;
use crate::admin::user::{self, Position};
use crate::admin::{Action, Page};
use crate::jose::base64url;
use crate::render::Response;
use crate::types::{User, UserId};

/// The number of rows of a page.
const MOST: i64 = 50;

/// Shows the newest users, or those that a search finds.
pub(super) async fn list(desk: Desk) -> Result<Response, ConsoleError> {
    let query = desk.visit.head.query()?;
    let typed = query.one("q")?.unwrap_or_default().trim();
    let after = query.one("after")?;
    let (users, next) = if typed.is_empty() {
        newest(&desk, after).await?
    } else {
        found(&desk, typed, after.and_then(position)).await?
    };
    let is_first = after.is_none();
    let page = People {
        navigation: desk.navigation(Section::People),
        typed,
        is_alone: typed.is_empty() && is_first && users.len() < 2,
        people: users.iter().map(PersonLine::of).collect(),
        is_first,
        next,
        may_create: desk.may(Action::CreateUser),
        notice: query.one("done")?.and_then(Notice::parse),
    };
    desk.page(&page).await
}

type Listed = (Vec<User>, Option<String>);

async fn newest(desk: &Desk, before: Option<&str>) -> Result<Listed, ConsoleError> {
    let before = before.map(UserId::from_text);
    let Page { items, is_last } = user::newest(&desk.call(), before.as_ref(), MOST).await?;
    let next = items.last().filter(|_| !is_last).map(|user| format!("?after={}", user.id));
    Ok((items, next))
}

async fn found(desk: &Desk, typed: &str, after: Option<Position>) -> Result<Listed, ConsoleError> {
    let Page { items, is_last } = user::search(&desk.call(), typed, after.as_ref(), MOST).await?;
    let next = items.last().filter(|_| !is_last).map(|last| {
        let after = format!("{}.{}", base64url::encode(&last.word), last.user.id);
        let mut query = form_urlencoded::Serializer::new(String::new());
        format!("?{}", query.append_pair("q", typed).append_pair("after", &after).finish())
    });
    Ok((items.into_iter().map(|found| found.user).collect(), next))
}

/// The position in a query; a malformed one is the beginning.
fn position(text: &str) -> Option<Position> {
    let (word, user) = text.split_once('.')?;
    Some(Position { word: base64url::decode(word)?, user: UserId::from_text(user) })
}
