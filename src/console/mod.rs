//! The console: the pages of administrators, below `/admin`.
//!
//! A folder per page has its handlers (`mod.rs`), the struct of its template (`view.rs`) and its texts in all languages
//! (`words.rs`). Handlers call [`crate::admin`] and contain no rule. Forms without `action` are posted to the URL of the
//! page itself.

mod administrators;
mod apis;
mod applications;
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
        CreateClient, CreateResource, CreateUser, DeleteClient, DeleteResource, DeleteUser,
        DisableClient, DisableUser, EnableClient, EnableUser, EndSessions, GrantRole,
        ReadAdministrators, ReadAudit, ReadCertificates, ReadClients, ReadKeys, ReadResources,
        ReadUsers, RetireKey, RevokeAccess, RevokeCertificate, RevokeRole, RotateClientSecret,
        RotateKey, StartRecovery, UnlockUser, UpdateClient, UpdateResource, UpdateUser,
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
        ConsoleRoute::new("/admin/keys/compromised/{key}")
            .get(RetireKey, keys::ask_to_retire)
            .post(RetireKey, keys::retire),
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
