//! Renders results, refusals, failures and templates as HTTP responses.
//!
//! A handler is an `async fn(Request) -> impl IntoResponse`. Its return type selects the rendering: errors of
//! `Result<_, Json>` are rendered as in RFC 6749 §5.2, of `Result<_, Bearer>` as in RFC 6750 §3, of `Result<_, Page>`
//! as HTML, of `Result<_, Problem>` as in RFC 9457, and authorization responses as in RFC 6749 §4.1.2.

pub mod access_token;
pub mod activity;
pub mod assets;
pub mod bearer;
mod browser;
pub mod cookies;
pub mod cors;
pub mod destination;
pub mod document;
pub mod dpop;
mod form;
pub mod headers;
pub mod json;
pub mod language;
pub mod layout;
pub mod page;
pub mod problem;
pub mod redirect;
pub mod request;
pub mod response;
pub mod route;
pub mod site;
pub mod support;
pub mod user_agent;
pub mod view;
pub mod visit;
pub mod words;

pub use axum::response::Response;
pub use bearer::Bearer;
pub use json::Json;
pub use page::Page;
pub use problem::Problem;
pub use request::{Head, Request};
pub use response::IntoResponse;
pub use route::{Kind, Route};
pub use site::Site;
