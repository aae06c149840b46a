//! The specification: OpenAPI 3.1. Every answer in these tests is compared with it.

use std::collections::BTreeSet;

use gatewright::api::{Access, Endpoint, endpoints};
use gatewright::server::routes;
use kit::http::Response;
use kit::server::Server;
use serde_json::Value;
use tokio::sync::OnceCell;

static SPECIFICATION: OnceCell<Value> = OnceCell::const_new();

/// The specification, as the server serves it.
async fn specification() -> &'static Value {
    SPECIFICATION
        .get_or_init(|| async {
            let server = Server::start().await;
            let response = server.get("/api/v1/openapi.json").await.ok();
            assert_eq!(response.header("content-type"), "application/json; charset=utf-8");
            assert!(!response.header("etag").is_empty());
            response.body
        })
        .await
}

#[tokio::test]
async fn every_route_and_method_is_documented_and_nothing_else() {
    let specification = specification().await;
    assert_eq!(specification["openapi"], "3.1.0");
    let mut documented = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, item) in specification["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            documented.insert(format!("{} {path}", method.to_uppercase()));
            assert!(ids.insert(operation["operationId"].to_string()), "{operation}");
            assert_ne!(operation["summary"].as_str().unwrap(), "", "{method} {path}");
        }
    }
    let served = routes().into_iter().filter(|route| route.path.starts_with("/api/"));
    let served = served.filter(|route| route.path != "/api/v1/openapi.json");
    let served: BTreeSet<_> = served
        .flat_map(|route| {
            let path = route.path;
            route.methods().map(move |method| format!("{method} {path}")).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(documented, served);
    assert_eq!(served.len(), endpoints().len());
}

/// A generator of clients finds every schema.
#[tokio::test]
async fn every_reference_has_its_schema() {
    let specification = specification().await;
    let text = specification.to_string();
    let mut references = 0;
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(!specification["components"]["schemas"][name].is_null(), "{name}");
        references += 1;
    }
    assert!(references > 50, "{references}");
}

/// What the registration of a client may contain is what its type has.
#[tokio::test]
async fn all_metadata_of_clients_is_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/base/src/types/client/mod.rs");
    let source = std::fs::read_to_string(path).unwrap();
    let fields = source.split("pub struct Metadata {").nth(1).unwrap();
    let fields = fields.split("\n}").next().unwrap().lines();
    let fields = fields.filter_map(|line| line.trim().strip_prefix("pub ")?.split(':').next());
    let fields: BTreeSet<_> = fields.filter(|field| *field != "translations").collect();
    let schema = &specification().await["components"]["schemas"]["ClientMetadata"];
    let documented = schema["properties"].as_object().unwrap().keys().map(String::as_str);
    assert_eq!(documented.collect::<BTreeSet<_>>(), fields);
}

/// The table in docs/api.md is that of the endpoints. `UPDATE_DOCS=1` writes it.
#[test]
fn the_table_of_endpoints_in_the_guide_is_complete() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/api.md");
    let text = std::fs::read_to_string(path).unwrap();
    let head = "| method | path | scope | |\n|---|---|---|---|\n";
    let (before, _) = text.split_once(head).unwrap();
    let mut table = String::new();
    for endpoint in endpoints() {
        let scope = match endpoint.access {
            Access::Administrators => "any".to_owned(),
            Access::Action(action) => format!("`{}`", action.permission().unwrap().scope()),
        };
        let Endpoint { method, path, summary, .. } = &endpoint;
        table.push_str(&format!("| `{method}` | `{path}` | {scope} | {summary} |\n"));
    }
    let whole = format!("{before}{head}{table}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, whole).unwrap();
    } else {
        assert!(text == whole, "run again with UPDATE_DOCS=1");
    }
}

/// Whether a path has the form of a template.
fn matches(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template.zip(path).all(|(known, found)| known.starts_with('{') || known == found)
}

/// Asserts that a response is as the specification says, and returns it.
#[track_caller]
pub(crate) fn documented(method: &str, target: &str, response: Response) -> Response {
    let Some(specification) = SPECIFICATION.get() else {
        return response;
    };
    let path = target.split('?').next().unwrap();
    let paths = specification["paths"].as_object().unwrap();
    // A word in a template is more specific than a parameter.
    let known = paths.iter().filter(|(template, _)| matches(template, path));
    let known = known.min_by_key(|(template, _)| template.matches('{').count());
    let Some((template, item)) = known else {
        return response;
    };
    let operation = &item[method.to_lowercase()];
    if operation.is_null() {
        return response;
    }
    let status = response.status.to_string();
    let answer = &operation["responses"][&status];
    assert!(!answer.is_null(), "{method} {template}: {status} is not documented: {response:?}");
    if answer["content"].is_null() {
        assert_eq!(response.text, "", "{method} {template} {status}");
        return response;
    }
    let content = answer["content"].as_object().unwrap();
    let (_, media) = content.iter().next().unwrap();
    let place = format!("{method} {template} {status}");
    conforms(specification, &media["schema"], &response.body, &place);
    response
}

/// Checks a value against the parts of JSON Schema that the specification uses.
#[track_caller]
fn conforms(specification: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        return conforms(specification, specification.pointer(pointer).unwrap(), value, place);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(types) => types.iter().map(|one| one.as_str().unwrap()).collect(),
        Value::String(only) => vec![only],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    if !types.is_empty() {
        let own = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        assert!(types.contains(&own), "{place}: {own} instead of {types:?}");
    }
    if let (Some(items), false) = (value.as_array(), schema["items"].is_null()) {
        for item in items {
            conforms(specification, &schema["items"], item, place);
        }
    }
    let Some(members) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(members.contains_key(name.as_str().unwrap()), "{place}: {name} is missing");
    }
    let Some(properties) = schema["properties"].as_object() else { return };
    for (name, member) in members {
        match properties.get(name) {
            Some(property) => {
                conforms(specification, property, member, &format!("{place} {name}"));
            }
            None => {
                assert!(name.contains('#'), "{place}: {name} is not documented");
            }
        }
    }
}

/// The comparison itself fails where it should.
#[tokio::test]
#[should_panic(expected = "is not documented")]
async fn an_undocumented_member_is_noticed() {
    let specification = specification().await;
    let schema = serde_json::json!({ "$ref": "#/components/schemas/User" });
    let mut user = serde_json::json!({
        "id": "1", "username": "ada", "email": null, "email_verified": false, "claims": {},
        "created_at": 1, "updated_at": 1, "disabled_at": null,
    });
    conforms(specification, &schema, &user, "");
    user["password"] = "x".into();
    conforms(specification, &schema, &user, "");
}

/// Made before any other test needs it.
pub(crate) async fn prepared() {
    specification().await;
}
