//! The pages people use: sign-in, consent, account, sign-out.

pub mod device;
pub mod view;

/// The words of the pages. They live a floor below, because refusals are worded there too.
pub use crate::render::words;
