//! Problems of a configuration: place, key, reason and remedy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// The origin of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    /// A line of the configuration file.
    File {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1; `None` for the whole file.
        line: Option<usize>,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: String,
    },
    /// A file that holds one secret, named by the `…_file` key.
    SecretFile {
        /// The file.
        file: PathBuf,
    },
    /// The key is not set.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line: Some(line) } => write!(f, "{}:{line}", file.display()),
            Self::File { file, line: None } => write!(f, "{}", file.display()),
            Self::Environment { variable } => f.write_str(variable),
            Self::SecretFile { file } => write!(f, "secret file {}", file.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One problem. It never contains a value, which could be a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Its place; [`Origin::Default`] if it has none.
    #[serde(flatten)]
    pub origin: Origin,
    /// The key with its table, such as `http.listen`; empty for the whole file.
    pub key: String,
    /// The reason.
    pub reason: String,
    /// The remedy.
    pub remedy: String,
}

impl Problem {
    /// A problem without a place; see `Problem::at`.
    pub fn new(
        key: impl Into<String>,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (key, reason, remedy) = (key.into(), reason.into(), remedy.into());
        Self { origin: Origin::Default, key, reason, remedy }
    }

    /// Sets its place.
    pub(super) fn at(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// Sets its place to where its key was set.
    pub(super) fn located(mut self, origins: &BTreeMap<String, Origin>) -> Self {
        if let Some(origin) = origins.get(&self.key) {
            self.origin = origin.clone();
        }
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.origin != Origin::Default {
            write!(f, "{}: ", self.origin)?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}; {}", self.reason, self.remedy)
    }
}

/// All problems, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problems {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl Problems {
    /// Sorts them.
    pub(super) fn of(mut problems: Vec<Problem>) -> Self {
        problems.sort();
        Self { problems }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [only] => write!(f, "the configuration has a problem:\n  {only}"),
            many => {
                write!(f, "the configuration has {} problems:", many.len())?;
                many.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

impl std::error::Error for Problems {}

/// Values that contradict each other: problems that no single key shows.
#[derive(Debug, Default)]
pub(super) struct Contradictions(Vec<(Vec<&'static str>, Problem)>);

impl Contradictions {
    /// Adds one, with the keys that it concerns; it is reported at the first of them.
    pub(super) fn add(&mut self, keys: &[&'static str], reason: impl Into<String>, remedy: &str) {
        let key = keys.first().copied().unwrap_or_default();
        self.0.push((keys.to_vec(), Problem::new(key, reason, remedy)));
    }

    /// Adds one if the value of the first key is greater than that of the second.
    pub(super) fn at_most<T: PartialOrd>(
        &mut self,
        (small, value): (&'static str, T),
        (large, limit): (&'static str, T),
    ) {
        if value > limit {
            let reason = format!("is more than {large}");
            self.add(&[small, large], reason, "lower it, or raise the other");
        }
    }

    /// All of them, except those with a key that has a problem of its own.
    pub(super) fn without_keys_of(self, problems: &[Problem]) -> impl Iterator<Item = Problem> {
        let known: BTreeSet<_> = problems.iter().map(|problem| problem.key.clone()).collect();
        self.0
            .into_iter()
            .filter(move |(keys, _)| !keys.iter().any(|key| known.contains(*key)))
            .map(|(_, problem)| problem)
    }
}

/// The reason for a path that is not a file.
pub(super) fn not_a_file(path: &Path) -> String {
    format!("names {}, which is not a file", path.display())
}
