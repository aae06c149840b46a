//! The bounded pool of threads that hash passwords.
//!
//! A hash takes 19 MiB and some 25 ms of a core by design. The number of concurrent hashes (`hashing_slots`) and of
//! waiting ones (`queue`) is bounded, so that many sign-ins do not slow down token requests. Subscribers take turns in
//! the queue (`turns.rs`).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::{mpsc, oneshot};

use super::Password;
use crate::config::Passwords;
use crate::people::turns::{Turn, Turns};
use crate::record::Supervisor;
use crate::types::secret::{entropy, same};
use crate::types::{Failure, Subscriber};

/// The result of comparing a password with a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether the password is correct.
    pub matches: bool,
    /// Whether it is correct and its stored hash has another cost than the configured one.
    pub needs_rehash: bool,
}

/// The pool: one thread per slot, each with its memory, and the queue before them.
///
/// The threads have normal priority. With a lower one they would starve on a saturated server, and sign-ins would take
/// minutes. Their number bounds their share of the CPU.
#[derive(Debug)]
pub struct Hasher {
    turns: Turns,
    queue: mpsc::Sender<Job>,
    params: Params,
    computed: Arc<Computed>,
    dummy_salt: [u8; Salt::RECOMMENDED_LENGTH],
}

type Job = Box<dyn FnOnce(&mut Slot) + Send>;

/// Counts what was hashed so far.
#[derive(Debug, Default)]
struct Computed {
    hashes: AtomicU64,
    /// Memory in KiB times passes, which the time of a hash is proportional to.
    work: AtomicU64,
}

/// The turns beyond the slots: these attempts query the database for their limits, so that no thread waits for that.
const BESIDE: usize = 2;

/// The maximum number of costs that are computed per attempt.
pub const MOST_COSTS: usize = 4;

impl Hasher {
    /// Starts the pool. Its threads end when it is dropped.
    ///
    /// # Errors
    /// When argon2 refuses the cost, or a thread cannot be started.
    pub fn start(config: &Passwords, supervisor: &Supervisor) -> Result<Self, Failure> {
        let params = Params::new(
            config.memory_kib,
            config.iterations,
            config.parallelism,
            Some(Params::DEFAULT_OUTPUT_LEN),
        )
        .map_err(Failure::internal)?;
        let at_once = config.hashing_slots + BESIDE;
        let (queue, jobs) = mpsc::channel::<Job>(at_once);
        let jobs = Arc::new(Mutex::new(jobs));
        let computed = Arc::new(Computed::default());
        for number in 0..config.hashing_slots {
            let (jobs, supervisor) = (Arc::clone(&jobs), supervisor.clone());
            let mut slot = Slot {
                memory: Vec::new(),
                kept: params.block_count(),
                computed: Arc::clone(&computed),
            };
            std::thread::Builder::new()
                .name(format!("argon2-{number}"))
                .spawn(move || {
                    while let Some(job) = next(&jobs) {
                        // A panic fails its sign-in and does not end the thread.
                        if supervisor.run("hashing", || job(&mut slot)).is_none() {
                            slot.memory = Vec::new();
                        }
                    }
                })
                .map_err(Failure::internal)?;
        }
        let mut dummy_salt = [0; Salt::RECOMMENDED_LENGTH];
        entropy(&mut dummy_salt);
        Ok(Self { turns: Turns::new(at_once, config.queue), queue, params, computed, dummy_salt })
    }

    /// Waits in the queue for a turn of this subscriber.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the queue is full.
    pub async fn place(&self, subscriber: Subscriber) -> Result<Place<'_>, Failure> {
        Ok(Place { _turn: self.turns.take(subscriber).await?, hasher: self })
    }

    /// The number of hashes computed so far, which throttling bounds.
    pub fn computed(&self) -> u64 {
        self.computed.hashes.load(Ordering::Relaxed)
    }

    /// The work of these hashes, in KiB times passes, which must not depend on the name.
    pub fn work(&self) -> u64 {
        self.computed.work.load(Ordering::Relaxed)
    }

    fn argon2(&self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
    }

    /// Parses a stored hash. `None`: it is not argon2id, or it exceeds the maximum cost (THREATS PW-14). No password
    /// matches it then.
    fn parse_stored(&self, text: &str) -> Option<Stored> {
        let hash = PasswordHash::new(text).ok()?;
        let argon2 = self.affordable(&hash)?;
        let current =
            hash.version == Some(Version::V0x13.into()) && is_same_cost(&argon2, &self.argon2());
        Some(Stored { argon2, salt: hash.salt?, output: hash.hash?, current })
    }

    /// The function of a hash, unless it exceeds the maximum cost.
    fn affordable(&self, hash: &PasswordHash) -> Option<Argon2<'static>> {
        const MOST_KIB: u32 = 64 * 1024;
        const MOST_ITERATIONS: u32 = 16;
        const MOST_LANES: u32 = 16;

        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
        let version = hash.version.map_or(Ok(Version::V0x10), Version::try_from).ok()?;
        let params = Params::try_from(hash).ok()?;
        let is_affordable = params.m_cost() <= MOST_KIB.max(self.params.m_cost())
            && params.t_cost() <= MOST_ITERATIONS.max(self.params.t_cost())
            && params.p_cost() <= MOST_LANES.max(self.params.p_cost());
        (algorithm == Algorithm::Argon2id && is_affordable)
            .then(|| Argon2::new(algorithm, version, params))
    }

    /// The functions to compute for every attempt: one per cost in the store, for every name. Otherwise the time would
    /// tell an old account from a new one and from none (THREATS UI-15, EX-15).
    fn payable(&self, costs: &[String]) -> Vec<Argon2<'static>> {
        // Completes a PHC string so that its parameters can be parsed.
        const REST: &str = "$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let parse = |cost: &String| {
            let text = format!("{cost}{REST}");
            PasswordHash::new(&text).ok().and_then(|hash| self.affordable(&hash))
        };
        let mut payable: Vec<_> = costs.iter().filter_map(parse).collect();
        if payable.is_empty() {
            payable.push(self.argon2());
        }
        payable
    }
}

fn next(jobs: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
}

struct Stored {
    argon2: Argon2<'static>,
    salt: Salt,
    output: Output,
    current: bool,
}

/// A turn to hash, passed on to the next in the queue when dropped.
#[derive(Debug)]
pub struct Place<'a> {
    _turn: Turn,
    hasher: &'a Hasher,
}

impl Place<'_> {
    /// Hashes a new password. Returns a PHC string for the store.
    ///
    /// # Errors
    /// When argon2 fails.
    pub async fn hash(&self, password: &Password) -> Result<String, Failure> {
        let argon2 = self.hasher.argon2();
        let password = password.clone();
        self.run(move |slot| {
            let mut salt = [0; Salt::RECOMMENDED_LENGTH];
            entropy(&mut salt);
            let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
            slot.fill(&argon2, &password, &salt, &mut output)?;
            let text = PasswordHash {
                algorithm: Algorithm::Argon2id.ident(),
                version: Some(Version::V0x13.into()),
                params: ParamsString::try_from(argon2.params()).map_err(Failure::internal)?,
                salt: Some(Salt::new(&salt).map_err(Failure::internal)?),
                hash: Some(Output::new(&output).map_err(Failure::internal)?),
            };
            Ok(text.to_string())
        })
        .await
    }

    /// Compares a password with a stored hash. One hash per entry of `costs` is computed in every case, so that the
    /// time reveals neither whether an account exists nor its age (THREATS UI-15, EX-15).
    ///
    /// # Errors
    /// When argon2 fails.
    pub async fn verify(
        &self,
        password: &Password,
        stored: Option<&str>,
        costs: &[String],
    ) -> Result<Verified, Failure> {
        let readable = stored.and_then(|text| self.hasher.parse_stored(text));
        if stored.is_some() && readable.is_none() {
            tracing::warn!("a stored password hash is not argon2id, or dearer than we compute");
        }
        let mut payable = self.hasher.payable(costs);
        if let Some(stored) = &readable {
            payable.retain(|cost| !is_same_cost(cost, &stored.argon2));
        }
        let dummy_salt = self.hasher.dummy_salt;
        let password = password.clone();
        self.run(move |slot| {
            for argon2 in payable {
                let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
                slot.fill(&argon2, &password, &dummy_salt, &mut output)?;
            }
            let Some(stored) = readable else {
                return Ok(Verified { matches: false, needs_rehash: false });
            };
            let mut output = vec![0; stored.output.len()];
            slot.fill(&stored.argon2, &password, &stored.salt, &mut output)?;
            let matches = same(&output, stored.output.as_bytes());
            Ok(Verified { matches, needs_rehash: matches && !stored.current })
        })
        .await
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Slot) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        const ENDED: &str = "a hashing thread panicked";
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |slot| {
            // The request may have been cancelled while this job waited.
            if !sender.is_closed() {
                let _ = sender.send(work(slot));
            }
        });
        self.hasher.queue.send(job).await.map_err(|_| Failure::internal(ENDED))?;
        receiver.await.map_err(|_| Failure::internal(ENDED))?
    }
}

fn is_same_cost(one: &Argon2<'_>, other: &Argon2<'_>) -> bool {
    let cost = |argon2: &Argon2<'_>| {
        let params = argon2.params();
        (params.m_cost(), params.t_cost(), params.p_cost())
    };
    cost(one) == cost(other)
}

/// The memory that a thread reuses: mapping 19 MiB for each hash would take a tenth of its time.
pub(super) struct Slot {
    memory: Vec<Block>,
    kept: usize,
    computed: Arc<Computed>,
}

impl Slot {
    fn fill(
        &mut self,
        argon2: &Argon2<'_>,
        password: &Password,
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), Failure> {
        let params = argon2.params();
        let work = u64::from(params.m_cost()) * u64::from(params.t_cost());
        self.computed.hashes.fetch_add(1, Ordering::Relaxed);
        self.computed.work.fetch_add(work, Ordering::Relaxed);
        let blocks = argon2.params().block_count();
        if self.memory.len() < blocks {
            self.memory.resize(blocks, Block::default());
        }
        let filled = argon2.hash_password_into_with_memory(
            password.0.as_bytes(),
            salt,
            output,
            self.memory.as_mut_slice(),
        );
        if self.memory.len() > self.kept {
            self.memory.truncate(self.kept);
            self.memory.shrink_to_fit();
        }
        filled.map_err(Failure::internal)
    }
}
