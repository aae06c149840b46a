//! `gatewright demo`: everything at once, on this machine and for nobody else.

mod relying_party;
