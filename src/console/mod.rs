//! The console: the pages of administrators, below `/admin`.
//!
//! A folder per page has its handlers (`mod.rs`), the struct of its template (`view.rs`) and its texts in all languages
//! (`words.rs`). Handlers call [`crate::admin`] and contain no rule. Forms without `action` are posted to the URL of the
//! page itself.

mod audit;
mod certificates;
mod desk;
mod error;
mod events;
mod keys;
mod layout;
mod overview;
mod refusals;
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
    use Action::{ReadAudit, ReadCertificates, ReadKeys, RevokeCertificate, RotateKey};
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
    ]
}
