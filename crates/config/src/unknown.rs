//! Unknown keys and variables: a misspelt security setting must not be ignored (THREATS SU-06).

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::file::File;
use super::problem::{Origin, Problem};
use super::spelling::nearest;
use super::table::{self, LOG, PREFIX, Table};

/// Every unknown key and variable, with the nearest known one.
pub(super) fn problems(
    file: Option<&File>,
    env: &BTreeMap<String, String>,
    tables: &[Table],
) -> Vec<Problem> {
    let mut problems = variables(env, tables);
    if let Some(file) = file {
        problems.extend(keys(file, tables));
    }
    problems
}

fn keys(file: &File, tables: &[Table]) -> Vec<Problem> {
    let paths: Vec<String> =
        tables.iter().flat_map(|table| table.keys.iter().map(|key| table.path(key))).collect();
    let mut problems = Vec::new();
    let root = file.document.as_table();
    for (name, item) in root.iter().filter(|(name, _)| !paths.iter().any(|path| path == name)) {
        let origin = file.origin(root, name);
        let table = tables.iter().find(|table| table.name == name);
        match (table, item.as_table_like()) {
            (Some(table), Some(members)) => {
                for (key, _) in members.iter() {
                    if !table.keys.iter().any(|known| known.name == key) {
                        let problem = unknown_key(&table::path(name, key), key, &paths);
                        problems.push(problem.at(file.origin(members, key)));
                    }
                }
            }
            (Some(_), None) => {
                let remedy = format!("write its keys below a line [{name}]");
                problems.push(Problem::new(name, "has to be a table", remedy).at(origin));
            }
            (None, None) if !item.is_array_of_tables() => {
                problems.push(unknown_key(name, name, &paths).at(origin));
            }
            (None, _) => {
                let names = tables.iter().map(|table| table.name).filter(|name| !name.is_empty());
                let near = nearest(name, names).unwrap_or_default();
                let remedy = format!("the nearest known table is [{near}]");
                problems.push(Problem::new(name, "is an unknown table", remedy).at(origin));
            }
        }
    }
    problems
}

fn variables(env: &BTreeMap<String, String>, tables: &[Table]) -> Vec<Problem> {
    let known: Vec<String> = tables
        .iter()
        .flat_map(|table| table.keys.iter().map(|key| table::variable(table.name, key.name)))
        .collect();
    let unknown = env.iter().filter(|(name, value)| {
        !known.contains(name)
            && !["GATEWRIGHT_CONFIG", LOG].contains(&name.as_str())
            && !is_service_link(name, value, env)
    });
    unknown
        .map(|(name, _)| {
            let near = nearest(name, known.iter().map(String::as_str)).unwrap_or_default();
            let remedy = format!("unset it, or use the nearest known one, {near}");
            Problem::new("", "is an unknown variable", remedy)
                .at(Origin::Environment { variable: name.clone() })
        })
        .collect()
}

/// The problem of an unknown key. A key in the wrong table is the nearest to itself.
fn unknown_key(path: &str, key: &str, paths: &[String]) -> Problem {
    let elsewhere =
        paths.iter().find(|known| known.rsplit('.').next() == Some(key)).map(String::as_str);
    let near = elsewhere.or_else(|| nearest(path, paths.iter().map(String::as_str)));
    let near = near.unwrap_or_default();
    let place = match near.split_once('.') {
        Some((table, name)) => format!("`{name}` in the table [{table}]"),
        None => format!("`{near}` above the first table"),
    };
    Problem::new(path, "is an unknown key", format!("the nearest known key is {place}"))
}

/// Whether Kubernetes or Docker set the variable, as they do for containers beside a service that is named
/// `gatewright` or `gatewright-…`: `GATEWRIGHT_SERVICE_HOST`, `GATEWRIGHT_POSTGRES_PORT=tcp://…`. The form of
/// name and value distinguishes it from a misspelt setting.
fn is_service_link(name: &str, value: &str, env: &BTreeMap<String, String>) -> bool {
    let name = name.strip_prefix(PREFIX.trim_end_matches('_')).unwrap_or(name);
    // Two underscores are between the table and the key of a setting.
    let is_service = |service: &str| !service.contains("__") && !service.ends_with('_');
    let ends = |end: &str| name.strip_suffix(end).is_some_and(is_service);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_named_port = || {
        let named = name.split_once("_SERVICE_PORT_");
        named.is_some_and(|(service, _)| is_service(service))
    };
    let is_port = || {
        name.rsplit_once("_PORT_").is_some_and(|(service, port)| {
            let mut parts = port.split('_');
            is_service(service)
                && parts.next().is_some_and(is_number)
                && parts.next().is_some_and(|protocol| ["TCP", "UDP", "SCTP"].contains(&protocol))
                && parts.next().is_none_or(|what| ["PROTO", "PORT", "ADDR"].contains(&what))
                && parts.next().is_none()
        })
    };
    let is_link = |value: &str| value.strip_prefix('/').is_some_and(|rest| rest.contains('/'));
    // Docker sets `…_NAME` for every link, and `…_ENV_…` for the environment of the linked container.
    let is_of_link = || {
        name.match_indices("_ENV_").any(|(at, _)| {
            let service = name.get(..at).unwrap_or_default();
            let link = format!("{}{service}_NAME", PREFIX.trim_end_matches('_'));
            is_service(service) && env.get(&link).is_some_and(|link| is_link(link))
        })
    };
    ends("_SERVICE_HOST") && value.parse::<IpAddr>().is_ok()
        || (ends("_SERVICE_PORT") || is_named_port()) && is_number(value)
        || ends("_PORT") && value.contains("://")
        || is_port()
        || ends("_NAME") && is_link(value)
        || is_of_link()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(env: &[(&str, &str)]) -> Vec<String> {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let problems = variables(&env.collect(), &crate::tables::Config::tables());
        problems.into_iter().map(|problem| problem.origin.to_string()).collect()
    }

    #[test]
    fn service_links_of_kubernetes_and_docker_are_ignored() {
        let env = [
            ("GATEWRIGHT_SERVICE_HOST", "10.96.0.7"),
            ("GATEWRIGHT_SERVICE_PORT", "8080"),
            ("GATEWRIGHT_SERVICE_PORT_HTTP", "8080"),
            ("GATEWRIGHT_PORT", "tcp://10.96.0.7:8080"),
            ("GATEWRIGHT_PORT_8080_TCP", "tcp://10.96.0.7:8080"),
            ("GATEWRIGHT_POSTGRES_SERVICE_HOST", "10.96.0.8"),
            ("GATEWRIGHT_POSTGRES_RW_SERVICE_HOST", "fd00::8"),
            ("GATEWRIGHT_POSTGRES_SERVICE_PORT", "5432"),
            ("GATEWRIGHT_POSTGRES_SERVICE_PORT_POSTGRES", "5432"),
            ("GATEWRIGHT_POSTGRES_PORT", "tcp://10.96.0.8:5432"),
            ("GATEWRIGHT_POSTGRES_PORT_5432_TCP", "tcp://10.96.0.8:5432"),
            ("GATEWRIGHT_POSTGRES_PORT_5432_TCP_PROTO", "tcp"),
            ("GATEWRIGHT_POSTGRES_PORT_5432_TCP_PORT", "5432"),
            ("GATEWRIGHT_POSTGRES_PORT_5432_TCP_ADDR", "10.96.0.8"),
            ("GATEWRIGHT_DNS_PORT_53_UDP", "udp://10.96.0.10:53"),
            ("GATEWRIGHT_DB_NAME", "/web/gatewright_db"),
            ("GATEWRIGHT_DB_ENV_POSTGRES_PASSWORD", "hunter2"),
            ("GATEWRIGHT_DB_ENV_A__B", "c"),
        ];

        assert_eq!(unknown(&env), [""; 0]);
    }

    #[test]
    fn other_names_like_service_links_are_misspelt_settings() {
        for (name, value) in [
            ("GATEWRIGHT_HTTP_LISTEN", "127.0.0.1:8080"),
            ("GATEWRIGHT_HTTP__PORT", "tcp://127.0.0.1:8080"),
            ("GATEWRIGHT_PORT", "8080"),
            ("GATEWRIGHT_HTTP_PORT", "8080"),
            ("GATEWRIGHT_MAIL_SERVICE_HOST", "smtp.example.org"),
            ("GATEWRIGHT_MAIL_SERVICE_PORT", "smtp"),
            ("GATEWRIGHT_MAIL__SERVICE_PORT", "25"),
            ("GATEWRIGHT_MAIL_PORT_SMTP", "25"),
            ("GATEWRIGHT_MAIL_PORT_25_TCP_HOST", "10.0.0.1"),
            ("GATEWRIGHT_BRAND_NAME", "Acme"),
            ("GATEWRIGHT_BRAND_NAME", "/acme"),
            ("GATEWRIGHT_DB_ENV_POSTGRES_PASSWORD", "hunter2"),
        ] {
            assert_eq!(unknown(&[(name, value)]), [name], "{value}");
        }
    }
}
