//! Why a request was refused: the event of the refusal, explained.

use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};

use super::{Action, Call, Error, Result, Subject};
use crate::store::audit_events::{self, AuditRow};
use crate::store::clients;
use crate::types::{Client, ClientId, Code};

/// A refused request, explained.
#[derive(Debug)]
pub struct Explanation {
    /// The event.
    pub event: AuditRow,
    /// Why it was refused, as the client was told.
    pub why: String,
    /// What was compared or found out, by name.
    pub facts: Vec<(String, String)>,
    /// The client, if it is still registered.
    pub client: Option<Client>,
    /// The rule: the document and the section, and its address.
    pub source: Option<(&'static str, &'static str)>,
    /// Pairs of values that should have matched.
    pub comparisons: Vec<Comparison>,
    /// What would mend it.
    pub remedy: Remedy,
}

/// Two values that should have matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What the request had.
    pub presented: Vec<Part>,
    /// What it was compared with.
    pub expected: Vec<Part>,
}

/// A part of a compared value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The text.
    pub text: String,
    /// Whether the other value lacks it.
    pub differs: bool,
}

/// What would mend a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Register the redirect URI, or correct it in the application.
    RedirectUri,
    /// Allow the client the scope or the API, or request less.
    Scope,
    /// Authenticate as registered, or register the other method.
    Authentication,
    /// Enable the client.
    EnableClient,
    /// Register the client, or correct its `client_id`.
    RegisterClient,
    /// The application begins again: the code or token was used, has expired or was revoked.
    BeginAgain,
    /// The user decided so, or has to sign in.
    User,
    /// Correct the request of the application.
    Request,
    /// Give the administrator a role.
    Role,
}

/// Explains the refusal of a request, by the reference that its error page or its response has.
///
/// # Errors
/// No refusal has the reference, or the database fails.
pub async fn explain(call: &Call<'_>, reference: &str) -> Result<Explanation> {
    let call = &call.allow(Action::ReadAudit)?;
    let events = audit_events::of_request(call.store.db(), reference.trim(), 50).await?;
    let event = events.into_iter().find(|event| event.outcome != "success").ok_or_else(|| {
        let text = format!("no refused request has the reference {}", reference.trim());
        Error::NotFound(Subject::Refusal, text)
    })?;
    let client = match &event.client_id {
        // By its identifier alone: a request may send the name of another client as its client_id.
        Some(id) => clients::find(call.store.db(), &ClientId::from_text(id)).await?,
        None => None,
    };
    Ok(Explanation::new(event, client))
}

impl Explanation {
    fn new(event: AuditRow, client: Option<Client>) -> Self {
        let mut facts: Map<String, Value> = serde_json::from_str(&event.facts).unwrap_or_default();
        let text = |value: Value| match value {
            Value::String(text) => text,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => value.to_string(),
        };
        let why = facts.remove("why").map(text).unwrap_or_default();
        let facts: Vec<_> = facts.into_iter().map(|(name, value)| (name, text(value))).collect();
        let code = Code::ALL.iter().copied().find(|code| code.as_str() == event.outcome);
        Self {
            comparisons: comparisons(&why, &facts, client.as_ref()),
            remedy: remedy(code, &why, client.as_ref()),
            source: if why.starts_with("redirect_uri is not registered") {
                source(Code::UnknownRedirectUri)
            } else {
                code.and_then(source)
            },
            event,
            why,
            facts,
            client,
        }
    }
}

fn fact<'a>(facts: &'a [(String, String)], name: &str) -> Option<&'a str> {
    facts.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The names of facts that are compared with each other.
const PAIRS: [(&str, &str); 6] = [
    ("asked", "registered"),
    ("asked", "granted"),
    ("audience", "expected"),
    ("scope", "expected"),
    ("presented", "expected"),
    ("presented_by", "issued_to"),
];

fn comparisons(why: &str, facts: &[(String, String)], client: Option<&Client>) -> Vec<Comparison> {
    let mut found = Vec::new();
    // The registration as it is now: what is still different has to be mended.
    if why.starts_with("redirect_uri is not registered")
        && let (Some(presented), Some(client)) = (fact(facts, "presented"), client)
        && let Some(nearest) = nearest(&client.metadata.redirect_uris, presented)
    {
        found.push(Comparison::of_texts(presented, nearest));
    }
    for (presented, expected) in PAIRS {
        if let (Some(presented), Some(expected)) = (fact(facts, presented), fact(facts, expected)) {
            found.push(if presented.contains(' ') || expected.contains(' ') {
                Comparison::of_lists(presented, expected)
            } else {
                Comparison::of_texts(presented, expected)
            });
        }
    }
    found
}

/// The text with the longest common beginning.
fn nearest<'a>(texts: &'a [String], presented: &str) -> Option<&'a str> {
    let common =
        |text: &&String| text.bytes().zip(presented.bytes()).take_while(|(a, b)| a == b).count();
    texts.iter().max_by_key(common).map(String::as_str)
}

impl Comparison {
    /// Compares texts character by character.
    fn of_texts(presented: &str, expected: &str) -> Self {
        let diff = TextDiff::from_chars(presented, expected);
        let mut comparison = Self { presented: Vec::new(), expected: Vec::new() };
        for change in diff.iter_all_changes() {
            let text = change.value();
            match change.tag() {
                ChangeTag::Equal => {
                    extend(&mut comparison.presented, text, false);
                    extend(&mut comparison.expected, text, false);
                }
                ChangeTag::Delete => extend(&mut comparison.presented, text, true),
                ChangeTag::Insert => extend(&mut comparison.expected, text, true),
            }
        }
        comparison
    }

    /// Compares lists of words, in any order.
    fn of_lists(presented: &str, expected: &str) -> Self {
        let parts = |of: &str, other: &str| {
            let others: Vec<&str> = other.split(' ').collect();
            let part =
                |word: &str| Part { text: word.to_owned(), differs: !others.contains(&word) };
            of.split(' ').map(part).collect()
        };
        Self { presented: parts(presented, expected), expected: parts(expected, presented) }
    }
}

/// Adds a text to the last part if it differs likewise, else as a new part.
fn extend(parts: &mut Vec<Part>, text: &str, differs: bool) {
    match parts.last_mut() {
        Some(last) if last.differs == differs => last.text.push_str(text),
        Some(_) | None => parts.push(Part { text: text.to_owned(), differs }),
    }
}

/// What would mend a refusal.
fn remedy(code: Option<Code>, why: &str, client: Option<&Client>) -> Remedy {
    if client.is_some_and(|client| client.disabled_at.is_some()) {
        return Remedy::EnableClient;
    }
    if why.contains("redirect_uri") {
        return Remedy::RedirectUri;
    }
    match code {
        Some(Code::InvalidRedirectUri | Code::UnknownRedirectUri) => Remedy::RedirectUri,
        Some(Code::InvalidScope | Code::InvalidTarget | Code::InsufficientScope) => Remedy::Scope,
        Some(Code::InvalidClient) if client.is_none() => Remedy::RegisterClient,
        Some(Code::UnknownClient) => Remedy::RegisterClient,
        Some(Code::InvalidClient | Code::InvalidDpopProof | Code::UseDpopNonce) => {
            Remedy::Authentication
        }
        Some(Code::InvalidGrant | Code::InvalidToken | Code::NoSuchSignIn | Code::ForeignForm) => {
            Remedy::BeginAgain
        }
        Some(Code::Forbidden | Code::InsufficientUserAuthentication) => Remedy::Role,
        Some(
            Code::AccessDenied
            | Code::LoginRequired
            | Code::ConsentRequired
            | Code::UnmetAuthenticationRequirements
            | Code::UnprovenLogout,
        ) => Remedy::User,
        Some(
            Code::InvalidRequest
            | Code::UnauthorizedClient
            | Code::UnsupportedGrantType
            | Code::UnsupportedResponseType
            | Code::ServerError
            | Code::TemporarilyUnavailable
            | Code::RequestNotSupported
            | Code::RequestUriNotSupported
            | Code::Conflict
            | Code::PreconditionFailed
            | Code::PreconditionRequired
            | Code::InvalidClientMetadata
            | Code::TooLarge
            | Code::TooSlow
            | Code::UnsupportedMediaType
            | Code::TooManyRequests
            | Code::NotFound
            | Code::Misdirected,
        )
        | None => Remedy::Request,
    }
}

/// Where a code is defined: document and section, and the address.
const fn source(code: Code) -> Option<(&'static str, &'static str)> {
    Some(match code {
        Code::InvalidRequest
        | Code::InvalidClient
        | Code::InvalidGrant
        | Code::UnauthorizedClient
        | Code::UnsupportedGrantType
        | Code::InvalidScope => {
            ("RFC 6749 §5.2", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2")
        }
        Code::AccessDenied
        | Code::UnsupportedResponseType
        | Code::ServerError
        | Code::TemporarilyUnavailable => {
            ("RFC 6749 §4.1.2.1", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1")
        }
        Code::UnknownRedirectUri => {
            ("RFC 9700 §4.1.3", "https://www.rfc-editor.org/rfc/rfc9700#section-4.1.3")
        }
        Code::UnknownClient => {
            ("RFC 6749 §4.1.2.1", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1")
        }
        Code::InvalidDpopProof => {
            ("RFC 9449 §5", "https://www.rfc-editor.org/rfc/rfc9449#section-5")
        }
        Code::UseDpopNonce => ("RFC 9449 §8", "https://www.rfc-editor.org/rfc/rfc9449#section-8"),
        Code::InvalidTarget => ("RFC 8707 §2", "https://www.rfc-editor.org/rfc/rfc8707#section-2"),
        Code::LoginRequired
        | Code::ConsentRequired
        | Code::RequestNotSupported
        | Code::RequestUriNotSupported => (
            "OpenID Connect Core §3.1.2.6",
            "https://openid.net/specs/openid-connect-core-1_0.html#AuthError",
        ),
        Code::UnmetAuthenticationRequirements => (
            "OpenID Connect Core Error Code",
            "https://openid.net/specs/openid-connect-unmet-authentication-requirements-1_0.html",
        ),
        Code::InvalidToken | Code::InsufficientScope => {
            ("RFC 6750 §3.1", "https://www.rfc-editor.org/rfc/rfc6750#section-3.1")
        }
        Code::InsufficientUserAuthentication => {
            ("RFC 9470 §3", "https://www.rfc-editor.org/rfc/rfc9470#section-3")
        }
        Code::PreconditionFailed => {
            ("RFC 9110 §15.5.13", "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.13")
        }
        Code::PreconditionRequired => {
            ("RFC 6585 §3", "https://www.rfc-editor.org/rfc/rfc6585#section-3")
        }
        Code::InvalidRedirectUri | Code::InvalidClientMetadata => {
            ("RFC 7591 §3.2.2", "https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2")
        }
        Code::UnprovenLogout => (
            "OpenID Connect RP-Initiated Logout §2",
            "https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout",
        ),
        Code::Forbidden
        | Code::Conflict
        | Code::TooLarge
        | Code::TooSlow
        | Code::UnsupportedMediaType
        | Code::TooManyRequests
        | Code::ForeignForm
        | Code::NoSuchSignIn
        | Code::NotFound
        | Code::Misdirected => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(parts: &[Part]) -> String {
        let show =
            |part: &Part| if part.differs { format!("[{}]", part.text) } else { part.text.clone() };
        parts.iter().map(show).collect::<Vec<_>>().join("|")
    }

    fn shown(comparison: &Comparison) -> (String, String) {
        (marked(&comparison.presented), marked(&comparison.expected))
    }

    #[test]
    fn the_difference_of_two_values_is_marked_in_both() {
        let of = |a, b| shown(&Comparison::of_texts(a, b));
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            of("https://app.example/cb/", "https://app.example/cb"),
            pair("https://app.example/cb|[/]", "https://app.example/cb")
        );
        assert_eq!(
            of("http://a.example/cb", "https://a.example/cb"),
            pair("http://a.example/cb", "http|[s]|://a.example/cb")
        );
        assert_eq!(
            of("https://a.example/calback/", "https://a.example/callback"),
            pair("https://a.example/calback|[/]", "https://a.example/cal|[l]|back")
        );
        assert_eq!(of("Grüße", "Große"), pair("Gr|[ü]|ße", "Gr|[o]|ße"));
        assert_eq!(of("", "x"), pair("", "[x]"));
        let lists = Comparison::of_lists("openid invoices.write", "openid email");
        assert_eq!(shown(&lists), pair("openid|[invoices.write]", "openid|[email]"));
    }

    #[test]
    fn a_redirect_uri_is_compared_with_the_most_similar_registered_one() {
        let texts = ["https://b.example/cb", "https://app.example/callback"].map(str::to_owned);
        assert_eq!(nearest(&texts, "https://app.example/cb"), Some("https://app.example/callback"));
        assert_eq!(nearest(&[], "x"), None);
    }
}
