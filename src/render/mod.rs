//! Turning results, refusals, failures and templates into answers.

pub mod assets;
pub mod layout;
pub mod view;
pub mod words;
