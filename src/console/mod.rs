//! The console: the pages of administrators, below `/admin`.
//!
//! A folder per page has its handlers (`mod.rs`), the struct of its template (`view.rs`) and its texts in all languages
//! (`words.rs`). Handlers call [`crate::admin`] and contain no rule. Forms without `action` are posted to the URL of the
//! page itself.

mod administrators;
mod audit;
mod certificates;
mod desk;
mod error;
mod events;
mod keys;
mod layout;
mod overview;
mod people;
mod refusals;
mod route;
mod view;
mod words;

use axum::http::Method;

use self::people::new;
use self::people::person::actions::{self, Change};
use self::people::person::{self, edit};
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
        CreateUser, DeleteUser, DisableUser, EnableUser, EndSessions, GrantRole,
        ReadAdministrators, ReadAudit, ReadCertificates, ReadKeys, ReadUsers, RevokeAccess,
        RevokeCertificate, RevokeRole, RotateKey, StartRecovery, UnlockUser, UpdateUser,
    };
    vec![
        ConsoleRoute::new("/admin").get(ReadAudit, overview::show),
        ConsoleRoute::new("/admin/keys").get(ReadKeys, keys::list),
        ConsoleRoute::new("/admin/keys/{algorithm}/rotate")
            .get(RotateKey, keys::ask_to_rotate)
            .post(RotateKey, keys::rotate),
        ConsoleRoute::new("/admin/certificates").get(ReadCertificates, certificates::list),
        ConsoleRoute::new("/admin/certificates/{certificate}")
            .get(ReadCertificates, certificates::show),
        ConsoleRoute::new("/admin/certificates/{certificate}/revoke")
            .get(RevokeCertificate, certificates::ask_to_revoke)
            .post(RevokeCertificate, certificates::revoke),
        ConsoleRoute::new("/admin/refusals").get(ReadAudit, refusals::list),
        ConsoleRoute::new("/admin/refusals/{request}").get(ReadAudit, refusals::show),
        ConsoleRoute::new("/admin/audit").get(ReadAudit, audit::list),
        ConsoleRoute::new("/admin/people").get(ReadUsers, people::list),
        ConsoleRoute::new("/admin/people/new")
            .get(CreateUser, new::ask)
            .post(CreateUser, new::create),
        ConsoleRoute::new("/admin/people/{user}").get(ReadUsers, person::show),
        ConsoleRoute::new("/admin/people/{user}/edit")
            .get(UpdateUser, edit::ask)
            .post(UpdateUser, edit::save),
        change("/admin/people/{user}/recover", StartRecovery, Change::Recover),
        change("/admin/people/{user}/disable", DisableUser, Change::Disable),
        change("/admin/people/{user}/enable", EnableUser, Change::Enable),
        change("/admin/people/{user}/unlock", UnlockUser, Change::Unlock),
        change("/admin/people/{user}/delete", DeleteUser, Change::Delete),
        change("/admin/people/{user}/sessions/end", EndSessions, Change::EndSessions),
        change("/admin/people/{user}/access/revoke", RevokeAccess, Change::RevokeAccess),
        ConsoleRoute::new("/admin/administrators").get(ReadAdministrators, administrators::list),
        ConsoleRoute::new("/admin/administrators/grant")
            .get(GrantRole, administrators::grant::ask)
            .post(GrantRole, administrators::grant::give),
        ConsoleRoute::new("/admin/administrators/revoke")
            .get(RevokeRole, administrators::revoke::ask)
            .post(RevokeRole, administrators::revoke::take),
    ]
}

/// The route of an action on a user that is confirmed first.
fn change(path: &'static str, action: Action, change: Change) -> ConsoleRoute {
    ConsoleRoute::new(path)
        .get(action, move |desk| actions::ask(desk, change))
        .post(action, move |desk, params| actions::act(desk, params, change))
}
