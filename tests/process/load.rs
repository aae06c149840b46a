//! Clients that use a server as hard as they can, and check all later behaviour against the responses
//! that they got (THREATS §4.1, H6).
//!
//! A client does one thing after the other. An unanswered request stays its state and is retried after
//! a crash, as an application does that lost its connection. Responses are its history, which no crash
//! may change.

use std::time::{Duration, Instant};

use crate::TIMEOUT;
use crate::application::{Application, Code, Person, Response, Tokens, Trouble};
use crate::browser::Browser;

/// A grant, and the tokens that descend from it.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    pub(crate) grant: String,
    /// The refresh token that was issued for the code.
    first: String,
    /// The latest tokens.
    live: Tokens,
    /// The number of acknowledged refresh tokens.
    pub(crate) generation: i64,
}

/// The way in which a grant ends.
#[derive(Clone, Copy, Debug)]
enum End {
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
    Holding(Family),
    /// The end of the grant was requested, and not acknowledged.
    Ending(Family, End),
}

/// Tokens whose end was acknowledged.
#[derive(Clone, Debug)]
struct EndedTokens {
    refresh: String,
    access: String,
}

impl EndedTokens {
    fn of(tokens: Tokens) -> Self {
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
    parked: Vec<Family>,
    dead: Vec<EndedTokens>,
    /// The number of ended grants that were checked since the last crash.
    looked_at: usize,
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
    pub(crate) fn of(application: &Application, person: &Person, rng: Rng) -> Self {
        Self {
            application: application.clone(),
            browser: Browser::of(person),
            http: crate::http(),
            rng,
            state: State::Idle,
            history: History::default(),
        }
    }

    /// The current grant.
    pub(crate) fn held(&self) -> Option<&Family> {
        match &self.state {
            State::Holding(family) => Some(family),
            State::Idle | State::Redeeming(..) | State::Ending(..) => None,
        }
    }

    /// Performs the next step.
    pub(crate) async fn step(&mut self) -> Result<(), Trouble> {
        match self.state.clone() {
            State::Idle => self.begin().await,
            State::Redeeming(code, again) => self.redeem(code, again).await,
            State::Ending(family, end) => self.end(family, end).await,
            State::Holding(family) => match self.rng.below(12) {
                0 => {
                    self.history.parked.push(family);
                    self.state = State::Idle;
                    Ok(())
                }
                1 => self.end(family, End::Revocation).await,
                2 => self.end(family, End::SignOut).await,
                3 if family.generation > 2 => self.end(family, End::Replay).await,
                4 | 5 => self.use_access(&family).await,
                6 | 7 => self.refresh_twice(family).await,
                _ => self.refresh(family).await,
            },
        }
    }

    /// Signs in, if necessary, until there is a grant.
    pub(crate) async fn settle(&mut self) -> Result<(), Trouble> {
        while self.held().is_none() {
            self.step().await?;
        }
        Ok(())
    }

    /// Refreshes the current grant.
    pub(crate) async fn refresh_held(&mut self) -> Result<(), Trouble> {
        let family = self.held().expect("a family").clone();
        self.refresh(family).await
    }

    /// After a crash: retries the unanswered request, and checks the history.
    pub(crate) async fn recover(&mut self) -> Result<(), Trouble> {
        self.http = crate::http();
        self.browser.reconnect();
        while matches!(self.state, State::Redeeming(..) | State::Ending(..)) {
            self.step().await?;
        }
        // the last acknowledged refresh token works, or its response is repeated.
        if self.held().is_some() {
            self.refresh_held().await?;
        }
        if !self.history.parked.is_empty() {
            let one = self.rng.below(self.history.parked.len());
            self.refresh_parked(one).await?;
        }
        // everything that ended since the last crash, and one grant that ended before.
        let before = self.history.looked_at;
        if before > 0 {
            let one = self.rng.below(before);
            self.must_have_ended(&self.history.dead[one]).await?;
        }
        for dead in &self.history.dead[before..] {
            self.must_have_ended(dead).await?;
        }
        self.history.looked_at = self.history.dead.len();
        Ok(())
    }

    /// Checks the whole history.
    pub(crate) async fn look_back(&mut self) -> Result<(), Trouble> {
        for dead in &self.history.dead {
            self.must_have_ended(dead).await?;
        }
        for one in 0..self.history.parked.len() {
            self.refresh_parked(one).await?;
        }
        Ok(())
    }

    async fn begin(&mut self) -> Result<(), Trouble> {
        let code = self.application.authorize(&mut self.browser).await?;
        self.state = State::Redeeming(code, false);
        Ok(())
    }

    /// a code is redeemed once. If the response was lost, the retry is a replay, which is refused
    /// and ends the unknown grant.
    async fn redeem(&mut self, code: Code, again: bool) -> Result<(), Trouble> {
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
        self.state = State::Holding(Family { grant, first, live: tokens, generation: 1 });
        Ok(())
    }

    /// only ever the successor, whatever failed meanwhile.
    async fn refresh(&mut self, family: Family) -> Result<(), Trouble> {
        let response = self.application.refresh(&self.http, &family.live.refresh).await?;
        self.state = State::Holding(family.refreshed(&response));
        Ok(())
    }

    /// Two concurrent requests with the same refresh token get the same successor.
    async fn refresh_twice(&mut self, family: Family) -> Result<(), Trouble> {
        let (one, other) = tokio::join!(
            self.application.refresh(&self.http, &family.live.refresh),
            self.application.refresh(&self.http, &family.live.refresh),
        );
        if let (Ok(one), Ok(other)) = (&one, &other) {
            assert_eq!(one.tokens().refresh, other.tokens().refresh, "two different successors");
        }
        if let Some(response) = one.as_ref().ok().or(other.as_ref().ok()) {
            self.state = State::Holding(family.refreshed(response));
        }
        one.and(other).map(drop)
    }

    async fn refresh_parked(&mut self, one: usize) -> Result<(), Trouble> {
        let family = &self.history.parked[one];
        let response = self.application.refresh(&self.http, &family.live.refresh).await?;
        self.history.parked[one] = family.clone().refreshed(&response);
        Ok(())
    }

    async fn use_access(&self, family: &Family) -> Result<(), Trouble> {
        let is_active = self.application.is_active(&self.http, &family.live.access).await?;
        assert!(is_active, "a token of a valid grant: {family:?}");
        Ok(())
    }

    /// once the end is acknowledged no token of the grant is accepted, not even one from a
    /// concurrent refresh.
    async fn end(&mut self, family: Family, end: End) -> Result<(), Trouble> {
        self.state = State::Ending(family.clone(), end);
        let Self { application, browser, http, .. } = self;
        let asking = async {
            match end {
                End::Revocation => {
                    let response = application.revoke(http, &family.live.refresh).await?;
                    assert_eq!(response.status, 200, "{response:?}");
                }
                End::Replay => {
                    let response = application.refresh(http, &family.first).await?;
                    assert!(response.is_refusal("invalid_grant"), "{response:?}");
                }
                End::SignOut => application.sign_out(browser, &family.live.id).await?,
            }
            Ok(())
        };
        let racing = application.refresh(http, &family.live.refresh);
        let (acknowledged, raced) = tokio::join!(asking, racing);
        acknowledged?;

        let raced =
            raced.ok().filter(|response| response.status == 200).map(|response| response.tokens());
        let last = raced.unwrap_or(family.live);
        let dead = EndedTokens::of(last);
        self.history.dead.push(dead.clone());
        if matches!(end, End::SignOut) {
            // Grants that are bound to the session end with it.
            let parked = self.history.parked.drain(..);
            self.history.dead.extend(parked.map(|family| EndedTokens::of(family.live)));
        }
        self.state = State::Idle;
        self.must_have_ended(&dead).await
    }

    async fn must_have_ended(&self, dead: &EndedTokens) -> Result<(), Trouble> {
        let is_active = self.application.is_active(&self.http, &dead.access).await?;
        assert!(!is_active, "X-04: an access token of an ended grant: {dead:?}");
        let response = self.application.refresh(&self.http, &dead.refresh).await?;
        assert!(response.is_refusal("invalid_grant"), "X-04: {response:?} to {dead:?}");
        Ok(())
    }
}

impl Family {
    fn refreshed(self, response: &Response) -> Self {
        let live = response.tokens();
        assert_ne!(live.refresh, self.live.refresh, "it rotates");
        assert_eq!(live.grant(), self.grant);
        // A sign-out needs an ID token, and a refresh returns one.
        Self { live, generation: self.generation + 1, ..self }
    }
}

/// A client with the client credentials grant.
pub(crate) struct Service {
    application: Application,
    http: reqwest::Client,
    last: Option<String>,
}

impl Service {
    pub(crate) fn of(application: &Application) -> Self {
        Self { application: application.clone(), http: crate::http(), last: None }
    }

    /// Requests a token, and introspects it.
    pub(crate) async fn step(&mut self) -> Result<(), Trouble> {
        let response = self.application.credentials(&self.http).await?;
        self.last = Some(response.tokens().access);
        self.look().await
    }

    /// After a crash: its token is verified with the same keys.
    pub(crate) async fn recover(&mut self) -> Result<(), Trouble> {
        self.http = crate::http();
        self.look().await
    }

    async fn look(&self) -> Result<(), Trouble> {
        if let Some(token) = &self.last {
            let is_active = self.application.is_active(&self.http, token).await?;
            assert!(is_active, "a token of its own: {token}");
        }
        Ok(())
    }
}

/// Repeats an operation while the server responds with 503.
pub(crate) async fn patiently<T>(
    mut what: impl AsyncFnMut() -> Result<T, Trouble>,
) -> Result<T, reqwest::Error> {
    let started_at = Instant::now();
    loop {
        match what().await {
            Ok(done) => return Ok(done),
            Err(Trouble::Broken(error)) => return Err(error),
            Err(Trouble::Busy) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        assert!(started_at.elapsed() < TIMEOUT, "busy for ever");
    }
}

/// A deterministic random number generator: SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) const fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.throw() % end as u64).unwrap()
    }
}
