//! The console: the pages of administrators, below `/admin`.

use crate::render::Route;

/// The routes of the console.
pub fn routes() -> Vec<Route> {
    Vec::new()
}
