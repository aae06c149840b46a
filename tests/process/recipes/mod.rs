//! `examples/recipes`: each file is run unchanged, with the third-party library or program that it is
//! about.

mod apache;
mod apis;
mod applications;
mod issuer;
mod mcp;
mod oauth2_proxy;
mod program;
mod spa;
