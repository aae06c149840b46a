//! What strangers send in a form of its own, who reads it, and examples to begin with. `tests/operations`
//! has these files as well, so that they are tried at every run; here they are for `cargo fuzz`.

pub mod seeds;
pub mod targets;
