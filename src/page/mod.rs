//! The pages people use: sign-in, consent, account, sign-out.

pub mod device;
mod home;
pub mod view;

/// The words of the pages. They live a floor below, because refusals are worded there too.
pub use crate::render::words;
use crate::render::{Kind, Route};

/// Every page.
pub fn routes() -> Vec<Route> {
    vec![
        // What is there before anybody asks for anything
        Route::new(Kind::Page, "/").get(home::home),
    ]
}
