//! [`Config::load`]: reads the file and the environment, and reports all problems at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::file::File;
use super::problem::{Origin, Problem, Problems};
use super::source::Reader;
use super::table::PREFIX;
use super::tables::Config;
use super::unknown;

/// A valid configuration, and where each of its values came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// The file, if there was one.
    pub file: Option<PathBuf>,
    /// Where each key was set, by its path (`http.listen`); defaults are not in it.
    pub origins: BTreeMap<String, Origin>,
}

impl Config {
    /// Reads and checks the file and the environment. The result is valid; no later code checks it
    /// again.
    ///
    /// A missing file is a problem only if it was named explicitly (`explicit`): the environment
    /// alone is enough. `env` is [`crate::environment`], except in tests.
    ///
    /// # Errors
    /// All problems at once, each with its line, its key, the reason and the remedy.
    pub fn load(
        path: &Path,
        explicit: bool,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Loaded, Problems> {
        let env: BTreeMap<_, _> = env.filter(|(name, _)| name.starts_with(PREFIX)).collect();
        let (file, problem) = match File::open(path, explicit) {
            Ok(file) => (file, None),
            Err(problem) => (None, Some(problem)),
        };
        let mut reader = Reader::new(file.as_ref(), &env, problem);
        let config = Self::read(&mut reader);
        let Reader { mut problems, origins, unreadable, lacks, .. } = reader;
        if lacks && file.is_none() {
            problems.push(absent(path));
        }
        problems.extend(unknown::problems(file.as_ref(), &env, &Self::tables()));
        if !unreadable {
            let contradictions = config.contradictions().without_keys_of(&problems);
            let contradictions: Vec<_> =
                contradictions.map(|problem| problem.located(&origins)).collect();
            problems.extend(contradictions);
        }
        if problems.is_empty() {
            Ok(Loaded { config, file: file.map(|file| file.path), origins })
        } else {
            Err(Problems::of(problems))
        }
    }
}

/// The default file does not exist: the reason why the values in it are missing.
fn absent(path: &Path) -> Problem {
    let file = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let remedy = "create one with `gatewright init`, name another with --config or GATEWRIGHT_CONFIG, \
                  or set what follows in the environment";
    let reason = "there is no such file, and it is the default path";
    Problem::new("", reason, remedy).at(Origin::File { file, line: None })
}
