//! `[clients]`, `[verify]` and `[dpop]`.

use super::Http;
use crate::gateway_route::GatewayRoute;
use crate::problem::Contradictions;
use crate::table::{optional, table};
use crate::text::{AssertionAudience, DpopNonce};

table! {
    /// Defaults for clients.
    clients: Clients {
        /// The `aud` values accepted in a client assertion: `issuer`, only the issuer, as a single
        /// string; or `endpoints`, also the token endpoint or the endpoint called. The metadata
        /// `gw_assertion_audience` of a client overrides it.
        assertion_audience: AssertionAudience = AssertionAudience::Issuer;
    }
}

table! {
    /// Verification of tokens for API gateways (docs/gateways.md).
    verify: Verify {
        /// The APIs behind gateways. Each has a `name`, for the gateway calls `/verify/NAME`; the
        /// `audience` that tokens must be issued for, and the `scope` that they must have: both
        /// come from here, never from a request. For DPoP-bound tokens: `origin`, scheme and host
        /// at which clients call the API; and `original`, how the gateway passes on the client's
        /// request: `x-original`, in `X-Original-Method` and `X-Original-URI` (nginx with the
        /// configuration of docs/gateways.md); `x-forwarded`, in `X-Forwarded-Method` and
        /// `X-Forwarded-Uri` (Traefik, Caddy); `path`, by the method of its own call and the path
        /// after `/verify/NAME` (Envoy, Istio). The gateway must not let a client set any of these.
        /// Only `http.trusted_proxies` may call it.
        routes: Vec<GatewayRoute> = Vec::new();
    }
}

table! {
    /// DPoP: proofs of possession of a key, to which clients have their tokens bound (RFC 9449).
    dpop: Dpop {
        /// Whether a proof must carry a nonce of this server, a new one each minute: `off` or
        /// `required`. It prevents an attacker with temporary use of a client's key from making
        /// proofs in advance, and costs a client one more request whenever its nonce is too old.
        nonce: DpopNonce = DpopNonce::Off;
    }
}

impl Verify {
    pub(super) fn check(&self, http: &Http, contradictions: &mut Contradictions) {
        for (n, route) in self.routes.iter().enumerate() {
            if self.routes.iter().take(n).any(|other| other.name == route.name) {
                let reason = format!("has two that are named {}", route.name);
                contradictions.add(&["verify.routes"], reason, "give each a name of its own");
            }
        }
        if !self.routes.is_empty() && http.trusted_proxies.is_empty() {
            contradictions.add(
                &["verify.routes", "http.trusted_proxies"],
                "is set, but http.trusted_proxies names no gateway that may call it",
                "name the addresses of the gateways there",
            );
        }
    }
}
