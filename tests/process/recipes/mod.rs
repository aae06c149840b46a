//! `examples/recipes`: each file is run as it stands there, with the library or program of others that it is about.

mod apache;
mod apis;
mod applications;
mod issuer;
mod mcp;
mod oauth2_proxy;
mod program;
mod spa;
