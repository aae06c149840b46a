//! An API behind a gateway that verifies the token of each request by calling this server.

use serde_json::json;
use toml_edit::{InlineTable, Value as Toml};
use url::Url;

use super::text::OriginalRequest;
use super::value::{InvalidValue, RawValue, Value};
use crate::types::Scope;

/// An item of `verify.routes`: the requirements for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRoute {
    /// Its name: the gateway calls `/verify/NAME`.
    pub name: String,
    /// The required `aud` of the token: the API.
    pub audience: String,
    /// The required scopes.
    pub scope: Scope,
    /// The origin at which clients call the API: `https://api.example.org`. Only DPoP needs it.
    pub origin: Option<String>,
    /// How the gateway passes on the client's request. Only DPoP needs it.
    pub original: OriginalRequest,
}

const KEYS: [&str; 5] = ["name", "audience", "scope", "origin", "original"];

impl Value for GatewayRoute {
    const FORM: &'static str = "a table such as `{ name = \"invoices\", audience = \"https://api.example.org/invoices\", scope = \
         \"invoices.read\" }`, in the environment `name=invoices;audience=…;scope=…`";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        let (mut name, mut audience, mut scope) = (None, None, Scope::default());
        let (mut origin, mut original) = (None, OriginalRequest::default());
        for (key, raw) in raw.members(&KEYS)? {
            let within = |wrong: InvalidValue| InvalidValue {
                reason: format!("has a key {key} that {}", wrong.reason),
                ..wrong
            };
            let word_of = |wrong: InvalidValue| {
                let remedy = format!("write {}", OriginalRequest::FORM);
                within(InvalidValue { remedy: wrong.remedy.or(Some(remedy)), ..wrong })
            };
            match key {
                "name" => name = Some(word(&raw).map_err(within)?),
                "audience" => audience = Some(String::read(&raw).map_err(within)?),
                "scope" => scope = scopes(&raw).map_err(within)?,
                "origin" => origin = Some(web_origin(&raw).map_err(within)?),
                _ => original = OriginalRequest::read(&raw).map_err(word_of)?,
            }
        }
        let name = name.ok_or_else(|| InvalidValue::from("lacks a name"))?;
        let audience = audience.ok_or_else(|| {
            InvalidValue::with_remedy(
                "lacks an audience",
                "write the identifier that the API is registered with (gatewright resource list)",
            )
        })?;
        Ok(Self { name, audience, scope, origin, original })
    }

    fn show(&self) -> Option<Toml> {
        let mut table = InlineTable::new();
        table.insert("name", self.name.as_str().into());
        table.insert("audience", self.audience.as_str().into());
        table.insert("scope", self.scope.to_string().into());
        if let Some(origin) = &self.origin {
            table.insert("origin", origin.as_str().into());
        }
        table.insert("original", self.original.show()?);
        Some(table.into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({
            "type": "object",
            "properties": {
                "name": { "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$" },
                "audience": String::schema(None),
                "scope": { "type": "string" },
                "origin": { "type": "string", "format": "uri" },
                "original": OriginalRequest::schema(None),
            },
            "required": ["name", "audience"],
            "additionalProperties": false,
        })
    }
}

/// A path segment that needs no escaping.
fn word(raw: &RawValue<'_>) -> Result<String, InvalidValue> {
    let text = raw.text()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if text.len() > 64 || !text.bytes().all(fits) || text.starts_with('.') {
        return Err(InvalidValue::with_remedy(
            "has other characters than letters, digits and . _ -, or more than 64, or begins with a dot",
            "write a short name, such as \"invoices\"",
        ));
    }
    Ok(text.to_owned())
}

/// A route may require no scope.
fn scopes(raw: &RawValue<'_>) -> Result<Scope, InvalidValue> {
    if let RawValue::Text("") | RawValue::Untyped("") = raw {
        return Ok(Scope::default());
    }
    let spaced =
        |_| InvalidValue::with_remedy("is not a scope", "write scopes with spaces between them");
    Scope::parse(raw.text()?).map_err(spaced)
}

/// Scheme, host and port, and no more.
fn web_origin(raw: &RawValue<'_>) -> Result<String, InvalidValue> {
    let text = raw.text()?;
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
    let origin = url.map(|url| url.origin().ascii_serialization());
    origin.filter(|origin| origin == text).ok_or_else(|| {
        InvalidValue::with_remedy(
            "is not an origin",
            "write scheme and host as clients use them, without a path, such as \
             \"https://api.example.org\"",
        )
    })
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::tests::{SMALLEST, Scratch};

    const PROXIES: (&str, &str) = ("GATEWRIGHT_HTTP__TRUSTED_PROXIES", "127.0.0.1");

    #[test]
    fn a_route_is_a_table_in_every_notation() {
        let scratch = Scratch::new();
        let expected = GatewayRoute {
            name: "invoices".to_owned(),
            audience: "https://api.example.org/invoices".to_owned(),
            scope: Scope::from_tokens(["invoices.read", "invoices.write"]),
            origin: Some("https://api.example.org".to_owned()),
            original: OriginalRequest::Path,
        };
        let text = r#"
[[verify.routes]]
name = "invoices"
audience = "https://api.example.org/invoices"
scope = "invoices.write invoices.read"
origin = "https://api.example.org"
original = "path"

[[verify.routes]]
name = "any"
audience = "any"
"#;

        let loaded = scratch.load(&format!("{SMALLEST}\n{text}"), &[PROXIES]).unwrap();
        let [first, second] = loaded.config.verify.routes.as_slice() else { panic!("two") };
        assert_eq!(*first, expected);
        assert!(second.scope.is_empty() && second.origin.is_none());
        let json = loaded.show_json();
        assert_eq!(json["verify"]["routes"]["value"][0]["scope"], "invoices.read invoices.write");

        let env = "name=invoices;audience=https://api.example.org/invoices;\
                   scope=invoices.read invoices.write;origin=https://api.example.org;original=path";
        let env = [PROXIES, ("GATEWRIGHT_VERIFY__ROUTES", env)];
        assert_eq!(scratch.load(SMALLEST, &env).unwrap().config.verify.routes, [expected]);
    }

    #[test]
    fn problems_of_a_route_are_reported() {
        let scratch = Scratch::new();
        let mut problems = String::new();
        for routes in [
            "\"invoices\"",
            "[{ name = \"a\" }]",
            "[{ audience = \"a\" }]",
            "[{ name = \"a/b\", audience = \"a\" }]",
            "[{ name = \"..\", audience = \"a\" }]",
            "[{ name = \"a\", audience = \"a\", scope = \"é\" }]",
            "[{ name = \"a\", audience = \"a\", origin = \"https://api.example.org/\" }]",
            "[{ name = \"a\", audience = \"a\", original = \"host\" }]",
            "[{ name = \"a\", audience = \"a\", scopes = \"a\" }]",
            "[{ name = \"a\", audience = \"a\" }, { name = \"a\", audience = \"b\" }]",
        ] {
            let file = format!("{SMALLEST}\n[verify]\nroutes = {routes}");
            problems.push_str(scratch.problems(&file, &[PROXIES]).lines().last().unwrap().trim());
            problems.push('\n');
        }
        let alone =
            format!("{SMALLEST}\n[verify]\nroutes = [{{ name = \"a\", audience = \"a\" }}]")
                .replace("trusted_proxies", "# trusted_proxies");
        problems.push_str(scratch.problems(&alone, &[]).lines().last().unwrap().trim());

        assert_snapshot!(problems, @r#"
        gatewright.toml:12: verify.routes: is a string; write a table such as `{ name = "invoices", audience = "https://api.example.org/invoices", scope = "invoices.read" }`, in the environment `name=invoices;audience=…;scope=…`
        gatewright.toml:12: verify.routes: has an item (number 1) that lacks an audience; write the identifier that the API is registered with (gatewright resource list)
        gatewright.toml:12: verify.routes: has an item (number 1) that lacks a name; write a table such as `{ name = "invoices", audience = "https://api.example.org/invoices", scope = "invoices.read" }`, in the environment `name=invoices;audience=…;scope=…`
        gatewright.toml:12: verify.routes: has an item (number 1) that has a key name that has other characters than letters, digits and . _ -, or more than 64, or begins with a dot; write a short name, such as "invoices"
        gatewright.toml:12: verify.routes: has an item (number 1) that has a key name that has other characters than letters, digits and . _ -, or more than 64, or begins with a dot; write a short name, such as "invoices"
        gatewright.toml:12: verify.routes: has an item (number 1) that has a key scope that is not a scope; write scopes with spaces between them
        gatewright.toml:12: verify.routes: has an item (number 1) that has a key origin that is not an origin; write scheme and host as clients use them, without a path, such as "https://api.example.org"
        gatewright.toml:12: verify.routes: has an item (number 1) that has a key original that is not one of the allowed values; write one of "x-original", "x-forwarded", "path"
        gatewright.toml:12: verify.routes: has an item (number 1) that has an unknown key `scopes`; the nearest known key is `scope`
        gatewright.toml:12: verify.routes: has two that are named a; give each a name of its own
        gatewright.toml:12: verify.routes: is set, but http.trusted_proxies names no gateway that may call it; name the addresses of the gateways there
        "#);
    }
}
