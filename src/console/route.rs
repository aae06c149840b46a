//! The routes of the console: each handler with the action that it needs.

use std::future::Future;

use axum::http::Method;

use super::desk::{self, Desk};
use super::error::ConsoleError;
use crate::admin::Action;
use crate::render::visit::Visit;
use crate::render::{Kind, Request, Response, Route};
use crate::types::Params;

/// A route of the console. Nothing can be added to it without an [`Action`].
#[derive(Debug)]
pub(super) struct ConsoleRoute {
    route: Route,
    actions: Vec<(Method, Action)>,
}

impl ConsoleRoute {
    /// A route without handlers.
    pub(super) const fn new(path: &'static str) -> Self {
        Self { route: Route::new(Kind::Console, path), actions: Vec::new() }
    }

    /// Adds a page, shown to administrators who may perform the action. The page of a form for a sensitive action has
    /// that action, so that the authentication is renewed before anything is typed.
    pub(super) fn get<F, Fut>(mut self, action: Action, handler: F) -> Self
    where
        F: Fn(Desk) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, ConsoleError>> + Send + 'static,
    {
        self.actions.push((Method::GET, action));
        self.route = self.route.get(move |request: Request| {
            let handler = handler.clone();
            async move {
                match desk::open(Visit::of(&request), action).await? {
                    Ok(desk) => handler(desk).await,
                    Err(response) => Ok(response),
                }
            }
        });
        self
    }

    /// Adds the handler of a form, which must have come from a page of the console in the same session.
    pub(super) fn post<F, Fut>(mut self, action: Action, handler: F) -> Self
    where
        F: Fn(Desk, Params) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, ConsoleError>> + Send + 'static,
    {
        self.actions.push((Method::POST, action));
        self.route = self.route.post(move |mut request: Request| {
            let handler = handler.clone();
            async move {
                let params = request.form_beside_query().await?;
                match desk::open(Visit::of(&request), action).await? {
                    Ok(desk) => {
                        desk.must_be_own_form(&params).await?;
                        handler(desk, params).await
                    }
                    Err(response) => Ok(response),
                }
            }
        });
        self
    }

    /// The route, for the server.
    pub(super) fn into_route(self) -> Route {
        self.route
    }

    /// The path, and the action of each method.
    pub(super) fn actions(&self) -> (&'static str, &[(Method, Action)]) {
        (self.route.path, &self.actions)
    }
}
