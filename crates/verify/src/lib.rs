#![doc = include_str!("../README.md")]

mod cache;
mod caller;
mod error;
mod http;
mod htu;
pub mod id_token;
mod keys;
mod proof;
mod replays;
#[cfg(test)]
mod tests;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method};

use gatewright_base::{jose, types};

use self::jose::jws::{Jws, Keys, Typ};
pub use self::types::{
    Algorithm, ClientId, Confirmation, GrantId, Scope, Seconds, Thumbprint, Timestamp,
};
pub use cache::{CachePolicy, Fetched, JwksCache};
pub use caller::Caller;
use error::Reason;
pub use error::{Error, Refusal};
pub use gatewright_base::types::Scheme;
use gatewright_x509::Certificate;
pub use keys::IssuerKeys;
pub use proof::{Proof, Purpose};
pub use replays::{Replays, Used};

/// The largest clock difference that can be tolerated.
const MOST_LEEWAY: Seconds = Seconds(60);

/// A request to the API.
#[derive(Clone, Copy)]
pub struct ResourceRequest<'a> {
    /// The method.
    pub method: &'a Method,
    /// The URL as the caller wrote it: scheme, host and path; a query is ignored. An API behind a
    /// proxy takes it from its configuration and the path, never from `Host` or `X-Forwarded-*`,
    /// which callers control. Used for DPoP only.
    pub url: &'a str,
    /// The header fields. Only `Authorization` and `DPoP` are used.
    pub headers: &'a HeaderMap,
    /// The client certificate of the TLS connection in DER. Behind a proxy that terminates TLS, the
    /// one that it forwards, provided that callers cannot set that header.
    pub certificate: Option<&'a [u8]>,
}

/// Verifies requests to one audience. It is shared between requests.
#[derive(Debug)]
pub struct Verifier {
    issuer: String,
    audience: String,
    algorithms: Vec<Algorithm>,
    leeway: Seconds,
    keys: IssuerKeys,
    replays: Replays,
}

impl Verifier {
    /// Accepts the tokens of `issuer` for `audience`: the identifier with which the API is
    /// registered (`gatewright resource create`), which clients request as `resource` (RFC 8707).
    ///
    /// Tokens must be signed with ES256, the default of `tokens.access_token_alg`, and clocks may
    /// differ by 5 seconds.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, keys: IssuerKeys) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            algorithms: vec![Algorithm::Es256],
            leeway: Seconds(5),
            keys,
            replays: Replays::default(),
        }
    }

    /// Sets the allowed signature algorithms: `tokens.access_token_alg` of the issuer. Algorithms with
    /// a shared secret are never allowed (RFC 8725 §3.1).
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: &[Algorithm]) -> Self {
        self.algorithms = algorithms.iter().copied().filter(|alg| !alg.is_symmetric()).collect();
        self
    }

    /// Sets the tolerated clock difference, at most a minute.
    ///
    /// > Implementers MAY provide for some small leeway, usually no more than a few minutes, to account for
    /// > clock skew. (RFC 9068 §4)
    #[must_use]
    pub fn with_leeway(mut self, leeway: Seconds) -> Self {
        self.leeway = leeway.clamp(Seconds(0), MOST_LEEWAY);
        self
    }

    /// Sets the store of used DPoP proofs. Several processes of one API should share one.
    #[must_use]
    pub fn with_replays(mut self, replays: Replays) -> Self {
        self.replays = replays;
        self
    }

    /// Verifies that a request has a valid token for this API, proof of possession if the token is
    /// bound, and all of the scopes `needed`.
    ///
    /// # Errors
    /// [`Error::Refused`], with the status and challenge of the response; [`Error::Unavailable`]
    /// when the issuer's keys cannot be fetched.
    pub async fn verify(
        &self,
        request: &ResourceRequest<'_>,
        needed: &[&str],
    ) -> Result<Caller, Error> {
        self.verify_at(request, needed, now()).await
    }

    /// [`Verifier::verify`] at a given time, for programs with their own clock, and for tests.
    ///
    /// # Errors
    /// Those of [`Verifier::verify`].
    pub async fn verify_at(
        &self,
        request: &ResourceRequest<'_>,
        needed: &[&str],
        now: Timestamp,
    ) -> Result<Caller, Error> {
        let (scheme, token) = token(request.headers).map_err(|reason| self.refusal(reason))?;
        let refused = |reason| self.refusal_of(scheme, reason);
        let invalid = |why| refused(Reason::Token(why));

        let jws = Jws::parse(token).map_err(invalid)?;
        let keys = self.keys.keys_for(&jws, now).await.map_err(Error::Unavailable)?;
        // > The resource server MUST verify that the "typ" header value is "at+jwt" […] and reject tokens
        // > carrying any other value. (RFC 9068 §4)
        let verified = jws.verify(Keys::Published(&keys), &self.algorithms, Typ::Is("at+jwt"));
        let verified = verified.map_err(invalid)?;
        let caller = Caller::from_claims(&verified.claims, &self.issuer).map_err(invalid)?;
        if now - self.leeway >= caller.expires_at {
            return Err(invalid("the access token has expired"));
        }
        // Issued while a clock was wrong, so its `exp` is meaningless.
        if caller.issued_at.is_ahead_of(now) {
            return Err(invalid("the access token was issued in the future"));
        }
        // > The resource server MUST validate that the "aud" claim contains a resource indicator value
        // > corresponding to an identifier the resource server expects for itself. (RFC 9068 §4)
        if !caller.audience.contains(&self.audience) {
            return Err(invalid("the access token is for another API"));
        }
        let proof = proof(request, scheme, token, now).map_err(refused)?;
        let certificate = match request.certificate {
            Some(der) if caller.confirmation.certificate.is_some() => {
                let unreadable = |_| invalid("the client certificate cannot be parsed");
                Some(Certificate::parse(der, &[]).map_err(unreadable)?)
            }
            Some(_) | None => None,
        };
        let key = proof.as_ref().map(|proof| proof.key);
        let possession = PossessionProof { certificate: certificate.as_ref(), key };
        possession.must_match(&caller.confirmation, now).map_err(invalid)?;
        if !needed.iter().all(|scope| caller.scope.has(scope)) {
            return Err(refused(Reason::Scope(needed.join(" "))));
        }
        // Last, so that only proofs of otherwise accepted requests are stored (THREATS DP-14).
        if let Some(proof) = &proof {
            let first = self.replays.first_use(proof.into(), now).await;
            if !first.map_err(Error::Unavailable)? {
                return Err(refused(Reason::Proof("the DPoP proof was used before")));
            }
        }
        Ok(caller)
    }

    fn refusal(&self, reason: Reason) -> Error {
        self.refusal_of(Scheme::Bearer, reason)
    }

    fn refusal_of(&self, scheme: Scheme, reason: Reason) -> Error {
        Error::Refused(Refusal::new(&self.audience, scheme, reason))
    }
}

/// What a request proves possession of.
#[derive(Clone, Copy, Debug)]
pub struct PossessionProof<'a> {
    /// The client certificate of the TLS connection.
    pub certificate: Option<&'a Certificate>,
    /// The key of the request's DPoP proof.
    pub key: Option<Thumbprint>,
}

impl PossessionProof<'_> {
    /// > The protected resource MUST obtain, from its TLS implementation layer, the client certificate
    /// > used for mutual TLS and MUST verify that the certificate matches the certificate associated
    /// > with the access token. (RFC 8705 §3)
    ///
    /// # Errors
    /// When the request does not prove possession of what the token is bound to.
    pub fn must_match(&self, bound: &Confirmation, now: Timestamp) -> Result<(), &'static str> {
        match (bound.certificate, self.certificate) {
            (None, _) => {}
            (Some(_), None) => {
                return Err(
                    "the token is bound to a certificate, and there is no client certificate",
                );
            }
            (Some(bound), Some(presented)) if presented.thumbprint != bound => {
                return Err("the token is bound to another client certificate");
            }
            (Some(_), Some(presented)) if !presented.is_valid_at(now) => {
                return Err("the client certificate has expired or is not yet valid");
            }
            (Some(_), Some(_)) => {}
        }
        match (bound.key, self.key) {
            (None, None) => Ok(()),
            (Some(bound), Some(presented)) if bound == presented => Ok(()),
            (Some(_), Some(_)) => Err("the token is bound to another DPoP key"),
            (Some(_), None) => Err("the token is bound to a key, and there is no DPoP proof"),
            // A proof does not bind an unbound token (THREATS DP-07).
            (None, Some(_)) => Err("a DPoP proof comes with a token that is not bound to a key"),
        }
    }
}

/// The token and its scheme: RFC 6750 §2.1, RFC 9449 §7.1. Tokens in bodies and queries are not
/// accepted: queries end up in logs and histories (RFC 9700 §4.3.2).
fn token(headers: &HeaderMap) -> Result<(Scheme, &str), Reason> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let field = fields.next().ok_or(Reason::Missing)?;
    if fields.next().is_some() {
        return Err(Reason::Request("there are two Authorization fields"));
    }
    let text = field
        .to_str()
        .map_err(|_| Reason::Request("the Authorization field is not visible ASCII"))?;
    // A request with another scheme is challenged like one without a token.
    Scheme::of_authorization(text).ok_or(Reason::Missing)
}

/// The DPoP proof of a request, if one is required: RFC 9449 §7.1.
fn proof(
    request: &ResourceRequest<'_>,
    scheme: Scheme,
    token: &str,
    now: Timestamp,
) -> Result<Option<Proof>, Reason> {
    // > There is not more than one DPoP HTTP request header field (RFC 9449 §4.3)
    let mut fields = request.headers.get_all("dpop").iter();
    let (field, another) = (fields.next(), fields.next());
    if another.is_some() {
        return Err(Reason::Proof("there is more than one DPoP field"));
    }
    let field = match (scheme, field) {
        (Scheme::Bearer, None) => return Ok(None),
        // A proof does not bind a bearer token (THREATS DP-07).
        (Scheme::Bearer, Some(_)) => {
            return Err(Reason::Token("a DPoP proof comes with a token that is sent as Bearer"));
        }
        (Scheme::Dpop, None) => return Err(Reason::Proof("there is no DPoP proof")),
        (Scheme::Dpop, Some(field)) => field,
    };
    let text = field.to_str().map_err(|_| Reason::Proof("the DPoP field is not visible ASCII"))?;
    let (method, urls) = (request.method.as_str(), [request.url.to_owned()]);
    let purpose = Purpose { method, urls: &urls, access_token: Some(token) };
    Proof::verify(text, purpose, now).map(Some).map_err(Reason::Proof)
}

/// The system clock, read once per request.
#[expect(clippy::disallowed_methods, reason = "an API has no Call to take the time from")]
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX)))
}
