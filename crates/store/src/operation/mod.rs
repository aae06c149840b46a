//! Jobs, caches, the audit trail and the outbox: the tables that keep the server running.

pub mod ahead;
pub mod audit_events;
pub mod cache;
pub mod failovers;
pub mod idempotency_keys;
pub mod jobs;
pub mod outbox;
pub mod sweep;
pub mod versions;
