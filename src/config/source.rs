//! Where values come from: the environment before the file, the file before the default.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml_edit::{Document, TableLike};
use zeroize::Zeroizing;

use super::problem::{Origin, Problem, Problems};
use super::table::{self, PREFIX, Spec, Table};
use super::value::{Raw, Value, Wrong};
use super::{Config, Loaded, check, secrets};

/// Variables of our prefix that are not keys: what names the file, and nothing else.
const OTHERS: [&str; 1] = ["GATEWRIGHT_CONFIG"];

/// A short name for `GATEWRIGHT_LOG__LEVEL`.
const LOG: &str = "GATEWRIGHT_LOG";

/// Our variables of the process. One that is not Unicode keeps a mark of it, which is refused.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |os: OsString| os.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(move |(name, value)| (text(name), text(value)))
        .filter(|(name, _)| name.starts_with(PREFIX))
}

/// [`Config::load`].
pub(super) fn load(
    path: &Path,
    explicit: bool,
    env: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, Problems> {
    let env: BTreeMap<_, _> = env.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    let mut problems = Vec::new();
    let file = match File::open(path, explicit) {
        Ok(file) => file,
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    let mut reader = Reader {
        file: file.as_ref(),
        unreadable: !problems.is_empty(),
        env: &env,
        secrets: BTreeMap::new(),
        origins: BTreeMap::new(),
        problems,
    };
    let config = Config::read(&mut reader);
    reader.refuse_unknown(&Config::tables());

    let Reader { mut problems, origins, unreadable, .. } = reader;
    if !unreadable {
        let known: BTreeSet<_> = problems.iter().map(|problem| problem.key.clone()).collect();
        let contradictions = check::contradictions(&config)
            .into_iter()
            .filter(|(keys, _)| !keys.iter().any(|key| known.contains(*key)))
            .map(|(_, problem)| problem.located(&origins));
        problems.extend(contradictions);
    }
    if problems.is_empty() {
        Ok(Loaded { config, file: file.map(|file| file.path), origins })
    } else {
        Err(Problems::of(problems))
    }
}

/// The configuration file, parsed.
struct File {
    path: PathBuf,
    document: Document<String>,
}

impl File {
    /// Reads it; `None` where there is none and nobody asked for it.
    fn open(path: &Path, explicit: bool) -> Result<Option<Self>, Problem> {
        let whole = |line| Origin::File { file: path.to_owned(), line };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && !explicit => return Ok(None),
            Err(error) => {
                let reason = format!("the file cannot be read: {}", error.kind());
                let remedy = "name another with --config or GATEWRIGHT_CONFIG, or make one with \
                              `gatewright config example`";
                return Err(Problem::new("", reason, remedy).at(whole(None)));
            }
        };
        // The parser's own report quotes the line, which may hold a secret; its message does not.
        let document = Document::parse(text.clone()).map_err(|error| {
            let line = error.span().map(|span| line_of(&text, span.start));
            Problem::new("", error.message(), "mend the TOML of this line (https://toml.io)")
                .at(whole(line))
        })?;
        Ok(Some(Self { path: path.to_owned(), document }))
    }

    fn table(&self, name: &str) -> Option<&dyn TableLike> {
        if name.is_empty() {
            return Some(self.document.as_table());
        }
        self.document.get(name)?.as_table_like()
    }

    /// What stands at a key, and where.
    fn find(&self, table: &str, key: &str) -> Option<(Origin, Raw<'_>)> {
        let table = self.table(table)?;
        let item = table.get(key)?;
        Some((self.origin(table, key), Raw::of(item)))
    }

    fn origin(&self, table: &dyn TableLike, key: &str) -> Origin {
        let span = table.get_key_value(key).and_then(|(key, item)| key.span().or(item.span()));
        let line = span.map(|span| line_of(self.document.raw(), span.start));
        Origin::File { file: self.path.clone(), line }
    }

    /// What relative paths of the file are relative to.
    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

/// The line of a byte, counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// Reads key after key, and notes what is wrong.
pub(super) struct Reader<'a> {
    file: Option<&'a File>,
    /// Whether there is a file that says we do not know what.
    unreadable: bool,
    env: &'a BTreeMap<String, String>,
    /// What secret files hold, by the path of the key.
    secrets: BTreeMap<String, (PathBuf, Zeroizing<String>)>,
    origins: BTreeMap<String, Origin>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// The value of a key: the environment's, else the file's, else the default.
    pub(super) fn key<T: Value>(&mut self, spec: &Spec<T>) -> T {
        let path = spec.path();
        if let Some((file, text)) = self.secrets.remove(&path) {
            let origin = Origin::SecretFile { file };
            return self.judged(spec, path, origin, &Raw::Untyped(&text));
        }
        if let Some((origin, raw)) = self.find(spec.table, spec.name) {
            return self.judged(spec, path, origin, &raw);
        }
        let in_a_file = spec.file.is_some_and(|file| self.find(spec.table, file).is_some());
        if let Some(because) = spec.required
            && !self.unreadable
            && !in_a_file
        {
            let variable = table::variable(spec.table, spec.name);
            let remedy = format!("write {}, or set {variable}", T::FORM);
            self.problems.push(Problem::new(path, format!("is missing, but {because}"), remedy));
        }
        (spec.default)().rooted(self.file.map_or(Path::new(""), File::directory))
    }

    /// Reads the file that holds a secret, if one is named, for [`Reader::key`] to find.
    pub(super) fn secret_file<T>(&mut self, spec: &Spec<T>, name: &'static str) -> Option<PathBuf> {
        let (origin, raw) = self.find(spec.table, name)?;
        let path = table::path(spec.table, name);
        if let Some((beside, _)) = self.find(spec.table, spec.name) {
            // The nearer one wins, as everywhere; side by side, nobody knows which is meant.
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

    fn find(&self, table: &str, key: &str) -> Option<(Origin, Raw<'a>)> {
        let mut variable = table::variable(table, key);
        if variable == table::variable("log", "level") && !self.env.contains_key(&variable) {
            variable = LOG.to_owned();
        }
        if let Some(text) = self.env.get(&variable) {
            return Some((Origin::Environment { variable }, Raw::Untyped(text)));
        }
        self.file?.find(table, key)
    }

    fn rooted<T: Value>(&self, value: T, origin: &Origin) -> T {
        match (origin, self.file) {
            (Origin::File { .. }, Some(file)) => value.rooted(file.directory()),
            _ => value,
        }
    }

    fn judged<T: Value>(
        &mut self,
        spec: &Spec<T>,
        path: String,
        origin: Origin,
        raw: &Raw<'_>,
    ) -> T {
        let read = match raw {
            Raw::Untyped(text) if text.contains(char::REPLACEMENT_CHARACTER) => {
                Err("is not UTF-8".into())
            }
            _ => T::read(raw),
        };
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

    fn refuse<T: Value>(&mut self, path: String, origin: Origin, wrong: Wrong) {
        let remedy = wrong.remedy.unwrap_or_else(|| format!("write {}", T::FORM));
        self.problems.push(Problem::new(path, wrong.reason, remedy).at(origin));
    }

    /// Notes every key and every variable that we do not know, with the nearest that we do.
    fn refuse_unknown(&mut self, tables: &[Table]) {
        let paths: Vec<String> =
            tables.iter().flat_map(|table| table.keys.iter().map(|key| table.path(key))).collect();
        if let Some(file) = self.file {
            self.refuse_unknown_keys(file, tables, &paths);
        }
        self.refuse_unknown_variables(tables);
    }

    fn refuse_unknown_keys(&mut self, file: &File, tables: &[Table], paths: &[String]) {
        let root = file.document.as_table();
        for (name, item) in root.iter() {
            let origin = file.origin(root, name);
            if paths.iter().any(|path| path == name) {
                continue;
            }
            let Some(table) = tables.iter().find(|table| table.name == name) else {
                let names = tables.iter().map(|table| table.name).filter(|name| !name.is_empty());
                let problem = if item.is_table_like() || item.is_array_of_tables() {
                    let near = nearest(name, names).unwrap_or_default();
                    let remedy = format!("the nearest that we know is [{near}]");
                    Problem::new(name, "is not a table that we know", remedy)
                } else {
                    unknown(name, name, paths)
                };
                self.problems.push(problem.at(origin));
                continue;
            };
            let Some(given) = item.as_table_like() else {
                let remedy = format!("write its keys below a line [{name}]");
                self.problems.push(Problem::new(name, "is a table", remedy).at(origin));
                continue;
            };
            for (key, _) in given.iter() {
                if !table.keys.iter().any(|known| known.name == key) {
                    let problem = unknown(&table::path(name, key), key, paths);
                    self.problems.push(problem.at(file.origin(given, key)));
                }
            }
        }
    }

    fn refuse_unknown_variables(&mut self, tables: &[Table]) {
        let known: Vec<String> = tables
            .iter()
            .flat_map(|table| table.keys.iter().map(|key| table::variable(table.name, key.name)))
            .collect();
        for (variable, value) in self.env {
            let name = variable.as_str();
            if known.iter().any(|known| known == name)
                || OTHERS.contains(&name)
                || name == LOG
                || is_service_link(name, value)
            {
                continue;
            }
            let near = nearest(name, known.iter().map(String::as_str)).unwrap_or_default();
            let origin = Origin::Environment { variable: name.to_owned() };
            let remedy = format!("unset it, or use the nearest that we know, {near}");
            let problem = Problem::new("", "is not a variable that we know", remedy);
            self.problems.push(problem.at(origin));
        }
    }
}

/// Refuses what is too small or too large.
fn bounded<T: Value>(value: T, within: Option<(T, T)>) -> Result<T, Wrong> {
    let Some((least, most)) = within else { return Ok(value) };
    let reason = if value.measure() < least.measure() {
        "is too small"
    } else if value.measure() > most.measure() {
        "is too large"
    } else {
        return Ok(value);
    };
    let text = |bound: T| bound.show().map(|value| value.to_string()).unwrap_or_default();
    Err(Wrong::mended(reason, format!("write {} to {}", text(least), text(most))))
}

/// The problem of a key that we do not know. One that stands in the wrong table is near.
fn unknown(path: &str, key: &str, paths: &[String]) -> Problem {
    let elsewhere =
        paths.iter().find(|known| known.rsplit('.').next() == Some(key)).map(String::as_str);
    let near = elsewhere.or_else(|| nearest(path, paths.iter().map(String::as_str)));
    let near = near.unwrap_or_default();
    let place = match near.split_once('.') {
        Some((table, name)) => format!("`{name}` in the table [{table}]"),
        None => format!("`{near}` above the first table"),
    };
    Problem::new(path, "is not a key that we know", format!("the nearest that we know is {place}"))
}

/// The name with the fewest typing mistakes between it and `name`.
fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    names.min_by_key(|known| strsim::damerau_levenshtein(name, known))
}

/// What Kubernetes and Docker put into the environment of everything beside a service that is
/// named `gatewright`: `GATEWRIGHT_SERVICE_HOST`, `GATEWRIGHT_PORT=tcp://…`.
fn is_service_link(name: &str, value: &str) -> bool {
    let rest = name.strip_prefix(PREFIX).unwrap_or(name);
    rest == "SERVICE_HOST"
        || rest == "SERVICE_PORT"
        || rest.starts_with("SERVICE_PORT_")
        || rest == "PORT" && value.contains("://")
        || rest
            .strip_prefix("PORT_")
            .is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()))
}
