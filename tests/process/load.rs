//! Clients that use a server as hard as they can, and check all later behaviour against the responses
//! that they got (THREATS §4.1, H6).
//!
//! A client does one thing after the other. An unanswered request stays its state and is retried after
//! a crash, as an application does that lost its connection. Responses are its history, which no crash
//! may change.

use std::time::{Duration, Instant};

use crate::TIMEOUT;
use crate::application::{Application, Code, RequestError, Response, Tokens, User};
use crate::browser::Browser;

/// A grant, and the tokens that descend from it.
#[derive(Clone, Debug)]
pub(crate) struct TokenFamily {
    pub(crate) grant: String,
    /// The refresh token that was issued for the code.
    first: String,
    /// The latest tokens.
    latest: Tokens,
    /// The number of acknowledged refresh tokens.
    pub(crate) generation: i64,
}

/// The way in which a grant ends.
#[derive(Clone, Copy, Debug)]
enum EndOfGrant {
    /// RFC 7009.
    Revocation,
    /// Use of a refresh token from before the last two.
    Replay,
    /// The user signs out.
    SignOut,
}

/// The state of a client.
#[derive(Clone, Debug)]
enum State {
    Idle,
    /// A code was sent to the token endpoint; `again` if that was done before.
    Redeeming(Code, bool),
    Holding(TokenFamily),
    /// The end of the grant was requested, and not acknowledged.
    Ending(TokenFamily, EndOfGrant),
}

/// Tokens whose end was acknowledged.
#[derive(Clone, Debug)]
struct EndedTokens {
    refresh: String,
    access: String,
}

impl EndedTokens {
    fn from_tokens(tokens: Tokens) -> Self {
        Self { refresh: tokens.refresh, access: tokens.access }
    }
}

/// The responses that a client got.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// The grant of each code that was redeemed.
    pub(crate) granted: Vec<String>,
    /// Codes whose first redemption got no response, and whose second one was refused.
    pub(crate) lost: Vec<Code>,
    /// Grants that are left unused, all of the current session.
    unused: Vec<TokenFamily>,
    ended: Vec<EndedTokens>,
    /// The number of ended grants that were checked since the last crash.
    checked: usize,
}

/// A client for users: it signs a user in, refreshes, revokes, and starts over.
pub(crate) struct Client {
    application: Application,
    browser: Browser,
    http: reqwest::Client,
    rng: Rng,
    state: State,
    pub(crate) history: History,
}

impl Client {
    pub(crate) fn new(application: &Application, user: &User, rng: Rng) -> Self {
        Self {
            application: application.clone(),
            browser: Browser::new(user),
            http: crate::http(),
            rng,
            state: State::Idle,
            history: History::default(),
        }
    }

    /// The current grant.
    pub(crate) fn current_grant(&self) -> Option<&TokenFamily> {
        match &self.state {
            State::Holding(family) => Some(family),
            State::Idle | State::Redeeming(..) | State::Ending(..) => None,
        }
    }

    /// Performs the next step.
    pub(crate) async fn step(&mut self) -> Result<(), RequestError> {
        match self.state.clone() {
            State::Idle => self.authorize_new().await,
            State::Redeeming(code, again) => self.redeem(code, again).await,
            State::Ending(family, end) => self.end(family, end).await,
            State::Holding(family) => match self.rng.below(12) {
                0 => {
                    self.history.unused.push(family);
                    self.state = State::Idle;
                    Ok(())
                }
                1 => self.end(family, EndOfGrant::Revocation).await,
                2 => self.end(family, EndOfGrant::SignOut).await,
                3 if family.generation > 2 => self.end(family, EndOfGrant::Replay).await,
                4 | 5 => self.use_access_token(&family).await,
                6 | 7 => self.refresh_twice(family).await,
                _ => self.refresh(family).await,
            },
        }
    }

    /// Signs in, if necessary, until there is a grant.
    pub(crate) async fn ensure_grant(&mut self) -> Result<(), RequestError> {
        while self.current_grant().is_none() {
            self.step().await?;
        }
        Ok(())
    }

    /// Refreshes the current grant.
    pub(crate) async fn refresh_current(&mut self) -> Result<(), RequestError> {
        let family = self.current_grant().expect("a family").clone();
        self.refresh(family).await
    }

    /// After a crash: retries the unanswered request, and checks the history.
    pub(crate) async fn recover(&mut self) -> Result<(), RequestError> {
        self.http = crate::http();
        self.browser.reconnect();
        while matches!(self.state, State::Redeeming(..) | State::Ending(..)) {
            self.step().await?;
        }
        // the last acknowledged refresh token works, or its response is repeated.
        if self.current_grant().is_some() {
            self.refresh_current().await?;
        }
        if !self.history.unused.is_empty() {
            let one = self.rng.below(self.history.unused.len());
            self.refresh_unused(one).await?;
        }
        // everything that ended since the last crash, and one grant that ended before.
        let before = self.history.checked;
        if before > 0 {
            let one = self.rng.below(before);
            self.assert_ended(&self.history.ended[one]).await?;
        }
        for ended in &self.history.ended[before..] {
            self.assert_ended(ended).await?;
        }
        self.history.checked = self.history.ended.len();
        Ok(())
    }

    /// Checks the whole history.
    pub(crate) async fn check_history(&mut self) -> Result<(), RequestError> {
        for ended in &self.history.ended {
            self.assert_ended(ended).await?;
        }
        for one in 0..self.history.unused.len() {
            self.refresh_unused(one).await?;
        }
        Ok(())
    }

    async fn authorize_new(&mut self) -> Result<(), RequestError> {
        let code = self.application.authorize(&mut self.browser).await?;
        self.state = State::Redeeming(code, false);
        Ok(())
    }

    /// a code is redeemed once. If the response was lost, the retry is a replay, which is refused
    /// and ends the unknown grant.
    async fn redeem(&mut self, code: Code, again: bool) -> Result<(), RequestError> {
        self.state = State::Redeeming(code.clone(), true);
        let response = self.application.redeem(&self.http, &code).await?;
        if again && response.is_refusal("invalid_grant") {
            self.history.lost.push(code);
            self.state = State::Idle;
            return Ok(());
        }
        let tokens = response.tokens();
        let grant = tokens.grant();
        self.history.granted.push(grant.clone());
        let first = tokens.refresh.clone();
        self.state = State::Holding(TokenFamily { grant, first, latest: tokens, generation: 1 });
        Ok(())
    }

    /// only ever the successor, whatever failed meanwhile.
    async fn refresh(&mut self, family: TokenFamily) -> Result<(), RequestError> {
        let response = self.application.refresh(&self.http, &family.latest.refresh).await?;
        self.state = State::Holding(family.refreshed(&response));
        Ok(())
    }

    /// Two concurrent requests with the same refresh token get the same successor.
    async fn refresh_twice(&mut self, family: TokenFamily) -> Result<(), RequestError> {
        let (one, other) = tokio::join!(
            self.application.refresh(&self.http, &family.latest.refresh),
            self.application.refresh(&self.http, &family.latest.refresh),
        );
        if let (Ok(one), Ok(other)) = (&one, &other) {
            assert_eq!(one.tokens().refresh, other.tokens().refresh, "two different successors");
        }
        if let Some(response) = one.as_ref().ok().or(other.as_ref().ok()) {
            self.state = State::Holding(family.refreshed(response));
        }
        one.and(other).map(drop)
    }

    async fn refresh_unused(&mut self, one: usize) -> Result<(), RequestError> {
        let family = &self.history.unused[one];
        let response = self.application.refresh(&self.http, &family.latest.refresh).await?;
        self.history.unused[one] = family.clone().refreshed(&response);
        Ok(())
    }

    async fn use_access_token(&self, family: &TokenFamily) -> Result<(), RequestError> {
        let is_active = self.application.is_active(&self.http, &family.latest.access).await?;
        assert!(is_active, "a token of a valid grant: {family:?}");
        Ok(())
    }

    /// once the end is acknowledged no token of the grant is accepted, not even one from a
    /// concurrent refresh.
    async fn end(&mut self, family: TokenFamily, end: EndOfGrant) -> Result<(), RequestError> {
        self.state = State::Ending(family.clone(), end);
        let Self { application, browser, http, .. } = self;
        let ending = async {
            match end {
                EndOfGrant::Revocation => {
                    let response = application.revoke(http, &family.latest.refresh).await?;
                    assert_eq!(response.status, 200, "{response:?}");
                }
                EndOfGrant::Replay => {
                    let response = application.refresh(http, &family.first).await?;
                    assert!(response.is_refusal("invalid_grant"), "{response:?}");
                }
                EndOfGrant::SignOut => application.sign_out(browser, &family.latest.id).await?,
            }
            Ok(())
        };
        let racing = application.refresh(http, &family.latest.refresh);
        let (acknowledged, raced) = tokio::join!(ending, racing);
        acknowledged?;

        let raced =
            raced.ok().filter(|response| response.status == 200).map(|response| response.tokens());
        let last = raced.unwrap_or(family.latest);
        let ended = EndedTokens::from_tokens(last);
        self.history.ended.push(ended.clone());
        if matches!(end, EndOfGrant::SignOut) {
            // Grants that are bound to the session end with it.
            let unused = self.history.unused.drain(..);
            self.history.ended.extend(unused.map(|family| EndedTokens::from_tokens(family.latest)));
        }
        self.state = State::Idle;
        self.assert_ended(&ended).await
    }

    async fn assert_ended(&self, ended: &EndedTokens) -> Result<(), RequestError> {
        let is_active = self.application.is_active(&self.http, &ended.access).await?;
        assert!(!is_active, "X-04: an access token of an ended grant: {ended:?}");
        let response = self.application.refresh(&self.http, &ended.refresh).await?;
        assert!(response.is_refusal("invalid_grant"), "X-04: {response:?} to {ended:?}");
        Ok(())
    }
}

impl TokenFamily {
    fn refreshed(self, response: &Response) -> Self {
        let latest = response.tokens();
        assert_ne!(latest.refresh, self.latest.refresh, "it rotates");
        assert_eq!(latest.grant(), self.grant);
        // A sign-out needs an ID token, and a refresh returns one.
        Self { latest, generation: self.generation + 1, ..self }
    }
}

/// A client with the client credentials grant.
pub(crate) struct Service {
    application: Application,
    http: reqwest::Client,
    last: Option<String>,
}

impl Service {
    pub(crate) fn new(application: &Application) -> Self {
        Self { application: application.clone(), http: crate::http(), last: None }
    }

    /// Requests a token, and introspects it.
    pub(crate) async fn step(&mut self) -> Result<(), RequestError> {
        let response = self.application.client_credentials(&self.http).await?;
        self.last = Some(response.tokens().access);
        self.introspect().await
    }

    /// After a crash: its token is verified with the same keys.
    pub(crate) async fn recover(&mut self) -> Result<(), RequestError> {
        self.http = crate::http();
        self.introspect().await
    }

    async fn introspect(&self) -> Result<(), RequestError> {
        if let Some(token) = &self.last {
            let is_active = self.application.is_active(&self.http, token).await?;
            assert!(is_active, "a token of its own: {token}");
        }
        Ok(())
    }
}

/// Repeats an operation while the server responds with 503.
pub(crate) async fn retry_while_unavailable<T>(
    mut what: impl AsyncFnMut() -> Result<T, RequestError>,
) -> Result<T, reqwest::Error> {
    let started_at = Instant::now();
    loop {
        match what().await {
            Ok(done) => return Ok(done),
            Err(RequestError::ConnectionLost(error)) => return Err(error),
            Err(RequestError::Unavailable) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        assert!(started_at.elapsed() < TIMEOUT, "busy for ever");
    }
}

/// A deterministic random number generator: SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}
