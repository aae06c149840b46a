//! The sources of values: the environment before the file, the file before the default.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::file::File;
use super::problem::{Origin, Problem};
use super::secrets;
use super::table::{self, LOG, PREFIX, Spec};
use super::value::{InvalidValue, RawValue, Value};

/// The environment variables with our prefix. One that is not Unicode contains a replacement character,
/// which is refused.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |os: OsString| os.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(move |(name, value)| (text(name), text(value)))
        .filter(|(name, _)| name.starts_with(PREFIX))
}

/// Reads one key after the other, and collects the problems.
pub(super) struct Reader<'a> {
    file: Option<&'a File>,
    /// Whether there is a file that cannot be read.
    pub(super) unreadable: bool,
    env: &'a BTreeMap<String, String>,
    /// The secrets read from files, by the path of the key.
    secrets: BTreeMap<String, (PathBuf, Zeroizing<String>)>,
    pub(super) origins: BTreeMap<String, Origin>,
    /// Whether a required key is missing.
    pub(super) lacks: bool,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Reads the environment before the file. `problem` is why the file cannot be read, if there is one.
    pub(super) fn new(
        file: Option<&'a File>,
        env: &'a BTreeMap<String, String>,
        problem: Option<Problem>,
    ) -> Self {
        Self {
            file,
            unreadable: problem.is_some(),
            env,
            secrets: BTreeMap::new(),
            origins: BTreeMap::new(),
            lacks: false,
            problems: problem.into_iter().collect(),
        }
    }

    /// The value of a key: from the environment, else from the file, else the default.
    pub(super) fn key<T: Value>(&mut self, spec: &Spec<T>) -> T {
        let path = spec.path();
        if let Some((file, text)) = self.secrets.remove(&path) {
            let origin = Origin::SecretFile { file };
            return self.validated(spec, path, origin, &RawValue::Untyped(&text));
        }
        if let Some((origin, raw)) = self.find(spec.table, spec.name) {
            return self.validated(spec, path, origin, &raw);
        }
        let in_a_file = spec.file.is_some_and(|file| self.find(spec.table, file).is_some());
        if let Some(because) = spec.required
            && !self.unreadable
            && !in_a_file
        {
            self.lacks = true;
            let variable = table::variable(spec.table, spec.name);
            let remedy = format!("write {}, or set {variable}", T::FORM);
            self.problems.push(Problem::new(path, format!("is missing, but {because}"), remedy));
        }
        (spec.default)().rooted(self.file.map_or(Path::new(""), File::directory))
    }

    /// Reads the file of a secret, if one is named, for [`Reader::key`].
    pub(super) fn secret_file<T>(&mut self, spec: &Spec<T>, name: &'static str) -> Option<PathBuf> {
        let (origin, raw) = self.find(spec.table, name)?;
        let path = table::path(spec.table, name);
        if let Some((beside, _)) = self.find(spec.table, spec.name) {
            // The environment wins, as for every key; two in the same source are ambiguous.
            let layer = |origin: &Origin| matches!(origin, Origin::Environment { .. });
            match (layer(&origin), layer(&beside)) {
                (true, false) => {}
                (false, true) => return None,
                (true, true) | (false, false) => {
                    let reason = format!("is given beside {}", spec.name);
                    let remedy = format!("leave out one of {} and {name}", spec.name);
                    self.problems.push(Problem::new(path, reason, remedy).at(origin));
                    return None;
                }
            }
        }
        let read = PathBuf::read(&raw).map(|file| self.rooted(file, &origin));
        match read.and_then(|file| secrets::file(&file).map(|text| (file, text))) {
            Ok((file, text)) => {
                self.secrets.insert(table::path(spec.table, spec.name), (file.clone(), text));
                self.origins.insert(path, origin);
                Some(file)
            }
            Err(wrong) => {
                self.refuse::<PathBuf>(path, origin, wrong);
                None
            }
        }
    }

    fn find(&self, table: &str, key: &str) -> Option<(Origin, RawValue<'a>)> {
        let mut variable = table::variable(table, key);
        if variable == table::variable("log", "level") && !self.env.contains_key(&variable) {
            variable = LOG.to_owned();
        }
        if let Some(text) = self.env.get(&variable) {
            return Some((Origin::Environment { variable }, RawValue::Untyped(text)));
        }
        self.file?.find(table, key)
    }

    fn rooted<T: Value>(&self, value: T, origin: &Origin) -> T {
        match (origin, self.file) {
            (Origin::File { .. }, Some(file)) => value.rooted(file.directory()),
            _ => value,
        }
    }

    fn validated<T: Value>(
        &mut self,
        spec: &Spec<T>,
        path: String,
        origin: Origin,
        raw: &RawValue<'_>,
    ) -> T {
        let is_not_utf8 =
            matches!(raw, RawValue::Untyped(text) if text.contains(char::REPLACEMENT_CHARACTER));
        let read = if is_not_utf8 { Err("is not UTF-8".into()) } else { T::read(raw) };
        match read.and_then(|value| bounded(value, (spec.within)())) {
            Ok(value) => {
                let value = self.rooted(value, &origin);
                self.origins.insert(path, origin);
                value
            }
            Err(wrong) => {
                self.refuse::<T>(path, origin, wrong);
                (spec.default)()
            }
        }
    }

    fn refuse<T: Value>(&mut self, path: String, origin: Origin, wrong: InvalidValue) {
        let remedy = wrong.remedy.unwrap_or_else(|| format!("write {}", T::FORM));
        self.problems.push(Problem::new(path, wrong.reason, remedy).at(origin));
    }
}

/// Refuses a value that is out of bounds.
fn bounded<T: Value>(value: T, within: Option<(T, T)>) -> Result<T, InvalidValue> {
    let Some((least, most)) = within else { return Ok(value) };
    let reason = if value.measure() < least.measure() {
        "is too small"
    } else if value.measure() > most.measure() {
        "is too large"
    } else {
        return Ok(value);
    };
    let text = |bound: T| bound.show().map(|value| value.to_string()).unwrap_or_default();
    Err(InvalidValue::with_remedy(reason, format!("write {} to {}", text(least), text(most))))
}
