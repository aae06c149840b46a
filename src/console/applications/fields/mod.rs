//! The members of client metadata that forms have a field for: RFC 7591 §2, OIDC Registration §2, and our own.

pub(super) mod view;
mod words;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::types::client::{GrantType, ResponseType};
use crate::types::{Params, Refusal, wire_enum};

wire_enum! {
    /// A member with a field.
    pub(in crate::console) enum Member {
        /// The name for users.
        ClientName = "client_name",
        /// Its home page.
        ClientUri = "client_uri",
        /// Its logo.
        LogoUri = "logo_uri",
        /// Its privacy policy.
        PolicyUri = "policy_uri",
        /// Its terms of service.
        TosUri = "tos_uri",
        /// Who is responsible.
        Contacts = "contacts",
        /// Where authorization responses are sent.
        RedirectUris = "redirect_uris",
        /// Where users return after a sign-out.
        PostLogoutRedirectUris = "post_logout_redirect_uris",
        /// The origins of its scripts.
        AllowedOrigins = "gw_allowed_origins",
        /// How it gets tokens.
        GrantTypes = "grant_types",
        /// The scopes that it may request.
        Scope = "scope",
        /// The APIs that it may request tokens for.
        AllowedResources = "gw_allowed_resources",
        /// The APIs whose tokens it gets without a request for one.
        DefaultAudience = "gw_default_audience",
        /// Whether users are not asked for consent.
        SkipConsent = "gw_skip_consent",
        /// How it authenticates.
        AuthMethod = "token_endpoint_auth_method",
        /// Whether PKCE is required.
        RequirePkce = "gw_require_pkce",
        /// The claims about the user in ID tokens.
        IdTokenClaims = "gw_id_token_claims",
        /// The format of access tokens.
        TokenFormat = "gw_access_token_format",
        /// The lifetime of access tokens.
        TokenLifetime = "gw_access_token_lifetime",
    }
}

/// How the value of a member is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A text that is always present.
    Text,
    /// An optional text.
    Optional,
    /// One value a line.
    Lines,
    /// Several of the registered APIs.
    Apis,
    /// Several of the grant types.
    Grants,
    /// One of the authentication methods.
    Method,
    /// One of the token formats, or none.
    Format,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// `requested`, `scopes`, or names of claims.
    Claims,
}

impl Member {
    const fn shape(self) -> Shape {
        match self {
            Self::ClientName | Self::Scope => Shape::Text,
            Self::ClientUri | Self::LogoUri | Self::PolicyUri | Self::TosUri => Shape::Optional,
            Self::Contacts
            | Self::RedirectUris
            | Self::PostLogoutRedirectUris
            | Self::AllowedOrigins => Shape::Lines,
            Self::AllowedResources | Self::DefaultAudience => Shape::Apis,
            Self::GrantTypes => Shape::Grants,
            Self::AuthMethod => Shape::Method,
            Self::TokenFormat => Shape::Format,
            Self::TokenLifetime => Shape::Number,
            Self::SkipConsent | Self::RequirePkce => Shape::Flag,
            Self::IdTokenClaims => Shape::Claims,
        }
    }

    /// A value from client metadata as it is typed.
    fn typed(self, value: Option<&Value>) -> String {
        match (value, self.shape()) {
            (Some(Value::String(text)), _) => text.clone(),
            (Some(Value::Array(many)), shape) => {
                let many: Vec<_> = many.iter().filter_map(Value::as_str).collect();
                many.join(if shape == Shape::Claims { " " } else { "\n" })
            }
            (Some(Value::Number(number)), _) => number.to_string(),
            (Some(Value::Bool(true)), _) => "true".to_owned(),
            (None, Shape::Claims) => "requested".to_owned(),
            (Some(Value::Bool(false) | Value::Null | Value::Object(_)) | None, _) => String::new(),
        }
    }

    /// What was typed, as a value of client metadata.
    fn value(self, typed: &str) -> Value {
        let typed = typed.trim();
        match self.shape() {
            Shape::Text => json!(typed),
            Shape::Optional | Shape::Method | Shape::Format => match typed {
                "" => Value::Null,
                text => json!(text),
            },
            Shape::Lines | Shape::Apis | Shape::Grants => json!(lines(typed).collect::<Vec<_>>()),
            // The registration says what is wrong with a text.
            Shape::Number if typed.is_empty() => Value::Null,
            Shape::Number => {
                typed.parse::<i64>().map_or_else(|_| json!(typed), |number| json!(number))
            }
            Shape::Flag => json!(typed == "true"),
            Shape::Claims => match typed.split([' ', ',']).filter(|name| !name.is_empty()) {
                mut names if names.clone().count() < 2 => json!(match names.next() {
                    None => json!("requested"),
                    Some(word @ ("requested" | "scopes")) => json!(word),
                    Some(name) => json!([name]),
                }),
                names => json!(names.collect::<Vec<_>>()),
            },
        }
    }
}

/// The lines of a field that have text.
fn lines(typed: &str) -> impl Iterator<Item = &str> {
    typed.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// What the fields of a form contain.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed(BTreeMap<Member, String>);

impl Typed {
    /// What a form with these values contains.
    pub(super) fn of(document: &Map<String, Value>, members: &[Member]) -> Self {
        let typed = |member: &Member| (*member, member.typed(document.get(member.as_str())));
        Self(members.iter().map(typed).collect())
    }

    /// Reads a form with these fields.
    ///
    /// # Errors
    /// `invalid_request` for a malformed parameter.
    pub(super) fn read(params: &Params, members: &[Member]) -> Result<Self, Refusal> {
        let mut typed = BTreeMap::new();
        for member in members {
            let text = match member.shape() {
                Shape::Apis | Shape::Grants => params.many(member.as_str())?.join("\n"),
                Shape::Text
                | Shape::Optional
                | Shape::Lines
                | Shape::Method
                | Shape::Format
                | Shape::Number
                | Shape::Flag
                | Shape::Claims => params.one(member.as_str())?.unwrap_or_default().to_owned(),
            };
            typed.insert(*member, text);
        }
        Ok(Self(typed))
    }

    /// What a field contains.
    pub(super) fn text(&self, member: Member) -> &str {
        self.0.get(&member).map(String::as_str).unwrap_or_default()
    }

    /// The values of all fields.
    pub(super) fn members(&self) -> Map<String, Value> {
        let value =
            |(member, typed): (&Member, &String)| (member.as_str().to_owned(), member.value(typed));
        with_response_types(self.0.iter().map(value).collect())
    }

    /// The values that differ from those of another form.
    pub(super) fn changed_from(&self, before: &Self) -> Map<String, Value> {
        let before = before.members();
        let mut members = self.members();
        members.retain(|name, value| before.get(name) != Some(value));
        members
    }
}

/// RFC 7591 §2.1: the response types follow from the grant types.
fn with_response_types(mut members: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Array(grants)) = members.get(Member::GrantTypes.as_str()) {
        let has_users = grants.contains(&json!(GrantType::AuthorizationCode));
        let types = if has_users { ResponseType::ALL } else { &[] };
        members.insert("response_types".to_owned(), json!(types));
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::client::Metadata;

    /// A form that is saved as it was shown changes nothing.
    #[test]
    fn what_a_form_shows_is_what_it_saves() {
        for document in [
            json!({}),
            json!({
                "client_name": "Photos",
                "redirect_uris": ["https://a.example/cb", "https://b.example/cb"],
                "gw_id_token_claims": ["email", "name"],
                "gw_access_token_lifetime": 300,
                "gw_access_token_format": "opaque",
                "gw_default_audience": "https://api.example",
                "gw_require_pkce": false,
                "policy_uri": "https://a.example/privacy",
            }),
            json!({ "gw_id_token_claims": "scopes", "gw_default_audience": ["https://a.example", "https://b.example"] }),
        ] {
            let metadata: Metadata = serde_json::from_value(document).unwrap();
            let Value::Object(before) = json!(metadata) else { panic!("an object") };

            let typed = Typed::of(&before, Member::ALL);

            assert!(typed.changed_from(&typed.clone()).is_empty());
            let mut after = before.clone();
            after.extend(typed.members());
            let after: Metadata = serde_json::from_value(Value::Object(after)).unwrap();
            assert_eq!(after, metadata);
        }
    }

    #[test]
    fn lists_are_typed_one_value_a_line() {
        let params = Params::parse(
            "redirect_uris=+https://a.example%0d%0a%0d%0ahttps://b.example&client_name=",
        )
        .unwrap();
        let members = [Member::RedirectUris, Member::ClientName, Member::ClientUri];

        let typed = Typed::read(&params, &members).unwrap().members();

        assert_eq!(typed["redirect_uris"], json!(["https://a.example", "https://b.example"]));
        assert_eq!((&typed["client_name"], &typed["client_uri"]), (&json!(""), &Value::Null));
    }
}
