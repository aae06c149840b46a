//! The effective values and their origins: `config show`.

use serde_json::{Map, json};
use toml_edit::Value as Toml;

use super::load::Loaded;
use super::problem::Origin;
use super::table;

impl Loaded {
    /// The origin of a key.
    fn origin(&self, table: &str, key: &str) -> Origin {
        self.origins.get(&table::path(table, key)).cloned().unwrap_or(Origin::Default)
    }

    /// The effective configuration as TOML, secrets redacted, each value followed by its origin.
    pub fn show(&self) -> String {
        let mut text = String::new();
        let mut current = "";
        for (table, key, value) in self.config.display_values() {
            if table != current {
                text.push_str(&format!("\n[{table}]\n"));
                current = table;
            }
            match value {
                Some(value) => {
                    let line = format!("{key} = {value}");
                    text.push_str(&format!("{line:<48}  # {}\n", self.origin(table, key)));
                }
                None => text.push_str(&format!("# {key} is not set\n")),
            }
        }
        text
    }

    /// The same as JSON: `{"http": {"listen": {"value": …, "origin": …}}}`.
    pub fn show_json(&self) -> serde_json::Value {
        let mut root = Map::new();
        for (table, key, value) in self.config.display_values() {
            let value = value.as_ref().map_or(serde_json::Value::Null, as_json);
            let entry = json!({ "value": value, "origin": self.origin(table, key) });
            if table.is_empty() {
                root.insert(key.to_owned(), entry);
                continue;
            }
            let of_table = root.entry(table).or_insert_with(|| json!({}));
            if let Some(of_table) = of_table.as_object_mut() {
                of_table.insert(key.to_owned(), entry);
            }
        }
        root.into()
    }
}

/// A TOML value as JSON.
pub(super) fn as_json(value: &Toml) -> serde_json::Value {
    match value {
        Toml::String(text) => text.value().as_str().into(),
        Toml::Integer(number) => (*number.value()).into(),
        Toml::Float(number) => (*number.value()).into(),
        Toml::Boolean(yes) => (*yes.value()).into(),
        Toml::Datetime(time) => time.value().to_string().into(),
        Toml::Array(list) => list.iter().map(as_json).collect(),
        Toml::InlineTable(table) => table
            .iter()
            .map(|(key, value)| (key.to_owned(), as_json(value)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use crate::tests::Scratch;

    #[test]
    fn the_effective_values_are_shown_with_their_origins() {
        let scratch = Scratch::new();
        let secret = scratch.write("url", "postgres://gw:hunter2@db/gw");
        let file = "issuer = \"https://id.example.org\"\n[database]\nurl_file = \"url\"\n";
        let env = [("GATEWRIGHT_HTTP__LISTEN", "127.0.0.1:9000,[::1]:9000")];

        let loaded = scratch.load(file, &env).unwrap();

        let text = loaded.show().replace(&format!("{}/", scratch.0.display()), "");
        let top: Vec<_> = text.lines().take_while(|line| *line != "[keys]").collect();
        assert_snapshot!(top.join("\n"), @r#"
        issuer = "https://id.example.org"                 # gatewright.toml:1

        [http]
        listen = ["127.0.0.1:9000", "[::1]:9000"]         # GATEWRIGHT_HTTP__LISTEN
        trusted_proxies = []                              # default
        client_certificate_header = "none"                # default
        header_timeout = "10s"                            # default
        keep_alive = "75s"                                # default
        request_timeout = "30s"                           # default
        shutdown_timeout = "30s"                          # default
        shutdown_grace = "2s"                             # default
        max_body = "64KiB"                                # default
        max_connections = 10000                           # default
        max_connections_per_address = 1000                # default
        hsts_include_subdomains = false                   # default
        threads = 0                                       # default

        [tls]
        listen = []                                       # default
        # certificate_file is not set
        # key_file is not set
        # ocsp_file is not set
        redirect_listen = []                              # default

        [mtls]
        # url is not set
        listen = []                                       # default
        # certificate_file is not set
        # key_file is not set
        # ocsp_file is not set

        [acme]
        # directory is not set
        terms_agreed = false                              # default
        contacts = []                                     # default
        domains = []                                      # default
        challenge = "tls-alpn-01"                         # default

        [operations]
        # listen is not set
        ready = "reads"                                   # default

        [database]
        url = "postgres://gw:…@db/gw"                     # secret file url
        url_file = "url"  # gatewright.toml:3
        max_connections = 16                              # default
        pooler = "none"                                   # default
        acquire_timeout = "1s"                            # default
        statement_timeout = "2s"                          # default
        "#);
        let json = loaded.show_json();
        assert_eq!(json["http"]["listen"]["value"][1], "[::1]:9000");
        assert_eq!(json["http"]["listen"]["origin"]["from"], "environment");
        assert_eq!(json["issuer"]["origin"]["line"], 1);
        assert_eq!(json["database"]["url"]["origin"]["file"], secret.display().to_string());
        assert_eq!(json["database"]["url"]["value"], "postgres://gw:…@db/gw");
        assert_eq!(json["brand"]["logo"]["value"], serde_json::Value::Null);
    }
}
