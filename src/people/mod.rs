//! Accounts: what people are called, how they prove who they are, how long they stay signed in.

mod common;
pub mod name;
pub mod password;
