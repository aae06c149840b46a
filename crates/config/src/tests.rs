//! Tests of loading, with real files.

use std::path::{Path, PathBuf};

use insta::assert_snapshot;

use super::problem::{Origin, Problems};
use super::value::Value;
use super::{Config, DatabaseUrl, Issuer, Loaded, show, table};
use crate::types::Seconds;

/// A directory that is deleted after the test.
pub(super) struct Scratch(pub(super) PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        let name = format!("gatewright-{}", uuid::Uuid::new_v4());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Loads `text` as the file, with these variables.
    pub(super) fn load(&self, text: &str, env: &[(&str, &str)]) -> Result<Loaded, Problems> {
        Config::load(&self.write("gatewright.toml", text), true, variables(env))
    }

    /// The problems of `text`, without the name of the directory.
    pub(super) fn problems(&self, text: &str, env: &[(&str, &str)]) -> String {
        let problems = self.load(text, env).unwrap_err();
        problems.to_string().replace(&format!("{}/", self.0.display()), "")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn variables(env: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    env.iter().map(owned).collect::<Vec<_>>().into_iter()
}

/// The smallest configuration: the required keys.
pub(super) const SMALLEST: &str = r#"
issuer = "https://id.example.org"
[http]
listen = "127.0.0.1:8080"
trusted_proxies = ["127.0.0.1"]
[database]
url = "sqlite:gatewright.db"
[keys]
dir = "keys"
"#;

/// The same from the environment.
const ENVIRONMENT: [(&str, &str); 2] = [
    ("GATEWRIGHT_ISSUER", "https://id.example.org"),
    ("GATEWRIGHT_DATABASE__URL", "postgres://gw:hunter2@db/gw"),
];

#[test]
fn the_smallest_configuration_is_enough() {
    let scratch = Scratch::new();

    let Loaded { config, origins, file } = scratch.load(SMALLEST, &[]).unwrap();

    assert_eq!(config.issuer.as_str(), "https://id.example.org");
    assert_eq!(config.http.listen, ["127.0.0.1:8080".parse().unwrap()]);
    assert_eq!(config.http.trusted_proxies.len(), 1);
    assert_eq!(config.database.url.sqlite().unwrap(), scratch.0.join("gatewright.db"));
    assert_eq!(config.keys.dir, scratch.0.join("keys"));
    assert_eq!(config.tokens.access_token_lifetime, Seconds::minutes(5));
    let file = file.unwrap();
    for (key, line) in [("issuer", 2), ("http.listen", 4), ("database.url", 7), ("keys.dir", 9)] {
        assert_eq!(origins[key], Origin::File { file: file.clone(), line: Some(line) });
    }
    assert_eq!(origins.len(), 5, "the rest is default");
}

#[test]
fn the_environment_alone_is_enough() {
    let nowhere = Scratch::new().0.join("gatewright.toml");

    let loaded = Config::load(&nowhere, false, variables(&ENVIRONMENT)).unwrap();

    assert_eq!(loaded.config.database.url.0.expose(), "postgres://gw:hunter2@db/gw");
    assert_eq!(loaded.file, None);
    assert_eq!(loaded.config.keys.dir, Path::new("keys"), "of the working directory");
}

#[test]
fn a_file_that_is_named_explicitly_must_exist() {
    let nowhere = Scratch::new().0.join("gatewright.toml");

    let problems = Config::load(&nowhere, true, variables(&ENVIRONMENT)).unwrap_err();

    assert_eq!(problems.problems.len(), 1);
    assert_eq!(problems.problems[0].origin, Origin::File { file: nowhere, line: None });
    assert!(problems.to_string().contains("there is no such file"));
}

#[test]
fn an_empty_configuration_reports_what_is_missing() {
    let problems = Scratch::new().problems("", &[]);

    assert_snapshot!(problems, @r#"
    the configuration has 2 problems:
      database.url: is missing, but it names the database; write "sqlite:gatewright.db" or "postgres://user:password@host/database", or set GATEWRIGHT_DATABASE__URL
      issuer: is missing, but clients know the server by it; write an https URL without query, fragment and trailing slash, such as "https://id.example.org", or set GATEWRIGHT_ISSUER
    "#);
}

/// The path is absolute, so that a wrong working directory is apparent.
#[test]
fn a_missing_default_file_is_reported_where_a_required_key_is_missing() {
    let nowhere = Scratch::new().0.join("gatewright.toml");

    let problems = Config::load(&nowhere, false, variables(&ENVIRONMENT[..1])).unwrap_err();

    let [file, url] = problems.problems.as_slice() else { panic!("{problems}") };
    assert_eq!(file.origin, Origin::File { file: nowhere, line: None });
    assert!(file.reason.starts_with("there is no such file"), "{file}");
    assert!(file.remedy.contains("gatewright init"), "{file}");
    assert_eq!(url.key, "database.url");
}

/// THREATS SU-06: an unknown key is an error.
#[test]
fn all_problems_are_reported_at_once() {
    let scratch = Scratch::new();
    let file = r##"
isuer = "https://id.example.org"
issuer = "http://id.example.org/"
listen = "127.0.0.1:8080"
http.lisen = "127.0.0.1:8080"
http.listen = ["127.0.0.1:8080", "localhost:8080"]
http.trusted_proxies = "10.1.2.3/8"
http.header_timeout = "1h"
http.request_timeout = "soon"
http.shutdown_timeout = -1
http.max_body = "10GiB"
http.threads = "two"
http.issuer = "https://id.example.org"
clients = "issuer"

[database]
url = 5432
max_connections = 0
statement_timeout = "2"

[keys]
encryption_key = "c2hvcnQ="
algorithms = ["ES256", "HS256"]

[tokens]
access_token_alg = true
access_token_lifetime = 1979-05-27

[tocens]
x = 1

[outbound]
allow_private_networks = "yes"

[brand]
organisation = ""
logo = []
accent = "blue"
support_url = "javascript:alert(1)"

[log]
format = "xml"
level = "info,gatewright=loud"
"##;
    let env = [
        ("GATEWRIGHT_HTTP_LISTEN", "127.0.0.1:1"),
        ("GATEWRIGHT_PASSWORDS__QUEUE", "many"),
        ("GATEWRIGHT_PASSWORDS__MIN_LENGTH", "4"),
        ("GATEWRIGHT_BRAND__PRIVACY_URL", ""),
        ("GATEWRIGHT_BRAND__ORGANISATION", "caf\u{fffd}"),
        ("PATH", "/bin"),
    ];

    let problems = scratch.problems(file, &env);

    assert_snapshot!(problems, @r##"
    the configuration has 32 problems:
      gatewright.toml:2: isuer: is an unknown key; the nearest known key is `issuer` above the first table
      gatewright.toml:3: issuer: is http on a name that is not loopback: passwords and tokens would cross the network in the clear; use https, or http://localhost for development on one machine
      gatewright.toml:4: listen: is an unknown key; the nearest known key is `listen` in the table [http]
      gatewright.toml:5: http.lisen: is an unknown key; the nearest known key is `listen` in the table [http]
      gatewright.toml:6: http.listen: has an item (number 2) that is not an IP address and a port; write an IP address and a port, such as "127.0.0.1:8080"
      gatewright.toml:7: http.trusted_proxies: has bits set after its prefix; write "10.0.0.0/8", or "10.1.2.3" for the one address
      gatewright.toml:8: http.header_timeout: is too large; write "1s" to "5m"
      gatewright.toml:9: http.request_timeout: is not a number with a unit; write a duration such as "30s", "5m", "12h" or "14d", or a number of seconds
      gatewright.toml:10: http.shutdown_timeout: is negative; write a duration such as "30s", "5m", "12h" or "14d", or a number of seconds
      gatewright.toml:11: http.max_body: has an unknown unit; write a size such as "64KiB" or "1MiB", or a number of bytes
      gatewright.toml:12: http.threads: is a string; write a whole number
      gatewright.toml:13: http.issuer: is an unknown key; the nearest known key is `issuer` above the first table
      gatewright.toml:14: clients: has to be a table; write its keys below a line [clients]
      gatewright.toml:17: database.url: is an integer; write "sqlite:gatewright.db" or "postgres://user:password@host/database"
      gatewright.toml:18: database.max_connections: is too small; write 1 to 1000
      gatewright.toml:19: database.statement_timeout: has an unknown unit; write a duration such as "30s", "5m", "12h" or "14d", or a number of seconds
      gatewright.toml:22: keys.encryption_key: is not 32 bytes in base64; write 32 random bytes in base64, as `openssl rand -base64 32` makes them
      gatewright.toml:23: keys.algorithms: has an item (number 2) that is not a supported signature algorithm; write one of "ES256", "RS256", "PS256", "ES384", "EdDSA"
      gatewright.toml:26: tokens.access_token_alg: is a boolean; write one of "ES256", "RS256", "PS256", "ES384", "EdDSA"
      gatewright.toml:27: tokens.access_token_lifetime: is a date; write a duration such as "30s", "5m", "12h" or "14d", or a number of seconds
      gatewright.toml:29: tocens: is an unknown table; the nearest known table is [tokens]
      gatewright.toml:33: outbound.allow_private_networks: is a string; write `true` or `false`
      gatewright.toml:37: brand.logo: is a list; write a path
      gatewright.toml:38: brand.accent: is not # and six hexadecimal digits; write a colour such as "#2f5bd7"
      gatewright.toml:39: brand.support_url: has a scheme that links may not have; write an address that begins with "https:", "http:" or "mailto:"
      gatewright.toml:42: log.format: is not one of the allowed values; write "json" or "text"
      gatewright.toml:43: log.level: is not a level or a filter of tracing; write "error", "warn", "info", "debug", "trace", or a filter such as "info,gatewright=debug"
      GATEWRIGHT_BRAND__ORGANISATION: brand.organisation: is not UTF-8; write one line of text
      GATEWRIGHT_BRAND__PRIVACY_URL: brand.privacy_url: is empty; write an address that begins with "https:", "http:" or "mailto:"
      GATEWRIGHT_HTTP_LISTEN: is an unknown variable; unset it, or use the nearest known one, GATEWRIGHT_HTTP__LISTEN
      GATEWRIGHT_PASSWORDS__MIN_LENGTH: passwords.min_length: is too small; write 8 to 64
      GATEWRIGHT_PASSWORDS__QUEUE: passwords.queue: is malformed; write a whole number
    "##);
}

#[test]
fn invalid_toml_is_reported_with_its_line() {
    let problems = Scratch::new().problems(
        "issuer = \"https://id.example.org\"\n\nurl = postgres://gw:hunter2@db\n",
        &[("GATEWRIGHT_HTTP__THREADS", "x")],
    );

    assert_snapshot!(problems, @r#"
    the configuration has 2 problems:
      gatewright.toml:3: string values must be quoted, expected literal string; fix the TOML of this line (https://toml.io)
      GATEWRIGHT_HTTP__THREADS: http.threads: is malformed; write a whole number
    "#);
}

#[test]
fn a_duplicate_key_is_a_problem() {
    let problems = Scratch::new().problems("issuer = \"a\"\nissuer = \"b\"", &[]);

    assert_snapshot!(problems, @r#"
    the configuration has a problem:
      gatewright.toml:2: duplicate key; fix the TOML of this line (https://toml.io)
    "#);
}

/// Every key of the declaration, so that a new key is tested too.
#[test]
fn every_value_can_be_overridden_by_the_environment() {
    let scratch = Scratch::new();
    scratch.write("logo.svg", "<svg/>");
    for table in Config::tables() {
        for key in &table.keys {
            let name = table::variable(table.name, key.name);
            let path = table.path(key);
            let toml: toml_edit::Value =
                key.default.as_ref().or(key.example.as_ref()).unwrap().parse().unwrap();
            let json = show::as_json(&toml);
            let items = json.as_array().map(|list| {
                list.iter().filter_map(|item| item.as_str()).collect::<Vec<_>>().join(",")
            });
            let value = items
                .or_else(|| json.as_str().map(str::to_owned))
                .unwrap_or_else(|| json.to_string());
            let value = match path.as_str() {
                "database.url_file" => scratch.write("url", "sqlite:a.db").display().to_string(),
                "keys.encryption_key_file" => {
                    scratch.write("key", &format!("{}=", "A".repeat(43))).display().to_string()
                }
                "brand.logo" | "brand.logo_dark" | "brand.icon" => {
                    scratch.0.join("logo.svg").display().to_string()
                }
                "tls.certificate_file"
                | "tls.key_file"
                | "mtls.certificate_file"
                | "tls.ocsp_file"
                | "mtls.key_file"
                | "mtls.ocsp_file"
                | "mail.password_file" => scratch.write("file.pem", "x").display().to_string(),
                _ => value,
            };
            let file = scratch.write("file.pem", "x").display().to_string();
            let logo = scratch.0.join("logo.svg").display().to_string();
            // Keys that are required together with it.
            let with: &[(&str, &str)] = match path.as_str() {
                "brand.logo_dark" => &[("GATEWRIGHT_BRAND__LOGO", &logo)],
                "tls.certificate_file" => &[("GATEWRIGHT_TLS__KEY_FILE", &file)],
                "tls.key_file" => &[("GATEWRIGHT_TLS__CERTIFICATE_FILE", &file)],
                "tls.ocsp_file" => &[
                    ("GATEWRIGHT_TLS__CERTIFICATE_FILE", &file),
                    ("GATEWRIGHT_TLS__KEY_FILE", &file),
                ],
                "mtls.certificate_file" => &[("GATEWRIGHT_MTLS__KEY_FILE", &file)],
                "mtls.key_file" => &[("GATEWRIGHT_MTLS__CERTIFICATE_FILE", &file)],
                "mtls.ocsp_file" => &[
                    ("GATEWRIGHT_MTLS__CERTIFICATE_FILE", &file),
                    ("GATEWRIGHT_MTLS__KEY_FILE", &file),
                ],
                "mtls.url" => &[
                    ("GATEWRIGHT_HTTP__CLIENT_CERTIFICATE_HEADER", "rfc9440"),
                    ("GATEWRIGHT_HTTP__TRUSTED_PROXIES", "10.0.0.1"),
                ],
                "acme.directory" => &[
                    ("GATEWRIGHT_ACME__TERMS_AGREED", "true"),
                    ("GATEWRIGHT_TLS__LISTEN", "127.0.0.1:8443"),
                ],
                "mail.host" => &[("GATEWRIGHT_MAIL__FROM", "us@example.org")],
                "mail.username" => &[("GATEWRIGHT_MAIL__PASSWORD", "x")],
                "mail.password" | "mail.password_file" => &[("GATEWRIGHT_MAIL__USERNAME", "x")],
                _ => &[],
            };

            let loaded = scratch.load(SMALLEST, &[&[(&*name, &*value)], with].concat()).unwrap();

            assert_eq!(loaded.origins[&path], Origin::Environment { variable: name });
        }
    }
}

#[test]
fn the_environment_wins_over_the_file() {
    let env = [
        ("GATEWRIGHT_ISSUER", "https://other.example.org"),
        ("GATEWRIGHT_HTTP__LISTEN", "127.0.0.1:1, [::1]:2"),
        ("GATEWRIGHT_HTTP__HEADER_TIMEOUT", "7"),
        ("GATEWRIGHT_HTTP__MAX_BODY", "128KiB"),
        ("GATEWRIGHT_KEYS__DIR", "mine"),
        ("GATEWRIGHT_LOG", "debug"),
    ];

    let config = Scratch::new().load(SMALLEST, &env).unwrap().config;

    assert_eq!(config.issuer, Issuer::parse("https://other.example.org").unwrap());
    assert_eq!(config.http.listen.len(), 2);
    assert_eq!(config.http.header_timeout, Seconds(7));
    assert_eq!(config.http.max_body.0, 131_072);
    assert_eq!(config.keys.dir, Path::new("mine"), "of the working directory");
    assert_eq!(config.log.level.as_str(), "debug");
}

#[test]
fn the_variable_that_names_the_file_and_service_links_are_no_problem() {
    let env = [
        ("GATEWRIGHT_CONFIG", "gatewright.toml"),
        ("GATEWRIGHT_SERVICE_HOST", "10.0.0.7"),
        ("GATEWRIGHT_SERVICE_PORT_HTTP", "80"),
        ("GATEWRIGHT_PORT", "tcp://10.0.0.7:80"),
        ("GATEWRIGHT_PORT_80_TCP_ADDR", "10.0.0.7"),
        ("GATEWRIGHT_POSTGRES_PORT", "tcp://10.0.0.8:5432"),
    ];

    assert!(Scratch::new().load(SMALLEST, &env).is_ok());
}

#[test]
fn a_secret_can_come_from_a_file() {
    let scratch = Scratch::new();
    let url = scratch.write("url", "postgres://gw:hunter2@db/gw\n");
    let key = format!("{}=", "A".repeat(43));
    scratch.write("key", &format!("{key}\r\n"));
    let file = "issuer = \"https://id.example.org\"\n[database]\nurl_file = \"url\"\n\
                [keys]\nencryption_key_file = \"key\"\n";

    let loaded = scratch.load(file, &[]).unwrap();

    assert_eq!(loaded.config.database.url.0.expose(), "postgres://gw:hunter2@db/gw");
    assert_eq!(loaded.config.database.url_file, Some(url.clone()));
    assert_eq!(loaded.config.keys.encryption_key.unwrap().expose().count(), 1);
    assert_eq!(loaded.origins["database.url"], Origin::SecretFile { file: url });
}

#[test]
fn the_environment_wins_between_a_secret_and_its_file() {
    let scratch = Scratch::new();
    let url = scratch.write("url", "sqlite:file.db").display().to_string();
    let by_file = ("GATEWRIGHT_DATABASE__URL_FILE", url.as_str());
    let by_value = ("GATEWRIGHT_DATABASE__URL", "sqlite:value.db");
    let file = format!("issuer = \"https://id.example.org\"\n[database]\nurl_file = \"{url}\"");
    let chosen = |loaded: Result<Loaded, Problems>| {
        loaded.unwrap().config.database.url.0.expose().to_owned()
    };

    assert_eq!(chosen(scratch.load(SMALLEST, &[by_file])), "sqlite:file.db");
    assert_eq!(chosen(scratch.load(&file, &[by_value])), "sqlite:value.db");
    assert_snapshot!(scratch.problems(SMALLEST, &[by_file, by_value]), @r#"
    the configuration has a problem:
      GATEWRIGHT_DATABASE__URL_FILE: database.url_file: is given beside url; leave out one of url and url_file
    "#);
    assert_snapshot!(scratch.problems(&format!("{file}\nurl = \"sqlite:a.db\""), &[]), @r#"
    the configuration has a problem:
      gatewright.toml:3: database.url_file: is given beside url; leave out one of url and url_file
    "#);
}

#[test]
fn a_secret_file_that_is_missing_empty_or_wrong_is_a_problem() {
    let scratch = Scratch::new();
    let file =
        |name: &str| format!("issuer = \"https://id.example.org\"\ndatabase.url_file = \"{name}\"");
    scratch.write("empty", "\n");
    scratch.write("wrong", "mysql://gw:hunter2@db/gw");

    assert_snapshot!(scratch.problems(&file("missing"), &[]), @r#"
    the configuration has a problem:
      gatewright.toml:2: database.url_file: names missing, which cannot be read: there is no such file; put the secret there, readable only by the server, or name another file
    "#);
    assert_snapshot!(scratch.problems(&file("empty"), &[]), @r#"
    the configuration has a problem:
      gatewright.toml:2: database.url_file: names empty, which is empty; put the secret there
    "#);
    assert_snapshot!(scratch.problems(&file("wrong"), &[]), @r#"
    the configuration has a problem:
      secret file wrong: database.url: names an unsupported database; write "sqlite:gatewright.db" or "postgres://user:password@host/database"
    "#);
}

/// A secret in every place where it may be put, correct or not: no output contains it.
#[test]
fn secrets_are_never_printed() {
    let scratch = Scratch::new();
    scratch.write("junk", "hunter2");
    let wrong = [
        "url = postgres://gw:hunter2@db/gw",
        "url = \"postgres://gw:hunter2@db/gw",
        "issuer = \"https://gw:hunter2@id.example.org\"",
        "issuer = \"hunter2\"",
        "hunter = \"hunter2\"",
        "database = \"postgres://gw:hunter2@db/gw\"",
        "[database]\nurl = \"hunter2\"",
        "[database]\nurl = [\"hunter2\"]",
        "[database]\nurl = \"mysql://gw:hunter2@db/gw\"",
        "[database]\nurl = \"postgres://gw:1?hunter2@db/gw\"",
        "[database]\nurl = \"postgres://gw:1#hunter2@db/gw\"",
        "[database]\nurl = \"postgres://gw:hunter2@d b/gw\"",
        "[database]\nurl = \"postgres://gw:hunter2@db:port/gw\"",
        "[database]\nurl = \"sqlite:a.db?key=hunter2\"",
        "[database]\npassword = \"hunter2\"",
        "[database]\nurl_file = \"junk\"",
        "[keys]\nencryption_key = \"hunter2\"",
        "[keys]\nencryption_key_file = \"junk\"",
        "[log]\nlevel = \"hunter2=hunter2\"",
        "[http]\nlisten = \"hunter2\"",
    ];
    for text in wrong {
        let problems = scratch.load(text, &[]).unwrap_err();
        let json = serde_json::to_string(&problems).unwrap();
        let output = format!("{problems} {problems:?} {json}");
        assert!(!output.contains("hunter2"), "{text}: {output}");
    }

    let key = "hunter2hunter2hunter2hunter2hunter2hunter2g=";
    let env = [
        ("GATEWRIGHT_DATABASE__URL", "postgres://gw:hunter2@db/gw?password=hunter2"),
        ("GATEWRIGHT_KEYS__ENCRYPTION_KEY", key),
    ];
    let loaded = scratch.load(SMALLEST, &env).unwrap();
    let output = format!("{loaded:?} {} {}", loaded.show(), loaded.show_json());
    assert!(!output.contains("hunter2"), "{output}");
}

#[test]
fn relative_paths_belong_to_the_file_that_names_them() {
    let scratch = Scratch::new();
    scratch.write("ca.pem", "");
    let file = format!("{SMALLEST}\n[outbound]\nca_files = [\"ca.pem\"]");

    let config = scratch.load(&file, &[]).unwrap().config;

    assert_eq!(config.outbound.ca_files, [scratch.0.join("ca.pem")]);
    let elsewhere = DatabaseUrl::new("sqlite:/var/lib/gw.db").rooted(&scratch.0);
    assert_eq!(elsewhere.sqlite(), Some(Path::new("/var/lib/gw.db")));
}

/// TOML has several notations for a table.
#[test]
fn a_table_can_be_written_inline_or_with_dots() {
    let scratch = Scratch::new();
    for text in ["http = { threads = 3 }", "http.threads = 3", "[http]\nthreads = 3"] {
        let text =
            format!("issuer = \"https://a.example\"\ndatabase.url = \"sqlite:a.db\"\n{text}\n");

        let loaded = scratch.load(&text, &[]).unwrap();

        assert_eq!(loaded.config.http.threads, 3);
        assert!(loaded.show().contains("gatewright.toml:"), "its line is known");
    }
}
