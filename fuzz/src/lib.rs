//! Parsers of input from others, with seeds. `tests/operations` includes these files, so that every
//! test run tries them; here they are for `cargo fuzz`.

pub mod seeds;
pub mod targets;
