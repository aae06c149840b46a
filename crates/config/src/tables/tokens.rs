//! `[tokens]` and `[sessions]`.

use crate::problem::Contradictions;
use crate::table::{optional, table};
use crate::types::{Algorithm, Seconds};

table! {
    /// The lifetimes of tokens, codes and requests.
    tokens: Tokens {
        /// Access tokens. A resource server that does not use introspection accepts them until they
        /// expire, even when they are revoked.
        access_token_lifetime: Seconds = Seconds::minutes(5), within Seconds(10), Seconds::days(1);
        /// The signature algorithm of access tokens.
        access_token_alg: Algorithm = Algorithm::Es256;
        /// ID tokens.
        id_token_lifetime: Seconds = Seconds::minutes(5), within Seconds(10), Seconds::days(1);
        /// Authorization codes. RFC 6749 §4.1.2 recommends ten minutes at most.
        code_lifetime: Seconds = Seconds(60), within Seconds(5), Seconds::minutes(10);
        /// Authorization requests that wait for a user's decision on a page.
        request_lifetime: Seconds = Seconds::minutes(10), within Seconds::minutes(1), Seconds::hours(1);
        /// Refresh tokens that are not used.
        refresh_idle: Seconds = Seconds::days(14), within Seconds::minutes(1), Seconds::days(400);
        /// Refresh tokens, however often they are used.
        refresh_absolute: Seconds = Seconds::days(90), within Seconds::minutes(1), Seconds::days(3650);
        /// The grace period: how long after a refresh the same request receives the same response
        /// again, so that a lost response does not end the user's session.
        refresh_grace: Seconds = Seconds(10), within Seconds(0), Seconds(60);
    }
}

table! {
    /// The lifetimes of sessions in browsers.
    sessions: Sessions {
        /// Without activity.
        idle: Seconds = Seconds::minutes(30), within Seconds::minutes(1), Seconds::days(30);
        /// Regardless of activity.
        absolute: Seconds = Seconds::hours(12), within Seconds::minutes(5), Seconds::days(90);
        /// Without activity, where the user chose to stay signed in.
        remember_idle: Seconds = Seconds::days(14), within Seconds::minutes(5), Seconds::days(365);
        /// Regardless of activity, where the user chose to stay signed in.
        remember_absolute: Seconds = Seconds::days(30), within Seconds::minutes(5), Seconds::days(365);
    }
}

impl Tokens {
    pub(super) fn check(&self, contradictions: &mut Contradictions) {
        let (idle, absolute) = (self.refresh_idle, self.refresh_absolute);
        contradictions
            .at_most(("tokens.refresh_idle", idle), ("tokens.refresh_absolute", absolute));
    }
}

impl Sessions {
    pub(super) fn check(&self, contradictions: &mut Contradictions) {
        contradictions.at_most(("sessions.idle", self.idle), ("sessions.absolute", self.absolute));
        contradictions.at_most(
            ("sessions.remember_idle", self.remember_idle),
            ("sessions.remember_absolute", self.remember_absolute),
        );
    }
}
