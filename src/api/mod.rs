//! The administration API, below `/api/v1`.

use crate::render::Route;

/// The routes of the API.
pub fn routes() -> Vec<Route> {
    Vec::new()
}
