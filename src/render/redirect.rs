//! Authorization responses: [RFC 6749 §4.1.2], [RFC 9207], OAuth 2.0 Multiple Response Types §2.1,
//! OAuth 2.0 Form Post Response Mode.
//!
//! [RFC 6749 §4.1.2]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2
//! [RFC 9207]: https://www.rfc-editor.org/rfc/rfc9207

use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};

use super::layout::{Layout, Link};
use super::page::{self, Csp, Page};
use super::response::{self, IntoResponse};
use super::view::FormPost;
use super::{Head, Response};
use crate::flow::authorize::{AuthorizationError, AuthorizationResponse, Outcome};
use crate::flow::clients::uri::with_parameters;
use crate::types::client::ResponseMode;
use crate::types::{Error, Failure};

impl IntoResponse for AuthorizationResponse {
    fn into_response(self, head: &Head) -> Response {
        let uri = &self.return_to.redirect_uri;
        match self.return_to.mode {
            ResponseMode::Query => {
                let parameters =
                    self.parameters.iter().map(|(name, value)| (*name, value.as_str()));
                see_other(head, &with_parameters(uri, parameters))
            }
            ResponseMode::Fragment => {
                see_other(head, &format!("{uri}#{}", encoded(&self.parameters)))
            }
            ResponseMode::FormPost => {
                let fields: Vec<(&str, &str)> =
                    self.parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let page = FormPost {
                    layout: Layout { place: None, ..head.layout(head.words()) },
                    client: Link::to(uri).map_or(uri, |link| link.host()),
                    action: uri,
                    fields: &fields,
                };
                page::html(&page, Csp::Leaving)
            }
        }
    }
}

impl IntoResponse for Outcome {
    fn into_response(self, head: &Head) -> Response {
        match self {
            Self::Response(response) => response.into_response(head),
        }
    }
}

impl IntoResponse for AuthorizationError {
    fn into_response(self, head: &Head) -> Response {
        match self {
            Self::OnPage(error, home) => Page::with_home(error, home).into_response(head),
            Self::ToClient(return_to, refusal) => {
                let response = return_to.refusal(head.app().config.issuer.as_str(), &refusal);
                response::report(&Error::Refused(refusal), head);
                response.into_response(head)
            }
        }
    }
}

/// Redirects the browser with 303, so that it sends a GET and does not repeat the posted form (RFC 9700 §4.12).
pub fn see_other(head: &Head, location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        // Registration refuses such URIs.
        let failure = Failure::internal("the target of a redirect is not a valid header value");
        return Page::from(failure).into_response(head);
    };
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, location);
    response
}

fn encoded(parameters: &[(&'static str, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}
