//! Clients that use a server as hard as they can, and hold it to everything that it ever told them
//! (THREATS §4.1, H6).
//!
//! A client does one thing after the other. What it has asked for without an answer stays its state,
//! so after a crash it asks again, as an application does that lost its connection; what it was
//! answered is its history, which no crash may change.

use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::application::{Answer, Application, Code, Person, Tokens, Trouble};
use crate::browser::Browser;

/// One authorization, and the tokens that came of it.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    pub(crate) grant: String,
    /// The refresh token that came with the code.
    first: String,
    /// The tokens that came last.
    live: Tokens,
    /// As many refresh tokens as were acknowledged.
    pub(crate) generation: i64,
}

/// How a family ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// RFC 7009.
    Revocation,
    /// A refresh token from before the last two.
    Replay,
    /// The person signs out.
    SignOut,
}

/// What a client is at.
#[derive(Clone, Debug)]
enum State {
    Idle,
    /// A code was sent to the token endpoint; `again` if that was done before.
    Redeeming(Code, bool),
    Holding(Family),
    /// It was asked that the family end, and not answered.
    Ending(Family, End),
}

/// Tokens of which it was acknowledged that they count for nothing any more.
#[derive(Clone, Debug)]
struct Dead {
    refresh: String,
    access: String,
}

impl Dead {
    fn of(tokens: Tokens) -> Self {
        Self { refresh: tokens.refresh, access: tokens.access }
    }
}

/// What a client was told.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// The grant of each code that was redeemed.
    pub(crate) granted: Vec<String>,
    /// Codes whose first redemption was not answered, and whose second was refused.
    pub(crate) lost: Vec<Code>,
    /// Families that were left alone, all of the present session.
    parked: Vec<Family>,
    dead: Vec<Dead>,
    /// As many of the dead as were looked at since the last crash.
    looked_at: usize,
}

/// A client of people: it signs somebody in, refreshes, revokes, and begins again.
pub(crate) struct Client {
    application: Application,
    browser: Browser,
    http: reqwest::Client,
    dice: Dice,
    state: State,
    pub(crate) history: History,
}

impl Client {
    pub(crate) fn of(application: &Application, person: &Person, dice: Dice) -> Self {
        Self {
            application: application.clone(),
            browser: Browser::of(person),
            http: crate::http(),
            dice,
            state: State::Idle,
            history: History::default(),
        }
    }

    /// The family that it holds.
    pub(crate) fn held(&self) -> Option<&Family> {
        match &self.state {
            State::Holding(family) => Some(family),
            State::Idle | State::Redeeming(..) | State::Ending(..) => None,
        }
    }

    /// Does the next thing.
    pub(crate) async fn step(&mut self) -> Result<(), Trouble> {
        match self.state.clone() {
            State::Idle => self.begin().await,
            State::Redeeming(code, again) => self.redeem(code, again).await,
            State::Ending(family, end) => self.end(family, end).await,
            State::Holding(family) => match self.dice.below(12) {
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

    /// Signs in, or is signed in already, until there is a family.
    pub(crate) async fn settle(&mut self) -> Result<(), Trouble> {
        while self.held().is_none() {
            self.step().await?;
        }
        Ok(())
    }

    /// Refreshes the family that it holds.
    pub(crate) async fn refresh_held(&mut self) -> Result<(), Trouble> {
        let family = self.held().expect("a family").clone();
        self.refresh(family).await
    }

    /// After a crash: asks again for what was not answered, and looks at what was.
    pub(crate) async fn recover(&mut self) -> Result<(), Trouble> {
        self.http = crate::http();
        self.browser.reconnect();
        while matches!(self.state, State::Redeeming(..) | State::Ending(..)) {
            self.step().await?;
        }
        // the last refresh token that was acknowledged goes on, or gives its successor again.
        if self.held().is_some() {
            self.refresh_held().await?;
        }
        if !self.history.parked.is_empty() {
            let one = self.dice.below(self.history.parked.len());
            self.refresh_parked(one).await?;
        }
        // everything that died since the last crash, and one that did before.
        let before = self.history.looked_at;
        if before > 0 {
            let one = self.dice.below(before);
            self.must_be_dead(&self.history.dead[one]).await?;
        }
        for dead in &self.history.dead[before..] {
            self.must_be_dead(dead).await?;
        }
        self.history.looked_at = self.history.dead.len();
        Ok(())
    }

    /// Looks at everything that it was ever told.
    pub(crate) async fn look_back(&mut self) -> Result<(), Trouble> {
        for dead in &self.history.dead {
            self.must_be_dead(dead).await?;
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

    /// a code gives one family. Where the answer was lost, a second try is reuse, which is refused
    /// and ends the family that nobody has.
    async fn redeem(&mut self, code: Code, again: bool) -> Result<(), Trouble> {
        self.state = State::Redeeming(code.clone(), true);
        let answer = self.application.redeem(&self.http, &code).await?;
        if again && answer.is_refusal("invalid_grant") {
            self.history.lost.push(code);
            self.state = State::Idle;
            return Ok(());
        }
        let tokens = answer.tokens();
        let grant = tokens.grant();
        self.history.granted.push(grant.clone());
        let first = tokens.refresh.clone();
        self.state = State::Holding(Family { grant, first, live: tokens, generation: 1 });
        Ok(())
    }

    /// never anything but the successor, whatever broke meanwhile.
    async fn refresh(&mut self, family: Family) -> Result<(), Trouble> {
        let answer = self.application.refresh(&self.http, &family.live.refresh).await?;
        self.state = State::Holding(family.refreshed(&answer));
        Ok(())
    }

    /// Two requests at once with the same refresh token are given the same successor.
    async fn refresh_twice(&mut self, family: Family) -> Result<(), Trouble> {
        let (one, other) = tokio::join!(
            self.application.refresh(&self.http, &family.live.refresh),
            self.application.refresh(&self.http, &family.live.refresh),
        );
        if let (Ok(one), Ok(other)) = (&one, &other) {
            assert_eq!(one.tokens().refresh, other.tokens().refresh, "two leaves");
        }
        if let Some(answer) = one.as_ref().ok().or(other.as_ref().ok()) {
            self.state = State::Holding(family.refreshed(answer));
        }
        one.and(other).map(drop)
    }

    async fn refresh_parked(&mut self, one: usize) -> Result<(), Trouble> {
        let family = &self.history.parked[one];
        let answer = self.application.refresh(&self.http, &family.live.refresh).await?;
        self.history.parked[one] = family.clone().refreshed(&answer);
        Ok(())
    }

    async fn use_access(&self, family: &Family) -> Result<(), Trouble> {
        let is_active = self.application.is_active(&self.http, &family.live.access).await?;
        assert!(is_active, "a token of a live family: {family:?}");
        Ok(())
    }

    /// once the end is acknowledged nothing of the family is accepted, not even what a refresh was
    /// given that raced with it.
    async fn end(&mut self, family: Family, end: End) -> Result<(), Trouble> {
        self.state = State::Ending(family.clone(), end);
        let Self { application, browser, http, .. } = self;
        let asking = async {
            match end {
                End::Revocation => {
                    let answer = application.revoke(http, &family.live.refresh).await?;
                    assert_eq!(answer.status, 200, "{answer:?}");
                }
                End::Replay => {
                    let answer = application.refresh(http, &family.first).await?;
                    assert!(answer.is_refusal("invalid_grant"), "{answer:?}");
                }
                End::SignOut => application.sign_out(browser, &family.live.id).await?,
            }
            Ok(())
        };
        let racing = application.refresh(http, &family.live.refresh);
        let (acknowledged, raced) = tokio::join!(asking, racing);
        acknowledged?;

        let raced = raced.ok().filter(|answer| answer.status == 200).map(|answer| answer.tokens());
        let last = raced.unwrap_or(family.live);
        let dead = Dead::of(last);
        self.history.dead.push(dead.clone());
        if matches!(end, End::SignOut) {
            // Whatever lives with a session dies with it.
            let parked = self.history.parked.drain(..);
            self.history.dead.extend(parked.map(|family| Dead::of(family.live)));
        }
        self.state = State::Idle;
        self.must_be_dead(&dead).await
    }

    async fn must_be_dead(&self, dead: &Dead) -> Result<(), Trouble> {
        let is_active = self.application.is_active(&self.http, &dead.access).await?;
        assert!(!is_active, "X-04: an access token of an ended family: {dead:?}");
        let answer = self.application.refresh(&self.http, &dead.refresh).await?;
        assert!(answer.is_refusal("invalid_grant"), "X-04: {answer:?} to {dead:?}");
        Ok(())
    }
}

impl Family {
    fn refreshed(self, answer: &Answer) -> Self {
        let live = answer.tokens();
        assert_ne!(live.refresh, self.live.refresh, "it rotates");
        assert_eq!(live.grant(), self.grant);
        // An answer to a sign-out needs an ID token; a refresh brings one.
        Self { live, generation: self.generation + 1, ..self }
    }
}

/// A client that acts for itself.
pub(crate) struct Service {
    application: Application,
    http: reqwest::Client,
    last: Option<String>,
}

impl Service {
    pub(crate) fn of(application: &Application) -> Self {
        Self { application: application.clone(), http: crate::http(), last: None }
    }

    /// Gets a token, and has it looked at.
    pub(crate) async fn step(&mut self) -> Result<(), Trouble> {
        let answer = self.application.credentials(&self.http).await?;
        self.last = Some(answer.tokens().access);
        self.look().await
    }

    /// After a crash: the keys that verify its token are the same.
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

/// Does something again, as long as the server says that it is busy.
pub(crate) async fn patiently<T>(
    mut what: impl AsyncFnMut() -> Result<T, Trouble>,
) -> Result<T, reqwest::Error> {
    let begun = Instant::now();
    loop {
        match what().await {
            Ok(done) => return Ok(done),
            Err(Trouble::Broken(error)) => return Err(error),
            Err(Trouble::Busy) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        assert!(begun.elapsed() < PATIENCE, "busy for ever");
    }
}

/// Randomness that can be had again: SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
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
