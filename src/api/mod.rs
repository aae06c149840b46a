//! The administration API, below `/api/v1`: JSON over the actions of `admin`, for access tokens of this server.
//!
//! | step | where |
//! |---|---|
//! | the access token, the roles, the permission | `access` |
//! | the table of endpoints, each with its action | `endpoints` here, [`endpoint`] |
//! | what a body may contain, and what is wrong with it | `input` |
//! | the versions of objects | `version` |
//! | one object, one file | `users`, `clients`, … |

mod access;
mod accounts;
mod administrators;
mod audit_events;
mod certificates;
mod clients;
pub mod endpoint;
mod idempotency;
mod input;
mod keys;
mod list;
mod me;
mod members;
mod openapi;
mod request;
mod resources;
mod response;
mod schema;
mod users;
mod version;

use std::sync::Arc;

pub use self::endpoint::{Access, Endpoint};
use crate::render::{Kind, Request, Route};

/// All endpoints.
pub fn endpoints() -> Vec<Endpoint> {
    [
        me::endpoints(),
        users::endpoints(),
        accounts::endpoints(),
        clients::endpoints(),
        resources::endpoints(),
        keys::endpoints(),
        certificates::endpoints(),
        audit_events::endpoints(),
        administrators::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The routes of the API: one for each path, and the specification.
pub fn routes() -> Vec<Route> {
    let mut routes = vec![openapi::route()];
    for endpoint in endpoints().into_iter().map(Arc::new) {
        let (method, path) = (endpoint.method.clone(), endpoint.path);
        let known = routes.iter().position(|route| route.path == path);
        let route = match known {
            Some(at) => routes.swap_remove(at),
            None => Route::new(Kind::Api, path).everywhere(),
        };
        routes.push(route.on(method, move |request: Request| endpoint.clone().call(request)));
    }
    routes
}
