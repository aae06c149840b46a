//! The console: the pages of administrators, below `/admin`.
//!
//! A folder per page has its handlers (`mod.rs`), the struct of its template (`view.rs`) and its texts in all languages
//! (`words.rs`). Handlers call [`crate::admin`] and contain no rule. Forms without `action` are posted to the URL of the
//! page itself.

mod desk;
mod error;
mod events;
mod keys;
mod layout;
mod overview;
mod route;
mod view;
mod words;

use axum::http::Method;

use self::route::ConsoleRoute;
use crate::admin::Action;
use crate::render::Route;

/// The routes of the console.
pub fn routes() -> Vec<Route> {
    table().into_iter().map(ConsoleRoute::into_route).collect()
}

/// The path of every page, and the action that each method needs.
pub fn actions() -> Vec<(&'static str, Vec<(Method, Action)>)> {
    let table = table();
    let rows = table.iter().map(ConsoleRoute::actions);
    rows.map(|(path, actions)| (path, actions.to_vec())).collect()
}

fn table() -> Vec<ConsoleRoute> {
    use Action::{ReadAudit, ReadKeys, RotateKey};
    vec![
        ConsoleRoute::new("/admin").get(ReadAudit, overview::show),
        ConsoleRoute::new("/admin/keys").get(ReadKeys, keys::list),
        ConsoleRoute::new("/admin/keys/{algorithm}/rotate")
            .get(RotateKey, keys::ask_to_rotate)
            .post(RotateKey, keys::rotate),
    ]
}
