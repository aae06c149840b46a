//! The endpoints of the protocol: the table of contents.

mod acme;
mod authorize;
mod ca;
mod client;
mod est;
pub mod health;
mod introspect;
mod jwks;
mod logout;
mod metadata;
mod revoke;
mod token;
mod userinfo;
mod verify;

use crate::flow::metadata::path;
use crate::render::route::Below;
use crate::render::{Kind, Route, assets};

/// Every endpoint for clients, APIs and monitoring, with the section that defines it. Endpoints that accept a client
/// certificate are on every listener; `flow::metadata` publishes their aliases (RFC 8705 §5).
pub fn routes() -> Vec<Route> {
    use Kind::{Document, File, Gateway, Machine, Page, Probe};
    vec![
        // OIDC Discovery 1.0 §4
        Route::new(Document, "/.well-known/openid-configuration")
            .below(Below::WellKnown)
            .get(metadata::metadata),
        // RFC 8414 §3
        Route::new(Document, "/.well-known/oauth-authorization-server")
            .below(Below::WellKnown)
            .get(metadata::metadata),
        // RFC 7517 §5
        Route::new(Document, path::JWKS).get(jwks::jwks),
        // RFC 6749 §3.2
        Route::new(Machine, path::TOKEN).everywhere().post(token::token),
        // RFC 6749 §3.1, OIDC Core §3.1.2.1
        Route::new(Page, path::AUTHORIZE).even_framed().get(authorize::get).post(authorize::post),
        // OIDC RP-Initiated Logout 1.0 §2
        Route::new(Page, path::LOGOUT).even_framed().get(logout::get).post(logout::post),
        // OIDC Core §5.3.1: "The UserInfo Endpoint MUST support the use of the HTTP GET and HTTP POST"
        Route::new(Machine, path::USERINFO)
            .everywhere()
            .get(userinfo::userinfo)
            .post(userinfo::userinfo),
        // RFC 7662 §2
        Route::new(Machine, path::INTROSPECT).everywhere().post(introspect::introspect),
        // RFC 7009 §2
        Route::new(Machine, path::REVOKE).everywhere().post(revoke::revoke),
        // RFC 7030 §4.1.2
        Route::new(Document, "/.well-known/est/cacerts")
            .below(Below::Root)
            .everywhere()
            .get(est::cacerts),
        // RFC 7030 §4.2.1
        Route::new(Machine, "/.well-known/est/simpleenroll")
            .below(Below::Root)
            .everywhere()
            .post(est::simpleenroll),
        // RFC 7030 §4.2.2
        Route::new(Machine, "/.well-known/est/simplereenroll")
            .below(Below::Root)
            .everywhere()
            .post(est::simplereenroll),
        // RFC 5280 §4.2.1.13
        Route::new(Document, "/ca/crl/{authority}").get(ca::crl),
        // RFC 5280 §4.2.2.1
        Route::new(Document, "/ca/certificate/{authority}").get(ca::certificate),
        // RFC 6960 §A.1
        Route::new(Machine, "/ca/ocsp").post(ca::ocsp),
        Route::new(Document, "/ca/ocsp/{*request}").get(ca::ocsp_in_path),
        // Forward authentication, as gateways expect it
        Route::new(Gateway, "/verify/{*route}").any(verify::verify),
        // Assets of the pages
        Route::new(File, "/static/{name}").get(assets::file),
        Route::new(File, "/brand/{picture}").get(assets::picture),
        // RFC 8555 §8.3
        Route::new(Probe, "/.well-known/acme-challenge/{token}")
            .below(Below::Root)
            .even_plain()
            .get(acme::challenge),
        // For load balancers
        Route::new(Probe, "/healthz").below(Below::Root).get(health::alive),
        Route::new(Probe, "/readyz").below(Below::Root).get(health::ready),
    ]
}
