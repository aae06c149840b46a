//! `/admin/keys`: the signing keys.

pub(super) mod view;
pub(super) mod words;

use self::view::{KeyLine, Keys, Notice};
use super::desk::{Desk, refused};
use super::error::ConsoleError;
use super::layout::Section;
use super::view::Confirm;
use crate::admin::{Action, key};
use crate::render::Response;
use crate::types::{Algorithm, Params};

/// Shows the keys.
pub(super) async fn list(desk: Desk) -> Result<Response, ConsoleError> {
    let keys = key::list(&desk.call()).await?;
    let notice = desk.visit.head.query()?.one("done")?.and_then(Notice::parse);
    let page = Keys {
        navigation: desk.navigation(Section::Keys),
        keys: keys.iter().map(KeyLine::of).collect(),
        may_rotate: desk.may(Action::RotateKey),
        may_retire: desk.may(Action::RetireKey),
        notice,
    };
    desk.page(&page).await
}

/// Asks before a rotation.
pub(super) async fn ask_to_rotate(desk: Desk) -> Result<Response, ConsoleError> {
    rotation(&desk, None).await
}

async fn rotation(
    desk: &Desk,
    problem: Option<&super::desk::Problem>,
) -> Result<Response, ConsoleError> {
    let algorithm = algorithm(desk)?;
    let words = words::WORDS.in_language(desk.layout().words.language);
    let page = Confirm {
        navigation: desk.navigation(Section::Keys),
        csrf: &desk.csrf().await?,
        title: &(words.rotate_title)(algorithm.as_str()),
        consequences: &words.rotate_consequences.map(str::to_owned),
        submit: words.rotate,
        is_danger: false,
        back: "/admin/keys",
        problem,
    };
    desk.page(&page).await
}

/// Activates the next key of an algorithm.
pub(super) async fn rotate(desk: Desk, _: Params) -> Result<Response, ConsoleError> {
    let algorithm = algorithm(&desk)?;
    match refused(key::rotate(&desk.call(), algorithm, false).await)? {
        Ok(_) => desk.redirect("/admin/keys?done=rotated").await,
        Err(problem) => rotation(&desk, Some(&problem)).await,
    }
}

/// Asks before a key is declared compromised.
pub(super) async fn ask_to_retire(desk: Desk) -> Result<Response, ConsoleError> {
    retirement(&desk, None).await
}

async fn retirement(
    desk: &Desk,
    problem: Option<&super::desk::Problem>,
) -> Result<Response, ConsoleError> {
    let words = words::WORDS.in_language(desk.layout().words.language);
    let page = Confirm {
        navigation: desk.navigation(Section::Keys),
        csrf: &desk.csrf().await?,
        title: &(words.retire_title)(desk.visit.head.parameter("key")),
        consequences: &words.retire_consequences.map(str::to_owned),
        submit: words.retire,
        is_danger: true,
        back: "/admin/keys",
        problem,
    };
    desk.page(&page).await
}

/// Declares a key compromised: what it signed is rejected.
pub(super) async fn retire(desk: Desk, _: Params) -> Result<Response, ConsoleError> {
    let kid = desk.visit.head.parameter("key");
    match refused(key::retire(&desk.call(), kid, true).await)? {
        Ok(_) => desk.redirect("/admin/keys?done=compromised").await,
        Err(problem) => retirement(&desk, Some(&problem)).await,
    }
}

fn algorithm(desk: &Desk) -> Result<Algorithm, ConsoleError> {
    let name = desk.visit.head.parameter("algorithm");
    let known = Algorithm::SIGNING.iter().copied().find(|one| one.as_str() == name);
    Ok(known.ok_or_else(|| crate::types::Code::NotFound.because("there is no such algorithm"))?)
}
