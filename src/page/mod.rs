//! The pages people use: sign-in, consent, account, sign-out.

mod account;
mod asks;
mod consent;
pub mod device;
mod home;
mod login;
mod logout;
mod select_account;
mod steps;
pub mod view;

/// The words of the pages. They live a floor below, because refusals are worded there too.
pub use crate::render::words;
use crate::render::{Kind, Route};

/// Every page: its path, and who shows it and takes its form.
pub fn routes() -> Vec<Route> {
    use Kind::{File, Page};
    vec![
        Route::new(Page, "/").get(home::get),
        Route::new(Page, "/login").get(login::get).post(login::post),
        Route::new(Page, "/select-account").get(select_account::get).post(select_account::post),
        Route::new(Page, "/consent").get(consent::get).post(consent::post),
        Route::new(Page, "/account").get(account::get),
        Route::new(Page, "/account/sessions/end").post(account::end_session),
        Route::new(Page, "/account/sessions/end-others").post(account::end_other_sessions),
        Route::new(Page, "/account/applications/withdraw").post(account::withdraw),
        Route::new(Page, "/account/password").post(account::password),
        Route::new(Page, "/logout/confirm").get(logout::get).post(logout::post),
        Route::new(Page, "/signed-out").get(logout::signed_out),
        Route::new(File, "/logos/{client}").get(home::logo),
    ]
}
