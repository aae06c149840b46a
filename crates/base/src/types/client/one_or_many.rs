//! Members of client metadata that are one string or a list.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ResourceId;

/// The form in JSON.
#[derive(Deserialize, Serialize)]
#[serde(untagged, expecting = "it is neither a text nor a list of texts")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// The claims about the user in the ID token: `gw_id_token_claims`. Claims without consent are
/// never included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "OneOrMany", into = "OneOrMany")]
pub enum IdTokenClaims {
    /// Those that the `claims` parameter requests for the ID token (OIDC Core §5.5).
    #[default]
    Requested,
    /// Also those of the granted scopes, as in userinfo.
    Scopes,
    /// Also these, as far as the granted scopes include them.
    Named(Vec<String>),
}

impl IdTokenClaims {
    /// Whether it is the default.
    pub fn is_default(&self) -> bool {
        *self == Self::Requested
    }
}

impl TryFrom<OneOrMany> for IdTokenClaims {
    type Error = &'static str;

    fn try_from(value: OneOrMany) -> Result<Self, Self::Error> {
        match value {
            OneOrMany::Many(names) => Ok(Self::Named(names)),
            OneOrMany::One(word) => match word.as_str() {
                "requested" => Ok(Self::Requested),
                "scopes" => Ok(Self::Scopes),
                _ => {
                    Err("gw_id_token_claims is \"requested\", \"scopes\" or a list of claim names")
                }
            },
        }
    }
}

impl From<IdTokenClaims> for OneOrMany {
    fn from(claims: IdTokenClaims) -> Self {
        match claims {
            IdTokenClaims::Requested => Self::One("requested".to_owned()),
            IdTokenClaims::Scopes => Self::One("scopes".to_owned()),
            IdTokenClaims::Named(names) => Self::Many(names),
        }
    }
}

/// `gw_default_audience`: a single one is written as a string, so a replica of an older version can
/// parse it.
pub(super) mod audience {
    use super::{
        Deserialize as _, Deserializer, OneOrMany, ResourceId, Serialize as _, Serializer,
    };

    pub(in super::super) fn serialize<S: Serializer>(
        audience: &[ResourceId],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match audience {
            [one] => OneOrMany::One(one.to_string()),
            many => OneOrMany::Many(many.iter().map(ToString::to_string).collect()),
        }
        .serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<ResourceId>, D::Error> {
        Ok(match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(one) => vec![ResourceId::from_text(one)],
            OneOrMany::Many(many) => many.into_iter().map(ResourceId::from_text).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Metadata;
    use super::IdTokenClaims;

    fn written(metadata: Value) -> Value {
        json!(serde_json::from_value::<Metadata>(metadata).unwrap())
    }

    #[test]
    fn a_default_audience_is_a_text_or_a_list() {
        let (one, two) = ("https://a.example", "https://b.example");

        assert_eq!(written(json!({ "gw_default_audience": one }))["gw_default_audience"], one);
        assert_eq!(written(json!({ "gw_default_audience": [one] }))["gw_default_audience"], one);
        let both = json!([one, two]);
        assert_eq!(written(json!({ "gw_default_audience": both }))["gw_default_audience"], both);
        assert!(written(json!({ "gw_default_audience": [] })).get("gw_default_audience").is_none());
        for wrong in [json!(7), json!({}), json!([7]), json!([[one]])] {
            let metadata = json!({ "gw_default_audience": wrong });
            assert!(serde_json::from_value::<Metadata>(metadata).is_err(), "{wrong}");
        }
    }

    #[test]
    fn claims_of_the_id_token_are_a_word_or_a_list() {
        let read = |value: Value| serde_json::from_value::<IdTokenClaims>(value);

        assert_eq!(read(json!("requested")).unwrap(), IdTokenClaims::Requested);
        assert_eq!(read(json!("scopes")).unwrap(), IdTokenClaims::Scopes);
        let named = IdTokenClaims::Named(vec!["email".to_owned()]);
        assert_eq!(read(json!(["email"])).unwrap(), named);
        assert_eq!(json!(named), json!(["email"]));
        for wrong in [json!("all"), json!(""), json!(true), json!([1]), json!(null)] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
        assert!(written(json!({})).get("gw_id_token_claims").is_none());
    }
}
