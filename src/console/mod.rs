//! The console: the pages of administrators, below `/admin`.
//!
//! A folder per page has its handlers (`mod.rs`), the struct of its template (`view.rs`) and its texts in all languages
//! (`words.rs`). Handlers call [`crate::admin`] and contain no rule. Forms without `action` are posted to the URL of the
//! page itself.

mod apis;
mod applications;
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
    use Action::{
        CreateClient, CreateResource, DeleteClient, DeleteResource, DisableClient, EnableClient,
        ReadAudit, ReadClients, ReadKeys, ReadResources, RotateClientSecret, RotateKey,
        UpdateClient, UpdateResource,
    };
    vec![
        ConsoleRoute::new("/admin").get(ReadAudit, overview::show),
        ConsoleRoute::new("/admin/applications").get(ReadClients, applications::list),
        ConsoleRoute::new("/admin/applications/new")
            .get(CreateClient, applications::create::show)
            .post(CreateClient, applications::create::create),
        ConsoleRoute::new("/admin/applications/{client}")
            .get(ReadClients, applications::settings::show)
            .post(UpdateClient, applications::settings::save),
        ConsoleRoute::new("/admin/applications/{client}/metadata")
            .get(ReadClients, applications::settings::show_metadata)
            .post(UpdateClient, applications::settings::save_metadata),
        ConsoleRoute::new("/admin/applications/{client}/integrate")
            .get(ReadClients, applications::integrate::show),
        ConsoleRoute::new("/admin/applications/{client}/secrets")
            .get(ReadClients, applications::secrets::list),
        ConsoleRoute::new("/admin/applications/{client}/secrets/new")
            .get(RotateClientSecret, applications::secrets::ask_to_rotate)
            .post(RotateClientSecret, applications::secrets::rotate),
        ConsoleRoute::new("/admin/applications/{client}/refusals")
            .get(ReadAudit, applications::events::refusals),
        ConsoleRoute::new("/admin/applications/{client}/history")
            .get(ReadAudit, applications::events::history),
        ConsoleRoute::new("/admin/applications/{client}/disable")
            .get(DisableClient, applications::state::ask_to_disable)
            .post(DisableClient, applications::state::disable),
        ConsoleRoute::new("/admin/applications/{client}/enable")
            .get(EnableClient, applications::state::ask_to_enable)
            .post(EnableClient, applications::state::enable),
        ConsoleRoute::new("/admin/applications/{client}/delete")
            .get(DeleteClient, applications::state::ask_to_delete)
            .post(DeleteClient, applications::state::delete),
        ConsoleRoute::new("/admin/apis").get(ReadResources, apis::list),
        ConsoleRoute::new("/admin/apis/new")
            .get(CreateResource, apis::show_new)
            .post(CreateResource, apis::create),
        ConsoleRoute::new("/admin/apis/{api}")
            .get(ReadResources, apis::show)
            .post(UpdateResource, apis::save),
        ConsoleRoute::new("/admin/apis/{api}/delete")
            .get(DeleteResource, apis::ask_to_delete)
            .post(DeleteResource, apis::delete),
        ConsoleRoute::new("/admin/keys").get(ReadKeys, keys::list),
        ConsoleRoute::new("/admin/keys/{algorithm}/rotate")
            .get(RotateKey, keys::ask_to_rotate)
            .post(RotateKey, keys::rotate),
    ]
}
