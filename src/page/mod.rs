//! The pages for users: sign-in, consent, account, sign-out. A folder per page has its handlers (`mod.rs`), the struct
//! of its template (`view.rs`) and its texts in all languages (`words.rs`).
//!
//! Forms without `action` are posted to the URL of the page itself.

pub mod account;
pub mod consent;
pub mod home;
pub mod invitation;
pub mod login;
mod logo;
pub mod logout;
mod new_password;
mod next;
pub mod recovery;
pub mod select_account;
mod steps;
#[cfg(test)]
mod tests;
pub mod view;

use crate::render::{Kind, Route};

/// The routes of all pages.
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
        Route::new(Page, "/invitation").get(invitation::get).post(invitation::post),
        Route::new(Page, "/recovery").get(recovery::get).post(recovery::post),
        Route::new(Page, "/logout/confirm").get(logout::get).post(logout::post),
        Route::new(Page, "/signed-out").get(logout::signed_out),
        Route::new(File, "/logos/{client}").get(logo::get),
    ]
}
