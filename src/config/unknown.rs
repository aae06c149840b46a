//! What we do not know: a misspelt security setting must not be silence (THREATS SU-06).

use std::collections::BTreeMap;

use super::file::File;
use super::problem::{Origin, Problem};
use super::source::LOG;
use super::table::{self, PREFIX, Table};

/// Every key and every variable that we do not know, with the nearest that we do.
pub(super) fn problems(
    file: Option<&File>,
    env: &BTreeMap<String, String>,
    tables: &[Table],
) -> Vec<Problem> {
    let mut found = variables(env, tables);
    if let Some(file) = file {
        found.extend(keys(file, tables));
    }
    found
}

fn keys(file: &File, tables: &[Table]) -> Vec<Problem> {
    let paths: Vec<String> =
        tables.iter().flat_map(|table| table.keys.iter().map(|key| table.path(key))).collect();
    let mut found = Vec::new();
    let root = file.document.as_table();
    for (name, item) in root.iter().filter(|(name, _)| !paths.iter().any(|path| path == name)) {
        let origin = file.origin(root, name);
        let table = tables.iter().find(|table| table.name == name);
        match (table, item.as_table_like()) {
            (Some(table), Some(given)) => {
                for (key, _) in given.iter() {
                    if !table.keys.iter().any(|known| known.name == key) {
                        let problem = unknown_key(&table::path(name, key), key, &paths);
                        found.push(problem.at(file.origin(given, key)));
                    }
                }
            }
            (Some(_), None) => {
                let remedy = format!("write its keys below a line [{name}]");
                found.push(Problem::new(name, "has to be a table", remedy).at(origin));
            }
            (None, None) if !item.is_array_of_tables() => {
                found.push(unknown_key(name, name, &paths).at(origin));
            }
            (None, _) => {
                let names = tables.iter().map(|table| table.name).filter(|name| !name.is_empty());
                let near = nearest(name, names).unwrap_or_default();
                let remedy = format!("the nearest that we know is [{near}]");
                found.push(Problem::new(name, "is not a table that we know", remedy).at(origin));
            }
        }
    }
    found
}

fn variables(env: &BTreeMap<String, String>, tables: &[Table]) -> Vec<Problem> {
    let known: Vec<String> = tables
        .iter()
        .flat_map(|table| table.keys.iter().map(|key| table::variable(table.name, key.name)))
        .collect();
    let unknown = env.iter().filter(|(name, value)| {
        !known.contains(name)
            && !["GATEWRIGHT_CONFIG", LOG].contains(&name.as_str())
            && !is_service_link(name, value)
    });
    unknown
        .map(|(name, _)| {
            let near = nearest(name, known.iter().map(String::as_str)).unwrap_or_default();
            let remedy = format!("unset it, or use the nearest that we know, {near}");
            Problem::new("", "is not a variable that we know", remedy)
                .at(Origin::Environment { variable: name.clone() })
        })
        .collect()
}

/// The problem of a key that we do not know. One that stands in the wrong table is near.
fn unknown_key(path: &str, key: &str, paths: &[String]) -> Problem {
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
pub(super) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
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
