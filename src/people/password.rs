//! Passwords: what one must be, and the bounded pool of threads that hash them.
//!
//! A hash takes 19 MiB and a core for some 25 ms, on purpose. So there are as many at once as the
//! configuration has slots, as many waiting as its queue is long, and not one more: a storm of
//! sign-ins takes the cores that it was given and leaves the others to the tokens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::{mpsc, oneshot};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::common;
use super::name::canonical;
use crate::config::Passwords;
use crate::record::Supervisor;
use crate::types::secret::{entropy, same};
use crate::types::{Code, Failure, Refusal, Secret};

/// A password that somebody typed: short enough to be hashed, in the form in which it is hashed.
///
/// Nothing is trimmed, cut or changed in case (THREATS PW-07). It is brought into NFKC, as NIST SP
/// 800-63B-4 §3.1.1.2 advises, because two keyboards may send two encodings of what their owner sees
/// as one letter.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes what was typed, unless it has more than `max_bytes`: then nothing of it is hashed.
    ///
    /// # Errors
    /// When it is too long.
    pub fn read(typed: &Secret, max_bytes: usize) -> Result<Self, Refusal> {
        let typed = typed.expose();
        if typed.len() > max_bytes {
            return Err(Code::InvalidRequest
                .because("the password is too long")
                .with("most", max_bytes));
        }
        // Room enough from the beginning: a string that grows leaves copies of itself behind.
        let mut text = Zeroizing::new(String::with_capacity(typed.len() * 4));
        text.extend(typed.nfkc());
        Ok(Self(text))
    }

    /// Refuses what should not become a password: one with fewer than `min_length` characters, one of
    /// the first that anybody would guess, and one of the account's own names (THREATS PW-08).
    ///
    /// # Errors
    /// When it is one of these.
    pub fn must_resist_guessing(&self, min_length: usize, names: &[&str]) -> Result<(), Refusal> {
        // NIST SP 800-63B-4 §3.1.1.2: each code point counts as one character.
        if self.0.chars().count() < min_length {
            return Err(Code::InvalidRequest
                .because("the password is too short")
                .with("fewest", min_length));
        }
        let folded = Zeroizing::new(canonical(&self.0));
        for name in names {
            let name = canonical(name);
            let local = name.split('@').next().unwrap_or_default();
            if common::is_decorated(&folded, &name) || common::is_decorated(&folded, local) {
                return Err(Code::InvalidRequest.because("the password is the name of the account"));
            }
        }
        if common::is_common(&folded) {
            return Err(Code::InvalidRequest
                .because("the password is among the first that anybody would try"));
        }
        Ok(())
    }
}

/// What came of comparing a password with a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// It is the password.
    pub matches: bool,
    /// It is, and its hash was made at another cost than hashes are made now.
    pub needs_rehash: bool,
}

/// The pool: a thread a slot, each with its memory, and the queue before them.
///
/// The threads run at the priority of the others. Below it they would starve behind a saturated
/// server, and people would wait for minutes; it is their number that keeps them from the tokens.
#[derive(Debug)]
pub struct Hasher {
    queue: mpsc::Sender<Job>,
    params: Params,
    computed: Arc<AtomicU64>,
    dummy_salt: [u8; Salt::RECOMMENDED_LENGTH],
}

type Job = Box<dyn FnOnce(&mut Slot) + Send>;

impl Hasher {
    /// Starts the pool. Its threads end when it is dropped.
    ///
    /// # Errors
    /// When argon2 does not know such a cost, or the system gives no threads.
    pub fn start(config: &Passwords, supervisor: &Supervisor) -> Result<Self, Failure> {
        let params = Params::new(
            config.memory_kib,
            config.iterations,
            config.parallelism,
            Some(Params::DEFAULT_OUTPUT_LEN),
        )
        .map_err(Failure::internal)?;
        let (queue, jobs) = mpsc::channel::<Job>(config.queue + config.hashing_slots);
        let jobs = Arc::new(Mutex::new(jobs));
        let computed = Arc::new(AtomicU64::new(0));
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
                        // A panic costs its sign-in, which is answered as a failure, and not the thread.
                        if supervisor.run("hashing", || job(&mut slot)).is_none() {
                            slot.memory = Vec::new();
                        }
                    }
                })
                .map_err(Failure::internal)?;
        }
        let mut dummy_salt = [0; Salt::RECOMMENDED_LENGTH];
        entropy(&mut dummy_salt);
        Ok(Self { queue, params, computed, dummy_salt })
    }

    /// Takes a place in the queue: first of all, so that whoever is turned away has lost nothing else.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the queue is full.
    pub fn place(&self) -> Result<Place<'_>, Failure> {
        match self.queue.clone().try_reserve_owned() {
            Ok(permit) => Ok(Place { permit, hasher: self }),
            Err(_) => Err(Failure::Busy("too many passwords wait to be hashed")),
        }
    }

    /// How many hashes were computed so far: what throttling is there to bound.
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    fn argon2(&self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
    }

    /// Reads a stored hash. `None`: it is not argon2id, or it was planted to cost us more than a hash
    /// may (THREATS PW-14), and no password is its.
    fn stored(&self, text: &str) -> Option<Stored> {
        const MOST_KIB: u32 = 64 * 1024;
        const MOST_ITERATIONS: u32 = 16;
        const MOST_LANES: u32 = 16;

        let hash = PasswordHash::new(text).ok()?;
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
        let version = hash.version.map_or(Ok(Version::V0x10), Version::try_from).ok()?;
        let params = Params::try_from(&hash).ok()?;
        let bearable = params.m_cost() <= MOST_KIB.max(self.params.m_cost())
            && params.t_cost() <= MOST_ITERATIONS.max(self.params.t_cost())
            && params.p_cost() <= MOST_LANES.max(self.params.p_cost());
        if algorithm != Algorithm::Argon2id || !bearable {
            return None;
        }
        let current = version == Version::V0x13
            && params.m_cost() == self.params.m_cost()
            && params.t_cost() == self.params.t_cost()
            && params.p_cost() == self.params.p_cost();
        Some(Stored {
            argon2: Argon2::new(algorithm, version, params),
            salt: hash.salt?,
            output: hash.hash?,
            current,
        })
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

/// A place in the queue, good for one hash.
#[derive(Debug)]
pub struct Place<'a> {
    permit: mpsc::OwnedPermit<Job>,
    hasher: &'a Hasher,
}

impl Place<'_> {
    /// Hashes a new password: a PHC string, for the store.
    ///
    /// # Errors
    /// When argon2 fails.
    pub async fn hash(self, password: &Password) -> Result<String, Failure> {
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

    /// Compares a password with a stored hash. Where there is none, a hash is computed all the same,
    /// so that the time does not tell who has an account (THREATS UI-15).
    ///
    /// # Errors
    /// When argon2 fails.
    pub async fn verify(
        self,
        password: &Password,
        stored: Option<&str>,
    ) -> Result<Verified, Failure> {
        let readable = stored.and_then(|text| self.hasher.stored(text));
        if stored.is_some() && readable.is_none() {
            tracing::warn!("a stored password hash is not argon2id, or dearer than we compute");
        }
        let dummy = (self.hasher.argon2(), self.hasher.dummy_salt);
        let password = password.clone();
        self.run(move |slot| match readable {
            Some(stored) => {
                let mut output = vec![0; stored.output.len()];
                slot.fill(&stored.argon2, &password, &stored.salt, &mut output)?;
                let matches = same(&output, stored.output.as_bytes());
                Ok(Verified { matches, needs_rehash: matches && !stored.current })
            }
            None => {
                let (argon2, salt) = dummy;
                let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
                slot.fill(&argon2, &password, &salt, &mut output)?;
                Ok(Verified { matches: false, needs_rehash: false })
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Slot) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        self.permit.send(Box::new(move |slot| {
            // Whoever asked may have gone while this waited: then it is not worth a hash.
            if !answer.is_closed() {
                let _ = answer.send(work(slot));
            }
        }));
        answered.await.map_err(|_| Failure::internal("a hashing thread panicked"))?
    }
}

/// What a thread keeps from hash to hash: mapping 19 MiB anew each time costs a tenth of it.
struct Slot {
    memory: Vec<Block>,
    kept: usize,
    computed: Arc<AtomicU64>,
}

impl Slot {
    fn fill(
        &mut self,
        argon2: &Argon2<'_>,
        password: &Password,
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), Failure> {
        self.computed.fetch_add(1, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> Passwords {
        Passwords { memory_kib: 64, iterations: 1, queue: 2, ..Passwords::default() }
    }

    fn typed(text: &str) -> Password {
        Password::read(&Secret::new(text), 1024).unwrap()
    }

    async fn verified(hasher: &Hasher, password: &str, stored: Option<&str>) -> Verified {
        hasher.place().unwrap().verify(&typed(password), stored).await.unwrap()
    }

    const WRONG: Verified = Verified { matches: false, needs_rehash: false };

    /// THREATS PW-07.
    #[tokio::test]
    async fn a_password_is_taken_exactly_as_typed() {
        let hasher = Hasher::start(&cheap(), &Supervisor::default()).unwrap();
        let long = "correct horse battery staple ".repeat(35);
        for password in [" leading and trailing ", "nul\0inside it", "пароль длиной ☃", &long]
        {
            let hash = hasher.place().unwrap().hash(&typed(password)).await.unwrap();

            assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
            assert!(verified(&hasher, password, Some(&hash)).await.matches, "{password}");
            for other in [password.trim_end(), &password[..4], &password.to_uppercase()] {
                let verified = verified(&hasher, other, Some(&hash)).await;
                assert_eq!(verified.matches, other == password, "{other}");
            }
        }
        assert!(Password::read(&Secret::new("x".repeat(1024)), 1024).is_ok());
        assert!(Password::read(&Secret::new("x".repeat(1025)), 1024).is_err());
    }

    /// Two encodings of one text are one password.
    #[tokio::test]
    async fn two_keyboards_send_one_password() {
        let hasher = Hasher::start(&cheap(), &Supervisor::default()).unwrap();
        let hash = hasher.place().unwrap().hash(&typed("cafe\u{301} ｏｎ corner")).await.unwrap();

        assert!(verified(&hasher, "caf\u{e9} on corner", Some(&hash)).await.matches);
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_made_anew_once_it_was_proven() {
        let old = Hasher::start(&cheap(), &Supervisor::default()).unwrap();
        let hash = old.place().unwrap().hash(&typed("a password of old")).await.unwrap();
        let new =
            Hasher::start(&Passwords { iterations: 2, ..cheap() }, &Supervisor::default()).unwrap();

        assert_eq!(
            verified(&new, "a password of old", Some(&hash)).await,
            Verified { matches: true, needs_rehash: true }
        );
        assert_eq!(verified(&new, "another password", Some(&hash)).await, WRONG);
        assert!(!verified(&old, "a password of old", Some(&hash)).await.needs_rehash);
    }

    /// THREATS PW-14: the answer comes although the memory is not there.
    #[tokio::test]
    async fn a_planted_cost_is_not_paid() {
        let hasher = Hasher::start(&cheap(), &Supervisor::default()).unwrap();
        for planted in [
            "$argon2id$v=19$m=4194304,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=4000000,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2d$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA",
            "$2b$12$not.of.ours",
            "",
        ] {
            assert_eq!(verified(&hasher, "whatever it is", Some(planted)).await, WRONG);
        }
        assert_eq!(verified(&hasher, "whatever it is", None).await, WRONG);
    }

    #[tokio::test]
    async fn a_full_queue_turns_away() {
        let hasher = Hasher::start(&cheap(), &Supervisor::default()).unwrap();
        let places: Vec<_> = (0..3).map(|_| hasher.place().unwrap()).collect();

        assert!(matches!(hasher.place(), Err(Failure::Busy(_))));
        drop(places);
        assert!(hasher.place().is_ok());
    }

    /// THREATS EX-26: there is one thread, and it hashes on.
    #[tokio::test]
    async fn a_panic_costs_one_hash_and_the_thread_goes_on() {
        let supervisor = Supervisor::default();
        let hasher = Hasher::start(&cheap(), &supervisor).unwrap();
        let defect = async || {
            let place = hasher.place().unwrap();
            place.run(|_| -> Result<(), Failure> { panic!("a defect") }).await
        };

        for _ in 0..3 {
            supervisor.must_keep_working().unwrap();
            assert!(matches!(defect().await, Err(Failure::Internal(_))));
        }
        while supervisor.must_keep_working().is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        assert!(!verified(&hasher, "whatever it is", None).await.matches);

        assert_eq!(supervisor.count_of("hashing"), 3);
    }

    /// THREATS PW-08.
    #[test]
    fn what_anybody_would_guess_is_refused() {
        let names = ["Zaphod", "beeblebrox@example.org"];
        for password in [
            "short",
            "zaphod",
            "Zaphod123456789!",
            "beeblebrox@example.org",
            "Beeblebrox2026!!",
            "passwordpassword",
            "PasswordPassword1!",
            "aaaaaaaaaaaaaaaaaa",
            "123456789012345678",
            "qwertyuiopasdfghjkl",
            "abcabcabcabcabcabc",
            "letmein1234567890",
        ] {
            assert!(typed(password).must_resist_guessing(15, &names).is_err(), "{password}");
        }
        for password in
            ["correct horse battery staple", "zaphod rides a red bicycle", "ŷäöüßéàçñøåæœþð"]
        {
            assert!(typed(password).must_resist_guessing(15, &names).is_ok(), "{password}");
        }
    }
}
